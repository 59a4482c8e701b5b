#!/usr/bin/python3
"""boot.py PLACE: for `unshare --mount --pid --fork --ipc --uts --net --cgroup`, as the first process in there. Boots the
machine's own systemd over an overlay of its file system, of which nothing is written: with no unit but coffer.service,
installed from the build, and proof.service, which runs PLACE/inside.py and whose end is the end of it all. What the two
say is in PLACE/log; what was left is gone with the namespaces.

What docs/operations.md says of installing is what installs here; what it says of systemd, inside.py runs. Another Debian's
systemd: COFFER_SYSTEMD_ROOT is its root, with systemd, curl, uacme and python3, COFFER_SYSTEMD_BINARY coffer as built for it."""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
from pages import ROOT, commands  # pylint: disable=wrong-import-position

PAGE = "docs/operations.md"

PROOF = """\
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -B /proof/inside.py
StandardOutput=append:/proof/log
StandardError=inherit
"""
# In here nothing of the rest of a system runs, that the unit might wait for; and no journal.
ALONE = """\
[Unit]
DefaultDependencies=no
[Service]
StandardOutput=append:/proof/coffer.log
StandardError=inherit
"""


def run(*command, **options):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **options)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)


def mount_all(place, root):
    run("mount", "--make-rprivate", "/")
    layers = os.path.join(place, "layers")
    for name in (layers, root):
        os.mkdir(name)
    run("mount", "-t", "tmpfs", "tmpfs", layers)
    for name in ("upper", "work"):
        os.mkdir(os.path.join(layers, name))
    lower = os.environ.get("COFFER_SYSTEMD_ROOT") or "/"
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={lower},upperdir={layers}/upper,workdir={layers}/work", root)
    for kind, name in (("proc", "proc"), ("sysfs", "sys"), ("cgroup2", "sys/fs/cgroup"), ("tmpfs", "dev"),
                       ("tmpfs", "run"), ("tmpfs", "tmp")):
        if kind == "cgroup2":
            run("mount", "-t", "tmpfs", "tmpfs", os.path.join(root, "sys/fs/cgroup"))
        run("mount", "-t", kind, kind, os.path.join(root, name))
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        node = os.path.join(root, "dev", name)
        write(node, "")
        run("mount", "--bind", os.path.join("/dev", name), node)
    for name in ("dev/shm", "dev/pts", "proof", "old"):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", os.path.join(root, "dev/pts"))
    os.symlink("pts/ptmx", os.path.join(root, "dev/ptmx"))
    run("mount", "--bind", place, os.path.join(root, "proof"))


def install(root, build):
    """By the commands of the page, in the root that is to be; the repository and the build are mounted there."""
    (text,) = commands(PAGE, by="tests/packaging/boot.py")
    place = os.path.join(root, "repository")
    for name, source in (("", ROOT), ("build/release", build)):
        target = os.path.join(place, name)
        os.makedirs(target, exist_ok=True)
        run("mount", "--bind", source, target)
    if os.environ.get("COFFER_SYSTEMD_ROOT"):
        # No cmake is there, and the binary is another one.
        run("cmake", "--install", build, "--prefix", "/usr", env={**os.environ, "DESTDIR": root}, stdout=subprocess.DEVNULL)
        shutil.copy(os.environ["COFFER_SYSTEMD_BINARY"], os.path.join(root, "usr/bin/coffer"))
        text = "\n".join(line for line in text.splitlines() if not line.startswith("cmake "))
    run("chroot", root, "sh", "-ec", "cd /repository\n" + text, stdout=subprocess.DEVNULL)
    run("umount", "-R", place)


def lay_units(place, root, build):
    units = os.path.join(root, "etc/systemd/system")
    shutil.rmtree(units)
    install(root, build)
    write(os.path.join(units, "proof.service"), PROOF)
    write(os.path.join(units, "coffer.service.d", "alone.conf"), ALONE)
    shutil.copy(os.path.join(HERE, "inside.py"), place)
    for number, text in enumerate(commands(PAGE, by="tests/packaging/inside.py")):
        write(os.path.join(place, f"commands-{number}"), text)


def main(place, build):
    root = os.path.join(place, "root")
    mount_all(place, root)
    lay_units(place, root, build)
    run("ip", "link", "set", "lo", "up")
    os.chdir(root)
    run("pivot_root", ".", "old")
    os.chroot(".")
    # What systemd mounts for a service must reach it: the root has to be a shared mount, as on any machine.
    run("mount", "--make-rprivate", "/old")
    run("umount", "-l", "/old")
    run("mount", "--make-rshared", "/")
    os.execve("/usr/lib/systemd/systemd", ["systemd", "--system", "--unit=proof.service", "--log-target=console", "--show-status=0"],
              {"container": "proof", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})


if __name__ == "__main__":
    main(*sys.argv[1:])
