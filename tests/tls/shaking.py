"""Handshakes by three clients: OpenSSL's, GnuTLS's, and one of our own that says what the two no longer can."""

import os
import re
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from harness import Server  # noqa: E402

SECONDS = 20


class CertifiedServer(Server):
    """Serves a pair of an authority that its clients trust."""

    def __init__(self, authority, pair, *options):
        super().__init__("--tls-cert", pair[0], "--tls-key", pair[1], "--kek-bits", "2048", *options, through="tls")
        self.authority = authority

    def ca(self):
        return self.authority.root


def by_openssl(server, *options, stdin=b""):
    """(version, suite, group) of a handshake with `openssl s_client` that verified the server; None when there is none."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "localhost", "-CAfile", server.ca(),
         "-verify_return_error", "-verify_hostname", "localhost", "-brief", *options], input=stdin, capture_output=True,
        timeout=SECONDS, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    version = re.search(r"^Protocol version: (\S+)", said, re.M)
    suite = re.search(r"^Ciphersuite: (\S+)", said, re.M)
    if done.returncode != 0 or not version or not suite:
        # A mistake in the options would look like a refusal.
        assert not re.search("usage|[Uu]nknown|[Ee]rror with command|Call to SSL_CONF_cmd", said), said
        return None
    group = re.search(r"^Server Temp Key: (?:ECDH, )?([^,]+)", said, re.M)
    return version.group(1), suite.group(1), group and group.group(1)


def by_gnutls(server, priority):
    """The description of a session, as `gnutls-cli` prints it; None when there is none."""
    done = subprocess.run(
        ["gnutls-cli", "--port", str(server.port), "--x509cafile", server.ca(), "--verify-hostname", "localhost",
         "--sni-hostname", "localhost", "--priority", priority, "127.0.0.1"], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=SECONDS, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "Syntax error" not in said and "priority" not in said.lower(), said
    found = re.search(r"^- Description: (.*)$", said, re.M)
    return found.group(1) if done.returncode == 0 and found else None


# ---- a ClientHello of any kind ---------------------------------------------------------------------------------------


def extension(number, body):
    return struct.pack(">HH", number, len(body)) + body


def vector(body, size=2):
    return len(body).to_bytes(size, "big") + body


def client_hello(version, suites, compressions=b"\0", extensions=()):
    """One record: TLS 1.2 and older, with groups and signature algorithms that any server takes."""
    common = [extension(10, vector(struct.pack(">4H", 29, 23, 24, 25))), extension(11, vector(b"\0", 1)),
              extension(13, vector(bytes.fromhex("040305030603080408050806040105010601020302010101"))), *extensions]
    body = struct.pack(">H", version) + os.urandom(32) + b"\0" + vector(b"".join(struct.pack(">H", s) for s in suites)) + vector(
        compressions, 1)
    if version > 0x0300:
        body += vector(b"".join(common))
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16" + struct.pack(">HH", min(version, 0x0301), len(message)) + message


def ssl2_hello():
    """CLIENT-HELLO of SSL 2: RC4 and triple DES."""
    suites = bytes.fromhex("010080" "0700c0")
    body = b"\x01\x00\x02" + struct.pack(">HHH", len(suites), 0, 16) + suites + os.urandom(16)
    return struct.pack(">H", 0x8000 | len(body)) + body


def answer_to(server, hello):
    """"hello", "alert", or "end": what the server says first."""
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as plain:
        plain.sendall(hello)
        try:
            first = plain.recv(6)
        except ConnectionResetError:
            first = b""
    if first[:1] == b"\x16":
        return "hello"
    return "alert" if first[:1] == b"\x15" else "end"
