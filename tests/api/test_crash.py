"""What was answered survives the process."""

import os
import sqlite3
import unittest

import samples
from harness import Server, in_threads


class Crash(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def test_every_answered_record_survives_a_kill(self):
        self.server.start()
        rows = samples.made() + (samples.shared() or [])
        with self.server.client() as client:
            stored = [(client.post(body, kind)["Location"], name, kind, body) for name, kind, body in rows]
        self.server.kill()
        self.server.start()
        with self.server.client() as client:
            for path, name, kind, body in stored:
                answer = client.get(path)
                self.assertEqual((answer.status, answer["Content-Type"]), (200, kind), name)
                self.assertTrue(answer.body == body, name)
        self.assertEqual(self.server.stop(), 0)

    def test_a_kill_among_writers_loses_no_answer(self):
        self.server.start()

        def write(i):
            answered = []
            try:
                with self.server.client() as client:
                    for number in range(100000):
                        body = b"%d %d" % (i, number)
                        answered.append((client.post(body)["Location"], body))
                        if i == 0 and number == 40:
                            self.server.process.kill()
            except OSError:
                pass
            except Exception as error:  # pylint: disable=broad-except
                if "http.client" not in type(error).__module__:
                    raise
            return answered

        stored = sum(in_threads(4, write), [])
        self.server.kill()
        self.assertGreater(len(stored), 40)
        self.server.start()
        with self.server.client() as client:
            for path, body in stored:
                self.assertEqual(client.get(path).body, body)
        self.server.stop()
        self.server.audit()

    def test_another_program_that_reads_the_database_loses_nothing(self):
        self.server.start()
        with self.server.client() as client:
            client.post(b"before")
            database = sqlite3.connect(os.path.join(self.server.data, "coffer.db"))
            self.assertEqual(database.execute("SELECT count(*) FROM version").fetchone(), (1,))
            database.close()
            path = client.post(b"after")["Location"]
        self.server.kill()
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.get(path).body, b"after")

    def test_the_trail_has_one_event_for_each_request_on_data(self):
        self.server.start()
        self.server.stop()
        before = self.server.audit()
        self.server.start()
        requests = 0
        with self.server.client() as client:
            paths = []
            for i in range(20):
                paths.append(client.post(b"record %d" % i)["Location"])
                requests += 1
            for path in paths:
                client.get(path)
                client.head(path)
                client.get(path, if_none_match='"1"')
                client.get(path + "/versions")
                client.put(path, b"new", if_match='"1"')
                client.put(path, b"newer", if_match='"1"')
                requests += 6
            client.get("/v1/records")
            client.get("/v1/records/unknown")
            requests += 2
            # These touch no data.
            client.get("/v1/health")
            client.get("/openapi.json")
        # One without an account is counted by its minute.
        with self.server.client(token=None) as client:
            client.get(paths[0])
            requests += 1
        self.server.stop()
        self.assertEqual(self.server.audit() - before, requests)


if __name__ == "__main__":
    unittest.main()
