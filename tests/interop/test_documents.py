"""The commands in the documents, run as they stand there."""
import os
import pathlib
import re
import stat
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "api"))
from harness import BINARY, Server, run  # pylint: disable=wrong-import-position


def blocks(document):
    """The shell blocks of a page, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", (ROOT / document).read_text(encoding="utf-8"), re.M | re.S)


class Documents(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)
        self.server.start()
        self.dir = pathlib.Path(self.server.root)
        (self.dir / "coffer-data").symlink_to("data")
        tools = self.dir / "tools"
        tools.mkdir()
        (tools / "coffer").symlink_to(BINARY)
        script = tools / "partner.py"
        script.write_text(f'#!/bin/sh\nexec /usr/bin/python3 "{ROOT}/docs/examples/partner.py" "$@"\n', encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    def run_blocks(self, document):
        text = "set -euo pipefail\n" + "\n".join(blocks(document))
        text = text.replace("localhost:8443", f"localhost:{self.server.port}")
        done = subprocess.run(["bash", "-c", text], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, encoding="utf-8", errors="replace", check=False,
                              env={**os.environ, "PATH": f"{self.dir}/tools:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        self.assertNotIn("PRIVATE KEY", done.stdout)
        return done.stdout

    def test_partners(self):
        self.assertGreater(len(blocks("docs/partners.md")), 8)
        shown = self.run_blocks("docs/partners.md")
        self.assertIn("Verified OK", shown)
        self.server.stop()
        self.assertEqual(run("check", "--data", self.server.data).returncode, 0)


if __name__ == "__main__":
    unittest.main()
