"""Logging in by opening a sealed challenge, sessions and their ends."""

import base64
import json
import sqlite3
import time
import unittest

from Cryptodome.Cipher import PKCS1_OAEP
from Cryptodome.Hash import SHA256

from harness import ApiTest, Server, in_threads, run, wait_until
from partners import Partner, open_challenge, rsa_key


class Login(ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bob = Partner(cls.server, "bob", rsa_key(0)).enroll()
        cls.eve = Partner(cls.server, "eve", rsa_key(1)).enroll()

    def setUp(self):
        super().setUp()
        self.stranger = self.server.client(token=None)
        self.addCleanup(self.stranger.close)

    def answer(self, offer, answer):
        return self.stranger.request("POST", offer["Location"], json.dumps({"answer": answer}))

    def right(self, offer):
        return open_challenge(self.bob.key, self.bob.origin, "bob", offer.json)


class Challenges(Login):
    def test_the_label_binds_origin_account_and_challenge(self):
        offer = self.bob.challenge(self.stranger)
        self.assertEqual(offer.status, 201)
        self.assertEqual((offer.json["account"], offer.json["fingerprint"]), ("bob", self.bob.fingerprint))
        sealed = base64.b64decode(offer.json["challenge"])
        name = offer.json["id"]
        for label in ("", f"coffer-login-v1\nhttps://evil.example\nbob\n{name}",
                      f"coffer-login-v1\n{self.bob.origin}\neve\n{name}",
                      f"coffer-login-v1\n{self.bob.origin}\nbob\n{name[:-1]}0x",
                      f"coffer-login-v1\n{self.bob.origin}\nbob\n{name}\n"):
            with self.subTest(label), self.assertRaises(ValueError):
                PKCS1_OAEP.new(self.bob.key, hashAlgo=SHA256, label=label.encode()).decrypt(sealed)
        answer = self.answer(offer, self.right(offer))
        self.assertEqual(answer.status, 201)
        self.assertEqual((answer.json["account"], answer.json["idle_seconds"]), ("bob", 900))

    def test_one_try(self):
        offer = self.bob.challenge(self.stranger)
        right = self.right(offer)
        self.assert_problem(self.answer(offer, "0" * 64), 401, "login-failed")
        self.assertEqual(self.answer(offer, right).status, 404)
        offer = self.bob.challenge(self.stranger)
        right = self.right(offer)
        self.assertEqual(self.answer(offer, right).status, 201)
        self.assertEqual(self.answer(offer, right).status, 404)
        # Whatever is no digest is a wrong answer; what is no answer at all is not a try.
        offer = self.bob.challenge(self.stranger)
        right = self.right(offer)
        for body in (b"", b"{}", b'{"answer":7}', b'{"answer":"x","more":1}', b'{"answer":"' + b"a" * 65 + b'"}'):
            self.assertEqual(self.stranger.request("POST", offer["Location"], body).status, 400, body)
        self.assertEqual(self.answer(offer, right.upper()).status, 201)
        offer = self.bob.challenge(self.stranger)
        self.assert_problem(self.answer(offer, "not hexadecimal"), 401, "login-failed")
        self.assertEqual(self.answer(offer, self.right(offer)).status, 404)

    def test_the_opened_bytes_themselves_are_no_answer(self):
        offer = self.bob.challenge(self.stranger)
        label = f"coffer-login-v1\n{self.bob.origin}\nbob\n{offer.json['id']}".encode()
        opened = PKCS1_OAEP.new(self.bob.key, hashAlgo=SHA256, label=label).decrypt(
            base64.b64decode(offer.json["challenge"]))
        self.assert_problem(self.answer(offer, opened.hex()), 401, "login-failed")

    def test_of_many_answers_to_one_challenge_one_counts(self):
        offer = self.bob.challenge(self.stranger)
        right = self.right(offer)

        def give(_):
            with self.server.client(token=None) as client:
                return client.request("POST", offer["Location"], json.dumps({"answer": right})).status

        self.assertEqual(sorted(in_threads(4, give)), [201, 404, 404, 404])

    def test_a_body_that_is_too_long_is_told_the_limit_of_logins(self):
        answer = self.client.request("POST", "/v1/login", b'{"account":"' + b"a" * 5000 + b'"}')
        self.assert_problem(answer, 413, "too-large")
        self.assertEqual(answer.json["detail"], "the limit is 4096 bytes")

    def test_who_is_unknown(self):
        for body in ({"account": "nobody"}, {"account": "admin"}, {"account": "x" * 64}):
            self.assertEqual(self.stranger.request("POST", "/v1/login", json.dumps(body)).status, 404, body)
        for body in (b"", b"[]", b"{}", b'{"account":""}', b'{"account":["bob"]}', b'{"account":"bob","x":1}', b"bob"):
            self.assertEqual(self.stranger.request("POST", "/v1/login", body).status, 400, body)
        self.assertEqual(self.stranger.request("POST", "/v1/login/00000000-0000-0000-0000-000000000000",
                                               json.dumps({"answer": "0" * 64})).status, 404)
        self.assertEqual(self.stranger.request("POST", "/v1/login/x", json.dumps({"answer": "0" * 64})).status, 404)

    def test_a_challenge_dies_with_the_key_it_is_for(self):
        ann = Partner(self.server, "ann", rsa_key(0)).enroll()
        offer = ann.challenge(self.stranger)
        right = open_challenge(ann.key, ann.origin, "ann", offer.json)
        self.assertEqual(ann.replace(rsa_key(1)).status, 200)
        self.assertEqual(self.answer(offer, right).status, 404)


class Sessions(Login):
    def test_logging_out_kills_the_token_at_once_and_no_other(self):
        first, second = self.bob.login().token, self.bob.login().token
        with self.server.client(token=first) as one, self.server.client(token=second) as two:
            for _ in range(5):
                self.assertEqual(one.get("/v1/keys").status, 200)
            self.assertEqual(one.delete("/v1/login").status, 204)
            self.assertEqual(one.get("/v1/keys").status, 401)
            self.assertEqual(one.delete("/v1/login").status, 401)
            self.assertEqual(two.get("/v1/keys").status, 200)
        self.assert_problem(self.client.delete("/v1/login"), 409, "conflict")
        self.assertEqual(self.client.get("/v1/keys").status, 200)
        self.assertEqual(self.stranger.delete("/v1/login").status, 401)

    def test_a_session_outlives_a_restart_and_its_token_is_kept_nowhere(self):
        token = self.bob.login().token
        raw = base64.urlsafe_b64decode(token[len("coffer_"):] + "=")
        self.server.kill()
        for name in ("coffer.db", "coffer.db-wal"):
            with open(f"{self.server.data}/{name}", "rb") as file:
                content = file.read()
            for form in (raw, token[7:].encode(), raw.hex().encode(), base64.b64encode(raw)):
                self.assertNotIn(form, content)
        self.server.start()
        with self.server.client(token=token) as client:
            self.assertEqual(client.get("/v1/keys").status, 200)


class Rates(unittest.TestCase):
    def serve(self, *options):
        server = Server(*options)
        self.addCleanup(server.remove)
        return server.start()

    def limited(self, answer):
        self.assertEqual((answer.status, answer.json["type"].rsplit(":", 1)[1]), (429, "rate-limited"), answer.body)
        self.assertGreaterEqual(int(answer["Retry-After"]), 1)

    def test_logins_by_address_and_by_account(self):
        server = self.serve("--login-rate", "4")
        bob = Partner(server, "bob", rsa_key(0)).enroll()
        with server.client(token=None) as client:
            statuses = [bob.challenge(client).status for _ in range(4)]
            self.assertEqual(statuses, [201] * 4)
            self.limited(bob.challenge(client))
        # Only that: who has a token goes on.
        with server.client() as admin:
            self.assertEqual(admin.get("/v1/keys").status, 200)

    def test_failures_by_address(self):
        server = self.serve("--failure-rate", "5")
        with server.client(token="coffer_" + "A" * 43) as wrong:
            self.assertEqual([wrong.get("/v1/records").status for _ in range(5)], [401] * 5)
            self.limited(wrong.get("/v1/records"))
        with server.client() as admin:
            self.limited(admin.get("/v1/records"))
            self.assertEqual(admin.get("/v1/health").status, 200)

    def test_wrong_answers_are_failures(self):
        server = self.serve("--failure-rate", "3")
        bob = Partner(server, "bob", rsa_key(0)).enroll()
        with server.client(token=None) as client:
            for _ in range(3):
                offer = bob.challenge(client)
                answer = client.request("POST", offer["Location"], json.dumps({"answer": "0" * 64}))
                self.assertEqual(answer.status, 401)
            offer = bob.challenge(client)
            right = open_challenge(bob.key, bob.origin, "bob", offer.json)
            self.limited(client.request("POST", offer["Location"], json.dumps({"answer": right})))


class Ends(unittest.TestCase):
    def serve(self, *options):
        server = Server(*options)
        self.addCleanup(server.remove)
        server.start()
        return server, Partner(server, "bob", rsa_key(0)).enroll().login()

    def test_a_session_that_is_not_used_ends_and_one_that_is_goes_on(self):
        server, bob = self.serve("--login-idle", "2s")
        with bob.client() as client:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                self.assertEqual(client.get("/v1/keys").status, 200)
                time.sleep(0.2)
            time.sleep(2.5)
            self.assertEqual(client.get("/v1/keys").status, 401)
        server.stop()
        self.assertEqual(run("check", "--data", server.data).returncode, 0)

    def test_a_session_ends_when_its_time_is_over_though_it_is_used(self):
        _, bob = self.serve("--login-ttl", "2s")
        with bob.client() as client:
            statuses = []
            self.assertTrue(wait_until(lambda: statuses.append(client.get("/v1/keys").status) or statuses[-1] == 401, 10))
            self.assertIn(200, statuses)

    def test_an_old_challenge_is_no_challenge(self):
        server, bob = self.serve("--login-challenge", "100ms")
        with server.client(token=None) as client:
            offer = bob.challenge(client)
            right = open_challenge(bob.key, bob.origin, "bob", offer.json)
            time.sleep(0.2)
            answer = client.request("POST", offer["Location"], json.dumps({"answer": right}))
            self.assertEqual(answer.status, 404)

    def test_an_edited_session_is_none(self):
        server, bob = self.serve("--token-cache", "0ms", "--read-snapshot", "0ms")
        database = sqlite3.connect(f"{server.data}/coffer.db", isolation_level=None, timeout=30)
        self.addCleanup(database.close)
        with bob.client() as client:
            self.assertEqual(client.get("/v1/keys").status, 200)
            for edit in ("idle_ms = idle_ms * 1000", "used_ms = used_ms + 1", "idle_ms = 0, used_ms = 0"):
                with self.subTest(edit):
                    row = database.execute("SELECT idle_ms, used_ms FROM token WHERE idle_ms > 0").fetchone()
                    database.execute(f"UPDATE token SET {edit} WHERE description = 'login'")
                    self.assertEqual(client.get("/v1/keys").status, 401)
                    database.execute("UPDATE token SET idle_ms = ?, used_ms = ? WHERE description = 'login'", row)
                    self.assertEqual(client.get("/v1/keys").status, 200)

    def test_one_event_each(self):
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        before = 1
        bob = Partner(server, "bob", rsa_key(0)).enroll()  # an invite, a key
        bob.login()
        with bob.client() as client, server.client(token=None) as stranger:
            client.get("/v1/keys")
            stranger.get("/v1/keys")  # refused without an account: none
            self.assertEqual(bob.put(check=False).status, 409)  # and so is this
            client.delete("/v1/login")
        server.stop()
        self.assertEqual(server.audit(), before + 6)  # and one for the failures of a minute


if __name__ == "__main__":
    unittest.main()
