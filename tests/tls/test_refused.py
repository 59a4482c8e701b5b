"""What curl says of a certificate that it has no reason to believe; docs/tls.md explains each of these refusals."""

import os
import re
import subprocess
import tempfile
import unittest

from shaking import CertifiedServer
from chains import Authority, date  # pylint: disable=wrong-import-order
from harness import ROOT, wait_until  # pylint: disable=wrong-import-order

NOT_BELIEVED = 60


class Refused(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        cls.root = Authority(cls.directory, "root")
        cls.other = Authority(cls.directory, "other")
        with open(os.path.join(ROOT, "docs", "tls.md"), encoding="utf-8") as file:
            cls.manual = file.read()

    def serve(self, name, authority=None, **options):
        authority = authority or self.root
        server = CertifiedServer(authority, authority.server(name, **options))
        self.addCleanup(server.remove)
        return server.start()

    def curl(self, server, ca, host="localhost"):
        return subprocess.run(
            ["curl", "-q", "-sS", "--cacert", ca, "--connect-to", f"::127.0.0.1:{server.port}",
             f"https://{host}:{server.port}/v1/health"], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
            timeout=30, check=False)

    def refuse(self, server, words, ca=None, host="localhost"):
        done = self.curl(server, ca or self.root.at("ca.pem"), host)
        self.assertEqual((done.returncode, done.stdout), (NOT_BELIEVED, ""))
        self.assertRegex(done.stderr, words)
        # The message that somebody looks for is in the manual.
        self.assertIsNotNone(re.search(words, self.manual), words)

    def test_the_same_server_is_believed_by_whoever_has_its_ca(self):
        done = self.curl(self.serve("good"), self.root.at("ca.pem"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_another_ca(self):
        self.refuse(self.serve("stranger"), "unable to get local issuer certificate", ca=self.other.at("ca.pem"))

    def test_a_missing_intermediate_certificate(self):
        intermediate = Authority(self.directory, "intermediate", parent=self.root)
        chain, key = intermediate.server("alone")
        subprocess.run(["openssl", "x509", "-in", chain, "-out", chain + ".alone"], check=True)
        server = CertifiedServer(intermediate, (chain + ".alone", key))
        self.addCleanup(server.remove)
        self.refuse(server.start(), "unable to get local issuer certificate")

    def test_a_wrong_host_name(self):
        self.refuse(self.serve("elsewhere", names=("records.example", "localhost")),
                    "no alternative certificate subject name matches target host name", host="wrong.example")

    def test_an_expired_leaf(self):
        self.refuse(self.serve("expired", start="20200101000000Z", end="20200201000000Z"), "certificate has expired")

    def test_a_leaf_that_expires_while_it_is_served(self):
        server = self.serve("brief", end=date(4))
        self.assertEqual(self.curl(server, self.root.at("ca.pem")).returncode, 0)
        self.assertTrue(wait_until(lambda: self.curl(server, self.root.at("ca.pem")).returncode == NOT_BELIEVED))
        self.refuse(server, "certificate has expired")

    def test_a_leaf_that_is_not_valid_yet(self):
        self.refuse(self.serve("early", start="20400101000000Z", end="20400201000000Z"), "certificate is not yet valid")


if __name__ == "__main__":
    unittest.main()
