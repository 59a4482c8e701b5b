"""The audit log and what is kept of it elsewhere: its head, checkpoints, exports."""

import datetime
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import time
import unittest
import uuid

from harness import ApiTest, BINARY, Server, run, wait_until
from partners import Partner, rsa_key


class Log(unittest.TestCase):
    """A store with some events, and no server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as client:
            for i in range(10):
                client.post(b"record %d" % i)
            cls.early = cls.checkpoint(cls.server.data)
            for i in range(10):
                client.post(b"record %d" % i)
        assert cls.server.stop() == 0
        cls.late = cls.checkpoint(cls.server.data)

    @staticmethod
    def checkpoint(data):
        done = run("audit", "checkpoint", "--data", data)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def setUp(self):
        self.data = os.path.join(self.server.root, self.id().rsplit(".", 1)[1])
        shutil.copytree(self.server.data, self.data)
        self.addCleanup(shutil.rmtree, self.data)

    def edit(self, *statements):
        database = sqlite3.connect(f"{self.data}/coffer.db")
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()

    def keep(self, checkpoint, **changes):
        path = os.path.join(self.data, "kept")
        with open(path, "w", encoding="ascii") as file:
            json.dump({**checkpoint, **changes}, file)
        return path

    def verify(self, *options):
        done = run("audit", "verify", "--data", self.data, *options)
        return done.returncode, done.stdout + done.stderr

    def test_a_whole_log_verifies_with_head_and_checkpoints(self):
        self.assertEqual(self.verify(), (0, "21 events verified\n"))
        for kept in (self.early, self.late):
            code, told = self.verify("--checkpoint", self.keep(kept))
            self.assertEqual(code, 0, told)
            self.assertIn(f"holds event {kept['sequence']} as it was signed", told)
        self.assertEqual((self.early["sequence"], self.late["sequence"]), (11, 21))
        with open(f"{self.data}/audit.head", encoding="ascii") as file:
            self.assertEqual(json.load(file)["sequence"], 21)

    def test_an_end_that_was_cut_off_is_noticed_by_the_head_and_by_a_checkpoint(self):
        self.edit("DELETE FROM audit_event WHERE sequence > 15")
        code, told = self.verify()
        self.assertEqual(code, 1)
        self.assertIn("does not hold event 21", told)
        # Whoever removes the head as well is found by a checkpoint that was kept elsewhere, if it is late enough.
        os.unlink(f"{self.data}/audit.head")
        code, told = self.verify()
        self.assertEqual(code, 0)
        self.assertIn("none was kept", told)
        self.assertEqual(self.verify("--checkpoint", self.keep(self.early))[0], 0)
        code, told = self.verify("--checkpoint", self.keep(self.late))
        self.assertEqual(code, 1)
        self.assertIn("does not hold event 21 as it was signed", told)

    def test_edits_removals_and_reorderings_are_named(self):
        for statement, words in (
                ("UPDATE audit_event SET event = substr(event, 1, 20) || x'00' || substr(event, 22) WHERE sequence = 5",
                 "event 5"),
                ("DELETE FROM audit_event WHERE sequence = 5", "event 5: is missing"),
                ("UPDATE audit_event SET sequence = CASE sequence WHEN 5 THEN -6 ELSE -5 END WHERE sequence IN (5, 6)",
                 "event"),
                ("DELETE FROM audit_event", "does not hold event 21")):
            with self.subTest(statement):
                self.edit(statement)
                if "-6" in statement:
                    self.edit("UPDATE audit_event SET sequence = -sequence WHERE sequence < 0")
                code, told = self.verify()
                self.assertEqual(code, 1, told)
                self.assertIn(words, told)
                shutil.copy(f"{self.server.data}/coffer.db", self.data)

    def test_a_chain_that_was_computed_anew_does_not_have_its_macs_nor_its_checkpoint(self):
        database = sqlite3.connect(f"{self.data}/coffer.db")
        previous = bytes(32)
        for sequence, event in database.execute("SELECT sequence, event FROM audit_event ORDER BY 1").fetchall():
            if sequence == 5:
                event = event[:-1] + bytes([event[-1] ^ 1])
            previous = hashlib.sha256(previous + event).digest()
            database.execute("UPDATE audit_event SET event = ?, hash = ? WHERE sequence = ?", (event, previous, sequence))
        database.commit()
        database.close()
        code, told = self.verify("--checkpoint", self.keep(self.early))
        self.assertEqual(code, 1)
        self.assertIn("event 5: was not written by this store", told)
        self.assertIn("does not hold event 11 as it was signed", told)

    def test_what_is_no_checkpoint_of_this_store(self):
        for changes in ({"sequence": 12}, {"hash": "0" * 64}, {"time_ms": 1}, {"signature": "0" * 128},
                        {"store": "00000000-0000-0000-0000-000000000000"}, {"public_key": "0" * 64}, {"purpose": "x"},
                        {"stream": 1}):
            with self.subTest(changes):
                code, told = self.verify("--checkpoint", self.keep(self.early, **changes))
                self.assertEqual(code, 2)
                self.assertIn("no checkpoint", told)
        self.assertEqual(self.verify("--checkpoint", "/nonexistent")[0], 2)
        other = Server()
        self.addCleanup(other.remove)
        other.start()
        other.stop()
        code, told = self.verify("--checkpoint", self.keep(self.checkpoint(other.data)))
        self.assertEqual(code, 1)
        self.assertIn("another store", told)
        shutil.copy(f"{other.data}/audit.head", self.data)
        code, told = self.verify()
        self.assertEqual(code, 1)
        self.assertIn("not a head of this store", told)

    def serve(self):
        return subprocess.run([BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30,
                              encoding="utf-8", check=False)

    def test_the_server_does_not_go_on_from_a_log_that_was_cut_off(self):
        self.edit("DELETE FROM audit_event WHERE sequence > 15")
        done = self.serve()
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not hold event 21", done.stdout)
        self.assertIn("move that file away", done.stdout)
        with open(f"{self.data}/audit.head", "w", encoding="ascii") as file:
            file.write("{}")
        self.assertIn("not a head of this store", self.serve().stdout)

    def test_export_prints_each_event_that_verifies(self):
        done = run("audit", "export", "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["sequence"] for event in events], list(range(1, 22)))
        self.assertEqual({event["action"] for event in events[1:]}, {"record.create"})
        self.assertEqual(events[-1]["hash"], self.late["hash"])
        done = run("audit", "export", "--after", "19", "--data", self.data)
        self.assertEqual([json.loads(line)["sequence"] for line in done.stdout.splitlines()], [20, 21])
        self.edit("DELETE FROM audit_event WHERE sequence = 5")
        done = run("audit", "export", "--data", self.data)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (1, 4))
        self.assertIn("behind event 4", done.stderr)


class Asked(ApiTest):
    """GET /v1/audit and what goes with it."""

    def events(self, query=""):
        answer = self.client.get(f"/v1/audit{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["events"]

    def test_who_has_seen_this_record(self):
        path = self.create(b"x")
        self.client.get(path)
        self.client.put(path, b"y", if_match='"1"')
        self.client.delete(path)
        self.create(b"another")
        record = path.rsplit("/", 1)[1]
        events = self.events(f"?record={record}")
        self.assertEqual([event["action"] for event in events[:4]],
                         ["record.create", "record.read", "record.replace", "record.delete"])
        self.assertEqual([event["outcome"] for event in events[:4]], [201, 200, 200, 204])
        self.assertEqual({event["object"] for event in events}, {record})
        self.assertEqual(self.events(f"?record={record}")[-1]["action"], "audit.read")

    def test_by_actor_and_by_time(self):
        bob = Partner(self.server, "bob", rsa_key(0)).enroll().login()
        with bob.client() as client:
            client.get("/v1/keys/bob")
            self.assertEqual(client.get("/v1/audit").status, 403)
            self.assertEqual(client.get("/v1/audit/checkpoint").status, 403)
        mine = self.events("?actor=bob")
        self.assertEqual([event["action"] for event in mine],
                         ["key.put", "login.begin", "key.read", "audit.read", "audit.checkpoint"])
        self.assertEqual(self.events(f"?actor={mine[0]['account']}"), mine)
        self.assertEqual(self.events(f"?actor=bob&from={mine[2]['time']}")[0]["time"], mine[2]["time"])
        self.assertEqual(self.events(f"?to={mine[0]['time']}&from=2020-01-01T00:00:00Z")[0]["action"], "store.create")
        self.assertEqual(self.events("?to=2020-01-01T00:00:00Z"), [])
        # What a client escapes, as many do a colon, is the same.
        escaped = mine[2]["time"].replace(":", "%3A")
        self.assertEqual(self.events(f"?actor=%62ob&from={escaped}")[0]["time"], mine[2]["time"])
        for query in ("limit=0", "after=x", "after=-1", "record=x", "actor=nobody", "actor=", "from=yesterday",
                      "from=2026-02-30T00:00:00Z", "to=2026-01-01T00:00:00", "more=1", "actor=bob%", "actor=bo%6",
                      "actor=bob%00", "actor=bo%2fb", "limit=%", "after=%00"):
            self.assertEqual(self.client.get(f"/v1/audit?{query}").status, 400, query)

    def test_pages_lead_through_the_whole_log_and_hashes_link(self):
        for _ in range(5):
            self.create(b"x")
        seen, after = [], "0"
        while after is not None:
            page = self.client.get(f"/v1/audit?limit=3&after={after}").json
            seen += page["events"]
            after = page.get("next")
            if len(seen) > 30:
                break
        numbers = [event["sequence"] for event in seen]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_checkpoints_are_signed_by_the_published_key(self):
        self.create(b"x")
        checkpoint = self.client.get("/v1/audit/checkpoint").json
        with self.server.client(token=None) as stranger:
            known = stranger.get("/.well-known/coffer").json
            self.assertEqual(stranger.get("/v1/audit").status, 401)
        (key,) = known["identity_keys"]
        self.assertEqual((key["public_key"], known["store"]), (checkpoint["public_key"], checkpoint["store"]))
        self.assertEqual(key["id"], hashlib.sha256(bytes.fromhex(key["public_key"])).hexdigest())
        purpose = checkpoint["purpose"].encode()
        text = (struct.pack(">H", len(purpose)) + purpose + uuid.UUID(checkpoint["store"]).bytes
                + bytes.fromhex(key["id"]) + struct.pack(">QQ", 0, checkpoint["sequence"])
                + bytes.fromhex(checkpoint["hash"]) + struct.pack(">Q", checkpoint["time_ms"]))
        self.assertTrue(self.signed(key["public_key"], text, checkpoint["signature"]))
        self.assertFalse(self.signed(key["public_key"], text[:-1] + bytes([text[-1] ^ 1]), checkpoint["signature"]))

    def signed(self, key, text, signature):
        """As openssl sees it."""
        names = [os.path.join(self.server.root, name) for name in ("key.der", "text", "signature")]
        spki = bytes.fromhex("302a300506032b6570032100" + key)
        for name, content in zip(names, (spki, text, bytes.fromhex(signature))):
            with open(name, "wb") as file:
                file.write(content)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names[0], "-rawin",
                               "-in", names[1], "-sigfile", names[2]], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0


class Kept(unittest.TestCase):
    def setUp(self):
        self.server = Server("--audit-checkpoint", "1s")
        self.addCleanup(self.server.remove)
        self.server.start()

    def head(self):
        try:
            with open(f"{self.server.data}/audit.head", encoding="ascii") as file:
                return json.load(file)["sequence"]
        except FileNotFoundError:
            return 0

    def test_the_head_follows_and_survives_kills(self):
        for round_ in range(3):
            with self.server.client() as client:
                for _ in range(5):
                    client.post(b"x")
            sequence = 1 + 5 * (round_ + 1)
            self.assertTrue(wait_until(lambda s=sequence: self.head() == s, 10), self.head())
            with self.server.client() as client:
                client.post(b"after the head") if round_ == 2 else None
            self.server.kill()
            self.server.start()
        self.server.stop()
        self.assertEqual(run("audit", "verify", "--data", self.server.data).returncode, 0)

    def test_checkpoints_are_told_on_the_log(self):
        self.assertTrue(wait_until(lambda: any("audit checkpoint {" in line for line in self.server.output), 10))
        line = next(line for line in self.server.output if "audit checkpoint {" in line)
        self.assertEqual(json.loads(line[line.index("{"):])["purpose"], "coffer-audit-checkpoint-v1")

    def test_export_follows_a_running_server(self):
        process = subprocess.Popen([BINARY, "audit", "export", "--follow", "--data", self.server.data],
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        self.assertEqual(json.loads(process.stdout.readline())["action"], "store.create")
        with self.server.client() as client:
            path = client.post(b"x")["Location"]
            client.get(path)
        events = [json.loads(process.stdout.readline()) for _ in range(2)]
        self.assertEqual([event["action"] for event in events], ["record.create", "record.read"])
        self.assertEqual({event["object"] for event in events}, {path.rsplit("/", 1)[1]})
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)


class Refusals(unittest.TestCase):
    def test_refusals_without_an_account_are_counted_by_address_and_minute(self):
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        before = time.time() // 60
        with server.client(token=None) as stranger, server.client(token="coffer_" + "A" * 43) as liar:
            for _ in range(30):
                self.assertEqual(stranger.get("/v1/records").status, 401)
                self.assertEqual(liar.post(b"x").status, 401)
            self.assertEqual(stranger.get("/v1/health").status, 200)
        self.assertEqual(server.stop(), 0)
        after = time.time() // 60
        done = run("audit", "export", "--data", server.data)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        counted = [event for event in events if event["action"] == "access.refused"]
        self.assertEqual(sum(event["count"] for event in counted), 60)
        self.assertLessEqual(len(counted), after - before + 1)
        for event in counted:
            self.assertEqual(event["peer"], "127.0.0.1")
            minute = datetime.datetime.fromisoformat(event["minute"].replace("Z", "+00:00")).timestamp() / 60
            self.assertTrue(before <= minute <= after, event)
            self.assertNotIn("account", event)


if __name__ == "__main__":
    unittest.main()
