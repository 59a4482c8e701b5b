"""What the operator asks: coffer status, coffer health, GET /v1/status."""

import json
import os
import shutil
import socket
import subprocess
import time
import unittest

from chains import Authority
from harness import ApiTest, BINARY, Server, run, wait_until
from test_sealing import WORDS, Locked


class Status(ApiTest):
    def status(self):
        answer = self.client.get("/v1/status")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def test_it_tells_how_things_are(self):
        self.create()
        told = self.status()
        self.assertEqual((told["seal"], told["healthy"]), ("unsealed", True))
        self.assertEqual([kek["state"] for kek in told["keks"]], ["current"])
        self.assertEqual(f"kek-{told['keks'][0]['id']}.pem", *[[name] for name in os.listdir(
            os.path.join(self.server.data, "keys")) if name.startswith("kek-")][0])
        self.assertTrue(told["epoch"]["loaded"])
        self.assertLess(told["epoch"]["age_seconds"], 600)
        self.assertIn("localhost", told["certificate"]["names"])
        self.assertIn("127.0.0.1", told["certificate"]["names"])
        self.assertIn("::1", told["certificate"]["names"])
        self.assertAlmostEqual(told["certificate"]["seconds_left"], 397 * 86400, delta=2 * 3600)
        self.assertEqual(told["database"]["bytes"], os.stat(os.path.join(self.server.data, "coffer.db")).st_size)
        self.assertGreater(told["database"]["wal_bytes"], 0)
        self.assertEqual((told["disk"]["space"], told["disk"]["watermark_bytes"], told["disk"]["reserve_bytes"]),
                         ("ok", 256 << 20, 64 << 20))
        disk = os.statvfs(self.server.data)
        self.assertAlmostEqual(told["disk"]["free_bytes"], disk.f_bavail * disk.f_frsize, delta=4 << 30)
        self.assertEqual((told["queue"]["limit"], told["connections"]["limit"]), (4096, 10000))

    def test_connections_are_counted(self):
        with self.server.client() as other:
            other.get("/v1/health")
            self.client.get("/v1/health")
            self.assertTrue(wait_until(lambda: self.status()["connections"]["open"] == 2))
        self.assertTrue(wait_until(lambda: self.status()["connections"]["open"] == 1))

    def test_uptime_and_the_audit_head_move_on(self):
        before = self.status()
        self.create()
        self.assertTrue(wait_until(lambda: self.status()["uptime_seconds"] > before["uptime_seconds"]))
        after = self.status()
        self.assertEqual(after["audit"]["sequence"], before["audit"]["sequence"] + 1)
        self.assertNotEqual(after["audit"]["hash"], before["audit"]["hash"])

    def test_only_refusals_are_in_the_log(self):
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "watch", "roles": ["monitor"]}))
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "clerk", "roles": ["writer"]}))
        tokens = {name: self.client.request("POST", "/v1/tokens", json.dumps({"account": name})).json["token"]
                  for name in ("watch", "clerk")}
        before = self.status()["audit"]["sequence"]
        with self.server.client(token=tokens["watch"]) as watch:
            self.assertEqual(watch.get("/v1/status").status, 200)
            self.assertEqual(watch.get("/v1/status").json["audit"]["sequence"], before)
        with self.server.client(token=tokens["clerk"]) as clerk:
            self.assert_problem(clerk.get("/v1/status"), 403, "forbidden")
        self.assertEqual(self.status()["audit"]["sequence"], before + 1)
        events = self.client.get(f"/v1/audit?after={before}").json["events"]
        self.assertEqual((events[0]["action"], events[0]["outcome"]), ("status.read", 403))

    def test_the_command_prints_the_same(self):
        told = run("status", "--data", self.server.data)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        status = self.status()
        for words in ("unsealed: written and read", f"{status['keks'][0]['id'][:16]}, current", "localhost", "in memory",
                      "256.0 MiB", "of 4096", "of 10000"):
            self.assertIn(words, told.stdout)
        answer = run("status", "--json", "--data", self.server.data)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout)["keks"][0]["id"], status["keks"][0]["id"])

    def test_another_token_will_do(self):
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "onlooker", "roles": ["monitor"]}))
        path = os.path.join(self.server.root, "onlooker.token")
        made = run("token", "add", "onlooker", "--data", self.server.data, "-o", path)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(run("status", "--data", self.server.data, "--token-file", path).returncode, 0)
        narrow = run("token", "add", "onlooker", "--scope", "admin", "--data", self.server.data)
        self.assertEqual(narrow.returncode, 1, "beyond the account's scopes")


class Sealed(Locked):
    def test_sealed_is_told_and_without_epoch_keys(self):
        told = self.client.get("/v1/status").json
        self.assertEqual((told["seal"], told.get("epoch", {}).get("loaded", False)), ("sealed", False))
        self.assertIn("sealed: written, and not read", run("status", "--data", self.server.data).stdout)
        ready = run("health", "--ready", "--data", self.server.data)
        self.assertEqual((ready.returncode, ready.stdout.split()[1]), (0, "sealed"))
        self.assertEqual(self.ask("unseal", WORDS).status, 204)
        self.assertTrue(wait_until(lambda: self.client.get("/v1/status").json.get("epoch", {}).get("loaded")))
        self.assertEqual(run("health", "--ready", "--data", self.server.data).stdout.split()[1], "ready")


class NoSpace(ApiTest):
    """The watermark is above what any disk has: nothing is written, and the operator is told why."""

    options = ("--disk-watermark", "1024GiB", "--disk-reserve", "0")

    def test_readiness_and_status_tell_of_the_disk(self):
        self.assertTrue(wait_until(lambda: self.client.get("/v1/status").json["disk"]["space"] == "low"))
        ready = run("health", "--ready", "--data", self.server.data)
        self.assertEqual((ready.returncode, ready.stdout), (1, ""))
        self.assertIn("the disk is nearly full (503)", ready.stderr)
        self.assertEqual(run("health", "--data", self.server.data).returncode, 0)
        self.assertIn("free, low", run("status", "--data", self.server.data).stdout)


class Health(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def health(self, *options, **environment):
        return subprocess.run([BINARY, "health", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              encoding="utf-8", check=False, env={**os.environ, **environment})

    def assert_well(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("\n"), 1)

    def assert_ill(self, done, words):
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_the_data_directory_is_all_it_needs(self):
        self.server.start()
        self.assert_well(self.health("--data", self.server.data))
        self.assert_well(self.health(COFFER_DATA=self.server.data))
        # As in a container: the server's own setting is in the environment, and no address to dial.
        self.assert_well(self.health(COFFER_DATA=self.server.data, COFFER_LISTEN="0.0.0.0:1"))
        self.assertEqual(self.server.stop(), 0)
        self.assertFalse(os.path.exists(os.path.join(self.server.data, "server.url")))
        self.assert_ill(self.health("--data", self.server.data, COFFER_LISTEN="127.0.0.1:1"), "nobody answers")

    def test_a_server_on_all_addresses(self):
        for listen in ("0.0.0.0:0", "[::]:0"):
            with self.subTest(listen):
                self.server.command = lambda listen=listen: [
                    BINARY, "serve", "--data", self.server.data, "--listen", listen, "--access-log", "off"]
                self.server.start()
                self.assert_well(self.health("--data", self.server.data))
                self.server.stop()

    def test_after_a_kill_it_fails(self):
        self.server.start()
        self.server.kill()
        self.assert_ill(self.health("--data", self.server.data), "nobody answers")

    def test_without_the_tokens_and_keys(self):
        self.server.start()
        directory = os.path.join(self.server.root, "elsewhere")
        os.mkdir(directory)
        self.assert_ill(self.health("--data", directory, "--url", f"https://127.0.0.1:{self.server.port}"), "not trusted")
        ca = os.path.join(self.server.data, "tls", "ca.pem")
        self.assert_well(self.health("--data", directory, "--ca", ca, "--url", f"https://localhost:{self.server.port}"))
        os.mkdir(os.path.join(directory, "tls"))
        shutil.copy(ca, os.path.join(directory, "tls", "ca.pem"))
        self.assert_well(self.health("--data", directory, COFFER_LISTEN=f"127.0.0.1:{self.server.port}"))

    def test_a_server_that_says_nothing(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            begun = time.monotonic()
            self.assert_ill(self.health("--timeout", "1", "--url", f"https://127.0.0.1:{silent.getsockname()[1]}"),
                            "did not answer in time")
            self.assertLess(time.monotonic() - begun, 10)

    def spawn(self, *options):
        """A server that does not say it is at 127.0.0.1; the lines of DIR/server.url."""
        self.server.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.server.data, "--access-log", "off", *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(self.server.data, "server.url")
        self.assertTrue(wait_until(lambda: os.path.exists(path)))
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()

    def end(self):
        process, self.server.process = self.server.process, None
        process.terminate()
        self.assertEqual(process.wait(30), 0)
        self.assertFalse(os.path.exists(os.path.join(self.server.data, "server.url")))

    def test_a_certificate_of_another_ca_and_for_another_name(self):
        authority = Authority(self.server.root, "authority")
        chain, key = authority.server("own", names=("records.example.org",))
        dial, origin = self.spawn("--listen", "127.0.0.1:0", "--tls-cert", chain, "--tls-key", key)
        self.assertEqual(origin, "https://records.example.org")
        # That name is of no machine: it is dialled where the server is, and expected of its certificate.
        self.assert_well(self.health("--data", self.server.data, "--ca", authority.root))
        told = run("status", "--data", self.server.data, "--ca", authority.root)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertIn("records.example.org", told.stdout)
        self.assert_ill(self.health("--data", self.server.data), "not trusted")
        self.assert_ill(self.health("--data", self.server.data, "--ca", authority.root, "--url", dial), "not trusted")
        self.end()

    def test_behind_a_proxy_it_asks_the_server_itself(self):
        path = os.path.join(self.server.root, "coffer.sock")
        for place, dial, origin in (("127.0.0.1:0", "http://127.0.0.1:", None),
                                    (f"unix:{path}", f"unix:{path}", "https://records.example.invalid")):
            with self.subTest(place):
                told = self.spawn("--listen", "off", "--http", place, *(("--origin", origin) if origin else ()))
                self.assertTrue(told[0].startswith(dial), told)
                well = self.health("--ready", "--data", self.server.data)
                self.assert_well(well)
                self.assertTrue(well.stdout.startswith(f"{told[0]}: ready"), well.stdout)
                # The administrator's token goes nowhere in clear.
                refused = run("status", "--data", self.server.data)
                self.assertEqual(refused.returncode, 1)
                self.assertIn(origin or "a server is named as https://HOST:PORT", refused.stderr)
                self.end()

    def test_wrong_usage(self):
        self.assertEqual(self.health("--timeout", "0").returncode, 2)
        self.assertEqual(self.health("--nothing").returncode, 2)
        self.assert_ill(self.health("--url", "ftp://127.0.0.1:1"), "https://HOST:PORT")
        self.assert_ill(self.health("--url", "http://127.0.0.1:1"), "nobody answers")


if __name__ == "__main__":
    unittest.main()
