"""good_clients.py PORT DATA PATH: says `asking`, and reads a record at a steady pace until standard input ends; prints as
JSON how many of the answers were right, and how long they took. A request in twenty comes on a new connection."""

import http.client
import json
import os
import select
import ssl
import sys
import time

PACE = 0.01  # seconds from request to request
NEW_EVERY = 20


class Asker:
    def __init__(self, port, data, path):
        self.port, self.path = port, path
        self.tls = ssl.create_default_context(cafile=os.path.join(data, "tls", "ca.pem"))
        with open(os.path.join(data, "admin.token"), encoding="ascii") as file:
            self.fields = {"Authorization": f"Bearer {file.read().strip()}"}
        self.connection = None
        self.times = []
        self.asked = 0

    def connect(self):
        if self.connection:
            self.connection.close()
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.tls)
        self.connection.connect()

    def ask(self):
        """The time that one answer took; new connections are made before the clock runs."""
        self.asked += 1
        try:
            if self.connection is None or self.asked % NEW_EVERY == 0:
                self.connect()
            begin = time.perf_counter()
            self.connection.request("GET", self.path, headers=self.fields)
            answer = self.connection.getresponse()
            answer.read()
            if answer.status == 200:
                self.times.append(time.perf_counter() - begin)
        except (OSError, http.client.HTTPException):
            self.connection = None


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0.0


def main(port, data, path):
    asker = Asker(int(port), data, path)
    print("asking", flush=True)
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        asker.ask()
        due = max(due + PACE, time.monotonic() - PACE)
    print(json.dumps({"asked": asker.asked, "served": len(asker.times), "p50": percentile(asker.times, 50),
                      "p99": percentile(asker.times, 99)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
