"""coffer doctor: each finding comes when there is cause, and goes with it; and nothing is changed by looking."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import unittest

from chains import Authority, date
from harness import ROOT, Server, run, wait_until
from test_sealing import WORDS, secret_file

DAY = 86400
MANUAL = "docs/operations.md"


class Doctor(unittest.TestCase):
    """Over the directory of a server that has run, and does not now."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.server.stop()
        cls.data, cls.root = cls.server.data, cls.server.root

    def look(self, *options, data=None):
        done = run("doctor", "--json", "--data", data or self.data, *options)
        self.assertEqual(done.stderr, "")
        told = json.loads(done.stdout)
        worst = {"ok": 0, "note": 0, "warn": 1, "fail": 2}
        self.assertEqual(done.returncode, max(worst[finding["grade"]] for finding in told["findings"]))
        for finding in told["findings"]:
            self.assertEqual("advice" in finding, finding["grade"] != "ok", finding)
        return told["findings"]

    def has(self, found, check, grade, words):
        return any((one["check"], one["grade"]) == (check, grade) and words in one["text"] for one in found)

    def assert_comes_and_goes(self, check, grade, words, change, *options, data=None, always=()):
        """change: a context in which the finding is there."""
        self.assertFalse(self.has(self.look(*always, data=data), check, grade, words), "before")
        with change:
            found = self.look(*options, *always, data=data)
            self.assertTrue(self.has(found, check, grade, words), [one for one in found if one["grade"] != "ok"])
        self.assertFalse(self.has(self.look(*always, data=data), check, grade, words), "after")

    def at(self, name):
        return os.path.join(self.data, name)

    @contextlib.contextmanager
    def mode(self, path, mode):
        before = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        try:
            yield
        finally:
            os.chmod(path, before)

    @contextlib.contextmanager
    def away(self, path):
        os.rename(path, path + ".away")
        try:
            yield
        finally:
            os.rename(path + ".away", path)

    @contextlib.contextmanager
    def instead(self, path, source):
        with self.away(path):
            shutil.copyfile(source, path)
            os.chmod(path, 0o600)
            try:
                yield
            finally:
                os.remove(path)


class Well(Doctor):
    def test_nothing_is_amiss_with_a_server_as_it_comes(self):
        found = self.look()
        self.assertEqual([one for one in found if one["grade"] in ("warn", "fail")], [])
        self.assertGreaterEqual(len({one["check"] for one in found}), 16)
        told = run("doctor", "--data", self.data)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        lines = told.stdout.splitlines()
        self.assertEqual(len(lines), len(found) + 1)
        self.assertRegex(lines[-1], r"^\d+ ok, \d+ notes, 0 warnings, 0 failures$")
        for line, one in zip(lines, found):
            self.assertEqual(line.split()[:2], [one["grade"].upper(), one["check"]])

    def test_nothing_is_changed_by_looking(self):
        def state():
            told = {}
            for folder, _, names in os.walk(self.data):
                for name in names:
                    # SQLite's index of its log: it makes one beside a database that it reads.
                    if name.endswith("-shm"):
                        continue
                    path = os.path.join(folder, name)
                    about = os.stat(path)
                    with open(path, "rb") as file:
                        told[path] = (about.st_mode, about.st_mtime_ns, hashlib.sha256(file.read()).digest())
            return told

        before = state()
        self.look()
        after = state()
        # With the index comes an empty log.
        if after.get(self.at("coffer.db-wal"), (0, 0, 0))[2] == hashlib.sha256(b"").digest():
            after.pop(self.at("coffer.db-wal"))
            before.pop(self.at("coffer.db-wal"), None)
        self.assertEqual(after, before)

    def test_a_directory_that_is_not_there_yet(self):
        found = self.look(data=os.path.join(self.root, "none"))
        self.assertTrue(self.has(found, "directory", "note", "there is no directory"))
        self.assertFalse(os.path.exists(os.path.join(self.root, "none")))
        found = self.look(data=self.at("coffer.db"))
        self.assertTrue(self.has(found, "directory", "fail", "is no directory"))

    def test_the_command_of_the_manual(self):
        with open(os.path.join(ROOT, MANUAL), encoding="utf-8") as file:
            command, = re.findall(r"^coffer (doctor .*)$", file.read(), re.M)
        done = run(*command.replace("coffer-data", self.data).split())
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_manual_lists_each_check(self):
        config = os.path.join(self.root, "empty.conf")
        with open(config, "w", encoding="ascii"):
            pass
        names = {one["check"] for one in self.look("--config", config)}
        with open(os.path.join(ROOT, MANUAL), encoding="utf-8") as file:
            section = file.read().split("## Is all as it should be?")[1].split("\n## ")[0]
        self.assertEqual(set(re.findall(r"^\| `([a-z-]+)` \|", section, re.M)), names)


class Running(Doctor):
    def test_beside_a_server(self):
        server = Server("--max-connections", "500")
        self.addCleanup(server.remove)
        server.start()
        with server.client() as client:
            path = client.post(b"a record")["Location"]
            found = self.look(data=server.data)
            self.assertTrue(self.has(found, "server", "ok", f"process {server.process.pid} has the store open"))
            self.assertEqual([one for one in found if one["grade"] in ("warn", "fail")], [])
            self.assertEqual(client.get(path).body, b"a record")
        self.assertEqual(server.stop(), 0)
        self.assertTrue(self.has(self.look(data=server.data), "server", "ok", "none is seen"))


class Files(Doctor):
    def test_modes(self):
        for name, mode, check, grade, words in (
                ("", 0o755, "directory", "fail", "has mode 0755"),
                ("keys/store.key", 0o640, "files", "fail", "store.key has mode 0640, so others can read a secret"),
                ("keys/store.key", 0o602, "files", "fail", "store.key has mode 0602, so others can write it"),
                ("tls/server.key", 0o604, "files", "fail", "server.key has mode 0604"),
                ("tls/ca.pem", 0o664, "files", "fail", "ca.pem has mode 0664"),
                ("admin.token", 0o644, "files", "fail", "admin.token has mode 0644"),
                ("coffer.db", 0o644, "files", "warn", "coffer.db has mode 0644")):
            with self.subTest((name, oct(mode))):
                path = self.at(name) if name else self.data
                self.assert_comes_and_goes(check, grade, words, self.mode(path, mode))

    def test_others_can_replace_the_directory(self):
        self.assert_comes_and_goes("directory", "warn", "others can replace what is in", self.mode(self.root, 0o777))

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_owners(self):
        @contextlib.contextmanager
        def owner(path):
            os.chown(path, 12345, -1)
            try:
                yield
            finally:
                os.chown(path, 0, -1)

        self.assert_comes_and_goes("files", "fail", "identity.pem belongs to user 12345", owner(self.at("keys/identity.pem")))
        self.assert_comes_and_goes("directory", "warn", "others can replace what is in", owner(self.root))

    def test_links_and_strangers(self):
        @contextlib.contextmanager
        def link(path):
            with self.away(path):
                os.symlink(path + ".away", path)
                try:
                    yield
                finally:
                    os.remove(path)

        @contextlib.contextmanager
        def stranger(path):
            with open(path, "w", encoding="ascii"):
                pass
            try:
                yield
            finally:
                os.remove(path)

        self.assert_comes_and_goes("files", "fail", "admin.curl is a symbolic link", link(self.at("admin.curl")))
        self.assert_comes_and_goes("files", "note", "copy.pem is none of coffer's files", stranger(self.at("keys/copy.pem")))

    def test_the_first_token_is_pointed_at_while_it_lies_there(self):
        path = self.at("admin.token")
        self.assertTrue(self.has(self.look(), "files", "note", "admin.token opens everything"))
        with self.away(path):
            self.assertFalse(self.has(self.look(), "files", "note", "admin.token opens everything"))


class Disk(Doctor):
    def test_room(self):
        free = os.statvfs(self.data).f_bavail * os.statvfs(self.data).f_frsize >> 20
        nothing = contextlib.nullcontext()
        for options, grade, words in ((("--disk-watermark", "1024GiB"), "fail", "less than --disk-watermark"),
                                      (("--disk-watermark", "1024GiB", "--disk-reserve", "1024GiB"), "fail",
                                       "less than --disk-reserve"),
                                      (("--disk-watermark", f"{free // 2}MiB"), "warn", "writes are refused")):
            with self.subTest(options):
                self.assert_comes_and_goes("space", grade, words, nothing, *options)

    def test_memory_is_no_disk(self):
        with open("/proc/mounts", encoding="ascii") as file:
            if not any(line.split()[1:3] == ["/dev/shm", "tmpfs"] for line in file):
                self.skipTest("there is no tmpfs at /dev/shm")
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            copy = os.path.join(directory, "data")
            shutil.copytree(self.data, copy)
            self.assertTrue(self.has(self.look(data=copy), "file-system", "warn", "lie on tmpfs"))
        self.assertTrue(self.has(self.look(), "sync", "ok", "fsync works"))


class Clock(Doctor):
    def test_a_clock_behind_what_was_written(self):
        @contextlib.contextmanager
        def written(ahead):
            before = os.stat(self.at("coffer.db"))
            os.utime(self.at("coffer.db"), (before.st_atime, time.time() + ahead))
            try:
                yield
            finally:
                os.utime(self.at("coffer.db"), ns=(before.st_atime_ns, before.st_mtime_ns))

        self.assert_comes_and_goes("clock", "warn", "behind what was written here last", written(600))
        self.assert_comes_and_goes("clock", "fail", "behind what was written here last", written(3 * DAY))


class Certificates(Doctor):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.root, "authority")
        cls.other = Authority(cls.root, "other")
        cls.good = cls.authority.server("good", names=("records.example.org", "*.clinic.example.org"), end=date(25 * DAY))

    def of(self, chain, key, *more):
        return ("--tls-cert", chain, "--tls-key", key, *more)

    def test_certificates_from_files(self):
        soon = self.authority.server("soon", end=date(5 * DAY))
        late = self.authority.server("late", start=date(-9 * DAY), end=date(-DAY))
        early = self.authority.server("early", start=date(DAY), end=date(20 * DAY))
        text = os.path.join(self.root, "text.pem")
        with open(text, "w", encoding="ascii") as file:
            file.write("no certificate\n")
        always = self.of(*self.good)
        self.assertTrue(self.has(self.look(*always), "certificate", "ok", "is good for 24 d"))
        for options, grade, words in ((self.of(*soon), "warn", "ends in 4 d"),
                                      (self.of(*late), "fail", "has expired"),
                                      (self.of(*early), "fail", "is not valid yet"),
                                      (self.of(self.good[0], soon[1]), "fail", "the key is not that of the certificate"),
                                      (self.of(text, self.good[1]), "fail", "text.pem"),
                                      (self.of(self.good[0], self.root + "/none"), "fail", "none"),
                                      (("--tls-cert", self.good[0]), "fail", "pair by pair")):
            with self.subTest(options):
                self.assertFalse(self.has(self.look(*always), "certificate", grade, words))
                found = self.look(*options)
                self.assertTrue(self.has(found, "certificate", grade, words),
                                [one for one in found if one["check"] == "certificate"])

    def test_its_key_is_its_owners_alone(self):
        with self.mode(self.good[1], 0o644):
            self.assertTrue(self.has(self.look(*self.of(*self.good)), "certificate", "fail", "0644"))
        self.assertFalse(self.has(self.look(*self.of(*self.good)), "certificate", "fail", ""))

    def test_names(self):
        for origin, named in (("https://records.example.org", True), ("https://RECORDS.example.org:8443", True),
                              ("https://north.clinic.example.org", True), ("https://a.north.clinic.example.org", False),
                              ("https://clinic.example.org", False), ("https://other.example.org", False),
                              ("https://records.example.org,https://[::1]:8443", False)):
            with self.subTest(origin):
                found = self.look(*self.of(*self.good), "--origin", origin)
                self.assertEqual(self.has(found, "certificate", "warn", "which --origin names"), not named)

    def test_client_authorities(self):
        words = "none.pem"
        self.assert_comes_and_goes("certificate", "fail", words, contextlib.nullcontext(), "--client-ca",
                                   os.path.join(self.root, "none.pem"))

    def test_the_local_pair_and_its_authority(self):
        chain, key = self.other.server("own", end=date(25 * DAY))
        self.assert_comes_and_goes("certificate", "fail", "the key is not that of the certificate",
                                   self.instead(self.at("tls/server.pem"), chain))
        self.assert_comes_and_goes("local-ca", "warn", "the local CA ends in",
                                   self.instead(self.at("tls/ca.pem"), self.other.at("ca.pem")))
        self.assert_comes_and_goes("local-ca", "fail", "is no CA's certificate", self.instead(self.at("tls/ca.pem"), key))

    def test_what_acme_brings(self):
        always = ("--domain", "records.example.org")
        self.assertTrue(self.has(self.look(*always), "certificate", "note", "has been brought yet"))
        folder = self.at("tls/acme/acme.example_directory/records.example.org")
        os.makedirs(folder, 0o700)
        self.addCleanup(shutil.rmtree, self.at("tls/acme"))
        shutil.copyfile(self.good[0], os.path.join(folder, "cert.pem"))
        found = self.look(*always)
        self.assertFalse(self.has(found, "certificate", "note", ""))
        self.assertTrue(self.has(found, "certificate", "ok", "that ACME brought is good for 24 d"))

    def test_a_proxy_has_it(self):
        found = self.look("--listen", "off", "--http", "127.0.0.1:5000", "--trusted-proxy", "127.0.0.1")
        self.assertTrue(self.has(found, "certificate", "ok", "the proxy has it"))


class Keys(Doctor):
    def test_a_key_in_clear_is_a_note_at_home_and_a_warning_abroad(self):
        words = "no passphrase protects the KEK"
        self.assertTrue(self.has(self.look(), "protection", "note", words))
        self.assertTrue(self.has(self.look("--listen", "0.0.0.0:8443"), "protection", "warn", words))
        locked = os.path.join(self.root, "locked")
        secret = secret_file(self.root, "secret", WORDS)
        self.assertEqual(run("init", "--data", locked, "--passphrase-file", secret).returncode, 0)
        found = self.look("--listen", "0.0.0.0:8443", "--passphrase-file", secret, data=locked)
        self.assertFalse(self.has(found, "protection", "warn", "") or self.has(found, "protection", "note", ""))
        self.assertTrue(self.has(self.look(data=locked), "protection", "note", "the server starts sealed"))

    def test_where_the_passphrase_lies(self):
        good = secret_file(self.root, "apart", WORDS)
        within = secret_file(self.data, "within", WORDS)
        self.addCleanup(os.remove, within)
        always = ("--passphrase-file", good)
        nothing = contextlib.nullcontext()
        for options, grade, words in ((("--passphrase-file", within), "warn", "lies beside the keys"),
                                      (("--passphrase-file", good + ".none"), "fail", "cannot be found")):
            with self.subTest(options):
                found = self.look(*always)
                self.assertFalse(self.has(found, "protection", grade, words))
                self.assertTrue(self.has(self.look(*options), "protection", grade, words))
        self.assert_comes_and_goes("protection", "fail", "has mode 0644", self.mode(good, 0o644), always=always)
        with nothing:
            self.assertTrue(self.has(self.look(*always), "protection", "ok", "kept apart"))

    def test_ages(self):
        found = self.look()
        for words in ("the KEK is", "the newest epoch key is", "the identity key"):
            self.assertTrue(self.has(found, "keys", "ok", words))
        self.assertTrue(wait_until(lambda: self.has(
            self.look("--epoch-age", "1s"), "keys", "note", "the newest epoch key is")))

    def test_keys_that_are_missing(self):
        self.assert_comes_and_goes("keys", "fail", "store.key", self.away(self.at("keys/store.key")))


class Configuration(Doctor):
    def test_contradictions(self):
        for options, grade, words in (
                (("--client-crl", "/none"), "fail", "--client-ca is not"),
                (("--listen", "off"), "fail", "leaves nowhere to listen"),
                (("--domain", "a.example.org", "--http-redirect", "off"), "fail", "--http-redirect is off"),
                (("--domain", "a.example.org", "--tls-cert", "/a", "--tls-key", "/b"), "fail", "--domain and --tls-cert"),
                (("--disk-reserve", "1GiB"), "warn", "--disk-reserve is more than"),
                (("--ingest-only", "--passphrase-file", "/none"), "warn", "--ingest-only never reads"),
                (("--http", "127.0.0.1:5000"), "warn", "--trusted-proxy is not"),
                (("--login-idle", "10h"), "note", "--login-idle is more"),
                (("--epoch-wraps", "off"), "note", "--epoch-wraps is off"),
                (("--audit-checkpoint", "0s"), "note", "--audit-checkpoint is 0"),
                (("--access-log", "off"), "note", "--access-log is off"),
                (("--kek-bits", "2048"), "note", "--kek-bits is 2048")):
            with self.subTest(options):
                self.assert_comes_and_goes("configuration", grade, words, contextlib.nullcontext(), *options)
        self.assertTrue(self.has(self.look(), "configuration", "ok", "no setting contradicts another"))

    def test_exposure(self):
        abroad = ("--listen", "[::]:8443")
        for options, grade, words in ((("--open-enrollment",), "warn", "--open-enrollment is on"),
                                      (("--failure-rate", "0"), "warn", "--failure-rate is 0"),
                                      (("--login-rate", "0"), "warn", "--login-rate is 0"),
                                      (("--body-rate", "0"), "warn", "--body-rate or")):
            with self.subTest(options):
                self.assertFalse(self.has(self.look(*options), "exposure", grade, words), "at home")
                self.assert_comes_and_goes("exposure", grade, words, contextlib.nullcontext(), *options, always=abroad)
        self.assert_comes_and_goes("exposure", "fail", "has everybody in it", contextlib.nullcontext(),
                                   "--trusted-proxy", "10.0.0.1,0.0.0.0/0")
        self.assertFalse(self.has(self.look("--trusted-proxy", "10.0.0.0/8"), "exposure", "fail", ""))

    def config(self, text, mode=0o600):
        path = os.path.join(self.root, "coffer.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def test_the_file_of_settings(self):
        secret = secret_file(self.root, "secret", WORDS)
        path = self.config(f"passphrase_file = {secret}\n")
        always = ("--config", path)
        self.assert_comes_and_goes("config-file", "fail", "so others can write it", self.mode(path, 0o666), always=always)
        self.assert_comes_and_goes("config-file", "note", "says where a secret is kept", self.mode(path, 0o644),
                                   always=always)
        if os.geteuid() == 0:
            os.chown(path, 12345, -1)
            self.assertTrue(self.has(self.look(*always), "config-file", "fail", "belongs to user 12345"))
            os.chown(path, 0, -1)
        path = self.config("max_connections = 100\n", 0o644)
        self.assertTrue(self.has(self.look("--config", path), "config-file", "ok", "only its owner writes"))

    def test_settings_that_cannot_be_read(self):
        path = self.config("max_connections = many\n")
        for options in (("--config", path), ("--config", path + ".none"), ("--no-such-setting", "1")):
            with self.subTest(options):
                found = self.look(*options)
                self.assertEqual([(one["check"], one["grade"]) for one in found], [("configuration", "fail")])


if __name__ == "__main__":
    unittest.main()
