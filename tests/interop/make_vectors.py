#!/usr/bin/python3
"""Writes tests/vectors/record-suite1.json: suite 1 by PyCryptodome, an implementation that shares no code with coffer.

Everything derives from fixed seeds, so running it again writes the same file. Usage: make_vectors.py > FILE
"""
import hashlib
import json
import struct
import sys

from primitives import AES, PKCS1_OAEP, RSA, SHA256, hkdf, lp

CHUNK = 65536
SIZES = [0, 1, 15, 16, 17, 1000, 65535, 65536, 65537, 131072, 200000]


def fixed(name, size):
    return hashlib.shake_256(b"coffer test vector: " + name.encode()).digest(size)


def eax(key, nonce, header, plaintext):
    cipher = AES.new(key, AES.MODE_EAX, nonce=nonce, mac_len=16)
    cipher.update(header)
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    return tag + ciphertext


def content_of(size):
    return bytes((7 * i + (i >> 8)) & 255 for i in range(size))


def chunks_of(key, nonce, header, content):
    count = max(1, -(-len(content) // CHUNK))
    for number in range(count):
        last = number == count - 1
        piece = content[number * CHUNK:(number + 1) * CHUNK]
        full_nonce = nonce + number.to_bytes(7, "big") + bytes([last])
        sealed = eax(key, full_nonce, header, piece)
        chunk = {"number": number, "last": last, "length": len(piece), "tag": sealed[:16].hex(),
                 "sealed_sha256": hashlib.sha256(sealed).hexdigest()}
        if len(piece) <= 64:
            chunk["sealed"] = sealed.hex()
        yield chunk


class Stream:
    """Deterministic randomness for the RSA key and the OAEP seed; never use it for anything but vectors."""

    def __init__(self, name):
        self.name, self.count = name, 0

    def __call__(self, size):
        self.count += 1
        return fixed("%s %d" % (self.name, self.count), size)


def main():
    dek, store, record = fixed("dek", 32), fixed("store", 16), fixed("record", 16)
    version = 0x0102030405060708
    context = b"\x01" + store + record + struct.pack(">Q", version)
    keys = hkdf(dek, store, b"coffer-record-v1" + context, 96)
    content_nonce, meta_nonce = fixed("content nonce", 8), fixed("meta nonce", 16)
    chunk_header, meta_header = lp(b"coffer-chunk-v1") + context, lp(b"coffer-meta-v1") + context
    kek = RSA.generate(2048, randfunc=Stream("kek"))
    label = b"coffer-dek-v1" + context
    wrap = PKCS1_OAEP.new(kek.public_key(), hashAlgo=SHA256, label=label, randfunc=Stream("oaep")).encrypt(dek)
    meta = [b"", b"m", b'{"media_type":"application/fhir+json","size":1000}']
    vectors = {
        "about": "Suite 1 of docs/formats.md. Content of n bytes: byte i is (7 i + (i >> 8)) mod 256. "
                 "Made by tests/interop/make_vectors.py; the key is for tests only.",
        "dek": dek.hex(), "store_id": store.hex(), "record_id": record.hex(), "version": "%016x" % version,
        "context": context.hex(),
        "content_key": keys[:32].hex(), "meta_key": keys[32:64].hex(), "commitment": keys[64:].hex(),
        "chunk_header": chunk_header.hex(), "meta_header": meta_header.hex(), "content_nonce": content_nonce.hex(),
        "meta_nonce": meta_nonce.hex(), "wrap_label": label.hex(),
        "kek_pem": kek.export_key(pkcs=8).decode() + "\n", "kek_id": hashlib.sha256(
            kek.public_key().export_key("DER")).hexdigest(),
        "wrap": wrap.hex(),
        "contents": [{"size": size, "chunks": list(chunks_of(keys[:32], content_nonce, chunk_header,
                                                             content_of(size)))} for size in SIZES],
        "metas": [{"plaintext": text.hex(), "sealed": eax(keys[32:64], meta_nonce, meta_header, text).hex()}
                  for text in meta],
    }
    json.dump(vectors, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
