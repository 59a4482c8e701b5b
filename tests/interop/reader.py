#!/usr/bin/python3
"""Reads a coffer data directory by docs/formats.md alone, with PyCryptodome and no code of coffer's.

Usage: reader.py DIR. Prints what was read and exits 0; exits 1 after naming every fault.
"""
import hashlib
import hmac
import os
import sqlite3
import struct
import sys
import urllib.parse
from collections import namedtuple

from primitives import AES, PKCS1_OAEP, RSA, SHA256, hkdf, lp

CHUNK = 65536
TAG = 16
CURRENT, SUPERSEDED, TOMBSTONE, SHREDDED = 1, 2, 3, 4
COLUMNS = {
    "version": "record_id version revision state suite owner size created_ms changed_ms content_nonce meta_nonce"
               " commitment blob_id meta",
    "wrap": "record_id version kek_id wrap_revision wrap",
    "kek": "kek_id revision state created_ms spki",
    "epoch": "epoch_id kek_id revision created_ms reserved wrap",
    "account": "account_id revision state scopes created_ms name",
    "token": "token_id revision state hash account_id scopes created_ms expires_ms description",
    "session": "token_id revision state hash account_id scopes created_ms expires_ms description idle_ms used_ms",
    "directory_key": "name sequence account_id change authority created_ms spki signature old_signature origin"
                     " previous hash",
    "record_grant": "record_id account_id revision state rights created_ms changed_ms",
    "message": "message_id mailbox sender sender_name revision state kind received_ms expires_ms changed_ms size digest"
               " recipient_key sender_key signature session",
    "identity_key": "public_key revision state created_ms retired_ms last_event previous endorsement",
    "audit_segment": "first last previous hash created_ms",
    "invite": "invite_id revision state hash name scopes created_ms expires_ms made_by used_by",
}
ACTIONS = [*range(1, 26), *range(30, 48), 60]

Version = namedtuple("Version", "record_id version state owner media_type labels content")
Event = namedtuple("Event", "sequence time_ms account_id token_id peer action record_id version revision outcome"
                            " request_id")


class Fault(Exception):
    """Something stored is not as the format says."""


def need(condition, what):
    if not condition:
        raise Fault(what)


def eax_open(key, nonce, header, sealed, what):
    need(len(sealed) >= TAG, f"{what}: shorter than a tag")
    cipher = AES.new(key, AES.MODE_EAX, nonce=nonce, mac_len=TAG)
    cipher.update(header)
    try:
        return cipher.decrypt_and_verify(sealed[TAG:], sealed[:TAG])
    except ValueError:
        raise Fault(f"{what}: wrong tag") from None


class Cursor:
    """Takes a byte string apart from the front."""

    def __init__(self, data, what):
        self.data, self.what, self.at = data, what, 0

    def take(self, size):
        need(self.at + size <= len(self.data), f"{self.what}: too short")
        self.at += size
        return self.data[self.at - size:self.at]

    def integer(self, size):
        return int.from_bytes(self.take(size), "big")

    def lp(self):
        return self.take(self.integer(2))

    def end(self):
        need(self.at == len(self.data), f"{self.what}: bytes left over")


class Store:
    """What a data directory holds; faults names what could not be accepted."""

    def __init__(self, directory):
        self.faults, self.versions, self.events = [], [], []
        self.keks, self.epochs, self.accounts, self.tokens, self.epoch_wraps = {}, {}, {}, {}, 0
        self.directory, self.messages = {}, {}
        path = os.path.join(directory, "coffer.db")
        self.archive_path = os.path.join(directory, "audit-archive")
        self.keys_path = os.path.join(directory, "keys")
        self.db = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row
        try:
            self._read()
        finally:
            self.db.close()

    def _attempt(self, name, function, *arguments):
        try:
            return function(*arguments)
        except Fault as fault:
            self.faults.append(f"{name}: {fault}")
            return None

    def _read(self):
        # One transaction: the tables as they were at one moment.
        self.db.execute("BEGIN")
        with open(os.path.join(self.keys_path, "store.key"), "rb") as file:
            root = file.read()
        row = self.db.execute("SELECT value FROM setting WHERE name = 'store_id'").fetchone()
        if len(root) != 32 or row is None or len(row[0]) != 16:
            self.faults.append("store: no store key of 32 bytes, or no store id of 16")
            return
        self.store_id = bytes(row[0])
        self.row_key, self.audit_key = (
            hkdf(root, self.store_id, info, 32) for info in (b"coffer-row-mac-v1", b"coffer-audit-v1"))
        for row in self.db.execute("SELECT * FROM kek"):
            self._attempt(f"kek {row['kek_id'].hex()}", self._kek, row)
        for row in self.db.execute("SELECT * FROM epoch"):
            self._attempt(f"epoch {row['epoch_id'].hex()}", self._epoch, row)
        for row in self.db.execute("SELECT * FROM account"):
            self._attempt(f"account {row['account_id'].hex()}", self._account, row)
        for row in self.db.execute("SELECT * FROM token"):
            self._attempt(f"token {row['token_id'].hex()}", self._token, row)
        self._directory()
        for row in self.db.execute("SELECT * FROM invite"):
            self._attempt(f"invite {row['invite_id'].hex()}", self._check_mac, "invite", row)
        for row in self.db.execute("SELECT * FROM record_grant"):
            self._attempt(f"grant {row['record_id'].hex()}", self._check_mac, "record_grant", row)
        for row in self.db.execute("SELECT * FROM message"):
            self._attempt(f"message {row['message_id'].hex()}", self._message, row)
        self._records()
        for row in self.db.execute("SELECT * FROM identity_key"):
            self._attempt(f"identity key {row['public_key'].hex()}", self._check_mac, "identity_key", row)
        self._attempt("audit", self._audit)

    def _check_mac(self, table, row, columns=None, mac="mac"):
        message = lp(table.encode())
        for name in COLUMNS[columns or table].split():
            value = row[name]
            if isinstance(value, int):
                value = struct.pack(">Q", value & 0xffffffffffffffff)
            elif isinstance(value, str):
                value = value.encode()
            message += lp(value)
        need(hmac.compare_digest(hmac.new(self.row_key, message, hashlib.sha256).digest(), bytes(row[mac])),
             "row MAC")

    def _kek(self, row):
        self._check_mac("kek", row)
        need(hashlib.sha256(row["spki"]).digest() == row["kek_id"], "its id is not the digest of its public half")
        path = os.path.join(self.keys_path, f"kek-{row['kek_id'].hex()}.pem")
        try:
            with open(path, encoding="ascii") as file:
                key = RSA.import_key(file.read())
        except (OSError, ValueError) as error:
            raise Fault(f"private half: {error}") from None
        need(key.public_key().export_key("DER") == row["spki"], "its halves do not belong together")
        self.keks[row["kek_id"]] = key

    def _oaep_open(self, kek_id, label, sealed, what):
        need(kek_id in self.keks, f"{what}: under an unknown KEK")
        try:
            opened = PKCS1_OAEP.new(self.keks[kek_id], hashAlgo=SHA256, label=label).decrypt(sealed)
        except ValueError:
            raise Fault(f"{what} does not open") from None
        need(len(opened) == 32, f"{what}: not 32 bytes")
        return opened

    def _epoch(self, row):
        self._check_mac("epoch", row)
        label = b"coffer-epoch-key-v1" + self.store_id + row["epoch_id"]
        self.epochs[row["epoch_id"]] = row["kek_id"], self._oaep_open(row["kek_id"], label, row["wrap"], "its key")

    def _account(self, row):
        self._check_mac("account", row)
        self.accounts[row["account_id"]] = row["name"]

    def _token(self, row):
        # The columns of sessions count in sessions alone.
        self._check_mac("token", row, "session" if row["idle_ms"] else "token")
        need(row["account_id"] in self.accounts, "of no account")
        self.tokens[row["token_id"]] = row["account_id"]

    def _directory(self):
        name, sequence, previous = None, 0, bytes(32)
        for row in self.db.execute("SELECT * FROM directory_key ORDER BY name, sequence"):
            what = f"key {row['name']} {row['sequence']}"
            if row["name"] != name:
                name, sequence, previous = row["name"], 0, bytes(32)
            self._attempt(what, self._directory_key, row, sequence + 1, previous)
            sequence, previous = row["sequence"], bytes(row["hash"])
            self.directory[name] = bytes(row["spki"])

    def _directory_key(self, row, sequence, previous):
        self._check_mac("directory_key", row)
        need(row["account_id"] in self.accounts, "of no account")
        need((row["sequence"], bytes(row["previous"])) == (sequence, previous), "does not follow the one before")
        link = (lp(b"coffer-key-history-v1") + previous + lp(row["name"].encode()) + struct.pack(">Q", sequence)
                + bytes([row["change"], row["authority"]]) + struct.pack(">Q", row["created_ms"])
                + lp(row["origin"].encode()) + lp(row["spki"]) + lp(row["signature"]) + lp(row["old_signature"]))
        need(hashlib.sha256(link).digest() == bytes(row["hash"]), "hash")
        need((row["change"] == 3) == (len(row["spki"]) == 0), "a removal with a key, or a key without one")

    def _message(self, row):
        self._check_mac("message", row)
        need(row["mailbox"] in self.accounts and row["sender"] in self.accounts, "of no account")
        size = row["size"] if row["state"] == CURRENT else 0
        need(len(row["body"]) == size, "its bytes are more or fewer than its size")
        need(size == 0 or hashlib.sha256(row["body"]).digest() == bytes(row["digest"]), "digest")
        self.messages[bytes(row["message_id"])] = bytes(row["body"])

    def _records(self):
        by_record = {}
        for row in self.db.execute("SELECT * FROM version ORDER BY record_id, version"):
            by_record.setdefault(bytes(row["record_id"]), []).append(row)
        for record_id, rows in by_record.items():
            self._attempt(f"record {record_id.hex()}", self._shape, rows)
            for row in rows:
                version = self._attempt(f"record {record_id.hex()} version {row['version']}", self._version, row)
                if version:
                    self.versions.append(version)

    @staticmethod
    def _shape(rows):
        states = [row["state"] for row in rows]
        if states[-1] in (TOMBSTONE, SHREDDED):
            need(len(rows) == 1, "versions before a tombstone")
            return
        need(states == [SUPERSEDED] * (len(rows) - 1) + [CURRENT], f"states {states}")
        need([row["version"] for row in rows] == list(range(1, len(rows) + 1)), "versions with gaps")

    def _version(self, row):
        self._check_mac("version", row)
        need(row["suite"] == 1, "unknown suite")
        need(row["owner"] in self.accounts, "of no account")
        if row["state"] in (TOMBSTONE, SHREDDED):
            need(not any(row[name] for name in ("meta", "wrap", "epoch_wrap", "inline_chunk", "wrap_revision"))
                 and not any(row["kek_id"] + row["wrap_mac"]), "a tombstone that holds something")
            return Version(bytes(row["record_id"]), row["version"], row["state"], bytes(row["owner"]), None, None, None)
        need(row["state"] in (CURRENT, SUPERSEDED), "unknown state")
        need(row["wrap"], "no wrap")
        context = b"\x01" + self.store_id + row["record_id"] + struct.pack(">Q", row["version"])
        content_key, meta_key = self._unlock(row, context)
        media_type, labels, digest, size = self._meta(row, meta_key, context)
        need(size == row["size"], "size in the row and in the metadata differ")
        content = self._content(row, content_key, context)
        need(hashlib.sha256(content).digest() == digest, "SHA-256 of the content")
        return Version(bytes(row["record_id"]), row["version"], row["state"], bytes(row["owner"]), media_type, labels,
                       content)

    def _unlock(self, row, context):
        self._check_mac("wrap", row, mac="wrap_mac")
        dek = self._oaep_open(row["kek_id"], b"coffer-dek-v1" + context, row["wrap"], "wrap")
        if row["epoch_wrap"]:
            need(self._epoch_open(row, context) == dek, "epoch wrap: another DEK")
            self.epoch_wraps += 1
        keys = hkdf(dek, self.store_id, b"coffer-record-v1" + context, 96)
        need(hmac.compare_digest(keys[64:], bytes(row["commitment"])), "commitment")
        return keys[:32], keys[32:64]

    def _epoch_open(self, row, context):
        cursor = Cursor(row["epoch_wrap"], "epoch wrap")
        epoch_id, nonce, sealed = cursor.take(16), cursor.take(16), cursor.take(48)
        cursor.end()
        kek_id, key = self.epochs.get(epoch_id, (None, None))
        need(kek_id == row["kek_id"], "epoch wrap: no such epoch of this KEK")
        return eax_open(key, nonce, lp(b"coffer-epoch-v1") + kek_id + epoch_id + context, sealed, "epoch wrap")

    @staticmethod
    def _meta(row, key, context):
        plain = eax_open(key, row["meta_nonce"], lp(b"coffer-meta-v1") + context, row["meta"], "metadata")
        cursor = Cursor(plain, "metadata")
        need(cursor.integer(1) == 1, "metadata: unknown format")
        media_type, labels = cursor.lp().decode(), cursor.lp().decode()
        digest, size = cursor.take(32), cursor.integer(8)
        cursor.end()
        return media_type, labels, digest, size

    def _content(self, row, key, context):
        count = max(1, -(-row["size"] // CHUNK))
        sealed = [(0, row["inline_chunk"])]
        if row["blob_id"]:
            need(not row["inline_chunk"], "content both in the row and in a blob")
            state = self.db.execute("SELECT state FROM blob WHERE blob_id = ?", (row["blob_id"],)).fetchone()
            need(state is not None and state[0] == 1, "blob is not linked")
            sealed = [(chunk["number"], chunk["data"]) for chunk in self.db.execute(
                "SELECT number, data FROM chunk WHERE blob_id = ? ORDER BY number", (row["blob_id"],))]
        need([number for number, _ in sealed] == list(range(count)), "chunks missing or too many")
        header, pieces = lp(b"coffer-chunk-v1") + context, []
        for number, data in sealed:
            last = number == count - 1
            length = row["size"] - number * CHUNK if last else CHUNK
            need(len(data) == length + TAG, f"chunk {number}: length")
            nonce = row["content_nonce"] + number.to_bytes(7, "big") + bytes([last])
            pieces.append(eax_open(key, nonce, header, data, f"chunk {number}"))
        return b"".join(pieces)

    def _audit(self):
        """First the events in files, then those in the database; of a crash's leftovers some may stand in both."""
        previous, expected = bytes(32), 1
        for segment in self.db.execute("SELECT * FROM audit_segment ORDER BY last"):
            self._check_mac("audit_segment", segment)
            need(segment["first"] == expected and segment["previous"] == previous, f"event {expected} is missing")
            for stored in self._segment(segment):
                previous = self._link(previous, expected, *stored)
                expected += 1
            need(segment["last"] == expected - 1 and segment["hash"] == previous, f"event {expected}: segment ends")
        for row in self.db.execute("SELECT sequence, event, hash, mac FROM audit_event WHERE sequence >= ?"
                                   " ORDER BY sequence", (expected,)):
            need(row["sequence"] == expected, f"event {expected} is missing")
            previous = self._link(previous, expected, row["event"], row["hash"], row["mac"])
            expected += 1
        need(self.events, "event 1 is missing")

    def _segment(self, row):
        """(event, hash, mac) of each event of a file."""
        what = f"{row['first']:020}.audit"
        path = os.path.join(self.archive_path, what)
        need(os.path.isfile(path), f"{what} is missing")
        with open(path, "rb") as file:
            cursor = Cursor(file.read(), what)
        need(cursor.take(8) == b"cofaudt1" and cursor.take(16) == self.store_id and cursor.integer(8) == 0,
             f"{what}: no segment of this store")
        first, last = cursor.integer(8), cursor.integer(8)
        need((first, last, cursor.take(32)) == (row["first"], row["last"], row["previous"]), f"{what}: another segment")
        found = [(cursor.lp(), cursor.take(32), cursor.take(32)) for _ in range(first, last + 1)]
        cursor.end()
        return found

    def _link(self, previous, expected, data, hash_, mac):
        """The hash of an event that follows."""
        what = f"event {expected}"
        event, note = self._event(data, what)
        need(event.sequence == expected, f"{what} stands in another's place")
        link = hashlib.sha256(previous + data).digest()
        need(link == hash_, f"{what}: hash")
        need(hmac.compare_digest(hmac.new(self.audit_key, link, hashlib.sha256).digest(), bytes(mac)), f"{what}: MAC")
        kept = self.db.execute("SELECT sealed FROM audit_note WHERE sequence = ?", (expected,)).fetchone()
        need((hashlib.sha256(kept[0]).digest() if kept else None) == note, f"{what}: not its own reason")
        self.events.append(event)
        return link

    @staticmethod
    def _event(data, what):
        """The event, and the digest of what is kept beside it."""
        cursor = Cursor(data, what)
        form = cursor.integer(1)
        need(form in (1, 2) and cursor.integer(8) == 0, f"{what}: unknown format or stream")
        event = Event(cursor.integer(8), cursor.integer(8), cursor.take(16), cursor.take(16), cursor.lp().decode(),
                      cursor.integer(2), cursor.take(16), cursor.integer(8), cursor.integer(8), cursor.integer(2),
                      cursor.take(16))
        note = cursor.take(32) if form == 2 else None
        cursor.end()
        need(event.action in ACTIONS, f"{what}: unknown action")
        return event, note


def main(arguments):
    if len(arguments) != 1:
        print("usage: reader.py DIR", file=sys.stderr)
        return 2
    store = Store(arguments[0])
    live = [version for version in store.versions if version.content is not None]
    print(f"{len(live)} versions, {len(store.versions) - len(live)} tombstones,"
          f" {sum(len(version.content) for version in live)} bytes; {len(store.keks)} KEKs,"
          f" {len(store.epochs)} epochs with {store.epoch_wraps} wraps,"
          f" {len(store.accounts)} accounts, {len(store.tokens)} tokens, {len(store.directory)} names,"
          f" {len(store.messages)} messages, {len(store.events)} audit events")
    for fault in store.faults:
        print(f"fault: {fault}")
    return 1 if store.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
