#!/usr/bin/python3
"""A crowd of clients that never finish, phase by phase, beside good clients that must not feel it.

slow_crowd.py [--clients N] [--deadline SECONDS]: each phase's crowd must be gone within its deadline and a grace, and
good clients be served meanwhile. What the crowd costs the server and the good clients is printed; script/bench judges
it.
"""

import argparse
import contextlib
import dataclasses
import functools
import json
import os
import resource
import select
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "api"))

import slow  # noqa: E402
from aborts import sockets  # noqa: E402
from harness import Server, wait_until  # noqa: E402

GRACE = 3.0  # seconds, and a tenth of the deadline
GOOD_SOCKETS = 4  # what the good clients may have open at once
DRIP = 1.0  # seconds from drop to drop
TURN = 0.1
SERVED = 0.999
LARGE = 16 << 20  # more than the kernel takes off the server's hands
TCP_REPAIR = 19
TICKS = os.sysconf("SC_CLK_TCK")


class Reading(slow.Slow):
    """Takes a byte a second of its answer."""

    def drip(self):
        try:
            os.read(self.connection.fileno(), 1)
        except OSError:
            pass


def reading(server, path):
    one = slow.response(server, path)
    one.connection.setblocking(False)
    return Reading(one.connection)


def vanished(make, server):
    """The peer is gone without a word, as after a cut cable: the server alone still has the connection."""
    one = make(server)
    one.connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    return one


def can_vanish():
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as one:
        try:
            one.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError:
            return False
    return True


def kinds(path):
    found = {
        "hello, silent": functools.partial(slow.hello, silent=True),
        "hello, dripping": slow.hello,
        "handshake, silent": functools.partial(slow.handshake, silent=True),
        "handshake, dripping": slow.handshake,
        "header, silent": functools.partial(slow.header, silent=True),
        "header, dripping": slow.header,
        "second header, dripping": slow.second_header,
        "idle": slow.idle,
        "body, silent": functools.partial(slow.body, silent=True),
        "body, dripping": slow.body,
        "chunks, dripping": slow.chunks,
        "answer, not read": lambda server: slow.response(server, path),
        "answer, dripping": lambda server: reading(server, path),
    }
    if can_vanish():
        found["half-open, hello"] = functools.partial(vanished, functools.partial(slow.hello, silent=True))
        found["half-open, header"] = functools.partial(vanished, slow.header)
        found["half-open, body"] = functools.partial(vanished, slow.body)
    return found


@dataclasses.dataclass
class Good:
    """What the good clients met."""
    asked: int
    served: int
    p50: float
    p99: float

    @property
    def share(self):
        return self.served / max(1, self.asked)


@contextlib.contextmanager
def good_clients(server, path):
    """A process of its own, which asks at a steady pace until the block ends; the list has a Good then."""
    found = []
    process = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "good_clients.py"), str(server.port), server.data, path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline().strip() != "asking":
            raise RuntimeError("the good clients did not start")
        yield found
    finally:
        answer = process.communicate()[0]
    found.append(Good(**json.loads(answer)))


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Meter:
    """What the server takes of a core, while after while, until the block ends."""

    WHILE = 0.5

    def __init__(self, server):
        self.server = server
        self.shares = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        at, cpu = time.monotonic(), cpu_seconds(self.server)
        while not self.stop.wait(self.WHILE):
            now, spent = time.monotonic(), cpu_seconds(self.server)
            self.shares.append((spent - cpu) / (now - at))
            at, cpu = now, spent

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    @property
    def share(self):
        return statistics.median(self.shares or [0.0])


@dataclasses.dataclass
class Result:
    name: str
    longest: float  # seconds that one of them was there
    cpu: float  # of a core, the median over short whiles
    good: Good


class Crowd:
    def __init__(self, server, make, count):
        self.server = server
        self.before = sockets(server)
        self.born = []
        self.members = []
        for _ in range(count):
            self.members.append(make(server))
            self.born.append(time.monotonic())
        self.poll = select.epoll()
        self.left = {}
        for number, one in enumerate(self.members):
            self.left[one.connection.fileno()] = number
            self.poll.register(one.connection, select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)

    def close(self):
        self.poll.close()
        for one in self.members:
            one.close()

    def hold(self, limit):
        """Drips until all are gone, at most for `limit` seconds; the longest life."""
        longest = 0.0
        end = time.monotonic() + limit
        next_drip = time.monotonic()
        while self.left and time.monotonic() < end:
            for descriptor, _ in self.poll.poll(TURN):
                longest = max(longest, time.monotonic() - self.born[self.left.pop(descriptor)])
                self.poll.unregister(descriptor)
            if time.monotonic() >= next_drip:
                next_drip += DRIP
                for number in self.left.values():
                    self.members[number].drip()
        return longest


def hold_vanished(crowd, limit):
    """Those who hear nothing more are counted where they still are."""
    crowd.close()
    wait_until(lambda: sockets(crowd.server) <= crowd.before + GOOD_SOCKETS, limit)
    return time.monotonic() - crowd.born[-1]


def run_kind(server, path, name, make, chosen):
    """One phase's crowd from beginning to end."""
    # What the kernel takes of an answer counts as taken: the first windows are spent on filling it.
    limit = chosen.deadline * (3.1 if name.startswith("answer") else 1.1) + GRACE
    crowd = Crowd(server, make, chosen.clients)
    try:
        with good_clients(server, path) as found, Meter(server) as meter:
            longest = (hold_vanished if name.startswith("half-open") else Crowd.hold)(crowd, limit)
        left = 0 if name.startswith("half-open") else len(crowd.left)
    finally:
        crowd.close()
    if left or not wait_until(lambda: sockets(server) <= crowd.before):
        raise AssertionError(f"{name}: {max(left, sockets(server) - crowd.before)} of {chosen.clients} are still there "
                             f"after {limit:.1f} s")
    return Result(name, longest, meter.share, found[0])


def idle_run(server, path, seconds):
    with good_clients(server, path) as found, Meter(server) as meter:
        time.sleep(seconds)
    return Result("nobody", 0.0, meter.share, found[0])


def options(deadline):
    time_text = f"{round(deadline * 1000)}ms"
    names = ("hello-timeout", "handshake-timeout", "header-timeout", "idle-timeout", "rate-window")
    limits = ("--max-connections", "20000", "--max-connections-per-address", "20000", "--log-level", "error")
    return [*limits, *(word for name in names for word in (f"--{name}", time_text))]


def run_all(server, chosen):
    """A Result a phase, the first of nobody."""
    with server.client() as client:
        large = client.post(bytes(LARGE))["Location"]
        for _ in range(20):
            client.post(bytes(1024))
    target = "/v1/records?limit=10"
    yield idle_run(server, target, chosen.deadline)
    for name, make in kinds(large).items():
        if not chosen.only or chosen.only in name:
            yield run_kind(server, target, name, make, chosen)


def show(result):
    good = result.good
    print(f"{result.name:24} gone after {result.longest:6.2f} s  cpu {result.cpu:6.1%}  good clients: "
          f"{good.served:5} of {good.asked:5}, p50 {good.p50 * 1e3:6.2f} ms, p99 {good.p99 * 1e3:6.2f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--deadline", type=float, default=10.0, help="of every phase, in seconds")
    parser.add_argument("--only", help="the phases whose name has this in it")
    chosen = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Server(*options(chosen.deadline))
    failed = 0
    try:
        server.start()
        for result in run_all(server, chosen):
            show(result)
            if result.good.share < SERVED:
                print(f"FAILED {result.name}: good clients were not served")
                failed += 1
        if server.stop() != 0:
            print("FAILED: the server did not stop cleanly")
            failed += 1
    except AssertionError as error:
        print(f"FAILED {error}")
        failed += 1
    finally:
        server.remove()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
