#!/usr/bin/env python3
"""cpu_profile.py [post|get] [SECONDS]: where the server's processor time goes under that load, by thread and by what it does.

Needs perf (Debian: linux-perf) and a built release. Each sample counts once, for the first line of the lists below that
names a function of its stack. Assembly that perf cannot unwind is counted by its own name.
"""

import collections
import re
import subprocess
import sys

from machine import Machine

STACK_BYTES = 16384
LOOP = (
    ("RSA public operation", "modexp_apply"),
    ("RSA private operation", "rsakey_raw_private"),
    ("OAEP: MGF1, seed", "oaep_encrypt"),
    ("content and metadata: EAX", "seal_chunk seal_meta record_chunk_open record_meta_open"),
    ("token and account: SQL and row MACs", "account_authenticate"),
    ("record: SQL and row MACs", "record_reader_new"),
    ("writer: DEK, HKDF, key schedules", "record_writer_new"),
    ("reply: document and headers", "record_reply_info record_reply_headers http_reply_header"),
    ("gate, dispatch, exchange", "exchange_handle"),
    ("TLS: encrypt and send", "gnutls_record_send gnutls_record_send2 __libc_sendmsg"),
    ("TLS: receive and decrypt", "pull gnutls_record_recv __libc_recv"),
    ("TCP_CORK, which sends what was held", "__GI___setsockopt"),
    ("memset of a connection's memory", "__memset_avx512_unaligned_erms __memset_avx2_unaligned_erms"),
    ("poll, epoll, resume", "epoll_wait __GI_epoll_ctl poll rest take_given"),
    ("libmicrohttpd, the rest", "loop_main"),
)
COMMITTER = (
    ("fdatasync", "__GI_fdatasync"),
    ("WAL frames: pwrite", "sqlite3WalFrames"),
    ("row: version with its wraps", "insert_version store_version_insert"),
    ("row: audit event, hash, MAC", "audit_append"),
    ("checkpoint", "mind_wal"),
    ("the rest", "committer_main"),
)
WORKER = (("RSA private operation", "rsakey_raw_private"),)
THREADS = (("loops", "loop_main", LOOP), ("committer", "committer_main", COMMITTER),
           ("workers", "run_work", WORKER), ("maintenance", "maintenance_main", ()))


def stacks(data):
    """The functions of each sample, the innermost first."""
    text = subprocess.run(["perf", "script", "-i", data, "-F", "comm,tid,ip,sym"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True, text=True).stdout
    for sample in text.split("\n\n"):
        lines = [line.split(None, 1)[-1] for line in sample.strip().split("\n")[1:]]
        if lines:
            yield [re.sub(r"\+0x.*| \(inlined\)", "", line).strip() for line in lines]


def place(stack):
    for thread, entry, kinds in THREADS:
        if entry in stack:
            for kind, functions in kinds:
                if any(function in stack for function in functions.split()):
                    return thread, kind
            return thread, "the rest"
    if stack[0].startswith("__gmpn"):
        return "not unwound", "GMP"
    return "not unwound", "SHA-256" if "sha256" in stack[0] else "other"


def main():
    load = sys.argv[1] if len(sys.argv) > 1 else "post"
    machine = Machine(int(sys.argv[2]) if len(sys.argv) > 2 else 10)
    data = machine.path("perf.data")
    try:
        with machine.server("profiled") as server:
            machine.post(server, 2)
            ids = machine.ids(server, 20_000)
            command = ["perf", "record", "-o", data, "-F", "299", "--call-graph", f"dwarf,{STACK_BYTES}", "-p",
                       str(server.process.pid), "--", "sleep", str(machine.seconds - 1)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
                taken = machine.post(server) if load == "post" else machine.read(server, ids)
        counts = collections.Counter(place(stack) for stack in stacks(data))
    finally:
        machine.remove()
    total = sum(counts.values())
    print(f"{load}: {taken.rate:,.0f}/s, {total} samples")
    for (thread, kind), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"{100 * count / total:5.1f}%  {thread}: {kind}")


if __name__ == "__main__":
    main()
