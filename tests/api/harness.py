"""Starts the server under test and talks to it; every answer is held against the contract."""

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import front
from contract import Contract
from front import free_port  # noqa: F401, for those who import it from here

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BINARY = os.path.abspath(os.environ.get("COFFER_BINARY") or os.path.join(ROOT, "build", "release", "coffer"))
CONTRACT = Contract()
START_SECONDS = 60
UNKNOWN_ID = "01935c2e-abcd-7f00-8011-2233445566ff"


def run(*arguments, timeout=60):
    """A coffer command that ends by itself."""
    return subprocess.run(
        [BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=timeout, encoding="utf-8", errors="replace", check=False)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __getitem__(self, name):
        return self.headers.get(name)

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """One connection, made anew when the server has closed it. Not for several threads."""

    def __init__(self, server, token=True):
        self.server = server
        self.token = server.token if token is True else token
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def open(self):
        self.close()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        self.connection.sock = self.server.connect(timeout=60)
        self.connection.auto_open = 0
        return self.connection

    def request(self, method, target, body=None, check=True, **headers):
        """Headers as keyword arguments: if_match='"1"' sends If-Match."""
        fields = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if self.token and "authorization" not in fields:
            fields["authorization"] = f"Bearer {self.token}"
        fresh = self.connection is None
        try:
            answer = self._exchange(method, target, body, fields)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if fresh or not isinstance(body, (bytes, type(None))):
                raise
            # It was closed between two requests; only then is sending again right.
            self.close()
            answer = self._exchange(method, target, body, fields)
        if check:
            CONTRACT.check(method, target, answer.status, answer.headers, answer.body)
        return answer

    def _exchange(self, method, target, body, fields):
        connection = self.connection or self.open()
        try:
            try:
                connection.request(method, target, body=body, headers=fields)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                # Refused before the body was read: the answer may be waiting.
                if body is None:
                    raise
            response = connection.getresponse()
            data = response.read()
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return Answer(response.status, response.headers, data)

    def get(self, target, **headers):
        return self.request("GET", target, **headers)

    def head(self, target, **headers):
        return self.request("HEAD", target, **headers)

    def post(self, body, media_type="application/octet-stream", **headers):
        return self.request("POST", "/v1/records", body, content_type=media_type, **headers)

    def put(self, target, body, media_type="application/octet-stream", **headers):
        return self.request("PUT", target, body, content_type=media_type, **headers)

    def delete(self, target, **headers):
        return self.request("DELETE", target, **headers)


class Server:
    """coffer serve on a free port, over a directory that outlives restarts until remove(); see front.py for `through`."""

    def __init__(self, *options, directory=None, through=None):
        self.options = options
        self.root = directory or tempfile.mkdtemp(prefix="coffer-api-")
        self.owned = directory is None
        self.data = os.path.join(self.root, "data")
        self.process = None
        self.front = front.find(through)(self)
        self.output = []

    @property
    def port(self):
        """Where clients dial."""
        return self.front.port

    @property
    def speaks_tls(self):
        """Whether what clients dial is coffer's own TLS."""
        return self.front.name == "tls"

    def command(self, listen="127.0.0.1:0"):
        return [BINARY, "serve", "--data", self.data, "--listen", listen, "--access-log", "off", *self.front.options(),
                *self.options]

    def start(self):
        self.output = []
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace")
        ready, is_up = threading.Event(), []

        def read(stream):
            for line in stream:
                self.output.append(line)
                if not is_up and self.front.heard(line):
                    is_up.append(True)
                    ready.set()
            ready.set()

        self.reader = threading.Thread(target=read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        ready.wait(START_SECONDS)
        if not is_up:
            self.kill()
            raise AssertionError("the server did not start:\n" + "".join(self.output))
        if os.path.exists(self.ca()):
            self.tls = ssl.create_default_context(cafile=self.ca())
        with open(os.path.join(self.data, "admin.token"), encoding="ascii") as file:
            self.token = file.read().strip()
        self.front.started()
        return self

    def ca(self):
        """What its clients trust."""
        return os.path.join(self.data, "tls", "ca.pem")

    def dial(self, timeout=20, source=None, receive_buffer=None):
        """A socket that has said nothing yet."""
        return self.front.dial(timeout, source, receive_buffer)

    def secure(self, connection):
        """What such a socket becomes that may speak HTTP."""
        return self.front.secure(connection)

    def connect(self, timeout=20, source=None, receive_buffer=None):
        connection = self.dial(timeout, source, receive_buffer)
        try:
            return self.secure(connection)
        except BaseException:
            connection.close()
            raise

    def client(self, **options):
        return Client(self, **options)

    def _end(self, number):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join(10)
        self.process.stdout.close()
        self.process = None
        return code

    def stop(self):
        return self._end(signal.SIGTERM)

    def kill(self):
        return self._end(signal.SIGKILL)

    def memory(self, name):
        """A line of /proc/PID/status in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{name}:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024

    def audit(self):
        """The number of events of the verified trail; the server must not run."""
        result = run("audit", "verify", "--data", self.data)
        if result.returncode != 0:
            raise AssertionError(f"audit verify: {result.returncode}\n{result.stdout}{result.stderr}")
        found = re.search(r"(\d+)\s+(?:audit\s+)?events?", result.stdout) or re.search(
            r"events?\D{0,20}(\d+)", result.stdout)
        if not found:
            raise AssertionError(f"audit verify tells no number of events: {result.stdout!r}")
        return int(found.group(1))

    def remove(self):
        self.kill()
        self.front.removed()
        if self.owned:
            shutil.rmtree(self.root, ignore_errors=True)


class ApiTest(unittest.TestCase):
    """One server for the class."""

    options = ()
    through = None  # see front.py

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options, through=cls.through)
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def create(self, body=b"a record", media_type="application/octet-stream", **headers):
        """The path of a new record."""
        answer = self.client.post(body, media_type, **headers)
        self.assertEqual(answer.status, 201, answer.body)
        return answer["Location"]

    def assert_problem(self, answer, status, slug):
        self.assertEqual(answer.status, status, answer.body)
        self.assertTrue(answer.json["type"].endswith(slug), answer.json)


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def in_threads(count, function):
    """function(0..count-1) at the same time; the results in order."""
    results = [None] * count
    barrier = threading.Barrier(count)

    def work(i):
        barrier.wait()
        try:
            results[i] = function(i)
        except Exception as error:  # pylint: disable=broad-except
            results[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results
