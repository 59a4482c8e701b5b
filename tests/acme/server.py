"""coffer with --domain, where the system trusts the CA of the test."""

import glob
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

import harness  # pylint: disable=wrong-import-position
from pebble import free_port, in_namespace, wait_until  # pylint: disable=wrong-import-position

DOMAIN = "records.test"


class AcmeServer(harness.Server):
    def __init__(self, root, *options, domains=(DOMAIN,), directory=None, challenge_port=None, path=None, proxy=None,
                 ahead=None):
        self.root_of_test = root
        self.challenge_port = challenge_port or free_port()
        self.path = path
        self.proxy = proxy
        self.ahead = ahead
        named = [word for domain in domains for word in ("--domain", domain)]
        super().__init__(*named, "--http-redirect", f"127.0.0.1:{self.challenge_port}", *options, directory=directory)

    def command(self, listen="127.0.0.1:0"):
        command = super().command(listen)
        if self.path is not None:
            command = ["env", f"PATH={self.path}", *command]
        if self.proxy is not None:
            command = ["env", f"https_proxy={self.proxy}", *command]
        if self.ahead is not None:
            # As faketime does it, which would stand between. It hides waits for conditions from the thread sanitizer.
            library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0]
            command = ["env", f"LD_PRELOAD={library}", f"FAKETIME=+{self.ahead}s", "TSAN_OPTIONS=report_bugs=0",
                       *command]
        return in_namespace(self.root_of_test.bundle, command)

    def log(self):
        return "".join(self.output)

    def wait_for(self, pattern, seconds=60, count=1):
        """The matches of the pattern in the log, as many as asked for."""
        if not wait_until(lambda: len(re.findall(pattern, self.log())) >= count, seconds):
            raise AssertionError(f"{count} of {pattern!r} did not come:\n{self.log()}")
        return re.findall(pattern, self.log())

    def wait_served(self, count=1, seconds=60):
        return self.wait_for(r"the certificate served from now on is for (\S+), until", seconds, count)

    def acme_file(self, *names):
        """The one path below the directory of the CA."""
        found = glob.glob(os.path.join(self.data, "tls", "acme", "127.0.0.1_*", *names))
        if len(found) != 1:
            raise AssertionError(f"{names}: {found}")
        return found[0]

    def curl(self, issuer, path, *options, domain=DOMAIN):
        """By the name of the server, as the internet sees it. issuer: a file of PEM."""
        return subprocess.run(
            ["curl", "-sS", "--max-time", "20", "--cacert", issuer, "--resolve", f"{domain}:{self.port}:127.0.0.1",
             *options, f"https://{domain}:{self.port}{path}"],
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False, timeout=60)

    def hangup(self):
        self.process.send_signal(signal.SIGHUP)

    def clients(self):
        """The processes of ACME clients that work for this server."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if os.path.basename(words[0]) == b"uacme" and any(self.data.encode() in word for word in words):
                found.append(int(path.split("/")[2]))
        return found
