# SPDX-License-Identifier: MIT
"""Uploads small files to a gateway by several connections that stay open, and prints what it took.

usage: gateway_load.py PORT PID REQUESTS CONNECTIONS BYTES

Prints JSON: records (requests), wall_s, cpu_s (of the process PID alone), p50_ms and p99_ms.
"""
import asyncio
import json
import os
import sys
import time

PORT, PID, REQUESTS, CONNECTIONS, BYTES = (int(word) for word in sys.argv[1:6])

CONTENT = b"x" * (BYTES - 1) + b"\n"
FORM = (b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="bench.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\n" + CONTENT + b"\r\n--frontier--\r\n")
REQUEST = (b"POST /api/v1/upload HTTP/1.1\r\nHost: localhost\r\n"
           b"Content-Type: multipart/form-data; boundary=frontier\r\n"
           b"Content-Length: %d\r\n\r\n" % len(FORM)) + FORM


def cpu_seconds():
    """CPU time of the server, so far."""
    with open(f"/proc/{PID}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def exchange(reader, writer):
    """Sends one request and reads its answer, which must be 200."""
    writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200 "):
        sys.exit(f"{head!r} {body!r}")


async def client(count, times):
    """Uploads one file after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    for _ in range(count):
        start = time.perf_counter()
        await exchange(reader, writer)
        times.append(time.perf_counter() - start)
    writer.close()


async def main():
    """Runs the clients beside each other."""
    await asyncio.gather(*(client(5, []) for _ in range(CONNECTIONS)))
    times, cpu, start = [], cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(client(REQUESTS // CONNECTIONS, times) for _ in range(CONNECTIONS)))
    wall = time.perf_counter() - start
    times.sort()
    print(json.dumps({"records": len(times), "wall_s": wall, "cpu_s": cpu_seconds() - cpu,
                      "p50_ms": times[len(times) // 2] * 1000,
                      "p99_ms": times[len(times) * 99 // 100] * 1000}))


asyncio.run(main())
