"""coffer check: a whole store is told from a damaged one, the damage is named, and a server may run meanwhile."""

import os
import pty
import random
import re
import shutil
import signal
import subprocess
import unittest
import uuid

import samples
from harness import BINARY, ApiTest, Server, run
from test_tamper import connect, id_of

SUM = re.compile(r"^checked (\d+) records, (\d+) versions, (\d+) bytes in [\d.]+ s; faults: (\d+)$", re.M)
SECRET = b"Patient: 8f14e45f, seen for the secret reason 6512bd43"


def check(data, *options):
    return run("check", "--data", data, *options, timeout=300)


def name_of(path):
    return path.split("/")[3]


class Whole(ApiTest):
    def test_real_and_made_records_are_whole_beside_the_server_and_without_it(self):
        rows = samples.made() + (samples.shared() or [])
        for _, media_type, body in rows:
            self.create(body, media_type)
        replaced, deleted = self.create(b"first"), self.create(b"to go")
        self.assertEqual(self.client.put(replaced, b"x" * 300000, "text/plain", if_match='"1"').status, 200)
        self.assertEqual(self.client.delete(deleted).status, 204)
        total = sum(len(body) for _, _, body in rows) + 5 + 300000
        for stopped in (False, True):
            if stopped:
                self.client.close()
                self.assertEqual(self.server.stop(), 0)
            for options in ((), ("--threads", "1"), ("--threads=3", "--no-audit")):
                done = check(self.server.data, *options)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertEqual(SUM.fullmatch(done.stdout.strip()).groups(),
                                 (str(len(rows) + 2), str(len(rows) + 3), str(total), "0"))
        self.assertEqual(run("audit", "verify", "--data", self.server.data).returncode, 0)
        # Nothing was written, and the server starts on it as before.
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.get(replaced).body, b"x" * 300000)


class Busy(ApiTest):
    """What changes while it is read is no fault."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(2)
        self.alive, self.count = {}, 0

    def churn(self):
        """A record more, another replaced, and one deleted, so that about sixty are there."""
        body = bytes([self.count % 256]) * (200000 if self.count % 5 == 0 else 50)
        self.alive[self.create(body, idempotency_key=f"key {self.count}")] = 1
        path, version = self.random.choice(list(self.alive.items()))
        self.assertEqual(self.client.put(path, body, if_match=f'"{version}"').status, 200)
        self.alive[path] += 1
        if len(self.alive) > 60:
            path = self.random.choice(list(self.alive))
            self.assertEqual(self.client.delete(path).status, 204)
            del self.alive[path]
        self.count += 1

    def test_writes_and_deletions_meanwhile_are_no_faults(self):
        while self.count < 80:
            self.churn()
        for turn in range(5):
            before = self.count
            with subprocess.Popen([BINARY, "check", "--data", self.server.data], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, encoding="utf-8") as process:
                while process.poll() is None:
                    self.churn()
                out, errors = process.stdout.read(), process.stderr.read()
            self.assertEqual((process.returncode, errors), (0, ""), out)
            self.assertGreater(int(SUM.fullmatch(out.strip()).group(2)), 100)
            self.assertGreater(self.count, before, turn)


class Damaged(unittest.TestCase):
    """Damage to copies of a stopped server's directory."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as client:
            cls.small = client.post(SECRET, "text/plain", labels="secret=6512bd43", idempotency_key="one")["Location"]
            cls.large = client.post(SECRET * 4000, "text/plain")["Location"]
            cls.twice = client.post(b"first", "text/plain")["Location"]
            client.put(cls.twice, b"second", "text/plain", if_match='"1"')
            cls.gone = client.post(b"gone", "text/plain")["Location"]
            client.delete(cls.gone)
        assert cls.server.stop() == 0

    def copy(self):
        copy = os.path.join(self.server.root, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.server.data, copy)
        return copy

    def edited(self, *statements):
        copy = self.copy()
        database = connect(copy)
        for statement, *values in statements:
            database.execute(statement, values)
        database.close()
        return copy

    def assert_faults(self, done, *lines):
        """Exactly these lines, in any order, and nothing of what the records hold."""
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        found = done.stdout.splitlines()
        self.assertEqual(sorted(found[:-1]), sorted(lines))
        self.assertEqual(SUM.fullmatch(found[-1]).group(4), str(len(lines)))
        for secret in (b"Patient", b"6512bd43", SECRET[:16].hex().encode()):
            self.assertNotIn(secret, done.stdout.encode())

    def test_each_damage_is_a_line_with_the_record_and_what_failed(self):
        small, large, twice, gone = (id_of(path) for path in (self.small, self.large, self.twice, self.gone))
        cases = (
            (small, 1, "row MAC does not verify", "UPDATE version SET created_ms = 1 WHERE record_id = ?"),
            (twice, 1, "row MAC does not verify", "UPDATE version SET size = 6 WHERE record_id = ? AND version = 1"),
            (twice, 2, "row cannot be read",
             "UPDATE version SET state = 'x' WHERE record_id = ? AND version = 2"),
            (gone, 2, "row MAC does not verify", "UPDATE version SET changed_ms = 1 WHERE record_id = ?"),
            (gone, 2, "was left behind when the record was deleted",
             "UPDATE version SET inline_chunk = x'00' WHERE record_id = ?"),
            (small, 1, "missing wrap", "UPDATE version SET wrap = x'' WHERE record_id = ?"),
            (small, 1, "wrap MAC does not verify", "UPDATE version SET wrap = zeroblob(384) WHERE record_id = ?"),
            (small, 1, "chunk 0: tag does not verify",
             "UPDATE version SET inline_chunk = zeroblob(length(inline_chunk)) WHERE record_id = ?"),
            (small, 1, "chunk 0: length is wrong",
             "UPDATE version SET inline_chunk = x'00' WHERE record_id = ?"),
            (large, 1, "chunk 2: tag does not verify",
             "UPDATE chunk SET data = zeroblob(length(data)) WHERE number = 2 AND ? <> ''"),
            (large, 1, "chunks 1-3: missing", "DELETE FROM chunk WHERE number > 0 AND ? <> ''"),
            (large, 1, "chunk 4: surplus",
             "INSERT INTO chunk (blob_id, number, data) SELECT blob_id, 4, data FROM chunk WHERE number = 0 AND ? <> ''"),
            (large, 1, "its chunks are marked for removal", "UPDATE blob SET state = 2 WHERE ? <> ''"),
        )
        for record, version, what, statement in cases:
            with self.subTest(statement):
                self.assert_faults(check(self.edited((statement, record))),
                                   f"record {uuid.UUID(bytes=record)} version {version}: {what}")

    def test_versions_that_are_not_there(self):
        told = "the audit log tells of it, and it is not there"
        for version, more in ((1, []), (2, [told])):
            copy = self.edited(("DELETE FROM version WHERE record_id = ? AND version = ?", id_of(self.twice), version))
            record = f"record {name_of(self.twice)} version {version}"
            self.assert_faults(check(copy), *(
                f"{record}: {what}" for what in ["missing version", *more]))

    def test_a_record_removed_whole_or_put_back_to_an_earlier_state(self):
        told = "the audit log tells of it, and it is not there"
        copy = self.edited(("DELETE FROM version WHERE record_id = ?", id_of(self.twice)))
        self.assert_faults(check(copy), *(f"record {name_of(self.twice)} version {n}: {told}" for n in (1, 2)))
        self.assertEqual(check(copy, "--no-audit").returncode, 0)
        copy = self.edited(("DELETE FROM version WHERE record_id = ?", id_of(self.gone)))
        self.assert_faults(check(copy), *(f"record {name_of(self.gone)} version {n}: {told}" for n in (1, 2)))
        # Every row of the record is as it was once, MACs and all.
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        with server.client() as client:
            path = client.post(b"first")["Location"]
            database = connect(server.data)
            self.addCleanup(database.close)
            row = database.execute("SELECT * FROM version WHERE record_id = ?", (id_of(path),)).fetchone()
            client.put(path, b"second", if_match='"1"')
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM version WHERE record_id = ?", (id_of(path),))
            database.execute(f"INSERT INTO version VALUES ({', '.join('?' * len(row))})", row)
            database.execute("COMMIT")
            self.assertEqual(client.get(path).body, b"first", "no row tells of it, but the audit log does")
        self.assert_faults(check(server.data), f"record {name_of(path)} version 2: {told}")

    def test_a_wrap_or_a_content_of_another_version(self):
        put = "UPDATE version SET {0} = (SELECT {0} FROM version WHERE record_id = ?1 AND version = 1) WHERE record_id = ?1"
        for column, what in (("wrap", "wrap MAC does not verify"), ("wrap_mac", "wrap MAC does not verify"),
                             ("inline_chunk", "chunk 0: length is wrong")):
            copy = self.edited((put.format(column), id_of(self.twice)))
            self.assert_faults(check(copy), f"record {name_of(self.twice)} version 2: {what}")

    def test_what_is_no_record(self):
        small = name_of(self.small)
        for statement, line in (
                ("UPDATE account SET scopes = scopes - 1", r"account [0-9a-f-]{36}: row MAC does not verify"),
                ("UPDATE token SET expires_ms = 1", r"token [0-9a-f-]{36}: row MAC does not verify"),
                ("INSERT INTO kek SELECT zeroblob(32), 1, 2, 1, spki, mac FROM kek",
                 r"KEK 0{32}\.\.\.: row MAC does not verify"),
                ("UPDATE idempotency SET created_ms = created_ms + 1",
                 f"idempotency key of record {small} version 1: does not vouch for this record"),
                ("INSERT INTO chunk (blob_id, number, data) VALUES (99, 0, x'00')",
                 r"blob 99: chunks without a version"),
                ("UPDATE audit_event SET hash = zeroblob(32) WHERE sequence = 3", r"audit event 3: .*"),
                ("DELETE FROM audit_event WHERE sequence = 2", r"audit event 2: is missing"),
                ("DELETE FROM audit_event", r"audit event 1: is missing")):
            with self.subTest(statement):
                done = check(self.edited((statement,)))
                self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
                self.assertRegex(done.stdout.splitlines()[0], f"^{line}$")
                self.assertEqual(SUM.search(done.stdout).group(4), "1", done.stdout)

    def test_an_altered_epoch_is_named_with_all_that_it_wrapped(self):
        done = check(self.edited(("UPDATE epoch SET created_ms = created_ms + 1",)))
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], "^epoch [0-9a-f-]{36}: row MAC does not verify$")
        self.assertEqual(len([line for line in lines if line.endswith("its epoch is not there, or does not verify")]), 4)

    def test_epoch_wraps_that_are_not_there_are_no_fault(self):
        self.assertEqual(check(self.edited(("UPDATE version SET epoch_wrap = x''",))).returncode, 0)

    def test_the_audit_log_can_be_left_out(self):
        copy = self.edited(("DELETE FROM audit_event WHERE sequence = 2",))
        self.assertEqual(check(copy, "--no-audit").returncode, 0)
        self.assertEqual(check(copy).returncode, 1)

    def test_what_everything_hangs_on(self):
        for statement in ("UPDATE kek SET revision = 2", "DELETE FROM kek", "UPDATE setting SET value = zeroblob(16)"):
            done = check(self.edited((statement,)))
            self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
            self.assertRegex(done.stdout, r"\Astore: [^\n]+\n\Z")

    def test_pages_of_the_file_overwritten(self):
        copy = self.copy()
        path = os.path.join(copy, "coffer.db")
        # The chunks lie on pages that nothing else shares: bytes of theirs, wherever they are in the file.
        database = connect(copy)
        data = database.execute("SELECT data FROM chunk WHERE number = 1").fetchone()[0]
        database.close()
        with open(path, "r+b") as file:
            place = file.read().index(data[30000:30064])
            file.seek(place)
            file.write(bytes(64))
        self.assert_faults(check(copy), f"record {name_of(self.large)} version 1: chunk 1: tag does not verify")
        with open(path, "r+b") as file:
            file.write(b"not a database at all")
        done = check(copy)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("damaged", done.stdout)

    def test_a_page_of_an_index_overwritten(self):
        copy = self.copy()
        database = connect(copy)
        page = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'version_by_record_id'").fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
        database.close()
        with open(os.path.join(copy, "coffer.db"), "r+b") as file:
            file.seek((page - 1) * size)
            file.write(bytes(size))
        done = check(copy)
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        self.assertRegex(done.stdout, r"(?m)^database: ")

    def test_damage_in_many_records_is_named_for_each(self):
        copy = self.edited(("UPDATE version SET wrap_mac = zeroblob(32)",))
        self.assert_faults(check(copy), *(
            f"record {name_of(path)} version {version}: wrap MAC does not verify"
            for path, version in ((self.small, 1), (self.large, 1), (self.twice, 1), (self.twice, 2))))


class Locked(unittest.TestCase):
    def test_a_locked_store_is_checked_with_its_passphrase(self):
        server = Server()
        self.addCleanup(server.remove)
        files = {}
        for name, words in (("right", "a passphrase of the tests"), ("wrong", "another passphrase")):
            files[name] = os.path.join(server.root, name)
            with open(os.open(files[name], os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
                file.write(words)
        self.assertEqual(run("init", "--data", server.data, "--passphrase-file", files["right"]).returncode, 0)
        server.start()
        with server.client() as client:
            client.post(b"written while sealed")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(check(server.data, "--passphrase-file", files["right"]).returncode, 0)
        for options in ((), ("--passphrase-file", files["wrong"])):
            done = check(server.data, *options)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(done.stderr.count("\n"), 1)


class Usage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as client:
            for i in range(3):
                client.post(b"record %d" % i)
        assert cls.server.stop() == 0

    def assert_unchecked(self, done):
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertNotEqual(done.stderr, "")

    def test_wrong_arguments(self):
        for arguments in (("check", "here"), ("check", "--data"), ("check", "--nothing"), ("check", "--threads", "0"),
                          ("check", "--threads", "many"), ("check", "--no-audit=yes"), ("audit",), ("audit", "check"),
                          ("audit", "verify", "--data"), ("routes", "all")):
            with self.subTest(arguments):
                self.assert_unchecked(run(*arguments))

    def test_help_is_no_error(self):
        for arguments in (("check",), ("audit",), ("audit", "verify"), ("routes",)):
            done = run(*arguments, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"usage: coffer {arguments[0]}", done.stdout)

    def test_a_directory_that_cannot_be_checked(self):
        self.assert_unchecked(check(os.path.join(self.server.root, "nowhere")))
        self.assertFalse(os.path.exists(os.path.join(self.server.root, "nowhere")))
        copy = os.path.join(self.server.root, "copy")
        for spoil in (lambda: os.chmod(copy, 0o755), lambda: os.chmod(os.path.join(copy, "keys", "store.key"), 0o644),
                      lambda: os.remove(os.path.join(copy, "keys", "store.key")),
                      lambda: os.remove(os.path.join(copy, "coffer.db"))):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self.server.data, copy)
            spoil()
            self.assert_unchecked(check(copy))
        self.assertFalse(os.path.exists(os.path.join(copy, "coffer.db")))

    def test_the_directory_may_come_from_the_environment(self):
        done = subprocess.run([BINARY, "check"], env={**os.environ, "COFFER_DATA": self.server.data}, timeout=60,
                              stdout=subprocess.PIPE, encoding="utf-8", check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(SUM.search(done.stdout).group(1), "3")

    def test_findings_that_cannot_be_written_are_no_success(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, "check", "--data", self.server.data], stdout=full, stderr=subprocess.PIPE,
                                  timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)


class Terminal(unittest.TestCase):
    """Long enough to be watched: many versions of one record, which take an RSA operation each."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as client:
            for _ in range(400):
                client.post(b"one of many")
        assert cls.server.stop() == 0

    def test_a_bar_on_a_terminal(self):
        watch, terminal = pty.openpty()
        self.addCleanup(os.close, watch)
        with subprocess.Popen([BINARY, "check", "--data", self.server.data, "--threads", "1"], stderr=terminal,
                              stdout=subprocess.PIPE) as process:
            os.close(terminal)
            seen = b""
            while True:
                try:
                    seen += os.read(watch, 4096)
                except OSError:
                    break
            out = process.stdout.read().decode()
        self.assertEqual(process.returncode, 0)
        self.assertRegex(seen, rb"\[=*> *\] +\d+%  \d+ of 400 versions, \d+/s, 0:\d\d left")
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen[-80:])
        self.assertEqual(SUM.search(out).group(1), "400")

    def test_an_interrupt_ends_it_and_says_how_far_it_came(self):
        watch, terminal = pty.openpty()
        self.addCleanup(os.close, watch)
        with subprocess.Popen([BINARY, "check", "--data", self.server.data, "--threads", "1"], stderr=terminal,
                              stdout=subprocess.PIPE) as process:
            os.close(terminal)
            seen = b""
            while b"of 400" not in seen:
                seen += os.read(watch, 4096)
            process.send_signal(signal.SIGINT)
            while True:
                try:
                    seen += os.read(watch, 4096)
                except OSError:
                    break
            out = process.stdout.read()
        self.assertEqual((process.returncode, out), (2, b""))
        found = re.search(rb"coffer: interrupted after (\d+) records, \d+ versions, \d+ bytes in [\d.]+ s; faults: 0",
                          seen)
        self.assertTrue(found, seen)
        self.assertTrue(0 < int(found.group(1)) < 400, seen)


if __name__ == "__main__":
    unittest.main()
