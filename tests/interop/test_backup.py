"""The backup of docs/operations.md, taken by its own commands while the server is written to, is a whole store."""

import itertools
import os
import pathlib
import subprocess
import sys
import threading
import unittest

from pages import ROOT, commands

sys.path.insert(0, str(ROOT / "tests" / "api"))
from harness import BINARY, Server, run, wait_until  # pylint: disable=wrong-import-position

WRITERS = 3


class Backup(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)
        self.server.start()
        self.dir = pathlib.Path(self.server.root)
        (self.dir / "coffer-data").symlink_to("data")
        (self.dir / "coffer").symlink_to(BINARY)
        self.assertTrue(wait_until((self.dir / "data" / "audit.head").exists))

    def write_until(self, enough, kept):
        with self.server.client() as client:
            for number in itertools.count(1):
                if enough.is_set():
                    break
                body = os.urandom(200000 if number % 10 == 0 else 100)
                path = client.post(body)["Location"]
                if number % 7 == 0:
                    client.delete(path, if_match='"1"')
                else:
                    kept.append((path, body))

    def take(self):
        (text,) = [text for text in commands("docs/operations.md") if "VACUUM INTO" in text]
        done = subprocess.run(["bash", "-c", "set -euo pipefail\n" + text], cwd=self.dir, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, encoding="utf-8", check=False,
                              env={**os.environ, "PATH": f"{self.dir}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("faults: 0", done.stdout)

    def test_a_backup_of_a_busy_server_is_whole_and_has_all_that_was_stored_before_it(self):
        enough, lists = threading.Event(), [[] for _ in range(WRITERS)]
        writers = [threading.Thread(target=self.write_until, args=(enough, kept)) for kept in lists]
        for writer in writers:
            writer.start()
        try:
            self.assertTrue(wait_until(lambda: all(len(kept) > 50 for kept in lists)))
            before = [entry for kept in lists for entry in kept[:40]]
            self.take()
            count = sum(map(len, lists))
            self.assertTrue(wait_until(lambda: sum(map(len, lists)) > count + 50), "it goes on")
        finally:
            enough.set()
            for writer in writers:
                writer.join()
        self.server.stop()
        os.rename(self.server.data, self.server.data + ".lost")
        os.rename(self.dir / "backup", self.server.data)
        self.server.start()
        with self.server.client() as client:
            for path, body in before:
                self.assertEqual(client.get(path).body, body)
            self.assertEqual(client.post(b"and on").status, 201)
        self.assertEqual(self.server.stop(), 0)
        done = run("check", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
