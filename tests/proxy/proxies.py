"""Real proxies in front of the server under test, with the very configurations that docs/examples shows.

Only places are put in the place of places: each must be in the file, or the test fails."""

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import time
import unittest

import front
from front import LOOPBACK, free_port

EXAMPLES = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "examples"))
START_SECONDS = 20


def example(name, places):
    with open(os.path.join(EXAMPLES, name), encoding="utf-8") as file:
        text = file.read()
    for place, other in places.items():
        if place not in text:
            raise AssertionError(f"docs/examples/{name} does not have: {place}")
        text = text.replace(place, other)
    return text


class Proxy(front.Tls):
    """The server listens with TLS too, whose certificate and CA the proxy shows."""

    ready = front.Plain.ready
    program = None
    tcp = False

    def __init__(self, server):
        super().__init__(server)
        if not shutil.which(self.program):
            raise unittest.SkipTest(f"{self.program} is not installed")
        self.folder = os.path.join(server.root, self.name)
        self.port = free_port()
        self.plain_port = free_port()
        self.process = None

    def options(self):
        http = f"{LOOPBACK}:{self.plain_port}" if self.tcp else f"unix:{self.socket_path()}"
        origins = ",".join(f"https://{host}:{self.port}" for host in (LOOPBACK, "localhost"))
        return ("--http", http, "--trusted-proxy", LOOPBACK if self.tcp else "unix", "--origin", origins)

    def heard(self, line):
        return "coffer is ready for a proxy at" in line

    def socket_path(self):
        return os.path.join(self.server.root, "http")

    def certificate(self, name):
        return os.path.join(self.server.data, "tls", name)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def started(self):
        """It outlives restarts of the server, as it would."""
        if self.process:
            return
        os.makedirs(self.folder, exist_ok=True)
        atexit.register(self.removed)  # whatever becomes of the test
        log = os.path.join(self.folder, "output")
        with open(log, "wb") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env={**os.environ, "HOME": self.folder, "XDG_DATA_HOME": self.folder,
                                                 "XDG_CONFIG_HOME": self.folder})
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as attempt:
                if attempt.connect_ex((LOOPBACK, self.port)) == 0:
                    return
            time.sleep(0.02)
        self.removed()
        with open(log, encoding="utf-8", errors="replace") as file:
            raise AssertionError(f"{self.program} did not start:\n{file.read()}")

    def removed(self):
        if not self.process:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None


class Nginx(Proxy):
    name = "nginx"
    program = "nginx"

    def __init__(self, server):
        super().__init__(server)
        self.redirect_port = free_port()

    def log(self):
        """Of each request: where it was passed on to and the request id of coffer's answer (or -, each), the status, and
        the request line."""
        with open(os.path.join(self.folder, "access"), encoding="utf-8") as file:
            return file.read().splitlines()

    def command(self):
        plain = f"server {LOOPBACK}:{self.plain_port};" if self.tcp else f"server unix:{self.socket_path()};"
        self.write("site.conf", example("nginx.conf", {
            "    server unix:/run/coffer/http;": f"    {plain}",
            "listen [::]:80 ipv6only=off;": f"listen {LOOPBACK}:{self.redirect_port};",
            "listen [::]:443 ssl ipv6only=off;": f"listen {LOOPBACK}:{self.port} ssl;",
            "/etc/letsencrypt/live/records.example.org/fullchain.pem": self.certificate("server.pem"),
            "/etc/letsencrypt/live/records.example.org/privkey.pem": self.certificate("server.key"),
        }))
        temps = "".join(f"    {kind}_temp_path {self.folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        path = self.write("nginx.conf", f"""daemon off;
{user}
worker_processes 2;
pid {self.folder}/pid;
error_log {self.folder}/error warn;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    log_format ids '$upstream_addr $upstream_http_coffer_request_id $status $request';
    access_log {self.folder}/access ids;
{temps}    include {self.folder}/site.conf;
}}
""")
        return ["nginx", "-e", os.path.join(self.folder, "error"), "-c", path]


class NginxTcp(Nginx):
    name = "nginx-tcp"
    tcp = True


class Caddy(Proxy):
    name = "caddy"
    program = "caddy"

    def command(self):
        own = "{\n\tadmin off\n\tauto_https off\n}\n"
        tls = f"\ttls {self.certificate('server.pem')} {self.certificate('server.key')}"
        path = self.write("Caddyfile", own + example("Caddyfile", {
            "records.example.org {": f"https://{LOOPBACK}:{self.port}, https://localhost:{self.port} {{\n{tls}",
            "unix//run/coffer/http": f"unix/{self.socket_path()}",
        }))
        return ["caddy", "run", "--adapter", "caddyfile", "--config", path]


class Haproxy(Proxy):
    name = "haproxy"
    program = "haproxy"

    def command(self):
        both = ""
        for name in ("server.pem", "server.key"):
            with open(self.certificate(name), encoding="ascii") as file:
                both += file.read()
        pem = self.write("both.pem", both)
        path = self.write("haproxy.cfg", example("haproxy.cfg", {
            "log /dev/log local0": "log stderr local0",
            "bind :443 ssl crt /etc/haproxy/records.example.org.pem": f"bind {LOOPBACK}:{self.port} ssl crt {pem}",
            "unix@/run/coffer/http": f"unix@{self.socket_path()}",
        }))
        return ["haproxy", "-db", "-f", path]


FRONTS = {front.name: front for front in (Nginx, NginxTcp, Caddy, Haproxy)}
