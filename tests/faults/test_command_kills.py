#!/usr/bin/python3
"""Commands that rewrite what a store cannot do without, killed at every system call that writes: nothing is lost, and
doing it again works."""

import json
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

    def command(self, *words, before=()):
        return subprocess.run([*before, BINARY, *words, "--data", self.data], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)

    def killed(self, *words):
        """Runs the command on copies of the store, each time to a later call; yields which call it was."""
        kills = 0
        for call in CALLS:
            for number in range(1, MOST):
                shutil.rmtree(self.data, ignore_errors=True)
                shutil.copytree(self.server.data, self.data)
                done = self.command(*words, before=("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                                                    f"inject={call}:signal=SIGKILL:when={number}"))
                yield call, number
                if done.returncode == 0:
                    break
                kills += 1
            else:
                self.fail(f"{call}: no end")
        self.assertGreater(kills, 40)

    def assert_whole(self, where, events=EVENTS):
        done = run("audit", "verify", "--data", self.data)
        self.assertEqual((done.returncode, done.stdout), (0, f"{events} events verified\n"), where)

    def test_archiving_loses_no_event(self):
        archive = ("audit", "archive", "--before", "2100-01-01T00:00:00Z")
        for where in self.killed(*archive):
            self.assert_whole(where)
            again = self.command(*archive)
            self.assertEqual(again.returncode, 0, (where, again.stdout))
            self.assert_whole(where)
            self.assertEqual(os.listdir(f"{self.data}/audit-archive"), [f"{1:020}.audit"], where)

    def test_replacing_the_identity_key_leaves_one_that_counts(self):
        for where in self.killed("identity", "rotate"):
            listed = self.command("identity", "list")
            self.assertEqual(listed.returncode, 0, (where, listed.stdout))
            keys = json.loads(listed.stdout)["identity_keys"]
            rotated = len(keys) == 2
            self.assertEqual([key["state"] for key in keys], ["retired", "current"] if rotated else ["current"], where)
            self.assert_whole(where, EVENTS + rotated)
            again = self.command("identity", "rotate")
            self.assertEqual(again.returncode, 0, (where, again.stdout))
            after = json.loads(again.stdout)["identity_keys"]
            self.assertEqual(len(after), len(keys) + 1, where)
            self.assertEqual([key["public_key"] for key in after[:-1]], [key["public_key"] for key in keys], where)
            self.assert_whole(where, EVENTS + len(after) - 1)
            self.assertEqual(sorted(name for name in os.listdir(f"{self.data}/keys") if name.startswith("identity")),
                             ["identity.pem"], where)


if __name__ == "__main__":
    unittest.main()
