"""Certificates that change under load: not one request fails, on connections old or new, for either kind of key."""

import http.client
import os
import re
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from shaking import CertifiedServer
from chains import Authority, fingerprint, replace  # pylint: disable=wrong-import-order
from harness import wait_until  # pylint: disable=wrong-import-order
from test_certificate_files import hash_of  # pylint: disable=wrong-import-order

SECONDS = 12
EVERY = 0.2
KINDS = ("ec", "rsa")
# By which kind of key, and whether a connection is used again.
CLIENTS = [("ec", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("rsa", "ECDHE-RSA-AES128-GCM-SHA256"), (None, None)]


class Load(threading.Thread):
    """Asks until it is told to stop; what goes wrong is kept, and the certificates that it has seen."""

    def __init__(self, server, suite, keep, stop):
        super().__init__(daemon=True)
        self.server, self.keep, self.stop = server, keep, stop
        self.context = ssl.create_default_context(cafile=server.ca())
        if suite:
            self.context.maximum_version = ssl.TLSVersion.TLSv1_2
            self.context.set_ciphers(suite)
        self.asked, self.failures, self.seen = 0, [], set()

    def run(self):
        connection = None
        while not self.stop.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=20, context=self.context)
                    connection.connect()
                    self.seen.add(connection.sock.getpeercert(True))
                connection.request("GET", "/v1/health")
                answer = connection.getresponse()
                answer.read()
                self.asked += 1
                if answer.status != 200:
                    self.failures.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection = None
                continue
            if not self.keep:
                connection.close()
                connection = None
        if connection:
            connection.close()


class Swap(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        root = Authority(self.directory, "root")
        self.authority = Authority(self.directory, "intermediate", parent=root)
        self.pairs = {kind: [self.authority.server(f"{kind}{number}", kind=kind) for number in range(4)] for kind in KINDS}
        for kind in KINDS:
            self.place(kind, 0)

    def at(self, kind, name):
        return os.path.join(self.directory, f"{kind}.{name}")

    def place(self, kind, number):
        chain, key = self.pairs[kind][number % 4]
        replace(chain, self.at(kind, "pem"))
        replace(key, self.at(kind, "key"))

    def test_no_request_fails_while_both_pairs_change(self):
        server = CertifiedServer(
            self.authority, tuple(",".join(self.at(kind, name) for kind in KINDS) for name in ("pem", "key")), "--tls-reload",
            "100ms")
        self.addCleanup(server.remove)
        server.start()
        stop = threading.Event()
        loads = [(kind, Load(server, suite, keep, stop)) for kind, suite in CLIENTS for keep in (False, True, False)]
        for _, load in loads:
            load.start()
        wrk = subprocess.Popen(
            ["wrk", "-t1", "-c8", f"-d{SECONDS}s", f"https://127.0.0.1:{server.port}/v1/health"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8")
        self.addCleanup(wrk.stdout.close)
        self.addCleanup(wrk.kill)
        begun, changes = time.monotonic(), 0
        while time.monotonic() - begun < SECONDS:
            changes += 1
            for kind in KINDS:
                self.place(kind, changes)
            if changes % 2:
                server.process.send_signal(signal.SIGHUP)
            time.sleep(max(0.0, begun + changes * EVERY - time.monotonic()))
        said = wrk.communicate(timeout=60)[0]
        stop.set()
        for _, load in loads:
            load.join(30)
        served = sum("served from now on" in line for line in server.output)
        self.assertEqual([failure for _, load in loads for failure in load.failures], [])
        self.assertNotIn("Socket errors", said)
        self.assertNotIn("Non-2xx", said)
        self.assertGreater(int(re.search(r"(\d+) requests in", said).group(1)), 500)
        self.assertGreater(changes, SECONDS / EVERY * 0.7)
        self.assertGreater(served, changes / 3, "".join(server.output[-20:]))
        # What was to be served is what was, on new connections each of them.
        known = {kind: {fingerprint(chain) for chain, _ in self.pairs[kind]} for kind in KINDS}
        for kind in KINDS:
            seen = {hash_of(der) for of, load in loads for der in load.seen if of == kind and not load.keep}
            self.assertEqual(seen, known[kind])
        for _, load in loads:
            self.assertGreater(load.asked, 50)
            self.assertLessEqual({hash_of(der) for der in load.seen}, known["ec"] | known["rsa"])
            if load.keep:
                self.assertEqual(len(load.seen), 1)
        # And the last one stays.
        wanted = fingerprint(self.pairs["ec"][changes % 4][0])
        self.assertTrue(wait_until(lambda: self.shown(server) == wanted))

    @staticmethod
    def shown(server):
        with server.client() as client:
            client.get("/v1/health")
            return hash_of(client.connection.sock.getpeercert(True))


if __name__ == "__main__":
    unittest.main()
