"""A client that sends forms as fast as it can: `python -m bench.rush`, a JSON of Rush on its input.

A process of its own, as light as may be: it shares the machine with the servers it measures.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bench.load import HEAD_ENDS, content_length


@dataclass(frozen=True)
class Rush:
    """Forms as (address, urlencoded body), and over how many kept connections they go."""

    host: str
    port: int
    forms: list[tuple[str, str]]
    connections: int = 16

    def request(self, address: str, body: str) -> bytes:
        return (
            f"POST {address} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            "Accept-Language: en\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


async def send(rush: Rush, waiting: Iterator[bytes], times: list[float]) -> None:
    """One connection: send the next form, read the answer. Raises ValueError for anything but 303."""
    reader, writer = await asyncio.open_connection(rush.host, rush.port)
    for request in waiting:
        sent_at = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(HEAD_ENDS)).lower()
        await reader.readexactly(content_length(head, b"303 see other"))
        times.append(time.perf_counter() - sent_at)
        if b"connection: close" in head:
            writer.close()
            reader, writer = await asyncio.open_connection(rush.host, rush.port)
    writer.close()


async def run(rush: Rush) -> dict[str, float]:
    """All connections at once, until the forms are gone."""
    waiting = iter([rush.request(address, body) for address, body in rush.forms])
    times: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(send(rush, waiting, times) for _ in range(rush.connections)))
    took = time.perf_counter() - began
    times.sort()
    return {
        "bookings": len(times),
        "bookings_a_second": round(len(times) / took, 1),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p95_ms": round(times[len(times) * 95 // 100] * 1000, 1),
    }


def as_input(rush: Rush) -> str:
    return json.dumps(asdict(rush))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Rush(**json.load(sys.stdin))))))
