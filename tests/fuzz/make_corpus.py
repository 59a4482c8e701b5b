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
    yield "unknown-action", event(99, b"::1")
    yield "fields", (struct.pack(">QqBQQH", 9, -1, 3, 1, 2, 404) + bytes(range(64)) + b"::1")


def audit_segment():
    def header(first, last, stream=0, magic=b"cofaudt1"):
        return magic + b"\1" * 16 + struct.pack(">QQQ", stream, first, last) + b"\2" * 32

    event = lp(b"e" * 100) + b"\3" * 32 + b"\4" * 32
    yield "one", header(1, 1) + event
    yield "three", header(7, 9) + event + lp(b"") + bytes(64) + event
    yield "cut", header(1, 2) + event
    yield "more", header(1, 1) + event + b"\0"
    yield "longest", header(1, 1) + lp(b"e" * 256) + bytes(64)
    yield "too-long", header(1, 1) + lp(b"e" * 257) + bytes(64)
    yield "most", header(1, 10000) + event
    yield "too-many", header(1, 10001) + event
    yield "backwards", header(2, 1) + event
    yield "high", header(2**63 - 1, 2**63 - 1) + event
    yield "too-high", header(2**64 - 1, 2**64 - 1) + event
    yield "stream", header(1, 1, 1) + event
    yield "magic", header(1, 1, 0, b"cofaudt2") + event


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


def conditional():
    def with_numbers(first, second, text):
        return struct.pack(">QQ", first, second) + text

    yield "range", with_numbers(10, 100, b"bytes=2-5")
    yield "range-suffix", with_numbers(10, 5, b"bytes=-3")
    yield "range-open", with_numbers(2**63, 2**64 - 1, b"bytes=5-")
    yield "range-list", with_numbers(10, 10, b"bytes=0-1,3-4")
    yield "range-huge", with_numbers(2**64 - 1, 0, b"bytes=0-18446744073709551615")
    yield "etag", with_numbers(17, 17, b'"17"')
    yield "etag-list", with_numbers(3, 3, b'"other", W/"2" , "3"')
    yield "etag-any", with_numbers(1, 2, b"*")
    yield "if-range-date", with_numbers(1, 2, b"Mon, 02 Feb 2026 03:04:05 GMT")


def http_date():
    yield "date", b"Mon, 02 Feb 2026 03:04:05 GMT"
    yield "leap-day", b"Thu, 29 Feb 2024 23:59:59 GMT"
    yield "no-leap-day", b"Wed, 29 Feb 2023 00:00:00 GMT"
    yield "year-0", b"Sat, 01 Jan 0000 00:00:00 GMT"
    yield "year-9999", b"Fri, 31 Dec 9999 23:59:59 GMT"
    yield "leap-second", b"Sat, 31 Dec 2016 23:59:60 GMT"
    yield "rfc850", b"Sunday, 06-Nov-94 08:49:37 GMT"
    yield "moment", struct.pack(">q", -1) + b"\0"
    yield "moment-now", struct.pack(">q", 1770000000123)


def slot():
    yield "credential", bytes.fromhex(KEYS["credential_slot"])
    yield "passphrase", bytes.fromhex(KEYS["passphrase_slot"])
    yield "nothing-changed", bytes(93)
    yield "salt-changed", bytes(20) + b"\1"
    yield "empty", b""


def json_():
    yield "object", b'{"passphrase":"correct horse","shares":[1,-2,3],"deep":{"a":null,"b":true,"c":false}}'
    yield "escapes", br'["\"\\\/\b\f\n\r\t","\u00e9\u20ac","\ud83d\ude00"]'
    yield "utf8", '"z\u00e9\u20ac\U0001f600"'.encode()
    yield "numbers", b"[0,-0,10,1.5,1e5,-1.25E-3,9223372036854775807,-9223372036854775808,9223372036854775808]"
    yield "white-space", b" \t\r\n[ 1 , 2 ] \n"
    yield "duplicate", br'{"a":1,"\u0061":2}'
    yield "nul", br'"\u0000"'
    yield "half-pair", br'"\ud800"'
    yield "deepest", b"[" * 32 + b"]" * 32
    yield "too-deep", b"[" * 33 + b"]" * 33
    yield "many-members", b"{" + b",".join(b'"%d":0' % i for i in range(257)) + b"}"
    yield "byte-order-mark", b"\xef\xbb\xbf{}"


def route():
    yield "page", b"\0/"
    yield "record", b"\0/v1/records/0192f0c1-2d3e-7abc-8def-0123456789ab"
    yield "head", b"\1/v1/records"
    yield "escapes", b"\4/v1/records/a%62%C3%a9"
    yield "version", b"\0/v1/records/abc/versions/12"
    yield "four", b"\3/a/%25/c/d"
    yield "not-allowed", b"\5/v1/records"
    yield "nul", b"\0/v1/records/%00"
    yield "slash", b"\0/v1/records/a%2fb"
    yield "half-escape", b"\0/v1/records/%4"


def settings_value():
    for rule, text in ((0, "17"), (1, "4MiB"), (2, "64KiB"), (3, "90min"), (4, "10s"), (5, "on"), (6, "/srv/coffer"),
                       (7, ""), (8, "127.0.0.1:8443"), (8, "[2001:db8::1]:0"), (9, "a.test,*.b.test,::1,10.0.0.1"),
                       (10, "https://a.test,https://[::1]:8443"), (8, "off"), (11, "unix:/run/coffer/http"),
                       (11, "127.0.0.1:5000"), (12, "0660"), (13, "10.0.0.0/8,::1,unix"),
                       (14, "127.0.0.1:9464"), (15, "/a b/c.pem,d.pem"), (15, "a,,b"), (15, "a,"),
                       (1, "18446744073709551615"), (3, "18446744073709551616"),
                       (1, "18446744073709551615GiB"), (1, "17179869184GiB"), (3, "9223372036854775808s")):
        yield "%d-%s" % (rule, "".join(c if c.isalnum() else "_" for c in text)), bytes([rule]) + text.encode()


def settings_file():
    yield "some", b"# comment\n; another\n\nloops = 2\nlisten = [::1]:8443\nepoch_wraps = off\n"
    yield "all-kinds", (b"data = /srv/a b;c#d\nmax_record_size = 4MiB\nlog-level=debug\nkek_bits = 4096\n"
                        b"idle_timeout = 90min\nhost_name = a.test,*.b.test\naccess_log =\n")
    yield "twice", b"loops = 1\nloops = 2"
    yield "section", b"[server]\nloops = 1\n"
    yield "unknown", b"loop = 1\n"
    yield "no-value", b"loops\n"
    yield "bad-value", b"loops = many\n"
    yield "mark-and-crlf", b"\xef\xbb\xbfloops = 1\r\nworkers = 1\r\n"
    yield "indented", b"  loops = 1\n\tworkers : 2\n"
    yield "comment-like-value", b"/srv/a ;b #c = d"
    yield "comment-like-line", b"data = /srv/a ;b\n"
    yield "long-line", b"data = /" + b"x" * 300 + b"\n"


def der(pem):
    return base64.b64decode("".join(line for line in pem.splitlines() if "-----" not in line))


def inside(tag_der):
    """The contents of a DER element, and what follows it."""
    length, start = tag_der[1], 2
    if length >= 0x80:
        start = 2 + (length & 0x7f)
        length = int.from_bytes(tag_der[2:start], "big")
    return tag_der[start:start + length], tag_der[start + length:]


def element(tag, contents):
    size = len(contents)
    head = bytes([size]) if size < 0x80 else bytes([0x82]) + struct.pack(">H", size)
    return bytes([tag]) + head + contents


def after(data, count):
    """What follows `count` DER elements."""
    for _ in range(count):
        data = inside(data)[1]
    return data


RSA = bytes.fromhex("300d06092a864886f70d0101010500")
ED25519 = bytes.fromhex("300506032b6570")


def pkcs1():
    return inside(after(inside(der(KEYS["kek_pem"]))[0], 2))[0]


def private_key():
    pem = KEYS["kek_pem"].encode()
    yield "pem", b"\0" + pem
    yield "pem-encrypted", b"\0" + pem.replace(b"PRIVATE", b"ENCRYPTED PRIVATE")
    yield "pem-cut", b"\0" + pem[:100]
    yield "pkcs8", b"\1" + der(KEYS["kek_pem"])
    yield "pkcs1", b"\2" + pkcs1()
    numbers = after(inside(pkcs1())[0], 1)
    parts = []
    while numbers:
        part, numbers = inside(numbers)
        parts.append(part)
    yield "numbers", b"\xff" + b"".join(map(lp, parts))
    for name, at, value in (("p-0", 3, b"\0"), ("p-1", 3, b"\1"), ("q-0", 4, b"\0"), ("d-0", 2, b"\0"),
                            ("e-0", 1, b"\0"), ("e-1", 1, b"\1"), ("n-even", 0, parts[0][:-1] + b"\0"),
                            ("n-0", 0, b"\0"), ("p-negative", 3, b"\xff" + parts[3][1:]), ("u-0", 7, b"\0"),
                            ("p-empty", 3, b"")):
        yield "numbers-" + name, b"\xff" + b"".join(map(lp, parts[:at] + [value] + parts[at + 1:]))
    seed = element(4, element(4, bytes(range(32))))
    yield "ed25519", b"\1" + element(0x30, b"\2\1\0" + ED25519 + seed)
    yield "ed25519-short", b"\1" + element(0x30, b"\2\1\0" + ED25519 + element(4, element(4, bytes(31))))
    yield "small-numbers", b"\2" + element(0x30, b"\2\1\0" + b"\2\1\1" * 8)


def public_key():
    numbers = after(inside(pkcs1())[0], 1)
    modulus = numbers[:len(numbers) - len(after(numbers, 1))]
    for name, exponent in (("good", b"\2\3\1\0\1"), ("even", b"\2\3\1\0\2"), ("small", b"\2\1\3")):
        yield name, element(0x30, RSA + element(3, b"\0" + element(0x30, modulus + exponent)))
    yield "short-modulus", element(0x30, RSA + element(3, b"\0" + element(0x30, b"\2\1\x7f\2\3\1\0\1")))
    yield "ed25519", element(0x30, ED25519 + element(3, b"\0" + bytes(32)))


def gate():
    def request(line, *fields):
        return b"\r\n".join((line, b"Host: coffer.test:8443") + fields) + b"\r\n\r\n"

    get, post = b"GET /v1/records/a%20b?limit=2&after=x HTTP/1.1", b"POST /v1/records HTTP/1.1"
    yield "get", request(get, b"Accept: */*", b"Authorization: Bearer abc", b"If-None-Match: \"1\"")
    yield "post-length", request(post, b"Content-Length: 5", b"Expect: 100-continue") + b"bytes"
    yield "post-chunked", request(post, b"Transfer-Encoding: chunked") + b"5\r\nbytes\r\n0\r\n\r\n"
    yield "both-framings", request(post, b"Transfer-Encoding: chunked", b"Content-Length: 5")
    yield "two-lengths", request(post, b"Content-Length: 5", b"Content-Length: 6")
    yield "length-with-sign", request(post, b"Content-Length: +5")
    yield "two-hosts", request(get, b"Host: other.test")
    yield "no-host", get + b"\r\nAccept: */*\r\n\r\n"
    yield "two-expectations", request(post, b"Content-Length: 0", b"Expect: 100-continue", b"Expect: x")
    yield "old", request(b"GET / HTTP/1.0")
    yield "trace", request(b"TRACE / HTTP/1.1")
    yield "bare-lf", request(get, b"A: b\nC: d")
    yield "bare-cr", request(get, b"A: b\rC: d")
    yield "folded", request(get, b"A: b", b" c")
    yield "nameless", request(get, b": b")
    yield "blank-before-colon", request(get, b"Content-Length : 5")
    yield "nul-in-value", request(get, b"A: b\0c")
    yield "nul-in-name", request(get, b"A\0: b")
    yield "no-colon", request(get, b"A")
    yield "empty-value", request(get, b"A:", b"B: ")
    yield "raw-nul-in-path", request(b"GET /v1/health\0/x HTTP/1.1")
    yield "raw-nul-in-query", request(b"GET /v1/records?limit=1\0&after=x HTTP/1.1")
    yield "raw-nul-behind-path", request(b"GET /v1/records\0 HTTP/1.1")
    yield "nuls-like-a-field", request(get, b"A: b\0\0C\0d")
    yield "nul-and-lf", request(get, b"A: b\0\nC: d")
    yield "colon-and-lf", request(get, b"A: b\n:", b"C: d")
    yield "lf-then-colon", request(get, b"A: b\r\n\n:", b"C: d")
    yield "control-in-query", request(b"GET /v1/records?after=\1 HTTP/1.1")
    yield "space-in-query", request(b"GET /v1/records?after=a b HTTP/1.1")
    yield "nul-in-path", request(b"GET /%00 HTTP/1.1")
    yield "slash-in-path", request(b"GET /a%2Fb HTTP/1.1")
    yield "absolute", request(b"GET http://coffer.test/ HTTP/1.1")
    yield "blanks-in-line", request(b"GET  /  HTTP/1.1")
    yield "empty-line-first", b"\r\n" + request(get)
    yield "many-fields", request(get, *(b"A%d: b" % i for i in range(101)))


def directory_name():
    yield "plain", b"bob"
    yield "folded", b"Clinic.North_7-B"
    yield "digit-first", b"0x"
    yield "longest", b"a" * 64
    yield "too-long", b"a" * 65
    yield "dot-first", b".bob"
    yield "space", b"bob b"
    yield "high", b"b\xc3\xb6b"


def accept():
    yield "one", b"application/jwk+json"
    yield "weights", b"text/*;q=0.3, application/jwk+json;q=0.7, application/*;level=1;Q=0.4, */*;q=0.5"
    yield "blanks", b" ,, application/x-pem-file ; q=0 ,\t*/*"
    yield "odd-weights", b"text/plain;q=1.5, application/*;q=, */*;q=0.1234"
    yield "quoted", b'text/plain;a="x,y;q=0";q=0.5'
    yield "no-range", b"application, *, */json"


def etag_list():
    def with_tag(tag, value):
        return bytes([len(tag)]) + tag + value

    yield "jwk", with_tag(b"3-jwk", b'"3", W/"3-jwk"')
    yield "number", with_tag(b"7", b'"other", W/"2" , "7"')
    yield "any", with_tag(b"1", b"*")
    yield "empty", with_tag(b"", b'""')
    yield "unquoted", with_tag(b"1", b'1, "1')
    yield "comma-inside", with_tag(b"a,b", b'"a", "a,b"')
    yield "weak-alone", with_tag(b"1", b"W/")


def origin():
    def lines(port, *texts):
        return struct.pack(">H", port) + b"\n".join(texts)

    names = b"localhost,127.0.0.1,::1,Clinic.Example.ORG"
    yield "name", lines(8443, b"localhost:8443", b"", names)
    yield "name-default-port", lines(443, b"clinic.example.org", b"", names)
    yield "address", lines(8443, b"[::1]:8443", b"", names)
    yield "configured", lines(1, b"Two.example:443", b"https://one.example:8443,https://TWO.example", names)
    yield "configured-address", lines(1, b"[2001:DB8::1]", b"https://[2001:db8::1]:443", b"")
    yield "other", lines(8443, b"localhost", b"https://one.example", names)
    yield "longest", lines(65535, b"a" * 253 + b":65535", b"", b"a" * 253)


def pem(label, contents):
    text = base64.b64encode(contents).decode()
    rows = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN %s-----" % label, *rows, "-----END %s-----" % label, ""]).encode()


def key_numbers():
    """Modulus and exponent of the test key, as DER INTEGERs."""
    numbers = after(inside(pkcs1())[0], 1)
    rest = after(numbers, 2)
    return numbers[:len(numbers) - len(rest)]


def certificate(key):
    """Unsigned, but well formed: only the key in it is looked at."""
    name = element(0x30, b"")
    times = element(0x30, element(0x17, b"260101000000Z") * 2)
    signed_by = bytes.fromhex("300d06092a864886f70d01010b0500")
    body = element(0x30, element(0xa0, b"\2\1\2") + b"\2\1\1" + signed_by + name + times + name + key)
    return element(0x30, body + signed_by + element(3, bytes(257)))


def pubkey_pem():
    pkcs1_key = element(0x30, key_numbers())
    spki = element(0x30, RSA + element(3, b"\0" + pkcs1_key))
    yield "text", b"\0" + pem("PUBLIC KEY", spki)
    yield "text-between", b"\0words before\n" + pem("PUBLIC KEY", spki) + b"and after\n"
    yield "twice", b"\0" + pem("PUBLIC KEY", spki) * 2
    yield "private-behind", b"\0" + pem("PUBLIC KEY", spki) + b"-----BEGIN PRIVATE KEY-----\n"
    yield "label-unknown", b"\0" + pem("PUBLIC KEYS", spki)
    yield "spki", b"\1" + spki
    yield "spki-ed25519", b"\1" + element(0x30, ED25519 + element(3, b"\0" + bytes(32)))
    yield "spki-pss", b"\1" + element(0x30, bytes.fromhex("300b06092a864886f70d01010a") +
                                      element(3, b"\0" + pkcs1_key))
    yield "pkcs1", b"\2" + pkcs1_key
    yield "pkcs1-more-behind", b"\2" + pkcs1_key + b"\0"
    yield "pkcs1-three-numbers", b"\2" + element(0x30, key_numbers() + b"\2\1\1")
    yield "pkcs1-negative", b"\2" + element(0x30, b"\2\2\xff\x7f\2\3\1\0\1")
    yield "certificate", b"\3" + certificate(spki)


def key_text():
    def number(contents):
        return base64.urlsafe_b64encode(contents).rstrip(b"=")

    modulus = number(inside(key_numbers())[0].lstrip(b"\0"))
    yield "jwk", b'{"kty":"RSA","n":"' + modulus + b'","e":"AQAB"}'
    yield "jwk-more", b' {"kid":"d","use":"enc","e":"AQAB","kty":"RSA","n":"' + modulus + b'"}\n'
    yield "jwk-private", b'{"kty":"RSA","n":"' + modulus + b'","e":"AQAB","d":"AQ"}'
    yield "jwk-private-escaped", br'{"kty":"EC","\u0064":"AQ"}'
    yield "jwk-small", b'{"kty":"RSA","n":"AQAB","e":"AQ"}'
    yield "jwk-other", b'{"kty":"OKP","crv":"Ed25519","x":"AQ"}'
    yield "jwk-long", b'{"kty":"RSA","n":"' + b"B" * 1500 + b'","e":"AQAB"}'
    yield "pem", pem("RSA PUBLIC KEY", element(0x30, key_numbers()))
    yield "pem-private", KEYS["kek_pem"].encode()


def invite_text():
    members = (b'{"origin":"https://localhost:8443","ca":"' + b"0f" * 32 + b'","name":"bob","role":"partner","secret":"'
               + b"A" * 43 + b'"}')
    yield "members", members
    yield "no-ca", members.replace(b"0f" * 32, b"")
    yield "escaped", members.replace(b"localhost", rb"local\u0068ost")
    yield "control", members.replace(b"localhost", rb"local\u001bost")
    yield "wrapped", b" coffer-invite-v1." + base64.urlsafe_b64encode(members).rstrip(b"=") + b"\n"


def port80():
    def request(line, *fields, host=b"clinic.example.org"):
        return b"\r\n".join((line, b"Host: " + host) + fields) + b"\r\n\r\n"

    get, challenge = b"GET /a%20b?c=d HTTP/1.1", b"/.well-known/acme-challenge/"
    yield "get", request(get, b"Accept: */*", host=b"Clinic.Example.org:80")
    yield "head", request(b"HEAD / HTTP/1.0")
    yield "ipv6", request(get, host=b"[2001:db8::1]:8080")
    yield "other-host", request(get, host=b"other.example")
    yield "user-in-host", request(get, host=b"clinic.example.org@other.example")
    yield "challenge", request(b"GET " + challenge + b"A-token_9 HTTP/1.1")
    yield "challenge-unknown", request(b"GET " + challenge + b"token HTTP/1.1")
    yield "challenge-up", request(b"GET " + challenge + b"../../keys/store.key HTTP/1.1")
    yield "credentials", request(get, b"Authorization: Bearer x")
    yield "post", request(b"POST / HTTP/1.1", b"Content-Length: 1") + b"x"
    yield "get-with-body", request(get, b"Content-Length: 1") + b"x"
    yield "absolute", request(b"GET http://clinic.example.org/ HTTP/1.1")
    yield "version", request(b"GET / HTTP/2.0")
    yield "folded", request(get, b"A: b", b" c")
    yield "bare-lf", request(get, b"A: b\nLocation: x")
    yield "two-hosts", request(get, b"Host: other.example")
    yield "long", request(b"GET /" + b"a" * 4000 + b" HTTP/1.1")
    yield "too-long", request(b"GET /" + b"a" * 4200 + b" HTTP/1.1")
    yield "hello", bytes.fromhex("160301020001000100")


def forwarded():
    trusted = b"10.0.0.0/8,2001:db8:ffff::/48,unix\n"
    yield "one", trusted + b"F192.0.2.1\nPhttps\nHrecords.example.org:8443"
    yield "right-most", trusted + b"F1.1.1.1, 192.0.2.1, 10.0.0.1\nF10.0.0.2"
    yield "all-trusted", trusted + b"F10.0.0.3 ,10.0.0.1"
    yield "unknown", trusted + b"F1.1.1.1, unknown, 10.0.0.1"
    yield "v6", trusted + b"F[2001:db8::1]:80, 2001:db8:ffff::2, ::ffff:10.0.0.1"
    yield "rfc7239", trusted + b'Rfor="[2001:db8::1]:_p";proto=https;host="a:1";by=_x;ext="\\"", for=10.0.0.1'
    yield "rfc7239-hidden", b"unix\nRfor=unknown;proto=http\nRFOR=192.0.2.1"
    yield "mixed", trusted + b"Rfor=192.0.2.1\nF192.0.2.1"
    yield "malformed", b"::/0\nF192.0.2.1,,10.0.0.1"
    yield "networks", b"0.0.0.0/0,::1,192.0.2.4/30\nF2001:db8::1, 192.0.2.7"


def acme_challenge():
    token, digest = b"LMg1ViCw4stErXzymWGZ8vhdKxrMUC2gJ5_mfOU0s7E", b"ODJplnKgK_JAS46cy6tq6u4n0I9xdRT9aR1G2EApYsI"

    def words(method, kind=b"http-01", name=b"clinic.example.org", token=token, proof=None, more=()):
        return b"\n".join((method, kind, name, token, proof or token + b"." + digest, *more))

    for method in (b"begin", b"done", b"failed", b"renew"):
        yield method.decode(), words(method)
    yield "dns", words(b"begin", kind=b"dns-01", proof=digest)
    yield "more", words(b"begin", more=(b"",))
    yield "fewer", b"begin\nhttp-01\nclinic.example.org\n" + token
    yield "up", words(b"begin", token=b"../../keys/store.key")
    yield "longest", words(b"begin", token=b"a" * 128)
    yield "too-long", words(b"begin", token=b"a" * 129)
    yield "other-token", words(b"begin", proof=b"b." + digest)
    yield "padded", words(b"begin", proof=token + b"." + digest + b"=")


def traceparent():
    trace, parent = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
    yield "whole", b"00-" + trace + b"-" + parent + b"-01"
    yield "future", b"cc-" + trace + b"-" + parent + b"-01-more"
    yield "longer", b"00-" + trace + b"-" + parent + b"-01-more"
    yield "ff", b"ff-" + trace + b"-" + parent + b"-01"
    yield "zeros", b"00-" + b"0" * 32 + b"-" + parent + b"-01"
    yield "upper", b"00-" + trace.upper() + b"-" + parent + b"-01"
    yield "cut", b"00-" + trace + b"-" + parent + b"-0"


def settings_acme():
    for check, text in ((0, "records.example.org"), (0, "a.example.org,B-c.example.org"), (0, "localhost"), (0, ""),
                        (0, "*.example.org"), (0, "-v.example.org"), (0, "127.0.0.1"), (0, "a..b"), (0, "a.b,"),
                        (0, "../../keys"), (0, "a" * 63 + ".b"), (0, "a" * 64 + ".b"), (1, "it+acme@example.org"),
                        (1, '"a"@example.org'), (1, "-v@example.org"), (2, "https://ca.example.org/dir"),
                        (2, "https://[::1]:14000/dir"), (2, "https:///dir"), (2, "http://ca.example.org/"),
                        (3, "off"), (3, "[::]:80"), (3, "80")):
        yield "%d-%s" % (check, "".join(c if c.isalnum() else "_" for c in text)[:40]), bytes([check]) + text.encode()


def identity_text():
    def key(state, **more):
        return {"id": "ab" * 32, "algorithm": "Ed25519", "public_key": "cd" * 32, "state": state,
                "since": "2026-01-02T03:04:05.678Z", **more}

    def text(*keys, store="01935c2e-abcd-7f00-8011-2233445566ff"):
        return json.dumps({"store": store, "identity_keys": keys}).encode()

    retired = {"until": "2026-02-02T03:04:05.678Z", "last_event": 17}
    endorsed = {"previous": "cd" * 32, "endorsement": "ef" * 64}
    yield "one", text(key("current"))
    yield "two", text(key("retired", **retired), key("current", **endorsed))
    yield "before", text({name: value for name, value in key("current").items() if name != "since"})
    yield "none", text()
    yield "no-end", text(key("retired", last_event=17))
    yield "negative", text(key("retired", until="2026-02-02T03:04:05Z", last_event=-1))
    yield "short-endorsement", text(key("current", previous="cd" * 32, endorsement="ef" * 63))
    yield "unknown-state", text(key("stolen."))
    yield "no-uuid", text(key("current"), store="x")
    yield "too-many", text(*[key("current")] * 65)


TARGETS = (wire, record_meta, audit_event, audit_segment, encode, hello, conditional, http_date, slot, json_, route,
           settings_value, settings_file, private_key, public_key, gate, directory_name, accept, etag_list, origin,
           pubkey_pem, key_text, invite_text, port80, acme_challenge, settings_acme, forwarded, traceparent,
           identity_text)


def main():
    for target in TARGETS:
        directory = HERE / "corpus" / target.__name__.rstrip("_")
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in target():
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
