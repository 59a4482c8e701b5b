"""GET /metrics: what is counted moves with what is done, one to one."""

import http.client
import json
import os
import re
import time
import unittest

import slow
from exposition import Metrics
from harness import ROOT, ApiTest, Server, in_threads, run, wait_until
from test_sealing import WORDS, Locked
from test_tamper import connect, id_of

REQUESTS = "coffer_http_requests_total"
SECONDS = "coffer_http_request_duration_seconds"


class Scraped(ApiTest):
    def scrape(self):
        answer = self.client.get("/metrics")
        self.assertEqual((answer.status, answer["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        return Metrics(answer.body.decode())

    def moved(self, before, name, **labels):
        return self.scrape().get(name, **labels) - before.get(name, **labels)

    def assert_moves(self, before, name, by, **labels):
        """Some numbers move a moment after the answer: the request ends once its last byte has gone."""
        self.assertTrue(wait_until(lambda: self.moved(before, name, **labels) >= by, 5),
                        f"{name} {labels}: {self.moved(before, name, **labels)}")
        self.assertEqual(self.moved(before, name, **labels), by, (name, labels))


class Counters(Scraped):
    def test_requests_by_route_and_status(self):
        before = self.scrape()
        path = self.create(b"one")
        for _ in range(3):
            self.assertEqual(self.client.get(path).status, 200)
        self.assertEqual(self.client.head(path).status, 200)
        self.assertEqual(self.client.get(path, range="bytes=0-1").status, 206)
        self.assertEqual(self.client.get("/v1/records/nothing").status, 404)
        self.assertEqual(self.client.get("/no/such/path/at/all").status, 404)
        self.assertEqual(self.client.request("DELETE", "/v1/health").status, 405)
        with self.server.client(token=None) as stranger:
            self.assertEqual(stranger.get(path).status, 401)
        record = {"method": "GET", "route": "/v1/records/{id}"}
        self.assert_moves(before, REQUESTS, 1, method="POST", route="/v1/records", status="201")
        self.assert_moves(before, REQUESTS, 4, **record, status="200")
        self.assert_moves(before, REQUESTS, 1, **record, status="206")
        self.assert_moves(before, REQUESTS, 1, **record, status="404")
        self.assert_moves(before, REQUESTS, 1, **record, status="401")
        self.assert_moves(before, REQUESTS, 1, method="other", route="none", status="404")
        self.assert_moves(before, REQUESTS, 1, method="other", route="none", status="405")
        self.assert_moves(before, "coffer_unauthenticated_refusals_total", 1)
        self.assert_moves(before, SECONDS + "_count", 7, **record)
        self.assert_moves(before, SECONDS + "_bucket", 7, **record, le="+Inf")
        self.assertGreater(self.moved(before, SECONDS + "_sum", **record), 0)

    def test_labels_are_templates_whatever_clients_ask_for(self):
        for i in range(30):
            self.client.get(f"/v1/records/{i}")
            self.client.request("GET", f"/{i}/secret-{i}", check=False)
            self.client.request(f"METHOD{i}", "/v1/health", check=False)
        self.assertTrue(wait_until(lambda: self.scrape().sum(REQUESTS, route="none") >= 60))
        told = self.scrape()
        routes = {line.split()[1] for line in run("routes").stdout.splitlines()} | {"none"}
        for name in (REQUESTS, SECONDS + "_count"):
            self.assertLessEqual(told.labels(name, "route"), routes)
            self.assertLessEqual(told.labels(name, "method"), {"GET", "PUT", "POST", "DELETE", "other"})

    def test_bodies_and_answers_that_did_not_go_out(self):
        before = self.scrape()
        path = self.create(bytes(100000))
        self.client.get(path)
        self.assert_moves(before, "coffer_http_received_bytes_total", 100000)
        self.assertGreaterEqual(self.moved(before, "coffer_http_sent_bytes_total"), 100000)
        large = self.create(bytes(32 << 20))
        connection = self.server.client().open()
        connection.request("GET", large, headers={"authorization": f"Bearer {self.server.token}"})
        connection.sock.recv(1000)
        connection.close()
        self.assert_moves(before, "coffer_http_incomplete_total", 1)

    def test_epoch_keys_and_rsa(self):
        path = self.create(b"wrapped by both")
        before = self.scrape()
        for _ in range(5):
            self.client.get(path)
        self.assert_moves(before, "coffer_epoch_cache_lookups_total", 5, result="hit")
        database = connect(self.server.data)
        self.addCleanup(database.close)
        database.execute("UPDATE version SET epoch_wrap = x'' WHERE record_id = ?", [id_of(path)])
        self.assertEqual(self.client.get(path).body, b"wrapped by both")
        self.assertEqual(self.client.get(path).body, b"wrapped by both")
        self.assert_moves(before, "coffer_epoch_cache_lookups_total", 1, result="miss")
        self.assert_moves(before, "coffer_epoch_cache_lookups_total", 6, result="hit")
        self.assert_moves(before, "coffer_rsa_unwraps_total", 1, key="record")
        self.assert_moves(before, "coffer_rsa_unwraps_total", 0, key="epoch")

    def test_a_record_that_does_not_decrypt(self):
        path = self.create(b"soon damaged")
        before = self.scrape()
        database = connect(self.server.data)
        self.addCleanup(database.close)
        database.execute("UPDATE version SET inline_chunk = x'00' || substr(inline_chunk, 2) WHERE record_id = ?",
                         [id_of(path)])
        self.assertEqual(self.client.get(path).status, 500)
        self.assert_moves(before, "coffer_decryption_failures_total", 1)
        self.assert_moves(before, "coffer_audit_events_total", 1, outcome="failed")
        self.client.delete(path)

    def test_audit_events_and_commits(self):
        before = self.scrape()

        def post(_):
            with self.server.client() as client:
                return client.post(b"together")["Location"]

        paths = in_threads(8, post)
        self.client.get(f"{paths[0]}/versions/7")
        self.client.put(paths[0], b"other", if_match='"7"')
        self.assert_moves(before, "coffer_audit_events_total", 8, outcome="done")
        self.assert_moves(before, "coffer_audit_events_total", 2, outcome="refused")
        after = self.scrape()
        self.assertEqual(after.get("coffer_audit_head_sequence") - before.get("coffer_audit_head_sequence"), 10)
        jobs = after.get("coffer_commit_requests_sum") - before.get("coffer_commit_requests_sum")
        commits = after.get("coffer_commit_requests_count") - before.get("coffer_commit_requests_count")
        self.assertGreaterEqual(jobs, 10)
        self.assertLessEqual(commits, jobs)
        self.assertEqual(after.get("coffer_commit_duration_seconds_count"), after.get("coffer_commit_requests_count"))
        self.assertGreater(after.get("coffer_commit_duration_seconds_sum"), 0)

    def test_breaking_the_glass(self):
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "medic", "roles": ["emergency"]}))
        token = self.client.request("POST", "/v1/tokens", json.dumps({"account": "medic"})).json["token"]
        path = self.create(b"another's")
        before = self.scrape()
        with self.server.client(token=token) as medic:
            self.assertEqual(medic.get(path).status, 404)
            self.assertEqual(medic.get(path, coffer_emergency_reason="found unconscious").status, 200)
        self.assert_moves(before, "coffer_break_glass_reads_total", 1)

    def test_connections(self):
        before = self.scrape()
        others = [self.server.client() for _ in range(5)]
        for other in others:
            other.get("/v1/health")
        now = self.scrape()
        self.assertEqual(now.get("coffer_connections_accepted_total") - before.get("coffer_connections_accepted_total"), 5)
        self.assertEqual(now.get("coffer_connections_open"), 6)
        for other in others:
            other.close()
        self.assertTrue(wait_until(lambda: self.scrape().get("coffer_connections_open") == 1))

    def test_what_is_only_looked_at(self):
        told, status = self.scrape(), self.client.get("/v1/status").json
        self.assertEqual(told.get("coffer_build_info", version=status["version"]), 1)
        self.assertEqual(told.get("coffer_database_size_bytes"), status["database"]["bytes"])
        self.assertEqual(told.get("coffer_disk_watermark_bytes"), status["disk"]["watermark_bytes"])
        self.assertEqual((told.get("coffer_sealed"), told.get("coffer_database_healthy")), (0, 1))
        left = told.get("coffer_certificate_not_after_timestamp_seconds") - time.time()
        self.assertAlmostEqual(left, status["certificate"]["seconds_left"], delta=5)
        for name in ("kek", "epoch_key"):
            self.assertLess(abs(time.time() - told.get(f"coffer_{name}_created_timestamp_seconds")), 600)
        self.assertLess(abs(time.time() - told.get("process_start_time_seconds")), 600)
        self.assertAlmostEqual(told.get("process_resident_memory_bytes"), self.server.memory("VmRSS"), delta=16 << 20)
        files = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        self.assertAlmostEqual(told.get("process_open_fds"), files, delta=3)
        self.assertGreater(told.get("process_cpu_seconds_total"), 0)


class Cache(Scraped):
    options = ("--token-cache", "1h")

    def test_tokens_are_looked_up_once(self):
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "clerk", "roles": ["reader"]}))
        token = self.client.request("POST", "/v1/tokens", json.dumps({"account": "clerk"})).json["token"]
        self.scrape()  # this token, too, was forgotten
        before = self.scrape()
        with self.server.client(token=token) as clerk:
            for _ in range(4):
                clerk.get("/v1/records")
        after = self.scrape()
        self.assertEqual(after.get("coffer_token_cache_lookups_total", result="miss"),
                         before.get("coffer_token_cache_lookups_total", result="miss") + 1)
        self.assertEqual(after.get("coffer_token_cache_lookups_total", result="hit"),
                         before.get("coffer_token_cache_lookups_total", result="hit") + 4)


class Limits(Scraped):
    options = ("--max-connections-per-address", "3", "--hello-timeout", "500ms", "--header-timeout", "500ms",
               "--idle-timeout", "60s")

    def test_connections_beyond_the_limit(self):
        before = self.scrape()
        others = [self.server.client() for _ in range(2)]
        for other in others:
            other.get("/v1/health")
        with self.server.client() as beyond:
            self.assertEqual(beyond.get("/v1/health").status, 429)
        self.assert_moves(before, "coffer_connections_over_limit_total", 1, limit="address")
        for other in others:
            other.close()
        self.assertTrue(wait_until(lambda: self.scrape().get("coffer_connections_open") == 1))

    def test_connections_that_are_reaped(self):
        before = self.scrape()
        for phase, kind in (("hello", slow.hello), ("header", slow.header)):
            one = kind(self.server, silent=True)
            self.assertTrue(wait_until(one.gone))
            one.close()
            self.assert_moves(before, "coffer_connections_reaped_total", 1, phase=phase)


class Sealed(Locked, Scraped):
    def test_sealing_is_seen_and_scraping_goes_on(self):
        self.assertEqual(self.scrape().get("coffer_sealed"), 1)
        self.assertEqual(self.ask("unseal", WORDS).status, 204)
        self.assertEqual(self.scrape().get("coffer_sealed"), 0)


class Access(Scraped):
    def test_the_scope_is_enough_and_nothing_else_is(self):
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "prometheus", "roles": ["monitor"]}))
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "clerk", "roles": ["writer", "auditor"]}))
        made = run("token", "add", "prometheus", "--scope", "metrics", "--data", self.server.data)
        self.assertEqual(made.returncode, 0, made.stderr)
        clerk = self.client.request("POST", "/v1/tokens", json.dumps({"account": "clerk"})).json["token"]
        with self.server.client(token=made.stdout.strip()) as client:
            self.assertEqual(client.get("/metrics").status, 200)
            self.assertEqual(client.get("/v1/records").status, 403)
        with self.server.client(token=clerk) as client:
            self.assert_problem(client.get("/metrics"), 403, "forbidden")
        with self.server.client(token=None) as client:
            self.assert_problem(client.get("/metrics"), 401, "unauthorized")

    def test_nothing_of_anybody_is_told(self):
        path = self.create(b"a record of somebody", labels=None)
        self.client.get(path)
        text = self.client.get("/metrics").body.decode()
        for told in (path.split("/")[-1], "127.0.0.1", self.server.token, "admin"):
            self.assertNotIn(told, text)


class Port(unittest.TestCase):
    """The port of this machine alone, without a token."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--metrics", "127.0.0.1:0")
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        assert wait_until(lambda: re.search(r"^Port (\d+) tells metrics", "".join(cls.server.output), re.M))
        cls.port = int(re.search(r"^Port (\d+) tells metrics", "".join(cls.server.output), re.M).group(1))

    def ask(self, method="GET", path="/metrics", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read().decode()

    def test_the_same_metrics(self):
        with self.server.client() as client:
            client.get("/v1/health")
            wanted = Metrics(client.get("/metrics").body.decode())
        status, kind, text = self.ask()
        self.assertEqual((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"))
        self.assertEqual(Metrics(text).type, wanted.type)
        self.assertEqual(Metrics(text).get(REQUESTS, method="GET", route="/v1/health", status="200"), 1)

    def test_nothing_else_is_answered(self):
        self.assertEqual(self.ask(path="/")[0], 404)
        self.assertEqual(self.ask(path="/v1/health")[0], 404)
        self.assertEqual(self.ask(path="/metrics/")[0], 404)
        self.assertEqual(self.ask("POST")[0], 405)
        for host in ("metrics.example", "127.0.0.1.example", "localhost.example:80", "169.254.1.1", ""):
            self.assertEqual(self.ask(Host=host)[0], 421, host)
        for host in ("localhost", f"LOCALHOST:{self.port}", "[::1]:9", "127.0.0.1"):
            self.assertEqual(self.ask(Host=host)[0], 200, host)

    def test_only_addresses_of_this_machine(self):
        for address in ("0.0.0.0:9464", "10.0.0.1:9464", "[::]:9464", "unix:/tmp/x", "example.org:1", "127.0.0.1"):
            done = run("serve", "--data", os.path.join(self.server.root, "none"), "--metrics", address)
            self.assertEqual(done.returncode, 2, address)
            self.assertIn("since it asks for no token", done.stderr)

    def test_a_port_in_use(self):
        done = run("serve", "--data", os.path.join(self.server.root, "other"), "--listen", "127.0.0.1:0", "--metrics",
                   f"127.0.0.1:{self.port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the port is in use (--metrics changes it)", done.stderr)


class Conventions(Scraped):
    def test_names_are_as_prometheus_has_them(self):
        told = self.scrape()
        for name, kind in told.type.items():
            with self.subTest(name):
                self.assertRegex(name, r"^(coffer|process)_[a-z][a-z_]*[a-z]$")
                self.assertEqual(name.endswith("_total"), kind == "counter")
                self.assertNotRegex(name, r"_(ms|milliseconds|microseconds|kb|kib|mb|percent|count)(_|$)")

    def test_the_manual_lists_each_metric_as_it_is(self):
        with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as file:
            rows = re.findall(r"^\| `((?:coffer|process)_\w+)` \| (\w+) \|", file.read(), re.M)
        self.assertEqual(len(rows), len(set(rows)))
        self.assertEqual(dict(rows), self.scrape().type)


if __name__ == "__main__":
    unittest.main()
