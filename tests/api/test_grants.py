"""Whose a record is, and what its owner lets others do with it: every route on records, for everybody."""

import json
import sqlite3
import unittest

from harness import ApiTest, CONTRACT, UNKNOWN_ID, Server, run

# What each route on a record needs; a route that is not here fails test_no_route_is_forgotten.
READ, WRITE, OWN = "read", "write", "own"
ROUTES = {
    "getRecord": READ, "listVersions": READ, "getVersion": READ, "replaceRecord": WRITE, "deleteRecord": OWN,
    "listGrants": OWN, "putGrant": OWN, "revokeGrant": OWN,
}


class Shared(ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tokens = {}
        with cls.server.client() as admin:
            for name, roles in (("owner", ["writer"]), ("reader", ["writer"]), ("writer", ["writer"]),
                                ("both", ["writer"]), ("stranger", ["writer"]), ("boss", ["administrator", "writer"])):
                admin.request("POST", "/v1/accounts", json.dumps({"name": name, "roles": roles}))
                made = admin.request("POST", "/v1/tokens", json.dumps({"account": name}))
                cls.tokens[name] = made.json["token"]
    GRANTS = {"reader": [READ], "writer": [WRITE], "both": [READ, WRITE]}

    def setUp(self):
        super().setUp()
        self.users = {name: self.server.client(token=token) for name, token in self.tokens.items()}
        for client in self.users.values():
            self.addCleanup(client.close)

    def grant(self, path, name, rights, who="owner"):
        return self.users[who].request("PUT", f"{path}/grants/{name}", json.dumps({"rights": rights}))

    def record(self):
        path = self.users["owner"].post(b"one", "text/plain")["Location"]
        for name, rights in self.GRANTS.items():
            self.assertEqual(self.grant(path, name, rights).status, 200)
        return path

    def ask(self, client, operation, path):
        method, template = next((m, t) for m, t, o in CONTRACT.operations() if o == operation)
        target = template.replace("/v1/records/{id}", path).replace("{version}", "1").replace("{account}", "reader")
        body, headers = None, {}
        if operation == "replaceRecord":
            body, headers = b"two", {"if_match": '"1"', "content_type": "text/plain"}
        elif operation == "putGrant":
            body = b'{"rights":["read"]}'
        return client.request(method, target, body, **headers)


class Matrix(Shared):
    def test_no_route_is_forgotten(self):
        self.assertEqual({operation for _, path, operation in CONTRACT.operations()
                          if path.startswith("/v1/records/{id}")}, set(ROUTES))

    def test_every_route_for_everybody(self):
        may = {"owner": {READ, WRITE, OWN}, "reader": {READ}, "writer": {WRITE}, "both": {READ, WRITE}, "stranger": set(),
               "boss": set()}
        for operation, need in ROUTES.items():
            for name, rights in may.items():
                with self.subTest((operation, name)):
                    answer = self.ask(self.users[name], operation, self.record())
                    absent = self.ask(self.users[name], operation, f"/v1/records/{UNKNOWN_ID}")
                    self.assertEqual(absent.status, 404)
                    if need in rights:
                        self.assertIn(answer.status, (200, 201, 204), answer.body)
                    else:
                        self.assertEqual(answer.status, 404)
                        self.assertEqual({**answer.json, "request_id": 0}, {**absent.json, "request_id": 0})
                        self.assertEqual({k: v for k, v in answer.headers.items() if k not in (
                            "Date", "Coffer-Request-Id")}, {k: v for k, v in absent.headers.items() if k not in (
                                "Date", "Coffer-Request-Id")})


class Grants(Shared):
    def test_a_grant_ends_on_the_very_next_request(self):
        path = self.record()
        for _ in range(3):
            self.assertEqual(self.users["reader"].get(path).body, b"one")
        self.assertEqual(self.users["owner"].delete(f"{path}/grants/READER").status, 204)
        self.assertEqual(self.users["reader"].get(path).status, 404)
        self.assertEqual(self.users["owner"].delete(f"{path}/grants/reader").status, 404)
        self.assertEqual(self.grant(path, "both", [READ]).json["rights"], ["read"])
        self.assertEqual(self.users["both"].put(path, b"x", if_match='"1"').status, 404)
        self.assertEqual(self.grant(path, "reader", [READ]).status, 200)
        self.assertEqual(self.users["reader"].get(path).status, 200)

    def test_what_a_grantee_writes_is_the_owners(self):
        path = self.record()
        answer = self.users["both"].put(path, b"two", "text/plain", if_match='"1"')
        self.assertEqual((answer.status, answer["ETag"]), (200, '"2"'))
        for name in ("owner", "reader", "both"):
            self.assertEqual(self.users[name].get(path).body, b"two")
            self.assertEqual(self.users[name].get(f"{path}/versions/1").body, b"one")
            self.assertEqual(len(self.users[name].get(f"{path}/versions").json["versions"]), 2)
        record = path.rsplit("/", 1)[1]
        self.assertIn(record, [row["id"] for row in self.users["owner"].get("/v1/records?limit=1000").json["records"]])
        self.assertNotIn(record, [row["id"] for row in self.users["both"].get("/v1/records?limit=1000").json["records"]])
        self.assertEqual(self.users["both"].delete(path).status, 404)
        self.assertEqual(self.users["owner"].delete(path, if_match='"2"').status, 204)
        self.assertEqual(self.users["reader"].get(path).status, 410)
        self.assertEqual(self.users["stranger"].get(path).status, 404)
        self.assertEqual(self.grant(path, "stranger", [READ]).status, 410)

    def test_what_is_refused(self):
        path = self.record()
        for body in (b"", b"{}", b'{"rights":[]}', b'{"rights":["own"]}', b'{"rights":"read"}',
                     b'{"rights":["read"],"x":1}', b"[]"):
            self.assertEqual(self.users["owner"].request("PUT", f"{path}/grants/reader", body).status, 400, body)
        self.assertEqual(self.grant(path, "nobody", [READ]).status, 404)
        self.assert_problem(self.grant(path, "owner", [READ]), 409, "conflict")
        self.assertEqual(self.grant("/v1/records/x", "reader", [READ]).status, 404)
        listed = self.users["owner"].get(f"{path}/grants").json["grants"]
        self.assertEqual({row["account"]: row["rights"] for row in listed}, self.GRANTS)
        first = self.users["owner"].get(f"{path}/grants?limit=2")
        second = self.users["owner"].get(first["Link"][1:first["Link"].index(">")])
        self.assertEqual(first.json["grants"] + second.json["grants"], listed)
        self.assertEqual(self.users["owner"].get(f"{path}/grants?limit=0").status, 400)


class Tampered(unittest.TestCase):
    def test_an_edited_grant_opens_nothing_and_is_named(self):
        server = Server("--read-snapshot", "0ms")
        self.addCleanup(server.remove)
        server.start()
        with server.client() as admin:
            admin.request("POST", "/v1/accounts", json.dumps({"name": "ann", "roles": ["reader"]}))
            token = admin.request("POST", "/v1/tokens", json.dumps({"account": "ann"})).json["token"]
            path, other = (admin.post(b"secret")["Location"] for _ in range(2))
            admin.request("PUT", f"{path}/grants/ann", b'{"rights":["read"]}')
            admin.delete(f"{path}/grants/ann")
        database = sqlite3.connect(f"{server.data}/coffer.db", isolation_level=None, timeout=30)
        self.addCleanup(database.close)
        record = bytes.fromhex(other.rsplit("/", 1)[1].replace("-", ""))
        row = database.execute("SELECT * FROM record_grant").fetchone()
        with server.client(token=token) as ann:
            self.assertEqual(ann.get(path).status, 404)
            for edit, values in (("state = 1", ()), ("rights = 3", ()), ("state = 1, rights = 1", ()),
                                 ("record_id = ?, state = 1", (record,)), ("revision = 1", ())):
                with self.subTest(edit):
                    database.execute(f"UPDATE record_grant SET {edit}", values)
                    for target in (path, other):
                        answer = ann.get(target)
                        self.assertIn(answer.status, (404, 500))
                        self.assertNotIn(b"secret", answer.body)
                    found = run("check", "--data", server.data)
                    self.assertEqual(found.returncode, 1)
                    self.assertIn("grant of record", found.stdout)
                    database.execute("DELETE FROM record_grant")
                    database.execute("INSERT INTO record_grant VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


if __name__ == "__main__":
    unittest.main()
