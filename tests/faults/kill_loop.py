#!/usr/bin/python3
"""Kills the server at random moments under 16 writers, and holds it to every answer that it gave.

kill_loop.py [--rounds N] [--seconds N] [--seed N]: the same seed draws the same delays and much the same requests; what the kill
meets is up to the scheduler.
"""

import argparse
import http.client
import os
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from harness import Server, in_threads  # noqa: E402

WRITERS = 16
READERS = 4
START_LIMIT = 2.0
LONGEST_LIFE = 0.3  # seconds of a round under load
KILL_AT_START_EVERY = 10  # rounds, in which a start is killed too
KNOWN = 200  # of earlier rounds, which the writers also replace and delete
OLD_RECORDS = 20  # of earlier rounds, read again after each kill
REPLAYS = 12
AUDIT_EVERY = 25
LAST_READS = 3000
CHUNK = 65536
GONE = "gone"
LOST = (OSError, http.client.HTTPException)


class Broken(Exception):
    pass


def body_of(label):
    """The bytes that a label stands for: whoever reads them can tell whether they are whole."""
    size = int(label.rsplit(" ", 1)[1])
    return label.encode() + b"\n" + random.Random(label).randbytes(size)


class Record:
    """What may be found under a path: one outcome when the last request was answered, two when it was not."""

    def __init__(self, label, key):
        self.path = None
        self.key = key
        self.label = label
        self.outcomes = set()

    @property
    def certain(self):
        return len(self.outcomes) == 1 and self.outcomes != {GONE}

    @property
    def current(self):
        return next(iter(self.outcomes))


class Loop:
    def __init__(self, server, seed):
        self.server = server
        self.seed = seed
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.records = {}  # by path
        self.paths = []  # the same, to draw from
        self.unanswered = {}  # new records without a path yet, by label
        self.cursor = None
        self.starts = []
        self.answered = {"POST": 0, "PUT": 0, "DELETE": 0}
        self.doubtful = 0

    # ---- writing

    def create(self, client, label, key):
        record = Record(label, key)
        with self.lock:
            self.unanswered[label] = record
        answer = client.post(body_of(label), "text/plain", check=False, idempotency_key=key)
        if answer.status != 201 or answer["ETag"] != '"1"':
            raise Broken(f"POST: {answer.status} {answer.body[:200]}")
        with self.lock:
            self.keep(record, answer["Location"], {(1, label)})
            self.answered["POST"] += 1
        return record

    def some(self, count):
        return [self.records[path] for path in self.random.sample(self.paths, min(count, len(self.paths)))]

    def keep(self, record, path, outcomes):
        del self.unanswered[record.label]
        record.path = path
        record.outcomes = outcomes
        self.records[path] = record
        self.paths.append(path)

    def replace(self, client, record, label):
        version = record.current[0]
        before = record.outcomes
        record.outcomes = before | {(version + 1, label)}
        answer = client.put(record.path, body_of(label), "text/plain", check=False, if_match=f'"{version}"')
        if answer.status not in (200, 204) or answer["ETag"] != f'"{version + 1}"':
            raise Broken(f"PUT: {answer.status} {answer.body[:200]}")
        record.outcomes = {(version + 1, label)}
        with self.lock:
            self.answered["PUT"] += 1

    def delete(self, client, record):
        record.outcomes = record.outcomes | {GONE}
        answer = client.delete(record.path, check=False)
        if answer.status != 204:
            raise Broken(f"DELETE: {answer.status} {answer.body[:200]}")
        record.outcomes = {GONE}
        with self.lock:
            self.answered["DELETE"] += 1

    def write(self, client, number, writer, mine, touched):
        draw = random.Random(f"{self.seed} {number} {writer}")
        for step in range(1_000_000):
            kind = draw.random()
            large = draw.random() < 0.15
            size = draw.randrange(CHUNK, 8 * CHUNK) if large else draw.randrange(0, 2000)
            label = f"kill {self.seed} {number} {writer} {step} {size}"
            alive = [record for record in mine if record.certain]
            if kind < 0.6 or not alive:
                key = f"key {label}" if draw.random() < 0.5 else None
                record = self.create(client, label, key)
                mine.append(record)
            else:
                record = draw.choice(alive)
                touched.add(record)
                if kind < 0.85:
                    self.replace(client, record, label)
                else:
                    self.delete(client, record)
            touched.add(record)

    def under_load(self, number, life):
        """Returns the records that were touched."""
        known = self.some(KNOWN)
        touched = [set() for _ in range(WRITERS)]
        clients = [self.server.client() for _ in range(WRITERS)]
        reaper = threading.Timer(life, self.server.process.kill)

        def work(i):
            if i == WRITERS:
                reaper.start()
                return
            try:
                self.write(clients[i], number, i, known[i::WRITERS], touched[i])
            except LOST:
                pass
            finally:
                clients[i].close()

        in_threads(WRITERS, lambda i: clients[i].open())
        in_threads(WRITERS + 1, work)
        reaper.join()
        self.server.kill()
        return set().union(*touched)

    # ---- checking

    def check(self, client, record):
        """Reads a record; it must be one of the possible outcomes, and then is that one."""
        answer = client.get(record.path, check=False)
        if answer.status == 410:
            found = GONE
        elif answer.status == 200:
            label = answer.body.split(b"\n", 1)[0].decode("utf-8", "replace")
            found = (int(answer["ETag"].strip('"')), label)
            if found in record.outcomes and answer.body != body_of(label):
                raise Broken(f"{record.path}: torn, {len(answer.body)} bytes")
        else:
            raise Broken(f"{record.path}: {answer.status} {answer.body[:200]}, expected {record.outcomes}")
        if found not in record.outcomes:
            raise Broken(f"{record.path}: {found}, expected {record.outcomes}")
        record.outcomes = {found}

    def check_all(self, records):
        records = list(records)

        def work(i):
            with self.server.client() as client:
                for record in records[i::READERS]:
                    self.check(client, record)

        in_threads(READERS, work)

    def listed(self, client, after):
        """Ids and versions of all records after an id."""
        target = "/v1/records?limit=1000"
        while True:
            page = client.get(target + (f"&after={after}" if after else ""), check=False).json
            yield from ((row["id"], row["version"]) for row in page["records"])
            after = page.get("next")
            if not after:
                return

    def adopt_new(self, client):
        """Finds the records whose answers were lost among those that are there."""
        for identity, _ in self.listed(client, self.cursor):
            path = f"/v1/records/{identity}"
            self.cursor = max(self.cursor or identity, identity)
            if path in self.records:
                continue
            label = client.get(path, check=False).body.split(b"\n", 1)[0].decode("utf-8", "replace")
            if label not in self.unanswered:
                raise Broken(f"{path}: nobody wrote {label!r}")
            record = self.unanswered[label]
            self.keep(record, path, {(1, label)})
            self.doubtful += 1
            yield record

    def replay(self, client, records):
        """The same key and body get the same answer, also where the first answer was lost."""
        for record in records:
            answer = client.post(body_of(record.label), "text/plain", check=False, idempotency_key=record.key)
            if (answer.status, answer["Location"], answer["ETag"]) != (201, record.path, '"1"'):
                raise Broken(f"{record.path}: repeated, {answer.status} {answer['Location']}")

    def repeat_lost(self, client):
        """What is not there after all and had a key is written by repeating the request."""
        for record in list(self.unanswered.values()):
            if record.key:
                self.create(client, record.label, record.key)
        self.unanswered.clear()

    def after_kill(self, touched):
        with self.server.client() as client:
            touched |= set(self.adopt_new(client))
            self.check_all(touched | set(self.some(OLD_RECORDS)))
            keyed = [record for record in touched if record.key and record.outcomes == {(1, record.label)}]
            self.replay(client, keyed[:REPLAYS])
            self.repeat_lost(client)

    # ---- rounds

    def start(self):
        begin = time.monotonic()
        self.server.start()
        with self.server.client() as client:
            client.get("/v1/health", check=False)
        took = time.monotonic() - begin
        self.starts.append(took)
        if took > START_LIMIT:
            raise Broken(f"a start took {took:.2f} s")

    def killed_start(self):
        def kill():
            if self.server.process:
                self.server.process.kill()

        killer = threading.Timer(self.random.uniform(0.001, 0.1), kill)
        killer.start()
        try:
            self.server.start()
        except (AssertionError, OSError):
            pass
        killer.join()
        self.server.kill()

    def round(self, number):
        touched = self.under_load(number, self.random.uniform(0.002, LONGEST_LIFE))
        if number % AUDIT_EVERY == 0:
            self.server.audit()
        if number % KILL_AT_START_EVERY == 0:
            self.killed_start()
        self.start()
        self.after_kill(touched)

    def last_check(self):
        with self.server.client() as client:
            listed = dict(self.listed(client, None))
        alive = {path.rsplit("/", 1)[1]: record.current[0]
                 for path, record in self.records.items() if record.outcomes != {GONE}}
        if listed != alive:
            raise Broken(f"the list differs in {sorted(listed.items() ^ alive.items())[:5]}")
        self.check_all(self.some(LAST_READS))
        if self.server.stop() != 0:
            raise Broken("the server did not stop cleanly")
        return self.server.audit()


def report(loop, rounds, events, seconds):
    answered = ", ".join(f"{count} {method}" for method, count in loop.answered.items())
    print(f"{rounds} kills in {seconds:.0f} s; answered: {answered}; {loop.doubtful} records written without an answer; "
          f"{events} audit events verified")
    print(f"restart: median {statistics.median(loop.starts):.3f} s, longest {max(loop.starts):.3f} s "
          f"of {len(loop.starts)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no round after so long")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    server = Server("--log-level", "error")
    loop = Loop(server, arguments.seed)
    begin = time.monotonic()
    number = 0
    try:
        server.start()  # not measured: it makes the keys
        for number in range(1, arguments.rounds + 1):
            if time.monotonic() - begin > arguments.seconds:
                number -= 1
                break
            loop.round(number)
            if number % 50 == 0:
                print(f"{number} rounds, {time.monotonic() - begin:.0f} s, {len(loop.records)} records", flush=True)
        report(loop, number, loop.last_check(), time.monotonic() - begin)
    except (Broken, AssertionError) as error:
        server.kill()
        server.owned = False
        print(f"FAILED in round {number} of seed {arguments.seed}: {error}\nkept: {server.root}")
        print("".join(server.output))
        return 1
    finally:
        server.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
