"""Breaking the glass: any record can be read in an emergency, by those who may, for a reason, and never unnoticed."""

import json
import sqlite3
import time
import unittest

from harness import ApiTest, Server, UNKNOWN_ID, run

REASON = "Patient unconscious, allergies unknown – Bett 4"


class Emergency(ApiTest):
    options = ("--break-glass", "1h")

    def user(self, name, *roles, scopes=None, server=None):
        with (server or self.server).client() as admin:
            admin.request("POST", "/v1/accounts", json.dumps({"name": name, "roles": list(roles)}))
            made = admin.request("POST", "/v1/tokens", json.dumps({"account": name, **({"scopes": scopes} if scopes else {})}))
        client = (server or self.server).client(token=made.json["token"])
        self.addCleanup(client.close)
        return client

    def events(self, path):
        return self.client.get(f"/v1/audit?limit=1000&record={path.rsplit('/', 1)[1]}").json["events"]

    def reasons(self, server=None):
        done = run("audit", "reasons", "--data", (server or self.server).data)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    @staticmethod
    def ask(client, path, reason=REASON, method="GET", **headers):
        # http.client sends text as Latin-1: these are the bytes of UTF-8.
        return client.request(method, path, None, coffer_emergency_reason=reason.encode().decode("latin-1"), **headers)

    def test_a_reason_opens_what_is_not_ones_own(self):
        path = self.create(b"secret", "text/plain")
        medic = self.user("medic", "emergency")
        self.assertEqual(medic.get(path).status, 404)
        for target in (path, f"{path}/versions/1"):
            answer = self.ask(medic, target)
            self.assertEqual((answer.status, answer.body), (200, b"secret"))
        self.assertEqual(self.ask(medic, path, method="HEAD").status, 200)
        self.assertEqual(self.ask(medic, f"{path}/versions").status, 200)
        self.assertEqual(medic.get(path).status, 404, "only for the one request")
        self.assertEqual([event["action"] for event in self.events(path) if "reason_sha256" in event],
                         ["record.break-glass"] * 4)
        code, told, _ = self.reasons()
        self.assertEqual((code, {row["reason"] for row in told}), (0, {REASON}))
        self.assertIn("BREAK-GLASS: account", "".join(self.server.output))

    def test_it_opens_nothing_else(self):
        path = self.create(b"secret")
        medic = self.user("medic2", "emergency", "writer")
        for method, target, status in (("PUT", path, 400), ("DELETE", path, 400), ("GET", "/v1/records", 400),
                                       ("GET", f"{path}/grants", 400), ("GET", f"/v1/records/{UNKNOWN_ID}", 404)):
            self.assertEqual(self.ask(medic, target, method=method, if_match='"1"').status, status, (method, target))
        self.client.delete(path)
        self.assertEqual(self.ask(medic, path).status, 410)

    def test_who_may_not(self):
        path = self.create(b"secret")
        for number, roles in enumerate((["reader"], ["administrator"], ["auditor"], ["partner"],
                                        ["reader", "writer", "auditor", "administrator", "partner"])):
            client = self.user(f"other{number}", *roles)
            self.assertEqual(self.ask(client, path).status, 403, roles)
        self.assertEqual(self.ask(self.user("narrow", "emergency", scopes=["records:read"]), path).status, 403)
        self.assertEqual(self.ask(self.user("wide", "emergency", scopes=["break-glass"]), path).status, 403)
        self.assertEqual(self.ask(self.client, path).status, 403, "not even the first administrator")
        with self.server.client(token=None) as stranger:
            self.assertEqual(self.ask(stranger, path).status, 401)
        self.assertNotIn("record.break-glass", {event["action"] for event in self.events(path)})

    def test_what_is_no_reason(self):
        path = self.create(b"secret")
        medic = self.user("medic3", "emergency")
        for reason in ("", "short", "x" * 501, "tab\tin the middle", "right to left \u202e override"):
            self.assertEqual(self.ask(medic, path, reason).status, 400, reason)
        answer = medic.request("GET", path, None, coffer_emergency_reason="not UTF-8 \xff\xfe at all")
        self.assertEqual(answer.status, 400)
        self.assertEqual(self.ask(medic, path, "x" * 500).status, 200)

    def test_a_token_serves_for_a_while_only(self):
        server = Server("--break-glass", "2s")
        self.addCleanup(server.remove)
        server.start()
        with server.client() as admin:
            path = admin.post(b"secret")["Location"]
        medic = self.user("medic", "emergency", server=server)
        self.assertEqual(self.ask(medic, path).status, 200)
        time.sleep(2.1)
        answer = self.ask(medic, path)
        self.assert_problem(answer, 403, "forbidden")
        self.assertIn("too old", answer.json["detail"])
        self.assertEqual(self.ask(self.user("medic", "emergency", server=server), path).status, 200)

    def test_the_reason_is_kept_sealed_and_bound_to_its_event(self):
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        with server.client() as admin:
            path = admin.post(b"secret")["Location"]
        medic = self.user("medic", "emergency", server=server)
        for number in range(2):
            self.ask(medic, path, f"{REASON} {number}")
        self.assertEqual(server.stop(), 0)
        self.assertNotIn(REASON, "".join(server.output))
        with open(f"{server.data}/coffer.db", "rb") as file:
            self.assertNotIn(REASON[:20].encode(), file.read())
        self.assertEqual([row["reason"][-1] for row in self.reasons(server)[1]], ["0", "1"])
        database = sqlite3.connect(f"{server.data}/coffer.db")
        self.addCleanup(database.close)
        (first, one), (second, two) = database.execute("SELECT sequence, sealed FROM audit_note").fetchall()
        for edits, words in ((((two, first), (one, second)), "has not its own reason"),
                             (((one[:-1] + bytes([one[-1] ^ 1]), first), (two, second)), "has not its own reason"),
                             (((b"", first), (two, second)), "has not its own reason"),
                             (None, "lacks its reason")):
            for sealed, sequence in edits or ():
                database.execute("UPDATE audit_note SET sealed = ? WHERE sequence = ?", (sealed, sequence))
            if not edits:
                database.execute("DELETE FROM audit_note WHERE sequence = ?", (first,))
            database.commit()
            done = run("audit", "verify", "--data", server.data)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"audit event {first}: {words}", done.stdout)
            code, told, errors = self.reasons(server)
            self.assertEqual(code, 1)
            self.assertIn(f"event {first} was altered or removed", errors)
            done = run("check", "--data", server.data)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stdout)


if __name__ == "__main__":
    unittest.main()
