"""What clients of a test dial: coffer's own TLS, its plain HTTP, or a real proxy before that.

COFFER_PROXY says which for a whole run: tls (the default), plain, unix, and those of tests/proxy/proxies.py."""

import os
import re
import socket
import sys

LOOPBACK = "127.0.0.1"


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


class Tls:
    """Directly, as curl does."""

    name = "tls"
    ready = re.compile(r"coffer is ready at https://\S+:(\d+)")

    def __init__(self, server):
        self.server = server
        self.port = None

    def options(self):
        return ()

    def heard(self, line):
        """Whether the line, of the server's output, says that it is ready."""
        found = self.ready.search(line)
        if found:
            self.port = int(found[1])
        return bool(found)

    def started(self):
        pass

    def removed(self):
        pass

    def dial(self, timeout, source, receive_buffer):
        connection = socket.socket()
        connection.settimeout(timeout)
        try:
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if source:
                connection.bind((source, 0))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as http.client does
            connection.connect((LOOPBACK, self.port))
        except BaseException:
            connection.close()
            raise
        return connection

    def secure(self, connection):
        return self.server.tls.wrap_socket(connection, server_hostname=LOOPBACK)


class Plain(Tls):
    """As a proxy does, over TCP, and without telling anything of its client."""

    name = "plain"
    ready = re.compile(r"coffer is ready for a proxy at http://127\.0\.0\.1:(\d+)")

    def options(self):
        return ("--http", f"{LOOPBACK}:0")

    def secure(self, connection):
        return connection


class Unix(Plain):
    """The same over a Unix socket. The port is that of no socket: it goes into Host."""

    name = "unix"
    ready = re.compile(r"coffer is ready for a proxy at unix:/")

    def path(self):
        return os.path.join(self.server.root, "http")

    def options(self):
        return ("--http", f"unix:{self.path()}")

    def heard(self, line):
        self.port = 80
        return bool(self.ready.search(line))

    def dial(self, timeout, source, receive_buffer):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.connect(self.path())
        except BaseException:
            connection.close()
            raise
        return connection


def _proxies():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = os.path.join(here, "..", "proxy")
    if folder not in sys.path:
        sys.path.append(folder)
    import proxies  # pylint: disable=import-outside-toplevel

    return proxies.FRONTS


def find(name=None):
    """The class of that name, or of the one that COFFER_PROXY has."""
    name = name or os.environ.get("COFFER_PROXY") or Tls.name
    own = {front.name: front for front in (Tls, Plain, Unix)}
    return own.get(name) or _proxies()[name]
