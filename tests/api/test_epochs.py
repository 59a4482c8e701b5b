"""Epoch keys: a cache of wraps that may vanish, must not lie, and comes back as records are read."""

import os
import sqlite3
import unittest
import uuid

from harness import ApiTest, Server, wait_until


def rows(data, query, *values):
    database = sqlite3.connect(os.path.join(data, "coffer.db"), isolation_level=None, timeout=30)
    try:
        return database.execute(query, values).fetchall()
    finally:
        database.close()


def lengths(data):
    return [row[0] for row in rows(data, "SELECT length(epoch_wrap) FROM version ORDER BY record_id, version")]


class EpochWraps(ApiTest):
    options = ("--read-snapshot", "0ms")

    def test_each_version_is_wrapped_under_the_epoch_key_too(self):
        path = self.create(b"wrapped twice")
        self.client.put(path, b"and again", if_match='"1"')
        found = rows(self.server.data, "SELECT length(epoch_wrap) FROM version WHERE record_id = ?",
                     uuid.UUID(path.rsplit("/", 1)[1]).bytes)
        self.assertEqual(found, [(80,), (80,)])
        self.assertEqual(len(rows(self.server.data, "SELECT 1 FROM epoch")), 1)

    def test_deleting_all_of_them_loses_nothing_and_reading_brings_them_back(self):
        bodies = {self.create(b"body %d" % i): b"body %d" % i for i in range(5)}
        rows(self.server.data, "UPDATE version SET epoch_wrap = x''")
        self.assertEqual(set(lengths(self.server.data)), {0})
        for path, body in bodies.items():
            self.assertEqual(self.client.get(path).body, body)
            self.assertEqual(self.client.head(path).status, 200)
        back = rows(self.server.data, "SELECT count(*) FROM version WHERE length(epoch_wrap) = 80")[0][0]
        self.assertEqual(back, len(bodies))
        for path, body in bodies.items():
            self.assertEqual(self.client.get(path).body, body)

    def test_a_wrong_one_is_a_fault_that_the_log_names(self):
        path = self.create(b"guarded")
        good = rows(self.server.data, "SELECT epoch_wrap FROM version ORDER BY record_id DESC LIMIT 1")[0][0]
        for wrong in (good[:-1], good[:-1] + bytes([good[-1] ^ 1]), os.urandom(80)):
            rows(self.server.data, "UPDATE version SET epoch_wrap = ? WHERE epoch_wrap = ?", wrong, good)
            self.assert_problem(self.client.get(path), 500, "record-damaged")
            rows(self.server.data, "UPDATE version SET epoch_wrap = ? WHERE epoch_wrap = ?", good, wrong)
        self.assertEqual(self.client.get(path).body, b"guarded")
        self.assertTrue(wait_until(lambda: any("epoch wrap" in line for line in self.server.output)))


class Restarts(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def restart(self, *options):
        self.assertIn(self.server.stop(), (None, 0))
        self.server.options = options
        self.server.start()

    def epochs(self):
        return rows(self.server.data, "SELECT hex(epoch_id), reserved FROM epoch ORDER BY created_ms")

    def test_the_epoch_goes_on_after_a_restart_and_counts_what_it_may_have_wrapped(self):
        self.server.start()
        with self.server.client() as client:
            path = client.post(b"first")["Location"]
        (first, reserved), = self.epochs()
        self.restart()
        with self.server.client() as client:
            self.assertEqual(client.get(path).body, b"first")
        (again, more), = self.epochs()
        self.assertEqual(again, first)
        self.assertEqual(more, 2 * reserved)

    def test_an_old_epoch_is_followed_by_a_new_one_and_stays_readable(self):
        self.server.options = ("--epoch-age", "1s")
        self.server.start()
        with self.server.client() as client:
            path = client.post(b"under the first")["Location"]
            self.assertTrue(wait_until(lambda: len(self.epochs()) > 1, 30), "no second epoch")
            later = client.post(b"under another")["Location"]
            ids = rows(self.server.data, "SELECT DISTINCT substr(epoch_wrap, 1, 16) FROM version")
            self.assertEqual(len(ids), 2)
        self.restart("--epoch-age", "24h")
        with self.server.client() as client:
            self.assertEqual(client.get(path).body, b"under the first")
            self.assertEqual(client.get(later).body, b"under another")

    def test_an_altered_epoch_makes_its_records_faulty_not_wrong(self):
        self.server.start()
        with self.server.client() as client:
            path = client.post(b"under an altered epoch")["Location"]
        self.assertEqual(self.server.stop(), 0)
        rows(self.server.data, "UPDATE epoch SET created_ms = created_ms - 1")
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.get(path).status, 500)
            after = client.post(b"under a new one")["Location"]
            self.assertEqual(client.get(after).body, b"under a new one")
        rows(self.server.data, "UPDATE epoch SET created_ms = created_ms + 1 WHERE created_ms ="
                               " (SELECT min(created_ms) FROM epoch)")
        self.restart()
        with self.server.client() as client:
            self.assertEqual(client.get(path).body, b"under an altered epoch")

    def test_switched_off_none_is_made_and_none_is_looked_at(self):
        self.server.start()
        with self.server.client() as client:
            before = client.post(b"before")["Location"]
        self.restart("--epoch-wraps=off")
        rows(self.server.data, "UPDATE version SET epoch_wrap = zeroblob(80)")
        with self.server.client() as client:
            self.assertEqual(client.get(before).body, b"before")
            path = client.post(b"off")["Location"]
            self.assertEqual(client.get(path).body, b"off")
        self.assertEqual(sorted(lengths(self.server.data)), [0, 80])


if __name__ == "__main__":
    unittest.main()
