"""What is made is there after a power cut: a directory, too, is only once the one that it is in has been synced."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from harness import BINARY, Server  # noqa: E402


@unittest.skipUnless(shutil.which("strace"), "strace is not installed: nobody sees what is synced")
class Directories(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="coffer-durable-")
        self.addCleanup(shutil.rmtree, self.root)

    def unsynced(self, *arguments):
        """Runs a command; the directories it made, each with those that had to be synced after it and were not."""
        log = os.path.join(self.root, "calls")
        done = subprocess.run(["strace", "-f", "-y", "-o", log, "-e", "trace=mkdir,fsync", BINARY, *arguments], cwd=self.root,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = {}
        with open(log, encoding="utf-8") as file:
            for line in file:
                if match := re.search(r'mkdir\("([^"]+)", 0700\) += 0$', line):
                    path = os.path.join(self.root, match[1])
                    made[path] = os.path.dirname(path)
                elif match := re.search(r"fsync\(\d+<([^>]+)>\) += 0$", line):
                    for path, parent in made.items():
                        made[path] = None if os.path.realpath(match[1]) == os.path.realpath(parent or "/") else parent
        return made

    def test_a_store_is_made_in_directories_that_stay(self):
        with open(os.path.join(self.root, "passphrase"), "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write("correct horse battery staple\n")
        for data in ("data", os.path.join(self.root, "other")):
            made = self.unsynced("init", "--data", data, "--kek-bits", "2048", "--passphrase-file", "passphrase")
            whole = os.path.join(self.root, data)
            self.assertEqual(made, {whole: None, f"{whole}/keys": None, f"{whole}/tls": None})

    def test_so_is_the_archive_of_the_audit_log(self):
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        with server.client() as client:
            client.post(b"a record")
        self.assertEqual(server.stop(), 0)
        made = self.unsynced("audit", "archive", "--data", server.data, "--before", "2100-01-01T00:00:00Z")
        self.assertEqual(made, {f"{server.data}/audit-archive": None})


if __name__ == "__main__":
    unittest.main()
