#!/usr/bin/python3
"""Archiving the audit log, killed at every system call that writes: no event is ever in no place, and going on works."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from harness import BINARY, Server, run  # pylint: disable=wrong-import-position

CALLS = ("mkdir", "openat", "write", "pwrite64", "fsync", "fdatasync", "fchmod", "rename", "unlink", "ftruncate", "close")
EVENTS = 41
MOST = 400  # of one call in one run: far more than there are


@unittest.skipUnless(shutil.which("strace"), "strace is not installed: no kill at a chosen call")
class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as client:
            for i in range(EVENTS - 1):
                client.post(b"record %d" % i)
        assert cls.server.stop() == 0
        cls.data = os.path.join(cls.server.root, "killed")

    def archive(self, *before):
        return subprocess.run([*before, BINARY, "audit", "archive", "--data", self.data, "--before",
                               "2100-01-01T00:00:00Z"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)

    def assert_whole(self, where):
        done = run("audit", "verify", "--data", self.data)
        self.assertEqual((done.returncode, done.stdout), (0, f"{EVENTS} events verified\n"), where)

    def test_no_event_is_lost_whichever_call_is_the_last(self):
        kills = 0
        for call in CALLS:
            for number in range(1, MOST):
                shutil.rmtree(self.data, ignore_errors=True)
                shutil.copytree(self.server.data, self.data)
                done = self.archive("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                                    f"inject={call}:signal=SIGKILL:when={number}")
                self.assert_whole((call, number))
                again = self.archive()
                self.assertEqual(again.returncode, 0, (call, number, again.stdout))
                self.assert_whole((call, number))
                self.assertEqual(os.listdir(f"{self.data}/audit-archive"), [f"{1:020}.audit"], (call, number))
                if done.returncode == 0:
                    break
                kills += 1
            else:
                self.fail(f"{call}: no end")
        self.assertGreater(kills, 50)


if __name__ == "__main__":
    unittest.main()
