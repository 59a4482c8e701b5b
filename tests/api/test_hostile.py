"""Requests that would mean different things to different readers: one refusal, and nothing after it is served."""

import os
import unittest

import raw
from harness import ApiTest

LIMIT = 200000


def request(line="POST /v1/records HTTP/1.1", *fields, body=b"", host="Host: a"):
    head = [line] + ([host] if host else []) + ["Authorization: Bearer TOKEN", *fields]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


CHUNKED = b"3\r\nabc\r\n0\r\n\r\n"
CASES = {
    "a length and chunks": request(
        "POST /v1/records HTTP/1.1", "Content-Length: 13", "Transfer-Encoding: chunked", body=CHUNKED),
    "chunks and a length": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 13", body=CHUNKED),
    "gzip": request("POST /v1/records HTTP/1.1", "Transfer-Encoding: gzip", body=CHUNKED),
    "identity": request("POST /v1/records HTTP/1.1", "Transfer-Encoding: identity", body=CHUNKED),
    "chunked twice": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=CHUNKED),
    "chunked in a list": request("POST /v1/records HTTP/1.1", "Transfer-Encoding: gzip, chunked", body=CHUNKED),
    "chunked with a control": request("POST /v1/records HTTP/1.1", "Transfer-Encoding: \x0bchunked", body=CHUNKED),
    "an empty coding": request("POST /v1/records HTTP/1.1", "Transfer-Encoding:", body=CHUNKED),
    "chunks with HTTP/1.0": request("POST /v1/records HTTP/1.0", "Transfer-Encoding: chunked", body=CHUNKED),
    "a coding with a space before its colon": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding : chunked", body=CHUNKED),
    "two lengths": request("POST /v1/records HTTP/1.1", "Content-Length: 3", "Content-Length: 4", body=b"abcd"),
    "the same length twice": request("POST /v1/records HTTP/1.1", "Content-Length: 3", "Content-Length: 3", body=b"abc"),
    "a list of lengths": request("POST /v1/records HTTP/1.1", "Content-Length: 3, 3", body=b"abc"),
    "a negative length": request("POST /v1/records HTTP/1.1", "Content-Length: -3", body=b"abc"),
    "a length with a sign": request("POST /v1/records HTTP/1.1", "Content-Length: +3", body=b"abc"),
    "a hexadecimal length": request("POST /v1/records HTTP/1.1", "Content-Length: 0x3", body=b"abc"),
    "an empty length": request("POST /v1/records HTTP/1.1", "Content-Length:", body=b"abc"),
    "a length past 64 bits": request("POST /v1/records HTTP/1.1", "Content-Length: 18446744073709551617", body=b"abc"),
    "no host": request("GET /v1/records HTTP/1.1", host=None),
    "two hosts": request("GET /v1/records HTTP/1.1", "Host: b"),
    "a host that is a list": request("GET /v1/records HTTP/1.1", host="Host: a, b"),
    "a host with a path": request("GET /v1/records HTTP/1.1", host="Host: a/b"),
    "a name with a space": request("GET /v1/records HTTP/1.1", "A name: x"),
    "a name with a space at its end": request("GET /v1/records HTTP/1.1", "Name : x"),
    "an empty name": request("GET /v1/records HTTP/1.1", ": x"),
    "a lone colon": request("GET /v1/records HTTP/1.1", ":"),
    "a lone colon after an empty value": request("GET /v1/records HTTP/1.1", "X:  ", ":"),
    "another request after a lone colon": request(
        "GET /v1/records HTTP/1.1", "X:", ":", "GET /v1/health HTTP/1.1", "Host: b"),
    "a folded value": request("GET /v1/records HTTP/1.1", "X: a", " b"),
    "a folded coding": request("POST /v1/records HTTP/1.1", "Transfer-Encoding:", " chunked", body=CHUNKED),
    "a line ended by LF": request("GET /v1/records HTTP/1.1", "X: a\nY: b"),
    "a header ended by LF": b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\n",
    "a request line ended by LF": b"GET /v1/health HTTP/1.1\nHost: a\r\n\r\n",
    "a NUL in a name": request("POST /v1/records HTTP/1.1", "Content-Length: 3", "Transfer-\0Encoding: x", body=b"abc"),
    "a NUL in a value": request("GET /v1/records HTTP/1.1", "X: a\0b"),
    "NULs in the place of CRLF and colon": request("GET /v1/records HTTP/1.1", "X: a\0\0Y\0b"),
    "a NUL in a length": request("POST /v1/records HTTP/1.1", "Content-Length: 3\0005", body=b"abc"),
    "a NUL in the method": request("GET\0X /v1/health HTTP/1.1"),
    "a NUL in the path": request("GET /v1/health\0/x HTTP/1.1"),
    "a NUL in the query": request("GET /v1/records?limit=1\0&after=x HTTP/1.1"),
    "a NUL between path and query": request("GET /v1/records\0?limit=1 HTTP/1.1"),
    "a control in the query": request("GET /v1/records?limit=1&after=\x01 HTTP/1.1"),
    "raw bytes in the query": request("GET /v1/health?\xff HTTP/1.1"),
    "a fragment after the query": request("GET /v1/health?x#y HTTP/1.1"),
    "two spaces before the target": request("GET  /v1/health HTTP/1.1"),
    "two spaces after the target": request("GET /v1/health  HTTP/1.1"),
    "a name with a bracket": request("GET /v1/records HTTP/1.1", "Na(me): x"),
    "a name beyond ASCII": request("GET /v1/records HTTP/1.1", "N\xe4me: x"),
    "a first field that is folded": b"GET /v1/health HTTP/1.1\r\n Host: a\r\n\r\n",
    "a field without a colon": request("GET /v1/records HTTP/1.1", "Nothing"),
    "a value with a bell": request("GET /v1/records HTTP/1.1", "X: a\x07b"),
    "a value with a lone CR": request("GET /v1/records HTTP/1.1", "X: a\rHost: b"),
    "an encoded NUL": request("GET /v1/records/%00 HTTP/1.1"),
    "an encoded NUL in an unknown path": request("GET /x%00y HTTP/1.1"),
    "an encoded slash": request("GET /v1%2frecords HTTP/1.1"),
    "an encoded slash in capitals": request("GET /v1/records/a%2Fb HTTP/1.1"),
    "half an escape": request("GET /v1/records/a%2 HTTP/1.1"),
    "no escape at all": request("GET /v1/records/%zz HTTP/1.1"),
    "a space in the target": request("GET /v1/records /x HTTP/1.1"),
    "a fragment": request("GET /v1/health#x HTTP/1.1"),
    "raw bytes in the target": request("GET /v1/\xff HTTP/1.1"),
    "a relative target": request("GET v1/health HTTP/1.1"),
    "an absolute target": request("GET https://a/v1/health HTTP/1.1"),
    "an asterisk": request("OPTIONS * HTTP/1.1"),
    "CONNECT": request("CONNECT a:443 HTTP/1.1"),
    "TRACE": request("TRACE /v1/health HTTP/1.1"),
    "a method that is no token": request("G(T /v1/health HTTP/1.1"),
    "an unknown expectation": request("POST /v1/records HTTP/1.1", "Expect: the-best", "Content-Length: 3", body=b"abc"),
    "too many fields": request("GET /v1/health HTTP/1.1", *(f"X-{i}: {i}" for i in range(200))),
    "far too many fields": request("GET /v1/health HTTP/1.1", *("a:" for i in range(30000))),
    "a field of 100 KiB": request("GET /v1/health HTTP/1.1", "X: " + "x" * 100000),
    "a name of 100 KiB": request("GET /v1/health HTTP/1.1", "x" * 100000 + ": x"),
    "a target of 100 KiB": request(f"GET /v1/records/{'x' * 100000} HTTP/1.1"),
    "a query of 100 KiB": request(f"GET /v1/records?{'x=1&' * 25000} HTTP/1.1"),
    "a method of 100 KiB": request("G" * 100000 + " /v1/health HTTP/1.1"),
    "an announced body past the limit": request("POST /v1/records HTTP/1.1", f"Content-Length: {LIMIT + 1}"),
    "chunks past the limit": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", body=b"f0000\r\n" + b"x" * 0xf0000 + b"\r\n"),
    "a chunk size past 64 bits": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", body=b"1" * 17 + b"\r\nabc\r\n0\r\n\r\n"),
    "a negative chunk": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", body=b"-3\r\nabc\r\n0\r\n\r\n"),
    "a chunk size with an underscore": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", body=b"0_3\r\nabc\r\n0\r\n\r\n"),
    "a chunk longer than it says": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", body=b"3\r\nabcd\r\n0\r\n\r\n"),
    "a trailer with a length": request(
        "POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "HTTP/2 without TLS's leave": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /v1/health\r\n\r\n",
    "HTTP/1.1 in small letters": request("GET /v1/health http/1.1"),
    "another TLS hello": b"\x16\x03\x01 nonsense\r\n\r\n",
}


# What libmicrohttpd 1.0 does not take for HTTP at all it closes without a word; 0.9 lets the gate answer.
SILENT = set() if raw.LIBRARY < (1, 0) else {
    "a NUL in the method", "a NUL in the path", "a NUL in the query", "a NUL between path and query", "a method of 100 KiB",
    "another TLS hello",
}


class Gate(ApiTest):
    options = ("--max-record-size", str(LIMIT))

    def stored(self):
        return len(self.client.get("/v1/records?limit=1000").json["records"])

    def test_what_is_ambiguous_is_refused_once_and_nothing_after_it_is_served(self):
        before = self.stored()
        for name, text in CASES.items():
            with self.subTest(name):
                answer, closed = raw.send(
                    self.server, text.replace(b"TOKEN", self.server.token.encode()) + raw.AFTER)
                self.assertTrue(closed, "the connection stayed open")
                codes = raw.statuses(answer)
                if name in SILENT:
                    self.assertEqual(answer, b"")
                    continue
                self.assertEqual(len(codes), 1, answer[:400])
                self.assertTrue(400 <= codes[0] < 500 or codes[0] == 505, answer[:400])
        self.assertEqual(self.stored(), before)
        self.assertEqual(self.client.get("/v1/health").status, 200)

    def test_the_request_that_the_cases_twist_is_served(self):
        token = self.server.token.encode()
        text = request("POST /v1/records HTTP/1.1", "Transfer-Encoding: chunked", body=CHUNKED)
        last = b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        answer, closed = raw.send(self.server, text.replace(b"TOKEN", token) + raw.AFTER + last)
        self.assertEqual((raw.statuses(answer), closed), ([201, 200, 200], True))

    def test_an_empty_line_before_a_request_is_skipped(self):
        """RFC 9112 section 2.2: clients of old sent one behind a body."""
        text = b"\r\nGET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        answer, closed = raw.send(self.server, text)
        self.assertEqual((raw.statuses(answer), closed), ([200], True))

    # As the suite's own remarks say, these depend on a setting or on the meaning of a field.
    READ_AS_WE_DO = {
        "012.http",  # a Host with an equals sign: RFC 3986 allows it
        "041.http",  # two Content-Types
    }

    @unittest.skipUnless(raw.HAS_DATA, "COFFER_TEST_DATA does not name the shared test data")
    def test_no_invalid_request_of_gunicorn_is_served_nor_one_after_it(self):
        for name, text in raw.gunicorn("invalid"):
            with self.subTest(name):
                answer, _ = raw.send(self.server, text + raw.AFTER, half_close=True)
                codes = raw.statuses(answer)
                self.assertTrue(all(400 <= code < 500 or code == 505 for code in codes[:1]), answer[:400])
                self.assertTrue(len(codes) <= 1 or name in self.READ_AS_WE_DO, answer[:400])

    @unittest.skipUnless(raw.HAS_DATA, "COFFER_TEST_DATA does not name the shared test data")
    def test_no_request_of_llhttp_that_needs_leniency_is_served(self):
        seen = 0
        for name, meta, text, log in raw.llhttp():
            if "enient" not in meta and "error code=" not in log:
                continue
            seen += 1
            with self.subTest(name):
                answer, _ = raw.send(self.server, text, half_close=True)
                self.assertTrue(all(code >= 400 for code in raw.statuses(answer)), answer[:400])
        self.assertGreater(seen, 20)


if __name__ == "__main__":
    unittest.main()
