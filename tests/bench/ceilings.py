"""What the machine itself can do: the figures beside which the service's stand."""

import os
import sqlite3
import subprocess
import time


def syncs_per_second(directory, seconds=1.0):
    """Appends of a page, each followed by fdatasync."""
    path = os.path.join(directory, "sync")
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    page = bytes(4096)
    count = 0
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        os.write(file, page)
        os.fdatasync(file)
        count += 1
    rate = count / (time.monotonic() - started)
    os.close(file)
    os.unlink(path)
    return rate


def sqlite_rows_per_second(directory, batch, seconds=1.0):
    """Rows of 1.5 KiB with a 16-byte key, `batch` of them in each durable transaction."""
    path = os.path.join(directory, "raw.db")
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size=4096", "journal_mode=WAL", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, key BLOB UNIQUE, data BLOB)")
    data = bytes(1536)
    count = 0
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        database.execute("BEGIN")
        database.executemany("INSERT INTO row (key, data) VALUES (?, ?)",
                             ((number.to_bytes(16, "big"), data) for number in range(count, count + batch)))
        database.execute("COMMIT")
        count += batch
    rate = count / (time.monotonic() - started)
    database.close()
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)
    return rate


def rsa_per_second(program, bits, seconds):
    """Private operations on all cores."""
    result = subprocess.run([program, str(bits), str(seconds)], stdout=subprocess.PIPE, check=True, text=True)
    return float(result.stdout)
