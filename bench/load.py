"""A client that asks for one page again and again: `python -m bench.load '<JSON of Load>'`.

A process of its own, as light as may be: it shares the machine with the servers it measures.
"""

import asyncio
import json
import ssl
import sys
import time
from dataclasses import asdict, dataclass

HEAD_ENDS = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True)
class Load:
    """Who asks how much of whom. It ends after `seconds`, or when `most` answers have come.

    With the path of a certificate to trust it speaks TLS.
    """

    host: str
    port: int
    address: str
    is_gzip: bool = True
    connections: int = 16
    seconds: float = 4.0
    most: int = 20_000
    warm_up: float = 1.0
    trusts: str = ""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = ssl.create_default_context(cafile=self.trusts) if self.trusts else None
        return await asyncio.open_connection(self.host, self.port, ssl=tls)

    @property
    def request(self) -> bytes:
        compressed = "Accept-Encoding: gzip\r\n" if self.is_gzip else ""
        return (
            f"GET {self.address} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Accept-Language: en\r\n{compressed}\r\n"
        ).encode()


class Answers:
    """How long each answer took, in seconds, once the warm-up is over; and how long they are."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.begins = time.perf_counter() + load.warm_up
        self.ends = self.begins + load.seconds
        self.last_at = self.begins
        self.times: list[float] = []
        self.reconnects = 0
        self.bytes: int | None = None

    def is_over(self) -> bool:
        return time.perf_counter() >= self.ends or len(self.times) >= self.load.most

    def add(self, asked_at: float, length: int) -> None:
        """Count an answer. Raises ValueError when it is not as long as those before."""
        if self.bytes not in {None, length}:
            raise ValueError(f"an answer of {length} bytes after one of {self.bytes}")
        self.bytes = length
        now = time.perf_counter()
        if asked_at >= self.begins:
            self.times.append(now - asked_at)
            self.last_at = now


async def visit(load: Load, answers: Answers) -> None:
    """One connection: ask, read the whole answer, ask again."""
    request = load.request
    reader, writer = await load.connect()
    while not answers.is_over():
        asked_at = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(HEAD_ENDS)).lower()
        length = content_length(head)
        await reader.readexactly(length)
        answers.add(asked_at, length)
        if b"connection: close" in head:
            writer.close()
            answers.reconnects += 1
            reader, writer = await load.connect()
    writer.close()


def content_length(head: bytes, wanted: bytes = b"200 ok") -> int:
    """How long the body is. Raises ValueError for another status, or none that says so."""
    status, *lines = head.split(b"\r\n")
    if status != b"http/1.1 " + wanted:
        raise ValueError(f"not the answer that was wanted: {status!r}")
    for line in lines:
        if line.startswith(LENGTH):
            return int(line[len(LENGTH) :])
    raise ValueError("an answer that does not say how long it is")


async def ask(load: Load) -> dict[str, float | int | None]:
    """All connections at once. Raises what the first that fails raises."""
    answers = Answers(load)
    await asyncio.gather(*(visit(load, answers) for _ in range(load.connections)))
    times = sorted(answers.times)
    return {
        "pages": len(times),
        "pages_a_second": round(len(times) / (answers.last_at - answers.begins), 1),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p95_ms": round(times[len(times) * 95 // 100] * 1000, 1),
        "bytes": answers.bytes,
        "reconnects": answers.reconnects,
    }


def as_argument(load: Load) -> str:
    return json.dumps(asdict(load))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(Load(**json.loads(sys.argv[1]))))))
