"""The plain port, byte by byte: it sends on to https under our own names, and does nothing else."""

import contextlib
import re
import socket
import threading
import time
import unittest

from harness import Server, run, wait_until
from raw import read_to_end

CHALLENGE = "/.well-known/acme-challenge/"


def plain_port(server):
    return int(re.search(r"Port (\d+) sends plain HTTP on to https", "".join(server.output)).group(1))


class Reply:
    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.text = head.decode("ascii")
        self.status = int(re.match(r"HTTP/1\.1 (\d{3}) ", self.text).group(1))

    def __getitem__(self, name):
        found = re.findall(rf"^{name}: (.*?)\r?$", self.text, re.I | re.M)
        assert len(found) < 2, self.text
        return found[0] if found else None


class RedirectTest(unittest.TestCase):
    options = ()
    address = "127.0.0.1"

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--http-redirect", f"{cls.address}:0", *cls.options)
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        if not wait_until(lambda: "sends plain HTTP" in "".join(cls.server.output)):
            raise AssertionError("".join(cls.server.output))
        cls.port = plain_port(cls.server)

    def connect(self, source=None, address="127.0.0.1"):
        return socket.create_connection((address, self.port), timeout=20, source_address=source and (source, 0))

    def send(self, data, **options):
        """The one answer; the connection must be closed behind it."""
        with self.connect(**options) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
            answer, closed = read_to_end(connection)
        self.assertTrue(closed, data)
        reply = Reply(answer)
        self.assertEqual(reply["Connection"], "close")
        self.assertIsNone(reply["Strict-Transport-Security"])
        return reply

    def get(self, target="/", host="localhost", method="GET", fields="", **options):
        return self.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode("latin-1"), **options)

    def assert_refused(self, reply, status):
        self.assertEqual(reply.status, status, reply.text)
        self.assertIsNone(reply["Location"], reply.text)


class Redirects(RedirectTest):
    options = ("--host-name", "clinic.example.org,2001:db8::5")

    def test_get_and_head_go_to_the_same_host_and_target_over_https(self):
        port = self.server.port
        for host, target, location in (
                ("localhost", "/", f"https://localhost:{port}/"),
                ("LocalHost", "/a/%2e%2E?b=c&d", f"https://localhost:{port}/a/%2e%2E?b=c&d"),
                ("127.0.0.1", "/v1/health", f"https://127.0.0.1:{port}/v1/health"),
                (f"clinic.example.org:{self.port}", "/", f"https://clinic.example.org:{port}/"),
                ("[2001:db8::5]", "/", f"https://[2001:db8::5]:{port}/"),
                ("[2001:DB8::5]:80", "/", f"https://[2001:db8::5]:{port}/"),
                ("[::1]:1", "/", f"https://[::1]:{port}/"),
                ("clinic.example.org", "//evil.example/", f"https://clinic.example.org:{port}//evil.example/"),
                ("clinic.example.org", "/" + "a" * 3900, f"https://clinic.example.org:{port}/" + "a" * 3900)):
            for method in ("GET", "HEAD"):
                reply = self.get(target, host, method)
                self.assertEqual((reply.status, reply["Location"]), (301, location))
                self.assertEqual(len(reply.body), 0 if method == "HEAD" else int(reply["Content-Length"]))

    def test_where_it_leads_answers(self):
        location = self.get("/v1/health", "localhost")["Location"]
        with self.server.client(token=None) as client:
            self.assertEqual(client.get(location.removeprefix(f"https://localhost:{self.server.port}")).status, 200)

    def test_a_host_that_is_none_of_ours_leads_nowhere(self):
        for host in ("evil.example", "clinic.example.org.evil.example", "clinic.example.org.", "xlocalhost",
                     "[2001:db8::6]", "[::ffff:127.0.0.1]", "8.8.8.8", "localhost.localdomain"):
            self.assert_refused(self.get("/", host), 421)
            self.assert_refused(self.get(CHALLENGE + "abc", host), 421)

    def test_a_host_that_is_none_is_refused(self):
        for host in ("", ":80", "localhost:", "localhost:x", "localhost:123456", "a@localhost", "localhost@evil.example",
                     "localhost/evil.example", "localhost evil.example", "localhost,evil.example", "::1",
                     "[::1", "[::1]evil.example", "[localhost]", "localhost\\evil.example", "localhost?", "localhost#",
                     "localhost\tevil", "loc\x00alhost", "localhost\r\n evil.example", "localhost\x80", "local%68ost"):
            self.assert_refused(self.get("/", host), 400)
        self.assert_refused(self.send(b"GET / HTTP/1.1\r\n\r\n"), 400)
        for other in ("localhost", "evil.example"):
            self.assert_refused(self.get("/", "localhost", fields=f"Host: {other}\r\n"), 400)

    def test_a_target_is_a_path(self):
        for target in ("http://localhost/", "https://evil.example/", "//", "*", "evil.example", "@evil.example", "",
                       "/a b", "/a\tb", "/<script>", "/\"", "/a#b", "/%", "/%zz", "/\\evil.example", "/\x01", "/\xff"):
            reply = self.get(target, "localhost")
            if target == "//":
                self.assertEqual(reply["Location"], f"https://localhost:{self.server.port}//")
            else:
                self.assert_refused(reply, 400)

    def test_lines_cannot_be_smuggled_into_the_answer(self):
        for target in ("/a%0d%0aX-Evil: 1", "/a\r\nX-Evil: 1", "/a\rX-Evil: 1", "/a\nX-Evil: 1"):
            reply = self.get(target, "localhost")
            self.assert_refused(reply, 400)
            self.assertIsNone(reply["X-Evil"])
        reply = self.get("/a%0d%0aX-Evil:%201", "localhost")
        self.assertEqual(reply["Location"], f"https://localhost:{self.server.port}/a%0d%0aX-Evil:%201")
        self.assertIsNone(reply["X-Evil"])

    def test_other_methods_are_refused(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "PRI"):
            reply = self.get("/", "localhost", method)
            self.assert_refused(reply, 405)
            self.assertEqual(reply["Allow"], "GET, HEAD")
        self.assert_refused(self.send(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405)

    def test_bodies_and_foreign_protocols_are_refused(self):
        self.assert_refused(self.get(fields="Content-Length: 5\r\n"), 400)
        self.assert_refused(self.get(fields="Transfer-Encoding: chunked\r\n"), 400)
        self.assert_refused(self.send(b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n"), 505)
        for data in (b"\x16\x03\x01\x02\x00\x01", b"\r\n\r\n", b"SSH-2.0-x\r\n\x00", b"GET / HTTP/1.1\n\n"):
            self.assert_refused(self.send(data), 400)

    def test_a_token_that_came_in_clear_is_not_sent_on(self):
        reply = self.get("/v1/records", fields="Authorization: Bearer abc\r\n")
        self.assert_refused(reply, 403)
        self.assertNotIn(b"abc", reply.body)

    def test_one_answer_a_connection(self):
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with self.connect() as connection:
            connection.sendall(request * 3)
            answer, closed = read_to_end(connection)
        self.assertTrue(closed)
        self.assertEqual(answer.count(b"HTTP/1.1"), 1)

    def test_without_an_order_there_is_no_challenge(self):
        for token in ("abc", "", ".", "..", "../ca.pem", "..%2fca.pem", "%2e%2e/ca.key", "a/b", "a" * 129, "a\\b", "a.b"):
            reply = self.get(CHALLENGE + token, "localhost")
            self.assert_refused(reply, 400 if "\\" in token else 404)

    def test_a_head_that_is_too_long_is_refused(self):
        self.assert_refused(self.get("/" + "a" * 4100, "localhost"), 431)
        self.assert_refused(self.get("/", "localhost", fields="X: " + "a" * 4100 + "\r\n"), 431)
        self.assert_refused(self.get("/", "localhost", fields="".join(f"X{i}: y\r\n" for i in range(600))), 431)
        self.assert_refused(self.send(b"G" * 5000), 431)


class Names(RedirectTest):
    options = ("--origin", "https://clinic.example.org", "--origin", "https://[2001:db8::7]:9443")

    def test_the_origin_says_which_port_clients_dial(self):
        for host, location in (
                ("clinic.example.org", "https://clinic.example.org/x"),
                ("clinic.example.org:8080", "https://clinic.example.org/x"),
                ("[2001:db8::7]", "https://[2001:db8::7]:9443/x"),
                ("localhost", f"https://localhost:{self.server.port}/x")):
            self.assertEqual(self.get("/x", host)["Location"], location)


class Dual(RedirectTest):
    address = "[::]"

    def test_all_addresses_are_ipv4_and_ipv6(self):
        for address, host in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
            self.assertEqual(self.get("/", host, address=address)["Location"], f"https://{host}:{self.server.port}/")


class Slow(RedirectTest):
    options = ("--header-timeout", "2s")

    def cpu(self):
        with open(f"/proc/{self.server.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def test_who_drips_has_no_longer_than_who_is_silent(self):
        def drip(connection):
            end = time.monotonic() + 10
            with contextlib.suppress(OSError):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
                while time.monotonic() < end:
                    connection.sendall(b"X: y\r\n")
                    if ended.wait(0.1):
                        return

        ended = threading.Event()
        for behave in (lambda connection: None, drip):
            ended.clear()
            with self.connect() as connection:
                begun = time.monotonic()
                thread = threading.Thread(target=behave, args=(connection,))
                thread.start()
                answer, closed = read_to_end(connection)
                ended.set()
                thread.join()
                self.assertEqual((answer, closed), (b"", True))
                self.assertTrue(1.5 < time.monotonic() - begun < 6)

    def test_others_are_answered_while_all_places_are_taken(self):
        """Places: 256, of one address 32. Loopback has addresses enough."""
        with contextlib.ExitStack() as stack:
            silent = [stack.enter_context(self.connect(source=f"127.0.1.{1 + i // 30}")) for i in range(300)]
            before = self.cpu()
            for _ in range(20):
                self.assertEqual(self.get("/", "localhost").status, 301)
            self.assertLess(self.cpu() - before, 50)
            # Who came first has given way; who came last is still waited for.
            silent[0].settimeout(20)
            self.assertEqual(silent[0].recv(1), b"")
            silent[-1].setblocking(False)
            with self.assertRaises(BlockingIOError):
                silent[-1].recv(1)

    def test_one_address_takes_no_more_than_its_share(self):
        with contextlib.ExitStack() as stack:
            crowd = [stack.enter_context(self.connect(source="127.0.2.1")) for _ in range(40)]
            for connection in crowd[32:]:
                self.assertEqual(read_to_end(connection), (b"", True))
            self.assertEqual(self.get("/", "localhost", source="127.0.2.2").status, 301)
        # Their places are free again once they have gone.
        wait_until(lambda: self.try_from("127.0.2.1"))
        self.assertTrue(self.try_from("127.0.2.1"))

    def try_from(self, source):
        with self.connect(source=source) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return read_to_end(connection)[0].startswith(b"HTTP/1.1 301")

    def test_a_client_that_does_not_read_is_dropped(self):
        with self.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"x" * 1000)
            time_out = time.monotonic() + 10
            with contextlib.suppress(OSError):
                while time.monotonic() < time_out:
                    connection.sendall(b"x" * 1000)
                    time.sleep(0.05)
            self.assertLess(time.monotonic(), time_out)


class Starting(unittest.TestCase):
    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            server = Server("--http-redirect", f"127.0.0.1:{port}")
            self.addCleanup(server.remove)
            with self.assertRaises(AssertionError) as caught:
                server.start()
        self.assertIn(f"cannot listen on 127.0.0.1:{port}: the port is in use (--http-redirect changes it)",
                      str(caught.exception))

    def test_it_is_off_unless_asked_for(self):
        self.assertIn("http_redirect = off\n", run("config").stdout)
        result = run("config", "--domain", "a.example.org", "--domain", "b.example.org")
        for line in ("domain = a.example.org,b.example.org", "http_redirect = [::]:80", "listen = [::]:443"):
            self.assertIn(line + "\n", result.stdout)
        result = run("config", "--domain", "a.example.org", "--http-redirect", "off", "--listen", "127.0.0.1:1")
        for line in ("http_redirect = off", "listen = 127.0.0.1:1"):
            self.assertIn(line + "\n", result.stdout)


if __name__ == "__main__":
    unittest.main()
