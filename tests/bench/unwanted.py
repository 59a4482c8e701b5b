"""unwanted.py PORT CA COUNT: COUNT clients come, each with one request, and come back at once when they are sent away;
until standard input ends. Prints as JSON what they were told. Takes no more of the cores than nobody else wants: it
stands for other machines."""

import asyncio
import collections
import json
import os
import resource
import ssl
import sys

REQUEST = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
REFUSALS = (b"HTTP/1.1 429", b"HTTP/1.1 503")


async def come(port, context):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        writer.write(REQUEST)
        head = (await reader.read()).split(b"\r\n\r\n", 1)[0].lower()
    finally:
        writer.close()
    if head.upper().startswith(REFUSALS):
        return "refused" if b"\r\nretry-after:" in head else "refused without Retry-After"
    return "served" if head.startswith(b"http/1.1 200") else f"told {head[:20]!r}" if head else "told nothing"


async def keep_coming(port, context, told):
    while True:
        try:
            told[await come(port, context)] += 1
        except (OSError, EOFError):
            told["told nothing"] += 1
            await asyncio.sleep(0.05)


async def main(port, ca, count):
    context = ssl.create_default_context(cafile=ca)
    told = collections.Counter()
    crowd = [asyncio.ensure_future(keep_coming(port, context, told)) for _ in range(count)]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(told), flush=True)
    for one in crowd:
        one.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


if __name__ == "__main__":
    os.nice(19)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
