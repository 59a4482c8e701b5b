"""Names and their public keys: enrolment, replacement, removal, listing, history, and what is refused."""

import base64
import calendar
import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import time
import unittest

from Cryptodome.PublicKey import DSA, ECC, RSA

from harness import ApiTest, Server, in_threads, run
from partners import Partner, fingerprint, read_invite, rsa_key, sign


def b64url(number):
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def jwk(key, **more):
    return json.dumps({"kty": "RSA", "n": b64url(key.n), "e": b64url(key.e), **more})


def pkcs1(key):
    """PyCryptodome writes public keys as SubjectPublicKeyInfo only."""
    made = subprocess.run(["openssl", "rsa", "-pubin", "-RSAPublicKey_out"], input=key.public_key().export_key(),
                          capture_output=True, check=True)
    return made.stdout


def certificate(key):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=bob", "-days", "2"],
        input=key.export_key(), capture_output=True, check=True)
    return made.stdout


class Directory(ApiTest):
    names = 0

    def partner(self, number=0, name=None):
        if name is None:
            Directory.names += 1
            name = f"partner{Directory.names}"
        return Partner(self.server, name, rsa_key(number))

    def invite(self, name, **members):
        return self.client.request("POST", "/v1/invites", json.dumps({"name": name, **members}))

    def secret(self, name, **members):
        return read_invite(self.invite(name, **members).json["invite"])["secret"]


class Enrolment(Directory):
    def test_an_invite_takes_a_name_once(self):
        bob = self.partner()
        made = self.invite(bob.name)
        self.assertEqual(made.status, 201)
        members = read_invite(made.json["invite"])
        with open(f"{self.server.data}/tls/ca.pem", encoding="ascii") as file:
            der = base64.b64decode("".join(file.read().split("-----")[2].split()))
        self.assertEqual(members, {
            "origin": bob.origin, "ca": hashlib.sha256(der).hexdigest(), "name": bob.name, "role": "partner",
            "secret": members["secret"]})
        answer = bob.put(coffer_invite=members["secret"])
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer["Location"], f"/v1/keys/{bob.name}")
        self.assertEqual(answer["Coffer-Fingerprint"], bob.fingerprint)
        self.assertEqual(answer.json["fingerprint"], bob.fingerprint)
        self.assertEqual((answer.json["sequence"], answer.json["bits"]), (1, 2048))
        listed = [row for row in self.client.get("/v1/invites?limit=1000").json["invites"]
                  if row["id"] == made.json["id"]]
        self.assertEqual([row["state"] for row in listed], ["used"])
        other = self.partner(1)
        self.assert_problem(other.put(coffer_invite=members["secret"]), 403, "invite-refused")
        self.assertEqual(self.client.delete(made["Location"]).status, 404)

    def test_without_an_invite_that_is_good_a_name_stays_free(self):
        bob = self.partner()
        self.assert_problem(bob.put(), 403, "invite-refused")
        self.assert_problem(bob.put(coffer_invite="x" * 43), 403, "invite-refused")
        self.assert_problem(bob.put(coffer_invite="no secret"), 403, "invite-refused")
        self.assert_problem(bob.put(coffer_invite=self.secret("somebody-else")), 403, "invite-refused")
        revoked = self.invite(bob.name)
        self.assertEqual(self.client.delete(revoked["Location"]).status, 204)
        self.assertEqual(self.client.delete(revoked["Location"]).status, 204)
        secret = read_invite(revoked.json["invite"])["secret"]
        self.assert_problem(bob.put(coffer_invite=secret), 403, "invite-refused")
        short = self.secret(bob.name, expires_in=1)
        time.sleep(1.1)
        self.assert_problem(bob.put(coffer_invite=short), 403, "invite-refused")
        self.assertEqual(self.client.get(f"/v1/keys/{bob.name}").status, 404)
        bob.enroll()

    def test_of_many_with_one_invite_one_wins(self):
        name = self.partner().name
        secret = self.secret(name)
        answers = in_threads(4, lambda i: Partner(self.server, name, rsa_key(i)).put(
            coffer_invite=secret, check=False).status)
        self.assertEqual(answers.count(201), 1, answers)
        self.assertLessEqual(set(answers), {201, 403, 409})

    def test_names_are_folded_and_have_a_grammar(self):
        self.partner(name="Mixed.Case_Name-9").enroll()
        self.assertEqual(self.client.get("/v1/keys/mixed.case_name-9").status, 200)
        self.assertEqual(self.client.get("/v1/keys/MIXED.CASE_NAME-9").status, 200)
        unknown = self.client.get("/v1/keys/nobody")
        for name in (".dot", "-dash", "_line", "a%20b", "a%2Bb", "m%C3%BCller", "x" * 65, "a@b", "%7Ea", "a:b", "*"):
            with self.subTest(name):
                answer = self.client.request("GET", f"/v1/keys/{name}", check=False)
                self.assertEqual(answer.status, 404)
                self.assertEqual(answer.json["type"], unknown.json["type"])
                self.assertEqual(answer.json.keys(), unknown.json.keys())
                put = self.partner(name=name).put(check=False, proof="x")
                self.assertEqual(put.status, 404, put.body)
        self.partner(name="x" * 64).enroll()

    def test_invites_are_the_administrators(self):
        bob = self.partner().enroll().login()
        with bob.client() as client:
            self.assertEqual(client.request("POST", "/v1/invites", "{}").status, 403)
            self.assertEqual(client.get("/v1/invites").status, 403)
        with self.server.client(token=None) as client:
            self.assertEqual(client.request("POST", "/v1/invites", "{}").status, 401)
        self.assert_problem(self.invite(bob.name), 409, "conflict")
        self.assert_problem(self.invite("admin"), 409, "conflict")
        for body in (b"", b"{}", b"[]", b'{"name":""}', b'{"name":"a b"}', b'{"name":"a","name":"b"}', b'{"name":7}',
                     b'{"name":"a","more":1}', b'{"name":"a","expires_in":0}', b'{"name":"a","expires_in":1e9}',
                     b'{"name":"a","expires_in":999999999}', b'{"name":"' + b"a" * 65 + b'"}', b"\xff"):
            with self.subTest(body):
                self.assert_problem(self.client.request("POST", "/v1/invites", body), 400, "bad-request")
        self.assertEqual(self.client.request("POST", "/v1/invites", b" " * 5000).status, 413)

    def test_an_administrator_can_give_itself_and_others_a_key(self):
        admin = self.partner(3, "admin")
        self.assert_problem(admin.put(), 409, "conflict")
        answer = admin.put(token=self.server.token)
        self.assertEqual(answer.status, 201)
        history = self.client.get("/v1/keys/admin/history").json
        self.assertEqual([row["by"] for row in history["entries"]], ["owner"])
        bob = self.partner()
        self.assertEqual(bob.put(token=self.server.token).status, 201)
        history = self.client.get(f"/v1/keys/{bob.name}/history").json
        self.assertEqual([row["by"] for row in history["entries"]], ["administrator"])
        self.assertEqual(self.partner().put(token="coffer_" + "A" * 43).status, 401)


class OpenEnrolment(Directory):
    options = ("--open-enrollment",)

    def test_whoever_comes_first_has_the_name(self):
        bob = self.partner()
        self.assertEqual(bob.put().status, 201)
        self.assertEqual(self.client.get(f"/v1/keys/{bob.name}/history").json["entries"][0]["by"], "open")
        again = Partner(self.server, bob.name, rsa_key(1))
        self.assert_problem(again.put(), 403, "proof-refused")
        self.assert_problem(bob.put(), 409, "conflict")
        self.assert_problem(self.partner(name="admin").put(), 409, "conflict")
        bob.login()


class Proofs(Directory):
    def test_every_line_of_the_proof_counts(self):
        bob = self.partner()
        secret = self.secret(bob.name)
        own, other = bob.fingerprint, fingerprint(rsa_key(1))
        wrong = [
            bob.proof(own, origin="https://other.example"), bob.proof(own, origin=bob.origin.replace("https", "http")),
            bob.proof(own, name="somebody"), bob.proof(own, old=own), bob.proof(other), bob.proof(own, sequence=2),
            bob.proof(own, sequence=0), bob.proof(own)[:-1], bob.proof(own) + "\n", "", "coffer-message-v1\n"]
        for text in wrong:
            with self.subTest(text):
                answer = bob.put(coffer_invite=secret, coffer_key_signature=sign(bob.key, text))
                self.assert_problem(answer, 403, "proof-refused")
                self.assertIn(f"\\n{bob.name}\\nnone\\n{own}\\n1\\n", answer.json["detail"])
        self.assert_problem(bob.put(coffer_invite=secret, coffer_key_signature=sign(rsa_key(1), bob.proof(own))),
                            403, "proof-refused")
        good = sign(bob.key, bob.proof(own))
        raw = bytearray(base64.b64decode(good))
        for at in (0, 100, 255):
            raw[at] ^= 1
            self.assert_problem(
                bob.put(coffer_invite=secret, coffer_key_signature=base64.b64encode(raw).decode()), 403,
                "proof-refused")
            raw[at] ^= 1
        for text in ("not base64!", "", "AA=A", good[:-2], good * 9):
            answer = bob.put(coffer_invite=secret, coffer_key_signature=text)
            self.assertIn(answer.status, (400, 403), text)
        self.assertEqual(self.client.get(f"/v1/keys/{bob.name}").status, 404)
        self.assertEqual(bob.put(coffer_invite=secret, coffer_key_signature=good).status, 201)

    def test_another_host_is_misdirected(self):
        bob = self.partner()
        for host in ("evil.example", "127.0.0.1", f"127.0.0.1:{self.server.port + 1}", f"127.0.0.1.:{self.server.port}",
                     f"xlocalhost:{self.server.port}"):
            with self.subTest(host):
                self.assert_problem(bob.put(host=host), 421, "misdirected")
                with self.server.client(token=None) as client:
                    self.assert_problem(bob.challenge(client, host=host), 421, "misdirected")
        # Of several names each is an origin of its own.
        secret = self.secret(bob.name)
        there = f"localhost:{self.server.port}"
        self.assert_problem(bob.put(host=there, coffer_invite=secret), 403, "proof-refused")
        proof = bob.proof(bob.fingerprint, origin=f"https://{there}")
        self.assertEqual(bob.put(host=there.upper(), coffer_invite=secret, proof=proof).status, 201)


class Origins(Directory):
    options = ("--origin", "https://records.example.org,https://other.example:8443")

    def test_the_configured_ones_count_alone(self):
        bob = self.partner()
        secret = read_invite(self.client.request(
            "POST", "/v1/invites", json.dumps({"name": bob.name}), host="records.example.org").json["invite"])
        self.assertEqual(secret["origin"], "https://records.example.org")
        self.assert_problem(bob.put(coffer_invite=secret["secret"]), 421, "misdirected")
        self.assert_problem(bob.put(coffer_invite=secret["secret"], host="other.example"), 421, "misdirected")
        proof = bob.proof(bob.fingerprint, origin="https://records.example.org")
        answer = bob.put(coffer_invite=secret["secret"], host="Records.Example.org:443", proof=proof)
        self.assertEqual(answer.status, 201, answer.body)

    def test_what_is_no_origin_is_refused_at_start(self):
        for text in ("http://a", "https://", "https://a/", "https://a:0", "https://a:65536", "a", "https://a,",
                     "https://a b", "https://[::1", "https://a?b"):
            with self.subTest(text):
                result = run("serve", "--origin", text, "--data", "/nonexistent")
                self.assertEqual(result.returncode, 2, text)
                self.assertIn("origin", result.stderr)


class Forms(Directory):
    def test_every_form_of_one_key_is_one_key(self):
        for number, make in enumerate((lambda k: k.public_key().export_key(), pkcs1, certificate,
                                       lambda k: jwk(k).encode(), lambda k: jwk(k, use="enc", kid="x").encode(),
                                       lambda k: b"\n\n" + k.public_key().export_key() + b"\n")):
            with self.subTest(number):
                bob = self.partner()
                answer = bob.put(body=make(bob.key), coffer_invite=self.secret(bob.name))
                self.assertEqual(answer.status, 201, answer.body)
                self.assertEqual(answer.json["fingerprint"], bob.fingerprint)
                read = self.client.get(f"/v1/keys/{bob.name}")
                self.assertEqual(RSA.import_key(read.body), bob.key.public_key())

    def test_reading_as_pem_and_jwk(self):
        bob = self.partner().enroll()
        path = f"/v1/keys/{bob.name}"
        pem = self.client.get(path)
        self.assertEqual((pem["Content-Type"], pem["ETag"], pem["Coffer-Key-Sequence"]),
                         ("application/x-pem-file", '"1"', "1"))
        self.assertEqual(pem["Coffer-Fingerprint"], bob.fingerprint)
        self.assertEqual(pem.body.strip(), bob.key.public_key().export_key())
        for accept in ("application/jwk+json", "application/json", "application/x-pem-file;q=0.5, application/jwk+json",
                       "text/html, application/*;q=0.2, application/jwk+json;q=0.9"):
            answer = self.client.get(path, accept=accept)
            self.assertEqual((answer["Content-Type"], answer["ETag"]), ("application/jwk+json", '"1-jwk"'), accept)
            self.assertEqual(answer.body.decode(), jwk(bob.key).replace(" ", ""))
        for accept in ("*/*", "application/*", "application/x-pem-file", "application/jwk+json;q=0.1, */*", "text/html",
                       "application/jwk+json;q=0"):
            self.assertEqual(self.client.get(path, accept=accept)["Content-Type"], "application/x-pem-file", accept)
        self.assertEqual(self.client.get(path, if_none_match='"1"').status, 304)
        self.assertEqual(self.client.get(path, if_none_match='"1-jwk"').status, 200)
        self.assertEqual(
            self.client.get(path, if_none_match='"9", W/"1-jwk"', accept="application/jwk+json").status, 304)
        self.assertEqual(self.client.get(path, if_none_match="*").status, 304)
        self.assertEqual(self.client.head(path).status, 200)

    def test_the_servers_own_key_and_ca_are_public(self):
        with self.server.client(token=None) as client:
            kek = client.get("/v1/kek")
            key = RSA.import_key(kek.body)
            self.assertEqual(kek["Coffer-Fingerprint"], fingerprint(key))
            self.assertEqual(client.get("/v1/kek", accept="application/jwk+json").json,
                             {"kty": "RSA", "n": b64url(key.n), "e": b64url(key.e)})
            with open(f"{self.server.data}/tls/ca.pem", "rb") as file:
                self.assertEqual(client.get("/v1/ca").body, file.read())


class RefusedKeys(Directory):
    def refused(self, body, slug="key-refused", contains=""):
        bob = self.partner()
        answer = bob.put(body=body, coffer_invite=self.secret(bob.name))
        self.assert_problem(answer, 422, slug)
        self.assertIn(contains, answer.json.get("detail", ""))
        self.assertEqual(self.client.get(f"/v1/keys/{bob.name}").status, 404)
        return answer

    def test_a_private_key_is_named_for_what_it_is_and_kept_nowhere(self):
        key = RSA.generate(2048)
        forms = [key.export_key(), key.export_key(pkcs=8), key.export_key(passphrase="x", pkcs=8,
                                                                        protection="PBKDF2WithHMAC-SHA1AndAES256-CBC"),
                 ECC.generate(curve="P-256").export_key(format="PEM").encode(),
                 key.public_key().export_key() + b"\n" + key.export_key(),
                 jwk(key, d=b64url(key.d)).encode(), jwk(key, p=b64url(key.p)).encode(),
                 json.dumps({"kty": "oct", "k": "c2VjcmV0"}).encode()]
        for form in forms:
            with self.subTest(form[:40]):
                self.refused(form, "private-key")
        # Also where the rest of the request would be refused.
        self.assert_problem(self.partner().put(body=key.export_key()), 422, "private-key")
        secrets = [b64url(key.d), key.d.to_bytes(256, "big"), key.p.to_bytes(128, "big"),
                   base64.b64encode(key.export_key("DER"))[100:160]]
        self.server.stop()
        try:
            self.assertNotIn("PRIVATE", "".join(self.server.output).upper().replace("PRIVATE KEK", ""))
            for name in ("coffer.db", "coffer.db-wal"):
                try:
                    with open(f"{self.server.data}/{name}", "rb") as file:
                        content = file.read()
                except FileNotFoundError:
                    continue
                for secret in secrets:
                    self.assertNotIn(secret if isinstance(secret, bytes) else secret.encode(), content)
        finally:
            self.server.start()

    def test_reasons(self):
        small = RSA.generate(1024)
        even = (65538).to_bytes(3, "big")
        key = rsa_key(0)

        def numbers(n, e):
            return json.dumps({"kty": "RSA", "n": b64url(n), "e": b64url(e)}).encode()

        self.refused(small.public_key().export_key(), contains="less than 2048 bits")
        self.refused(numbers(small.n, 65537), contains="less than 2048 bits")
        self.refused(numbers((1 << 8200) + 1, 65537), contains="more than 8192 bits")
        self.refused(numbers(key.n, int.from_bytes(even, "big")), contains="even")
        self.refused(numbers(key.n, 3), contains="below 65537")
        self.refused(numbers(key.n, (1 << 32) + 1), contains="more than 32 bits")
        self.refused(numbers(key.n - key.n % 65521, 65537), contains="small prime factor")
        self.refused(ECC.generate(curve="P-256").public_key().export_key(format="PEM").encode(), contains="RSA")
        self.refused(DSA.generate(1024).public_key().export_key(), contains="")
        self.refused(jwk(key, use="sig").encode(), contains="not an RSA key for encryption")
        self.refused(b'{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', contains="RSA")
        for body in (b"hello", b"{", b"{}", b'{"kty":"RSA"}', b"\0" * 100, key.public_key().export_key("DER"),
                     key.public_key().export_key()[:-20], key.public_key().export_key() * 2,
                     b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                     jwk(key).encode() + b"x", b'{"kty":"RSA","n":"AQ==","e":"AQAB"}'):
            with self.subTest(body[:30]):
                self.refused(body)
        bob = self.partner()
        self.assertEqual(bob.put(body=b"x" * 20000).status, 413)
        self.assertEqual(bob.put(body=b"{" + b" " * 16383).status, 422)
        with self.server.client(token=None) as client:
            answer = client.request("PUT", "/v1/keys/bob", None, coffer_key_signature=sign(key, "x"))
            self.assertEqual(answer.status, 400)

    def test_keys_at_the_edges_are_taken(self):
        for bits, exponent in ((2048, 65537), (3072, 65537), (4096, 4294967291), (8192, 65537)):
            with self.subTest((bits, exponent)):
                # Primes of 8192-bit keys take a minute: the number need not be one of two primes to be tried.
                made = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}",
                                       "-pkeyopt", f"rsa_keygen_pubexp:{exponent}"], capture_output=True, check=False)
                if made.returncode != 0:
                    self.skipTest(f"openssl makes no key with e = {exponent}")
                bob = Partner(self.server, f"edge{bits}", RSA.import_key(made.stdout))
                bob.enroll().login()


class Changes(Directory):
    def test_replacing_needs_the_old_key_or_an_administrator(self):
        bob = self.partner().enroll().login()
        old, new = bob.key, rsa_key(1)
        proof = bob.proof(fingerprint(new), old=bob.fingerprint, sequence=2)
        self.assert_problem(bob.put(new, proof=proof), 403, "proof-refused")
        self.assert_problem(bob.put(new, proof=proof, token=bob.token), 403, "proof-refused")
        self.assert_problem(bob.put(new, proof=proof, coffer_old_key_signature=sign(new, proof)), 403, "proof-refused")
        self.assert_problem(
            bob.put(new, proof=proof, coffer_key_signature=sign(old, proof), coffer_old_key_signature=sign(old, proof)),
            403, "proof-refused")
        self.assert_problem(bob.replace(new, sequence=3), 403, "proof-refused")
        self.assert_problem(bob.replace(new, if_match='"2"'), 412, "precondition-failed")
        self.assertEqual(bob.replace(new, if_match='"nonsense"').status, 400)
        answer = bob.replace(new, if_match='"1"')
        self.assertEqual((answer.status, answer["ETag"]), (200, '"2"'))
        self.assert_problem(bob.replace(new), 409, "conflict")
        with bob.client() as client:
            self.assertEqual(client.get("/v1/keys").status, 401, "the login outlived the key")
        bob.key = new
        bob.login()
        third = rsa_key(2)
        proof = bob.proof(fingerprint(third), old=bob.fingerprint, sequence=3)
        self.assertEqual(bob.put(third, proof=proof, token=self.server.token).status, 200)
        self.assertEqual(
            [(row["sequence"], row["change"], row["by"], row["fingerprint"])
             for row in self.client.get(f"/v1/keys/{bob.name}/history").json["entries"]],
            [(1, "added", "invite", fingerprint(old)), (2, "replaced", "old-key", fingerprint(new)),
             (3, "replaced", "administrator", fingerprint(third))])

    def test_a_proof_serves_once(self):
        bob = self.partner().enroll()
        first, second = bob.key, rsa_key(1)
        proof = bob.proof(fingerprint(second), old=fingerprint(first), sequence=2)
        headers = {"proof": proof, "coffer_old_key_signature": sign(first, proof)}
        self.assertEqual(bob.put(second, **headers).status, 200)
        bob.key = second
        self.assertEqual(bob.replace(first, sequence=3).status, 200)
        self.assert_problem(bob.put(second, **headers), 403, "proof-refused")

    def test_of_many_replacements_one_wins(self):
        bob = self.partner().enroll()
        answers = in_threads(4, lambda i: bob.replace(rsa_key(i + 1), check=False).status)
        self.assertEqual(answers.count(200), 1, answers)
        self.assertLessEqual(set(answers), {200, 403, 409})

    def test_removing_is_the_owners_and_the_administrators(self):
        bob = self.partner().enroll().login()
        eve = self.partner(1).enroll().login()
        path = f"/v1/keys/{bob.name}"
        with eve.client() as client:
            self.assertEqual(client.delete(path).status, 403)
            self.assertEqual(client.delete("/v1/keys/nobody").status, 404)
        with bob.client() as client:
            self.assertEqual(client.delete(path).status, 204)
            self.assertEqual(client.get("/v1/keys").status, 401)
        self.assertEqual(self.client.get(path).status, 404)
        self.assertEqual(self.client.delete(path).status, 404)
        self.assertNotIn(bob.name, [row["name"] for row in self.client.get("/v1/keys?limit=1000").json["keys"]])
        with self.server.client(token=None) as client:
            self.assertEqual(bob.challenge(client).status, 404)
        # The name is not free again.
        self.assert_problem(self.invite(bob.name), 409, "conflict")
        self.assert_problem(bob.put(proof=bob.proof(bob.fingerprint, sequence=3)), 409, "conflict")
        again = bob.put(proof=bob.proof(bob.fingerprint, sequence=3), token=self.server.token)
        self.assertEqual(again.status, 200, again.body)
        self.assertEqual([row["change"] for row in self.client.get(f"{path}/history").json["entries"]],
                         ["added", "removed", "added"])
        self.assertEqual(self.client.delete(path).status, 204)

    def test_each_entry_of_a_history_holds_the_hash_of_the_one_before(self):
        bob = self.partner().enroll()
        self.assertEqual(bob.replace(rsa_key(1)).status, 200)
        self.assertEqual(self.client.delete(f"/v1/keys/{bob.name}").status, 204)
        path = f"/v1/keys/{bob.name}/history"
        entries = self.client.get(path).json["entries"]
        previous = bytes(32)
        for row in entries:
            hashed = history_hash(bob.name, previous, row)
            self.assertEqual((row["previous"], row["hash"]), (previous.hex(), hashed.hex()))
            previous = hashed
        pages, after = [], None
        while True:
            page = self.client.get(f"{path}?limit=1" + (f"&after={after}" if after else ""))
            pages += page.json["entries"]
            after = page.json.get("next")
            if after is None:
                break
            self.assertIn(f"after={after}", page["Link"])
        self.assertEqual(pages, entries)
        self.assertEqual(self.client.get("/v1/keys/nobody/history").status, 404)
        for query in ("limit=0", "limit=1001", "after=0", "after=x", "more=1"):
            self.assertEqual(self.client.get(f"{path}?{query}").status, 400, query)


def lp(data):
    return struct.pack(">H", len(data)) + data


def history_hash(name, previous, row):
    """As docs/formats.md has it."""
    changes = {"added": 1, "replaced": 2, "removed": 3}
    authorities = {"invite": 1, "open": 2, "old-key": 3, "administrator": 4, "owner": 5}
    seconds = time.strptime(row["time"][:19], "%Y-%m-%dT%H:%M:%S")
    milliseconds = (calendar.timegm(seconds) * 1000) + int(row["time"][20:23])
    spki = RSA.import_key(row["public_key"]).export_key("DER") if "public_key" in row else b""
    return hashlib.sha256(
        lp(b"coffer-key-history-v1") + previous + lp(name.encode()) + struct.pack(">Q", row["sequence"])
        + bytes([changes[row["change"]], authorities[row["by"]]]) + struct.pack(">Q", milliseconds)
        + lp(row.get("origin", "").encode()) + lp(spki) + lp(base64.b64decode(row.get("signature", "")))
        + lp(base64.b64decode(row.get("old_signature", "")))).digest()


class Listing(Directory):
    def test_pages_of_names_in_order(self):
        for i in range(7):
            Partner(self.server, f"list{i}", rsa_key(i % 3)).enroll()
        whole = [row["name"] for row in self.client.get("/v1/keys?limit=1000").json["keys"]]
        self.assertEqual(whole, sorted(whole))
        self.assertLessEqual({f"list{i}" for i in range(7)}, set(whole))
        seen, target = [], "/v1/keys?limit=3"
        while target:
            page = self.client.get(target)
            seen += [row["name"] for row in page.json["keys"]]
            link = re.match("<(.*)>", page["Link"] or "")
            target = link and link.group(1)
        self.assertEqual(seen, whole)
        self.assertEqual(self.client.get("/v1/keys?after=LIST3&limit=1").json["keys"][0]["name"], "list4")
        for query in ("limit=0", "limit=x", "after=a%20b", "after=", "limit=1&limit=2", "name=x"):
            self.assertEqual(self.client.get(f"/v1/keys?{query}").status, 400, query)

    def test_only_accounts_may_look(self):
        with self.server.client(token=None) as client:
            for path in ("/v1/keys", "/v1/keys/nobody", "/v1/keys/nobody/history"):
                self.assertEqual(client.get(path).status, 401)
        bob = self.partner().enroll().login()
        with bob.client() as client:
            self.assertEqual(client.get("/v1/keys").status, 200)
            self.assertEqual(client.get("/v1/records").status, 403)
            self.assertEqual(client.post(b"x").status, 403)


class Kept(unittest.TestCase):
    def test_keys_outlive_a_kill_and_check_finds_what_is_edited(self):
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        bob = Partner(server, "bob", rsa_key(0)).enroll()
        self.assertEqual(bob.replace(rsa_key(1)).status, 200)
        server.kill()
        server.start()
        with server.client() as client:
            self.assertEqual(client.get("/v1/keys/bob")["Coffer-Fingerprint"], fingerprint(rsa_key(1)))
        server.stop()
        self.assertEqual(run("check", "--data", server.data).returncode, 0)
        edits = [
            ("DELETE FROM directory_key WHERE sequence = 2", "change 2: the audit log tells of it"),
            ("DELETE FROM directory_key WHERE sequence = 1", "change 2: does not follow"),
            ("UPDATE directory_key SET name = 'eve'", "row MAC does not verify"),
            ("UPDATE directory_key SET sequence = 3 WHERE sequence = 2", "row MAC does not verify"),
            ("UPDATE invite SET state = 1", "invite"),
            ("UPDATE invite SET expires_ms = expires_ms + 1", "row MAC does not verify"),
            ("DELETE FROM account WHERE name = 'bob'", "its account is not there"),
        ]
        for edit, words in edits:
            with self.subTest(edit):
                dump = os.path.join(server.root, "edited")
                shutil.copytree(server.data, dump)
                copy = sqlite3.connect(f"{dump}/coffer.db")
                copy.execute(edit)
                copy.commit()
                copy.close()
                found = run("check", "--data", dump)
                shutil.rmtree(dump)
                self.assertEqual(found.returncode, 1, found.stdout + found.stderr)
                self.assertIn(words, found.stdout)


if __name__ == "__main__":
    unittest.main()
