#!/usr/bin/python3
"""suite.py [PROXY]: the tests of tests/api through a proxy (nginx, unless told otherwise); what is left out is printed.

A module that is new runs here too, until it is named below with a reason."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
API = os.path.join(HERE, "..", "api")
sys.path.insert(0, API)

# Of these none applies, or none has anything to do with what stands before the server.
MODULES = {
    "test_admission": "connections to coffer are the proxy's; test_plain has them",
    "test_audit_archive": "commands and files; no more HTTP than test_audit",
    "test_audit_index": "commands and files; no more HTTP than test_audit",
    "test_certificate_files": "of coffer's own TLS",
    "test_check": "commands and files",
    "test_client_certificates": "of coffer's own TLS: client certificates do not pass a proxy",
    "test_contract": "of the route table, without a server",
    "test_deadlines": "slow clients are the proxy's to end; test_plain has those of the proxy's side",
    "test_doctor": "commands and files",
    "test_hostile": "the proxy refuses much by itself, in its own words: test_smuggling counts who saw what",
    "test_local_ca": "of coffer's own TLS",
    "test_manuals": "commands",
    "test_notify": "of the service manager",
    "test_plain": "speaks to coffer's side of the proxy",
    "test_reader": "files",
    "test_redirect": "of a port of coffer's own",
    "test_staging": "counts coffer's memory for a thousand connections of its own",
    "test_start": "of what starts and refuses to start",
    "test_tamper": "files",
}
# Of the other modules, as "module.Class.test".
TESTS = {
    "test_crash.Crash.test_a_kill_among_writers_loses_no_answer":
        "the proxy goes on answering, with 502",
    "test_directory.Origins.test_the_configured_ones_count_alone":
        "the proxy's own origin is configured too",
    "test_mailboxes.ManyWaiting.test_they_cost_no_thread_and_are_dropped_when_their_clients_have_gone":
        "counts coffer's descriptors; test_trust has long polls whose clients have gone",
    "test_metrics.Counters.test_connections":
        "counts connections to coffer, which the proxy keeps and uses again",
    "test_metrics.Counters.test_labels_are_templates_whatever_clients_ask_for":
        "counts refusals, some of which the proxy makes by itself",
    "test_metrics.Limits.test_connections_beyond_the_limit":
        "a trusted proxy is not bound by --max-connections-per-address",
    "test_metrics.Limits.test_connections_that_are_reaped":
        "slow clients are the proxy's to end",
    "test_page.Page.test_what_is_no_file_of_the_page_is_not_there":
        "a path above the root the proxy refuses by itself, in its own words",
    "test_status.Health.test_a_server_on_all_addresses":
        "coffer without a proxy",
    "test_status.Status.test_connections_are_counted":
        "counts connections to coffer, which the proxy keeps and uses again",
}


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def main():
    os.environ["COFFER_PROXY"] = sys.argv[1] if len(sys.argv) > 1 else "nginx"
    found = {name[:-3] for name in os.listdir(API) if name.startswith("test_") and name.endswith(".py")}
    stale = sorted(set(MODULES) - found)
    suite = unittest.TestSuite()
    missing = set(TESTS)
    for name in sorted(found - set(MODULES)):
        for test in each(unittest.defaultTestLoader.loadTestsFromName(name)):
            if test.id() in TESTS:
                missing.discard(test.id())
            else:
                suite.addTest(test)
    if stale or missing:
        print(f"suite.py: there is nothing named {', '.join([*stale, *sorted(missing)])}", file=sys.stderr)
        return 2
    for name, reason in [*sorted(MODULES.items()), *sorted(TESTS.items())]:
        print(f"left out: {name}: {reason}")
    sys.stdout.flush()
    return 0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
