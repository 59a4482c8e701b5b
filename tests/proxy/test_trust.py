"""What clients of a proxy may say of themselves, and what the documented configurations promise besides."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "api"))

import raw  # noqa: E402
from aborts import sockets  # noqa: E402
from harness import BINARY, CONTRACT, ROOT, ApiTest, run, wait_until  # noqa: E402
from partners import Partner, rsa_key  # noqa: E402

MIB = 1024 * 1024
LIES = {
    "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=203.0.113.9;proto=http;host=evil.example", "X-Real-Ip": "203.0.113.9",
}


class Documented(unittest.TestCase):
    """The command of docs/tls.md starts a server, and the configurations name the same one."""

    def test_the_command_starts_a_server(self):
        root = tempfile.mkdtemp(prefix="coffer-proxy-")
        self.addCleanup(shutil.rmtree, root)
        page = os.path.join(ROOT, "docs", "tls.md")
        with open(page, encoding="utf-8") as file:
            command = re.search(r"^coffer serve .*--http unix:.*$", file.read(), re.M)[0]
        for name in ("nginx.conf", "Caddyfile", "haproxy.cfg"):
            with open(os.path.join(ROOT, "docs", "examples", name), encoding="utf-8") as file:
                self.assertIn(f"#     {command}\n", file.read(), name)
        words = command.replace("/run/coffer/http", f"{root}/http").split()
        with subprocess.Popen([BINARY, *words[1:], "--data", f"{root}/data"], stdout=subprocess.PIPE,
                              encoding="utf-8") as process:
            try:
                self.assertEqual(process.stdout.readline(), f"coffer is ready for a proxy at unix:{root}/http\n")
            finally:
                process.terminate()
        self.assertEqual(process.returncode, 0)


class Trust:
    options = ("--max-record-size", str(32 * MIB), "--failure-rate", "3")

    def peer(self, answer):
        events = self.client.get("/v1/audit?limit=1000").json["events"]
        return [event["peer"] for event in events if event.get("request_id") == answer["Coffer-Request-Id"]]

    def test_a_client_cannot_pass_for_another(self):
        """Whatever it sends, alone and together, it is the proxy's word that counts."""
        for name, value in [*LIES.items(), ("X-Forwarded-For", "junk"), ("Forwarded", "junk"), ("X-Forwarded-Proto", "x")]:
            with self.subTest(name, value=value):
                answer = self.client.get("/v1/records", **{name.replace("-", "_"): value})
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(self.peer(answer), ["127.0.0.1"])
                self.assertIn("max-age", answer["Strict-Transport-Security"])
        answer = self.client.get("/v1/records", **{name.replace("-", "_"): value for name, value in LIES.items()})
        self.assertEqual(self.peer(answer), ["127.0.0.1"])

    def test_the_origin_is_what_was_dialled(self):
        headers = {"authorization": None, "content_type": "application/json"}
        body = b'{"account":"nobody"}'
        self.assertEqual(self.client.request("POST", "/v1/login", body, **headers).status, 404)
        self.assertEqual(self.client.request("POST", "/v1/login", body, **headers,
                                             x_forwarded_host="evil.example").status, 404)

    def test_wrong_tokens_count_against_their_client(self):
        with self.server.client(token="wrong") as client:
            codes = [client.get("/v1/records", x_forwarded_for=f"203.0.113.{i}").status for i in range(4)]
        self.assertEqual(codes, [401, 401, 401, 429])

    def test_partners_join_and_log_in_through_it(self):
        partner = Partner(self.server, "ann", rsa_key(0)).enroll().login()
        with partner.client() as client:
            self.assertEqual(client.get("/v1/mailboxes/ann/messages").json, {"messages": []})

    def test_refusals_reach_the_client_while_it_sends(self):
        """413 for a length is coffer's first word."""
        head = (f"POST /v1/records HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n"
                f"Authorization: Bearer {self.server.token}\r\n")
        with self.server.connect() as connection:
            connection.sendall((head + f"Content-Length: {64 * MIB}\r\n\r\n").encode() + bytes(MIB))
            response = http.client.HTTPResponse(connection, method="POST")
            response.begin()
            self.assertEqual(response.status, 413)
            CONTRACT.check("POST", "/v1/records", response.status, response.headers, response.read())

    def test_a_body_that_comes_whole_is_not_kept_by_the_proxy(self):
        body = os.urandom(8 * MIB)
        path = self.create(body)
        self.assertEqual(self.client.get(path).body, body)
        for folder, _, names in os.walk(self.server.front.folder):
            for name in names:
                self.assertLess(os.path.getsize(os.path.join(folder, name)), MIB, os.path.join(folder, name))

    def test_a_long_poll_ends_when_its_client_has_gone(self):
        partner = Partner(self.server, "waiter", rsa_key(0)).enroll().login()
        request = (f"GET /v1/mailboxes/waiter/messages?wait=60 HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n"
                   f"Authorization: Bearer {partner.token}\r\n\r\n").encode()
        before = sockets(self.server)  # some of them idle ones of the proxy's, which it uses again
        waiting = [self.server.connect() for _ in range(before + 20)]
        for connection in waiting:
            self.addCleanup(connection.close)
            connection.sendall(request)
        self.assertTrue(wait_until(lambda: sockets(self.server) >= len(waiting)), sockets(self.server))
        for connection in waiting:
            connection.close()
        self.assertTrue(wait_until(lambda: sockets(self.server) <= before, 10), (before, sockets(self.server)))

    def test_a_restart_of_coffer_is_over_when_it_is(self):
        path = self.create(b"before")
        self.assertEqual(self.server.stop(), 0)
        with self.server.client() as client:
            self.assertIn(client.get(path, check=False).status, (502, 503))
        self.server.start()
        with self.server.client() as client:
            self.assertTrue(wait_until(lambda: client.get(path, check=False).status == 200))

    def test_commands_beside_the_server_reach_it_through_the_proxy(self):
        for command in (("health",), ("status",), ("account", "list")):
            result = run(*command, "--data", self.server.data)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class BehindNginx(Trust, ApiTest):
    through = "nginx"

    def test_plain_http_is_sent_on_to_https(self):
        port = self.server.front.redirect_port
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"GET /v1/records?limit=1 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
            data, _ = raw.read_to_end(connection)
        self.assertEqual(raw.statuses(data), [301])
        self.assertIn(b"\r\nLocation: https://records.example.org/v1/records?limit=1\r\n", data)


class BehindNginxOverTcp(Trust, ApiTest):
    through = "nginx-tcp"


class BehindCaddy(Trust, ApiTest):
    through = "caddy"


class BehindHaproxy(Trust, ApiTest):
    through = "haproxy"


if __name__ == "__main__":
    unittest.main()
