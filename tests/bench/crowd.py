"""What clients that never finish cost the server, and the clients beside them."""

import argparse
import os
import sys

from figures import Row, at_least, at_most
from machine import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "faults"))

import slow_crowd  # pylint: disable=wrong-import-position

CLIENTS = 1000
DEADLINE = 10.0


def crowd(machine):
    """crowd: 1,000 clients that drip or are silent, in each phase of a connection, beside good ones"""
    chosen = argparse.Namespace(clients=CLIENTS, deadline=DEADLINE, only=None)
    with machine.server("crowd", *slow_crowd.options(DEADLINE)) as server:
        nobody, *results = slow_crowd.run_all(server, chosen)
    machine.drop("crowd")
    idle = nobody.good.p99
    yield Row("good clients alone", f"p99 {idle * 1e3:.2f} ms", 1.0, f"{nobody.cpu:.1%} of a core")
    for result in results:
        good = result.good
        what = f"{CLIENTS:,} clients, {result.name}"
        beside = f"gone after {result.longest:.1f} s; with the good clients {result.cpu:.1%} of a core"
        yield at_most(f"{what}: of a core", f"{result.cpu - nobody.cpu:.1%}", result.cpu - nobody.cpu, 0.1,
                      ceiling=beside)
        yield at_most("  p99 of good clients", f"{good.p99 * 1e3:.2f} ms", good.p99 / idle, 2, good.p99 / idle, " x idle")
        yield at_least("  of them served", f"{good.served} of {good.asked}", good.share, slow_crowd.SERVED)
