"""Debian's testssl.sh against the running server: nothing above LOW, but that nobody public vouches for the local CA."""

import json
import os
import subprocess
import tempfile
import unittest

from shaking import CertifiedServer
from chains import Authority  # pylint: disable=wrong-import-order
from harness import Server  # pylint: disable=wrong-import-order

FINE = {"OK", "INFO", "LOW"}
# Of the tool, not of the server: it has no engine for GOST, and it ends its first connection at once, sometimes before
# the ticket of TLS 1.3 has come.
TOOL = {"engine_problem": "WARN", "sessionresumption_ticket": "WARN"}
# A CA of one's own tells nobody whom it has revoked: whoever runs it takes it out of the trusted ones instead.
LOCAL_CA = {"cert_revocation"}
# Without these it has not looked.
LOOKED = {"TLS1_2", "TLS1_3", "SSLv3", "cipherlist_AVERAGE", "heartbleed", "ROBOT", "secure_client_renego", "LUCKY13", "HSTS_time",
          "cert_keySize", "sessionresumption_ticket"}


class Scan:
    """One that runs: it mostly waits, so several do at once."""

    def __init__(self, server, directory):
        self.report = os.path.join(directory, f"report-{server.port}.json")
        self.process = subprocess.Popen(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--jsonfile", self.report, "--add-ca", server.ca(),
             "--ip", "127.0.0.1", f"localhost:{server.port}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT)

    def end(self):
        self.process.kill()
        self.process.wait()

    def findings(self):
        """{id: (severity, finding)}"""
        self.process.wait(600)
        with open(self.report, encoding="utf-8") as file:
            return {one["id"].split(" ")[0]: (one["severity"], one["finding"]) for one in json.load(file)}


class Scanner(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        authority = Authority(directory.name, "intermediate", parent=Authority(directory.name, "root"), kind="rsa")
        pair = authority.server("server", kind="rsa", more=("authorityInfoAccess=OCSP;URI:http://127.0.0.1:9/",), days=90)
        cls.scans = {}
        for name, server in (("local", Server("--kek-bits", "2048", through="tls")),
                             ("rsa", CertifiedServer(authority, pair, "--tls-ocsp", authority.ocsp("server")))):
            cls.addClassCleanup(server.remove)
            cls.scans[name] = Scan(server.start(), directory.name)
            cls.addClassCleanup(cls.scans[name].end)

    def check(self, found, allowed=()):
        self.assertEqual(LOOKED - set(found), set())
        self.assertEqual({name: what for name, what in found.items()
                          if what[0] not in FINE and TOOL.get(name) != what[0] and name not in allowed}, {})
        self.assertEqual(found["TLS1_3"][1], "offered with final")
        self.assertEqual(found["HSTS_time"][0], "OK")
        self.assertIn("not vulnerable", found["secure_client_renego"][1])

    def test_the_certificate_of_the_local_ca(self):
        found = self.scans["local"].findings()
        self.check(found, LOCAL_CA)
        self.assertIn("EC 256", found["cert_keySize"][1])

    def test_an_rsa_certificate_from_a_file_with_a_staple(self):
        found = self.scans["rsa"].findings()
        self.check(found)
        self.assertIn("RSA 2048", found["cert_keySize"][1])
        self.assertEqual(found["OCSP_stapling"][1], "offered")


if __name__ == "__main__":
    unittest.main()
