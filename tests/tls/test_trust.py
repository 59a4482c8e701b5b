"""coffer trust: the system's store as curl reads it, and the NSS databases of browsers; installed and undone. The
system's store is changed in a mount namespace of its own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from chains import Authority, fingerprint  # noqa: E402
from harness import BINARY, Server  # noqa: E402

STORES = ("/etc/ssl/certs", "/usr/local/share/ca-certificates")


class Namespace:
    """What is done to the two directories in here is seen in here only."""

    def __init__(self, test, directory):
        steps = ["set -e"]
        for number, store in enumerate(STORES):
            copy = os.path.join(directory, f"store{number}")
            shutil.copytree(store, copy, symlinks=True)
            steps.append(f"mount --bind '{copy}' '{store}'")
        steps.append("echo ready; exec sleep 600")
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", "\n".join(steps)], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, encoding="utf-8")
        test.addCleanup(self.end)
        said = self.holder.stdout.readline()
        if said != "ready\n":
            test.skipTest(f"no mount namespace here: {said.strip()}")

    def end(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    def run(self, *command, **options):
        return subprocess.run(["nsenter", "-t", str(self.holder.pid), "-m", *command], stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", errors="replace", timeout=120, check=False, **options)


class Trust(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--kek-bits", "2048")
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.ca = os.path.join(cls.server.data, "tls", "ca.pem")
        cls.id = fingerprint(cls.ca)[:8]

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.home = os.path.join(self.directory, "home of *[a] user")
        os.mkdir(self.home)

    def trust(self, *options, path=None, prefix=()):
        environment = dict(os.environ, HOME=self.home, PATH=path or os.environ["PATH"])
        environment.pop("SUDO_USER", None)
        return subprocess.run([*prefix, BINARY, "trust", *options], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=60, check=False)

    def listed(self, database):
        """{nickname: trust}"""
        done = subprocess.run(["certutil", "-L", "-d", f"sql:{database}"], capture_output=True, encoding="utf-8", check=True)
        return dict(re.findall(r"^(\S.*?) +(\S*,\S*,\S*) *$", done.stdout, re.M))

    def test_it_prints_the_ca_and_its_fingerprint(self):
        for options in (("--data", self.server.data), ("--ca", self.ca)):
            done = self.trust(*options)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            colons = ":".join(re.findall("..", fingerprint(self.ca).upper()))
            self.assertIn(f"SHA-256 {colons}\n", done.stdout)
            self.assertIn(f"SHA-256 {colons}\n", "".join(self.server.output))
            with open(self.ca, encoding="ascii") as file:
                self.assertTrue(done.stdout.endswith(file.read()))
        for name in ("trust --install", "trust --remove", "--cacert"):
            self.assertIn(name, done.stdout)

    def test_what_is_no_ca_is_not_trusted(self):
        authority = Authority(self.directory, "one")
        both = os.path.join(self.directory, "both.pem")
        with open(both, "wb") as file:
            for name in (authority.at("ca.pem"), self.ca):
                with open(name, "rb") as one:
                    file.write(one.read())
        for path in (os.path.join(self.server.data, "tls", "server.pem"), authority.server("leaf")[0], authority.at("ca.key"),
                     both):
            done = self.trust("--install", "--ca", path)
            self.assertEqual(done.returncode, 1)
            self.assertIn("this is not the certificate of one CA", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.home, ".pki")))
        self.assertIn("there is no such file", self.trust("--data", self.directory).stderr)
        self.assertEqual(self.trust("--install", "--remove").returncode, 2)

    def test_curl_trusts_it_by_the_systems_store(self):
        namespace = Namespace(self, self.directory)
        url = f"https://localhost:{self.server.port}/v1/health"

        def curl():
            environment = {name: value for name, value in os.environ.items() if not re.match("SSL_CERT|CURL_CA", name)}
            return namespace.run("curl", "-sS", "-q", url, env=environment)

        def contents():
            found = namespace.run("find", *STORES, "(", "-type", "f", "-o", "-type", "l", ")", "-printf", "%p %l\n").stdout
            bundle = namespace.run("sha256sum", "/etc/ssl/certs/ca-certificates.crt").stdout
            return set(found.splitlines()) | {bundle}

        # What the namespace begins with may need an update itself.
        self.assertEqual(namespace.run("update-ca-certificates", "--fresh").returncode, 0)
        before = contents()
        self.assertEqual(curl().returncode, 60)
        for _ in range(2):
            done = namespace.run(BINARY, "trust", "--install", "--system", "--data", self.server.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"coffer-{self.id}.crt", done.stdout)
            answer = curl()
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertIn("status", answer.stdout)
        for words in ("does not trust it any more", "does not have it"):
            done = namespace.run(BINARY, "trust", "--remove", "--system", "--data", self.server.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(words, done.stdout)
            self.assertEqual(curl().returncode, 60)
        self.assertEqual(contents(), before)

    def test_browsers_trust_it_by_nss(self):
        profiles = [os.path.join(self.home, ".mozilla", "firefox", name) for name in ("a.default", "b.other")]
        other = Authority(self.directory, "another")
        for profile in profiles:
            os.makedirs(profile)
            subprocess.run(["certutil", "-N", "-d", f"sql:{profile}", "--empty-password"], check=True)
            subprocess.run(["certutil", "-A", "-d", f"sql:{profile}", "-n", "another", "-t", "C,,", "-i", other.at("ca.pem")],
                           check=True)
        os.makedirs(os.path.join(self.home, ".mozilla", "firefox", "empty.profile"))
        databases = [os.path.join(self.home, ".pki", "nssdb"), *profiles]
        nickname = f"coffer local CA {self.id}"
        for _ in range(2):
            done = self.trust("--install", "--nss", "--data", self.server.data)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for database in databases:
                self.assertIn(f"{database}: trusts it now", done.stdout)
                self.assertEqual(self.listed(database)[nickname], "C,,")
            verified = subprocess.run(["certutil", "-V", "-d", f"sql:{databases[1]}", "-u", "L", "-n", nickname],
                                      capture_output=True, encoding="utf-8", check=False)
            self.assertEqual(verified.returncode, 0, verified.stderr)
        for words in ("does not trust it any more", "does not have it"):
            done = self.trust("--remove", "--nss", "--ca", self.ca)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for database in databases:
                self.assertIn(f"{database}: {words}", done.stdout)
        self.assertEqual([self.listed(database) for database in databases], [{}, {"another": "C,,"}, {"another": "C,,"}])

    def test_a_database_with_a_password_is_left_to_its_browser(self):
        profile, password = os.path.join(self.home, ".mozilla", "firefox", "locked"), os.path.join(self.directory, "password")
        os.makedirs(profile)
        with open(password, "w", encoding="ascii") as file:
            file.write("a password of its own\n")
        subprocess.run(["certutil", "-N", "-d", f"sql:{profile}", "-f", password], check=True)
        done = self.trust("--install", "--nss", "--data", self.server.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{profile}: certutil cannot add to it", done.stderr)
        self.assertEqual(list(self.listed(os.path.join(self.home, ".pki", "nssdb"))), [f"coffer local CA {self.id}"])

    def test_what_is_missing_is_named(self):
        nowhere = os.path.join(self.directory, "no programs")
        done = self.trust("--install", "--nss", "--data", self.server.data, path=nowhere)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no certutil: install the package libnss3-tools", done.stderr)
        if os.geteuid() != 0:
            self.skipTest("somebody else can be only by root")
        copy = os.path.join(self.directory, "ca.pem")
        shutil.copyfile(self.ca, copy)
        for path, mode in ((self.directory, 0o755), (copy, 0o644)):
            os.chmod(path, mode)
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--")
        if subprocess.run([*nobody, "test", "-x", BINARY], check=False).returncode != 0:
            self.skipTest("nobody else can run this program where it is")
        done = self.trust("--install", "--system", "--ca", copy, prefix=nobody)
        self.assertEqual(done.returncode, 1)
        self.assertIn("only root can change it: run this by sudo, or with --nss", done.stderr)
        self.assertFalse(os.path.exists(f"/usr/local/share/ca-certificates/coffer-{self.id}.crt"))


if __name__ == "__main__":
    unittest.main()
