"""Clients that take their time in one phase of a connection, for ever unless the server ends it."""

import http.client
import select
import socket
import ssl

from harness import Answer


class Slow:
    """A socket, and the bytes of which drip() sends one at a time; none: it is silent."""

    method, target = "POST", "/v1/records"

    def __init__(self, connection, drops=b""):
        self.connection = connection
        self.drops = iter(drops) if drops else None
        self.poll = select.poll()
        self.poll.register(connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)

    def gone(self):
        return bool(self.poll.poll(0))

    def drip(self):
        drop = next(self.drops, None) if self.drops else None
        if drop is None:
            return
        try:
            self.connection.send(bytes([drop]))
        except OSError:
            pass

    def answer(self):
        """What has come before the connection was closed."""
        self.connection.settimeout(10)
        response = http.client.HTTPResponse(self.connection, method=self.method)
        try:
            response.begin()
            return Answer(response.status, response.headers, response.read())
        finally:
            response.close()

    def close(self):
        self.connection.close()


def _hello(server):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = server.tls.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return session, incoming, outgoing


def hello(server, silent=False):
    """Dripping, or never sending, its ClientHello."""
    return Slow(server.dial(), b"" if silent else _hello(server)[2].read())


def handshake(server, silent=False):
    """The ClientHello at once, the rest of its side of the handshake in drops or not at all."""
    session, incoming, outgoing = _hello(server)
    connection = server.dial()
    connection.sendall(outgoing.read())
    rest = b""
    while not silent and not rest:
        incoming.write(connection.recv(65536))
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        rest = outgoing.read()
    # Never the last byte, with which the handshake would be over.
    return Slow(connection, rest[:-1])


def header(server, silent=False):
    secure = server.connect()
    return Slow(secure, b"" if silent else b"GET /v1/health HTTP/1.1\r\nX: " + b"x" * 5000)


def idle(server):
    """Served once, then silent."""
    secure = server.connect()
    secure.sendall(b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n")
    secure.recv(4096)
    return Slow(secure)


def second_header(server):
    """Served once, then dripping the next request."""
    slow = idle(server)
    return Slow(slow.connection, b"GET /v1/health HTTP/1.1\r\nX: " + b"x" * 5000)


def _post(server, field, method="POST", target="/v1/records"):
    secure = server.connect()
    secure.sendall((f"{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.token}\r\n"
                    f"{field}\r\n\r\n").encode())
    return secure


def body(server, silent=False, method="POST", target="/v1/records"):
    match = 'If-Match: "1"\r\n' if method == "PUT" else ""
    secure = _post(server, f"{match}Content-Length: 100000", method, target)
    slow = Slow(secure, b"" if silent else b"x" * 5000)
    slow.method, slow.target = method, target
    return slow


def chunks(server):
    secure = _post(server, "Transfer-Encoding: chunked")
    return Slow(secure, b"1\r\nx\r\n" * 1000)


def chunk_size(server):
    """One chunk extension without an end."""
    secure = _post(server, "Transfer-Encoding: chunked")
    return Slow(secure, b"1;" + b"x" * 5000)


def continued(server):
    """Asks for leave to send, gets it, and sends nothing."""
    return Slow(_post(server, "Content-Length: 10\r\nExpect: 100-continue"))


def half_closed(server):
    """Says that it will send no more, in the middle of a body."""
    secure = _post(server, "Content-Length: 10")
    secure.send(b"x")
    socket.socket.shutdown(secure, socket.SHUT_WR)
    return Slow(secure)


def response(server, path):
    """Asks for a large record and does not read it."""
    secure = server.connect(receive_buffer=4096)
    secure.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode())
    return Slow(secure)
