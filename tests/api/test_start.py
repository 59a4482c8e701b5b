"""Starting, refusing to start, and what is printed."""

import glob
import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import unittest

from harness import BINARY, Server, run, wait_until

FIRST_SCHEMA = ("setting version wrap kek account token idempotency audit_event blob chunk idempotency_by_age blob_unlinked"
                " chunk_by_blob version_by_record version_by_owner version_tombstones").split()
LATER_COLUMNS = ("token.idle_ms", "token.used_ms", "wrap.epoch_wrap")
WRAP = "kek_id wrap_revision wrap wrap_mac epoch_wrap".split()
# What a version's wraps were before they stood in its row.
WRAP_TABLE = (
    "CREATE TABLE wrap (record_id BLOB NOT NULL CHECK (length(record_id) = 16), version INTEGER NOT NULL,"
    " kek_id BLOB NOT NULL CHECK (length(kek_id) = 32), revision INTEGER NOT NULL, wrap BLOB NOT NULL,"
    " mac BLOB NOT NULL CHECK (length(mac) = 32), epoch_wrap BLOB NOT NULL DEFAULT x'',"
    " PRIMARY KEY (record_id, version, kek_id)) WITHOUT ROWID",
    f"INSERT INTO wrap SELECT record_id, version, {', '.join(WRAP)} FROM version WHERE length(wrap) > 0",
    "DROP INDEX version_by_record_id", "DROP INDEX version_by_owner_id", "DROP INDEX version_tombstones_by_age",
    "DROP INDEX version_by_blob_id", *(f"ALTER TABLE version DROP COLUMN {name}" for name in WRAP),
    "CREATE UNIQUE INDEX version_by_record ON version (record_id, version)",
    "CREATE INDEX version_by_owner ON version (owner, record_id) WHERE state = 1",
    "CREATE INDEX version_tombstones ON version (changed_ms) WHERE state = 3",
    "CREATE INDEX version_by_blob ON version (blob_id) WHERE blob_id > 0")
MIB = 1024 * 1024


class Start(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def refused(self, listen="127.0.0.1:0"):
        result = subprocess.run(self.server.command(listen), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=60, encoding="utf-8", errors="replace", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertGreater(result.returncode, 0, "ended by a signal")
        return result.stderr

    def test_a_second_process_on_the_same_directory_is_refused(self):
        self.server.start()
        self.assertTrue(self.refused().strip())
        with self.server.client() as client:
            self.assertEqual(client.get("/v1/ready").status, 200)

    def test_a_port_in_use_is_one_line(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            port = taken.getsockname()[1]
            text = self.refused(f"127.0.0.1:{port}")
        lines = [line for line in text.splitlines() if str(port) in line]
        self.assertEqual(len(lines), 1, text)

    def test_a_key_file_that_others_can_read_is_refused(self):
        self.server.start()
        self.server.stop()
        for path in glob.glob(os.path.join(self.server.data, "keys", "*")):
            os.chmod(path, 0o644)
            text = self.refused()
            self.assertIn(os.path.basename(path), text)
            self.assertIn("644", text)
            os.chmod(path, 0o600)
        self.server.start()

    def test_a_missing_store_key_is_not_made_anew(self):
        self.server.start()
        with self.server.client() as client:
            client.post(b"x")
        self.server.stop()
        path = os.path.join(self.server.data, "keys", "store.key")
        os.rename(path, path + ".away")
        self.assertIn("store.key", self.refused())
        self.assertFalse(os.path.exists(path))
        os.rename(path + ".away", path)
        self.server.start()

    def test_a_damaged_database_is_refused(self):
        self.server.start()
        self.server.stop()
        path = os.path.join(self.server.data, "coffer.db")
        for name in glob.glob(path + "-*"):
            os.remove(name)
        with open(path, "r+b") as file:
            file.write(b"this is no database at all" * 100)
        self.assertTrue(self.refused().strip())

    def fill(self):
        """Records of every kind; their contents by path, and the path of one that was deleted."""
        self.server.start()
        with self.server.client() as client:
            bodies = {client.post(body)["Location"]: body for body in (b"", b"short", bytes(60000), bytes(200000))}
            path, gone = client.post(b"first")["Location"], client.post(b"deleted")["Location"]
            client.put(path, b"second", if_match='"1"')
            client.delete(gone)
        self.server.stop()
        return bodies | {path: b"second", path + "/versions/1": b"first"}, gone

    def database(self):
        database = sqlite3.connect(os.path.join(self.server.data, "coffer.db"), isolation_level=None)
        self.addCleanup(database.close)
        return database

    def check_upgraded(self, bodies, gone):
        with self.server.client() as client:
            for path, body in bodies.items():
                self.assertEqual(client.get(path).body, body, path)
            self.assertEqual(client.get(gone, check=False).status, 410)
        self.server.stop()
        done = run("check", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_database_of_the_first_schema_is_brought_up_to_date(self):
        bodies, gone = self.fill()
        database = self.database()
        now = database.execute("PRAGMA user_version").fetchone()
        for statement in WRAP_TABLE:
            database.execute(statement)
        for kind, name in database.execute("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL").fetchall():
            if name not in FIRST_SCHEMA:
                database.execute(f"DROP {kind} IF EXISTS {name}")  # a table takes its indexes along
        for column in LATER_COLUMNS:
            database.execute("ALTER TABLE {} DROP COLUMN {}".format(*column.split(".")))
        database.execute("PRAGMA user_version = 1")
        database.close()
        for command in (("check",), ("audit", "verify")):
            early = run(*command, "--data", self.server.data)
            self.assertEqual(early.returncode, 2)
            self.assertIn("coffer serve brings it up to date", early.stderr)
        # Where there is no room for it, by an error or by a signal, nothing is lost.
        for killed in (False, True):
            cut = subprocess.run(["prlimit", "--fsize=131072", *self.server.command()], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, encoding="utf-8",
                                 restore_signals=killed, check=False)
            self.assertEqual(cut.returncode, -signal.SIGXFSZ if killed else 1, cut.stdout)
            self.assertIn("of an earlier release", cut.stdout)
        self.server.start()
        self.check_upgraded(bodies, gone)
        database = self.database()
        self.assertEqual(database.execute("PRAGMA user_version").fetchone(), now)
        self.assertIn(("version_by_blob_id",), database.execute("SELECT name FROM sqlite_master").fetchall())

    def test_what_wraps_keys_moves_into_the_rows_of_versions_unaltered_and_in_little_memory(self):
        bodies, gone = self.fill()
        self.server.start()
        with self.server.client() as client:
            for _ in range(500):
                client.post(bytes(60000))
        self.server.stop()
        database = self.database()
        everything = f"SELECT record_id, version, state, {', '.join(WRAP)} FROM version ORDER BY version_id"
        before = database.execute(everything).fetchall()
        self.assertEqual({len(row[-1]) for row in before}, {0, 80}, "epoch wraps are among them")
        for statement in WRAP_TABLE:
            database.execute(statement)
        database.execute("PRAGMA user_version = {}".format(database.execute("PRAGMA user_version").fetchone()[0] - 1))
        database.close()
        self.server.start()
        log = os.path.getsize(os.path.join(self.server.data, "coffer.db-wal"))
        grown = self.server.memory("VmHWM")
        self.check_upgraded(bodies, gone)
        self.assertEqual(self.database().execute(everything).fetchall(), before)
        self.assertLess(log, MIB, "the write-ahead log was not emptied")
        self.assertLess(grown, 24 * MIB, "the store is of 30 MB")

    def test_modes_keep_others_out(self):
        self.server.start()
        for folder, _, files in os.walk(self.server.data):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in files:
                path = os.path.join(folder, name)
                allowed = (0o600, 0o644) if name == "ca.pem" else (0o600,)
                self.assertIn(stat.S_IMODE(os.stat(path).st_mode), allowed, path)

    def test_the_certificate_stays_over_a_restart(self):
        self.server.start()
        with open(os.path.join(self.server.data, "tls", "server.pem"), "rb") as file:
            before = file.read()
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        with open(os.path.join(self.server.data, "tls", "server.pem"), "rb") as file:
            self.assertEqual(file.read(), before)

    def test_the_certificate_is_for_every_host_name_given(self):
        names = ["alpha.example", "10.1.2.3", "2001:db8::7", "*.wide.example"]
        with tempfile.TemporaryDirectory() as root:
            server = Server("--host-name", ",".join(names), directory=root)
            self.addCleanup(server.remove)
            before = None
            for _ in range(2):
                server.start()
                for name in ("alpha.example", "10.1.2.3", "2001:db8::7", "some.wide.example", "localhost", "127.0.0.1"):
                    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
                        with server.tls.wrap_socket(plain, server_hostname=name) as secure:
                            certificate = secure.getpeercert(binary_form=True)
                # The next start finds it good, the wildcard included.
                self.assertIn(before, (None, certificate))
                before = certificate
                self.assertEqual(server.stop(), 0)
            server.options = ("--host-name", "beta.example")
            server.start()
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
                server.tls.wrap_socket(plain, server_hostname="beta.example").close()

    def paste(self, server):
        """Runs what is printed for pasting as it stands; what the two lines answered."""
        server.start()

        def printed():
            return [line for line in server.output if line.startswith("curl ")]

        self.assertTrue(wait_until(lambda: len(printed()) == 2), server.output)
        self.assertNotIn(server.token, "".join(server.output))
        answers = []
        for line in printed():
            result = subprocess.run(["sh", "-c", line.rstrip("\n") + " -sS --fail"], cwd="/", stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, encoding="utf-8",
                                    check=False)
            self.assertEqual(result.returncode, 0, f"{line}: {result.stderr}")
            answers.append(json.loads(result.stdout))
        return answers

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_the_printed_curl_lines_work_in_any_directory_and_hold_no_secret(self):
        for name in ("plain", "a b'c", "$(echo x) `echo y` \"q\" back\\slash;&|*?[é]"):
            with self.subTest(name), tempfile.TemporaryDirectory() as parent:
                root = os.path.join(parent, name)
                os.mkdir(root)
                server = Server(directory=root)
                self.addCleanup(server.remove)
                made, listed = self.paste(server)
                self.assertEqual([record["id"] for record in listed["records"]], [made["id"]])
                server.stop()

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_the_printed_curl_lines_work_for_a_server_on_all_addresses(self):
        for listen in ("0.0.0.0:0", "[::]:0"):
            with self.subTest(listen):
                server = Server("--listen", listen)
                self.addCleanup(server.remove)
                self.assertEqual(len(self.paste(server)), 2)
                server.stop()


class Commands(unittest.TestCase):
    def test_unknown_options_are_refused_by_name(self):
        result = run("serve", "--no-such-option", "x")
        self.assertGreater(result.returncode, 0)
        self.assertIn("no-such-option", result.stderr)

    def test_malformed_values_are_refused_by_name(self):
        result = run("serve", "--listen", "nowhere")
        self.assertGreater(result.returncode, 0)
        self.assertIn("listen", result.stderr)

    def test_unknown_commands_are_refused(self):
        self.assertGreater(run("no-such-command").returncode, 0)

    def test_config_prints_the_settings_with_their_sources(self):
        result = run("config", "--max-record-size", "5MiB")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("max_record_size", result.stdout)
        self.assertIn("command line", result.stdout)
        self.assertRegex(result.stdout, r"listen\s*=\s*127\.0\.0\.1:8443")

    def test_help_is_on_stdout(self):
        result = subprocess.run([BINARY, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=20, encoding="utf-8", check=False)
        self.assertEqual(result.returncode, 0)
        self.assertIn("serve", result.stdout)


if __name__ == "__main__":
    unittest.main()
