"""Large records: memory stays flat, small writes go on, and a broken upload leaves nothing."""

import hashlib
import http.client
import os
import socket
import struct
import threading
import time
import unittest

from harness import ApiTest, wait_until

MIB = 1024 * 1024
LARGE = (1024 if os.environ.get("COFFER_LONG") else 64) * MIB
GROWTH = 16 * MIB
BLOCK = os.urandom(MIB)


class Stream(ApiTest):
    options = ("--max-record-size", "2GiB")

    def blocks(self):
        for number in range(LARGE // MIB):
            yield number.to_bytes(8, "big") + BLOCK[8:]

    def upload(self, client):
        """As a body of known length; returns its path and digest."""
        digest = hashlib.sha256()

        def pieces():
            for block in self.blocks():
                digest.update(block)
                yield block

        made = client.post(pieces(), content_length=str(LARGE))
        self.assertEqual(made.status, 201, made.body)
        self.assertEqual(made.json["sha256"], digest.hexdigest())
        return made["Location"], digest.hexdigest()

    def download(self, path):
        """The digest of what comes, read piece by piece."""
        client = self.server.client()
        self.addCleanup(client.close)
        connection = client.open()
        connection.request("GET", path, headers={"authorization": f"Bearer {self.server.token}"})
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        digest = hashlib.sha256()
        while piece := response.read(MIB):
            digest.update(piece)
        return digest.hexdigest()

    def test_memory_stays_flat_and_small_writes_go_on(self):
        for _ in range(20):
            self.client.get(self.create(b"warm" * 50000))
        before = self.server.memory("VmHWM")
        stop, slowest, count = threading.Event(), [0.0], [0]
        failures = []

        def small_writes():
            with self.server.client() as client:
                while not stop.is_set():
                    start = time.monotonic()
                    answer = client.post(b"small")
                    if answer.status != 201:
                        failures.append(answer.body)
                    slowest[0] = max(slowest[0], time.monotonic() - start)
                    count[0] += 1

        thread = threading.Thread(target=small_writes)
        thread.start()
        try:
            path, digest = self.upload(self.client)
            self.assertEqual(self.download(path), digest)
        finally:
            stop.set()
            thread.join()
        grown = self.server.memory("VmHWM") - before
        print(f"\n{LARGE // MIB} MiB in and out beside {count[0]} small writes: memory grew by {grown / MIB:.1f} MiB, "
              f"the slowest small write took {slowest[0]:.2f} s")
        self.assertEqual(failures, [])
        self.assertGreater(count[0], 10)
        self.assertLess(slowest[0], 5, "a small write waited for the large one")
        self.assertLess(grown, GROWTH, f"memory grew by {grown / MIB:.1f} MiB")

    def test_an_interrupted_upload_leaves_nothing(self):
        before = self.client.get("/v1/records?limit=1000").json["records"]
        for part in (10, 100000, 9 * MIB):
            with self.server.connect(timeout=30) as secure:
                secure.sendall(
                    f"POST /v1/records HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.server.token}\r\n"
                    f"Content-Length: {LARGE}\r\n\r\n".encode())
                for start in range(0, part, MIB):
                    secure.sendall(BLOCK[:min(MIB, part - start)])
                secure.close()
        self.assertEqual(self.client.get("/v1/records?limit=1000").json["records"], before)
        self.assertEqual(self.client.post(b"still here").status, 201)

    def test_an_abandoned_download_does_not_stop_the_server(self):
        path = self.create(BLOCK * 8)
        for _ in range(3):
            with self.server.client() as client:
                connection = client.open()
                connection.request("GET", path, headers={"authorization": f"Bearer {self.server.token}"})
                connection.getresponse().read(1000)
        self.assertTrue(wait_until(lambda: self.client.get("/v1/ready").status == 200))
        self.assertEqual(self.client.get(path).body, BLOCK * 8)

    def request(self, path, method="GET"):
        return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {self.server.token}\r\n\r\n").encode()

    def test_head_and_body_of_a_short_reply_are_one_segment(self):
        if not self.server.speaks_tls:
            self.skipTest("what is in front of coffer makes segments of its own")
        path = self.create(BLOCK[:1024])
        with self.server.connect() as secure:
            secure.sendall(self.request("/v1/health"))
            secure.recv(65536)  # the session's tickets have come too
            for method, target, size in (("GET", path, 1024), ("GET", "/v1/health", 1), ("GET", path, 1024),
                                         ("HEAD", path, 0), ("GET", "/nothing", 1), ("GET", path, 1024)):
                before = segments_in(secure)
                secure.sendall(self.request(target, method))
                received = secure.recv(65536)
                while len(received.split(b"\r\n\r\n", 1)[-1]) < size:
                    received += secure.recv(65536)
                self.assertEqual(segments_in(secure) - before, 1, f"{method} {target}")

    def test_replies_for_which_the_socket_has_no_room_come_whole(self):
        paths = ["/openapi.json", "/assets/app.js", "/v1/health", self.create(BLOCK[:9000])]
        bodies = [self.client.get(path).body for path in paths]
        rounds = 200
        with self.server.connect(receive_buffer=4096) as secure:
            asking = threading.Thread(target=lambda: secure.sendall(b"".join(map(self.request, paths * rounds))))
            asking.start()
            stream = secure.makefile("rb")
            for body in bodies * rounds:
                time.sleep(0.002)
                self.assertTrue(stream.readline().startswith(b"HTTP/1.1 200 "))
                self.assertEqual(http.client.parse_headers(stream)["Content-Length"], str(len(body)))
                self.assertEqual(stream.read(len(body)), body)
            asking.join()


def segments_in(connection):
    """Segments with data that a connection has received: tcpi_data_segs_in of tcp(7)'s TCP_INFO."""
    return struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 152)[0]


if __name__ == "__main__":
    unittest.main()
