"""Clients that stop in the middle of their handshake, after any byte of what they send: each is gone when its deadline
has passed, and the server serves others meanwhile."""

import os
import select
import socket
import ssl
import tempfile
import time
import unittest

from shaking import CertifiedServer
from chains import Authority  # pylint: disable=wrong-import-order
from harness import wait_until  # pylint: disable=wrong-import-order

DEADLINE = 2.0
# Reaped a quarter of a second late at most; the rest is for a slow machine.
SLACK = 3.0
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Stalling:
    """A client whose bytes are counted: it sends so many, and then nothing."""

    def __init__(self, server, context, limit, session=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost", session=session)
        self.limit, self.sent, self.flights = limit, 0, []
        self.socket = socket.create_connection(("127.0.0.1", server.port), 20)
        self.begun = time.monotonic()

    def shake(self):
        """As far as the limit lets it. True: the handshake is complete on this side, and all of it was sent."""
        while True:
            done = False
            try:
                self.tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            flight = self.outgoing.read()
            part = flight[:max(0, self.limit - self.sent)]
            if flight:
                self.flights.append(len(flight))
            self.socket.sendall(part)
            self.sent += len(part)
            if len(part) < len(flight):
                return False
            if done:
                return True
            answer = self.socket.recv(65536)
            if not answer:
                raise AssertionError("the server has closed the connection")
            self.incoming.write(answer)


class Stalled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.authority = Authority(directory.name, "root")
        cls.pair = cls.authority.issue("client", "client")
        seconds = f"{int(DEADLINE * 1000)}ms"
        cls.servers = {}
        for asks in (False, True):
            options = ("--client-ca", cls.authority.at("ca.pem")) if asks else ()
            server = CertifiedServer(cls.authority, cls.authority.server(f"server{asks}"), "--hello-timeout", seconds,
                                     "--handshake-timeout", seconds, "--max-connections-per-address", "5000", *options)
            cls.addClassCleanup(server.remove)
            cls.servers[asks] = server.start()

    def context(self, version, certificate=False):
        context = ssl.create_default_context(cafile=self.authority.root)
        context.minimum_version = context.maximum_version = VERSIONS[version]
        if certificate:
            context.load_cert_chain(*self.pair)
        return context

    def session(self, server, context):
        """One that can be resumed: in TLS 1.3 the ticket comes after the handshake."""
        with socket.create_connection(("127.0.0.1", server.port), 20) as plain, context.wrap_socket(
                plain, server_hostname="localhost") as tls:
            tls.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while tls.recv(65536):
                pass
            return tls.session

    def stop_everywhere(self, version, certificate=False, resumed=False):
        server, context = self.servers[certificate], self.context(version, certificate)
        session = self.session(server, context) if resumed else None
        whole = Stalling(server, context, 1 << 20, session)
        self.assertTrue(whole.shake())
        self.assertEqual(whole.tls.session_reused, resumed)
        self.assertGreaterEqual(len(whole.flights), 2)
        whole.socket.close()
        # Lengths differ by a byte or two from one handshake to the next (ECDSA): the end is the client's own.
        stalled = []
        for limit in range(sum(whole.flights)):
            one = Stalling(server, context, limit, session)
            self.addCleanup(one.socket.close)
            if not one.shake():
                stalled.append(one)
        self.assertGreater(len(stalled), sum(whole.flights) - 10)
        with server.client() as client:
            self.assertEqual(client.get("/v1/health").status, 200)
        self.await_ends(stalled)
        self.assertTrue(wait_until(lambda: self.open(server) <= 1))

    def await_ends(self, stalled):
        waiting = {one.socket.fileno(): one for one in stalled}
        poll = select.poll()
        for number in waiting:
            poll.register(number, select.POLLIN | select.POLLRDHUP)
        while waiting:
            ready = poll.poll(1000)
            now = time.monotonic()
            for number, _ in ready:
                one = waiting[number]
                try:
                    ended = not one.socket.recv(65536)
                except ConnectionResetError:
                    ended = True
                if ended:
                    self.assertGreater(now - one.begun, DEADLINE * 0.8, f"after {one.sent} bytes")
                    self.assertLess(now - one.begun, DEADLINE + SLACK, f"after {one.sent} bytes")
                    poll.unregister(number)
                    del waiting[number]
            late = [one.sent for one in waiting.values() if now - one.begun > DEADLINE + SLACK]
            self.assertEqual(late, [], "these are still there, by the bytes that they have sent")

    @staticmethod
    def open(server):
        """Sockets that the server holds."""
        directory = f"/proc/{server.process.pid}/fd"
        count = 0
        for name in os.listdir(directory):
            try:
                count += os.readlink(os.path.join(directory, name)).startswith("socket:")
            except FileNotFoundError:
                pass
        return count - 1  # the listening one

    def test_tls_1_3(self):
        self.stop_everywhere("1.3")

    def test_tls_1_2(self):
        self.stop_everywhere("1.2")

    def test_with_a_client_certificate(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.stop_everywhere(version, certificate=True)

    def test_resumed(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.stop_everywhere(version, resumed=True)


if __name__ == "__main__":
    unittest.main()
