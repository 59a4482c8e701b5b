"""Ten times as many clients as the service takes: what it still does for those that it serves, and how soon it is over."""

import concurrent.futures
import contextlib
import json
import os
import re
import subprocess
import sys
import time

import probe
from figures import at_least, at_most, per_second
from machine import CONNECTIONS, HERE, LoadError

TIMES = 10
PATIENCE = 5.0  # seconds until all is as before
LONGER = 5  # a minute where other loads take twelve seconds
HEAD_START = 0.5  # seconds, so that the connections are those of wrk
QUIET = 20  # answers in a row, by which service counts as normal


class Sorted:
    def __init__(self, text, seconds):
        found = re.search(r"^SORTED (.*)$", text, re.M)
        if not found:
            raise LoadError(f"wrk: {text.strip()[-300:]}")
        fields = dict(field.split("=") for field in found.group(1).split())
        self.good, self.refused = int(fields["good"]), int(fields["refused"])
        if int(fields["wrong"]):
            raise LoadError(f"{fields['wrong']} answers were neither right nor a refusal with Retry-After, one of them "
                            f"{fields['example']}")
        self.rate = self.good / seconds


def run(machine, server, connections, seconds):
    """One run of wrk. Socket errors are part of an overload, and are not counted."""
    command = machine.wrk_command(f"https://127.0.0.1:{server.port}/v1/records", "overload.lua", seconds, connections)
    environment = machine.wrk_environment(connections, token=server.token, size=1024)
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False)
    return Sorted(result.stdout, seconds)


def seconds_until_normal(server, usual):
    """Until new connections and writes on them take about what they took before, QUIET times in a row."""
    begin = time.monotonic()
    quiet = 0
    while quiet < QUIET and time.monotonic() - begin < 4 * PATIENCE:
        start = time.perf_counter()
        try:
            with server.client() as client:
                status = client.post(b"after", check=False).status
        except OSError:
            status = 0
        quiet = quiet + 1 if status == 201 and time.perf_counter() - start < 5 * usual else 0
    return time.monotonic() - begin


def usual_time(server):
    times = []
    for _ in range(50):
        start = time.perf_counter()
        with server.client() as client:
            client.post(b"before", check=False)
        times.append(time.perf_counter() - start)
    return probe.percentile(times, 90)


def rows(what, peak, crowd_rate, refused, after, usual, unanswered=0):
    yield at_least(f"goodput at {TIMES} times {what}", per_second([crowd_rate]), crowd_rate / peak, 0.8,
                   ceiling=f"peak {peak:,.0f}/s; {refused:,} refused with Retry-After, {unanswered} unanswered")
    yield at_most("normal service again after", f"{after:.1f} s", after, PATIENCE, None, " s",
                  f"{QUIET} writes at up to 5 times {usual * 1e3:.1f} ms")


def too_many_requests(machine):
    """From as many connections as come: the queue has room for a tenth of what they ask."""
    with machine.server("overload", "--queue-depth", str(CONNECTIONS)) as server:
        usual = usual_time(server)
        peak = run(machine, server, CONNECTIONS, machine.seconds)
        crowd = run(machine, server, TIMES * CONNECTIONS, LONGER * machine.seconds)
        after = seconds_until_normal(server, usual)
        again = run(machine, server, CONNECTIONS, machine.seconds)
    if not crowd.refused:
        raise LoadError("nobody was refused, so this was no overload")
    yield from rows("the queue's room", (peak.rate + again.rate) / 2, crowd.rate, crowd.refused, after, usual)


@contextlib.contextmanager
def unwanted(server, count):
    """Beyond the limit of connections, in a process of their own; the dictionary has what they were told then."""
    told = {}
    process = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "unwanted.py"), str(server.port), os.path.join(server.data, "tls", "ca.pem"),
         str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield told
    finally:
        answer = process.communicate()[0]
    told.update(json.loads(answer))


def too_many_connections(machine):
    """Those who were first keep what they have."""
    with machine.server("overload", "--max-connections", str(CONNECTIONS)) as server:
        usual = usual_time(server)
        peak = run(machine, server, CONNECTIONS, machine.seconds)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(run, machine, server, CONNECTIONS, LONGER * machine.seconds)
            time.sleep(HEAD_START)
            with unwanted(server, (TIMES - 1) * CONNECTIONS) as told:
                time.sleep(LONGER * machine.seconds - 2 * HEAD_START)
            crowd = first.result()
        after = seconds_until_normal(server, usual)
        again = run(machine, server, CONNECTIONS, machine.seconds)
    wrong = {what: count for what, count in told.items() if what not in ("refused", "served", "told nothing")}
    if wrong or not told.get("refused"):
        raise LoadError(f"those without room were told {told}")
    yield from rows("the connections", (peak.rate + again.rate) / 2, crowd.rate, told["refused"], after, usual,
                    told.get("told nothing", 0))


def overload(machine):
    """overload: ten times the clients that the queue, and then the connections, have room for"""
    for figure in (too_many_requests, too_many_connections):
        yield from figure(machine)
        machine.drop("overload")
