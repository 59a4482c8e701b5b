"""Clients that never finish are gone after a while, whatever they are at, and the others are served meanwhile."""

import functools
import re
import unittest

import slow
from harness import CONTRACT, ApiTest, run, wait_until

LARGE = 24 * 1024 * 1024
SHORT = ("--hello-timeout", "700ms", "--handshake-timeout", "700ms", "--header-timeout", "700ms", "--idle-timeout",
         "1s", "--rate-window", "1s")
FOR_EVER = ("--hello-timeout", "1h", "--handshake-timeout", "1h", "--header-timeout", "1h", "--idle-timeout", "1h",
            "--body-rate", "0", "--response-rate", "0")
KINDS = {
    "silent before the hello": functools.partial(slow.hello, silent=True),
    "dripping the hello": slow.hello,
    "silent within the handshake": functools.partial(slow.handshake, silent=True),
    "dripping the handshake": slow.handshake,
    "silent after the handshake": functools.partial(slow.header, silent=True),
    "dripping the header": slow.header,
    "idle": slow.idle,
    "dripping the second header": slow.second_header,
    "silent within the body": functools.partial(slow.body, silent=True),
    "dripping the body": slow.body,
    "dripping chunks": slow.chunks,
    "dripping a chunk extension": slow.chunk_size,
    "silent after 100 Continue": slow.continued,
    "half-closed within the body": slow.half_closed,
}
TLS_ONLY = {"silent within the handshake", "dripping the hello", "dripping the handshake"}
EACH = 3


def kinds(server):
    return {name: kind for name, kind in KINDS.items() if server.speaks_tls or name not in TLS_ONLY}


class Deadlines(ApiTest):
    options = SHORT

    def wait_gone(self, crowd, seconds=30):
        def turn():
            for one in crowd:
                if not one.gone():
                    one.drip()
            self.assertEqual(self.client.get("/v1/health").status, 200)
            return all(one.gone() for one in crowd)

        return wait_until(turn, seconds)

    def all_gone(self, crowd, seconds=30):
        try:
            return self.wait_gone(crowd, seconds)
        finally:
            for one in crowd:
                one.close()

    def test_slow_clients_of_every_phase_are_gone(self):
        for name, kind in kinds(self.server).items():
            with self.subTest(name):
                self.assertTrue(self.all_gone([kind(self.server) for _ in range(EACH)]), "still there")

    def test_a_client_that_does_not_read_is_gone(self):
        path = self.create(bytes(LARGE))
        self.assertTrue(self.all_gone([slow.response(self.server, path) for _ in range(EACH)]), "still there")
        self.assertEqual(len(self.client.get(path).body), LARGE)

    def test_a_body_that_does_not_come_is_answered_and_audited(self):
        late = ("silent within the body", "dripping the body", "dripping chunks", "dripping a chunk extension",
                "silent after 100 Continue")
        path = self.create(b"first")
        late = {name: KINDS[name] for name in late}
        late["of a new version"] = functools.partial(slow.body, silent=True, target=path, method="PUT")
        for name, kind in late.items():
            with self.subTest(name):
                before = self.audit_events()
                crowd = [kind(self.server) for _ in range(EACH)]
                self.assertTrue(self.wait_gone(crowd), "still there")
                for one in crowd:
                    answer = one.answer()
                    self.assert_problem(answer, 408, "request-timeout")
                    self.assertEqual(answer["Connection"], "close")
                    CONTRACT.check(one.method, one.target, answer.status, answer.headers, answer.body)
                    one.close()
                self.assertEqual(self.audit_events(), before + EACH)
        self.assertEqual(self.client.get(path).body, b"first")

    def audit_events(self):
        done = run("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return int(re.search(r"(\d+) events verified", done.stdout)[1])

    def test_bodies_that_were_cut_off_leave_no_record(self):
        before = self.client.get("/v1/records?limit=1000").json["records"]
        self.assertTrue(self.all_gone([slow.body(self.server), slow.chunks(self.server)]))
        self.assertEqual(self.client.get("/v1/records?limit=1000").json["records"], before)


class Patience(ApiTest):
    """Long deadlines: what ends the clients of the other class is the deadline, and nothing else."""

    options = FOR_EVER

    def test_slow_clients_are_still_there(self):
        crowd = [kind(self.server) for name, kind in kinds(self.server).items() if name != "half-closed within the body"]
        for _ in range(60):
            for one in crowd:
                one.drip()
            self.assertEqual(self.client.get("/v1/health").status, 200)
        self.assertEqual([one.gone() for one in crowd], [False] * len(crowd))
        for one in crowd:
            one.close()


if __name__ == "__main__":
    unittest.main()
