"""Containers of the image, run by namespaces alone: what the image's configuration says is done as an engine would."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "api"))
from harness import Client, wait_until  # pylint: disable=wrong-import-position

ROOT = os.environ["COFFER_IMAGE_ROOT"]
with open(os.environ["COFFER_IMAGE_JSON"], encoding="utf-8") as inspected:
    CONFIG = json.load(inspected)["Docker"]["config"]
UID, GID = (int(number) for number in CONFIG["User"].split(":"))
(VOLUME,) = CONFIG["Volumes"]
PORT = 8443
NAMESPACES = ("--mount", "--pid", "--ipc", "--uts")


def environment(more):
    return {**dict(line.split("=", 1) for line in CONFIG["Env"]), **more}


class Volume:
    """What an engine makes of a named volume: the image's directory, with its owner and mode."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="coffer-volume-")
        of_image = os.stat(ROOT + VOLUME)
        os.chown(self.path, of_image.st_uid, of_image.st_gid)
        os.chmod(self.path, of_image.st_mode & 0o7777)

    def read(self, name):
        with open(os.path.join(self.path, "data", name), encoding="ascii") as file:
            return file.read()

    def remove(self):
        shutil.rmtree(self.path)


class Container:
    def __init__(self, volume, *command, secrets=None, **more):
        self.volume = volume
        self.environment = environment(more)
        told = {"root": ROOT, "volumes": {VOLUME: volume.path}, "secrets": secrets, "uid": UID, "gid": GID,
                "environment": self.environment, "command": CONFIG["Entrypoint"] + list(command or CONFIG["Cmd"])}
        self.process = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", sys.executable, "-B", os.path.join(HERE, "enter.py"),
             json.dumps(told)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
        self.output = []
        self.reader = threading.Thread(target=lambda: self.output.extend(self.process.stdout), daemon=True)
        self.reader.start()

    @property
    def said(self):
        return "".join(self.output)

    @property
    def pid(self):
        """Of its first process, as seen from outside."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def serves(self):
        """Waits until it does."""
        if not wait_until(lambda: "is ready at" in self.said or self.process.poll() is not None, 60) or \
                self.process.poll() is not None:
            raise AssertionError("it does not serve:\n" + self.said)
        self.port = PORT
        self.tls = ssl.create_default_context(cadata=self.volume.read("tls/ca.pem"))
        self.token = self.volume.read("admin.token").strip()
        return self

    def connect(self, timeout=20):
        plain = socket.create_connection(("127.0.0.1", PORT), timeout)
        try:
            return self.tls.wrap_socket(plain, server_hostname="127.0.0.1")
        except BaseException:
            plain.close()
            raise

    def client(self):
        return Client(self)

    def execute(self, *command, data=None):
        """As `docker exec -i` does."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return subprocess.run(
            ["nsenter", "--target", str(self.pid), *NAMESPACES, "--root", "--wd", "--setgid", str(GID), "--setuid",
             str(UID), "env", "-i", *variables, *command],
            input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60, check=False)

    def healthy(self):
        kind, *command = CONFIG["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.execute(*command)

    def stop(self):
        """The exit status."""
        if self.process.poll() is None:
            os.kill(self.pid, getattr(signal, CONFIG["StopSignal"]))
        return self.wait()

    def wait(self, seconds=30):
        code = self.process.wait(seconds)
        self.reader.join(10)
        return code

    def remove(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)  # of its namespace; unshare's --kill-child forgets after setuid()
            self.process.wait()
        self.reader.join(10)
        self.process.stdout.close()
