"""Whoever edits the database is noticed: an edited row is refused, never another's or a wrong content given."""

import http.client
import itertools
import json
import os
import shutil
import sqlite3
import unittest
import uuid

from harness import ApiTest, Server, run, wait_until

REFUSED = (401, 404, 410, 500)
VERSION = ("version_id record_id version revision state suite owner size created_ms changed_ms content_nonce meta_nonce"
           " commitment blob_id meta mac inline_chunk").split()[1:]
WRAP = "kek_id wrap_revision wrap wrap_mac epoch_wrap".split()
ACCOUNT = "account_id revision state scopes created_ms name mac".split()
TOKEN = "token_id revision state hash account_id scopes created_ms expires_ms description mac".split()
SPARE = 0x7ffffffffffffff0


def flips(value):
    """The value with each of its bytes changed, one at a time."""
    if isinstance(value, int):
        for i in range(8):
            yield value ^ 1 << 8 * i
    elif isinstance(value, str):
        for changed in flips(value.encode()):
            yield changed.decode()
    else:
        for i, byte in enumerate(value):
            yield value[:i] + bytes([byte ^ 1]) + value[i + 1:]


def connect(data):
    database = sqlite3.connect(os.path.join(data, "coffer.db"), isolation_level=None, timeout=30)
    database.execute("PRAGMA ignore_check_constraints = ON")
    database.execute("PRAGMA synchronous = OFF")
    return database


def id_of(path):
    return uuid.UUID(path.split("/")[3]).bytes


class Edited(ApiTest):
    """Edits while the server runs, each in a short transaction and undone by the next."""
    options = ("--read-snapshot", "0ms")

    def setUp(self):
        super().setUp()
        self.database = connect(self.server.data)
        self.addCleanup(self.database.close)
        self.bodies = {}

    def store(self, body):
        path = self.create(body, "text/plain")
        self.bodies[path] = body
        return path

    def replace(self, path, body):
        version = int(self.client.get(path)["ETag"].strip('"'))
        self.assertEqual(self.client.put(path, body, "text/plain", if_match=f'"{version}"').status, 200)
        self.bodies[f"{path}/versions/{version}"] = self.bodies[path]
        self.bodies[path] = self.bodies[f"{path}/versions/{version + 1}"] = body

    def key(self, table, where, *values):
        row = self.database.execute(f"SELECT rowid FROM {table} WHERE {where}", values).fetchone()
        self.assertIsNotNone(row, (table, where))
        return row[0]

    def whole(self, path):
        """True when it is served as it was stored; false when refused. Anything else fails."""
        try:
            answer = self.client.get(path, check=False)
        except http.client.HTTPException:
            # Cut off before the end, after good chunks.
            self.client.close()
            return False
        if answer.status == 200:
            self.assertTrue(answer.body == self.bodies[path], f"{path}: other bytes came back")
            return True
        self.assertIn(answer.status, REFUSED)
        return False

    def check_all_whole(self):
        for path in self.bodies:
            self.assertTrue(self.whole(path), path)

    def version_row(self, path, version=1):
        return self.key("version", "record_id = ? AND version = ?", id_of(path), version)

    def values(self, table, row, columns):
        return self.database.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE rowid = ?", (row,)).fetchone()

    def write(self, table, columns, changes):
        """changes: (rowid, values). Keys are moved out of the way first, since they are unique."""
        unique = {"record_id": lambda i: SPARE.to_bytes(15, "big") + bytes([i]), "number": lambda i: SPARE + i}
        self.database.execute("BEGIN IMMEDIATE")
        for i, (row, _) in enumerate(changes):
            for name in set(columns) & unique.keys():
                self.database.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (unique[name](i), row))
            if "version" in columns:
                self.database.execute(f"UPDATE {table} SET version = ? WHERE rowid = ?", (SPARE + i, row))
        for row, values in changes:
            self.database.execute(f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE rowid = ?",
                                  (*values, row))
        self.database.execute("COMMIT")

    def swapped(self, table, columns, one, other):
        """Swaps the columns of two rows, and says which of the contents are still served."""
        ours, theirs = self.values(table, one, columns), self.values(table, other, columns)
        if ours == theirs:
            return None
        self.write(table, columns, [(one, theirs), (other, ours)])
        served = [path for path in self.bodies if self.whole(path)]
        self.write(table, columns, [(one, ours), (other, theirs)])
        return served

    def check_swap(self, table, columns, one, other, hit):
        served = self.swapped(table, columns, one, other)
        if served is not None:
            self.assertEqual(sorted(set(self.bodies) - set(served)), sorted(hit), (table, columns))

    def check_flips(self, table, columns, row, refused):
        count = 0
        for column in columns:
            value = self.values(table, row, [column])[0]
            for changed in flips(value):
                self.database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, row))
                self.assertTrue(refused(), f"{table}.{column}: {value!r} -> {changed!r} went unnoticed")
                count += 1
            self.database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row))
        return count


class Records(Edited):
    def test_every_byte_of_a_version_row(self):
        path, bystander = self.store(b"forty bytes of plaintext in a single chunk"), self.store(b"bystander")
        count = self.check_flips("version", VERSION, self.version_row(path), lambda: not self.whole(path))
        self.assertGreater(count, 250)
        self.assertTrue(self.whole(bystander))
        self.check_all_whole()

    def test_every_byte_of_a_superseded_row(self):
        path = self.store(b"first")
        self.replace(path, b"second")
        columns = [name for name in VERSION if name not in ("mac", "meta", "meta_nonce")]
        old = f"{path}/versions/1"
        self.check_flips("version", columns, self.version_row(path), lambda: not self.whole(old))
        self.check_all_whole()

    def test_every_byte_of_a_wrap(self):
        path = self.store(b"wrapped")
        count = self.check_flips("version", WRAP, self.version_row(path), lambda: not self.whole(path))
        self.assertGreater(count, 500)
        self.check_all_whole()

    def test_every_byte_of_a_chunk(self):
        path = self.store(os.urandom(65536 + 100))
        blob = self.values("version", self.version_row(path), ["blob_id"])[0]
        row = self.key("chunk", "blob_id = ? AND number = 1", blob)
        self.assertEqual(self.check_flips("chunk", ["data"], row, lambda: not self.whole(path)), 116)
        for column, value in (("number", 1), ("blob_id", blob)):
            for wrong in (value + 1000, SPARE):
                self.database.execute(f"UPDATE chunk SET {column} = ? WHERE rowid = ?", (wrong, row))
                self.assertFalse(self.whole(path), column)
            self.database.execute(f"UPDATE chunk SET {column} = ? WHERE rowid = ?", (value, row))
        first = self.key("chunk", "blob_id = ? AND number = 0", blob)
        data = self.values("chunk", first, ["data"])[0]
        for i in (0, 15, 16, 40000, 65551):
            self.write("chunk", ["data"], [(first, (data[:i] + bytes([data[i] ^ 128]) + data[i + 1:],))])
            self.assertFalse(self.whole(path))
        self.write("chunk", ["data"], [(first, (data,))])
        self.check_all_whole()

    def test_chunks_cut_lengthened_or_removed(self):
        path = self.store(os.urandom(2 * 65536))
        blob = self.values("version", self.version_row(path), ["blob_id"])[0]
        row = self.key("chunk", "blob_id = ? AND number = 1", blob)
        data = self.values("chunk", row, ["data"])[0]
        for wrong in (b"", data[:15], data[:-1], data + b"\0", data + data):
            self.write("chunk", ["data"], [(row, (wrong,))])
            self.assertFalse(self.whole(path))
        self.write("chunk", ["data"], [(row, (data,))])
        self.check_all_whole()

    def sweep_beyond(self):
        """Waits until the sweeper has removed a blob that nobody names, with a number beyond all others."""
        orphan = 1 << 40
        self.database.execute("INSERT INTO blob (blob_id, state) VALUES (?, 2)", (orphan,))
        self.database.execute("INSERT INTO chunk (blob_id, number, data) VALUES (?, 0, x'00')", (orphan,))

        def gone():
            return not any(self.database.execute(f"SELECT 1 FROM {table} WHERE blob_id = ?", (orphan,)).fetchone()
                           for table in ("blob", "chunk"))

        self.assertTrue(wait_until(gone), "nothing was swept")

    def test_the_sweeper_leaves_what_a_version_names(self):
        path = self.store(os.urandom(3 * 65536))
        old = self.store(os.urandom(2 * 65536))
        self.replace(old, os.urandom(2 * 65536))
        self.database.execute("UPDATE blob SET state = 2")
        self.sweep_beyond()
        self.check_all_whole()
        self.database.execute("UPDATE blob SET state = 0")
        self.server.stop()
        self.server.start()
        self.sweep_beyond()
        self.check_all_whole()
        # What is really deleted goes, whatever its state has been made to say.
        blobs = self.database.execute("SELECT blob_id FROM version WHERE record_id = ?", (id_of(path),)).fetchall()
        self.assertEqual(self.client.delete(path, if_match='"1"').status, 204)
        self.sweep_beyond()
        self.assertEqual(self.database.execute("SELECT count(*) FROM chunk WHERE blob_id = ?", blobs[0]).fetchone(), (0,))

    def test_deleting_one_record_takes_no_other_ones_content(self):
        """A superseded row, which deleting does not verify, is made to name another record's content."""
        path, other = self.store(os.urandom(2 * 65536)), self.store(os.urandom(2 * 65536))
        self.replace(path, b"second")
        self.database.execute("UPDATE version SET blob_id = (SELECT blob_id FROM version WHERE record_id = ?)"
                              " WHERE record_id = ? AND version = 1", (id_of(other), id_of(path)))
        self.assertEqual(self.client.delete(path, if_match='"2"').status, 204)
        self.sweep_beyond()
        self.assertTrue(self.whole(other))

    def test_version_rows_swapped_among_records_and_among_versions(self):
        first, second = self.store(b"one of two, same length"), self.store(b"two of two, same length")
        self.replace(first, b"one, and again the same.")
        self.store(b"bystander")
        rows = {(first, 1): {f"{first}/versions/1"}, (first, 2): {first, f"{first}/versions/2"}, (second, 1): {second}}
        everything = [name for name in VERSION if name not in ("record_id", "version")]
        for (one, one_hit), (other, other_hit) in itertools.combinations(rows.items(), 2):
            pair = self.version_row(*one), self.version_row(*other)
            hit = one_hit | other_hit
            for column in everything:
                # The row of the newest version decides for its record's others too; its chunk only for itself.
                below = {f"{first}/versions/1"} if (first, 2) in (one, other) and column != "inline_chunk" else set()
                self.check_swap("version", [column], *pair, hit | below)
            below = {f"{first}/versions/1"} if (first, 2) in (one, other) else set()
            self.check_swap("version", everything, *pair, hit | below)
            served = self.swapped("version", ["record_id", "version"], *pair)
            self.assertTrue(served is not None and not set(served) & (one_hit | other_hit))
        self.check_all_whole()

    def test_wraps_swapped(self):
        first, second = self.store(b"first"), self.store(b"second")
        self.replace(first, b"first again")
        rows = [(self.version_row(first), {f"{first}/versions/1"}),
                (self.version_row(first, 2), {first, f"{first}/versions/2"}), (self.version_row(second), {second})]
        for (one, hit), (other, other_hit) in itertools.combinations(rows, 2):
            for columns in (["wrap"], ["wrap_mac"], ["wrap", "wrap_mac"], ["epoch_wrap"], WRAP):
                self.check_swap("version", columns, one, other, hit | other_hit)
        self.check_all_whole()

    def test_chunks_and_blobs_swapped(self):
        paths = [self.store(os.urandom(3 * 65536)) for _ in range(2)]
        rows = []
        for path in paths:
            blob = self.values("version", self.version_row(path), ["blob_id"])[0]
            rows += [(path, self.key("chunk", "blob_id = ? AND number = ?", blob, i)) for i in range(3)]
        for (one, row), (other, other_row) in itertools.combinations(rows, 2):
            for columns in (["data"], ["number", "blob_id"]):
                self.check_swap("chunk", columns, row, other_row, {one, other})
        self.check_swap("version", ["blob_id"], *(self.version_row(path) for path in paths), paths)
        self.check_all_whole()

    def test_tombstones_and_live_rows_swapped(self):
        live, dead = self.store(b"alive"), self.create(b"to be deleted")
        self.assertEqual(self.client.delete(dead).status, 204)
        self.bodies[dead] = None
        pair = self.version_row(live), self.version_row(dead, 2)
        for columns in ([name] for name in VERSION if name not in ("record_id", "version")):
            served = self.swapped("version", columns, *pair)
            # A tombstone's inline chunk is never read; the live row's always is.
            self.assertTrue(served is None or served == [], columns)
        everything = [name for name in VERSION if name != "record_id"]
        self.assertEqual(self.swapped("version", everything, *pair), [])
        self.assertEqual(self.swapped("version", ["record_id"], *pair), [])
        self.assertTrue(self.whole(live))
        self.assertFalse(self.whole(dead))

    def test_removing_the_newest_version_does_not_bring_the_old_one_back(self):
        path = self.store(b"old")
        self.replace(path, b"new")
        self.database.execute("DELETE FROM version WHERE record_id = ? AND version = 2", (id_of(path),))
        self.assertFalse(self.whole(path))
        self.assertFalse(self.whole(f"{path}/versions/1"))

    def test_a_remembered_answer_cannot_be_made_another_records(self):
        first = self.client.post(b"same", "text/plain", idempotency_key="first")
        second = self.client.post(b"same", "text/plain", idempotency_key="second")
        rows = [self.key("idempotency", "record_id = ?", id_of(made["Location"])) for made in (first, second)]
        for columns in (["record_id"], ["body_mac", "record_id"], ["body_mac"]):
            ours, theirs = (self.values("idempotency", row, columns) for row in rows)
            if ours == theirs:
                continue
            self.write_plain("idempotency", columns, [(rows[0], theirs), (rows[1], ours)])
            answer = self.client.post(b"same", "text/plain", idempotency_key="first")
            self.write_plain("idempotency", columns, [(rows[0], ours), (rows[1], theirs)])
            self.assertEqual(answer.status, 422, columns)
        for column in ("record_id", "version", "created_ms", "body_mac"):
            value = self.values("idempotency", rows[0], [column])[0]
            for changed in flips(value):
                self.write_plain("idempotency", [column], [(rows[0], (changed,))])
                answer = self.client.post(b"same", "text/plain", idempotency_key="first", check=False)
                self.assertEqual(answer.status, 422, column)
            self.write_plain("idempotency", [column], [(rows[0], (value,))])
        again = self.client.post(b"same", "text/plain", idempotency_key="first")
        self.assertEqual((again.status, again["Location"]), (201, first["Location"]))

    def write_plain(self, table, columns, changes):
        for row, values in changes:
            self.database.execute(f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE rowid = ?",
                                  (*values, row))


class Access(Edited):
    options = ("--token-cache", "0ms", "--read-snapshot", "0ms")

    def test_every_byte_of_token_and_account(self):
        path = self.store(b"guarded")
        for table, columns in (("token", TOKEN), ("account", ACCOUNT)):
            row = self.key(table, "1")
            self.check_flips(table, columns, row, lambda: self.client.get(path).status == 401)
        self.check_all_whole()


class Cached(Edited):
    options = ("--token-cache", "1s", "--read-snapshot", "0ms")

    def test_a_verified_token_is_looked_up_again_after_its_time(self):
        path = self.store(b"guarded")
        row = self.key("token", "1")
        for column, wrong in (("state", 2), ("mac", bytes(32))):
            value = self.values("token", row, [column])[0]
            self.database.execute(f"UPDATE token SET {column} = ? WHERE rowid = ?", (wrong, row))
            self.assertTrue(wait_until(lambda: self.client.get(path).status == 401, 10), column)
            self.database.execute(f"UPDATE token SET {column} = ? WHERE rowid = ?", (value, row))
            self.assertTrue(self.whole(path), "a refusal is not kept")


class Snapshot(Edited):
    options = ("--read-snapshot", "100ms")

    def test_an_edit_is_found_when_the_snapshot_has_ended(self):
        path = self.store(b"guarded")
        row = self.version_row(path)
        mac = self.values("version", row, ["mac"])[0]
        for _ in range(3):
            self.database.execute("UPDATE version SET mac = ? WHERE rowid = ?", (bytes(32), row))
            self.assertTrue(wait_until(lambda: not self.whole(path), 10))
            self.database.execute("UPDATE version SET mac = ? WHERE rowid = ?", (mac, row))
            self.assertTrue(wait_until(lambda: self.whole(path), 10))

    def test_what_the_service_changes_is_found_at_once(self):
        path = self.store(b"0")
        for number in range(1, 50):
            self.replace(path, str(number).encode())
            self.assertTrue(self.whole(path))
        token = self.client.request("POST", "/v1/tokens", json.dumps({"account": "admin"})).json
        with self.server.client(token=token["token"]) as other:
            self.assertEqual(other.get(path).status, 200)
            self.client.delete(f"/v1/tokens/{token['id']}")
            self.assertEqual(other.get(path).status, 401)
        self.client.delete(path)
        self.assertEqual(self.client.get(path).status, 410)


class Stopped(unittest.TestCase):
    """Edits of a copy of a stopped server's directory."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as client:
            cls.paths = [client.post(b"record %d" % i)["Location"] for i in range(6)]
        code = cls.server.stop()
        assert code == 0, f"the server ended with {code}"

    def edited(self, *statements):
        """A copy after the statements."""
        copy = os.path.join(self.server.root, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.server.data, copy)
        database = connect(copy)
        for statement in statements:
            database.execute(*statement) if isinstance(statement, tuple) else database.execute(statement)
        database.close()
        return copy

    def verify(self, *statements):
        return run("audit", "verify", "--data", self.edited(*statements))

    def check_first_bad(self, number, *statements):
        done = self.verify(*statements)
        self.assertEqual(done.returncode, 1, (statements, done.stdout, done.stderr))
        self.assertRegex(done.stdout, rf"^audit event {number}: ", statements)

    def check_start_refused(self, *statements):
        copy = self.edited(*statements)
        done = run("serve", "--data", copy, "--listen", "127.0.0.1:0", "--access-log", "off", timeout=20)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr + done.stdout

    def test_an_untouched_copy_verifies(self):
        done = self.verify()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("7 events verified", done.stdout)

    def test_every_byte_of_an_event(self):
        path = os.path.join(self.server.data, "coffer.db")
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        row = database.execute("SELECT event, hash, mac FROM audit_event WHERE sequence = 4").fetchone()
        database.close()
        for column, value in zip(("event", "hash", "mac"), row):
            for changed in flips(value):
                self.check_first_bad(4, (f"UPDATE audit_event SET {column} = ? WHERE sequence = 4", (changed,)))

    def test_events_removed_reordered_and_duplicated(self):
        self.check_first_bad(4, "DELETE FROM audit_event WHERE sequence = 4")
        self.check_first_bad(1, "DELETE FROM audit_event WHERE sequence = 1")
        self.check_first_bad(4, "DELETE FROM audit_event WHERE sequence = 4",
                             "UPDATE audit_event SET sequence = sequence - 1 WHERE sequence > 4")
        self.check_first_bad(3, "UPDATE audit_event SET sequence = 100 WHERE sequence = 3",
                             "UPDATE audit_event SET sequence = 3 WHERE sequence = 4",
                             "UPDATE audit_event SET sequence = 4 WHERE sequence = 100")
        self.check_first_bad(8, "INSERT INTO audit_event SELECT 8, event, hash, mac FROM audit_event WHERE sequence = 7")
        self.check_first_bad(5, "UPDATE audit_event SET (event, hash, mac) ="
                                " (SELECT event, hash, mac FROM audit_event WHERE sequence = 2) WHERE sequence = 5")

    def test_a_trail_removed_whole(self):
        self.check_first_bad(1, "DELETE FROM audit_event")
        self.assertIn("audit", self.check_start_refused("DELETE FROM audit_event"))

    def test_the_admin_account_removed_or_renamed(self):
        for statement in ("DELETE FROM account", "UPDATE account SET name = 'nobody'"):
            self.assertIn("admin", self.check_start_refused(statement))

    def test_store_id_kek_and_last_event_altered(self):
        for statement in ("UPDATE setting SET value = randomblob(16)", "UPDATE kek SET spki = randomblob(422)",
                          "UPDATE kek SET revision = 2", "UPDATE kek SET state = 2", "DELETE FROM kek",
                          "UPDATE audit_event SET hash = randomblob(32) WHERE sequence = 7"):
            self.check_start_refused(statement)

    def test_the_others_are_served_after_a_restart(self):
        copy = self.edited(("UPDATE version SET size = size + 1 WHERE record_id = ?", (id_of(self.paths[0]),)))
        server = Server(directory=os.path.join(self.server.root, "again"))
        os.mkdir(server.root)
        os.rename(copy, server.data)
        self.addCleanup(server.remove)
        server.start()
        with server.client() as client:
            answer = client.get(self.paths[0])
            self.assertEqual(answer.status, 500)
            self.assertTrue(answer.json["type"].endswith("record-damaged"), answer.json)
            for i, path in enumerate(self.paths[1:], 1):
                self.assertEqual(client.get(path).body, b"record %d" % i)
            self.assertEqual(client.post(b"still writing")["ETag"], '"1"')


if __name__ == "__main__":
    unittest.main()
