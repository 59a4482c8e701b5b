"""A CA of one's own: Debian's pebble, beside pebble-challtestsrv for its DNS, on loopback and free ports."""

import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

TRUST = "/etc/ssl/certs/ca-certificates.crt"
TOOLS = ("pebble", "pebble-challtestsrv", "uacme", "openssl", "unshare", "setpriv", "ip", "faketime", "curl")


def missing():
    """The tools that are not there."""
    return [name for name in TOOLS if not shutil.which(name)]


def free_port():
    """For TCP and UDP, and none that the kernel takes for an outgoing connection: it is free after a restart too."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def in_namespace(bundle, command):
    """The command where `bundle` is what the system trusts; the machine itself does not change."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = 'mount --bind "$0" "$1" && shift && exec "$@"'
    return ["unshare", *user, "--mount", "--propagation", "private", "sh", "-c", script, bundle, TRUST, *command]


class Root:
    """The CA of pebble's own HTTPS, and what a machine that trusts it trusts."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="coffer-acme-")
        self.certificate, self.key, self.bundle = (
            os.path.join(self.folder, name) for name in ("root.pem", "root.key", "bundle.pem"))
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=test root", "-keyout", self.key, "-out", self.certificate)
        with open(self.bundle, "wb") as bundle:
            for path in (TRUST, self.certificate):
                with open(path, "rb") as file:
                    bundle.write(file.read() + b"\n")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True)

    def leaf(self, name):
        """The paths of a certificate for loopback and of its key."""
        path = os.path.join(self.folder, name)
        with open(path + ".ext", "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=pebble",
                      "-keyout", path + ".key", "-out", path + ".csr")
        self._openssl("x509", "-req", "-in", path + ".csr", "-CA", self.certificate, "-CAkey", self.key,
                      "-CAcreateserial", "-days", "2", "-extfile", path + ".ext", "-out", path + ".pem")
        return path + ".pem", path + ".key"

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Pebble:
    """start() and stop() as often as one likes: each start forgets accounts, and has another root."""

    def __init__(self, root, challenge_port, name="pebble", validity=0, **environment):
        self.root = root
        self.environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0",
                            **environment}
        self.port, self.management, self.dns_management, self.dns = (free_port() for _ in range(4))
        certificate, key = root.leaf(name)
        self.config = os.path.join(root.folder, name + ".json")
        self.log_path = os.path.join(root.folder, name + ".log")
        settings = {"listenAddress": f"127.0.0.1:{self.port}",
                    "managementListenAddress": f"127.0.0.1:{self.management}", "certificate": certificate, "privateKey": key, "httpPort": challenge_port, "tlsPort": free_port(),
                    "certificateValidityPeriod": validity}
        with open(self.config, "w", encoding="ascii") as file:
            json.dump({"pebble": settings}, file)
        self.processes = []

    @property
    def directory(self):
        return f"https://127.0.0.1:{self.port}/dir"

    def start(self):
        log = open(self.log_path, "ab")  # pylint: disable=consider-using-with
        with log:
            for command in (
                    ["pebble-challtestsrv", "-management", f"127.0.0.1:{self.dns_management}",
                     "-dns01", f"127.0.0.1:{self.dns}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                     "-http01", "", "-https01", "", "-tlsalpn01", ""],
                    ["pebble", "-config", self.config, "-dnsserver", f"127.0.0.1:{self.dns}"]):
                self.processes.append(subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.environment}))
        if not all(wait_until(lambda port=port: listens(port), 30)
                   for port in (self.port, self.management, self.dns_management)):
            self.stop()
            raise AssertionError("pebble did not start: " + self.log())
        return self

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def issuer(self):
        """The root of what it issues, as PEM."""
        context = ssl.create_default_context(cafile=self.root.certificate)
        with urllib.request.urlopen(f"https://127.0.0.1:{self.management}/roots/0", context=context) as answer:
            return answer.read().decode("ascii")

    def tell_dns(self, command, **value):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.dns_management}/{command}", data=json.dumps(value).encode(), method="POST")
        urllib.request.urlopen(request).close()
