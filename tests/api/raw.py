"""Bytes over TLS that no HTTP library would send, and requests written as text in the public test suites."""

import ctypes
import os
import re
import socket

DATA = os.environ.get("COFFER_TEST_DATA")
HAS_DATA = bool(DATA) and os.path.isdir(os.path.join(DATA, "http"))
# Of the libmicrohttpd that coffer loads: (0, 9, 75) on Debian 12, (1, 0, 1) on Debian 13.
_LIBRARY = ctypes.CDLL("libmicrohttpd.so.12")
_LIBRARY.MHD_get_version.restype = ctypes.c_char_p
LIBRARY = tuple(int(part) for part in _LIBRARY.MHD_get_version().split(b"."))
AFTER = b"GET /v1/health HTTP/1.1\r\nHost: after\r\n\r\n"


def connect(server, timeout=20):
    return server.connect(timeout)


def read_to_end(connection):
    """What comes until the server closes; a reset counts as closing."""
    data = b""
    try:
        while True:
            piece = connection.recv(65536)
            if not piece:
                return data, True
            data += piece
    except TimeoutError:
        return data, False
    except OSError:
        return data, True


def send(server, data, timeout=20, half_close=False):
    """The answer bytes, and whether the server closed the connection."""
    with connect(server, timeout) as secure:
        try:
            secure.sendall(data)
            if half_close:
                socket.socket.shutdown(secure, socket.SHUT_WR)
        except OSError:
            pass
        return read_to_end(secure)


def statuses(data):
    """Of each final answer, in order, as a client would read them one after the other."""
    codes = []
    while True:
        found = re.match(rb"HTTP/1\.[01] (\d\d\d) [^\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n", data)
        if not found:
            return codes
        length = re.search(rb"^content-length: *(\d+)\r$", found[2], re.I | re.M)
        data = data[found.end() + (int(length[1]) if length else 0):]
        if found[1][:1] != b"1":
            codes.append(int(found[1]))


def _unescape(text):
    table = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"t": b"\t"}

    def one(match):
        return bytes([int(match[1], 16)]) if match[1] else table[match[2]]

    return re.sub(rb"\\(?:x([0-9A-Fa-f]{2})|([rn0t]))", one, text)


def gunicorn(kind):
    """(name, bytes) of each request of the suite: "valid" or "invalid"."""
    folder = os.path.join(DATA, "http", "gunicorn", kind)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".http"):
            with open(os.path.join(folder, name), "rb") as file:
                yield name, _unescape(file.read().replace(b"\n", b""))


def _unescape_js(text):
    table = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"f": b"\f"}

    def one(match):
        if match[1]:
            return bytes([int(match[1], 16)])
        if match[2]:
            return bytes([int(match[2], 8) & 255])
        return table[match[3]]

    return re.sub(rb"\\(?:x([0-9A-Fa-f]{2})|([0-7]{1,3})|([rntf]))", one, text)


def llhttp():
    """(name, meta, bytes, log) of each request block that is plain text."""
    folder = os.path.join(DATA, "http", "llhttp")
    block = re.compile(rb"<!-- meta=(.*?) -->\s*```http\n(.*?)```\s*```log\n(.*?)```", re.S)
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            text = file.read()
        for number, (meta, request, log) in enumerate(block.findall(text)):
            if b"${" in request:
                continue
            request = request[:-1].replace(b"\\\n", b"").replace(b"\n", b"\r\n")
            yield f"{name}#{number}", meta.decode(), _unescape_js(request), log.decode("latin-1")
