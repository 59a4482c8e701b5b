#!/usr/bin/python3
"""Writes tests/vectors/keys-suite1.json: epoch keys and slots of docs/formats.md, by PyCryptodome and hashlib.

Everything derives from fixed seeds, so running it again writes the same file. Usage: make_key_vectors.py > FILE
"""
import hashlib
import json
import struct
import sys

from make_vectors import Stream, eax, fixed
from primitives import PKCS1_OAEP, RSA, SHA256, hkdf, lp


def slot(kind, secret, iterations, store, unlock):
    salt = fixed("slot salt %d" % kind, 32)
    parameters = bytes([kind]) + struct.pack(">I", iterations) + salt
    if kind == 1:
        key = hashlib.pbkdf2_hmac("sha256", secret, salt, iterations, 32)
    else:
        key = hkdf(secret, salt, b"coffer-credential-v1", 32)
    header = lp(b"coffer-slot-v1") + store + parameters
    return b"cofslot1" + parameters + eax(key, salt[:16], header, unlock)


def main():
    dek, store, record = fixed("dek", 32), fixed("store", 16), fixed("record", 16)
    version = 0x0102030405060708
    context = b"\x01" + store + record + struct.pack(">Q", version)
    kek = RSA.generate(2048, randfunc=Stream("kek"))
    kek_id = hashlib.sha256(kek.public_key().export_key("DER")).digest()
    epoch_id, epoch_key, nonce = fixed("epoch id", 16), fixed("epoch key", 32), fixed("epoch nonce", 16)
    label = b"coffer-epoch-key-v1" + store + epoch_id
    key_wrap = PKCS1_OAEP.new(kek.public_key(), hashAlgo=SHA256, label=label,
                              randfunc=Stream("epoch oaep")).encrypt(epoch_key)
    header = lp(b"coffer-epoch-v1") + kek_id + epoch_id + context
    unlock, passphrase, credential = fixed("unlock", 32), b"correct horse battery staple", fixed("credential", 32)
    vectors = {
        "about": "Epoch keys and slots of docs/formats.md. Made by tests/interop/make_key_vectors.py; the keys are for "
                 "tests only.",
        "dek": dek.hex(), "store_id": store.hex(), "record_id": record.hex(), "version": "%016x" % version,
        "kek_pem": kek.export_key(pkcs=8).decode() + "\n", "kek_id": kek_id.hex(),
        "epoch_id": epoch_id.hex(), "epoch_key_wrap": key_wrap.hex(),
        "epoch_wrap": (nonce + eax(epoch_key, nonce, header, dek)).hex(),
        "unlock_key": unlock.hex(), "passphrase": passphrase.hex(), "credential": credential.hex(),
        "passphrase_slot": slot(1, passphrase, 2000, store, unlock).hex(),
        "credential_slot": slot(2, credential, 0, store, unlock).hex(),
    }
    json.dump(vectors, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
