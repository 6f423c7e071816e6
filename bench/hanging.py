"""Public pages while Zoom hangs: 24 hosts ask for live details all the time, clients look at times.

`make run`'s processes (two web processes of eight threads) on each database. The sandbox takes
every request and never answers it. The same pages without those hosts are the measure.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import requests

from bench.measure import tell
from tests.journey.people import Host, book, wait_for_link
from tests.support.services import create_database, running_postgres
from tests.support.stack import Stack, running_stack
from tests.support.visitor import OverHttp, Visitor

HOSTS, CLIENTS = 24, 4
SECONDS, WARM_UP = 15.0, 3.0
PAUSE = 0.1  # seconds between two pages of a client, and between two questions of a host
SLUG = "aya-hangs"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name:
        for database in ("sqlite", "postgresql"):
            with ExitStack() as parts:
                environ = {"RATELIMIT_ENABLED": "false"}
                if database == "postgresql":
                    server = parts.enter_context(running_postgres(Path(name, "postgres")))
                    environ["DATABASE_URL"] = create_database(server, "calsync_bench")
                stack = parts.enter_context(running_stack(Path(name, database), **environ))
                measure(stack, database)


def measure(stack: Stack, database: str, seconds: float = SECONDS) -> None:
    aya = Host(stack, "aya", "Aya Sato")
    aya.sign_up()
    aya.connect_zoom()
    aya.make_page(SLUG, auto_zoom="y")
    ken = Visitor(OverHttp(stack.base))
    wait_for_link(book(ken, SLUG, name="Ken Yamada", email="ken@client.example"))
    live = urlsplit(str(aya.bookings().link("Ken Yamada")["href"])).path + "/live"
    cookies = aya.visitor.transport.session.cookies.get_dict()
    quiet = pages(stack, seconds)
    stack.fault("hang", count=1_000_000, seconds=600)
    stop = threading.Event()
    asked: list[float] = []

    def host(_number: int) -> None:
        with requests.Session() as session:
            while not stop.is_set():
                began = time.monotonic()
                session.get(stack.base + live, cookies=cookies, timeout=120).raise_for_status()
                asked.append(time.monotonic() - began)
                stop.wait(PAUSE)

    with ThreadPoolExecutor(HOSTS) as hosts:
        waiting = [hosts.submit(host, number) for number in range(HOSTS)]
        time.sleep(WARM_UP)
        beside = pages(stack, seconds)
        stop.set()
        for one in waiting:
            one.result()
    requests.delete(f"{stack.sandbox}/api/faults", timeout=10).raise_for_status()
    tell(
        bench="hanging",
        database=database,
        hosts=HOSTS,
        pages=len(beside),
        quiet_p95_ms=p95(quiet),
        p50_ms=round(statistics.median(beside) * 1000, 1),
        p95_ms=p95(beside),
        to_quiet=round(p95(beside) / p95(quiet), 1),
        told_to_try_again=sum(1 for took in asked if took < 1),
        longest_wait_s=round(max(asked), 1),
    )


def pages(stack: Stack, seconds: float) -> Sequence[float]:
    """How long each public page took, in seconds, for clients who look at one after the other."""
    ends_at = time.monotonic() + seconds

    def look(_number: int) -> list[float]:
        took = []
        with requests.Session() as session:
            while time.monotonic() < ends_at:
                began = time.monotonic()
                session.get(f"{stack.base}/b/{SLUG}", timeout=120).raise_for_status()
                took.append(time.monotonic() - began)
                time.sleep(PAUSE)
        return took

    with ThreadPoolExecutor(CLIENTS) as clients:
        return [one for took in clients.map(look, range(CLIENTS)) for one in took]


def p95(times: Sequence[float]) -> float:
    """Milliseconds."""
    return round(sorted(times)[len(times) * 95 // 100] * 1000, 1)


if __name__ == "__main__":
    main()
