#!/usr/bin/python3
"""Writes tests/vectors/messages.json: messages, sessions and signatures of docs/formats.md, by PyCryptodome.

Everything derives from fixed seeds, so running it again writes the same file. Usage: make_message_vectors.py > FILE
"""
import base64
import hashlib
import json
import struct
import sys

from Cryptodome.Signature import pss

from make_vectors import Stream, content_of, eax, fixed
from primitives import PKCS1_OAEP, RSA, SHA256


def fingerprint(key):
    return hashlib.sha256(key.public_key().export_key("DER")).digest()


def seal(name, recipient, aes_size, plaintext):
    aes_key, nonce = fixed("aes key " + name, aes_size), fixed("nonce " + name, 16)
    wrapped = PKCS1_OAEP.new(recipient, randfunc=Stream("oaep " + name)).encrypt(aes_key)
    return aes_key, wrapped + nonce + eax(aes_key, nonce, b"", plaintext)


def sign(name, key, text):
    return pss.new(key, rand_func=Stream("pss " + name)).sign(SHA256.new(text))


def main():
    sender, recipient = (RSA.generate(2048, randfunc=Stream(name)) for name in ("sender", "recipient"))
    messages = []
    for aes_size in (16, 24, 32):
        for size in (0, 1, 15, 16, 17, 100):
            name = f"{aes_size} {size}"
            aes_key, sealed = seal(name, recipient, aes_size, content_of(size))
            messages.append({"aes_key": aes_key.hex(), "plaintext": content_of(size).hex(), "sealed": sealed.hex()})
    key, first = bytes.fromhex(messages[0]["aes_key"]), bytes.fromhex(messages[0]["sealed"])
    digest = hashlib.sha256(first).digest()
    sessions = []
    for counter, size in ((1, 0), (2, 33), (0x0102030405060708, 16)):
        header = (b"coffer-session-v1" + digest + fingerprint(sender) + fingerprint(recipient)
                  + struct.pack(">Q", counter))
        nonce = fixed(f"session {counter}", 16)
        sessions.append({"counter": "%016x" % counter, "plaintext": content_of(size).hex(),
                         "sealed": (struct.pack(">Q", counter) + nonce
                                    + eax(key, nonce, header, content_of(size))).hex()})
    text = (f"coffer-message-v1\n{fingerprint(sender).hex()}\n{fingerprint(recipient).hex()}\n"
            f"{digest.hex()}\n").encode()
    vectors = {
        "about": "Messages between partners of docs/formats.md. Made by tests/interop/make_message_vectors.py; the keys "
                 "are for tests only.",
        "sender_pem": sender.export_key(pkcs=8).decode() + "\n", "sender_fingerprint": fingerprint(sender).hex(),
        "recipient_pem": recipient.export_key(pkcs=8).decode() + "\n",
        "recipient_fingerprint": fingerprint(recipient).hex(),
        "messages": messages, "session_first": digest.hex(), "sessions": sessions,
        "statement": text.decode(), "signature": base64.b64encode(sign("first", sender, text)).decode(),
    }
    json.dump(vectors, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
