"""traceparent: what a client says of its trace stands in the logs, and does nothing else."""

import json
import os
import unittest

from harness import ApiTest, wait_until
from test_tamper import connect, id_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"
BAD = ("", "x", GOOD.upper(), GOOD + "-more", GOOD[:-1], "ff" + GOOD[2:], f"00-{'0' * 32}-{PARENT}-01", '00-"}', "\t")


class Traces(ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        cls.log = os.path.join(cls.server.root, "access.log")
        command = cls.server.command()
        command[command.index("--access-log") + 1] = cls.log
        cls.server.command = lambda: command
        cls.server.start()

    def line(self, answer):
        """The line of the access log about a request."""
        found = []

        def look():
            with open(self.log, encoding="utf-8") as file:
                lines = [line for line in file if answer["Coffer-Request-Id"] in line]
            found.extend(map(json.loads, lines))
            return found

        self.assertTrue(wait_until(look))
        return found[0]

    def test_a_trace_stands_in_the_access_log(self):
        for target in ("/v1/records", "/v1/records/nothing", "/no/such/thing"):
            line = self.line(self.client.get(target, traceparent=GOOD))
            self.assertEqual((line["trace_id"], line["parent_id"]), (TRACE, PARENT))
            self.assertNotEqual(line["request_id"], TRACE)

    def test_what_is_malformed_is_ignored(self):
        for value in BAD:
            with self.subTest(value):
                answer = self.client.get("/v1/records", traceparent=value)
                self.assertEqual(answer.status, 200)
                self.assertNotIn("trace_id", self.line(answer))
        self.assertNotIn("trace_id", self.line(self.client.get("/v1/records")))

    def test_two_are_none(self):
        connection = self.client.open()
        connection.putrequest("GET", "/v1/health")
        connection.putheader("traceparent", GOOD)
        connection.putheader("traceparent", GOOD)
        connection.endheaders()
        response = connection.getresponse()
        response.read()
        self.assertEqual(response.status, 200)
        self.assertNotIn("trace_id", self.line(response.headers))

    def test_it_stands_in_lines_about_the_request(self):
        path = self.create(b"soon damaged")
        with connect(self.server.data) as database:
            database.execute("UPDATE version SET inline_chunk = x'00' || substr(inline_chunk, 2) WHERE record_id = ?",
                             [id_of(path)])
        answer = self.client.get(path, traceparent=GOOD)
        self.assertEqual(answer.status, 500)
        words = f"request {answer['Coffer-Request-Id']} of trace {TRACE}"
        self.assertTrue(wait_until(lambda: any(words in line for line in list(self.server.output))))
        answer = self.client.get(path)
        words = f"request {answer['Coffer-Request-Id']}, "
        self.assertTrue(wait_until(lambda: any(words in line for line in list(self.server.output))))
        self.client.delete(path)


if __name__ == "__main__":
    unittest.main()
