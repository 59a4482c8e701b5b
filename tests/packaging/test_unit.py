"""The systemd unit: what systemd-analyze says of it, and what a real systemd does with it, booted for the test in
namespaces of its own."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "api"))
from harness import BINARY  # pylint: disable=wrong-import-position

BUILD = os.path.dirname(BINARY)
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--ipc", "--uts", "--net", "--cgroup", "--kill-child")
CAP_NET_BIND_SERVICE = 1 << 10


def ask(*command, timeout=60, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, encoding="utf-8", errors="replace", check=False, **options)


class Analysed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="coffer-unit-")
        cls.addClassCleanup(directory.cleanup)
        cls.dir = directory.name
        done = ask("cmake", "--install", BUILD, "--prefix", cls.dir)
        if done.returncode != 0:
            raise AssertionError(done.stdout)
        cls.unit = os.path.join(cls.dir, "lib/systemd/system/coffer.service")

    def test_verify_finds_nothing(self):
        # The manual pages are in no place where man would look for them, before they are installed in earnest.
        done = ask("systemd-analyze", "verify", "--man=no", self.unit)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_exposure_is_at_most_1_2(self):
        done = ask("systemd-analyze", "security", "--offline=true", "--threshold=12", self.unit)
        self.assertEqual(done.returncode, 0, done.stdout)
        found = re.search(r"Overall exposure level for coffer.service: (\d+\.\d)", done.stdout)
        self.assertLessEqual(float(found.group(1)), 1.2)

    def test_the_user_is_one_that_sysusers_would_make(self):
        with open(os.path.join(self.dir, "lib/sysusers.d/coffer.conf"), encoding="utf-8") as file:
            users = re.findall(r"^u (\S+)", file.read(), re.M)
        with open(self.unit, encoding="utf-8") as file:
            self.assertEqual(re.findall(r"^User=(.*)$", file.read(), re.M), users)


class Booted(unittest.TestCase):
    """One boot; each test looks at one thing that inside.py did."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0 or ask(*NAMESPACES, "true").returncode != 0:
            raise unittest.SkipTest("needs root and namespaces, to boot a systemd")
        directory = tempfile.TemporaryDirectory(prefix="coffer-boot-")
        cls.addClassCleanup(directory.cleanup)
        try:
            done = ask(*NAMESPACES, sys.executable, "-B", os.path.join(HERE, "boot.py"), directory.name, BUILD, timeout=120)
        except subprocess.TimeoutExpired as late:
            done = late  # what it had said by then is in the logs
        logs = {"console": str(done.stdout)}
        for name in ("log", "coffer.log"):
            path = os.path.join(directory.name, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    logs[name] = file.read()
        cls.logs = "\n".join(f"---- {name}\n{text[-4000:]}" for name, text in logs.items())
        cls.steps = {}
        for line in logs.get("log", "").splitlines():
            if line.startswith("{"):
                found = json.loads(line)
                cls.steps[found.pop("step")] = found

    def step(self, name):
        self.assertIn(name, self.steps, self.logs)
        return self.steps[name]

    def expect(self, step, **expected):
        found = self.step(step)
        self.assertEqual({name: found.get(name) for name in expected}, expected, self.logs)

    def test_the_commands_of_the_page_install_and_start_it(self):
        self.expect("installed", code=0)
        self.assertIn("unsealed: written and read", self.step("installed")["text"])

    def test_it_is_active_once_it_serves_and_says_how(self):
        self.expect("started", Type="notify", ActiveState="active", status="201")
        self.assertTrue(self.step("started")["StatusText"].startswith("Port 8443."), self.logs)

    def test_the_credential_unlocks_what_it_has_locked(self):
        self.expect("started", locked=True)
        self.assertIn("unsealed in memory", self.step("started")["StatusText"])
        self.assertIn(self.step("started")["credential"]["mode"], ("0o400", "0o440"))

    def test_the_process_has_no_privilege_and_a_filter(self):
        process = self.step("started")["process"]
        self.assertNotEqual(process["uid"], 0)
        self.assertEqual((process["capabilities"], process["seccomp"], process["no_new_privileges"]), (0, 2, 1))
        self.assertEqual(process["nices"], [0, 5], "its threads could not be given their niceness")
        self.expect("started", directory="0o700", owner=process["uid"])

    def test_reload_keeps_the_process(self):
        self.expect("reloaded", code=0, same=True, ActiveState="active", SubState="running")

    def test_a_hung_committer_is_restarted_by_the_watchdog_and_nothing_is_lost(self):
        self.expect("hung", other=True, NRestarts="1", body="kept by systemd")

    def test_stop_is_clean(self):
        self.expect("stopped", code=0, ActiveState="inactive", Result="success", ExecMainStatus="0")

    def test_without_its_credential_it_starts_sealed(self):
        self.expect("without its credential", code=0, ActiveState="active", credential=None, read="503", write="201")
        self.assertIn("Sealed", self.step("without its credential")["StatusText"])

    def test_low_ports_need_the_drop_in_and_work_with_it(self):
        self.assertNotEqual(self.step("a low port without leave")["code"], 0, self.logs)
        self.expect("a low port", code=0, status="200")
        self.assertEqual(self.step("a low port")["process"]["capabilities"], CAP_NET_BIND_SERVICE)

    def test_the_acme_client_runs_under_the_unit(self):
        self.expect("a domain", code=0, ActiveState="active")

    def test_all_is_whole_in_the_end(self):
        self.expect("checked", code=0)


if __name__ == "__main__":
    unittest.main()
