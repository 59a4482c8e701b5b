"""The place where figures are taken: a directory on a real disk, servers in it, and wrk."""

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "api"))
os.environ.setdefault("COFFER_BINARY", os.path.join(ROOT, "build", "release", "coffer"))

from harness import BINARY, Server  # pylint: disable=wrong-import-position

CONNECTIONS = 64
RECORD_SIZE = 1024
LIMITS = ("--max-connections", "20000", "--max-connections-per-address", "20000", "--idle-timeout", "10min")


class LoadError(Exception):
    """wrk met an answer other than 2xx, or a socket error: no figure can be taken from that."""


class Load:
    """What one run of wrk measured."""

    def __init__(self, fields):
        self.requests = fields["requests"]
        self.seconds = fields["microseconds"] / 1e6
        self.p50, self.p99 = fields["p50"] / 1e6, fields["p99"] / 1e6

    @property
    def rate(self):
        return self.requests / self.seconds


class Machine:
    """Holds the working directory, under the build directory and so on a real disk; remove() takes it away."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.build = os.path.dirname(BINARY)
        self.directory = tempfile.mkdtemp(prefix="bench-", dir=self.build)
        self.cores = os.cpu_count()
        help_text = subprocess.run([BINARY, "serve", "--help"], stdout=subprocess.PIPE, check=True, text=True).stdout
        self.options = set(re.findall(r"^\s+(--[a-z-]+)", help_text, re.M))

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    @contextlib.contextmanager
    def server(self, store, *options):
        """coffer over the named store, which is made when it is not there and stays."""
        root = self.path(store)
        os.makedirs(root, exist_ok=True)
        server = Server(*LIMITS, *options, directory=root)
        try:
            yield server.start()
            if server.process.poll() is not None:
                raise RuntimeError("the server died:\n" + "".join(server.output[-20:]))
            code = server.stop()
            if code != 0:
                raise RuntimeError(f"the server ended with {code}:\n" + "".join(server.output[-20:]))
        finally:
            server.kill()

    def drop(self, store):
        shutil.rmtree(self.path(store), ignore_errors=True)

    def wrk_environment(self, connections, **variables):
        """Variables reach the Lua script as BENCH_NAME."""
        return dict(os.environ, BENCH_LUA=HERE, BENCH_THREADS=str(min(self.cores, connections)),
                    **{f"BENCH_{name.upper()}": str(value) for name, value in variables.items()})

    def wrk_command(self, url, script, seconds, connections):
        return ["wrk", "-t", str(min(self.cores, connections)), "-c", str(connections), "-d", f"{seconds}s",
                "--timeout", "30s", "-s", os.path.join(HERE, script), url]

    def wrk(self, url, script, seconds=None, connections=CONNECTIONS, **variables):
        """One run of wrk; the variables are for wrk_environment()."""
        environment = self.wrk_environment(connections, **variables)
        command = self.wrk_command(url, script, seconds or self.seconds, connections)
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                check=False)
        found = re.search(r"^BENCH (.*)$", result.stdout, re.M)
        if result.returncode != 0 or not found:
            raise LoadError(f"wrk: {result.stdout.strip()[-300:]}")
        fields = {name: int(value) for name, value in (field.split("=") for field in found.group(1).split())}
        wrong = [f"{fields[name]} {what}" for name, what in (
            ("status", "answers not 2xx"), ("connect", "failed connects"), ("read", "read errors"),
            ("write", "write errors"), ("timeout", "timeouts")) if fields[name]]
        if wrong or not fields["requests"]:
            raise LoadError("wrk: " + (", ".join(wrong) or "no answers"))
        return Load(fields)

    # ---- the three loads ----

    def health(self, server, seconds=None, connections=CONNECTIONS):
        return self.wrk(f"https://127.0.0.1:{server.port}/v1/health", "get.lua", seconds, connections)

    def post(self, server, seconds=None, connections=CONNECTIONS, size=RECORD_SIZE):
        return self.wrk(f"https://127.0.0.1:{server.port}/v1/records", "post.lua", seconds, connections,
                        token=server.token, size=size)

    def read(self, server, ids, seconds=None, connections=CONNECTIONS, order="random"):
        """GET of the records of a list, spread over all of it."""
        name = self.path("ids")
        with open(name, "w", encoding="ascii") as file:
            file.writelines(id + "\n" for id in ids)
        return self.wrk(f"https://127.0.0.1:{server.port}/v1/records", "records.lua", seconds, connections,
                        token=server.token, ids=name, order=order)

    # ---- records ----

    def fill(self, server, count):
        """Posts until at least `count` more records are there."""
        made = 0
        rate = 1000.0
        while made < count:
            load = self.post(server, seconds=max(1, min(20, int((count - made) / rate) + 1)))
            made += load.requests
            rate = load.rate

    def ids(self, server, most):
        """Ids from all over the store, in an order that says nothing."""
        found = []
        after = ""
        with server.client() as client:
            while after is not None:
                answer = client.request("GET", f"/v1/records?limit=1000{after}", check=False)
                if answer.status != 200:
                    raise LoadError(f"the list of records answered {answer.status}")
                page = json.loads(answer.body)
                found += [item["id"] for item in page["records"]]
                after = "&after=" + page["next"] if page.get("next") else None
        random.Random(1).shuffle(found)
        return found[:most]


def seconds_to_first_answer(machine, store):
    """From the start of the process to the first answer on a connection."""
    import probe  # pylint: disable=import-outside-toplevel
    started = time.perf_counter()
    with machine.server(store) as server:
        with probe.connect(server) as connection:
            probe.ask_health(connection)
            return time.perf_counter() - started
