"""Run by test_acme.py as root of a network and of mounts of its own, where ports 80 and 443 are free: one command puts
coffer on the internet, such as it is there."""

import os
import subprocess
import sys

from pebble import TRUST, Pebble, Root, wait_until
from server import DOMAIN
from harness import BINARY


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


def invite(root, issuer):
    """Who has a name to go by uses it, on this machine too: the CA is one that the system trusts."""
    hosts, ann = os.path.join(root.folder, "hosts"), os.path.join(root.folder, "ann.invite")
    with open(hosts, "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n127.0.0.1 {DOMAIN}\n")
    with open(root.bundle, "a", encoding="ascii") as file:
        file.write(read(issuer))
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    try:
        for command in (["invite", "ann", "--data", os.path.join(root.folder, "data"), "--url", f"https://{DOMAIN}",
                         "-o", ann], ["join", "--invite-file", ann]):
            done = subprocess.run([BINARY, *command], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                                  check=False, timeout=60, env={**os.environ, "HOME": root.folder})
            expect(done.returncode == 0, command, done)
    finally:
        subprocess.run(["umount", "/etc/hosts"], check=True)


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    root = Root()
    subprocess.run(["mount", "--bind", root.bundle, TRUST], check=True)
    pebble = Pebble(root, 80).start()
    log = os.path.join(root.folder, "log")
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [BINARY, "serve", "--domain", DOMAIN, "--acme-directory", pebble.directory,
             "--data", os.path.join(root.folder, "data")], stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        expect(wait_until(lambda: "served from now on" in read(log), 60), read(log))
        issuer = os.path.join(root.folder, "issuer.pem")
        with open(issuer, "w", encoding="ascii") as file:
            file.write(pebble.issuer())
        for address in ("127.0.0.1", "[::1]"):
            there = ("--cacert", issuer, "--resolve", f"{DOMAIN}:443:{address}", "--resolve", f"{DOMAIN}:80:{address}")
            moved = curl(*there, "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", f"http://{DOMAIN}/v1/health")
            expect(moved.stdout == f"301 https://{DOMAIN}/v1/health", moved, read(log))
            followed = curl(*there, "-L", f"http://{DOMAIN}/v1/health")
            expect(followed.stdout == '{"status":"ok"}', followed, read(log))
        invite(root, issuer)
        process.terminate()
        expect(process.wait(30) == 0, read(log))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        pebble.stop()
        subprocess.run(["umount", TRUST], check=True)
        root.remove()
    print("public: ok")


if __name__ == "__main__":
    main()
