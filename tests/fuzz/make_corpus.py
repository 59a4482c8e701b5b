#!/usr/bin/python3
"""Makes the seeds of tests/fuzz/corpus/: small inputs that are right, or nearly so, from which a fuzzer starts."""

import base64
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
KEYS = json.loads((HERE.parent / "vectors" / "keys-suite1.json").read_text())


def lp(data):
    return struct.pack(">H", len(data)) + data


def wire():
    values = bytes(range(1, 16)) + lp(b"text") + bytes(8)
    yield "integers", bytes([0, 1, 2, 3]) + bytes(15 - 4) + values[:15]
    yield "lp", bytes([6, 6, 6]) + lp(b"")[:2] + lp(b"a")
    yield "views", bytes([4 + 7 * 3, 5 + 7 * 5, 6, 3, 0]) + b"abcde"
    yield "everything", bytes([0, 1, 2, 3, 6, 4 + 7 * 8]) + bytes(len(values) - 6) + values


def record_meta():
    def meta(media_type, labels):
        return b"\1" + lp(media_type) + lp(labels) + bytes(range(32)) + struct.pack(">Q", 12345)

    yield "plain", meta(b"text/plain", b"")
    yield "labels", meta(b"application/fhir+json; charset=utf-8", b"patient=42, kind=lab")
    yield "empty", meta(b"", b"")
    yield "nul", meta(b"text\0plain", b"")
    yield "longest", meta(b"m" * 255, b"l" * 4096)
    yield "too-long", meta(b"m" * 256, b"l")


def audit_event():
    def event(action, peer):
        return (struct.pack(">BQQQ", 1, 0, 42, 1770000000123) + b"\1" * 16 + b"\2" * 16 + lp(peer) +
                struct.pack(">H", action) + b"\3" * 16 + struct.pack(">QQH", 7, 8, 201) + b"\4" * 16)

    yield "create", event(2, b"127.0.0.1")
    yield "server", event(1, b"")
    yield "ipv6", event(11, b"2001:db8:1234:5678:9abc:def0:255.255.255.255")
    yield "peer-with-nul", event(3, b"127.0.0.1\0")
    yield "peer-too-long", event(3, b"1" * 46)
    yield "unknown-action", event(12, b"::1")
    yield "fields", (struct.pack(">QqBQQH", 9, -1, 3, 1, 2, 404) + bytes(range(64)) + b"::1")


def encode():
    yield "base64", b"Y29mZmVyIQ=="
    yield "base64-one-pad", b"Y29mZmVyISE="
    yield "base64-loose-bits", b"Y29mZmVyIR=="
    yield "base64url", b"-_-_AA"
    yield "hex", b"00ff7fA0"
    yield "uuid", b"0192f0c1-2d3e-7abc-8def-0123456789ab"
    yield "empty", b""


def hello():
    def records(body, *pieces):
        message = b"\1" + struct.pack(">I", body)[1:] + bytes(body)
        out = b""
        for piece in pieces:
            part, message = message[:piece], message[piece:]
            out += b"\x16\3\1" + struct.pack(">H", len(part)) + part
        return out

    yield "one-record", records(60, 64)
    yield "two-records", records(60, 40, 24)
    yield "short-first-record", records(20, 1, 2, 3, 18)
    yield "more-behind", records(20, 24) + b"\x14\3\3\0\1\1"
    yield "cut", records(200, 204)[:90]
    yield "no-tls", b"GET / HTTP/1.1\r\n"
    yield "too-long", b"\x16\3\1\0\x08\1\xff\0\0\3\3\0\0"


TARGETS = (wire, record_meta, audit_event, encode, hello)


def main():
    for target in TARGETS:
        directory = HERE / "corpus" / target.__name__
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in target():
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
