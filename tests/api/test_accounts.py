"""Accounts with roles, tokens with scopes: who may do what, and from when on not any more."""

import base64
import json
import os
import time
import unittest

from harness import ApiTest, UNKNOWN_ID, Server, run, wait_until


class Accounts(ApiTest):
    names = 0

    def ask(self, method, path, body=None, client=None):
        return (client or self.client).request(method, path, json.dumps(body) if isinstance(body, dict) else body)

    def account(self, *roles, name=None):
        if name is None:
            Accounts.names += 1
            name = f"account{Accounts.names}"
        made = self.ask("POST", "/v1/accounts", {"name": name, "roles": list(roles)})
        self.assertEqual(made.status, 201, made.body)
        return name

    def token(self, account, **members):
        made = self.ask("POST", "/v1/tokens", {"account": account, **members})
        self.assertEqual(made.status, 201, made.body)
        return made.json

    def user(self, account, **members):
        client = self.server.client(token=self.token(account, **members)["token"])
        self.addCleanup(client.close)
        return client


class Roles(Accounts):
    def test_each_role_may_do_what_it_is_for_and_nothing_else(self):
        path = self.create(b"the administrator's")
        asked = {
            "read": ("GET", "/v1/records"), "write": ("POST", "/v1/records"), "audit": ("GET", "/v1/audit"),
            "checkpoint": ("GET", "/v1/audit/checkpoint"), "accounts": ("GET", "/v1/accounts"),
            "tokens": ("GET", "/v1/tokens"), "invites": ("GET", "/v1/invites"), "seal": ("POST", "/v1/seal"),
            "keys": ("GET", "/v1/keys"),
        }
        may = {
            "reader": {"read", "keys"}, "writer": {"read", "write", "keys"}, "auditor": {"audit", "checkpoint", "keys"},
            "administrator": {"accounts", "tokens", "invites", "seal", "keys"}, "partner": {"keys"},
        }
        for role, allowed in may.items():
            client = self.user(self.account(role))
            for name, (method, target) in asked.items():
                with self.subTest((role, name)):
                    status = client.request(method, target).status
                    # 409: it may, and there is no passphrase that could unseal.
                    self.assertEqual(status in (200, 201, 409), name in allowed, status)
                    self.assertIn(status, (200, 201, 403, 409))
            if "read" in allowed:
                self.assertEqual(client.get(path).status, 404, "another's record")
        both = self.user(self.account("writer", "auditor"))
        self.assertEqual(both.get("/v1/audit").status, 200)
        self.assertEqual(both.post(b"x").status, 201)

    def test_roles_expand_to_scopes_and_are_told(self):
        name = self.account("writer", "partner")
        told = self.ask("GET", f"/v1/accounts/{name.upper()}").json
        self.assertEqual((told["roles"], told["scopes"], told["state"]),
                         (["reader", "writer", "partner"], ["records:read", "records:write", "partner"], "active"))
        self.assertEqual(self.ask("POST", "/v1/accounts", {"name": name, "roles": ["reader"]}).status, 409)
        for body in (b"", b"{}", {"name": "x"}, {"name": "x", "roles": []}, {"name": "x", "roles": ["king"]},
                     {"name": "x", "roles": "reader"}, {"name": "a b", "roles": ["reader"]},
                     {"name": "x", "roles": ["reader"], "state": "active"}, {"roles": ["reader"]}):
            with self.subTest(body):
                self.assertEqual(self.ask("POST", "/v1/accounts", body).status, 400)
        self.assertEqual(self.ask("GET", "/v1/accounts/nobody").status, 404)
        self.assertEqual(self.ask("PUT", "/v1/accounts/nobody", {"state": "disabled"}).status, 404)


class Changes(Accounts):
    def test_what_changes_holds_on_the_very_next_request(self):
        name = self.account("writer")
        client = self.user(name)
        path = client.post(b"mine")["Location"]
        self.assertEqual(self.ask("PUT", f"/v1/accounts/{name}", {"roles": ["reader"]}).status, 200)
        self.assertEqual((client.post(b"x").status, client.get(path).body), (403, b"mine"))
        self.assertEqual(self.ask("PUT", f"/v1/accounts/{name}", {"state": "disabled"}).json["state"], "disabled")
        self.assertEqual(client.get(path).status, 401)
        self.assertEqual(self.ask("PUT", f"/v1/accounts/{name}", {"state": "active", "roles": ["writer"]}).status, 200)
        self.assertEqual(client.get(path).status, 200)
        self.assertEqual(client.post(b"x").status, 201)
        for body in (b"", {"state": "gone"}, {"roles": []}, {"name": "x"}, b"[]"):
            self.assertEqual(self.ask("PUT", f"/v1/accounts/{name}", body).status, 400, body)

    def test_administrators_do_not_lock_themselves_out(self):
        for body in ({"state": "disabled"}, {"roles": ["reader"]}):
            self.assert_problem(self.ask("PUT", "/v1/accounts/admin", body), 409, "conflict")
        self.assertEqual(self.ask("GET", "/v1/accounts").status, 200)
        self.assertEqual(self.ask("PUT", "/v1/accounts/admin", {"roles": ["administrator", "writer", "auditor"]}).status,
                         200)

    def test_lists(self):
        for _ in range(5):
            self.account("reader")
        seen, target = [], "/v1/accounts?limit=2"
        while target:
            page = self.client.get(target)
            seen += [row["name"] for row in page.json["accounts"]]
            target = page["Link"] and page["Link"][1:page["Link"].index(">")]
        whole = [row["name"] for row in self.client.get("/v1/accounts?limit=1000").json["accounts"]]
        self.assertEqual(seen, whole)
        self.assertEqual(whole[0], "admin")
        self.assertEqual(self.client.get("/v1/accounts?after=x").status, 400)


class Tokens(Accounts):
    def test_a_tokens_scopes_are_bounded_by_its_accounts(self):
        name = self.account("writer")
        narrow = self.user(name, scopes=["records:read"], description="for the scanner")
        self.assertEqual((narrow.get("/v1/records").status, narrow.post(b"x").status), (200, 403))
        self.assert_problem(self.ask("POST", "/v1/tokens", {"account": name, "scopes": ["admin"]}), 409, "conflict")
        self.assertEqual(self.ask("POST", "/v1/tokens", {"account": "nobody"}).status, 404)
        for members in ({"scopes": []}, {"scopes": ["all"]}, {"expires_in": 0}, {"expires_in": "1"},
                        {"description": "x" * 201}, {"more": 1}, {"description": 7}):
            self.assertEqual(self.ask("POST", "/v1/tokens", {"account": name, **members}).status, 400, members)

    def test_revocation_and_expiry(self):
        name = self.account("reader")
        made = self.token(name)
        with self.server.client(token=made["token"]) as client:
            for _ in range(3):
                self.assertEqual(client.get("/v1/records").status, 200)
            self.assertEqual(self.client.delete(f"/v1/tokens/{made['id']}").status, 204)
            self.assertEqual(client.get("/v1/records").status, 401)
        self.assertEqual(self.client.delete(f"/v1/tokens/{made['id']}").status, 204)
        self.assertEqual(self.client.delete(f"/v1/tokens/{UNKNOWN_ID}").status, 404)
        short = self.user(name, expires_in=1)
        self.assertEqual(short.get("/v1/records").status, 200)
        time.sleep(1.1)
        self.assertEqual(short.get("/v1/records").status, 401)

    def test_what_is_told_of_tokens(self):
        name = self.account("reader")
        made = self.token(name, description="Müller's desk", expires_in=1000)
        self.assertTrue(made["token"].startswith("coffer_"))
        (told,) = self.client.get(f"/v1/tokens?account={name}").json["tokens"]
        self.assertEqual((told["id"], told["description"], told["state"], told["kind"], told["scopes"]),
                         (made["id"], "Müller's desk", "active", "token", ["records:read"]))
        self.assertNotIn("token", told)
        self.assertNotIn("used", told)
        with self.server.client(token=made["token"]) as client:
            client.get("/v1/records")
        self.assertTrue(wait_until(
            lambda: "used" in self.client.get(f"/v1/tokens?account={name}").json["tokens"][0]))
        self.token(name)
        page = self.client.get(f"/v1/tokens?account={name}&limit=1")
        self.assertEqual(len(page.json["tokens"]), 1)
        self.assertIn(f"account={name}", page["Link"])
        self.assertEqual(self.client.get("/v1/tokens?account=nobody").status, 404)
        self.assertEqual(self.client.get("/v1/tokens?after=x").status, 400)

    def test_values_are_kept_nowhere(self):
        value = self.token(self.account("reader"))["token"]
        raw = base64.urlsafe_b64decode(value[7:] + "=")
        self.assertEqual(len(raw), 32)
        self.server.stop()
        try:
            content = "".join(self.server.output).encode()
            for name in os.listdir(self.server.data):
                if name.startswith("coffer.db"):
                    with open(f"{self.server.data}/{name}", "rb") as file:
                        content += file.read()
            for form in (raw, value[7:].encode(), raw.hex().encode(), base64.b64encode(raw)):
                self.assertNotIn(form, content)
        finally:
            self.server.start()


class Command(unittest.TestCase):
    def test_accounts_and_tokens_from_the_shell(self):
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        common = ("--data", server.data, "--url", f"https://127.0.0.1:{server.port}")

        def coffer(*arguments, status=0):
            done = run(*arguments, *common)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            return done.stdout if status == 0 else done.stderr

        coffer("account", "add", "ann", "--role", "writer,auditor")
        self.assertIn("ann", coffer("account", "list"))
        self.assertIn("409", coffer("account", "add", "ann", "--role", "reader", status=1))
        self.assertIn("400", coffer("account", "add", "eve", "--role", "king", status=1))
        token = coffer("token", "add", "ann", "--scope", "records:read", "--description", "desk").strip()
        with server.client(token=token) as client:
            self.assertEqual((client.get("/v1/records").status, client.post(b"x").status), (200, 403))
            listed = coffer("token", "list", "ann")
            self.assertIn("desk", listed)
            self.assertNotIn(token, listed)
            coffer("token", "revoke", listed.split()[0])
            self.assertEqual(client.get("/v1/records").status, 401)
        path = os.path.join(server.root, "token")
        self.assertEqual(coffer("token", "add", "ann", "-o", path, "--expires-in", "60"), "")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="ascii") as file, server.client(token=file.read().strip()) as client:
            self.assertEqual(client.get("/v1/audit").status, 200)
            coffer("account", "change", "ann", "--role", "reader")
            self.assertEqual(client.get("/v1/audit").status, 403)
            coffer("account", "change", "ann", "--state", "disabled")
            self.assertEqual(client.get("/v1/records").status, 401)
        for wrong in (("account",), ("account", "add"), ("account", "fly", "x"), ("token", "add"), ("token", "revoke"),
                      ("account", "change", "ann")):
            self.assertEqual(run(*wrong).returncode, 2, wrong)


if __name__ == "__main__":
    unittest.main()
