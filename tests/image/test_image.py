"""The image at work, as script/image has built it: what is in it, the main job, an exchange of partners, its end."""

import os
import pathlib
import re
import stat
import subprocess
import tempfile
import unittest

from container import CONFIG, GID, PORT, ROOT, UID, VOLUME, Container, Volume

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples"


class Contents(unittest.TestCase):
    def test_it_runs_as_a_number_that_is_not_root_on_one_volume(self):
        self.assertRegex(CONFIG["User"], r"^\d+:\d+$")
        self.assertTrue(UID > 0 and GID > 0)
        self.assertEqual(list(CONFIG["Volumes"]), [VOLUME])
        self.assertEqual(os.stat(ROOT + VOLUME).st_uid, UID)
        self.assertEqual(CONFIG["Healthcheck"]["Test"], ["CMD", "coffer", "health"])

    def test_there_is_no_compiler_and_nothing_of_the_build(self):
        tools = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|clang|as|ld|make|ninja|cmake|pkg-config|pkgconf)(-\d+)?")
        found = [name for folder in ("usr/bin", "usr/local/bin", "usr/sbin")
                 for name in os.listdir(os.path.join(ROOT, folder)) if tools.fullmatch(name)]
        self.assertEqual(found, [])
        for path in ("src", "installed", "usr/include/microhttpd.h"):
            self.assertFalse(os.path.exists(os.path.join(ROOT, path)), path)

    def test_nothing_is_written_by_its_user_but_the_volume(self):
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders if os.path.join(folder, name) != ROOT + VOLUME]
            for name in names:
                found = os.lstat(os.path.join(folder, name))
                self.assertNotEqual(found.st_uid, UID, name)
                if stat.S_ISREG(found.st_mode):
                    self.assertFalse(found.st_mode & stat.S_IWOTH, name)


class AtWork(unittest.TestCase):
    def setUp(self):
        self.volume = Volume()
        self.addCleanup(self.volume.remove)

    def run_container(self, *command, **options):
        container = Container(self.volume, *command, **options)
        self.addCleanup(container.remove)
        return container

    def test_the_main_job(self):
        server = self.run_container().serves()
        body = os.urandom(300000)
        with server.client() as client:
            posted = client.post(body, "application/dicom")
            self.assertEqual(posted.status, 201, posted.body)
            kept = client.post(b"kept", "text/plain")["Location"]
            got = client.get(posted["Location"])
            self.assertEqual((got.status, got.body), (200, body))
            self.assertEqual(got["Content-Type"], "application/dicom")
            self.assertEqual(client.delete(posted["Location"], if_match=posted["ETag"]).status, 204)
            self.assertEqual(client.get(posted["Location"]).status, 410)
        beside = server.execute("coffer", "check")
        self.assertEqual(beside.returncode, 0, beside.stdout)
        self.assertEqual(server.stop(), 0, server.said)
        alone = self.run_container("check")
        self.assertEqual(alone.wait(), 0, alone.said)
        again = self.run_container().serves()
        with again.client() as client:
            self.assertEqual(client.get(kept).body, b"kept")
        self.assertEqual(again.stop(), 0)

    def test_partners_exchange_messages(self):
        server = self.run_container().serves()
        origin = f"https://localhost:{PORT}"

        def coffer(*arguments, data=None):
            done = server.execute("coffer", *arguments, data=data)
            self.assertEqual(done.returncode, 0, done.stdout)
            return done.stdout

        with tempfile.TemporaryDirectory(prefix="coffer-ben-") as directory:
            authority = os.path.join(self.volume.path, "data/tls/ca.pem")

            def ben(verb, *arguments, data=None):
                done = subprocess.run(
                    ["/usr/bin/python3", EXAMPLES / "partner.py", verb, *arguments], cwd=directory, input=data,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stdout)
                return done.stdout

            home = ("--home", f"{VOLUME}/ann")
            for name in ("ann", "ben"):
                coffer("invite", name, "-o", f"{VOLUME}/{name}.invite", "--url", origin)
            coffer("join", "--invite-file", f"{VOLUME}/ann.invite", *home)
            ben("keygen", "2048", "ben.pem", "ben.pub.pem")
            ben("join", origin, authority, "ben", "ben.pem",
                data=(pathlib.Path(self.volume.path) / "ben.invite").read_text(encoding="ascii"))
            coffer("send", "ben", *home, data="Shall we meet?\n")
            self.assertIn("ann: Shall we meet?", ben("fetch", origin, authority, "ben", "ben.pem"))
            ben("send", origin, authority, "ben", "ben.pem", "ann", data="Gladly.\n")
            number = coffer("inbox", *home).split()[0]
            self.assertIn("Gladly.", coffer("read", number, *home))

    def test_health_follows_the_server(self):
        server = self.run_container().serves()
        self.assertEqual(server.healthy().returncode, 0)
        os.kill(server.pid, 19)  # SIGSTOP: it is there, and does not answer
        sick = server.execute("coffer", "health", "--timeout", "1")
        os.kill(server.pid, 18)
        self.assertEqual(sick.returncode, 1, sick.stdout)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.run_container("health").wait(), 1)

    def test_nothing_but_the_volume_can_be_written_and_no_privilege_is_left(self):
        server = self.run_container().serves()
        with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(fields["NSpid"].split()[-1], "1", "it is the container's first process")
        self.assertEqual(fields["Uid"].split(), [str(UID)] * 4)
        self.assertEqual({fields[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")}, {"0" * 16})
        for path in ("/", "/tmp", "/usr/bin", "/run", "/dev", "/etc"):
            self.assertNotEqual(server.execute("touch", f"{path}/file").returncode, 0, path)
        self.assertEqual(server.execute("touch", f"{VOLUME}/file").returncode, 0)

    def test_a_secret_as_a_file_locks_and_unlocks_the_key(self):
        with tempfile.TemporaryDirectory(prefix="coffer-secrets-") as secrets:
            os.chmod(secrets, 0o755)
            path = os.path.join(secrets, "coffer-unlock")
            with open(path, "wb") as file:
                file.write(os.urandom(32))
            os.chown(path, UID, GID)
            os.chmod(path, 0o400)
            options = {"secrets": secrets, "COFFER_CREDENTIAL_FILE": "/run/secrets/coffer-unlock"}
            server = self.run_container(**options).serves()
            with server.client() as client:
                record = client.post(b"under lock")["Location"]
            self.assertEqual(server.stop(), 0)
            sealed = self.run_container().serves()
            with sealed.client() as client:
                self.assertEqual(client.get(record).status, 503)
            self.assertEqual(sealed.healthy().returncode, 0, "sealed is no illness")
            self.assertEqual(sealed.stop(), 0)
            server = self.run_container(**options).serves()
            with server.client() as client:
                self.assertEqual(client.get(record).body, b"under lock")

    def test_a_volume_that_others_may_enter_will_do(self):
        os.chmod(self.volume.path, 0o2775)  # as some engines make them
        self.run_container().serves()
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.volume.path, "data")).st_mode) & 0o777, 0o700)


if __name__ == "__main__":
    unittest.main()
