"""enter.py JSON: the first process of a container's namespaces: lays the mounts, gives up every privilege, and becomes the
container's command, as an engine does for `read_only`, `cap_drop: [ALL]` and `no-new-privileges`."""

import ctypes
import json
import os
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
LAST_CAPABILITY = 63
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def bind(source, target):
    mount("--bind", source, target)


def lay_mounts(root, volumes, secrets):
    mount("--make-rprivate", "/")
    bind(root, root)
    mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", f"{root}/proc")
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", f"{root}/dev")
    for name in DEVICES:
        with open(f"{root}/dev/{name}", "wb"):
            pass
        bind(f"/dev/{name}", f"{root}/dev/{name}")
    mount("-o", "remount,ro", f"{root}/dev")
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", f"{root}/run")
    os.mkdir(f"{root}/run/secrets")
    if secrets:
        bind(secrets, f"{root}/run/secrets")
    mount("-o", "remount,ro", f"{root}/run")
    for target, source in volumes.items():
        bind(source, root + target)
    mount("-o", "remount,bind,ro", root)


def drop_privileges(uid, gid):
    libc = ctypes.CDLL(None, use_errno=True)
    os.setgroups([])
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails past the last that there is
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")


def main(text):
    told = json.loads(text)
    lay_mounts(told["root"], told["volumes"], told["secrets"])
    os.chroot(told["root"])
    os.chdir("/")
    drop_privileges(told["uid"], told["gid"])
    os.execvpe(told["command"][0], told["command"], told["environment"])


if __name__ == "__main__":
    main(*sys.argv[1:])
