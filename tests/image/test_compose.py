"""docker/compose.yaml: no engine is here to read it, so it is held against the image and against what coffer takes."""

import http.client
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from container import CONFIG, GID, PORT, UID, VOLUME, Container, Volume, wait_until

DOCKER = pathlib.Path(__file__).resolve().parents[2] / "docker"
# What the specification of Compose knows, of what is used here; a misspelt member would be refused by an engine.
TOP = {"services", "volumes", "secrets", "x-coffer"}
SERVICE = {"image", "build", "read_only", "cap_drop", "security_opt", "restart", "stop_grace_period", "secrets", "profiles",
           "environment", "volumes", "ports"}
PUBLISHED = re.compile(r"(?:(\d+\.\d+\.\d+\.\d+):)?(\d+):(\d+)")


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.compose = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
        cls.services = cls.compose["services"]
        cls.volume = Volume()
        cls.addClassCleanup(cls.volume.remove)
        told = Container(cls.volume, "config")
        cls.addClassCleanup(told.remove)
        assert told.wait() == 0, told.said
        cls.settings = dict(re.findall(r"^(\w+) = ?(.*)$", told.said, re.M))

    def each(self):
        for name, service in self.services.items():
            with self.subTest(service=name):
                yield name, service

    def test_only_known_members(self):
        self.assertLessEqual(set(self.compose), TOP)
        self.assertEqual(set(self.services), {"alone", "public"})
        for name, service in self.each():
            self.assertLessEqual(set(service), SERVICE)
            self.assertEqual(service["profiles"], [name])
            self.assertTrue((DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file())

    def test_each_has_a_read_only_root_no_privilege_and_the_image_s_volume(self):
        for name, service in self.each():
            self.assertIs(service["read_only"], True)
            self.assertEqual(service["cap_drop"], ["ALL"])
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
            self.assertEqual(service["volumes"], [f"{name}:{VOLUME}"])
            self.assertIn(name, self.compose["volumes"])

    def test_secrets_are_files_that_are_not_in_the_repository(self):
        root = DOCKER.parent
        for _, service in self.each():
            for secret in service["secrets"]:
                path = DOCKER / self.compose["secrets"][secret]["file"]
                self.assertTrue(path.is_relative_to(DOCKER / "secrets"))
                done = subprocess.run(["git", "-C", str(root), "check-ignore", "-q", str(path)], check=False)
                self.assertEqual(done.returncode, 0, "git would take it")
                self.assertIn(f"/run/secrets/{secret}", service["environment"].values())
        self.assertIn("docker/secrets", (root / ".dockerignore").read_text(encoding="utf-8").split())

    def test_every_variable_is_a_setting(self):
        for _, service in self.each():
            for variable in service["environment"]:
                self.assertIn(variable.removeprefix("COFFER_").lower(), self.settings)

    def test_it_is_given_the_time_to_finish(self):
        drain = re.fullmatch(r"(\d+)s", self.settings["drain_timeout"])
        for _, service in self.each():
            grace = re.fullmatch(r"(\d+)s", service["stop_grace_period"])
            self.assertGreater(int(grace.group(1)), int(drain.group(1)))

    def test_the_ports_are_those_it_listens_on(self):
        inside = {"alone": {PORT}, "public": {PORT, 8080}}
        outside = {"alone": {8443}, "public": {443, 80}}
        for name, service in self.each():
            ports = [PUBLISHED.fullmatch(port).groups() for port in service["ports"]]
            self.assertEqual({int(port[2]) for port in ports}, inside[name])
            self.assertEqual({int(port[1]) for port in ports}, outside[name])
            for port in inside[name] - {PORT}:
                self.assertTrue(service["environment"]["COFFER_HTTP_REDIRECT"].endswith(f":{port}"))
        self.assertEqual(self.services["alone"]["ports"][0].split(":")[0], "127.0.0.1")
        self.assertEqual(CONFIG["ExposedPorts"], {f"{PORT}/tcp": {}})

    def start(self, name, **more):
        """The service, with its variables and its secret."""
        volume = Volume()
        self.addCleanup(volume.remove)
        secrets = tempfile.TemporaryDirectory(prefix="coffer-secrets-")
        self.addCleanup(secrets.cleanup)
        os.chmod(secrets.name, 0o755)
        path = os.path.join(secrets.name, "coffer-unlock")
        with open(path, "wb") as file:
            file.write(os.urandom(32))
        os.chown(path, UID, GID)
        os.chmod(path, 0o400)
        container = Container(volume, secrets=secrets.name, **{**self.services[name]["environment"], **more})
        self.addCleanup(container.remove)
        return container.serves()

    def test_alone_serves_with_its_key_locked_and_open(self):
        server = self.start("alone")
        self.assertIn("locked on disk, and unsealed in memory", server.said)
        self.assertEqual(server.healthy().returncode, 0)
        self.assertEqual(server.stop(), 0)

    def test_public_serves_and_redirects_while_no_certificate_is_to_be_had(self):
        # No CA is here: that the program which asks one is in the image, and may run, is what can be seen.
        server = self.start("public", COFFER_DOMAIN="records.example.test", COFFER_ACME_EMAIL="a@example.test",
                            COFFER_ACME_DIRECTORY="https://localhost:1/directory")
        self.assertTrue(wait_until(lambda: "uacme: fetching directory" in server.said), server.said)
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
        connection.request("GET", "/v1/records", headers={"host": "records.example.test"})
        answer = connection.getresponse()
        self.assertEqual((answer.status // 100, answer.headers["Location"]), (3, "https://records.example.test/v1/records"))
        connection.close()
        self.assertEqual(server.healthy().returncode, 0, server.said)
        self.assertEqual(server.stop(), 0, server.said)


if __name__ == "__main__":
    unittest.main()
