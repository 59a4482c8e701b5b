"""idle.py HOST PORT CA COUNT: opens COUNT TLS connections, makes one request on each, says `held`, and keeps them until
standard input ends."""

import asyncio
import resource
import ssl
import sys

HANDSHAKES_AT_ONCE = 100
REQUEST = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def hold(host, port, context, gate, held):
    async with gate:
        reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname="localhost", limit=4096)
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"an idle connection was answered {head[:40]!r}")
        await reader.read(4096)
    held.append((reader, writer))


async def main(host, port, ca, count):
    context = ssl.create_default_context(cafile=ca)
    gate = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
    held = []
    await asyncio.gather(*(hold(host, port, context, gate, held) for _ in range(count)))
    print("held", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    closed = sum(reader.at_eof() for reader, _ in held)
    print(f"closed {closed}", flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
