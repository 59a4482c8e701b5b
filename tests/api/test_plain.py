"""Plain HTTP for a proxy: who may speak it, whose word on the client is believed, and the deadlines that TLS has too."""

import base64
import json
import os
import shutil
import socket
import stat
import subprocess
import unittest

import raw
import slow
import test_admission
import test_deadlines
import test_hostile
import test_start
from harness import BINARY, ApiTest, Server, run, wait_until

PROXY, STRANGER = "127.0.0.2", "127.0.0.1"  # addresses that clients of the tests come from
HSTS = "Strict-Transport-Security"


class PlainDeadlines(test_deadlines.Deadlines):
    through = "plain"


class UnixDeadlines(test_deadlines.Deadlines):
    through = "unix"

    # The phases do not depend on the kind of socket: those that look at it are kept.
    test_slow_clients_of_every_phase_are_gone = None
    test_bodies_that_were_cut_off_leave_no_record = None


class PlainAdmission(test_admission.InAll):
    through = "plain"


class PlainAdmissionOfOneAddress(test_admission.OfOneAddress):
    through = "plain"


class PlainGate(test_hostile.Gate):
    through = "plain"


class Idle(ApiTest):
    options = ("--header-timeout", "1h", "--hello-timeout", "1h", "--idle-timeout", "1h")
    through = "plain"

    def ticks(self):
        with open(f"/proc/{self.server.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def test_clients_that_wait_cost_nothing(self):
        """Whatever they wait at: silent, within a header, between two requests, or having said that they are done."""
        crowd = [kind(self.server) for _ in range(50) for kind in (
            slow.idle, lambda server: slow.header(server, silent=True), slow.continued, slow.half_closed)]
        for one in crowd[1::4]:
            one.connection.sendall(b"GET /v1/hea")
        self.assertEqual(self.client.get("/v1/health").status, 200)
        before = self.ticks()
        self.assertFalse(wait_until(lambda: self.ticks() - before > 20, 2), "more than a tenth of a processor")
        for one in crowd:
            one.close()

    def test_an_end_right_behind_the_last_bytes_is_seen(self):
        answer, closed = raw.send(self.server, raw.AFTER + b"GET /v1/hea", half_close=True, timeout=10)
        self.assertEqual((raw.statuses(answer), closed), ([200], True))
        answer, closed = raw.send(self.server, raw.AFTER * 20, half_close=True, timeout=10)
        self.assertEqual((raw.statuses(answer), closed), ([200] * 20, True))
        answer, closed = raw.send(self.server, b"GET /v1/hea", half_close=True, timeout=10)
        self.assertEqual((answer, closed), (b"", True))


class Forwarded(ApiTest):
    """Over TCP, where a test's client chooses the address that it comes from."""

    through = "plain"
    options = ("--trusted-proxy", f"{PROXY},10.0.0.0/8", "--failure-rate", "3", "--max-connections-per-address", "6",
               "--origin", "https://records.example.org")

    def ask(self, text, source=PROXY):
        """The head of an answer as a mapping of its fields, with ":status", and its body."""
        with self.server.connect(source=source) as connection:
            connection.sendall(text.replace("TOKEN", self.server.token).encode())
            data, _ = raw.read_to_end(connection)
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        fields[":status"] = int(lines[0].split()[1])
        return fields, body

    def get(self, *fields, source=PROXY, path="/v1/records", token="TOKEN", host="records.example.org"):
        lines = (f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}", "Connection: close", *fields)
        return self.ask("\r\n".join(lines) + "\r\n\r\n", source)

    def peer_of(self, *fields, source=PROXY):
        """What the audit log has for the client of a request."""
        answer, _ = self.get(*fields, source=source)
        self.assertEqual(answer[":status"], 200)
        events = self.client.get("/v1/audit?limit=1000").json["events"]
        return [event["peer"] for event in events if event["request_id"] == answer["Coffer-Request-Id"]]

    def test_the_audit_log_has_the_client_that_a_trusted_proxy_tells(self):
        self.assertEqual(self.peer_of("X-Forwarded-For: 1.1.1.1, 192.0.2.7, 10.0.0.1"), ["192.0.2.7"])
        self.assertEqual(self.peer_of("X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2001:DB8::7"), ["2001:db8::7"])
        self.assertEqual(self.peer_of('Forwarded: for="[2001:db8::8]:99";proto=https'), ["2001:db8::8"])
        self.assertEqual(self.peer_of("Forwarded: for=unknown"), [PROXY])
        self.assertEqual(self.peer_of(), [PROXY])

    def test_what_others_tell_is_not_even_read(self):
        self.assertEqual(self.peer_of("X-Forwarded-For: 192.0.2.7", source=STRANGER), [STRANGER])
        self.assertEqual(self.peer_of("X-Forwarded-For: junk", "Forwarded: junk", source=STRANGER), [STRANGER])
        answer, _ = self.get("X-Forwarded-Proto: https", source=STRANGER)
        self.assertNotIn(HSTS, answer)

    def test_what_a_trusted_proxy_tells_must_be_well_formed(self):
        for fields in (("X-Forwarded-For: junk",), ("X-Forwarded-For: ",), ("X-Forwarded-Proto: gopher",),
                       ("X-Forwarded-Host: a, b",), ("Forwarded: for=1.1.1.1;",),
                       ("Forwarded: for=1.1.1.1", "X-Forwarded-For: 1.1.1.1")):
            with self.subTest(fields):
                answer, body = self.get(*fields)
                self.assertEqual(answer[":status"], 400, body)
                self.assertTrue(json.loads(body)["type"].endswith("bad-request"))

    def test_hsts_is_for_clients_of_tls(self):
        self.assertNotIn(HSTS, self.get()[0])
        self.assertNotIn(HSTS, self.get("X-Forwarded-Proto: http")[0])
        self.assertIn(HSTS, self.get("X-Forwarded-Proto: https")[0])
        self.assertIn(HSTS, self.get("Forwarded: for=1.1.1.1;proto=https")[0])

    def test_wrong_tokens_count_against_the_client_and_not_the_proxy(self):
        def statuses(count, client):
            return [self.get(f"X-Forwarded-For: {client}", token="wrong")[0][":status"] for _ in range(count)]

        self.assertEqual(statuses(4, "192.0.2.1"), [401] * 3 + [429])
        self.assertEqual(statuses(1, "192.0.2.2"), [401])
        self.assertEqual(self.get("X-Forwarded-For: 192.0.2.1")[0][":status"], 429)
        self.assertEqual(self.get("X-Forwarded-For: 192.0.2.2")[0][":status"], 200)

    def test_the_host_that_the_client_asked_for_names_the_origin(self):
        def status(*fields, host, source=PROXY):
            body = '{"account":"nobody"}'
            lines = ("POST /v1/login HTTP/1.1", f"Host: {host}", "Connection: close", "Content-Type: application/json",
                     f"Content-Length: {len(body)}", *fields)
            return self.ask("\r\n".join(lines) + "\r\n\r\n" + body, source)[0][":status"]

        self.assertEqual(status(host="records.example.org"), 404)
        self.assertEqual(status(host="127.0.0.1:5000"), 421)
        self.assertEqual(status("X-Forwarded-Host: records.example.org", host="127.0.0.1:5000"), 404)
        self.assertEqual(status("Forwarded: for=1.1.1.1;host=records.example.org", host="127.0.0.1:5000"), 404)
        self.assertEqual(status("X-Forwarded-Host: evil.example", host="records.example.org"), 421)
        self.assertEqual(status("X-Forwarded-Host: records.example.org", host="a", source=STRANGER), 421)
        self.assertEqual(status("X-Forwarded-Host: evil.example", host="records.example.org", source=STRANGER), 404)

    def test_a_trusted_proxy_has_as_many_connections_as_it_likes(self):
        def served(source):
            connection = self.server.connect(source=source)
            self.addCleanup(connection.close)
            connection.sendall(raw.AFTER)
            return b" 200 " in connection.recv(4096).split(b"\r\n")[0]

        self.assertTrue(all(served(PROXY) for _ in range(12)))
        self.assertEqual([served("127.0.0.3") for _ in range(7)], [True] * 6 + [False])

    def test_the_access_log_names_the_client(self):
        path = os.path.join(self.server.root, "access")
        server = Server(*self.options, "--access-log", path, through="plain")
        self.addCleanup(server.remove)
        server.start()
        with server.connect(source=PROXY) as connection:
            connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n"
                               b"Connection: close\r\n\r\n")
            raw.read_to_end(connection)
        server.stop()
        with open(path, encoding="utf-8") as file:
            self.assertEqual([json.loads(line)["peer"] for line in file], ["192.0.2.9"])


class ForwardedOverTls(ApiTest):
    options = ("--trusted-proxy", PROXY)

    def test_a_proxy_that_speaks_tls_is_believed_too(self):
        for source, expected in ((PROXY, "192.0.2.7"), (STRANGER, STRANGER)):
            with self.server.connect(source=source) as connection:
                connection.sendall((f"GET /v1/records HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.server.token}\r\n"
                                    "X-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n").encode())
                data, _ = raw.read_to_end(connection)
            self.assertIn(HSTS.encode(), data)
            number = data.split(b"Coffer-Request-Id: ")[1].split(b"\r\n")[0].decode()
            events = self.client.get("/v1/audit?limit=1000").json["events"]
            self.assertEqual([event["peer"] for event in events if event["request_id"] == number], [expected])


class OverUnix(ApiTest):
    through = "unix"
    options = ("--trusted-proxy", "unix", "--listen", "off", "--host-name", "records.example.org")

    def test_the_peer_is_unix_or_whom_the_proxy_tells(self):
        asked = [self.client.get("/v1/records")["Coffer-Request-Id"],
                 self.client.get("/v1/records", x_forwarded_for="192.0.2.7")["Coffer-Request-Id"]]
        events = self.client.get("/v1/audit?limit=1000").json["events"]
        peers = {event["request_id"]: event["peer"] for event in events if event.get("request_id") in asked}
        self.assertEqual([peers[number] for number in asked], ["unix", "192.0.2.7"])

    def test_without_tls_the_names_are_those_of_the_usual_port(self):
        for host, status in (("records.example.org", 404), ("records.example.org:443", 404),
                             ("records.example.org:8443", 421), ("other.example", 421)):
            answer = self.client.request("POST", "/v1/login", b'{"account":"nobody"}', host=host,
                                         content_type="application/json", authorization=None)
            self.assertEqual(answer.status, status, host)

    def test_there_are_no_certificates_then(self):
        self.assertFalse(os.path.exists(self.server.ca()))
        self.assertNotIn("certificate", self.client.get("/v1/status").json)

    def test_health_finds_the_server_without_tls(self):
        for command in (("health",), ("health", "--ready")):
            result = run(*command, "--data", self.server.data)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_an_invite_names_no_ca(self):
        answer = self.client.request("POST", "/v1/invites", b'{"name":"ann"}', content_type="application/json",
                                     host="records.example.org")
        self.assertEqual(answer.status, 201, answer.body)
        text = answer.json["invite"].split("coffer-invite-v1.")[1]
        invite = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        self.assertEqual((invite["origin"], invite["ca"]), ("https://records.example.org", ""))
        self.assertEqual(self.client.get("/v1/ca", check=False).status, 404)


class Starting(test_start.Start):
    """What refuses to start, and what is left behind."""

    def setUp(self):
        self.server = Server(through="unix")
        self.addCleanup(self.server.remove)

    def refused_with(self, *options):
        result = subprocess.run([BINARY, "serve", "--data", self.server.data, *options], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, encoding="utf-8",
                                check=False)
        self.assertGreater(result.returncode, 0, result.stderr)
        return result.stderr

    def path(self):
        return self.server.front.path()

    def test_plain_http_is_for_this_machine_only(self):
        for address in ("0.0.0.0:5000", "[::]:5000", "192.0.2.1:5000", "records.example.org:80", "unix:relative"):
            self.assertIn("not on this machine must use TLS", self.refused_with("--http", address))

    def test_settings_that_contradict_each_other_are_refused(self):
        plain = ("--listen", "off", "--http", "127.0.0.1:0")
        self.assertIn("nowhere to listen", self.refused_with("--listen", "off"))
        self.assertIn("do not pass a proxy", self.refused_with(*plain, "--client-ca", "/nowhere"))
        self.assertIn("--domain", self.refused_with(*plain, "--domain", "records.example.org"))
        self.assertIn("--http-redirect", self.refused_with(*plain, "--http-redirect", "127.0.0.1:0"))
        self.assertIn("trusted_proxy", self.refused_with(*plain, "--trusted-proxy", "everybody"))

    def test_the_socket_has_its_mode_and_is_gone_after_the_stop(self):
        for mode in (None, "0600", "0666"):
            self.server.options = ("--http-mode", mode) if mode else ()
            self.server.start()
            found = os.stat(self.path())
            self.assertEqual((stat.S_ISSOCK(found.st_mode), stat.S_IMODE(found.st_mode)), (True, int(mode or "0660", 8)))
            self.assertEqual(self.server.stop(), 0)
            self.assertFalse(os.path.exists(self.path()))

    def test_a_dead_servers_socket_is_replaced_and_a_live_ones_is_not(self):
        self.server.start()
        self.server.kill()
        self.assertTrue(os.path.exists(self.path()))
        self.server.start()
        other = Server()
        self.addCleanup(other.remove)
        text = self.refused_with("--data", other.data, "--listen", "off", "--http", f"unix:{self.path()}")
        self.assertIn("another server listens there", text)
        with self.server.client() as client:
            self.assertEqual(client.get("/v1/ready").status, 200)

    def test_what_is_no_socket_is_left_alone(self):
        with open(self.path(), "w", encoding="ascii") as file:
            file.write("mine")
        self.assertIn("no socket", self.refused_with("--listen", "off", "--http", f"unix:{self.path()}"))
        with open(self.path(), encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_the_printed_curl_lines_work_without_tls(self):
        for name in ("plain", "unix"):
            with self.subTest(name):
                server = Server("--listen", "off", through=name)
                self.addCleanup(server.remove)
                self.assertEqual(len(self.paste(server)), 2)
                server.stop()

    def test_tls_is_not_understood_and_does_no_harm(self):
        server = Server(through="plain")
        self.addCleanup(server.remove)
        server.start()
        with socket.create_connection((STRANGER, server.port), timeout=20) as connection:
            with self.assertRaises(OSError):
                server.tls.wrap_socket(connection, server_hostname=STRANGER)
        with server.client() as client:
            self.assertEqual(client.get("/v1/health").status, 200)


# Those of the class that it is made from run where they belong.
for inherited in [name for name in vars(test_start.Start) if name.startswith("test_")]:
    setattr(Starting, inherited, None)


if __name__ == "__main__":
    unittest.main()
