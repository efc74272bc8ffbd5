"""Clients that ask a server over loopback as fast as it answers, in a process of their own:
``python -m tests.benchmarks.load PORT PATH BODY_FILE CLIENTS SECONDS`` prints JSON.

Each client keeps one connection and sends its next request when the answer is there. Only the standard library, and little
of it, so that the server is what is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path


async def client(port: int, request: bytes, until: float, took: list[float], bad: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (start := time.perf_counter()) < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        at = head.find(b"content-length:")
        if at >= 0:
            await reader.readexactly(int(head[at + 15 : head.index(b"\r\n", at)]))
        took.append(time.perf_counter() - start)
        if status != 200:
            bad.append(status)
    writer.close()


async def main(port: int, path: str, body: bytes, clients: int, seconds: float) -> dict[str, float]:
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    took: list[float] = []
    bad: list[int] = []
    start = time.perf_counter()
    await asyncio.gather(*(client(port, request, start + seconds, took, bad) for _ in range(clients)))
    span = time.perf_counter() - start
    took.sort()
    return {
        "requests": len(took),
        "per_second": len(took) / span,
        "p50_ms": 1000 * took[len(took) // 2],
        "p99_ms": 1000 * took[int(len(took) * 0.99)],
        "bad": len(bad),
    }


if __name__ == "__main__":
    port, path, file, clients, seconds = sys.argv[1:]
    print(
        json.dumps(asyncio.run(main(int(port), path, Path(file).read_bytes(), int(clients), float(seconds))))
    )
