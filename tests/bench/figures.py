"""Each figure of the table is one function: it takes a Machine, and gives rows."""

import dataclasses
import os
import statistics
import subprocess
import sys

import ceilings
import nginx
import probe
from machine import HERE, seconds_to_first_answer

ROUNDS = 3
MANY_IDS = 100_000
STORE = "store"  # the one whose records later figures read again
KEK_BITS = 3072  # the default of --kek-bits
NOT_HERE = "not in this build"
MIB = 1 << 20


@dataclasses.dataclass
class Row:
    what: str
    measured: str
    ratio: float | None = None
    ceiling: str = ""
    wanted: str = ""
    aim: str = ""
    met: bool | None = None  # None: there is nothing to meet


def at_least(what, measured, ratio, wanted, aim=None, ceiling=""):
    return Row(what, measured, ratio, ceiling, f">= {wanted}", f">= {aim}" if aim else "", ratio >= wanted)


def at_most(what, measured, value, wanted, ratio=None, unit="", ceiling=""):
    return Row(what, measured, ratio, ceiling, f"<= {wanted}{unit}", "", value <= wanted)


def turns(machine, loads):
    """Runs each of several loads in turn, ROUNDS times, so that all meet the same weather: a list of rates for each."""
    seconds = max(1, machine.seconds // ROUNDS)
    rates = [[] for _ in loads]
    for _ in range(ROUNDS):
        for rate, load in zip(rates, loads):
            rate.append(load(seconds).rate)
    return rates


def ratio_of(rates, base):
    """The median of the ratios of neighbours in time."""
    return statistics.median(rate / beside for rate, beside in zip(rates, base))


def per_second(rates):
    return f"{statistics.median(rates):,.0f}/s"


# ---- rates ----

def writes(machine):
    """post: durable POST of 1 KiB against /v1/health"""
    syncs = ceilings.syncs_per_second(machine.directory)
    raw = {batch: ceilings.sqlite_rows_per_second(machine.directory, batch) for batch in (1, 32)}
    with machine.server(STORE) as server:
        machine.health(server, 1)
        health, post = turns(machine, (lambda s: machine.health(server, s), lambda s: machine.post(server, s)))
    yield Row("health", per_second(health), 1.0)
    yield at_least("POST 1 KiB, durable", per_second(post), ratio_of(post, health), 0.18, 0.21,
                   f"fdatasync {syncs:,.0f}/s; SQLite rows {raw[1]:,.0f}/s alone, {raw[32]:,.0f}/s by 32")


def ready_store(machine, server, count):
    """Ids of at least `count` records, made now if need be."""
    ids = machine.ids(server, MANY_IDS)
    if len(ids) < count:
        machine.fill(server, count - len(ids))
        ids = machine.ids(server, MANY_IDS)
    return ids


def reads(machine):
    """get: GET of 1 KiB, spread over many records, against /v1/health"""
    with machine.server(STORE) as server:
        ids = ready_store(machine, server, 20_000)
        machine.read(server, ids, 1)
        health, read = turns(machine, (lambda s: machine.health(server, s), lambda s: machine.read(server, ids, s)))
        plain = nginx.small_rate(machine, server, max(1, machine.seconds // ROUNDS))
    yield at_least(f"GET 1 KiB, over {len(ids):,} records", per_second(read), ratio_of(read, health), 0.26, 0.31,
                   f"nginx, a file of 1 KiB {plain:,.0f}/s")


def first_reads(machine):
    """first: first reads after a restart against repeated reads of the same records"""
    with machine.server(STORE) as server:
        ids = ready_store(machine, server, 20_000)
    with machine.server(STORE) as server:
        machine.health(server, 1)
        first = machine.read(server, ids, order="once")
        # Only those that the first pass reached: the others would be first reads again.
        again = machine.read(server, ids[:first.requests], order="once")
    yield at_least(f"first reads after a restart, {first.requests:,} of them", f"{first.rate:,.0f}/s",
                   first.rate / again.rate, 0.8, ceiling=f"the same again {again.rate:,.0f}/s")


def reads_by_rsa(machine):
    """rsa: reads with epoch wraps off against raw RSA, and what health feels of it"""
    what = "reads with epoch wraps off"
    raw = ceilings.rsa_per_second(os.path.join(machine.build, "bench_rsa_rate"), KEK_BITS, max(1, machine.seconds / 2))
    ceiling = f"RSA-{KEK_BITS} private, this crypto/ over Nettle: {raw:,.0f}/s on {machine.cores} cores"
    if "--epoch-wraps" not in machine.options:
        yield Row(what, NOT_HERE, ceiling=ceiling)
        return
    with machine.server(STORE, "--epoch-wraps", "off") as server:
        ids = ready_store(machine, server, 20_000)
        with probe.Pacer(server) as idle:
            probe.first_requests(server, 1)
            idle.stop.wait(machine.seconds)
        with probe.Pacer(server) as busy:
            load = machine.read(server, ids)
    yield at_least(what, f"{load.rate:,.0f}/s", load.rate / raw, 0.85, ceiling=ceiling)
    yield at_most("p99 of health meanwhile", f"{busy.p99 * 1e3:.2f} ms", busy.p99 / idle.p99, 10, busy.p99 / idle.p99,
                  " x idle", f"idle {idle.p99 * 1e3:.2f} ms")


# ---- connections ----

class Idle:
    """`count` TLS connections that have made one request, held by a process of their own."""

    def __init__(self, server, count):
        self.count = count
        ca = os.path.join(server.data, "tls", "ca.pem")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "idle.py"), "127.0.0.1", str(server.port), ca, str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "held":
            self.process.wait()
            raise RuntimeError(f"{count:,} idle connections could not be held")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        answer = self.process.communicate()[0].strip()
        if answer != "closed 0":
            raise RuntimeError(f"of {self.count:,} idle connections: {answer or 'the holder died'}")


def idle_connections(machine):
    """idle: busy connections beside 8,000 idle ones against none"""
    with machine.server(STORE) as server:
        ids = ready_store(machine, server, 1000)
        loads = (lambda s: machine.read(server, ids, s), lambda s: machine.post(server, s))
        turns(machine, loads[:1])
        alone = turns(machine, loads)
        with Idle(server, 8000):
            beside = turns(machine, loads)
    for name, with_idle, without in zip(("GET", "POST"), beside, alone):
        yield at_least(f"{name} beside 8,000 idle connections", per_second(with_idle), ratio_of(with_idle, without),
                       0.75, ceiling=f"without them {per_second(without)}")


def new_connections(machine):
    """nagle: the first request on a new connection from a client with Nagle on"""
    with machine.server(STORE) as server:
        probe.first_requests(server, 10)
        times = probe.first_requests(server, 200)
        with probe.connect(server) as connection:
            later = [probe.ask_health(connection) for _ in range(200)]
    worst = probe.percentile(times, 99)
    yield at_most("first answer on a new connection, Nagle on, p99", f"{worst * 1e3:.2f} ms", worst * 1e3, 5,
                  worst / probe.percentile(later, 99), " ms",
                  f"later on the same connection {probe.percentile(later, 99) * 1e3:.2f} ms")


# ---- memory and start ----

def memory(machine):
    """memory: resident size at rest, and with 2,000 and 8,000 connections"""
    def row(what, wanted):
        size = server.memory("VmRSS") / MIB
        return at_most(what, f"{size:.1f} MiB", size, wanted, size / rest if rest else 1.0, " MiB")

    rest = None
    with machine.server(STORE) as server:
        yield row("memory at rest", 32)
        rest = server.memory("VmRSS") / MIB
    for count, wanted in ((2000, 110), (8000, 320)):
        with machine.server(STORE) as server:
            with Idle(server, count):
                yield row(f"memory with {count:,} TLS connections", wanted)


def start(machine):
    """start: from the start of the process to the first answer, on an existing store"""
    with machine.server(STORE) as server:
        ids = ready_store(machine, server, 1000)
    empty = []
    for number in range(5):
        seconds_to_first_answer(machine, "empty")  # makes it
        empty.append(seconds_to_first_answer(machine, "empty"))
        machine.drop("empty")
    times = [seconds_to_first_answer(machine, STORE) for _ in range(5)]
    time = statistics.median(times) * 1e3
    more = " or more" if len(ids) == MANY_IDS else ""
    yield at_most(f"start to first answer, {len(ids):,}{more} records", f"{time:.0f} ms", time, 300,
                  statistics.median(times) / statistics.median(empty), " ms",
                  f"an empty store {statistics.median(empty) * 1e3:.0f} ms")


# ---- a million records ----

def million(machine):
    """million: reads and writes with 1,000,000 records against a store that is nearly empty"""
    with machine.server("million") as server:
        machine.fill(server, 1000)
        ids = machine.ids(server, 1000)
        machine.read(server, ids, 1)
        few = machine.read(server, ids)
        empty = machine.post(server)
        machine.fill(server, 1_000_000)
        full = machine.post(server)
        ids = machine.ids(server, MANY_IDS)
        machine.read(server, ids, 1)
        many = machine.read(server, ids)
    time = statistics.median(seconds_to_first_answer(machine, "million") for _ in range(5)) * 1e3
    machine.drop("million")
    yield at_most("point read at 1,000,000 records, p99", f"{many.p99 * 1e3:.2f} ms", many.p99 / few.p99, 2,
                  many.p99 / few.p99, " x", f"at 1,000 records {few.p99 * 1e3:.2f} ms")
    yield at_least("POST at 1,000,000 records", f"{full.rate:,.0f}/s", full.rate / empty.rate, 0.7,
                   ceiling=f"on an empty store {empty.rate:,.0f}/s")
    yield at_most("start to first answer, 1,000,000 records", f"{time:.0f} ms", time, 300, None, " ms")
