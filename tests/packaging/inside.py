"""Runs as a service beside coffer.service, under a systemd that test_unit.py has booted: what an operator would do, by
the commands of docs/operations.md where it has them, and what came of it, as one line of JSON for each."""

import ctypes
import json
import os
import re
import subprocess
import sys
import time

CREDENTIAL = "/etc/credstore/coffer-unlock"
DATA = "/var/lib/coffer"
DROP_INS = "/etc/systemd/system/coffer.service.d"
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL_NOHANG = 0x4206, 0x4207, 0x40000001
libc = ctypes.CDLL(None)


def documented(number):
    """The page's own commands, in order."""
    done = subprocess.run(["sh", "-ec", f". /proof/commands-{number}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", timeout=120, check=False)
    return done.returncode, done.stdout


def tell(step, **found):
    print(json.dumps({"step": step, **found}), flush=True)


def systemctl(*arguments):
    done = subprocess.run(["systemctl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          timeout=120, check=False)
    return done.returncode, done.stdout.strip()


def show(*names):
    return dict(line.split("=", 1) for line in systemctl("show", "coffer", "-p", ",".join(names))[1].splitlines())


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            tell("waited in vain", log=systemctl("status", "coffer")[1])
            sys.exit(1)
        time.sleep(0.05)


def curl(*arguments, port=8443):
    done = subprocess.run(["curl", "-sS", "-K", f"{DATA}/admin.curl", "-w", "\n%{http_code}", *arguments[:-1],
                           f"https://localhost:{port}{arguments[-1]}"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60, check=False)
    return done.stdout.rpartition("\n")


def restart():
    systemctl("reset-failed", "coffer")
    return systemctl("restart", "coffer")


def process(pid):
    """What the kernel says of it."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    nices = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii") as file:
            nices[tid] = int(file.read().rpartition(") ")[2].split()[16])
    return {"uid": int(fields["Uid"].split()[0]), "capabilities": int(fields["CapEff"], 16),
            "seccomp": int(fields["Seccomp"]), "no_new_privileges": int(fields["NoNewPrivs"]),
            "nices": sorted(set(nices.values()))}


def of_the_credential():
    """What systemd made of it, as the service sees it."""
    path = f"/run/credentials/coffer.service/{os.path.basename(CREDENTIAL)}"
    if not os.path.exists(path):
        return None
    found = os.stat(path)
    try:
        acl = len(os.getxattr(path, "system.posix_acl_access"))
    except OSError:
        acl = 0
    return {"mode": oct(found.st_mode & 0o7777), "uid": found.st_uid, "acl": acl}


def freeze(pid, name):
    """Stops one thread; returns its number."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="ascii") as file:
            if file.read().strip() == name:
                if libc.ptrace(PTRACE_SEIZE, int(tid), None, None) or libc.ptrace(PTRACE_INTERRUPT, int(tid), None, None):
                    raise OSError("the thread cannot be traced")
                return int(tid)
    raise LookupError(name)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def drop_in(name, text):
    with open(os.path.join(DROP_INS, name), "w", encoding="utf-8") as file:
        file.write(text)
    systemctl("daemon-reload")


def main():
    code, text = documented(0)
    tell("installed", code=code, text=text)
    body, _, status = curl("-H", "content-type: text/plain", "--data-binary", "kept by systemd", "/v1/records")
    record = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", body)
    pid = show("MainPID")["MainPID"]
    tell("started", status=status, **show("ActiveState", "StatusText", "Type"), process=process(pid),
         credential=of_the_credential(), locked=os.path.exists(f"{DATA}/keys/unlock-credential.slot"),
         directory=oct(os.stat(DATA).st_mode & 0o7777), owner=os.stat(DATA).st_uid)

    code, text = systemctl("reload", "coffer")
    tell("reloaded", code=code, text=text, same=show("MainPID")["MainPID"] == pid, **show("ActiveState", "SubState"))

    tell("read", body=curl(f"/v1/records/{record.group()}")[0])

    drop_in("watchdog.conf", "[Service]\nWatchdogSec=3s\nTimeoutAbortSec=2s\n")
    restart()
    before = show("MainPID", "NRestarts")
    thread = freeze(int(before["MainPID"]), "committer")

    def restarted():
        libc.waitpid(thread, None, WALL_NOHANG)  # a killed thread is not gone until its tracer has seen it
        return show("NRestarts")["NRestarts"] != before["NRestarts"]

    wait_until(restarted)
    wait_until(lambda: show("ActiveState")["ActiveState"] == "active")
    tell("hung", other=show("MainPID")["MainPID"] != before["MainPID"], **show("NRestarts"),
         body=curl(f"/v1/records/{record.group()}")[0])
    os.remove(os.path.join(DROP_INS, "watchdog.conf"))
    systemctl("daemon-reload")

    code, text = systemctl("stop", "coffer")
    tell("stopped", code=code, text=text, **show("ActiveState", "Result", "ExecMainStatus"))

    os.rename(CREDENTIAL, CREDENTIAL + ".away")
    code, text = restart()
    tell("without its credential", code=code, **show("ActiveState", "StatusText"), credential=of_the_credential(),
         read=curl(f"/v1/records/{record.group()}")[2],
         write=curl("-H", "content-type: text/plain", "--data-binary", "x", "/v1/records")[2])
    os.rename(CREDENTIAL + ".away", CREDENTIAL)

    with open("/etc/coffer/coffer.conf", "a", encoding="utf-8") as file:
        file.write("listen = 127.0.0.1:443\n")
    code, _ = restart()
    tell("a low port without leave", code=code, **show("Result"))
    systemctl("reset-failed", "coffer")
    code, text = documented(1)
    tell("a low port", code=code, text=text, status=curl("/v1/records", port=443)[2],
         process=process(show("MainPID")["MainPID"]))

    # No CA is here: that the program which asks one may run under the unit is what can be seen.
    with open("/etc/coffer/coffer.conf", "a", encoding="utf-8") as file:
        file.write("domain = records.example.test\nacme_directory = https://localhost:1/directory\n")
    code, text = restart()
    wait_until(lambda: "uacme: fetching directory" in read("/proof/coffer.log"))
    tell("a domain", code=code, text=text, **show("ActiveState"))

    systemctl("stop", "coffer")
    done = subprocess.run(["coffer", "check", "--data", DATA, "--credential-file", CREDENTIAL], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    tell("checked", code=done.returncode, text=done.stdout[-500:])


if __name__ == "__main__":
    main()
