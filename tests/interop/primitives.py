"""What docs/formats.md is built of, by PyCryptodome and the standard library: no code of coffer's."""
import hashlib
import hmac
import struct

try:
    from Cryptodome.Cipher import AES, PKCS1_OAEP
    from Cryptodome.Hash import SHA256
    from Cryptodome.PublicKey import RSA
except ImportError:
    from Crypto.Cipher import AES, PKCS1_OAEP
    from Crypto.Hash import SHA256
    from Crypto.PublicKey import RSA

__all__ = ["AES", "PKCS1_OAEP", "RSA", "SHA256", "hkdf", "lp"]


def lp(data):
    return struct.pack(">H", len(data)) + data


def hkdf(ikm, salt, info, size):
    """RFC 5869, spelled out so that not even the HKDF is shared."""
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    okm, block, counter = b"", b"", 1
    while len(okm) < size:
        block = hmac.new(prk, block + info + bytes([counter]), hashlib.sha256).digest()
        okm += block
        counter += 1
    return okm[:size]
