"""Connections that end with a reset, and what they may have left behind."""

import contextlib
import os
import socket
import sqlite3
import struct

import raw
from harness import wait_until

CHUNK = 65536


def reset(secure):
    """The peer is told nothing but that the connection is no more."""
    secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    secure.close()


def send_and_reset(server, data, read=0):
    """Sends, reads at least so many bytes of the answer, and is gone."""
    secure = raw.connect(server)
    try:
        with contextlib.suppress(OSError):
            secure.sendall(data)
            while read > 0 and (piece := secure.recv(min(read, CHUNK))):
                read -= len(piece)
    finally:
        reset(secure)


def head(server, method, target, *fields):
    lines = (f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {server.token}", *fields, "", "")
    return "\r\n".join(lines).encode()


def leftovers(server):
    """Blobs that are no record's, and chunks that are no blob's."""
    path = os.path.join(server.data, "coffer.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        blobs = database.execute("SELECT count(*) FROM blob WHERE state <> 1").fetchone()[0]
        chunks = database.execute(
            "SELECT count(*) FROM chunk WHERE blob_id NOT IN (SELECT blob_id FROM blob WHERE state = 1)").fetchone()[0]
    return blobs, chunks


def swept(server, seconds=60):
    return wait_until(lambda: leftovers(server) == (0, 0), seconds)


def sockets(server):
    """How many the server has: its databases come and go by themselves."""
    folder = f"/proc/{server.process.pid}/fd"
    count = 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(os.path.join(folder, name)).startswith("socket:")
    return count
