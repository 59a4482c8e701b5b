"""What the service manager hears (sd_notify(3)), and when: a socket of the test's own stands where systemd's would."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import Server, wait_until

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


class Frozen:
    """One thread of a process stopped, the others running: what a hang looks like from outside."""

    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, pid, name):
        self.thread = next(int(tid) for tid in os.listdir(f"/proc/{pid}/task") if self.name_of(pid, tid) == name)

    @staticmethod
    def name_of(pid, tid):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="ascii") as file:
            return file.read().strip()

    def ptrace(self, request):
        if self.libc.ptrace(request, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def __enter__(self):
        try:
            self.ptrace(PTRACE_SEIZE)
        except PermissionError:
            raise unittest.SkipTest("nobody may trace a process here") from None
        self.ptrace(PTRACE_INTERRUPT)
        self.libc.waitpid(self.thread, None, WALL)
        return self

    def __exit__(self, *_):
        self.ptrace(PTRACE_DETACH)


class Told(Server):
    """A server that tells the socket of this name."""

    def __init__(self, name, *options, watchdog=None):
        super().__init__(*options)
        self.environment = {**os.environ, "NOTIFY_SOCKET": name}
        if watchdog:
            self.environment["WATCHDOG_USEC"] = str(watchdog)

    def command(self, listen="127.0.0.1:0"):
        return ["/usr/bin/env", *(f"{name}={self.environment[name]}" for name in self.environment
                                  if name in ("NOTIFY_SOCKET", "WATCHDOG_USEC")), *super().command(listen)]


class Notify(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="coffer-notify-")
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        self.name = os.path.join(self.dir, "notify")

    def listen(self, name=None):
        name = name or self.name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind("\0" + name[1:] if name[0] == "@" else name)
        self.socket.settimeout(30)
        return name

    def serve(self, *options, name=None, watchdog=None):
        server = Told(self.listen(name), *options, watchdog=watchdog)
        self.addCleanup(server.remove)
        return server.start()

    def hear(self):
        return self.socket.recv(8192).decode()

    def hear_until(self, pattern):
        while True:
            message = self.hear()
            if re.search(pattern, message, re.M):
                return message

    def drain(self):
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(8192)
        except BlockingIOError:
            pass
        self.socket.settimeout(30)

    def test_ready_is_told_once_it_serves_and_stopping_at_the_end(self):
        for name in (None, f"@coffer-test-{os.getpid()}"):
            with self.subTest(name=name):
                server = self.serve(name=name)
                self.assertIn(f"STATUS=Port {server.port}. ", self.hear())
                self.assertEqual(self.hear(), "READY=1")
                with server.client() as client:
                    self.assertEqual(client.get("/v1/ready").status, 200)
                self.assertEqual(server.stop(), 0)
                self.assertTrue(self.hear().startswith("STOPPING=1\n"))

    def test_a_socket_that_cannot_be_used_is_said_at_once(self):
        server = Told("relative")
        self.addCleanup(server.remove)
        done = subprocess.run(server.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, encoding="utf-8", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NOTIFY_SOCKET", done.stdout)

    def test_the_state_tells_whether_it_is_sealed(self):
        secret = os.path.join(self.dir, "passphrase")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write("nine lives\n")
        server = self.serve("--passphrase-file", secret, watchdog=3000000)
        self.assertIn("unsealed in memory", self.hear())
        with server.client() as client:
            self.assertEqual(client.request("POST", "/v1/seal").status, 204)
        self.hear_until("^STATUS=.*Sealed")

    def test_hangup_reloads_and_opens_the_access_log_anew(self):
        log = os.path.join(self.dir, "access.log")
        server = self.serve("--access-log", log)
        self.hear_until("^READY=1$")
        with server.client() as client:
            client.get("/v1/health")
        self.assertTrue(wait_until(lambda: os.path.getsize(log) > 0))
        os.rename(log, log + ".1")
        server.process.send_signal(signal.SIGHUP)
        self.assertRegex(self.hear_until("^RELOADING=1$"), r"\ARELOADING=1\nMONOTONIC_USEC=\d+\Z")
        self.assertEqual(self.hear(), "READY=1")
        before = os.path.getsize(log + ".1")
        with server.client() as client:
            client.get("/v1/ready")
        self.assertTrue(wait_until(lambda: os.path.getsize(log) > 0))
        self.assertEqual(os.path.getsize(log + ".1"), before)
        self.assertEqual(server.stop(), 0)

    def test_the_watchdog_is_fed_while_all_moves_and_not_while_a_thread_hangs(self):
        server = self.serve(watchdog=1500000)
        self.hear_until("^READY=1$")
        for thread in ("committer", "loop", "acceptor"):
            with self.subTest(thread=thread):
                self.assertEqual(self.hear_until("^WATCHDOG=1$"), "WATCHDOG=1")
                with Frozen(server.process.pid, thread):
                    self.assertIn("has not moved", self.hear_until("^STATUS=Stuck"))
                    self.socket.settimeout(2)
                    with self.assertRaises(TimeoutError, msg="it is fed although a thread hangs"):
                        self.hear()
                    self.socket.settimeout(30)
                self.hear_until("^WATCHDOG=1$")
        with server.client() as client:
            self.assertEqual(client.post(b"after all that").status, 201)

    def test_the_watchdog_is_fed_while_it_works_hard(self):
        server = self.serve(watchdog=1500000)
        with server.client() as client:
            for _ in range(20):
                self.assertEqual(client.post(os.urandom(1 << 20)).status, 201)
        self.drain()
        self.hear_until("^WATCHDOG=1$")
        self.assertNotIn("has not moved", "".join(server.output))


if __name__ == "__main__":
    unittest.main()
