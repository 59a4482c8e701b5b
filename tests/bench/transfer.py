"""One GiB up and down, beside Debian's nginx serving and taking the same bytes over TLS with the same certificate."""

import os
import statistics
import subprocess
import time

import figures
import nginx

GIB = 1 << 30
# One suite for both, so that only the servers differ; curl is the client of both.
CURL = ("curl", "--silent", "--show-error", "--fail", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256", "--http1.1")


def curl(server, *arguments):
    """One transfer: bytes a second."""
    started = time.perf_counter()
    subprocess.run([*CURL, "--cacert", os.path.join(server.data, "tls", "ca.pem"), *arguments], check=True,
                   stdout=subprocess.DEVNULL)
    return GIB / (time.perf_counter() - started)


def large(machine):
    """large: 1 GiB down and up against nginx (PUT by its DAV module, which does not sync)"""
    source = machine.path("gibibyte")
    piece = os.urandom(1 << 20)
    with open(source, "wb") as file:
        for _ in range(GIB // len(piece)):
            file.write(piece)
        os.fsync(file.fileno())
    down, up, nginx_down, nginx_up = [], [], [], []
    with machine.server("large", "--max-record-size", "2GiB") as server, nginx.running(machine, server) as (url, files):
        token = ("--config", os.path.join(server.data, "admin.curl"))
        records = f"https://127.0.0.1:{server.port}/v1/records"
        location = machine.path("location")
        for _ in range(2):
            nginx_up.append(curl(server, "--upload-file", source, f"{url}/large"))
            up.append(curl(server, *token, "--dump-header", location, "--request", "POST", "--upload-file", source,
                           "--header", "Content-Type: application/octet-stream", records))
            with open(location, encoding="ascii") as file:
                path = next(line.split(":", 1)[1].strip() for line in file if line.lower().startswith("location:"))
            record = f"https://127.0.0.1:{server.port}/v1/records/{path.rsplit('/', 1)[1]}"
            nginx_down.append(curl(server, f"{url}/large"))
            down.append(curl(server, *token, record))
            os.unlink(os.path.join(files, "large"))
    machine.drop("large")
    os.unlink(source)
    for what, rates, beside, wanted in (("down", down, nginx_down, 0.35), ("up", up, nginx_up, 0.20)):
        yield figures.at_least(
            f"1 GiB {what}", f"{statistics.median(rates) / 1e6:,.0f} MB/s", figures.ratio_of(rates, beside), wanted,
            ceiling=f"nginx {statistics.median(beside) / 1e6:,.0f} MB/s")
