"""New connections a second, with a session ticket and without: OpenSSL's s_time, as many as there are cores."""

import os
import re
import statistics
import subprocess

from figures import Row, at_least, per_second, ratio_of, turns
from machine import LoadError

WANTED = 1.8
TICKS = os.sysconf("SC_CLK_TCK")


class Load:
    """What the connections of a while came to."""

    def __init__(self, server, cores, version, again, seconds):
        before = cpu_seconds(server)
        clients = [subprocess.Popen(
            ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-CAfile", server.ca(), "-verify", "3", version,
             "-reuse" if again else "-new", "-time", str(seconds), "-www", "/v1/health"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(cores)]
        said = [client.communicate()[0] for client in clients]
        count = 0
        for text in said:
            found = re.search(r"(\d+) connections in (\d+) real seconds", text)
            # One sign a connection: r for a session that was resumed.
            resumed = max((len(signs) for signs in re.findall(r"^r+$", text, re.M)), default=0)
            if not found or (again and resumed < int(found[1]) * 0.9) or (not again and resumed):
                raise LoadError(f"s_time {version}, {'with' if again else 'without'} a ticket: {text[-400:]}")
            count += int(found[1])
        self.rate = count / seconds
        self.each = (cpu_seconds(server) - before) / count


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resumption(machine):
    """resumption: new connections with a session ticket against those without"""
    with machine.server("resumption") as server:
        for version, name in (("-tls1_3", "TLS 1.3"), ("-tls1_2", "TLS 1.2")):
            taken = {True: [], False: []}

            def load(seconds, again, version=version, taken=taken):
                taken[again].append(Load(server, machine.cores, version, again, max(2, seconds)))
                return taken[again][-1]

            with_ticket, without = turns(machine, (lambda s, load=load: load(s, True), lambda s, load=load: load(s, False)))
            yield at_least(f"new connections by ticket, {name}", per_second(with_ticket), ratio_of(with_ticket, without),
                           WANTED, ceiling=f"without {per_second(without)}")
            each = {again: statistics.median(one.each for one in loads) * 1e6 for again, loads in taken.items()}
            yield Row(f"the server's processor time for one, {name}", f"{each[True]:.0f} µs", each[False] / each[True],
                      f"without a ticket {each[False]:.0f} µs")
    machine.drop("resumption")
