"""Requests that different readers may take for different ones, sent to nginx in front of coffer.

nginx and coffer each keep a log; what coffer has answered must be what nginx has asked, one by one."""

import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "api"))

import raw  # noqa: E402
import test_hostile  # noqa: E402
from harness import ApiTest, wait_until  # noqa: E402

TOKEN = b"TOKEN"
LAST = b"GET /v1/health HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n"
LIMIT = str(test_hostile.LIMIT)

# A second request, which asks for what nothing else here does, in the body of a first one that both must see.
INNER = b"DELETE /v1/tokens/00000000-0000-7000-8000-000000000000 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\n\r\n"


def outer(*fields, body):
    lines = (b"POST /v1/records HTTP/1.1", b"Host: a", b"Authorization: Bearer TOKEN", *fields)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


SMUGGLED = {
    "a length that hides chunks": outer(
        b"Content-Length: %d" % (5 + len(INNER)), b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + INNER),
    "chunks that hide a length": outer(
        b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"%x\r\n" % len(INNER) + INNER + b"\r\n0\r\n\r\n"),
    "a coding that one may not know": outer(
        b"Transfer-Encoding: xchunked", b"Content-Length: 0", body=INNER),
    "a coding with a tab": outer(b"Transfer-Encoding:\tchunked", b"Content-Length: 0", body=b"0\r\n\r\n" + INNER),
    "a coding behind a folded line": outer(
        b"X: y", b" Transfer-Encoding: chunked", b"Content-Length: 0", body=INNER),
    "two lengths": outer(b"Content-Length: 0", b"Content-Length: %d" % len(INNER), body=INNER),
    "a length with a plus": outer(b"Content-Length: +%d" % len(INNER), body=INNER),
    "a length with a blank within": outer(b"Content-Length: 0 %d" % len(INNER), body=INNER),
    "a name with a blank": outer(b"Content-Length : %d" % len(INNER), body=INNER),
    "a name with an underscore": outer(b"Content_Length: %d" % len(INNER), body=INNER),
    "a chunk extension with a line end": outer(
        b"Transfer-Encoding: chunked", body=b"1;a\nb\r\nx\r\n0\r\n\r\n"),
    "a chunk size that overflows": outer(
        b"Transfer-Encoding: chunked", body=b"100000000%x\r\n" % len(INNER) + INNER + b"\r\n0\r\n\r\n"),
    "a body whose bytes are a request": outer(b"Content-Length: %d" % len(INNER), body=INNER),
    "a chunk whose bytes are a request": outer(
        b"Transfer-Encoding: chunked", body=b"%x\r\n" % len(INNER) + INNER + b"\r\n0\r\n\r\n"),
    "a trailer that is a request": outer(
        b"Transfer-Encoding: chunked", body=b"0\r\nContent-Length: %d\r\n\r\n" % len(INNER) + INNER),
    "an upgrade": b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + INNER,
    "another protocol in clear": b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                 b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" + INNER,
    "a connection header that names Host": b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: close, Host\r\n\r\n",
    "an expectation without a body": outer(b"Expect: 100-continue", b"Content-Length: %d" % len(INNER), body=b"") + INNER,
}

# There the first request has no body, or it has ended, for nginx as for coffer: INNER is the second.
PIPELINED = {"an upgrade", "another protocol in clear", "a name with an underscore", "a trailer that is a request"}


class Smuggling(ApiTest):
    options = ("--max-record-size", LIMIT)
    through = "nginx"

    @classmethod
    def setUpClass(cls):
        cls.options = (*Smuggling.options, "--access-log", "/dev/null")
        super().setUpClass()
        cls.log = os.path.join(cls.server.root, "log")
        cls.server.stop()
        cls.server.options = (*Smuggling.options, "--access-log", cls.log)
        cls.server.start()

    def answered(self):
        """(request id, method, route, status) of each that coffer has seen."""
        with open(self.log, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        return [(line["request_id"], line["method"], line["route"], line["status"]) for line in lines]

    def asked(self):
        """(id of coffer's answer or "-", status) of each that nginx has passed on."""
        lines = [line.split() for line in self.server.front.log()]
        return [(line[1], line[2]) for line in lines if line[0] != "-"]

    def send(self, text):
        """The statuses of the answers; a request that is not whole is given up after a moment."""
        data, _ = raw.send(self.server, text.replace(TOKEN, self.server.token.encode()) + LAST, timeout=0.5)
        return raw.statuses(data)

    def assert_same(self):
        """Each that coffer has seen is one that nginx has passed on, also when nginx did not wait for the answer."""
        for _ in range(2):
            last = self.client.get("/v1/health", check=False)["Coffer-Request-Id"]
        self.assertTrue(wait_until(lambda: any(line[0] == last for line in self.answered())))
        self.assertTrue(wait_until(lambda: any(line[0] == last for line in self.asked())))
        self.assertTrue(wait_until(lambda: len(self.answered()) <= len(self.asked())),
                        "coffer saw more requests than nginx passed on")
        seen, asked = self.answered(), self.asked()
        numbers = [number for number, _ in asked if number != "-"]
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertEqual(set(numbers) - {line[0] for line in seen}, set())
        return seen

    def send_all(self, cases, pipelined=()):
        """How many of them were refused. The inner request is served only where it is one by itself."""
        refused = 0
        for name, text in cases:
            with self.subTest(name):
                before = len(self.answered())
                codes = self.send(text)
                refused += bool(codes) and codes[0] >= 400
                inner = [line for line in self.assert_same()[before:] if line[1] == "DELETE"]
                self.assertEqual(len(inner), 1 if name in pipelined else 0, inner)
        return refused

    def test_requests_within_requests_are_never_served(self):
        before = len(self.client.get("/v1/records?limit=1000").json["records"])
        self.send_all(SMUGGLED.items(), PIPELINED)
        stored = self.client.get("/v1/records?limit=1000").json["records"]
        made = sum(line[1:] == ("POST", "/v1/records", 201) for line in self.answered())
        self.assertEqual(len(stored) - before, made)

    def test_what_coffer_refuses_by_itself_is_not_two_requests_behind_nginx(self):
        refused = self.send_all(test_hostile.CASES.items())
        self.assertGreater(refused, 50)

    @unittest.skipUnless(raw.HAS_DATA, "COFFER_TEST_DATA does not name the shared test data")
    def test_the_requests_of_gunicorn(self):
        self.send_all([*raw.gunicorn("invalid"), *raw.gunicorn("valid")])

    @unittest.skipUnless(raw.HAS_DATA, "COFFER_TEST_DATA does not name the shared test data")
    def test_the_requests_of_llhttp(self):
        cases = [(name, text) for name, _, text, _ in raw.llhttp()]
        self.assertGreater(len(cases), 50)
        self.send_all(cases)


class SmugglingOverTcp(Smuggling):
    through = "nginx-tcp"


if __name__ == "__main__":
    unittest.main()
