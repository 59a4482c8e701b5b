"""Searching the audit log by record and actor: an index finds events, and hides none when somebody alters it."""

import json
import os
import shutil
import sqlite3
import unittest

from harness import Server, UNKNOWN_ID, in_threads, run, wait_until

BLOCK = 4096  # events that a run of the index tells of


def runs(data):
    database = sqlite3.connect(f"file:{data}/coffer.db?mode=ro", uri=True)
    try:
        return database.execute("SELECT first, last FROM audit_run ORDER BY last").fetchall()
    finally:
        database.close()


class Index(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--audit-keep", "100ms")
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as client:
            cls.record = client.post(b"watched")["Location"].rsplit("/", 1)[1]
            client.request("POST", "/v1/accounts", json.dumps({"name": "ann", "roles": ["reader"]}))
            cls.token = client.request("POST", "/v1/tokens", json.dumps({"account": "ann"})).json["token"]
            cls.account = client.get("/v1/audit?record=" + cls.record).json["events"][0]["account"]
        for number in range(2):  # the events that are asked for stand far apart
            in_threads(8, cls.read_much)
            with cls.server.client(token=cls.token) as ann:
                assert ann.get("/v1/records/" + cls.record).status == 404
            assert wait_until(lambda n=number: len(runs(cls.server.data)) > n)
        cls.watched = ["record.create", "audit.read", "record.read", "record.read"]
        assert cls.server.stop() == 0
        cls.server.options = ()

    @classmethod
    def read_much(cls, _):
        with cls.server.client() as client:
            for _ in range(BLOCK // 8 + 1):
                client.get("/v1/records/" + UNKNOWN_ID, check=False)

    def setUp(self):
        self.served = Server(directory=os.path.join(self.server.root, self.id().rsplit(".", 1)[1]))
        shutil.copytree(self.server.data, self.served.data)
        self.addCleanup(shutil.rmtree, self.served.root)
        self.addCleanup(self.served.kill)

    def edit(self, *statements):
        database = sqlite3.connect(f"{self.served.data}/coffer.db")
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()

    def assert_found(self):
        """By record and by actor, whole, and over pages of one event."""
        with self.served.client() as client:
            page = client.get(f"/v1/audit?record={self.record}").json
            found = page["events"]
            while "next" in page and found[-1]["action"] != "audit.read":
                page = client.get(f"/v1/audit?record={self.record}&after={page['next']}").json
                found += page["events"]
            self.assertEqual([event["action"] for event in found][:4], self.watched)
            after, single = "0", []
            while len(single) < 4:
                page = client.get(f"/v1/audit?record={self.record}&limit=1&after={after}").json
                single += page["events"]
                after = page["next"]
            self.assertEqual(single, found[:4])
            page = client.get("/v1/audit?actor=ann&limit=2").json
            events = page["events"]
            while len(events) < 2:
                page = client.get(f"/v1/audit?actor=ann&limit=2&after={page['next']}").json
                events += page["events"]
            self.assertEqual([(event["action"], event["object"], event["outcome"]) for event in events],
                             [("record.read", self.record, 404)] * 2)
            both = client.get(f"/v1/audit?actor=ann&record={self.record}&limit=2").json["events"]
            self.assertEqual([event["sequence"] for event in both][:2],
                             [event["sequence"] for event in events][:len(both)])

    def test_one_request_finds_what_lies_behind_thousands_of_events(self):
        """Some of them archived: without the index a request looks at 5,000 events."""
        self.assertEqual(runs(self.served.data), [(1, BLOCK), (BLOCK + 1, 2 * BLOCK)])
        self.served.start()
        with self.served.client() as client:
            page = client.get(f"/v1/audit?record={self.record}").json
        self.assertEqual([event["action"] for event in page["events"]], self.watched)
        self.assertGreater(page["events"][-1]["sequence"], 2 * BLOCK)
        self.assertNotIn("next", page)
        self.assert_found()
        self.served.stop()
        done = run("check", "--data", self.served.data)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_an_index_that_was_altered_hides_nothing_is_named_and_can_be_made_anew(self):
        for statement, words in (
                ("DELETE FROM audit_run_page WHERE first = 1", "events 1 to 4096: its pages were altered or removed"),
                ("DELETE FROM audit_run_page WHERE page_id % 2 = 0", "its pages were altered or removed"),
                ("UPDATE audit_run_page SET entries = zeroblob(length(entries))", "its pages were altered"),
                ("UPDATE audit_run SET entries = entries + 1 WHERE first = 1", "events 1 to 4096: its row was altered"),
                ("DELETE FROM audit_run WHERE first = 1", "events 4097 to 8192: a run before it is missing")):
            with self.subTest(statement):
                self.edit(statement)
                done = run("check", "--data", self.served.data)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"audit index: {words}" if words.startswith("events") else words, done.stdout)
                self.served.start()
                self.assert_found()
                self.served.stop()
                if "% 2" not in statement:  # what was asked for may stand in the pages that are left
                    self.assertIn("does not verify (index of the audit log)", "".join(self.served.output))
                self.assertEqual(run("audit", "index", "--data", self.served.data).returncode, 0)
                done = run("check", "--data", self.served.data)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_an_index_that_was_removed_is_made_again_by_the_server(self):
        self.edit("DELETE FROM audit_run", "DELETE FROM audit_run_page")
        self.assertEqual(run("check", "--data", self.served.data).returncode, 0)
        self.served.start()
        self.assert_found()
        self.assertTrue(wait_until(lambda: len(runs(self.served.data)) >= 2))
        self.assert_found()


if __name__ == "__main__":
    unittest.main()
