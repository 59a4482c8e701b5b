"""Mailboxes: deposits, lists, reading, acknowledging, quotas, expiry, long polls."""

import base64
import hashlib
import os
import sqlite3
import ssl
import threading
import time
import unittest

from harness import ApiTest, Server, UNKNOWN_ID, in_threads, run, wait_until
from partners import Partner, fingerprint, rsa_key, sign

MESSAGE = "application/vnd.coffer.message"
SESSION = "application/vnd.coffer.session"


def message_proof(sender, recipient, body):
    return (f"coffer-message-v1\n{fingerprint(sender.key)}\n{fingerprint(recipient.key)}\n"
            f"{hashlib.sha256(body).hexdigest()}\n")


class Mail(ApiTest):
    """bob and ann have keys of 2048 bits, and are logged in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bob = Partner(cls.server, "bob", rsa_key(0)).enroll().login()
        cls.ann = Partner(cls.server, "ann", rsa_key(1)).enroll().login()

    def setUp(self):
        super().setUp()
        self.bobs, self.anns = self.bob.client(), self.ann.client()
        self.addCleanup(self.bobs.close)
        self.addCleanup(self.anns.close)
        for entry in self.list(self.bobs, "bob", "?limit=1000"):
            self.bobs.delete(f"/v1/mailboxes/bob/messages/{entry['id']}")

    def deposit(self, body=None, client=None, to="bob", media_type=MESSAGE, **headers):
        body = os.urandom(300) if body is None else body
        return (client or self.anns).request("POST", f"/v1/mailboxes/{to}/messages", body, content_type=media_type,
                                             **headers)

    @staticmethod
    def list(client, name, query=""):
        answer = client.get(f"/v1/mailboxes/{name}/messages{query}")
        assert answer.status == 200, answer.body
        return answer.json["messages"]


class Deposits(Mail):
    def test_a_message_comes_back_byte_for_byte_until_it_is_acknowledged(self):
        body = os.urandom(1000)
        made = self.deposit(body)
        self.assertEqual(made.status, 201)
        entry = made.json
        self.assertEqual(
            {name: entry[name] for name in entry if name not in ("id", "received", "expires")},
            {"to": "bob", "from": "ann", "size": 1000, "media_type": MESSAGE,
             "sha256": hashlib.sha256(body).hexdigest(), "recipient_fingerprint": self.bob.fingerprint,
             "sender_fingerprint": self.ann.fingerprint})
        self.assertEqual(made["Location"], f"/v1/mailboxes/bob/messages/{entry['id']}")
        self.assertEqual(self.list(self.bobs, "bob"), [entry])
        for _ in range(2):
            read = self.bobs.get(made["Location"])
            self.assertEqual((read.status, read.body), (200, body))
            self.assertEqual((read["Content-Type"], read["Coffer-Sender"], read["Coffer-Sender-Fingerprint"],
                              read["Coffer-Fingerprint"], read["Coffer-Signature"]),
                             (MESSAGE, "ann", self.ann.fingerprint, self.bob.fingerprint, None))
            self.assertEqual(read["Repr-Digest"],
                             f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:")
        self.assertEqual(self.bobs.head(made["Location"]).status, 200)
        self.assertEqual(self.bobs.delete(made["Location"]).status, 204)
        self.assertEqual(self.bobs.get(made["Location"]).status, 404)
        self.assertEqual(self.bobs.delete(made["Location"]).status, 404)
        self.assertEqual(self.list(self.bobs, "bob"), [])

    def test_to_oneself_and_from_an_account_without_a_key(self):
        self.assertEqual(self.deposit(client=self.bobs).json["from"], "bob")
        entry = self.deposit(client=self.client).json
        self.assertEqual(entry["from"], "admin")
        self.assertNotIn("sender_fingerprint", entry)

    def test_sizes(self):
        least = 256 + 32
        answer = self.deposit(os.urandom(least - 1))
        self.assert_problem(answer, 422, "message-malformed")
        for word in ("287", "256 bytes", "nonce (16)", "tag (16)", "at least 288"):
            self.assertIn(word, answer.json["detail"])
        self.assert_problem(self.deposit(b""), 422, "message-malformed")
        self.assertEqual(self.deposit(os.urandom(least)).status, 201)
        big = os.urandom(1 << 20)
        made = self.deposit(big)
        self.assertEqual(made.status, 201)
        self.assertEqual(self.bobs.get(made["Location"]).body, big)
        self.assertEqual(self.deposit(big + b"x").status, 413)
        with self.ann.client() as client:
            self.assertEqual(client.request("POST", "/v1/mailboxes/bob/messages", iter([big, b"x"])).status, 413)

    def test_signatures_are_verified_and_passed_on(self):
        body = os.urandom(500)
        good = sign(self.ann.key, message_proof(self.ann, self.bob, body))
        made = self.deposit(body, coffer_signature=good)
        self.assertEqual((made.status, made.json["signature"]), (201, good))
        self.assertEqual(self.bobs.get(made["Location"])["Coffer-Signature"], good)
        self.assertEqual(self.list(self.bobs, "bob")[0]["signature"], good)
        flipped = bytearray(base64.b64decode(good))
        flipped[7] ^= 1
        for wrong in (sign(self.bob.key, message_proof(self.ann, self.bob, body)),
                      sign(self.ann.key, message_proof(self.bob, self.ann, body)),
                      sign(self.ann.key, message_proof(self.ann, self.bob, body + b"x")),
                      base64.b64encode(flipped).decode(), "AAAA"):
            self.assert_problem(self.deposit(body, coffer_signature=wrong), 422, "signature-refused")
        self.assert_problem(self.deposit(body, client=self.client, coffer_signature=good), 422, "signature-refused")
        for malformed in ("", "???", good + "A", good * 6):
            self.assertEqual(self.deposit(body, coffer_signature=malformed).status, 400)

    def test_session_messages_name_what_they_continue(self):
        began = hashlib.sha256(b"x").hexdigest()
        made = self.deposit(os.urandom(40), media_type=SESSION, coffer_session=began.upper())
        self.assertEqual((made.status, made.json["session"], made.json["media_type"]), (201, began, SESSION))
        read = self.bobs.get(made["Location"])
        self.assertEqual((read["Content-Type"], read["Coffer-Session"]), (SESSION, began))
        self.assert_problem(self.deposit(os.urandom(39), media_type=SESSION, coffer_session=began), 422,
                            "message-malformed")
        self.assertEqual(self.deposit(media_type=SESSION).status, 400)
        self.assertEqual(self.deposit(media_type=SESSION, coffer_session="ab").status, 400)
        self.assertEqual(self.deposit(coffer_session=began).status, 400)

    def test_media_types(self):
        for known in (MESSAGE, "application/octet-stream", MESSAGE.upper() + "; x=y", None):
            with self.subTest(known):
                self.assertEqual(self.deposit(media_type=known).json["media_type"], MESSAGE)
        for other in ("text/plain", "application/json", "application/vnd.coffer"):
            self.assertEqual(self.deposit(media_type=other).status, 415)

    def test_expiry(self):
        for wrong in ("0", "-1", "x", "1.5", "2592001", "01", ""):
            self.assertEqual(self.deposit(expires_in=wrong).status, 400, wrong)
        self.assertEqual(self.deposit(expires_in="2592000").status, 201)
        soon = self.deposit(expires_in="1")
        later = self.deposit()
        self.assertTrue(wait_until(lambda: self.bobs.get(soon["Location"]).status == 404))
        self.assertEqual([row["id"] for row in self.list(self.bobs, "bob")][-1], later.json["id"])
        self.assertEqual(self.bobs.delete(soon["Location"]).status, 404)

    def test_sending_again_with_one_key_is_one_message(self):
        body = os.urandom(400)
        first = self.deposit(body, idempotency_key="k1")
        again = self.deposit(body, idempotency_key="k1")
        self.assertEqual((again.status, again.json, again["Location"]), (201, first.json, first["Location"]))
        self.assertEqual(len(self.list(self.bobs, "bob")), 1)
        self.assert_problem(self.deposit(body + b"x", idempotency_key="k1"), 422, "idempotency-key-reused")
        self.assert_problem(self.deposit(body, to="ann", idempotency_key="k1"), 422, "idempotency-key-reused")
        self.assertEqual(self.deposit(body, client=self.bobs, idempotency_key="k1").status, 201)
        self.assertEqual(self.bobs.delete(first["Location"]).status, 204)
        self.assert_problem(self.deposit(body, idempotency_key="k1"), 410, "gone")
        for key in ("", "x" * 256):
            self.assertEqual(self.deposit(body, idempotency_key=key).status, 400)
        answers = in_threads(6, lambda _: self.race(body))
        self.assertEqual(len({answer.json["id"] for answer in answers if answer.status == 201}), 1)
        self.assertLessEqual({answer.status for answer in answers}, {201, 409})

    def race(self, body):
        with self.ann.client() as client:
            return self.deposit(body, client=client, idempotency_key="race")

    def test_whose_mailbox_it_is(self):
        made = self.deposit()
        same = self.bobs.get(f"/v1/mailboxes/bob/messages/{UNKNOWN_ID}")
        for client in (self.anns, self.client):
            for method, target in (("GET", "/v1/mailboxes/bob/messages"), ("GET", made["Location"]),
                                   ("DELETE", made["Location"]), ("GET", "/v1/mailboxes/bob/messages?wait=60"),
                                   ("GET", "/v1/mailboxes/nobody/messages"), ("GET", "/v1/mailboxes/a%20b/messages")):
                answer = client.request(method, target)
                self.assertEqual(answer.status, 404, (method, target))
                self.assertEqual({**answer.json, "request_id": ""}, {**same.json, "request_id": ""})
        own = f"/v1/mailboxes/ann/messages/{made.json['id']}"
        self.assertEqual(self.anns.get(own).status, 404)
        self.assertEqual(self.anns.delete(own).status, 404)
        self.assertEqual(self.bobs.get("/v1/mailboxes/BOB/messages").status, 200)
        self.assertEqual(self.bobs.get("/v1/mailboxes/bob/messages/x").status, 404)
        self.assertEqual(self.deposit(to="nobody").status, 404)
        self.assertEqual(self.deposit(to="admin").status, 404)
        self.assertEqual(self.deposit(to="BOB").status, 201)
        with self.server.client(token=None) as stranger:
            for method, target in (("GET", made["Location"]), ("DELETE", made["Location"]),
                                   ("POST", "/v1/mailboxes/bob/messages"), ("GET", "/v1/mailboxes/bob/messages")):
                self.assertEqual(stranger.request(method, target).status, 401)

    def test_the_recipients_key_of_then_stays_with_the_message(self):
        eve = Partner(self.server, "eve", rsa_key(2)).enroll()
        made = self.deposit(to="eve")
        self.assertEqual(eve.replace(rsa_key(3)).status, 200)
        old, eve.key = eve.fingerprint, rsa_key(3)
        eve.login()
        with eve.client() as client:
            self.assertEqual(client.get(made["Location"])["Coffer-Fingerprint"], old)
            later = self.deposit(to="eve")
            self.assertEqual(later.json["recipient_fingerprint"], eve.fingerprint)

    def test_pages(self):
        ids = [self.deposit().json["id"] for _ in range(7)]
        self.assertEqual(ids, sorted(ids))
        seen, target = [], "/v1/mailboxes/bob/messages?limit=3"
        while target:
            page = self.bobs.get(target)
            seen += [row["id"] for row in page.json["messages"]]
            target = page["Link"] and page["Link"][1:page["Link"].index(">")]
        self.assertEqual(seen, ids)
        for query in ("limit=0", "after=x", "wait=-1", "wait=x", "wait=3601", "wait=01", "more=1", "wait=1&wait=1"):
            self.assertEqual(self.bobs.get(f"/v1/mailboxes/bob/messages?{query}").status, 400, query)


class Quotas(Mail):
    options = ("--mailbox-messages", "5", "--sender-messages", "3", "--mailbox-bytes", "5KiB", "--sender-bytes", "3KiB",
               "--message-max", "4KiB")

    def test_of_messages(self):
        for _ in range(3):
            self.assertEqual(self.deposit().status, 201)
        refused = self.deposit()
        self.assert_problem(refused, 429, "sender-quota")
        self.assertEqual(refused.headers.get_all("Retry-After"), ["60"])
        for _ in range(2):
            self.assertEqual(self.deposit(client=self.client).status, 201)
        self.assert_problem(self.deposit(client=self.client), 429, "mailbox-full")
        self.assertEqual(self.deposit(to="ann").status, 201)
        first = self.list(self.bobs, "bob")[0]["id"]
        self.assertEqual(self.bobs.delete(f"/v1/mailboxes/bob/messages/{first}").status, 204)
        self.assertEqual(self.deposit().status, 201)
        self.assert_problem(self.deposit(), 429, "mailbox-full")

    def test_of_bytes(self):
        self.assertEqual(self.deposit(os.urandom(2500)).status, 201)
        self.assert_problem(self.deposit(os.urandom(600)), 429, "sender-quota")
        self.assertEqual(self.deposit(os.urandom(2500), client=self.client).status, 201)
        self.assert_problem(self.deposit(os.urandom(300), client=self.client), 429, "mailbox-full")
        self.assertEqual(self.deposit(os.urandom(4097)).status, 413)

    def test_expired_messages_give_their_room_back(self):
        for _ in range(3):
            self.assertEqual(self.deposit(expires_in="1").status, 201)
        self.assert_problem(self.deposit(), 429, "sender-quota")
        self.assertTrue(wait_until(lambda: self.deposit().status == 201))


class Waiting(Mail):
    """Long polls, each on a connection of its own."""

    def poll(self, query, results):
        with self.bob.client() as client:
            begun = time.monotonic()
            answer = client.get(f"/v1/mailboxes/bob/messages?{query}")
            results.append((answer, time.monotonic() - begun))

    def start(self, query, count=1):
        results = []
        threads = [threading.Thread(target=self.poll, args=(query, results)) for _ in range(count)]
        for thread in threads:
            thread.start()
        return results, threads

    def test_a_deposit_answers_all_who_wait(self):
        results, threads = self.start("wait=30", 6)
        time.sleep(0.5)
        self.assertEqual(results, [])
        made = self.deposit()
        for thread in threads:
            thread.join(20)
        self.assertEqual(len(results), 6)
        for answer, seconds in results:
            self.assertEqual([row["id"] for row in answer.json["messages"]], [made.json["id"]])
            self.assertLess(seconds, 20)

    def test_what_lies_there_is_answered_at_once_unless_it_was_seen(self):
        first = self.deposit().json["id"]
        results, threads = self.start("wait=30")
        threads[0].join(10)
        self.assertEqual([row["id"] for row in results[0][0].json["messages"]], [first])
        results, threads = self.start(f"wait=5&after={first}")
        time.sleep(0.3)
        self.assertEqual(results, [])
        self.deposit(to="ann")
        time.sleep(0.3)
        self.assertEqual(results, [], "woken by another mailbox")
        second = self.deposit().json["id"]
        threads[0].join(10)
        self.assertEqual([row["id"] for row in results[0][0].json["messages"]], [second])

    def test_when_the_time_is_up_the_list_is_empty(self):
        results, threads = self.start("wait=1")
        threads[0].join(20)
        answer, seconds = results[0]
        self.assertEqual((answer.status, answer.json), (200, {"messages": []}))
        self.assertGreaterEqual(seconds, 0.95)
        self.assertEqual(self.list(self.bobs, "bob", "?wait=0"), [])

    def test_whose_token_ends_while_waiting_is_told_nothing(self):
        token = Partner(self.server, "bob", self.bob.key).login().token
        waiting = self.server.client(token=token)
        self.addCleanup(waiting.close)
        waiting.open().request("GET", "/v1/mailboxes/bob/messages?wait=5&after=" + "f" * 8 + "-ffff" * 3 + "-" + "f" * 12,
                               headers={"Authorization": f"Bearer {token}"})
        with self.server.client(token=token) as client:
            for _ in range(20):  # so it has been read, and waits
                self.list(client, "bob")
            self.assertEqual(client.delete("/v1/login").status, 204)
        self.assertEqual(self.deposit().status, 201)
        answer = waiting.connection.getresponse()
        self.assertEqual(answer.status, 401, answer.read())

    def test_none_is_lost_to_one_who_reads_on(self):
        sent = []
        done = threading.Event()

        def send(_):
            with self.ann.client() as client:
                for _ in range(25):
                    sent.append(self.deposit(client=client).json["id"])

        def follow():
            seen, after = [], ""
            with self.bob.client() as client:
                while len(seen) < 100 and not done.wait(0):
                    page = self.list(client, "bob", f"?wait=5{after}")
                    seen += [row["id"] for row in page]
                    after = f"&after={seen[-1]}" if seen else ""
            got.append(seen)

        got = []
        follower = threading.Thread(target=follow)
        follower.start()
        in_threads(4, send)
        follower.join(30)
        done.set()
        follower.join(10)
        self.assertEqual(got[0], sorted(sent))


class ManyWaiting(unittest.TestCase):
    COUNT = 1000

    def setUp(self):
        self.server = Server("--loops", "2", "--max-connections-per-address", "3000", "--drain-timeout", "30s")
        self.addCleanup(self.server.remove)
        self.server.start()
        self.bob = Partner(self.server, "bob", rsa_key(0)).enroll().login()
        self.sockets = []
        self.addCleanup(self.hang_up)

    def hang_up(self):
        for connection in self.sockets:
            connection.close()
        self.sockets = []

    def open(self, count):
        request = (f"GET /v1/mailboxes/bob/messages?wait=60 HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n"
                   f"Authorization: Bearer {self.bob.token}\r\n\r\n").encode()
        for _ in range(count):
            connection = self.server.connect(timeout=30)
            connection.sendall(request)
            self.sockets.append(connection)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/task"))

    @staticmethod
    def status(connection):
        data = b""
        while b"\r\n" not in data:
            piece = connection.recv(4096)
            if not piece:
                break
            data += piece
        return data.split(b" ")[1:2]

    def test_they_cost_no_thread_and_are_dropped_when_their_clients_have_gone(self):
        before, threads = self.descriptors(), self.threads()
        self.open(self.COUNT)
        self.assertGreaterEqual(self.descriptors(), before + self.COUNT)
        self.assertEqual(self.threads(), threads)
        self.hang_up()
        self.assertTrue(wait_until(lambda: self.descriptors() <= before + 8, 20), self.descriptors())
        with self.bob.client() as client:
            self.assertEqual(client.get("/v1/mailboxes/bob/messages").status, 200)

    def test_one_deposit_answers_all(self):
        self.open(self.COUNT)
        with self.bob.client() as client:
            made = client.request("POST", "/v1/mailboxes/bob/messages", os.urandom(300))
        self.assertEqual(made.status, 201)
        for connection in self.sockets:
            self.assertEqual(self.status(connection), [b"200"])

    def test_the_stop_releases_them(self):
        self.open(self.COUNT)
        time.sleep(0.5)
        begun = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - begun, 15)
        answered = 0
        for connection in self.sockets:
            try:
                answered += self.status(connection) == [b"200"]
            except (ssl.SSLError, OSError):
                pass
        self.assertGreater(answered, self.COUNT * 9 // 10)


class Kept(unittest.TestCase):
    """Across kills, edits and sweeps."""

    def serve(self, *options):
        server = Server("--shred-delay", "1s", *options)
        self.addCleanup(server.remove)
        server.start()
        return server, Partner(server, "bob", rsa_key(0)).enroll().login()

    @staticmethod
    def deposit(client, body, **headers):
        answer = client.request("POST", "/v1/mailboxes/bob/messages", body, **headers)
        assert answer.status == 201, answer.body
        return answer

    def test_what_was_answered_is_there_after_a_kill(self):
        server, bob = self.serve()
        bodies = {}
        with bob.client() as client:
            for i in range(20):
                body = os.urandom(300 + i)
                bodies[self.deposit(client, body)["Location"]] = body
        server.kill()
        server.start()
        with bob.client() as client:
            for path, body in bodies.items():
                self.assertEqual(client.get(path).body, body)
        server.stop()
        self.assertEqual(run("check", "--data", server.data).returncode, 0)

    def test_removed_messages_leave_nothing_behind(self):
        server, bob = self.serve()
        first, second = b"acknowledged" * 40, b"run out of time" * 40
        with bob.client() as client:
            path = self.deposit(client, first)["Location"]
            self.deposit(client, second, expires_in="1")
            self.assertEqual(client.delete(path).status, 204)
        database = sqlite3.connect(f"file:{server.data}/coffer.db?mode=ro", uri=True)
        self.addCleanup(database.close)
        self.assertTrue(wait_until(
            lambda: database.execute("SELECT count(*) FROM message").fetchone() == (0,), 30))
        self.assertEqual(database.execute("SELECT count(*) FROM mailbox_count").fetchone(), (0,))
        database.close()
        server.stop()
        for name in os.listdir(server.data):
            if name.startswith("coffer.db"):
                with open(f"{server.data}/{name}", "rb") as file:
                    content = file.read()
                self.assertNotIn(first[:24], content)
                self.assertNotIn(second[:24], content)
        result = run("check", "--data", server.data)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_edits_are_noticed_and_named(self):
        server, bob = self.serve()
        with bob.client() as client:
            path = self.deposit(client, b"m" * 400, expires_in="3000")["Location"]
            database = sqlite3.connect(f"{server.data}/coffer.db", isolation_level=None, timeout=30)
            self.addCleanup(database.close)
            columns = ("sender_name sender revision state kind received_ms expires_ms changed_ms size digest"
                       " recipient_key sender_key signature session mac body").split()
            for column in columns:
                with self.subTest(column):
                    old = database.execute(f"SELECT {column} FROM message").fetchone()[0]
                    if isinstance(old, int):
                        new = old + 1
                    elif isinstance(old, str):
                        new = "eve"
                    else:
                        new = bytes([old[0] ^ 1]) + old[1:] if old else b"\0" * 32
                    database.execute(f"UPDATE message SET {column} = ?", (new,))
                    answer = client.get(path)
                    self.assertIn(answer.status, (404, 500), answer.body[:80])
                    listed = client.get("/v1/mailboxes/bob/messages")
                    if column == "body":
                        self.assertEqual(listed.status, 200)
                    elif column != "state":
                        self.assertEqual(listed.status, 500)
                    found = run("check", "--data", server.data)
                    self.assertEqual(found.returncode, 1, found.stdout)
                    self.assertIn(f"message {path.split('/')[-1]}", found.stdout)
                    database.execute(f"UPDATE message SET {column} = ?", (old,))
                    self.assertEqual(client.get(path).status, 200)
            database.execute("DELETE FROM message")
        found = run("check", "--data", server.data)
        self.assertEqual(found.returncode, 1)
        self.assertIn(f"message {path.split('/')[-1]}: the audit log tells of it, and it is not there", found.stdout)


if __name__ == "__main__":
    unittest.main()
