"""A certificate by ACME, from a CA of the test's own: first order, renewal, and what may come between."""

import contextlib
import datetime
import hashlib
import http.client
import http.server
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import unittest

from pebble import Pebble, Root, free_port, missing, wait_until
from server import DOMAIN, AcmeServer
from chains import Authority, date, replace
from harness import BINARY, run

ROOT = None
# These take their time; they begin with the first test and are looked at by the last.
RENEWING = None
LATE = None


def setUpModule():
    if missing():
        raise unittest.SkipTest("not here: " + ", ".join(missing()))
    global ROOT, RENEWING, LATE  # pylint: disable=global-statement
    ROOT = Root()
    unittest.addModuleCleanup(ROOT.remove)
    RENEWING = Renewing()
    unittest.addModuleCleanup(RENEWING.end)
    LATE = LateDirectory()
    unittest.addModuleCleanup(LATE.end)


def served_leaf(port, name=DOMAIN):
    """The DER of what a client is shown who calls the server by this name, whether it trusts that or not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            return secure.getpeercert(binary_form=True)


def describe(der):
    result = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text"], input=der, capture_output=True,
                            check=True)
    return result.stdout.decode()


def file_digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def seconds_until(text):
    return (datetime.datetime.fromisoformat(text) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


class Scenario:
    """A CA and a server with its certificate from there, in whatever state."""

    validity = 0
    environment = {}
    options = ()
    domains = (DOMAIN,)

    def __init__(self, start_pebble=True, validity=None):
        self.stack = contextlib.ExitStack()
        port = free_port()
        self.pebble = Pebble(ROOT, port, name=f"pebble-{port}",
                             validity=self.validity if validity is None else validity, **self.environment)
        self.stack.callback(self.pebble.stop)
        if start_pebble:
            self.pebble.start()
        self.server = AcmeServer(ROOT, "--acme-directory", self.pebble.directory, *self.options, domains=self.domains,
                                 challenge_port=port)
        self.stack.callback(self.server.remove)

    def issuer(self):
        path = os.path.join(ROOT.folder, f"issuer-{self.server.challenge_port}.pem")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.pebble.issuer())
        return path

    def orders(self):
        return self.pebble.log().count("POST /finalize-order/")

    def accounts(self):
        return len(re.findall(r"There are now \d+ accounts in memory", self.pebble.log()))

    def end(self):
        self.stack.close()


class AcmeTest(unittest.TestCase):
    scenario = Scenario

    def begin(self, **arguments):
        made = self.scenario(**arguments)
        self.addCleanup(made.end)
        return made, made.server, made.pebble


# ---- the first order -------------------------------------------------------------------------------------------------


class TwoDomains(Scenario):
    domains = (DOMAIN, "WWW.records.test")
    options = ("--acme-email", "it@records.test")


class Issue(AcmeTest):
    scenario = TwoDomains

    def test_a_certificate_comes_is_served_and_stays(self):
        made, server, pebble = self.begin()
        server.start()
        self.assertEqual(server.wait_served(), [DOMAIN])
        self.check_served(made, server)
        self.check_files(server)
        self.check_this_machine(server)
        self.check_restart(made, server)
        self.check_reissue(made, server)
        self.check_more_domains(made, server)
        self.assertEqual(made.accounts(), 1, pebble.log())

    def check_served(self, made, server):
        issuer = made.issuer()
        posted = server.curl(issuer, "/v1/records", "-H", f"Authorization: Bearer {server.token}", "-H",
                             "Content-Type: application/json", "--data-binary", '{"a":1.000000000000000000E-245}',
                             "-D", "-")
        location = re.search(r"^location: (\S+)$", posted.stdout, re.I | re.M)
        self.assertTrue(location, posted)
        for domain in (DOMAIN, "www.records.test"):
            record = server.curl(issuer, location[1], "-H", f"Authorization: Bearer {server.token}", domain=domain)
            self.assertEqual(record.stdout, '{"a":1.000000000000000000E-245}', record.stderr)
        text = describe(served_leaf(server.port))
        self.assertIn("prime256v1", text)
        self.assertIn(f"DNS:{DOMAIN}", text)
        self.assertIn("DNS:www.records.test", text)
        # The plain port sends there, and has no proof any more.
        self.assertEqual(self.ask_plain(server, "/x").getheader("Location"), f"https://{DOMAIN}/x")
        token = re.search(r" begin http-01 \S+ (\S+) ", server.log()).group(1)
        self.assertEqual(self.ask_plain(server, f"/.well-known/acme-challenge/{token}").status, 404)

    @staticmethod
    def ask_plain(server, path):
        connection = http.client.HTTPConnection("127.0.0.1", server.challenge_port, timeout=20)
        try:
            connection.request("GET", path, headers={"Host": DOMAIN})
            return connection.getresponse()
        finally:
            connection.close()

    def check_files(self, server):
        for parent, folders, files in os.walk(os.path.join(server.data, "tls", "acme")):
            for name in folders:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(parent, name)).st_mode) & 0o77, 0, name)
            for name in files:
                mode = os.lstat(os.path.join(parent, name)).st_mode
                if not stat.S_ISLNK(mode):
                    self.assertEqual(mode & 0o77, 0, name)
        self.assertEqual(os.listdir(os.path.join(server.data, "tls", "acme", "challenges")), [])
        # Nothing of the keys is in the log.
        for path in (server.acme_file("private", "key.pem"), server.acme_file("private", DOMAIN, "key.pem")):
            with open(path, encoding="ascii") as file:
                for line in file.read().splitlines()[1:-1]:
                    self.assertNotIn(line, server.log())

    def check_this_machine(self, server):
        """An address is served with the local CA's certificate, which commands and the printed lines trust."""
        with server.client() as client:
            self.assertEqual(client.get("/v1/records").status, 200)
        status = run("status", "--data", server.data)
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertIn(DOMAIN, status.stdout)
        line = re.search(r"^curl -K '.*/records'$", server.log(), re.M).group(0)
        self.assertEqual(subprocess.run(line, shell=True, capture_output=True, check=False).returncode, 0, line)

    def check_restart(self, made, server):
        leaf, orders = served_leaf(server.port), made.orders()
        self.assertEqual(server.stop(), 0)
        server.start()
        server.wait_for("is to be renewed at")
        self.assertEqual(served_leaf(server.port), leaf)
        # An order would begin with a directory.
        self.assertEqual(made.orders(), orders)
        self.assertNotIn("uacme", server.log())

    def check_reissue(self, made, server):
        """A certificate that is taken away is ordered again at the next SIGHUP, under the same account and key."""
        leaf = served_leaf(server.port)
        keys = [file_digest(server.acme_file("private", "key.pem")),
                file_digest(server.acme_file("private", DOMAIN, "key.pem"))]
        os.unlink(server.acme_file(DOMAIN, "cert.pem"))
        server.hangup()
        server.wait_served(count=2)
        self.assertNotEqual(served_leaf(server.port), leaf)
        self.assertEqual(keys, [file_digest(server.acme_file("private", "key.pem")),
                                file_digest(server.acme_file("private", DOMAIN, "key.pem"))])
        # With the key gone there is a new one.
        os.unlink(server.acme_file(DOMAIN, "cert.pem"))
        os.unlink(server.acme_file("private", DOMAIN, "key.pem"))
        server.hangup()
        server.wait_served(count=3)
        self.assertEqual(keys[0], file_digest(server.acme_file("private", "key.pem")))
        self.assertNotEqual(keys[1], file_digest(server.acme_file("private", DOMAIN, "key.pem")))
        # Another SIGHUP changes nothing.
        orders = made.orders()
        server.hangup()
        self.assertEqual(server.curl(made.issuer(), "/v1/health").returncode, 0)
        self.assertEqual(made.orders(), orders)

    def check_more_domains(self, made, server):
        server.stop()
        server.options += ("--domain", "other.records.test", "--acme-email", "other@records.test")
        server.start()
        # What is there is served until there is one for all.
        server.wait_served(count=2)
        self.assertIn("DNS:other.records.test", describe(served_leaf(server.port, "other.records.test")))
        self.assertEqual(server.curl(made.issuer(), "/v1/health", domain="other.records.test").returncode, 0)
        self.assertIn("updating account email", server.log())
        self.assertNotIn("creating new account", server.log())


# ---- what a CA may do ------------------------------------------------------------------------------------------------


class Impatient(Scenario):
    options = ("--acme-retry", "1s")


class Refused(AcmeTest):
    scenario = Impatient

    def check_local(self, server):
        """The local CA's certificate is served meanwhile, and nobody is told otherwise."""
        with server.client(token=None) as client:
            self.assertEqual(client.get("/v1/health").status, 200)
        self.assertIn("coffer local CA", describe(served_leaf(server.port)))

    def next_wait(self, server, count):
        """Seconds from the failure of this number to the next attempt, as the log tells it; a little less."""
        told = server.wait_for(r"acme: tried again at (\S+); until then the certificate of the local CA is served",
                               count=count)
        return seconds_until(told[count - 1])

    def check_told(self, server):
        with server.client() as client:
            told = client.get("/v1/status").json["acme"]
            metrics = client.get("/metrics").body.decode()
        self.assertGreaterEqual(told["failures"], 3)
        self.assertIn("failed to authorize order", told["error"])
        self.assertLess(seconds_until(told["last_attempt"]), 0)
        self.assertLess(seconds_until(told["next_attempt"]), 10)
        self.assertRegex(metrics, r"(?m)^coffer_acme_failures [3-9]$")
        status = run("status", "--data", server.data)
        self.assertRegex(status.stdout, r"(?m)^acme +FAILED, \d+ times in a row: failed to authorize order")

    def test_a_challenge_that_fails_is_tried_again_later_and_later(self):
        made, server, pebble = self.begin()
        # Nobody listens there.
        pebble.tell_dns("add-a", host=DOMAIN + ".", addresses=["127.0.0.2"])
        server.start()
        reason = server.wait_for(rf"acme: no certificate for {DOMAIN}: failed to authorize order at (.*)")[0]
        self.assertRegex(reason, "(?i)connection refused|error")
        self.check_local(server)
        # 1 s, 2 s, 4 s, give or take a quarter.
        self.assertLess(self.next_wait(server, 1), 1.3)
        self.assertTrue(1.5 < self.next_wait(server, 3) < 5.1)
        self.check_local(server)
        self.check_told(server)
        self.assertEqual(os.listdir(os.path.join(server.data, "tls", "acme", "challenges")), [])
        # Once the name leads here, a SIGHUP need not wait.
        pebble.tell_dns("clear-a", host=DOMAIN + ".")
        server.hangup()
        server.wait_served()
        self.assertEqual(server.curl(made.issuer(), "/v1/health").returncode, 0)
        server.wait_for("is to be renewed at")
        with server.client() as client:
            self.assertEqual(client.get("/v1/status").json["acme"]["failures"], 0)
            self.assertNotIn("error", client.get("/v1/status").json["acme"])

    def test_a_wrong_answer_wins_no_certificate(self):
        """Somebody else answers on the port that the CA asks."""
        made, server, _ = self.begin()
        asked = []

        class Impostor(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(self.path.rsplit("/", 1)[1].encode() + b"." + b"A" * 43)

            def log_message(self, *_):
                pass

        impostor = http.server.HTTPServer(("127.0.0.1", server.challenge_port), Impostor)
        threading.Thread(target=impostor.serve_forever, daemon=True).start()
        self.addCleanup(impostor.server_close)
        self.addCleanup(impostor.shutdown)
        server.options = tuple(f"127.0.0.1:{free_port()}" if word == f"127.0.0.1:{server.challenge_port}" else word
                               for word in server.options)
        server.start()
        reason = server.wait_for(rf"acme: no certificate for {DOMAIN}: (.*)")[0]
        self.assertRegex(reason, "(?i)key authorization|did not match|unauthorized")
        self.assertTrue(asked)
        self.assertEqual(made.orders(), 0)
        self.check_local(server)

    def test_a_directory_that_does_not_answer_is_given_up(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            server = AcmeServer(ROOT, "--acme-directory", f"https://127.0.0.1:{silent.getsockname()[1]}/dir",
                                "--acme-timeout", "1s")
            self.addCleanup(server.remove)
            server.start()
            server.wait_for("uacme took longer than --acme-timeout, and was ended; last it said: fetching directory")
            self.assertTrue(wait_until(lambda: not server.clients()))
            self.check_local(server)
            self.assertEqual(server.stop(), 0)


class Proxy(AcmeTest):
    def test_a_ca_behind_a_proxy_is_asked_through_it(self):
        with socket.socket() as proxy:
            proxy.bind(("127.0.0.1", 0))
            proxy.listen()
            proxy.settimeout(60)
            server = AcmeServer(ROOT, "--acme-directory", "https://ca.test/dir",
                                proxy=f"http://127.0.0.1:{proxy.getsockname()[1]}")
            self.addCleanup(server.remove)
            server.start()
            connection, _ = proxy.accept()
            with connection:
                connection.settimeout(20)
                self.assertTrue(connection.recv(4096).startswith(b"CONNECT ca.test:443 "))


class Nonces(Scenario):
    environment = {"PEBBLE_WFE_NONCEREJECT": "25"}
    options = ("--acme-retry", "1s")


class BadNonces(AcmeTest):
    scenario = Nonces

    def test_bad_nonces_do_not_matter_in_the_end(self):
        made, server, _ = self.begin()
        server.start()
        server.wait_served(seconds=120)
        self.assertIn("server rejected nonce", server.log())
        self.assertEqual(server.curl(made.issuer(), "/v1/health").returncode, 0)


class Found(AcmeTest):
    """What is in the files when the server starts, from whatever clock."""

    def begin_with(self, start, end):
        made, server, pebble = self.begin()
        server.start()
        server.wait_served()
        server.stop()
        orders = made.orders()
        authority = Authority(ROOT.folder, f"found-{server.challenge_port}")
        chain, key = authority.server("leaf", (DOMAIN,), start=date(start), end=date(end))
        replace(chain, server.acme_file(DOMAIN, "cert.pem"))
        replace(key, server.acme_file("private", DOMAIN, "key.pem"))
        server.start()
        return made, server, pebble, orders

    def test_one_that_is_not_valid_yet_is_waited_for(self):
        made, server, _, orders = self.begin_with(3600, 7200)
        server.wait_for("no certificate for .*cert.pem: the certificate is not valid yet")
        self.assertEqual(made.orders(), orders)
        with server.client(token=None) as client:
            self.assertEqual(client.get("/v1/health").status, 200)

    def test_a_clock_that_is_ahead_does_not_order_without_end(self):
        made, server, _ = self.begin(validity=60)
        server.ahead = 50
        server.start()
        server.wait_for("no certificate for .*: the certificate that came is to be renewed already: is the clock right?")
        # It is served all the same: it may be the clock.
        self.assertEqual(server.wait_served(), [DOMAIN])
        self.assertEqual(server.stop(), 0)
        self.assertLessEqual(made.orders(), 3)

    def test_one_that_has_expired_is_replaced(self):
        made, server, _, orders = self.begin_with(-7200, -3600)
        server.wait_served()
        self.assertEqual(made.orders(), orders + 1)
        self.assertEqual(server.curl(made.issuer(), "/v1/health").returncode, 0)


# ---- the end of the server -------------------------------------------------------------------------------------------


class Slow(Scenario):
    """It validates after a while, during which an order is under way."""

    environment = {"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "3"}


class Ending(AcmeTest):
    scenario = Slow

    def test_in_the_middle_of_an_order_it_ends_at_once_and_begins_anew(self):
        made, server, _ = self.begin()
        for number in (signal.SIGTERM, signal.SIGKILL):
            server.start()
            server.wait_for("uacme: starting challenge at")
            self.assertEqual(len(server.clients()), 1)
            begun = time.monotonic()
            code = server.stop() if number == signal.SIGTERM else server.kill()
            self.assertEqual(code, 0 if number == signal.SIGTERM else -signal.SIGKILL)
            self.assertLess(time.monotonic() - begun, 5)
            self.assertTrue(wait_until(lambda: not server.clients(), 5))
        server.start()
        server.wait_served()
        self.assertEqual(made.accounts(), 1)
        self.assertEqual(server.curl(made.issuer(), "/v1/health").returncode, 0)


# ---- the start -------------------------------------------------------------------------------------------------------


class Start(AcmeTest):
    def refuse(self, *options, **arguments):
        """The one line that says why it does not start."""
        server = AcmeServer(ROOT, *options, **arguments)
        self.addCleanup(server.remove)
        with self.assertRaises(AssertionError) as caught:
            server.start()
        lines = [line for line in str(caught.exception).splitlines() if line.startswith("coffer: ")]
        self.assertEqual(len(lines), 1, caught.exception)
        return lines[0]

    def without_uacme(self):
        """A PATH with all but the client."""
        folder = os.path.join(ROOT.folder, "bin")
        os.makedirs(folder, exist_ok=True)
        for name in ("sh", "mount", "env"):
            with contextlib.suppress(FileExistsError):
                os.symlink(os.path.join("/bin", name), os.path.join(folder, name))
        return folder

    def test_one_command_with_a_domain_is_there_for_all_on_the_usual_ports(self):
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        result = subprocess.run(
            ["unshare", *user, "--net", "--mount", "--propagation", "private", sys.executable,
             os.path.join(os.path.dirname(os.path.abspath(__file__)), "public.py")],
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False, timeout=180)
        self.assertEqual((result.returncode, result.stdout), (0, "public: ok\n"), result.stderr)

    def test_without_the_client_it_says_what_to_install(self):
        self.assertIn("apt-get install uacme", self.refuse(path=self.without_uacme()))

    def test_with_a_certificate_it_serves_even_without_the_client(self):
        made, server, _ = self.begin()
        server.start()
        server.wait_served()
        server.stop()
        server.path = self.without_uacme()
        server.start()
        server.wait_for("apt-get install uacme, or this one will not be renewed")
        self.assertEqual(server.curl(made.issuer(), "/v1/health").returncode, 0)

    def test_settings_that_contradict_each_other_are_refused(self):
        for options, part in (
                (("--acme-staging", "--acme-directory", "https://127.0.0.1:1/dir"), "--acme-directory name two CAs"),
                (("--http-redirect", "off"), "--domain needs --http-redirect"),
                (("--tls-cert", "a.pem", "--tls-key", "a.key"), "--domain and --tls-cert are two ways"),
                (("--listen", "off", "--http", "127.0.0.1:0"), "--domain is of no use with --listen off")):
            self.assertIn(part, self.refuse(*options))

    def test_ports_below_1024_need_a_capability_which_the_error_names(self):
        # A fresh network has the usual limit; without capabilities that holds for root too.
        folder = os.path.join(ROOT.folder, "plain")
        os.makedirs(folder, exist_ok=True)
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        for option, address in (("--http-redirect", "127.0.0.1:80"), ("--listen", "127.0.0.1:443")):
            command = ["unshare", *user, "--net", "setpriv", "--bounding-set=-all", "--inh-caps=-all",
                       BINARY, "serve", "--data", os.path.join(folder, "data"), "--listen",
                       "127.0.0.1:0", "--access-log", "off", option, address]
            result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                                    check=False, timeout=60)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn(f"cannot listen on {address}: Permission denied ({option} changes it)", result.stderr)
            self.assertIn("CAP_NET_BIND_SERVICE", result.stderr)


# ---- what takes its time ---------------------------------------------------------------------------------------------


class LateDirectory(Scenario):
    """The CA cannot be reached when the server starts. (The client tries thrice, which takes it 15 s.)"""

    options = ("--acme-retry", "1s")

    def __init__(self):
        super().__init__(start_pebble=False)
        self.server.start()


class Renewing(Scenario):
    """Certificates live 45 s, so that they are renewed every 30 s. (The client may sleep twice for 5 s in an order.)"""

    validity = 45
    options = ("--acme-retry", "1s")

    def __init__(self):
        super().__init__()
        self.server.start()


class Waiting(unittest.TestCase):
    """In the order of their names."""

    def test_1_certificates_are_renewed_under_load_without_a_failed_request(self):
        server = RENEWING.server
        server.wait_served()
        issuer = RENEWING.issuer()
        seen, failed, done = set(), [], threading.Event()

        def ask():
            context = ssl.create_default_context(cafile=issuer)
            while not done.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
                        with context.wrap_socket(plain, server_hostname=DOMAIN) as secure:
                            seen.add(hashlib.sha256(secure.getpeercert(binary_form=True)).digest())
                            secure.sendall(f"GET /v1/health HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n"
                                           .encode())
                            if not secure.recv(100).startswith(b"HTTP/1.1 200"):
                                failed.append("no 200")
                except OSError as error:
                    failed.append(error)
                done.wait(0.02)

        before = len(server.wait_served())
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            server.wait_served(count=max(before + 1, 3), seconds=90)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failed, [])
        self.assertGreaterEqual(len(seen), 2)
        self.assertEqual(RENEWING.accounts(), 1)
        # One old certificate is kept beside the present one.
        self.assertTrue(wait_until(lambda: len(os.listdir(os.path.dirname(server.acme_file(DOMAIN, "cert.pem")))) == 2))

    def test_2_renewal_comes_at_two_thirds_of_the_lifetime(self):
        server = RENEWING.server
        server.wait_for("is to be renewed at", count=len(server.wait_served()))
        dates = subprocess.run(["openssl", "x509", "-noout", "-dates", "-dateopt", "iso_8601", "-in",
                                server.acme_file(DOMAIN, "cert.pem")], capture_output=True, check=True,
                               encoding="ascii")
        begin, end = (datetime.datetime.fromisoformat(line.split("=")[1]) for line in dates.stdout.split("\n")[:2])
        due = datetime.datetime.fromisoformat(server.wait_for(r"is to be renewed at (\S+)")[-1])
        part = (due - begin) / (end - begin)
        self.assertTrue(2 / 3 - 1 / 59 < part < 2 / 3 + 1 / 59, part)

    def test_3_while_the_ca_is_away_the_old_certificate_is_served_and_then_it_recovers(self):
        server = RENEWING.server
        RENEWING.pebble.stop()
        # It is not waited for until the next is due.
        os.unlink(server.acme_file(DOMAIN, "cert.pem"))
        server.hangup()
        server.wait_for("acme: tried again at .*; what is served meanwhile is good until", seconds=90)
        count = len(server.wait_served())
        leaf = served_leaf(server.port)
        with server.client(token=None) as client:
            self.assertEqual(client.get("/v1/health").status, 200)
        self.assertEqual(served_leaf(server.port), leaf)
        # It comes back having forgotten every account, and has another root.
        RENEWING.pebble.start()
        server.hangup()
        server.wait_served(count=count + 1, seconds=90)
        self.assertEqual(server.curl(RENEWING.issuer(), "/v1/health").returncode, 0)

    def test_4_a_directory_that_comes_late_is_found(self):
        server = LATE.server
        server.wait_for(rf"acme: no certificate for {DOMAIN}: failed to fetch directory at", seconds=90)
        with server.client(token=None) as client:
            self.assertEqual(client.get("/v1/health").status, 200)
        LATE.pebble.start()
        server.wait_served(seconds=90)
        self.assertEqual(server.curl(LATE.issuer(), "/v1/health").returncode, 0)


if __name__ == "__main__":
    unittest.main()
