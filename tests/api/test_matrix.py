"""Every route of the table, for everybody: by role, without an account, with a token that has ended. And the audit log has
each of those requests once, also when the server is killed right after."""

import base64
import json
import os
import unittest

from harness import Server, UNKNOWN_ID, run

ROLES = ("reader", "writer", "auditor", "administrator", "partner", "emergency", "monitor")
READ, WRITE, ADMIN, AUDIT = {"reader", "writer", "emergency"}, {"writer"}, {"administrator"}, {"auditor"}
WATCH = {"administrator", "monitor"}
ANYBODY, OPEN = set(ROLES), None

# Who passes the gate of each operation; a route that is not here fails the tests.
MAY = {
    "createRecord": WRITE, "listRecords": READ, "getRecord": READ, "replaceRecord": WRITE, "deleteRecord": WRITE,
    "listVersions": READ, "getVersion": READ, "listGrants": READ, "putGrant": WRITE, "revokeGrant": WRITE,
    "listKeys": ANYBODY, "putKey": OPEN, "getKey": ANYBODY, "removeKey": ANYBODY, "getKeyHistory": ANYBODY, "getKek": OPEN,
    "getCa": OPEN, "createInvite": ADMIN, "listInvites": ADMIN, "revokeInvite": ADMIN, "beginLogin": OPEN,
    "finishLogin": OPEN, "endLogin": ANYBODY, "depositMessage": ANYBODY, "listMessages": ANYBODY, "getMessage": ANYBODY,
    "acknowledgeMessage": ANYBODY, "createAccount": ADMIN, "listAccounts": ADMIN, "getAccount": ADMIN, "changeAccount": ADMIN,
    "createToken": ADMIN, "listTokens": ADMIN, "revokeToken": ADMIN, "listEvents": AUDIT, "getCheckpoint": AUDIT,
    "getIdentity": OPEN, "unseal": ADMIN, "seal": ADMIN, "getHealth": OPEN, "getReady": OPEN, "getContract": OPEN,
    "getSession": ANYBODY, "getPage": OPEN, "getDocs": OPEN, "getAsset": OPEN, "getAssetIn": OPEN, "getStatus": WATCH,
    "getMetrics": WATCH,
}
# Asked again and again, and about no data: of these only refusals are in the log.
QUIET = {"getStatus", "getMetrics"}
# Beyond the gate these refuse by what else they ask for: a mailbox of one's own, the scope partner, a passphrase.
SECOND_LOOK = {"depositMessage", "listMessages", "getMessage", "acknowledgeMessage", "removeKey", "unseal"}


def routes():
    done = run("routes")
    assert done.returncode == 0, done.stderr
    return [tuple(line.split()) for line in done.stdout.splitlines()]


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--failure-rate", "0", "--login-rate", "0")
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.tokens = {}
        with cls.server.client() as admin:
            for role in ROLES:
                admin.request("POST", "/v1/accounts", json.dumps({"name": f"the-{role}", "roles": [role]}))
                cls.tokens[role] = admin.request("POST", "/v1/tokens", json.dumps({"account": f"the-{role}"})).json["token"]
            ended = admin.request("POST", "/v1/tokens", json.dumps({"account": "the-writer"})).json
            admin.delete(f"/v1/tokens/{ended['id']}")
            cls.ended = ended["token"]

    def ask(self, method, path, token):
        target = path.replace("{name}", "the-nobody").replace("{account}", "the-nobody").replace("{version}", "1")
        with self.server.client(token=token) as client:
            return client.request(method, target.replace("{id}", UNKNOWN_ID))

    def test_no_route_is_forgotten(self):
        self.assertEqual({operation for _, _, operation in routes()}, set(MAY))

    def test_without_an_account(self):
        for method, path, operation in routes():
            for token in (None, self.ended, "coffer_" + "A" * 43, "x"):
                with self.subTest((operation, token and token[:8])):
                    status = self.ask(method, path, token).status
                    if MAY[operation] is not OPEN:
                        self.assertEqual(status, 401)
                    elif token is None:
                        self.assertNotEqual(status, 403)

    def test_by_role_and_each_once_in_the_log(self):
        asked = {}
        for method, path, operation in routes():
            for role, token in self.tokens.items():
                if MAY[operation] is OPEN:
                    continue
                with self.subTest((operation, role)):
                    answer = self.ask(method, path, token)
                    asked[answer["Coffer-Request-Id"]] = (operation, role, answer.status)
                    self.assertNotIn(answer.status, (401, 500, 501))
                    if role not in MAY[operation]:
                        self.assertEqual(answer.status, 403)
                        self.assertTrue(answer.json["type"].endswith("forbidden"))
                    elif operation not in SECOND_LOOK:
                        self.assertNotEqual(answer.status, 403)
        self.server.kill()
        done = run("audit", "export", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        logged = {}
        for line in done.stdout.splitlines():
            event = json.loads(line)
            logged.setdefault(event["request_id"], []).append(event)
        for request, (operation, role, status) in asked.items():
            with self.subTest((operation, role)):
                wanted = [] if operation in QUIET and status == 200 else [status]
                self.assertEqual([event["outcome"] for event in logged.get(request, [])], wanted)
        accounts = {event["account"] for events in logged.values() for event in events if events[0]["request_id"] in asked}
        self.assertEqual(len(accounts), len(ROLES))
        self.server.start()

    def test_tokens_are_nowhere_in_the_store_or_its_log(self):
        for token in self.tokens.values():
            self.ask("GET", "/v1/records", token)
        self.server.stop()
        kept = "".join(self.server.output).encode()
        files = ["coffer.db", "audit.head"]
        if os.path.exists(f"{self.server.data}/coffer.db-wal"):
            files.append("coffer.db-wal")
        for name in files:
            with open(f"{self.server.data}/{name}", "rb") as file:
                kept += file.read()
        self.server.start()
        for token in [*self.tokens.values(), self.ended]:
            value = base64.urlsafe_b64decode(token[len("coffer_"):] + "=")
            for form in (token.encode(), token[len("coffer_"):].encode(), value, value.hex().encode(),
                         base64.b64encode(value)):
                self.assertNotIn(form, kept)


if __name__ == "__main__":
    unittest.main()
