"""Whether the authorisation check stays quick with many accounts and grants."""

import base64
import hmac
import os
import random
import sqlite3
import statistics
import struct
import subprocess
import sys
import time

import figures
from machine import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))

from primitives import hkdf, lp  # pylint: disable=wrong-import-position

READ = 1  # of scopes, and of a grant's rights
PAIRS = 50_000


class Rows:
    """Writes rows as docs/formats.md says: a million of them over the API would take an hour."""

    def __init__(self, data):
        self.database = sqlite3.connect(os.path.join(data, "coffer.db"), isolation_level=None)
        self.database.execute("PRAGMA cache_size = -400000")
        with open(os.path.join(data, "keys", "store.key"), "rb") as file:
            root = file.read()
        store_id = self.database.execute("SELECT value FROM setting WHERE name = 'store_id'").fetchone()[0]
        self.row_key = hkdf(root, store_id, b"coffer-row-mac-v1", 32)
        self.token_key = hkdf(root, store_id, b"coffer-token-v1", 32)
        self.now = int(time.time() * 1000)

    def row(self, table, *columns):
        """The columns and their MAC."""
        message = lp(table) + b"".join(
            lp(struct.pack(">Q", column) if isinstance(column, int) else
               column.encode() if isinstance(column, str) else column) for column in columns)
        return (*columns, hmac.digest(self.row_key, message, "sha256"))

    def insert(self, table, columns, rows):
        marks = ", ".join("?" * len(columns.split(",")))
        self.database.execute("BEGIN")
        self.database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
        self.database.execute("COMMIT")

    def accounts(self, count):
        """(account id, token) of new accounts that may read."""
        made = []
        accounts, tokens = [], []
        for number in range(count):
            # UUIDs of version 7, as the service makes them.
            account, token = (struct.pack(">Q", self.now + number)[2:] + b"\x70" + os.urandom(1) + b"\x80" + os.urandom(7)
                              for _ in range(2))
            value = os.urandom(32)
            accounts.append(self.row(b"account", account, 1, 1, READ, self.now, f"account-{number}"))
            tokens.append(self.row(b"token", token, 1, 1, hmac.digest(self.token_key, value, "sha256"), account, READ,
                                   self.now, 0, "") + (self.now,))  # the last use is under no MAC, and not due again
            made.append((account, "coffer_" + base64.urlsafe_b64encode(value).decode().rstrip("=")))
        self.insert("account", "account_id, revision, state, scopes, created_ms, name, mac", accounts)
        self.insert("token", "token_id, revision, state, hash, account_id, scopes, created_ms, expires_ms, description,"
                             " mac, used_ms", tokens)
        return made

    def grants(self, records, accounts, each, chance):
        """`each` accounts for every record, in no order; some pairs of token and record that have one."""
        rows, pairs = [], []
        for record in records:
            for account, token in chance.sample(accounts, each):
                rows.append(self.row(b"record_grant", record, account, 1, 1, READ, self.now, self.now))
                pairs.append((token, record))
        chance.shuffle(rows)
        self.insert("record_grant", "record_id, account_id, revision, state, rights, created_ms, changed_ms, mac", rows)
        return chance.sample(pairs, min(PAIRS, len(pairs)))

    def close(self):
        self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.database.close()


def fill(machine, store, records, accounts, each):
    """Makes the store, and beside it a file of pairs."""
    with machine.server(store) as server:
        machine.fill(server, records)
        ids = [bytes.fromhex(found.replace("-", "")) for found in machine.ids(server, records)]
        data = server.data
    rows = Rows(data)
    pairs = rows.grants(ids, rows.accounts(accounts), each, random.Random(1))
    rows.close()
    with open(machine.path(store + ".pairs"), "w", encoding="ascii") as file:
        file.writelines(f"{token} {record.hex()}\n" for token, record in pairs)


def check(machine, store, seconds):
    """(median, p99) of the check alone, in microseconds."""
    done = subprocess.run([os.path.join(machine.build, "bench_authorise"), os.path.join(machine.path(store), "data"),
                           machine.path(store + ".pairs"), str(seconds)], stdout=subprocess.PIPE, check=True, text=True)
    return tuple(map(float, done.stdout.split()))


def read(machine, server, store, seconds):
    """GET of granted records, each by its token."""
    return machine.wrk(f"https://127.0.0.1:{server.port}/", "pairs.lua", seconds, pairs=machine.path(store + ".pairs"))


def grants(machine):
    """grants: who may read a record, with 100,000 accounts and 1,000,000 grants against 100 and 20,000 (a minute)"""
    fill(machine, "few", 20_000, 100, 1)
    fill(machine, "many", 20_000, 100_000, 50)
    seconds = max(1, machine.seconds // figures.ROUNDS)
    checks = [(check(machine, "few", seconds / 2), check(machine, "many", seconds / 2)) for _ in range(figures.ROUNDS)]
    # Without the cache of tokens, which the few would be in, and of the many hardly one.
    with machine.server("few", "--token-cache", "0ms") as small, machine.server("many", "--token-cache", "0ms") as large:
        for server, store in ((small, "few"), (large, "many")):
            read(machine, server, store, 1)
        few, many = figures.turns(machine, (lambda s: read(machine, small, "few", s),
                                            lambda s: read(machine, large, "many", s)))
    machine.drop("few")
    machine.drop("many")
    slower = 1 / figures.ratio_of(many, few)
    yield figures.at_most("GET of granted records, 1,000,000 grants", figures.per_second(many), slower, 2, slower,
                          " times", f"20,000 grants {figures.per_second(few)}")
    median, p99 = ([statistics.median(pair[store][at] for pair in checks) for store in (0, 1)] for at in (0, 1))
    yield figures.at_most("the check alone, 1,000,000 grants", f"{median[1]:.1f} µs, p99 {p99[1]:.1f} µs",
                          median[1] / median[0], 2, median[1] / median[0], " times",
                          f"20,000 grants {median[0]:.1f} µs, p99 {p99[0]:.1f} µs")
