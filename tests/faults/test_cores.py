#!/usr/bin/python3
"""Core dumps, logs, and what /proc shows of a running server hold no token, no private key and no passphrase."""

import base64
import glob
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from Cryptodome.PublicKey import RSA  # noqa: E402
from harness import Server, run  # noqa: E402

PAGE = 4096
ZEROS = bytes(PAGE)
PASSPHRASE = "a passphrase that stands in no core 7316"


def forms(value):
    """The bytes, and how they look in hexadecimal and base64, without the end that what follows would change."""
    standard = base64.b64encode(value).rstrip(b"=")[:-2]
    return (value, value.hex().encode(), value.hex().upper().encode(), standard,
            standard.replace(b"+", b"-").replace(b"/", b"_"))


def numbers(key):
    """The private parts of an RSA key, as they stand in DER and as GMP holds them."""
    for name, number in (("d", key.d), ("p", key.p), ("q", key.q), ("dp", key.d % (key.p - 1)),
                         ("dq", key.d % (key.q - 1))):
        size = (number.bit_length() + 7) // 8
        yield f"KEK {name}", number.to_bytes(size, "big")
        yield f"KEK {name}, limbs", number.to_bytes(size, "little")


def found_in(content, secrets):
    return [name for name, value in secrets.items() if any(form in content for form in forms(value))]


@unittest.skipUnless(os.geteuid() == 0, "only root makes cores of a process that hardens itself")
class Cores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="coffer-cores-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        secret = os.path.join(cls.root, "passphrase")
        with open(secret, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(PASSPHRASE + "\n")
        cls.log = os.path.join(cls.root, "access.log")
        # In clear first, so that the private key can be read here; then locked by the passphrase.
        cls.server = Server("--passphrase-file", secret, "--access-log", cls.log, directory=cls.root)
        cls.addClassCleanup(cls.server.kill)
        options, cls.server.options = cls.server.options, ()
        cls.server.start()
        cls.server.stop()
        keys = os.path.join(cls.server.data, "keys")
        with open(glob.glob(f"{keys}/kek-*.pem")[0], encoding="ascii") as file:
            cls.secrets = dict(numbers(RSA.import_key(file.read())))
        done = run("passphrase", "change", "--data", cls.server.data, "--new-passphrase-file", secret)
        assert done.returncode == 0, done.stderr
        with open(f"{keys}/store.key", "rb") as file:
            cls.secrets["store key"] = file.read()
        with open(f"{keys}/identity.pem", encoding="ascii") as file:
            der = base64.b64decode("".join(file.read().splitlines()[1:-1]))
        cls.secrets |= {"identity key": der[-32:], "passphrase": PASSPHRASE.encode()}
        for name in ("ca.key", "server.key"):
            with open(os.path.join(cls.server.data, "tls", name), encoding="ascii") as file:
                cls.secrets[name] = file.read().splitlines()[2].encode()
        cls.server.options = options
        cls.server.start()
        cls.tokens = {"token": cls.server.token.encode(),
                      "token's value": base64.urlsafe_b64decode(cls.server.token.removeprefix("coffer_") + "=")}
        cls.secrets |= cls.tokens
        cls.client = cls.server.client()  # its connection stays open, with all that the server keeps for it
        cls.addClassCleanup(cls.client.close)
        for _ in range(20):
            path = cls.client.post(b"a record")["Location"]
            assert cls.client.get(path).status == 200
        cls.record = uuid.UUID(path.rsplit("/", 1)[1]).bytes

    def proc(self, name):
        return f"/proc/{self.server.process.pid}/{name}"

    def core(self):
        """What gcore makes: it stops the process, reads its memory and lets it go on."""
        name = os.path.join(self.root, "core")
        pid = self.server.process.pid
        done = subprocess.run(["gcore", "-o", name, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=300, check=False, env=os.environ | {"DEBUGINFOD_URLS": ""})
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(f"{name}.{pid}", "rb") as file:
            content = file.read()
        os.unlink(f"{name}.{pid}")
        self.assertEqual(content[:4], b"\x7fELF")
        # Most of it was never written: without those pages the search takes seconds.
        return b"".join(page for page in (content[at:at + PAGE] for at in range(0, len(content), PAGE)) if page != ZEROS)

    @unittest.skipUnless(shutil.which("gcore"), "gcore is not installed: no core of the running server")
    def test_a_core_that_root_makes_holds_nothing(self):
        self.assertEqual(found_in(self.core(), self.secrets), [])

    @unittest.skipUnless(shutil.which("gcore"), "gcore is not installed: no core of the running server")
    def test_keys_are_in_no_core_though_somebody_asks_for_the_heaps(self):
        """That the search can fail, the id of a record shows: it is in the pages that SQLite keeps."""
        with open(self.proc("coredump_filter"), "r+", encoding="ascii") as file:
            before = file.read()
            file.write("0x33")  # what the kernel has by default
        content = self.core()
        with open(self.proc("coredump_filter"), "w", encoding="ascii") as file:
            file.write("0x" + before.strip())
        self.assertGreater(len(content), 1 << 20)
        self.assertEqual(set(found_in(content, self.secrets)) - set(self.tokens), set())
        self.assertEqual(found_in(content, {"id": self.record}), ["id"])

    def test_logs_arguments_and_environment(self):
        self.assertEqual(found_in("".join(self.server.output).encode(), self.secrets), [])
        for name in (self.log, self.proc("cmdline"), self.proc("environ")):
            with open(name, "rb") as file:
                content = file.read()
            self.assertTrue(content, name)
            self.assertEqual(found_in(content, self.secrets), [], name)
            if name.endswith("cmdline"):
                self.assertIn(b"--passphrase-file", content)


class Abort(unittest.TestCase):
    def setUp(self):
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))  # ulimit -c, as those inherit it that are started
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, limits)

    @staticmethod
    def left_behind(start):
        """Files that the end of a process by SIGABRT leaves in its working directory."""
        with tempfile.TemporaryDirectory() as directory:
            process = start(directory)
            process.send_signal(signal.SIGABRT)
            process.wait(60)
            return os.listdir(directory)

    def test_the_kernel_writes_no_core(self):
        with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
            pattern = file.read()
        if pattern.startswith(("|", "/")):
            self.skipTest(f"cores go to {pattern.strip()} here, not into the working directory")
        other = self.left_behind(lambda directory: subprocess.Popen(["sleep", "60"], cwd=directory))
        if not any(name.startswith("core") for name in other):
            self.skipTest("the kernel writes no cores of other processes either")
        server = Server()
        self.addCleanup(server.remove)

        def serve(directory):
            here = os.getcwd()
            os.chdir(directory)
            try:
                return server.start().process
            finally:
                os.chdir(here)

        self.assertEqual(self.left_behind(serve), [])


if __name__ == "__main__":
    unittest.main()
