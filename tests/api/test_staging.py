"""A thousand bodies that were half sent are in memory and in the database while they are under way, and then gone."""

import resource
import unittest

import aborts
import raw
from aborts import CHUNK, head
from harness import ApiTest, wait_until

BODIES = 1000
SENT = CHUNK + 1000  # a chunk is staged, a part of another waits in memory
SLACK = 16 << 20


class Staging(ApiTest):
    options = ("--max-connections-per-address", "2000", "--body-rate", "0")

    @classmethod
    def setUpClass(cls):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        super().setUpClass()

    def crowd(self):
        begun = head(self.server, "POST", "/v1/records", f"Content-Length: {100 * CHUNK}") + bytes(SENT)
        held = []
        try:
            for _ in range(BODIES):
                held.append(raw.connect(self.server))
                held[-1].sendall(begun)
            staged = wait_until(lambda: aborts.leftovers(self.server) == (BODIES, BODIES), 60)
        finally:
            for one in held:
                aborts.reset(one)
        self.assertTrue(staged, aborts.leftovers(self.server))
        self.assertTrue(aborts.swept(self.server), aborts.leftovers(self.server))

    def test_half_sent_bodies_go_with_their_connections(self):
        sockets = aborts.sockets(self.server)
        self.crowd()
        once = self.server.memory("VmRSS")
        self.crowd()
        self.assertTrue(wait_until(lambda: aborts.sockets(self.server) <= sockets),
                        aborts.sockets(self.server))
        self.assertTrue(wait_until(lambda: self.server.memory("VmRSS") < once + SLACK), "memory does not come back")
        self.assertEqual(self.client.get("/v1/records").json["records"], [])
        self.assertEqual(self.client.post(b"still here").status, 201)


if __name__ == "__main__":
    unittest.main()
