"""Connections beyond the limits are told so, and those within are served."""

import json
import unittest

import raw
from harness import ApiTest, CONTRACT, wait_until

REQUEST = b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n"


class Limited(ApiTest):
    def hold(self, source="127.0.0.1"):
        """A connection that has been served and stays open."""
        secure = self.server.connect(source=source)
        self.addCleanup(secure.close)
        return secure

    def ask(self, secure):
        secure.sendall(REQUEST)
        data = b""
        while not data.endswith(b"}"):
            piece = secure.recv(65536)
            if not piece:
                break
            data += piece
        return raw.statuses(data)

    def assert_refused(self, secure, status):
        secure.sendall(REQUEST + REQUEST)
        data, closed = raw.read_to_end(secure)
        self.assertEqual((raw.statuses(data), closed), ([status], True))
        head, body = data.split(b"\r\n\r\n", 1)
        self.assertIn(b"\r\nretry-after: 1", head.lower())
        CONTRACT.validate(json.loads(body), {"$ref": "#/components/schemas/Problem"}, "wire")

    def served_again(self, source="127.0.0.1"):
        def one():
            with self.hold(source) as secure:
                return self.ask(secure) == [200]

        return wait_until(one)


class InAll(Limited):
    options = ("--max-connections", "4")

    def test_the_one_too_many_is_told_503_until_there_is_room(self):
        held = [self.hold() for _ in range(4)]
        self.assertEqual([self.ask(one) for one in held], [[200]] * 4)
        for _ in range(3):
            self.assert_refused(self.hold(), 503)
        self.assertEqual([self.ask(one) for one in held], [[200]] * 4)
        held[0].close()
        self.assertTrue(self.served_again())


class OfOneAddress(Limited):
    options = ("--max-connections-per-address", "3")

    def test_the_one_too_many_is_told_429_and_other_addresses_are_served(self):
        held = [self.hold("127.0.0.2") for _ in range(3)]
        self.assertEqual([self.ask(one) for one in held], [[200]] * 3)
        self.assert_refused(self.hold("127.0.0.2"), 429)
        self.assertEqual(self.ask(self.hold("127.0.0.3")), [200])
        held[0].close()
        self.assertTrue(self.served_again("127.0.0.2"))


if __name__ == "__main__":
    unittest.main()
