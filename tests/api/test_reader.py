"""What is stored is what docs/formats.md says: a reader that shares no code with coffer gets every byte back."""

import os
import sqlite3
import subprocess
import sys
import unittest
import uuid

import samples
from harness import ROOT, Server
from partners import Partner, rsa_key

READER = os.path.join(ROOT, "tests", "interop", "reader.py")
sys.path.insert(0, os.path.dirname(READER))
import reader  # pylint: disable=wrong-import-position

SIZES = (0, 1, 15, 16, 17, 65535, 65536, 65537, 131071, 131072, 131073, 400000)
CURRENT, SUPERSEDED, TOMBSTONES = 1, 2, (3, 4)


def record_id(path):
    return uuid.UUID(path.rsplit("/", 1)[1]).bytes


class Reader(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.stored = {}
        with cls.server.client() as client:
            cls.fill(client)
        code = cls.server.stop()
        assert code == 0, f"the server ended with {code}"
        cls.store = reader.Store(cls.server.data)

    @classmethod
    def fill(cls, client):
        rows = samples.made() + (samples.shared() or [])
        rows += [(f"{size} bytes", "application/octet-stream", os.urandom(size)) for size in SIZES]
        for name, media_type, body in rows:
            path = client.post(body, media_type, coffer_labels="ward=3; kind=lab")["Location"]
            cls.stored[record_id(path), 1] = (CURRENT, media_type, "ward=3; kind=lab", body, name)
        path = client.post(b"one", "text/plain")["Location"]
        cls.stored[record_id(path), 1] = (SUPERSEDED, "text/plain", "", b"one", "first version")
        for number, body in ((2, os.urandom(200000)), (3, b"")):
            client.put(path, body, "text/x-other", if_match=f'"{number - 1}"')
            state = CURRENT if number == 3 else SUPERSEDED
            cls.stored[record_id(path), number] = (state, "text/x-other", "", body, f"version {number}")
        path = client.post(os.urandom(150000))["Location"]
        client.delete(path)
        cls.deleted = record_id(path)
        bob = Partner(cls.server, "bob", rsa_key(0)).enroll().login()
        assert bob.replace(rsa_key(1)).status == 200
        bob.key = rsa_key(1)
        bob.login()
        cls.messages = {}
        with bob.client() as mailbox:
            for size in (288, 4000):
                body = os.urandom(size)
                made = mailbox.request("POST", "/v1/mailboxes/bob/messages", body)
                cls.messages[uuid.UUID(made.json["id"]).bytes] = body

    def test_every_version_reads_back_byte_equal(self):
        self.assertEqual(self.store.faults, [])
        found = {(row.record_id, row.version): row for row in self.store.versions if row.content is not None}
        self.assertEqual(found.keys(), self.stored.keys())
        for key, (state, media_type, labels, body, name) in self.stored.items():
            row = found[key]
            self.assertEqual((row.state, row.media_type, row.labels), (state, media_type, labels), name)
            self.assertTrue(row.content == body, name)

    def test_a_deleted_record_leaves_a_tombstone_and_no_key(self):
        rows = [row for row in self.store.versions if row.record_id == self.deleted]
        self.assertEqual([(row.version, row.content) for row in rows], [(2, None)])
        self.assertIn(rows[0].state, TOMBSTONES)

    def test_the_trail_tells_of_every_request(self):
        actions = [event.action for event in self.store.events]
        replaced = [event.version for event in self.store.events if event.action == 4]
        self.assertEqual(actions[0], 1)
        self.assertEqual(actions.count(2), len(self.stored) - 2 + 1)
        self.assertEqual((replaced, actions.count(5)), ([2, 3], 1))
        self.assertEqual((set(self.store.accounts.values()), len(self.store.tokens)), ({"admin", "bob"}, 3))

    def test_names_and_messages(self):
        spki = rsa_key(1).public_key().export_key("DER")
        self.assertEqual(self.store.directory, {"bob": spki})
        self.assertEqual(self.store.messages, self.messages)

    def run_reader(self):
        return subprocess.run([sys.executable, READER, self.server.data], stdout=subprocess.PIPE, timeout=60,
                              encoding="utf-8", check=False)

    def test_the_program_counts_and_names_faults(self):
        done = self.run_reader()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"{len(self.stored)} versions, 1 tombstones", done.stdout)
        key = next(iter(self.stored))
        database = sqlite3.connect(os.path.join(self.server.data, "coffer.db"), isolation_level=None)
        self.addCleanup(database.close)
        database.execute("UPDATE version SET changed_ms = changed_ms + 1 WHERE record_id = ?", (key[0],))
        done = self.run_reader()
        database.execute("UPDATE version SET changed_ms = changed_ms - 1 WHERE record_id = ?", (key[0],))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"fault: record {key[0].hex()} version 1: row MAC", done.stdout)


if __name__ == "__main__":
    unittest.main()
