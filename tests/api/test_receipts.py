"""Receipts: what the server signs of every write, and that it can be proved later without it."""

import base64
import concurrent.futures
import hashlib
import os
import re
import struct
import subprocess
import tempfile
import unittest
import uuid

from harness import ApiTest, run

SPKI = bytes.fromhex("302a300506032b6570032100")


def fields(text):
    """The members of the dictionary: texts, bytes, numbers."""
    return {name: value[1:-1] if value[0] == '"' else base64.b64decode(value[1:-1]) if value[0] == ":" else int(value)
            for name, value in re.findall(r'(\w+)=("[^"]*"|:[^:]*:|\d+)', text)}


def lp(data):
    return struct.pack(">H", len(data)) + data


def root_of(receipt):
    """The root of the tree, by what docs/formats.md says."""
    claim = (lp(b"coffer-receipt-v1") + uuid.UUID(receipt["store"]).bytes + uuid.UUID(receipt["record"]).bytes +
             struct.pack(">Q", receipt["version"]) + receipt["sha256"] +
             struct.pack(">QQQ", 0, receipt["sequence"], receipt["time"]))
    node = hashlib.sha256(b"\0" + claim).digest()
    path = [receipt["path"][i:i + 32] for i in range(0, len(receipt["path"]), 32)]
    at, count = receipt["leaf"], receipt["leaves"]
    while count > 1:
        if at ^ 1 < count:
            other = path.pop(0)
            node = hashlib.sha256(b"\1" + (other + node if at % 2 else node + other)).digest()
        at, count = at // 2, (count + 1) // 2
    assert not path
    return node


class Receipts(ApiTest):
    def setUp(self):
        super().setUp()
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.identity = self.client.get("/.well-known/coffer")
        self.key = bytes.fromhex(self.identity.json["identity_keys"][0]["public_key"])
        self.identity_file = self.keep("identity.json", self.identity.body)

    def keep(self, name, data):
        path = os.path.join(self.directory.name, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def assert_signed(self, text):
        receipt = fields(text)
        self.assertEqual(receipt["key"], hashlib.sha256(self.key).digest())
        message = (lp(b"coffer-receipt-root-v1") + uuid.UUID(receipt["store"]).bytes + receipt["key"] +
                   struct.pack(">I", receipt["leaves"]) + root_of(receipt))
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
                               self.keep("key.der", SPKI + self.key), "-rawin", "-in", self.keep("root", message), "-sigfile",
                               self.keep("signature", receipt["signature"])], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return receipt

    def verify(self, text, *options):
        done = run("verify-receipt", self.keep("receipt", text.encode()), "--identity", self.identity_file, *options)
        return done.returncode, done.stdout + done.stderr

    def test_every_write_has_one_that_openssl_verifies(self):
        made = self.client.post(b"one", "text/plain", idempotency_key="receipt-1")
        path = made["Location"]
        again = self.client.post(b"one", "text/plain", idempotency_key="receipt-1")
        put = self.client.put(path, b"two", "text/plain", if_match='"1"')
        gone = self.client.delete(path)
        events = {event["sequence"]: event for event in self.client.get(
            f"/v1/audit?limit=1000&record={path.rsplit('/', 1)[1]}").json["events"]}
        for answer, version, content, action in ((made, 1, b"one", "record.create"), (again, 1, b"one", "record.create"),
                                                 (put, 2, b"two", "record.replace"), (gone, 3, None, "record.delete")):
            receipt = self.assert_signed(answer["Coffer-Receipt"])
            self.assertEqual(f"/v1/records/{receipt['record']}", path)
            self.assertEqual(receipt["version"], version)
            self.assertEqual(receipt["sha256"], hashlib.sha256(content).digest() if content else bytes(32))
            self.assertEqual(receipt["store"], self.identity.json["store"])
            event = events[receipt["sequence"]]
            self.assertEqual((event["action"], event["version"]), (action, version))
            self.assertEqual(event["request_id"], answer["Coffer-Request-Id"])

    def test_what_is_refused_or_only_read_has_none(self):
        path = self.client.post(b"one")["Location"]
        for answer in (self.client.get(path), self.client.put(path, b"x", if_match='"7"'), self.client.put(path, b"x"),
                       self.client.delete(path, if_match='"7"'), self.client.get("/v1/health")):
            self.assertIsNone(answer["Coffer-Receipt"])

    def test_writes_that_are_committed_together_have_one_signature(self):
        def write(number):
            with self.server.client() as client:
                return [client.post(b"%d %d" % (number, i))["Coffer-Receipt"] for i in range(25)]

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            texts = [text for some in pool.map(write, range(16)) for text in some]
        receipts = [fields(text) for text in texts]
        self.assertGreater(max(receipt["leaves"] for receipt in receipts), 1)
        for text in sorted(texts, key=lambda text: -fields(text)["leaves"])[:20]:
            self.assert_signed(text)
            self.assertEqual(self.verify(text)[0], 0)
        self.assertEqual(len({receipt["sequence"] for receipt in receipts}), len(receipts))

    def test_the_command_tells_what_was_signed(self):
        made = self.client.post(b"one", "text/plain")
        text, content = made["Coffer-Receipt"], self.keep("content", b"one")
        headers = "HTTP/1.1 201 Created\r\nDate: x\r\ncoffer-receipt: " + text + "\r\nETag: \"1\"\r\n\r\n"
        for form in (text, text + "\n", "Coffer-Receipt: " + text, headers):
            code, told = self.verify(form, "--content", content)
            self.assertEqual(code, 0, told)
        self.assertIn(f"record: {made.json['id']}\nversion: 1\nsha256: {hashlib.sha256(b'one').hexdigest()}\n", told)
        code, told = self.verify(text, "--content", self.keep("content", b"two"))
        self.assertEqual((code, told.splitlines()[-1]), (1, f"content: {content} is not what was written"))
        self.assertIn("deleted: yes", self.verify(self.client.delete(made["Location"])["Coffer-Receipt"])[1])

    def test_the_command_refuses_what_the_server_has_not_signed(self):
        text = self.client.post(b"one")["Coffer-Receipt"]
        self.assertEqual(self.verify(text.replace("version=1", "version=2")),
                         (1, "receipt: the server has not signed this\n"))
        key = fields(text)["key"]
        other = base64.b64encode(bytes([key[0] ^ 1]) + key[1:]).decode()
        self.assertEqual(self.verify(text.replace(base64.b64encode(key).decode(), other)),
                         (1, "receipt: signed by a key that is none of the server's\n"))
        for bad in ("", "store=", text[:-1], text.replace("leaf=0", "leaf=00"), "x" * 5000, "\0" + text):
            code, told = self.verify(bad)
            self.assertEqual(code, 2)
            self.assertIn("holds no receipt", told)
        for bad in (b"", b"[]", b'{"identity_keys":7}', b'{"identity_keys":[7]}'):
            self.identity_file = self.keep("identity.json", bad)
            self.assertIn(self.verify(text)[0], (1, 2))
        self.assertEqual(run("verify-receipt", "/nowhere", "--identity", "/nowhere").returncode, 2)
        self.assertEqual(run("verify-receipt", self.keep("receipt", text.encode())).returncode, 2)


if __name__ == "__main__":
    unittest.main()
