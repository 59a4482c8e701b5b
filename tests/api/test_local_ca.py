"""The local CA: it stays what it is, and its certificate for the server is renewed in time, also while it runs."""

import os
import re
import shutil
import tempfile
import unittest

from chains import ask, fingerprint, openssl
from harness import Server, run, wait_until
from test_certificate_files import hash_of

DAY = 86400


class LocalCa(unittest.TestCase):
    def make(self, *options):
        server = Server("--kek-bits", "2048", *options, through="tls")
        self.addCleanup(server.remove)
        return server

    @staticmethod
    def at(server, name):
        return os.path.join(server.data, "tls", name)

    def read(self, server, *names):
        texts = []
        for name in names:
            with open(self.at(server, name), "rb") as file:
                texts.append(file.read())
        return texts

    def age(self, server, days_left):
        """Replaces the leaf by one of the same key and names that the CA has signed, with so many days left."""
        leaf, key, extensions = (self.at(server, name) for name in ("server.pem", "server.key", "extensions"))
        names = re.search(r"Subject Alternative Name:\s*\n\s*(.*)", ask("x509", "-in", leaf, "-noout", "-ext", "subjectAltName"))
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName=" + names.group(1).replace("IP Address:", "IP:").replace(" ", "") +
                       "\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n")
        openssl("req", "-new", "-key", key, "-subj", "/CN=coffer", "-out", self.at(server, "request"))
        openssl("x509", "-req", "-in", self.at(server, "request"), "-CA", self.at(server, "ca.pem"), "-CAkey",
                self.at(server, "ca.key"), "-set_serial", "0x4242", "-days", str(days_left), "-extfile", extensions, "-out",
                self.at(server, "new"))
        with open(self.at(server, "new"), "ab") as chain, open(self.at(server, "ca.pem"), "rb") as ca:
            chain.write(ca.read())
        os.rename(self.at(server, "new"), leaf)

    def shown(self, server):
        with server.client() as client:
            self.assertEqual(client.get("/v1/health").status, 200)
            return hash_of(client.connection.sock.getpeercert(True))

    def test_a_year_of_restarts_changes_the_leaf_in_time_and_never_the_ca(self):
        server = self.make()
        server.start()
        ca = self.read(server, "ca.pem", "ca.key")
        self.assertEqual(server.stop(), 0)
        for month in range(1, 14):
            left = 397 - 30 * month
            self.age(server, left)
            before = fingerprint(self.at(server, "server.pem"))
            server.start()
            after = self.shown(server)
            self.assertEqual(server.stop(), 0)
            self.assertEqual(after, fingerprint(self.at(server, "server.pem")))
            self.assertEqual(after != before, left <= 30, f"{left} days are left")
            self.assertEqual(self.read(server, "ca.pem", "ca.key"), ca)

    def test_the_leaf_is_renewed_while_it_runs_and_nobody_notices(self):
        server = self.make("--leaf-lifetime", "10s", "--leaf-renew", "8s", "--tls-reload", "100ms")
        server.start()
        ca = self.read(server, "ca.pem", "ca.key")
        with server.client() as old:
            self.assertEqual(old.get("/v1/health").status, 200)
            first, kept = hash_of(old.connection.sock.getpeercert(True)), old.connection.sock
            seen = set()
            self.assertTrue(wait_until(lambda: seen.add(self.shown(server)) or len(seen) >= 3))
            self.assertIn(first, seen)
            self.assertEqual(old.get("/v1/health").status, 200)
            self.assertIs(old.connection.sock, kept)
        self.assertEqual(self.read(server, "ca.pem", "ca.key"), ca)
        said = "".join(server.output)
        self.assertIn("the certificate served from now on is for localhost", said)
        self.assertNotIn("nothing has renewed it", said)

    def test_a_renewal_that_fails_is_said_once_and_tried_again(self):
        server = self.make("--leaf-lifetime", "12s", "--leaf-renew", "10s", "--tls-reload", "100ms")
        server.start()
        first = self.shown(server)
        os.rename(self.at(server, "ca.key"), self.at(server, "away"))
        self.assertTrue(wait_until(lambda: "cannot be renewed, and will be tried again" in "".join(server.output)))
        self.assertEqual(self.shown(server), first)
        os.rename(self.at(server, "away"), self.at(server, "ca.key"))
        self.assertTrue(wait_until(lambda: self.shown(server) != first))
        self.assertEqual("".join(server.output).count("cannot be renewed"), 1)

    def test_a_lifetime_that_is_always_over_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            done = run("serve", "--data", os.path.join(directory, "data"), "--listen", "127.0.0.1:0", "--leaf-lifetime", "1h")
            self.assertEqual(done.returncode, 1)
            self.assertIn("--leaf-renew must be less than --leaf-lifetime", done.stderr)

    def test_a_leaf_of_another_ca_is_replaced_and_a_lost_key_of_the_ca_is_not(self):
        server, other = self.make(), self.make()
        for one in (server, other):
            one.start()
            one.stop()
        ca = self.read(server, "ca.pem", "ca.key")
        for name in ("server.pem", "server.key"):
            shutil.copy(self.at(other, name), self.at(server, name))
        server.start()
        self.assertEqual(self.shown(server), fingerprint(self.at(server, "server.pem")))
        server.stop()
        self.assertEqual(self.read(server, "ca.pem", "ca.key"), ca)
        os.remove(self.at(server, "ca.key"))
        with self.assertRaises(AssertionError):
            server.start()
        self.assertFalse(os.path.exists(self.at(server, "ca.key")))
        self.assertEqual(self.read(server, "ca.pem"), ca[:1])


if __name__ == "__main__":
    unittest.main()
