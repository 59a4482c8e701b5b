"""What a flooded mailbox costs the others, and how soon a waiting client learns of a deposit."""

import os
import threading
import time

from figures import at_most, Row
from probe import connect, percentile

from partners import Partner, rsa_key  # of tests/api

FLOOD = 100_000
PROBES = 1000
WAITERS = 1000
DEPOSITS = 300
OPTIONS = ("--mailbox-messages", "10000000", "--mailbox-bytes", "1000GiB", "--sender-messages", "10000000",
           "--sender-bytes", "1000GiB", "--long-poll", "600s")


def request(method, path, token, body=b""):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def answer(connection):
    """Status and body of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("closed before an answer")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < size:
        body += connection.recv(65536)
    return int(head.split(b" ")[1]), body


def deposit(connection, name, token):
    """Seconds that a deposit took."""
    started = time.perf_counter()
    connection.sendall(request("POST", f"/v1/mailboxes/{name}/messages", token, os.urandom(1024)))
    status, body = answer(connection)
    if status != 201:
        raise RuntimeError(f"a deposit was answered {status}: {body[:200]!r}")
    return time.perf_counter() - started


def probe(server, name, token, count=PROBES):
    """p99 of deposits on one connection, one after the other."""
    with connect(server) as connection:
        return percentile([deposit(connection, name, token) for _ in range(count)], 99)


class Probing:
    """Deposits at a steady pace beside something else, until the block ends."""

    def __init__(self, server, name, token):
        self.server, self.name, self.token = server, name, token
        self.times, self.error, self.stop = [], None, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            with connect(self.server) as connection:
                while not self.stop.wait(0.002):
                    self.times.append(deposit(connection, self.name, self.token))
        except (OSError, RuntimeError) as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        if self.error:
            raise RuntimeError(f"a probe failed: {self.error}")

    @property
    def p99(self):
        return percentile(self.times, 99)


def flood(machine, server, name, count):
    """At least `count` messages into one mailbox, one after the other; how many, and how many a second."""
    made, rate, started = 0, 2000.0, time.monotonic()
    while made < count:
        load = machine.wrk(f"https://127.0.0.1:{server.port}/v1/mailboxes/{name}/messages", "post.lua",
                           max(1, min(20, int((count - made) / rate) + 1)), 1, token=server.token, size=1024)
        made, rate = made + load.requests, load.rate
    return made, made / (time.monotonic() - started)


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waits(server, token):
    """Rows: what WAITERS that nobody writes to cost, and how soon one learns of a deposit beside them."""
    ask = request("GET", "/v1/mailboxes/quiet/messages?wait=600", token["quiet"])
    idle = [connect(server) for _ in range(WAITERS)]
    for connection in idle:
        connection.sendall(ask)
    time.sleep(2)
    before, begun = cpu_seconds(server), time.monotonic()
    time.sleep(5)
    share = (cpu_seconds(server) - before) / (time.monotonic() - begun)
    yield at_most(f"{WAITERS:,} waiting: of a core", f"{share:.1%}", share, 0.02)
    times, after = [], ""
    with connect(server) as waiting, connect(server) as sending:
        for _ in range(DEPOSITS):
            waiting.sendall(request("GET", f"/v1/mailboxes/other/messages?wait=600{after}", token["other"]))
            time.sleep(0.01)
            deposit(sending, "other", server.token)
            sent = time.perf_counter()
            status, body = answer(waiting)
            times.append(max(0.0, time.perf_counter() - sent))
            if status != 200:
                raise RuntimeError(f"a list was answered {status}")
            last = body.rsplit(b'"id":"', 1)[1][:36].decode()
            after = f"&after={last}"
    for connection in idle:
        connection.close()
    p50, p99 = percentile(times, 50), percentile(times, 99)
    yield at_most("from a deposit's answer to the waiting client's", f"p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms",
                  p99, 0.1, unit=" s")


def mailbox(machine):
    """mailbox: deposits beside a mailbox that is flooded with 100,000 messages; long polls (a minute)"""
    with machine.server("mailbox", *OPTIONS) as server:
        token = {}
        for number, name in enumerate(("flooded", "other", "quiet", "busy")):
            token[name] = Partner(server, name, rsa_key(number)).enroll().login().token
        alone = probe(server, "other", server.token)
        yield Row("deposits into an empty mailbox", f"p99 {alone * 1e3:.2f} ms", 1.0)
        with Probing(server, "other", token["other"]) as usual:
            flood(machine, server, "busy", FLOOD // 10)
        yield Row("the same beside one sender into another empty one", f"p99 {usual.p99 * 1e3:.2f} ms",
                  usual.p99 / alone)
        with Probing(server, "other", token["other"]) as beside:
            made, rate = flood(machine, server, "flooded", FLOOD)
        yield at_most(f"  while that sender puts {made:,} into one mailbox ({rate:,.0f}/s)",
                      f"p99 {beside.p99 * 1e3:.2f} ms", beside.p99 / usual.p99, 2, beside.p99 / usual.p99,
                      " x at first", f"{beside.p99 / alone:.2f} x alone")
        after = probe(server, "other", server.token)
        yield at_most("others' deposits afterwards", f"p99 {after * 1e3:.2f} ms", after / alone, 2, after / alone,
                      " x alone")
        full = probe(server, "flooded", server.token)
        yield at_most("deposits into the flooded one", f"p99 {full * 1e3:.2f} ms", full / alone, 2, full / alone,
                      " x alone")
        yield from waits(server, token)
    machine.drop("mailbox")
