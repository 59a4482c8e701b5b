"""Latencies seen by one plain client, without wrk."""

import socket
import ssl
import threading
import time

HEALTH = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(server):
    """A TLS connection with Nagle's algorithm on, as Python's ssl leaves it."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    return server.tls.wrap_socket(plain, server_hostname="localhost")


def ask_health(connection):
    """Seconds from the request to the end of the answer."""
    started = time.perf_counter()
    connection.sendall(HEALTH)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("closed before an answer")
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(f"health answered {head[:40]!r}")
    size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < size:
        body += connection.recv(65536)
    return time.perf_counter() - started


def first_requests(server, count):
    """Seconds from the end of the handshake to the first answer, for each of `count` new connections."""
    times = []
    for _ in range(count):
        with connect(server) as connection:
            times.append(ask_health(connection))
    return times


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


class Pacer:
    """Asks for health at a steady pace on one connection, in a thread of its own, until the block ends."""

    PAUSE = 0.005

    def __init__(self, server):
        self.server = server
        self.times = []
        self.error = None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            with connect(self.server) as connection:
                while not self.stop.wait(self.PAUSE):
                    self.times.append(ask_health(connection))
        except (OSError, ssl.SSLError) as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    @property
    def p99(self):
        if self.error or not self.times:
            raise RuntimeError(f"the health probe failed: {self.error}")
        return percentile(self.times, 99)
