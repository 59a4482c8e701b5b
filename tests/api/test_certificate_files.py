"""--tls-cert and its kin: which certificates are served, and what happens when their files change while it runs."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

from chains import Authority, date, fingerprint, openssl, replace
from harness import Server, run, wait_until


class Served(Server):
    """A server whose certificate is one of `authority`; its clients trust that alone."""

    def __init__(self, authority, *options):
        super().__init__(*options, through="tls")
        self.authority = authority

    def ca(self):
        return self.authority.root

    def log(self, words):
        return wait_until(lambda: any(words in line for line in list(self.output)))

    def count(self, words):
        return sum(words in line for line in list(self.output))

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def shown(self, trusted=None, ciphers=None):
        """SHA-256 of the certificate that a new connection gets, once it has been verified."""
        context = ssl.create_default_context(cafile=trusted or self.authority.root)
        if ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain, context.wrap_socket(
                plain, server_hostname="localhost") as tls:
            return hash_of(tls.getpeercert(True))


def hash_of(der):
    return fingerprint_of(ssl.DER_cert_to_PEM_cert(der))


def fingerprint_of(pem):
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write(pem)
        file.flush()
        return fingerprint(file.name)


class FilesTest(unittest.TestCase):
    """A root, an intermediate authority, two pairs of that, the first of which is in place."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.root = Authority(self.directory, "root")
        self.authority = Authority(self.directory, "intermediate", parent=self.root)
        self.first = self.authority.server("first")
        self.second = self.authority.server("second")
        self.chain, self.key = self.at("fullchain.pem"), self.at("privkey.pem")
        self.place(self.first)

    def at(self, name):
        return os.path.join(self.directory, name)

    def place(self, pair):
        replace(pair[0], self.chain)
        replace(pair[1], self.key)

    def serve(self, *options, reload="100ms", start=True):
        server = Served(self.authority, "--tls-cert", self.chain, "--tls-key", self.key, "--tls-reload", reload, *options)
        self.addCleanup(server.remove)
        return server.start() if start else server

    def stapled(self, server, *options):
        """What a client that asks for a staple gets of it."""
        return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-status", "-CAfile",
                               self.root.at("ca.pem"), *options], stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", errors="replace", check=False, timeout=20).stdout


class CertificateFiles(FilesTest):
    def test_a_new_pair_is_served_from_the_next_connection_on_and_the_old_one_to_those_that_have_it(self):
        server = self.serve()
        self.assertEqual(server.shown(), fingerprint(self.first[0]))
        with server.client() as old:
            self.assertEqual(old.get("/v1/health").status, 200)
            before = old.connection.sock
            self.place(self.second)
            self.assertTrue(wait_until(lambda: server.shown() == fingerprint(self.second[0])))
            self.assertEqual(old.get("/v1/health").status, 200)
            self.assertIs(old.connection.sock, before)
            self.assertEqual(hash_of(before.getpeercert(True)), fingerprint(self.first[0]))
        self.assertTrue(server.log("the certificate served from now on is for localhost"))

    def test_certbots_links_are_followed(self):
        for number, pair in enumerate((self.first, self.second), 1):
            shutil.copyfile(pair[0], self.at(f"fullchain{number}.pem"))
            shutil.copyfile(pair[1], self.at(f"privkey{number}.pem"))
            os.chmod(self.at(f"privkey{number}.pem"), 0o640)

        def link(number):
            for name in ("fullchain", "privkey"):
                if os.path.lexists(self.at("link")):
                    os.remove(self.at("link"))
                os.symlink(f"{name}{number}.pem", self.at("link"))
                os.rename(self.at("link"), self.at(f"{name}.pem"))

        link(1)
        server = self.serve()
        self.assertEqual(server.shown(), fingerprint(self.first[0]))
        link(2)
        self.assertTrue(wait_until(lambda: server.shown() == fingerprint(self.second[0])))

    def test_a_hang_up_reads_at_once_and_disturbs_nothing(self):
        server = self.serve(reload="1h")
        with server.client() as client:
            path = client.post(b"kept")["Location"]
            self.place(self.second)
            server.hang_up()
            self.assertTrue(wait_until(lambda: server.shown() == fingerprint(self.second[0])))
            before = client.connection.sock
            self.assertEqual(client.get(path).body, b"kept")
            self.assertIs(client.connection.sock, before)

    def test_a_broken_pair_is_refused_with_one_line_and_tried_again(self):
        expired = self.authority.server("expired", start="20200101000000Z", end="20200201000000Z")
        early = self.authority.server("early", start="20400101000000Z", end="20400201000000Z")
        weak = self.authority.server("weak", kind="rsa1024")
        garbage, half, locked = self.at("garbage"), self.at("half"), self.at("locked")
        with open(garbage, "wb") as file:
            file.write(bytes(range(256)) * 8)
        with open(self.second[0], "rb") as whole, open(half, "wb") as file:
            file.write(whole.read()[:700])
        openssl("pkcs8", "-topk8", "-in", self.second[1], "-out", locked, "-passout", "pass:secret")
        server = self.serve()
        for number, (pair, words) in enumerate(((
                (self.second[0], self.first[1]), "the key is not that of the certificate"),
                (expired, "the certificate has expired"),
                (early, "the certificate is not valid yet"),
                ((garbage, self.second[1]), "there is no chain of PEM certificates in it"),
                ((half, self.second[1]), "there is no chain of PEM certificates in it"),
                ((self.second[0], garbage), "there is no PEM key in it that can be served"),
                ((self.second[0], locked), "there is no PEM key in it that can be served"),
                (weak, "there is no PEM key in it that can be served"))):
            with self.subTest(words=words, number=number):
                lines = server.count(words)
                self.place(pair)
                server.hang_up()
                self.assertTrue(wait_until(lambda: server.count(words) == lines + 1), "".join(server.output))
                self.assertIn("what was served before goes on", server.output[-1])
                server.hang_up()
                server.hang_up()
                self.assertEqual(server.shown(), fingerprint(self.first[0]))
                self.assertEqual(server.count(words), lines + 1, "".join(server.output))
                # What is good again is no news, and the next fault is one.
                self.place(self.first)
                server.hang_up()
                self.assertTrue(self.is_settled(server))
        os.chmod(self.key, 0o644)
        server.hang_up()
        self.assertTrue(server.log("mode 0644, so others can use it"))
        os.remove(self.key)
        self.assertTrue(server.log(f"cannot read {self.key}"))
        self.assertEqual(server.shown(), fingerprint(self.first[0]))
        self.place(self.second)
        self.assertTrue(wait_until(lambda: server.shown() == fingerprint(self.second[0])))
        self.assertNotIn("PRIVATE", "".join(server.output))

    def is_settled(self, server):
        """A pair that is taken after what came before: the looks are one after the other."""
        self.place(self.second)
        server.hang_up()
        if not wait_until(lambda: server.shown() == fingerprint(self.second[0])):
            return False
        self.place(self.first)
        server.hang_up()
        return wait_until(lambda: server.shown() == fingerprint(self.first[0]))

    def test_what_is_not_valid_yet_is_taken_when_it_is(self):
        server = self.serve()
        soon = self.authority.server("soon", start=date(3))
        self.place(soon)
        self.assertTrue(server.log("the certificate is not valid yet"))
        self.assertEqual(server.shown(), fingerprint(self.first[0]))
        self.assertTrue(wait_until(lambda: server.shown() == fingerprint(soon[0])))
        self.assertEqual(server.count("the certificate is not valid yet"), 1)

    def test_two_kinds_of_key_side_by_side(self):
        rsa = self.authority.server("rsa", kind="rsa")
        both = (f"{self.first[0]},{rsa[0]}", f"{self.first[1]},{rsa[1]}")
        server = Served(self.authority, "--tls-cert", both[0], "--tls-key", both[1])
        self.addCleanup(server.remove)
        server.start()
        self.assertEqual(server.shown(), fingerprint(self.first[0]))
        self.assertEqual(server.shown(ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), fingerprint(self.first[0]))
        self.assertEqual(server.shown(ciphers="ECDHE-RSA-AES128-GCM-SHA256"), fingerprint(rsa[0]))

    def test_files_at_the_start(self):
        with open(self.at("open.key"), "wb") as file, open(self.first[1], "rb") as key:
            file.write(key.read())
        os.chmod(self.at("open.key"), 0o604)
        for options, words in (
                (("--tls-cert", self.first[0]), "as many files"),
                (("--tls-cert", self.first[0], "--tls-key", self.second[1]), "the key is not that of the certificate"),
                (("--tls-cert", self.first[0], "--tls-key", "/nowhere.key"), "cannot read /nowhere.key"),
                (("--tls-cert", self.first[0], "--tls-key", self.at("open.key")), "mode 0604"),
                (("--tls-cert", self.first[0], "--tls-key", self.first[1], "--tls-ocsp", "a,b"), "--tls-ocsp must name"),
                (("--tls-cert", "a,b,c,d,e", "--tls-key", self.first[1]), "4 files at most"),
                (("--tls-cert", self.first[0], "--tls-key", self.first[1], "--client-crl", self.first[0]),
                 "without --client-ca")):
            with self.subTest(words=words):
                done = run("serve", "--data", self.at("data"), "--listen", "127.0.0.1:0", *options)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stderr)

    def test_an_expired_certificate_at_the_start_is_said_and_served(self):
        self.place(self.authority.server("expired", start="20200101000000Z", end="20200201000000Z"))
        server = self.serve()
        self.assertTrue(server.log("the certificate has expired"))
        self.assertTrue(server.log("clients refuse it"))
        with self.assertRaises(ssl.SSLCertVerificationError):
            server.shown()
        self.place(self.first)
        self.assertTrue(wait_until(lambda: "served from now on" in "".join(server.output)))
        self.assertEqual(server.shown(), fingerprint(self.first[0]))

    def test_that_it_expires_soon_is_said_once_a_stage(self):
        self.place(self.authority.server("brief", start=date(-600), end=date(6)))
        server = self.serve()
        self.assertTrue(server.log("nothing has renewed it yet"))
        self.assertRegex("".join(server.output), r"the certificate for localhost expires in [0-9] seconds")
        self.assertTrue(server.log("has expired"))
        self.assertEqual(server.count("nothing has renewed it yet"), 1)
        self.assertEqual(server.count("clients refuse it"), 1)

    def test_a_staple_is_served_and_read_again(self):
        staple = self.at("staple.der")
        replace(self.authority.ocsp("first", minutes=60), staple)
        server = self.serve("--tls-ocsp", staple)
        for version in ("-tls1_2", "-tls1_3"):
            self.assertIn("Cert Status: good", self.stapled(server, version))
        # One that is none, or of another certificate, is refused, and the old goes on.
        for other in (self.authority.ocsp("second"), self.first[0]):
            replace(other, staple)
            server.hang_up()
            self.assertTrue(server.log("it is no OCSP response (DER) for the certificate by its CA"))
            self.assertIn("Cert Status: good", self.stapled(server))
        # One that tells of a revocation is not sent, and neither is what was said before.
        self.authority.revoke("first")
        replace(self.authority.ocsp("first", "revoked"), staple)
        self.assertTrue(server.log("says that the certificate was revoked"))
        self.assertTrue(wait_until(lambda: "OCSP response: no response sent" in self.stapled(server)))
        replace(self.authority.ocsp("second"), staple)
        # With the other certificate it is the right one.
        self.place(self.second)
        self.assertTrue(wait_until(lambda: "Cert Status: good" in self.stapled(server)))


if __name__ == "__main__":
    unittest.main()
