"""Caddy and HAProxy before coffer: its main job, and mailboxes with long polls. nginx has the whole of tests/api."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "api"))

import test_mailboxes  # noqa: E402
import test_records  # noqa: E402
import test_stream  # noqa: E402

WHAT = (test_records.RoundTrip, test_records.Versions, test_records.Conditions, test_records.Deleting,
        test_records.Listing, test_records.Idempotency, test_mailboxes.Deposits, test_mailboxes.Waiting,
        test_stream.Stream)

for proxy in ("caddy", "haproxy"):
    for base in WHAT:
        name = f"{base.__name__}Behind{proxy.capitalize()}"
        globals()[name] = type(name, (base,), {"through": proxy, "__module__": __name__})
del base


if __name__ == "__main__":
    unittest.main()
