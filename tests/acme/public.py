"""Run by test_acme.py as root of a network and of mounts of its own, where every port is free: the commands of README.md
and docs/tls.md that put coffer on the internet, such as it is there."""

import os
import shlex
import subprocess
import sys

from pebble import TRUST, Pebble, Root, listens, wait_until
from server import DOMAIN
from harness import BINARY, ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
from pages import commands  # pylint: disable=wrong-import-position

PAGES = {"README.md": 1, "docs/tls.md": 2}


def curl(*options):
    return subprocess.run(["curl", "-sS", "--max-time", "20", *options], stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", check=False, timeout=60)


def expect(condition, *told):
    if not condition:
        print(*told)
        sys.exit(1)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def port_of(words, option, usual):
    return int(words[words.index(option) + 1].rpartition(":")[2]) if option in words else usual


class Public:
    """A server by a command of the documents, and a CA that asks it."""

    def __init__(self, root, number, command):
        words = shlex.split(command.replace("records.example.org", DOMAIN).replace("it@example.org", "it@records.test"))
        expect(words[:2] == ["coffer", "serve"], command)
        self.https, self.http = port_of(words, "--listen", 443), port_of(words, "--http-redirect", 80)
        self.data = os.path.join(root.folder, f"data{number}")
        self.issuer = os.path.join(root.folder, f"issuer{number}.pem")
        self.log = os.path.join(root.folder, f"log{number}")
        self.addresses = ("127.0.0.1", "[::1]") if self.http == 80 else ("127.0.0.1",)
        self.pebble = Pebble(root, self.http, name=f"pebble{number}").start()
        with open(self.log, "wb") as file:
            self.process = subprocess.Popen(
                [BINARY, *words[1:], "--acme-directory", self.pebble.directory, "--data", self.data],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def check(self):
        expect(wait_until(lambda: "served from now on" in read(self.log), 60), read(self.log))
        with open(self.issuer, "w", encoding="ascii") as file:
            file.write(self.pebble.issuer())
        for address in self.addresses:
            # As the ports of the name are led to those of the machine.
            there = ("--cacert", self.issuer, "--connect-to", f"{DOMAIN}:443:{address}:{self.https}", "--connect-to",
                     f"{DOMAIN}:80:{address}:{self.http}")
            moved = curl(*there, "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", f"http://{DOMAIN}/v1/health")
            expect(moved.stdout == f"301 https://{DOMAIN}/v1/health", moved, read(self.log))
            followed = curl(*there, "-L", f"http://{DOMAIN}/v1/health")
            expect(followed.stdout == '{"status":"ok"}', followed, read(self.log))

    def end(self):
        self.process.terminate()
        code = self.process.wait(60)
        self.pebble.stop()
        expect(code == 0 and wait_until(lambda: not listens(self.http)), code, read(self.log))


def invite(root, public):
    """Who has a name to go by uses it, on this machine too: the CA is one that the system trusts."""
    hosts, ann = os.path.join(root.folder, "hosts"), os.path.join(root.folder, "ann.invite")
    with open(hosts, "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n127.0.0.1 {DOMAIN}\n")
    with open(root.bundle, "a", encoding="ascii") as file:
        file.write(read(public.issuer))
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    try:
        for command in (["invite", "ann", "--data", public.data, "--url", f"https://{DOMAIN}", "-o", ann],
                        ["join", "--invite-file", ann]):
            done = subprocess.run([BINARY, *command], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                                  check=False, timeout=60, env={**os.environ, "HOME": root.folder})
            expect(done.returncode == 0, command, done)
    finally:
        subprocess.run(["umount", "/etc/hosts"], check=True)


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    root = Root()
    subprocess.run(["mount", "--bind", root.bundle, TRUST], check=True)
    try:
        number = 0
        for page, count in PAGES.items():
            found = commands(page, by="tests/acme/public.py")
            expect(len(found) == count, page, found)
            for command in found:
                public = Public(root, number, command)
                try:
                    public.check()
                    if number == 0:
                        invite(root, public)
                finally:
                    public.end()
                number += 1
    finally:
        subprocess.run(["umount", TRUST], check=True)
        root.remove()
    print("public: ok")


if __name__ == "__main__":
    main()
