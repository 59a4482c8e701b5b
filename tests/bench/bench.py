"""Takes the figures of the service and prints them as a table. Run by script/bench, which builds what this needs."""

import argparse
import os
import resource
import subprocess
import sys

import crowd
import figures
import grants
import mailbox
import overload
import resumption
import transfer
from machine import LoadError, Machine

FIGURES = {
    "post": figures.writes,
    "get": figures.reads,
    "first": figures.first_reads,
    "rsa": figures.reads_by_rsa,
    "idle": figures.idle_connections,
    "nagle": figures.new_connections,
    "resumption": resumption.resumption,
    "memory": figures.memory,
    "start": figures.start,
    "large": transfer.large,
    "overload": overload.overload,
    "crowd": crowd.crowd,
    "mailbox": mailbox.mailbox,
    "grants": grants.grants,
    "million": figures.million,
}
BY_NAME = ("crowd", "grants", "million")  # they take minutes
TITLES = ("what", "measured", "ratio", "ceiling beside it", "wanted", "aim", "met?")


def options():
    lines = "\n".join("  " + function.__doc__ for function in FIGURES.values())
    parser = argparse.ArgumentParser(
        prog="script/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the release build on loopback; every figure is a ratio within one run.",
        epilog=f"figures:\n{lines}\n\nThe status is 1 when a figure could not be taken: wrk met an answer other than "
               "2xx or a socket error, or a process died.")
    parser.add_argument("--only", metavar="NAME", action="append", choices=FIGURES, help="take this figure only; may be "
                        "given several times")
    parser.add_argument("--million", action="store_true", help="also fill a store with 1,000,000 records (minutes)")
    parser.add_argument("--seconds", metavar="N", type=int, default=12, help="how long each load lasts (default 12)")
    chosen = parser.parse_args()
    if chosen.seconds < 1:
        parser.error("--seconds must be at least 1")
    return chosen


def take(name, machine):
    """The rows of a figure, and whether it could be taken."""
    rows = []
    try:
        rows.extend(FIGURES[name](machine))
    except (LoadError, RuntimeError, OSError, AssertionError, subprocess.CalledProcessError) as error:
        rows.append(figures.Row(name, f"FAILED: {error}"))
        return rows, False
    return rows, True


def cells(row):
    met = {None: "", True: "yes", False: "NO"}[row.met]
    return (row.what, row.measured, "" if row.ratio is None else f"{row.ratio:.3f}", row.ceiling, row.wanted, row.aim,
            met)


def print_table(rows):
    lines = [TITLES, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(TITLES))]
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        print(" | ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    chosen = options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    names = chosen.only or [name for name in FIGURES if name not in BY_NAME]
    if chosen.million and "million" not in names:
        names.append("million")
    machine = Machine(chosen.seconds)
    rows, good = [], True
    busy = os.getloadavg()[0]
    try:
        for name in names:
            print(f"bench: {FIGURES[name].__doc__}", file=sys.stderr, flush=True)
            taken, complete = take(name, machine)
            rows += taken
            good = good and complete
    finally:
        machine.remove()
    print_table(rows)
    print(f"load average before the run {busy:.2f} on {machine.cores} cores: other work on them lowers the ratios")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
