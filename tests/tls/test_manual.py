"""The commands of docs/tls.md, run as they stand there: on ports and files of the test's, and in a mount namespace where
they change the system's store."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from shaking import CertifiedServer
from chains import Authority, ask  # pylint: disable=wrong-import-order
from harness import BINARY, ROOT, Server, free_port  # pylint: disable=wrong-import-order
from test_trust import Namespace

sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))

from pages import blocks  # noqa: E402

PAGE = "docs/tls.md"
CERTBOT = "/etc/letsencrypt/live/records.example.org"


def texts():
    return [block.text for block in blocks(PAGE) if block.options.get("by") == "tests/tls/test_manual.py"]


def the_one_with(words):
    found = [text for text in texts() if words in text]
    assert len(found) == 1, (words, found)
    return found[0]


class Manual(unittest.TestCase):
    ran = set()

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.home = self.dir / "home"
        self.home.mkdir()
        (self.dir / "tools").mkdir()
        (self.dir / "tools" / "coffer").symlink_to(BINARY)

    def serve(self, *options, authority=None):
        server = CertifiedServer(authority, options[:2], *options[2:]) if authority else Server(
            "--kek-bits", "2048", *options, through="tls")
        self.addCleanup(server.remove)
        server.start()
        (self.dir / "coffer-data").symlink_to(server.data)
        return server

    def bash(self, text, server=None, prefix=()):
        self.ran.add(text)
        if server:
            text = text.replace("localhost:8443", f"localhost:{server.port}")
        # Who may use sudo is root here.
        done = subprocess.run(
            [*prefix, "bash", "-euc", "cd '%s'\n%s" % (self.dir, text.replace("sudo ", ""))], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=120, check=False,
            env={**os.environ, "PATH": f"{self.dir}/tools:{os.environ['PATH']}", "HOME": str(self.home)})
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def options_of(self, text):
        self.ran.add(text)
        words = shlex.split(text)
        self.assertEqual(words[:2], ["coffer", "serve"])
        return words[2:]

    def test_trust(self):
        server = self.serve()
        shutil.copy(server.ca(), self.dir / "ca.pem")
        os.mkdir(self.dir / "stores")
        namespace = Namespace(self, str(self.dir / "stores"))
        inside = ("nsenter", "-t", str(namespace.holder.pid), "-m")
        curl = f"curl -q -sS https://localhost:{server.port}/v1/health"
        said = self.bash(the_one_with("coffer trust --data"), prefix=inside)
        self.assertIn("BEGIN CERTIFICATE", said)
        self.assertIn("trusts it now", said)
        self.assertIn("status", self.bash(curl, prefix=inside))
        said = self.bash(the_one_with("--install --nss"))
        self.assertIn(f"{self.home}/.pki/nssdb: trusts it now", said)
        said = self.bash(the_one_with("--remove --nss"), prefix=inside)
        self.assertEqual(said.count("does not trust it any more"), 2)
        with self.assertRaises(AssertionError):
            self.bash(curl, prefix=inside)

    def test_certbots_files(self):
        authority = Authority(str(self.dir), "root")
        pair = authority.server("records.example.org", names=("records.example.org", "localhost", "127.0.0.1"))
        live = self.dir / "live"
        live.mkdir()
        for name, path in zip(("fullchain.pem", "privkey.pem"), pair):
            (live / name).symlink_to(path)
        options = self.options_of(the_one_with(CERTBOT))
        self.assertEqual(options[::2], ["--tls-cert", "--tls-key"])
        server = self.serve(*(option.replace(CERTBOT, str(live)) for option in options[1::2]), authority=authority)
        self.assertIn("ready at https://records.example.org:", "".join(server.output))
        with server.client() as client:
            self.assertEqual(client.get("/v1/health").status, 200)
            self.assertEqual(client.get("/v1/ca").status, 404)

    def test_a_staple_is_fetched(self):
        port = free_port()
        authority = Authority(str(self.dir), "intermediate", parent=Authority(str(self.dir), "root"))
        chain, _ = authority.server("cert", more=(f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}/",))
        shutil.copy(chain, self.dir / "cert.pem")
        shutil.copy(authority.at("ca.pem"), self.dir / "chain.pem")
        responder = subprocess.Popen(
            ["openssl", "ocsp", "-port", str(port), "-index", authority.at("index.txt"), "-CA", authority.at("ca.pem"), "-rsigner",
             authority.at("ca.pem"), "-rkey", authority.at("ca.key"), "-nmin", "60"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(responder.stderr.close)
        self.addCleanup(responder.wait)
        self.addCleanup(responder.kill)
        self.assertIn(b"waiting for OCSP client connections", responder.stderr.readline())
        text = the_one_with("openssl ocsp")
        self.bash(text)
        said = ask("ocsp", "-respin", str(self.dir / "staple.der"), "-text", "-noverify")
        self.assertIn("Cert Status: good", said)

    def test_client_certificates(self):
        self.bash(the_one_with("our clients"))
        options = self.options_of(the_one_with("coffer serve --client-ca"))
        server = self.serve(*(str(self.dir / option) if option.endswith(".pem") else option for option in options))
        self.assertIn('{"records":[]}', self.bash(the_one_with("account add ward-3"), server))

    @classmethod
    def tearDownClass(cls):
        assert cls.ran >= set(texts()), set(texts()) - cls.ran


if __name__ == "__main__":
    unittest.main()
