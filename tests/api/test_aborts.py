"""Clients that reset their connection in the middle of something leave nothing behind, and take nothing from others."""

import unittest

import aborts
from aborts import CHUNK, head
from harness import ApiTest, in_threads, wait_until

PARALLEL = 16
RECORD = bytes(range(256)) * (10 * CHUNK // 256)


def phases(server):
    """(name, bytes sent) of an upload that breaks off there; none of them is a whole request."""
    size = 4 * CHUNK
    counted = head(server, "POST", "/v1/records", f"Content-Length: {size}")
    chunked = head(server, "POST", "/v1/records", "Transfer-Encoding: chunked")
    piece = b"%x\r\n" % CHUNK + bytes(CHUNK) + b"\r\n"
    return {
        "nothing": b"",
        "a part of the request line": counted[:7],
        "a part of a field": counted[:40],
        "all of the header but its end": counted[:-2],
        "no body": counted,
        "a byte": counted + b"x",
        "a chunk less a byte": counted + bytes(CHUNK - 1),
        "a chunk": counted + bytes(CHUNK),
        "a chunk and a byte": counted + bytes(CHUNK + 1),
        "all but the last byte": counted + bytes(size - 1),
        "a part of a chunk's size": chunked + piece + b"100",
        "a part of a chunk's bytes": chunked + piece + b"100\r\n" + bytes(100),
        "no line end after a chunk": chunked + piece[:-2],
        "no last chunk": chunked + 3 * piece,
        "a part of the last chunk": chunked + 3 * piece + b"0\r\n",
        "a part of the trailer": chunked + 3 * piece + b"0\r\nX: y\r\n",
    }


class Aborts(ApiTest):
    def listed(self):
        return self.client.get("/v1/records?limit=1000").json["records"]

    def assert_nothing_left(self):
        self.assertTrue(aborts.swept(self.server), aborts.leftovers(self.server))

    def test_an_upload_reset_at_any_phase_stores_nothing(self):
        before = self.listed()
        sent = phases(self.server)
        in_threads(len(sent), lambda i: [aborts.send_and_reset(self.server, data) for data in [*sent.values()][i:i + 1] * 3])
        self.assertEqual(self.client.post(RECORD).status, 201)
        self.assert_nothing_left()
        self.assertEqual(len(self.listed()), len(before) + 1)

    def test_an_upload_whose_answer_is_not_awaited_is_whole_or_absent(self):
        data = head(self.server, "POST", "/v1/records", f"Content-Length: {len(RECORD)}") + RECORD
        before = {record["id"] for record in self.listed()}
        in_threads(PARALLEL, lambda _: aborts.send_and_reset(self.server, data))
        self.assert_nothing_left()
        for record in self.listed():
            if record["id"] not in before:
                self.assertEqual(self.client.get(f"/v1/records/{record['id']}").body, RECORD)

    def test_parallel_uploads_that_break_off_disturb_no_other(self):
        torn = head(self.server, "POST", "/v1/records", f"Content-Length: {100 * CHUNK}") + bytes(9 * CHUNK)

        def work(i):
            if i % 2:
                return [aborts.send_and_reset(self.server, torn) for _ in range(6)]
            with self.server.client() as client:
                return [client.post(RECORD)["Location"] for _ in range(3)]

        paths = [path for made in in_threads(PARALLEL, work)[::2] for path in made]
        for path in paths:
            self.assertEqual(self.client.get(path).body, RECORD)
        self.assert_nothing_left()

    def test_reads_that_break_off_leave_no_socket(self):
        path = self.create(RECORD)
        before = aborts.sockets(self.server)
        ranges = [head(self.server, "GET", path, f"Range: bytes={i * 997}-{i * 997 + 3 * CHUNK}") for i in range(50)]

        def work(i):
            for request in ranges[i::2]:
                aborts.send_and_reset(self.server, request, read=1)
                # On one connection, and none of the answers is read.
                aborts.send_and_reset(self.server, request * 20)

        in_threads(PARALLEL, lambda i: work(i % 2))
        self.assertTrue(wait_until(lambda: aborts.sockets(self.server) <= before), aborts.sockets(self.server))
        self.assertEqual(self.client.get(path, range="bytes=5-9").body, RECORD[5:10])


if __name__ == "__main__":
    unittest.main()
