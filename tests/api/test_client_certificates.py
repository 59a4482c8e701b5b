"""Client certificates (--client-ca): who is let in by one, as whom, and until when."""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest

from chains import Authority, replace
from harness import Client, Server, run, wait_until


class Certified(Client):
    """A client without a token that shows a certificate."""

    def __init__(self, server, pair, token=None, version=None, session=None):
        super().__init__(server, token=token)
        self.context = ssl.create_default_context(cafile=os.path.join(server.data, "tls", "ca.pem"))
        self.context.load_cert_chain(*pair)
        if version:
            self.context.minimum_version = self.context.maximum_version = version
        self.session = session

    def open(self):
        self.close()
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=60, context=self.context)
        if self.session:
            # http.client has no way to hand over a session.
            connection._context = Resuming(self.context, self.session)
        connection.connect()
        self.connection = connection
        return connection


class Resuming:
    def __init__(self, context, session):
        self.context, self.session = context, session

    def wrap_socket(self, sock, server_hostname=None):
        return self.context.wrap_socket(sock, server_hostname=server_hostname, session=self.session)


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.authority = Authority(cls.directory.name, "ours")
        cls.stranger = Authority(cls.directory.name, "theirs")
        cls.authority.issue("gone", "gone")
        cls.authority.revoke("gone")
        cls.server = Server("--client-ca", cls.authority.at("ca.pem"), "--client-crl", cls.authority.crl())
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        with cls.server.client() as admin:
            for name in ("ward-3", "gone", "ann", "bob", "old", "lab.example.org"):
                admin.request("POST", "/v1/accounts", json.dumps({"name": name, "roles": ["writer"]}))

    def client(self, pair, **options):
        client = Certified(self.server, pair, **options)
        self.addCleanup(client.close)
        return client

    def refuse(self, pair, words):
        answer = self.client(pair).get("/v1/records")
        self.assertEqual(answer.status, 401, answer.body)
        self.assertIn(words, answer.json.get("detail", ""))

    def test_one_that_names_an_account_is_that_account(self):
        pair = self.authority.issue("ward-3", "ward-3")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = self.client(pair, version=version)
            path = client.post(b"by certificate")["Location"]
            self.assertEqual(client.get(path).body, b"by certificate")
            with self.server.client() as admin:
                self.assertEqual(admin.get(path).status, 404)
                events = admin.get(f"/v1/audit?limit=1000&record={path.rsplit('/', 1)[1]}&actor=ward-3").json["events"]
            done = subprocess.run(["openssl", "x509", "-in", pair[0], "-noout", "-fingerprint", "-sha256"], check=True,
                                  capture_output=True, encoding="ascii").stdout
            fingerprint = done.split("=")[1].strip().replace(":", "").lower()
            self.assertEqual({event["token"].replace("-", "") for event in events}, {fingerprint[:32]})
        self.assertEqual(client.get("/v1/accounts").status, 403)
        self.assertEqual(client.delete("/v1/login").status, 409)
        self.assertEqual(client.get("/v1/health").status, 200)
        whoami = client.get("/v1/session").json
        self.assertEqual((whoami["account"], whoami["kind"]), ("ward-3", "certificate"))
        self.assertNotIn("expires", whoami)

    def test_a_name_may_be_an_alternative_one(self):
        pair = self.authority.issue("Laboratory", "alternative", "extendedKeyUsage=clientAuth",
                                    "subjectAltName=DNS:lab.example.org,IP:127.0.0.1,email:x@example.org")
        self.assertEqual(self.client(pair).get("/v1/records").status, 200)
        self.assertEqual(self.client(self.authority.issue("WARD-3", "upper")).get("/v1/records").status, 200)

    def test_who_is_refused(self):
        words = "does not name one account"
        self.refuse(self.authority.issue("nobody", "nobody"), words)
        self.refuse(self.authority.issue("ann", "two", "extendedKeyUsage=clientAuth", "subjectAltName=DNS:bob"), words)
        self.refuse(self.stranger.issue("ward-3", "ward-3"), "of no CA that is trusted")
        self.refuse(self.authority.issue("ward-3", "servers", "extendedKeyUsage=serverAuth"), "not for clients")
        self.refuse((self.authority.at("gone.pem"), self.authority.at("gone.key")), "revoked")
        self.refuse(self.authority.issue("old", "old", start="20200101000000Z", end="20200201000000Z"), "expired")
        self.refuse(self.authority.issue("old", "early", start="20400101000000Z", end="20410201000000Z"), "not valid yet")
        with self.server.client(token=None) as nobody:
            self.assertEqual(nobody.get("/v1/records").status, 401)

    def test_a_disabled_account_is_out_on_the_next_request_and_a_token_comes_first(self):
        pair = self.authority.issue("bob", "bob")
        client = self.client(pair)
        with self.server.client() as admin:
            self.assertEqual(client.get("/v1/records").status, 200)
            admin.request("PUT", "/v1/accounts/bob", json.dumps({"state": "disabled"}))
            self.assertEqual(client.get("/v1/records").status, 401)
            admin.request("PUT", "/v1/accounts/bob", json.dumps({"state": "active"}))
            self.assertEqual(client.get("/v1/records").status, 200)
        self.assertEqual(self.client(pair, token="coffer_" + "A" * 43).get("/v1/records").status, 401)
        self.assertEqual(self.client(pair, token=self.server.token).get("/v1/accounts").status, 200)

    def test_a_browser_that_another_site_makes_send_something_is_refused(self):
        """It shows its certificate whoever makes it ask. A site's script can send text/plain without asking first."""
        client = self.client(self.authority.issue("ward-3", "browser"))
        own = f"https://127.0.0.1:{self.server.port}"
        foreign = ({"origin": "https://evil.example"}, {"origin": "null"}, {"origin": f"http://127.0.0.1:{self.server.port}"},
                   {"origin": f"https://127.0.0.1:{self.server.port}0"}, {"sec_fetch_site": "cross-site"},
                   {"sec_fetch_site": "same-site"}, {"origin": own, "sec_fetch_site": "cross-site"})
        for headers in foreign:
            with self.subTest(headers):
                answer = client.post(b"from elsewhere", "text/plain", **headers)
                self.assertEqual(answer.status, 403, answer.body)
                self.assertIn("another site", answer.json["detail"])
                # A link is followed; what it leads to runs nothing, and the other site does not see it.
                self.assertEqual(client.get("/v1/records", **headers).status, 200)
        for headers in ({}, {"origin": own}, {"origin": own.upper().replace("HTTPS", "https"), "sec_fetch_site": "same-origin"},
                        {"sec_fetch_site": "none"}):
            with self.subTest(headers):
                self.assertEqual(client.post(b"from here", "text/plain", **headers).status, 201)
        # A token is not shown unasked.
        with self.server.client() as admin:
            self.assertEqual(admin.post(b"by a token", "text/plain", origin="https://evil.example").status, 201)

    def test_a_resumed_session_is_verified_again(self):
        """One that expires, or is revoked, between the first connection and the second."""
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 5))
        pair = self.authority.issue("ann", "brief", start="20200101000000Z", end=end)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            first = self.client(pair, version=version)
            self.assertEqual(first.get("/v1/records").status, 200)
            session = first.connection.sock.session
            again = self.client(pair, version=version, session=session)
            again.context = first.context
            self.assertEqual(again.get("/v1/records").status, 200)
            self.assertTrue(again.connection.sock.session_reused)
            if version == ssl.TLSVersion.TLSv1_3:
                time.sleep(6.5)  # it is good throughout its last second
                late = self.client(pair, version=version, session=again.connection.sock.session)
                late.context = first.context
                answer = late.get("/v1/records")
                self.assertTrue(late.connection.sock.session_reused)
                self.assertEqual(answer.status, 401)
                self.assertIn("expired", answer.json["detail"])

    def test_cas_and_revocations_are_read_again_while_it_runs(self):
        """Also for connections that go on: what was good at their beginning may be so no longer."""
        theirs, ours = Authority(self.directory.name, "moved"), self.authority
        trusted, revoked = theirs.at("trusted.pem"), theirs.at("revoked.pem")
        pairs = [authority.issue("ward-3", "reload") for authority in (ours, theirs)]
        shutil.copyfile(ours.at("ca.pem"), trusted)
        shutil.copyfile(ours.crl("reload-crl.pem"), revoked)
        server = Server("--client-ca", trusted, "--client-crl", revoked, "--tls-reload", "100ms")
        self.addCleanup(server.remove)
        server.start()
        with server.client() as admin:
            admin.request("POST", "/v1/accounts", json.dumps({"name": "ward-3", "roles": ["writer"]}))
        old, new = (Certified(server, pair) for pair in pairs)
        self.addCleanup(old.close)
        self.addCleanup(new.close)
        self.assertEqual(old.get("/v1/records").status, 200)
        self.assertEqual(new.get("/v1/records").status, 401)
        connections = old.connection, new.connection
        ours.revoke("reload")
        replace(ours.crl("reload-crl.pem"), revoked)
        self.assertTrue(wait_until(lambda: old.get("/v1/records").status == 401))
        self.assertIn("revoked", old.get("/v1/records").json["detail"])
        with open(trusted, "ab") as both, open(theirs.at("ca.pem"), "rb") as file:
            both.write(file.read())
        with open(revoked, "ab") as both, open(theirs.crl(), "rb") as file:
            both.write(file.read())
        self.assertTrue(wait_until(lambda: new.get("/v1/records").status == 200))
        self.assertEqual((old.connection, new.connection), connections)
        replace(theirs.at("index.txt.attr"), trusted)
        self.assertTrue(wait_until(lambda: any(
            f"{trusted}: there is no certificate in it; what was served before goes on" in line for line in server.output)))
        self.assertEqual(new.get("/v1/records").status, 200)

    def test_files_that_are_none(self):
        empty = self.authority.at("index.txt.attr")
        for options, words in ((("--client-ca", empty), "no certificate"), (("--client-ca", "/nowhere"), "/nowhere"),
                               (("--client-crl", empty), "without --client-ca"),
                               (("--client-ca", self.authority.at("ca.pem"), "--client-crl", empty), "no CRL")):
            done = run("serve", "--data", os.path.join(self.directory.name, "unused"), "--listen", "127.0.0.1:0", *options)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
