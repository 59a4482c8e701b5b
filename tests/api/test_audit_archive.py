"""The archive of the audit log: old events in files, and the chain goes on over them."""

import collections
import datetime
import glob
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import threading
import time
import unittest

from harness import ROOT, Server, run, wait_until

READER = os.path.join(ROOT, "tests", "interop", "reader.py")
HEADER = 80
SOON = "100ms"  # events go at the keeper's next turn


def rows(data, statement="SELECT count(*) FROM audit_event"):
    database = sqlite3.connect(f"file:{data}/coffer.db?mode=ro", uri=True)
    try:
        return database.execute(statement).fetchall()
    finally:
        database.close()


def segments(data):
    """Files, oldest first."""
    return sorted(glob.glob(f"{data}/audit-archive/*.audit"))


def bounds(path):
    with open(path, "rb") as file:
        return struct.unpack(">QQ", file.read(HEADER)[32:48])


def archived(data):
    """Whether nothing is left to do but the last event."""
    return bool(segments(data)) and rows(data) == [(1,)]


def export(data, *options):
    done = run("audit", "export", "--data", data, *options)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


class Copy(unittest.TestCase):
    """A store whose log lies in several files and in the database, and no server: each test has a copy of it."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--audit-keep", SOON)
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.requests = []
        for part in range(3):
            with cls.server.client() as client:
                for i in range(12):
                    cls.requests.append(("record.create", client.post(b"record %d" % i)["Location"].rsplit("/", 1)[1]))
            assert wait_until(lambda p=part: len(segments(cls.server.data)) > p and archived(cls.server.data))
            if part == 1:
                done = run("audit", "checkpoint", "--data", cls.server.data)
                cls.early = json.loads(done.stdout)
        cls.server.options = ()
        assert cls.server.stop() == 0
        cls.server.start()
        with cls.server.client() as client:
            for i in range(5):
                client.get(f"/v1/records/{cls.requests[i][1]}")
                cls.requests.append(("record.read", cls.requests[i][1]))
        assert cls.server.stop() == 0
        cls.total = 1 + len(cls.requests)
        cls.files = segments(cls.server.data)
        cls.bounds = [bounds(path) for path in cls.files]

    def setUp(self):
        self.data = os.path.join(self.server.root, self.id().rsplit(".", 1)[1])
        self.renew()
        self.addCleanup(shutil.rmtree, self.data)

    def renew(self):
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.server.data, self.data)

    def path(self, number):
        return segments(self.data)[number]

    def edit(self, *statements):
        database = sqlite3.connect(f"{self.data}/coffer.db")
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()

    def change(self, number, function):
        """The file's bytes become what `function` makes of them."""
        with open(self.path(number), "rb") as file:
            content = file.read()
        with open(self.path(number), "wb") as file:
            file.write(function(content))

    def verify(self, *options):
        done = run("audit", "verify", "--data", self.data, *options)
        return done.returncode, done.stdout + done.stderr

    def keep(self, checkpoint):
        path = os.path.join(self.data, "kept")
        with open(path, "w", encoding="ascii") as file:
            json.dump(checkpoint, file)
        return path

    def assert_named(self, number, first_lost, *words, renew=True):
        """verify and check name the file and the first event that is lost, and find the rest whole."""
        name = f"audit-archive/{self.bounds[number][0]:020}.audit"
        code, told = self.verify()
        self.assertEqual(code, 1, told)
        line = next((line for line in told.splitlines() if line.startswith("audit event ")), told)
        self.assertTrue(line.startswith(f"audit event {first_lost}: "), told)
        for word in (name, *words):
            self.assertIn(word, line)
        lost = self.bounds[number][1] - first_lost + 1
        self.assertIn(f"{self.total - lost} events verified", told)
        if renew:
            self.renew()


class Whole(Copy):
    def test_it_lies_in_several_files_and_verifies_with_checkpoints_of_any_age(self):
        self.assertGreaterEqual(len(self.files), 3)
        expected = 1
        for first, last in self.bounds:
            self.assertEqual(first, expected)
            expected = last + 1
        self.assertEqual([row[0] for row in rows(self.data, "SELECT sequence FROM audit_event ORDER BY 1")],
                         list(range(expected, self.total + 1)))
        self.assertEqual(self.verify(), (0, f"{self.total} events verified\n"))
        code, told = self.verify("--checkpoint", self.keep(self.early))
        self.assertEqual(code, 0, told)
        self.assertIn(f"holds event {self.early['sequence']} as it was signed", told)
        for path in self.files:
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(f"{self.data}/audit-archive").st_mode & 0o777, 0o700)

    def test_the_export_has_each_request_once_from_wherever_one_begins(self):
        code, events, errors = export(self.data)
        self.assertEqual(code, 0, errors)
        self.assertEqual([event["sequence"] for event in events], list(range(1, self.total + 1)))
        self.assertEqual([(event["action"], event["object"]) for event in events[1:]], self.requests)
        previous = None
        for after in range(self.total + 1):
            if previous == (after in [last for _, last in self.bounds]):
                continue  # one within each file, and both sides of each border
            previous = after in [last for _, last in self.bounds]
            self.assertEqual(export(self.data, "--after", str(after))[1], events[after:])

    def test_another_reader_reads_the_same(self):
        """tests/interop/reader.py goes by docs/formats.md alone."""
        done = subprocess.run(["/usr/bin/python3", READER, self.data], stdout=subprocess.PIPE, check=False, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"{self.total} audit events", done.stdout)
        self.change(0, lambda content: content[:-1] + bytes([content[-1] ^ 1]))
        done = subprocess.run(["/usr/bin/python3", READER, self.data], stdout=subprocess.PIPE, check=False, text=True)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"event {self.bounds[0][1]}: MAC", done.stdout)

    def test_the_api_finds_events_in_files_and_in_the_database(self):
        record = self.requests[0][1]
        server = Server(directory=self.data + "-served")
        shutil.copytree(self.data, server.data)
        self.addCleanup(shutil.rmtree, server.root)
        self.addCleanup(server.remove)
        server.start()
        with server.client() as client:
            found = client.get(f"/v1/audit?record={record}").json["events"]
            self.assertEqual([event["action"] for event in found], ["record.create", "record.read"])
            seen, after = [], "0"
            while after is not None:
                page = client.get(f"/v1/audit?limit=7&after={after}").json
                seen += page["events"]
                after = page.get("next") if len(seen) <= self.total else None
            self.assertEqual([event["sequence"] for event in seen][:self.total], list(range(1, self.total + 1)))
            os.unlink(segments(server.data)[0])
            self.assertEqual(client.get(f"/v1/audit?record={record}").status, 500)
            self.assertEqual(client.get(f"/v1/audit?after={self.bounds[0][1]}").status, 200)

    def test_check_goes_through_the_files_too(self):
        done = run("check", "--data", self.data)
        self.assertEqual((done.returncode, "faults: 0" in done.stdout), (0, True), done.stdout)
        # The creation of this record is told of in a file only.
        self.edit(f"DELETE FROM version WHERE record_id = x'{self.requests[0][1].replace('-', '')}'")
        done = run("check", "--data", self.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"record {self.requests[0][1]} version 1: the audit log tells of it", done.stdout)
        self.renew()
        os.unlink(self.path(1))
        done = run("check", "--data", self.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"audit event {self.bounds[1][0]}: is missing, with the file of its segment", done.stdout)


class Altered(Copy):
    def test_a_file_that_is_missing(self):
        for number in range(len(self.files)):
            os.unlink(self.path(number))
            # The other files keep their places, so the path of the missing one is known by the bounds.
            self.assert_named(number, self.bounds[number][0], "is missing, with the file")
        shutil.rmtree(f"{self.data}/audit-archive")
        code, told = self.verify()
        self.assertEqual(code, 1)
        self.assertEqual(told.count("is missing, with the file of its segment"), len(self.files))

    def test_a_file_that_was_cut_off_or_has_more(self):
        first, last = self.bounds[1]
        size = os.path.getsize(self.path(1))
        for length, lost in ((0, first), (HEADER - 1, first), (HEADER, first), (HEADER + 1, first), (size - 1, last)):
            self.change(1, lambda content, n=length: content[:n])
            self.assert_named(1, lost)
        self.change(1, lambda content: content + b"\0")
        code, told = self.verify()
        self.assertEqual(code, 1)
        self.assertIn(f"audit event {last}: is followed by what is no event (audit-archive/{first:020}.audit)", told)

    def test_any_byte_that_was_altered(self):
        """Some of the header, and of two events in the middle of a file; tests/unit/test_audit_archive.c tries all."""
        with open(self.path(1), "rb") as file:
            content = file.read()
        first, last = self.bounds[1]
        starts, at = [], HEADER
        for _ in range(last - first + 1):
            starts.append(at)
            at += 66 + struct.unpack_from(">H", content, at)[0]
        lost = {offset: first for offset in range(HEADER)}
        for number in (3, 4):
            lost |= {offset: first + number for offset in range(starts[number], starts[number + 1])}
        for offset, event in list(lost.items())[::9]:
            changed = bytearray(content)
            changed[offset] ^= 1 << random.Random(offset).randrange(8)
            with open(self.path(1), "wb") as file:
                file.write(changed)
            self.assert_named(1, event, renew=False)

    def test_events_that_were_reordered_swapped_or_removed_in_a_file(self):
        def events(content):
            found, at = [], HEADER
            while at < len(content):
                end = at + 66 + struct.unpack_from(">H", content, at)[0]
                found.append(content[at:end])
                at = end
            return content[:HEADER], found

        def reorder(content):
            head, found = events(content)
            found[2], found[3] = found[3], found[2]
            return head + b"".join(found)

        def repeat(content):
            head, found = events(content)
            found[3] = found[2]
            return head + b"".join(found)

        def remove(content):
            head, found = events(content)
            return head + b"".join(found[:2] + found[3:])

        def shorten(content):
            """The header tells of one event less, which is gone."""
            head, found = events(content)
            last = struct.pack(">Q", self.bounds[1][1] - 1)
            return head[:40] + last + head[48:] + b"".join(found[:-1])

        first = self.bounds[1][0]
        for function, lost in ((reorder, first + 2), (repeat, first + 3), (remove, first + 2), (shorten, first)):
            self.change(1, function)
            self.assert_named(1, lost)

    def test_a_chain_that_was_computed_anew_in_a_file_lacks_its_macs(self):
        def forge(content):
            made, at, previous = content[:HEADER], HEADER, content[48:HEADER]
            while at < len(content):
                size, = struct.unpack_from(">H", content, at)
                event, mac = content[at + 2:at + 2 + size], content[at + 34 + size:at + 66 + size]
                if at > HEADER + 600:
                    event = event[:-1] + bytes([event[-1] ^ 1])
                previous = hashlib.sha256(previous + event).digest()
                made += struct.pack(">H", size) + event + previous + mac
                at += 66 + size
            return made

        self.change(0, forge)
        code, told = self.verify("--checkpoint", self.keep(self.early))
        self.assertEqual(code, 1)
        self.assertRegex(told, r"audit event \d+: was not written by this store \(audit-archive/0{19}1.audit\)")

    def test_files_that_were_swapped_or_come_from_elsewhere(self):
        one, two = self.path(0), self.path(1)
        os.rename(one, one + ".x")
        os.rename(two, one)
        os.rename(one + ".x", two)
        code, told = self.verify()
        self.assertEqual(code, 1)
        for number in (0, 1):
            self.assertIn(f"audit event {self.bounds[number][0]}: is missing: its file is not that of its segment "
                          f"(audit-archive/{self.bounds[number][0]:020}.audit)", told)
        self.renew()
        other = Server("--audit-keep", SOON)
        self.addCleanup(other.remove)
        other.start()
        with other.client() as client:
            client.post(b"x")
        self.assertTrue(wait_until(lambda: archived(other.data)))
        other.stop()
        shutil.copy(segments(other.data)[0], self.path(0))
        self.assert_named(0, 1, "is not that of its segment")
        os.unlink(self.path(0))
        os.symlink(segments(other.data)[0], f"{self.data}/audit-archive/{1:020}.audit")
        self.assert_named(0, 1, "is not that of its segment")

    def test_rows_of_segments_that_were_altered_or_removed(self):
        first, last = self.bounds[1]
        for column, value in (("first", "first - 1"), ("previous", "zeroblob(32)"), ("hash", "zeroblob(32)"),
                              ("created_ms", "created_ms + 1"), ("mac", "zeroblob(32)"), ("last", "last - 1")):
            self.edit(f"UPDATE audit_segment SET {column} = {value} WHERE last = {last}")
            code, told = self.verify()
            self.assertEqual(code, 1, told)
            self.assertIn(f"audit event {first}: the row of its segment was altered", told)
            self.renew()
        self.edit(f"DELETE FROM audit_segment WHERE last = {last}")
        code, told = self.verify()
        self.assertEqual(code, 1, told)
        self.assertIn(f"audit event {first}: is missing, with the row of its segment", told)
        self.assertIn(f"audit-archive/{first:020}.audit: the database does not know this segment", told)
        self.renew()
        self.edit(f"DELETE FROM audit_segment WHERE last = {last}")
        os.unlink(self.path(1))
        self.assertIn(f"audit event {first}: is missing, with the row of its segment", self.verify()[1])

    def test_all_that_was_archived_removed_without_a_trace(self):
        shutil.rmtree(f"{self.data}/audit-archive")
        self.edit("DELETE FROM audit_segment")
        code, told = self.verify("--checkpoint", self.keep(self.early))
        self.assertEqual(code, 1)
        self.assertIn("audit event 1: is missing", told)
        self.assertIn(f"does not hold event {self.early['sequence']} as it was signed", told)
        self.renew()
        # The last file, and the database's events moved up behind the one before it.
        os.unlink(self.path(2))
        self.edit(f"DELETE FROM audit_segment WHERE last = {self.bounds[2][1]}")
        code, told = self.verify()
        self.assertEqual(code, 1)
        self.assertIn(f"audit event {self.bounds[2][0]}: is missing", told)

    def test_the_end_of_the_log_within_a_file(self):
        """What stood in the database is removed, and the head with it: an early checkpoint cannot tell, a late one can."""
        late = json.loads(run("audit", "checkpoint", "--data", self.data).stdout)
        self.edit("DELETE FROM audit_event")
        self.assertIn(f"does not hold event {self.total}", self.verify()[1])
        os.unlink(f"{self.data}/audit.head")
        self.assertEqual(self.verify("--checkpoint", self.keep(self.early))[0], 0)
        self.assertEqual(self.verify("--checkpoint", self.keep(late))[0], 1)

    def test_an_earlier_database_put_back_beside_later_files(self):
        self.edit(f"DELETE FROM audit_segment WHERE first > {self.bounds[0][1]}")
        code, told = self.verify()
        self.assertEqual(code, 1)
        self.assertIn(f"{self.bounds[2][0]:020}.audit: the database does not know this segment", told)


class Moved(unittest.TestCase):
    """coffer audit archive, and what a crash leaves."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)
        self.server.start()
        with self.server.client() as client:
            for i in range(20):
                client.post(b"record %d" % i)
        self.assertEqual(self.server.stop(), 0)
        self.data = self.server.data

    def archive(self, before=None):
        if before is None:
            soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
            before = soon.strftime("%Y-%m-%dT%H:%M:%SZ")
        return run("audit", "archive", "--data", self.data, "--before", before)

    def test_it_moves_all_but_the_last_event(self):
        done = self.archive()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([bounds(path) for path in segments(self.data)], [(1, 20)])
        self.assertEqual(rows(self.data, "SELECT sequence FROM audit_event"), [(21,)])
        self.assertEqual(self.server.audit(), 21)
        self.assertEqual(self.archive().returncode, 0)
        self.assertEqual(len(segments(self.data)), 1)
        self.server.start()
        with self.server.client() as client:
            client.post(b"x")
        self.server.stop()
        self.assertEqual(self.server.audit(), 22)

    def test_only_events_before_the_time(self):
        self.assertEqual(self.archive("2020-01-01T00:00:00Z").returncode, 0)
        self.assertEqual(segments(self.data), [])
        middle = export(self.data)[1][10]["time"]
        self.assertEqual(self.archive(middle).returncode, 0)
        (first, last), = map(bounds, segments(self.data))
        self.assertEqual((first, last <= 10), (1, True))
        self.assertEqual(self.server.audit(), 21)

    def test_what_it_does_not_do(self):
        for before in ("", "yesterday", "2026-01-31"):
            self.assertEqual(self.archive(before).returncode, 2)
        self.assertEqual(run("audit", "archive", "--data", self.data).returncode, 2)
        empty = os.path.join(self.server.root, "empty")
        os.mkdir(empty, 0o700)
        self.assertEqual(run("audit", "archive", "--data", empty, "--before", "2026-01-31T00:00:00Z").returncode, 2)
        self.assertEqual(os.listdir(empty), [])
        self.server.start()
        done = self.archive()
        self.assertEqual(done.returncode, 2)
        self.assertIn("another process has", done.stderr)

    def test_events_that_do_not_verify_stay(self):
        database = sqlite3.connect(f"{self.data}/coffer.db")
        database.execute("UPDATE audit_event SET mac = zeroblob(32) WHERE sequence = 7")
        database.commit()
        database.close()
        done = self.archive()
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not verify", done.stderr)
        self.assertEqual((segments(self.data), rows(self.data)), ([], [(21,)]))

    def archive_and_keep(self):
        """Archives, and gives a copy of the database as it was before."""
        kept = os.path.join(self.server.root, "kept.db")
        shutil.copy(f"{self.data}/coffer.db", kept)
        self.assertEqual(self.archive().returncode, 0)
        return kept

    def twice(self, after):
        """A store as it is between the row of the file and the last DELETE."""
        database = sqlite3.connect(f"{self.data}/coffer.db")
        database.execute("ATTACH ? AS kept", (self.archive_and_keep(),))
        database.execute("INSERT INTO audit_event SELECT * FROM kept.audit_event WHERE sequence > ? AND sequence <= 20",
                         (after,))
        database.commit()
        database.close()

    def test_events_in_both_places_are_recognised_and_dropped(self):
        self.twice(5)
        self.assertEqual(self.server.audit(), 21)
        self.assertEqual([event["sequence"] for event in export(self.data)[1]], list(range(1, 22)))
        self.server.options = ("--audit-keep", "24h")
        self.server.start()
        self.assertTrue(wait_until(lambda: rows(self.data) == [(1,)]))
        self.server.stop()
        self.assertEqual(self.server.audit(), 21)

    def test_an_event_that_is_another_in_the_database_is_named(self):
        self.twice(0)
        database = sqlite3.connect(f"{self.data}/coffer.db")
        database.execute("UPDATE audit_event SET event = zeroblob(150) WHERE sequence = 9")
        database.commit()
        database.close()
        done = run("audit", "verify", "--data", self.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("audit event 9: is another in the database than in its file", done.stdout)
        self.assertIn("21 events verified", done.stdout)

    def test_a_file_that_was_not_yet_told_of_is_no_fault_and_is_made_anew(self):
        shutil.move(self.archive_and_keep(), f"{self.data}/coffer.db")
        self.assertEqual((len(segments(self.data)), rows(self.data)), (1, [(21,)]))
        self.assertEqual(self.server.audit(), 21)
        with open(segments(self.data)[0], "ab") as file:
            file.write(b"what a crash may leave")
        with open(segments(self.data)[0] + ".new", "wb") as file:
            file.write(b"what a crash may leave")
        self.assertEqual(self.server.audit(), 21)
        self.assertEqual(self.archive().returncode, 0)
        self.assertEqual((os.listdir(f"{self.data}/audit-archive"), rows(self.data)), ([f"{1:020}.audit"], [(1,)]))
        self.assertEqual(self.server.audit(), 21)

    def test_reasons_of_archived_events_stay_readable(self):
        self.server.start()
        with self.server.client() as client:
            path = client.post(b"secret")["Location"]
            client.request("POST", "/v1/accounts", json.dumps({"name": "medic", "roles": ["emergency"]}))
            made = client.request("POST", "/v1/tokens", json.dumps({"account": "medic"}))
            with self.server.client(token=made.json["token"]) as medic:
                self.assertEqual(medic.get(path, coffer_emergency_reason="found unconscious in bed 4").status, 200)
            client.get(path)
        self.server.stop()
        self.assertEqual(self.archive().returncode, 0)
        done = run("audit", "reasons", "--data", self.data)
        self.assertEqual((done.returncode, json.loads(done.stdout)["reason"]), (0, "found unconscious in bed 4"))
        database = sqlite3.connect(f"{self.data}/coffer.db")
        database.execute("DELETE FROM audit_note")
        database.commit()
        database.close()
        done = run("audit", "verify", "--data", self.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("lacks its reason", done.stdout)


class UnderLoad(unittest.TestCase):
    def test_requests_are_exported_once_each_over_kills_while_the_log_is_archived(self):
        server = Server("--audit-keep", SOON)
        self.addCleanup(server.remove)
        answered, begun, stop = [], collections.Counter(), threading.Event()
        lock = threading.Lock()

        def write():
            with server.client() as client:
                while not stop.is_set():
                    with lock:
                        begun["all"] += 1
                    try:
                        answer = client.post(b"x", check=False)
                    except (OSError, http.client.HTTPException):  # also in the middle of an answer
                        return
                    with lock:
                        answered.append(answer["Location"].rsplit("/", 1)[1])

        chance = random.Random(5)
        for _ in range(6):
            server.start()
            stop.clear()
            before = len(segments(server.data))
            threads = [threading.Thread(target=write) for _ in range(4)]
            for thread in threads:
                thread.start()
            self.assertTrue(wait_until(lambda n=before: len(segments(server.data)) > n, 30))
            time.sleep(chance.random())  # anywhere in a turn of the keeper
            server.process.send_signal(signal.SIGKILL)
            stop.set()
            for thread in threads:
                thread.join()
            server.kill()
            done = run("audit", "verify", "--data", server.data)
            self.assertEqual(done.returncode, 0, done.stdout)
        code, events, errors = export(server.data)
        self.assertEqual(code, 0, errors)
        self.assertEqual([event["sequence"] for event in events], list(range(1, len(events) + 1)))
        told = collections.Counter(event["object"] for event in events if event["action"] == "record.create")
        self.assertEqual(set(told.values()), {1})
        self.assertEqual(set(answered) - set(told), set())
        self.assertLessEqual(len(told), begun["all"])
        self.assertGreater(len(segments(server.data)), 5)


if __name__ == "__main__":
    unittest.main()
