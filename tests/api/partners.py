"""Partners of the tests: names with RSA keys, whose proofs and answers PyCryptodome makes."""

import base64
import functools
import hashlib
import json

from Cryptodome.Cipher import PKCS1_OAEP
from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pss


@functools.lru_cache(maxsize=None)
def rsa_key(number, bits=2048):
    """Keys take long to make: the tests of a module share them by number."""
    del number
    return RSA.generate(bits)


def fingerprint(key):
    return hashlib.sha256(key.public_key().export_key("DER")).hexdigest()


def sign(key, text):
    return base64.b64encode(pss.new(key, salt_bytes=32).sign(SHA256.new(text.encode()))).decode()


def read_invite(text):
    prefix, members = text.split(".")
    assert prefix == "coffer-invite-v1", text
    return json.loads(base64.urlsafe_b64decode(members + "=" * (-len(members) % 4)))


def open_challenge(key, origin, account, answer):
    """What an honest client answers, as hexadecimal."""
    label = f"coffer-login-v1\n{origin}\n{account}\n{answer['id']}".encode()
    opened = PKCS1_OAEP.new(key, hashAlgo=SHA256, label=label).decrypt(base64.b64decode(answer["challenge"]))
    assert len(opened) == 32
    return hashlib.sha256(opened).hexdigest()


class Partner:
    def __init__(self, server, name, key):
        self.server, self.name, self.key = server, name, key
        self.token = None

    @property
    def origin(self):
        """The port is another one after each start."""
        return f"https://127.0.0.1:{self.server.port}"

    @property
    def fingerprint(self):
        return fingerprint(self.key)

    def proof(self, new, old="none", sequence=1, **other):
        fields = {"origin": self.origin, "name": self.name.lower(), "old": old, "new": new, "sequence": sequence}
        fields.update(other)
        return "coffer-key-v1\n{origin}\n{name}\n{old}\n{new}\n{sequence}\n".format(**fields)

    def put(self, key=None, body=None, token=None, proof=None, check=True, **headers):
        """PUT of the partner's key, or of another one; headers as the client takes them."""
        key = key or self.key
        if "coffer_key_signature" not in headers:
            headers["coffer_key_signature"] = sign(key, proof or self.proof(fingerprint(key)))
        with self.server.client(token=token) as client:
            return client.request("PUT", f"/v1/keys/{self.name}", body or key.public_key().export_key(), check=check,
                                  **headers)

    def replace(self, key, sequence=2, check=True, **headers):
        proof = self.proof(fingerprint(key), old=self.fingerprint, sequence=sequence)
        headers.setdefault("coffer_old_key_signature", sign(self.key, proof))
        return self.put(key, proof=proof, check=check, **headers)

    def enroll(self):
        """With an invite of the administrator's."""
        with self.server.client() as admin:
            made = admin.request("POST", "/v1/invites", json.dumps({"name": self.name}))
        assert made.status == 201, made.body
        answer = self.put(coffer_invite=read_invite(made.json["invite"])["secret"])
        assert answer.status == 201, answer.body
        return self

    def challenge(self, client, **headers):
        return client.request("POST", "/v1/login", json.dumps({"account": self.name}), **headers)

    def login(self):
        with self.server.client(token=None) as client:
            offer = self.challenge(client)
            assert offer.status == 201, offer.body
            answer = client.request("POST", offer["Location"], json.dumps(
                {"answer": open_challenge(self.key, self.origin, self.name.lower(), offer.json)}))
        assert answer.status == 201, answer.body
        self.token = answer.json["token"]
        return self

    def client(self):
        return self.server.client(token=self.token)
