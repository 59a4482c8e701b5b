"""Staples that expire, made by an openssl whose clock is set back by faketime."""

import os
import shutil
import subprocess
import tempfile
import unittest

from shaking import CertifiedServer
from chains import Authority, replace  # pylint: disable=wrong-import-order
from harness import wait_until  # pylint: disable=wrong-import-order

@unittest.skipUnless(shutil.which("faketime"), "there is no faketime here: no test of another date")
class Staples(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.staple = os.path.join(directory.name, "staple.der")
        self.authority = Authority(directory.name, "root")
        self.pair = self.authority.server("server")

    def make_staple(self, seconds):
        """A staple that has so long left: openssl counts in minutes, so it is made a while ago."""
        ago = 60 - seconds
        a = self.authority.at
        subprocess.run(
            ["faketime", "-f", f"-{ago}s", "openssl", "ocsp", "-index", a("index.txt"), "-CA", a("ca.pem"), "-rsigner", a("ca.pem"), "-rkey",
               a("ca.key"), "-issuer", a("ca.pem"), "-cert", a("server.pem"), "-respout", a("brief"), "-nmin", "1"],
            check=True, capture_output=True)
        replace(a("brief"), self.staple)

    def stapled(self, server, *options):
        return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-status", "-CAfile",
                               self.authority.root, *options], stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", errors="replace", check=False, timeout=20).stdout

    def test_one_that_has_expired_is_not_sent(self):
        self.make_staple(5)
        server = CertifiedServer(self.authority, self.pair, "--tls-ocsp", self.staple, "--tls-reload", "100ms")
        self.addCleanup(server.remove)
        server.start()
        for version in ("-tls1_2", "-tls1_3"):
            self.assertIn("Cert Status: good", self.stapled(server, version))
        self.assertTrue(wait_until(lambda: "OCSP response: no response sent" in self.stapled(server)))
        for version in ("-tls1_2", "-tls1_3"):
            self.assertIn("OCSP response: no response sent", self.stapled(server, version))
        self.assertTrue(wait_until(lambda: "has expired" in "".join(server.output)), "".join(server.output))
        self.make_staple(40)
        self.assertTrue(wait_until(lambda: "Cert Status: good" in self.stapled(server)))

    def test_one_that_has_expired_before_the_start_is_said(self):
        self.make_staple(-5)
        server = CertifiedServer(self.authority, self.pair, "--tls-ocsp", self.staple)
        self.addCleanup(server.remove)
        server.start()
        self.assertIn("the OCSP response has expired", "".join(server.output))
        self.assertIn("OCSP response: no response sent", self.stapled(server))


if __name__ == "__main__":
    unittest.main()
