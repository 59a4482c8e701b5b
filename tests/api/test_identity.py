"""The key that signs receipts and checkpoints: replacing it, and what the former ones have signed."""

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import unittest
import uuid

from harness import Server, run
from test_receipts import SPKI, lp


class Rotated(unittest.TestCase):
    """A store whose key was replaced twice, with a receipt and a checkpoint by each."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.signed = []  # (receipt, checkpoint, what was published) by each key
        cls.pems = []
        for number in range(3):
            if number:
                done = run("identity", "rotate", "--data", cls.server.data)
                assert done.returncode == 0, done.stderr
                cls.listed = json.loads(done.stdout)
            with open(os.path.join(cls.start(), "keys", "identity.pem"), "rb") as file:
                cls.pems.append(file.read())
            with cls.server.client() as client:
                receipt = client.post(b"record %d" % number)["Coffer-Receipt"]
                cls.signed.append((receipt, client.get("/v1/audit/checkpoint").json,
                                   client.get("/.well-known/coffer").body))
            assert cls.server.stop() == 0

    @classmethod
    def start(cls):
        cls.server.start()
        return cls.server.data

    def keep(self, name, content):
        path = os.path.join(self.server.root, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def receipt(self, number, identity, successor=None):
        """verify-receipt of the receipt by key `number`."""
        options = ["--identity", self.keep("identity", identity)]
        if successor is not None:
            options += ["--successor", self.keep("successor", successor)]
        done = run("verify-receipt", self.keep("receipt", self.signed[number][0]), *options)
        return done.returncode, done.stdout + done.stderr

    def checkpoint(self, checkpoint):
        done = run("audit", "verify", "--data", self.server.data, "--checkpoint",
                   self.keep("checkpoint", json.dumps(checkpoint)))
        return done.returncode, done.stdout + done.stderr

    def test_former_keys_stay_published_and_endorse_the_next(self):
        known = json.loads(self.signed[2][2])
        self.assertEqual(known, self.listed)
        keys = known["identity_keys"]
        self.assertEqual([key["state"] for key in keys], ["retired", "retired", "current"])
        self.assertEqual([key["public_key"] for key in keys],
                         [json.loads(published)["identity_keys"][-1]["public_key"] for _, _, published in self.signed])
        for before, after in zip(keys, keys[1:]):
            self.assertEqual((after["previous"], after["since"]), (before["public_key"], before["until"]))
            message = (lp(b"coffer-identity-v1") + uuid.UUID(known["store"]).bytes + bytes.fromhex(before["public_key"]) +
                       bytes.fromhex(after["public_key"]) + struct.pack(">Q", self.milliseconds(after["since"])))
            done = subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
                 self.keep("key", SPKI + bytes.fromhex(before["public_key"])), "-rawin", "-in", self.keep("message", message),
                 "-sigfile", self.keep("signature", bytes.fromhex(after["endorsement"]))], capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    @staticmethod
    def milliseconds(text):
        whole = subprocess.run(["date", "-u", "-d", text, "+%s%3N"], stdout=subprocess.PIPE, check=True, text=True).stdout
        return int(whole)

    def test_checkpoints_of_every_key_verify(self):
        for _, checkpoint, _ in self.signed:
            code, told = self.checkpoint(checkpoint)
            self.assertEqual(code, 0, told)
            self.assertIn(f"holds event {checkpoint['sequence']} as it was signed", told)

    def test_receipts_of_every_key_verify_by_what_is_published_now(self):
        for number in range(3):
            self.assertEqual(self.receipt(number, self.signed[2][2])[0], 0)
            self.assertEqual(self.receipt(number, self.signed[number][2])[0], 0)
        code, told = self.receipt(2, self.signed[0][2])
        self.assertEqual((code, told), (1, "receipt: signed by a key that is none of the server's\n"))

    def test_who_trusts_the_first_key_follows_to_the_last(self):
        for number in range(3):
            code, told = self.receipt(number, self.signed[0][2], self.signed[2][2])
            self.assertEqual(code, 0, told)
        for member in ("endorsement", "previous", "since"):
            known = json.loads(self.signed[2][2])
            key = known["identity_keys"][1]
            key[member] = {"endorsement": "0" * 128, "previous": known["identity_keys"][2]["public_key"],
                           "since": "2020-01-01T00:00:00.000Z"}[member]
            code, told = self.receipt(2, self.signed[0][2], json.dumps(known))
            self.assertEqual((code, told), (1, "receipt: signed by a key that is none of the server's\n"), member)
        known = json.loads(self.signed[2][2])
        del known["identity_keys"][1]
        self.assertEqual(self.receipt(2, self.signed[0][2], json.dumps(known))[0], 1)
        for wrong in ("", "{}", json.dumps(known)[:-1]):
            self.assertEqual(self.receipt(2, self.signed[0][2], wrong)[0], 2)

    def test_a_former_key_vouches_for_nothing_later(self):
        """Whoever has stolen it cannot sign what comes after it."""
        checkpoint = dict(self.signed[2][1])
        old = self.signed[0][1]["public_key"]
        purpose = checkpoint["purpose"].encode()
        key_id = json.loads(self.signed[2][2])["identity_keys"][0]["id"]
        message = (lp(purpose) + uuid.UUID(checkpoint["store"]).bytes + bytes.fromhex(key_id) +
                   struct.pack(">QQ", 0, checkpoint["sequence"]) + bytes.fromhex(checkpoint["hash"]) +
                   struct.pack(">Q", checkpoint["time_ms"]))
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.keep("old.pem", self.pems[0]), "-rawin", "-in",
                               self.keep("message", message)], capture_output=True, check=True)
        checkpoint |= {"public_key": old, "signature": done.stdout.hex()}
        code, told = self.checkpoint(checkpoint)
        self.assertEqual(code, 1, told)
        self.assertIn("by none of the keys that this one had then", told)
        known = json.loads(self.signed[2][2])
        known["identity_keys"][0]["last_event"] = 1
        code, told = self.receipt(0, json.dumps(known))
        self.assertEqual((code, told), (1, "receipt: signed by a key that was retired by then\n"))
        code, told = self.receipt(0, self.signed[0][2], json.dumps(known))
        self.assertEqual((code, told), (1, "receipt: signed by a key that was retired by then\n"))

    def test_the_log_tells_of_it_and_check_compares(self):
        done = run("audit", "export", "--data", self.server.data)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        rotations = [event["sequence"] for event in events if event["action"] == "identity.rotate"]
        self.assertEqual([key["last_event"] + 1 for key in self.listed["identity_keys"][:-1]], rotations)
        done = run("check", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout)
        for statement, words in (
                ("DELETE FROM identity_key WHERE state = 2", "table identity_key lacks a key that was retired"),
                ("UPDATE identity_key SET last_event = last_event + 1 WHERE state = 2", "identity key "),
                ("UPDATE identity_key SET state = 1", "identity key ")):
            copy = self.server.data + "-edited"
            shutil.copytree(self.server.data, copy)
            database = sqlite3.connect(f"{copy}/coffer.db")
            database.execute(statement)
            database.commit()
            database.close()
            done = run("check", "--data", copy)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stdout)
            if "UPDATE" in statement:
                done = run("serve", "--data", copy, "--listen", "127.0.0.1:0")
                self.assertEqual(done.returncode, 1)
                self.assertIn("identity_key was altered", done.stderr)
            shutil.rmtree(copy)

    def test_a_key_that_the_database_does_not_name_is_refused(self):
        copy = self.server.data + "-other"
        shutil.copytree(self.server.data, copy)
        self.addCleanup(shutil.rmtree, copy)
        with open(f"{copy}/keys/identity.pem", "wb") as file:
            file.write(self.pems[0])
        done = run("serve", "--data", copy, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("identity.pem is not the key that the database names", done.stderr)

    def test_not_beside_a_server_nor_where_there_is_no_store(self):
        self.server.start()
        done = run("identity", "rotate", "--data", self.server.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another process has", done.stderr)
        self.assertEqual(json.loads(run("identity", "list", "--data", self.server.data).stdout), self.listed)
        self.server.stop()
        empty = os.path.join(self.server.root, "empty")
        os.mkdir(empty, 0o700)
        self.assertEqual(run("identity", "rotate", "--data", empty).returncode, 1)
        self.assertEqual(os.listdir(empty), [])
        self.assertEqual(run("identity", "turn", "--data", self.server.data).returncode, 2)


if __name__ == "__main__":
    unittest.main()
