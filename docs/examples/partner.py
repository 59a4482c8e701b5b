#!/usr/bin/python3
"""A partner of coffer's in a few lines of PyCryptodome.

partner.py keygen BITS MY.pem MY.pub.pem           partner.py seal TO.pub.pem < PLAIN > SEALED
partner.py open MY.pem < SEALED > PLAIN            partner.py sign MY.pem TO.pub.pem < SEALED > SIGNATURE
partner.py verify FROM.pub.pem TO.pub.pem SIGNATURE < SEALED
"""
import base64
import hashlib
import os
import sys

try:
    from Cryptodome.Cipher import AES, PKCS1_OAEP
    from Cryptodome.Hash import SHA256
    from Cryptodome.PublicKey import RSA
    from Cryptodome.Random import get_random_bytes
    from Cryptodome.Signature import pss
except ImportError:
    from Crypto.Cipher import AES, PKCS1_OAEP
    from Crypto.Hash import SHA256
    from Crypto.PublicKey import RSA
    from Crypto.Random import get_random_bytes
    from Crypto.Signature import pss


def load(path):
    with open(path, "rb") as file:
        return RSA.import_key(file.read())


def keygen(bits, private_path, public_path):
    key = RSA.generate(int(bits))
    descriptor = os.open(private_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key.export_key(pkcs=8))
    with open(public_path, "xb") as file:
        file.write(key.public_key().export_key())


def seal(recipient, plaintext):
    aes_key = get_random_bytes(16)
    cipher = AES.new(aes_key, AES.MODE_EAX)
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    return PKCS1_OAEP.new(recipient).encrypt(aes_key) + cipher.nonce + tag + ciphertext


def open_sealed(key, sealed):
    k = key.size_in_bytes()
    aes_key = PKCS1_OAEP.new(key).decrypt(sealed[:k])
    cipher = AES.new(aes_key, AES.MODE_EAX, nonce=sealed[k:k + 16])
    return cipher.decrypt_and_verify(sealed[k + 32:], sealed[k + 16:k + 32])


def statement(sender, recipient, sealed):
    """What a signature is over: the digests of both public keys, then of the sealed bytes."""
    parts = [key.public_key().export_key("DER") for key in (sender, recipient)] + [sealed]
    lines = ["coffer-message-v1"] + [hashlib.sha256(part).hexdigest() for part in parts]
    return SHA256.new("".join(line + "\n" for line in lines).encode())


def main(command, *args):
    data = b"" if command == "keygen" else sys.stdin.buffer.read()
    out = b""
    if command == "keygen":
        keygen(*args)
    elif command == "seal":
        out = seal(load(args[0]), data)
    elif command == "open":
        out = open_sealed(load(args[0]), data)
    elif command == "sign":
        out = base64.b64encode(pss.new(load(args[0])).sign(statement(load(args[0]), load(args[1]), data))) + b"\n"
    elif command == "verify":
        with open(args[2], "rb") as file:
            signature = base64.b64decode(file.read())
        pss.new(load(args[0])).verify(statement(load(args[0]), load(args[1]), data), signature)
    sys.stdout.buffer.write(out)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
