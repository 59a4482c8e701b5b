"""A kernel that has no room to watch another connection: that one is dropped, and nothing else."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from harness import Server, wait_until  # noqa: E402


def threads(pid, name):
    """The ids of a process's threads of this name."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
            if file.read().strip() == name:
                found.append(task)
    return found


@unittest.skipUnless(shutil.which("strace"), "strace is not installed: no call fails at a chosen place")
@unittest.skipUnless(os.geteuid() == 0, "only root may trace a process that is not dumpable")
class EpollFull(unittest.TestCase):
    def setUp(self):
        self.server = Server("--loops", "1")
        self.addCleanup(self.server.remove)
        self.server.start()

    def refuse_one(self):
        """The loop's next epoll_ctl() fails, which is the one by which its library takes a connection."""
        log = tempfile.NamedTemporaryFile(mode="r", encoding="ascii")
        self.addCleanup(log.close)
        (loop,) = threads(self.server.process.pid, "loop")
        tracer = subprocess.Popen(["strace", "-p", loop, "-o", log.name, "-e", "trace=epoll_ctl", "-e",
                                   "inject=epoll_ctl:error=ENOSPC:when=1"], stderr=subprocess.PIPE, encoding="ascii")
        self.addCleanup(tracer.wait)
        self.addCleanup(tracer.terminate)
        self.addCleanup(tracer.stderr.close)
        self.assertIn("attached", tracer.stderr.readline())
        return log

    def test_a_connection_that_cannot_be_watched_is_dropped_and_the_others_go_on(self):
        client = self.server.client()
        self.addCleanup(client.close)
        self.assertEqual(client.get("/v1/health").status, 200)
        log = self.refuse_one()
        with self.assertRaises(OSError), self.server.client() as refused:
            refused.get("/v1/health")
        self.assertTrue(wait_until(lambda: "ENOSPC" in log.read()))
        self.assertEqual(client.get("/v1/health").status, 200)
        with self.server.client() as fresh:
            self.assertEqual(fresh.get("/v1/health").status, 200)
        # Counted out as it was counted in.
        self.assertTrue(wait_until(lambda: client.get("/v1/status").json["connections"]["open"] == 1))


if __name__ == "__main__":
    unittest.main()
