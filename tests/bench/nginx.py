"""Debian's nginx over TLS with coffer's certificate, the yardstick of a plain file server."""

import contextlib
import os
import socket
import subprocess
import time

from machine import RECORD_SIZE
from harness import free_port

CONFIGURATION = """
daemon off;
{user}
worker_processes {cores};
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {directory}/temp;
    proxy_temp_path {directory}/temp-proxy;
    fastcgi_temp_path {directory}/temp-fastcgi;
    uwsgi_temp_path {directory}/temp-uwsgi;
    scgi_temp_path {directory}/temp-scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {tls}/server.pem;
        ssl_certificate_key {tls}/server.key;
        ssl_protocols TLSv1.3;
        root {directory}/files;
        location / {{ dav_methods PUT; }}
    }}
}}
"""


@contextlib.contextmanager
def running(machine, server):
    """Its address, and the directory of the files that it serves and takes."""
    directory = machine.path("nginx")
    files = os.path.join(directory, "files")
    os.makedirs(files, exist_ok=True)
    port = free_port()
    configuration = os.path.join(directory, "nginx.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "", cores=machine.cores, directory=directory, port=port,
            tls=os.path.join(server.data, "tls")))
    process = subprocess.Popen(["nginx", "-e", os.path.join(directory, "nginx.log"), "-c", configuration])
    try:
        end = time.monotonic() + 10
        while True:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("nginx did not start")
            time.sleep(0.02)
        yield f"https://127.0.0.1:{port}", files
    finally:
        process.terminate()
        process.wait()


def small_rate(machine, server, seconds):
    """How often a second it serves a file of a record's size to the load that the service gets."""
    with running(machine, server) as (url, files):
        with open(os.path.join(files, "small"), "wb") as file:
            file.write(bytes(RECORD_SIZE))
        return machine.wrk(f"{url}/small", "get.lua", seconds).rate
