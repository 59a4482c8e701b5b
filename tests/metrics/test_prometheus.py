"""The real Prometheus reads what docs/operations.md shows: the metrics, the job, the alerts."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from harness import ROOT, Server, free_port, run, wait_until  # pylint: disable=wrong-import-position

MISSING = [name for name in ("prometheus", "promtool") if not shutil.which(name)]


def blocks():
    """The YAML of the manual: the job, then the alerts."""
    with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as file:
        return re.findall(r"^```yaml\n(.*?)^```$", file.read(), re.M | re.S)


@unittest.skipIf(MISSING, f"Debian's prometheus is not installed: {', '.join(MISSING)}")
class Prometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="coffer-prometheus-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.server = Server("--metrics", "127.0.0.1:0")
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        for command in (("account", "add", "prometheus", "--role", "monitor"),
                        ("token", "add", "prometheus", "-o", os.path.join(cls.root, "prometheus.token"))):
            done = run(*command, "--data", cls.server.data)
            assert done.returncode == 0, done.stderr
        with cls.server.client() as client:
            for _ in range(7):
                assert client.get(client.post(b"to be counted")["Location"]).status == 200
            client.get("/v1/nothing")
        cls.job, cls.alerts = blocks()

    def promtool(self, *arguments, given=None):
        return subprocess.run(["promtool", *arguments], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", timeout=60, check=False)

    def write(self, name, text):
        path = os.path.join(self.root, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def metrics(self):
        with self.server.client() as client:
            return client.get("/metrics").body.decode()

    def test_promtool_finds_nothing_amiss(self):
        done = self.promtool("check", "metrics", given=self.metrics())
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        # It does find what is.
        amiss = self.promtool("check", "metrics", given="# TYPE coffer_things counter\ncoffer_things 1\n")
        self.assertNotEqual((amiss.returncode, amiss.stdout), (0, ""))

    def test_the_alerts_of_the_manual_are_about_metrics_that_there_are(self):
        rules = self.write("alone.yml", self.alerts)
        done = self.promtool("check", "rules", rules)
        self.assertEqual(done.returncode, 0, done.stdout)
        families = set(re.findall(r"^# TYPE (\S+)", self.metrics(), re.M))
        named = {re.sub("_bucket$", "", name) for name in re.findall(r"coffer_\w+", self.alerts)}
        self.assertGreater(len(named), 10)
        self.assertEqual(named - families, set())

    def start(self):
        port = free_port()
        job = self.job.replace("localhost:8443", f"localhost:{self.server.port}").replace(
            "/etc/prometheus/prometheus.token", os.path.join(self.root, "prometheus.token")).replace(
            "/etc/prometheus/coffer-ca.pem", os.path.join(self.server.data, "tls", "ca.pem"))
        self.write("alerts.yml", self.alerts)
        config = self.write("prometheus.yml", "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                            f"rule_files: [alerts.yml]\n{job}")
        checked = self.promtool("check", "config", config)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
             f"--storage.tsdb.path={os.path.join(self.root, 'tsdb')}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")

        def end():
            process.terminate()
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

        self.addCleanup(end)
        return f"http://127.0.0.1:{port}/api/v1"

    def ask(self, base, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{base}/{path}?{query}", timeout=20) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def value(self, base, query):
        data = self.ask(base, "query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def test_it_scrapes_with_a_token_and_answers(self):
        base = self.start()
        self.assertTrue(wait_until(lambda: self.value(base, 'up{job="coffer"}') == 1, 30),
                        self.ask(base, "targets", state="active"))
        self.assertEqual(self.value(
            base, 'sum(coffer_http_requests_total{method="POST",route="/v1/records",status="201"})'), 7)
        self.assertEqual(self.value(base, 'sum(coffer_epoch_cache_lookups_total{result="hit"})'), 7)
        self.assertGreater(self.value(base, "coffer_certificate_not_after_timestamp_seconds - time()"), 300 * 86400)
        quantile = 'histogram_quantile(0.9, sum by (le) (coffer_http_request_duration_seconds_bucket))'
        self.assertLess(self.value(base, quantile), 10)
        # And the alerts are evaluated: none has an error, and what is well does not alarm.

        def rules():
            groups = (self.ask(base, "rules") or {"groups": []})["groups"]
            return [rule for group in groups for rule in group["rules"]]

        self.assertTrue(wait_until(lambda: rules() and all(rule["health"] == "ok" for rule in rules()), 30), rules())
        self.assertEqual(len(rules()), self.alerts.count("- alert:"))
        self.assertEqual([rule["name"] for rule in rules() if rule["state"] == "firing"], [])

    def test_the_port_of_this_machine_is_scraped_without_a_token(self):
        port = re.search(r"^Port (\d+) tells metrics", "".join(self.server.output), re.M).group(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            done = self.promtool("check", "metrics", given=answer.read().decode())
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
