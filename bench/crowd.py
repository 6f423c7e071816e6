"""The public page for a few visitors, alone and beside a crowd: a hundred people who sign in at
once, again and again; forty clients that announce a form and do not send it, behind each proxy of
deploy/ and without one.

The crowd lives in this process, the visitors in one of their own (bench.load).
"""

import asyncio
import socket
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

from bench.load import HEAD_ENDS, Load
from bench.measure import tell
from bench.serve import HOST, run, web_processes
from bench.stage import Stage, address_of, stages
from tests.support.cast import PASSWORD
from tests.support.proxies import KINDS, program, running_proxy, unsent_bodies
from tests.support.visitor import OverHttp, Visitor

SIGN_INS, BODIES = 100, 40
VISITORS = 4
SECONDS = 5.0


def main() -> None:
    with stages() as found:
        for stage in found:
            measure(stage)


def measure(stage: Stage, seconds: float = SECONDS) -> None:
    """One line for each crowd: how the visitors fared beside it."""
    with web_processes(stage) as port:
        visitors = Load(HOST, port, address_of("busy"), connections=VISITORS, seconds=seconds)
        result(stage, "nobody", run(visitors))
        with crowd_that_signs_in(port) as answers:
            beside = run(visitors)
        result(stage, "sign-ins", beside, answers=dict(answers))
        with bodies_that_do_not_come(partial(socket.create_connection, (HOST, port), 10)):
            result(stage, "bodies", run(visitors), proxy="none")
        for kind in KINDS:
            if program(kind) is None:
                print(f"{kind} is not on this machine", flush=True)
                continue
            with (
                proxy_before(port, kind) as (proxy, certificate),
                bodies_that_do_not_come(partial(connect, proxy, certificate)),
            ):
                behind = replace(visitors, port=proxy, trusts=str(certificate))
                result(stage, "bodies", run(behind), proxy=kind)


@contextmanager
def proxy_before(port: int, kind: str) -> Iterator[tuple[int, Path]]:
    with (
        tempfile.TemporaryDirectory(prefix="calsync-proxy-") as folder,
        running_proxy(kind, Path(folder), port) as found,
    ):
        yield found


def connect(port: int, certificate: Path) -> socket.socket:
    tls = ssl.create_default_context(cafile=str(certificate))
    plain = socket.create_connection((HOST, port), 10)
    return tls.wrap_socket(plain, server_hostname=HOST)


def result(stage: Stage, beside: str, found: dict[str, float], **more: object) -> None:
    tell(bench="crowd", database=stage.database, beside=beside, **found, **more)


@contextmanager
def crowd_that_signs_in(port: int) -> Iterator[Counter[str]]:
    """A hundred connections that send the sign-in form, wait for the answer, and send it again."""
    answers: Counter[str] = Counter()
    stop = Event()
    form = sign_in_form(port)
    crowd = Thread(target=lambda: asyncio.run(everybody(port, form, stop, answers)))
    crowd.start()
    try:
        yield answers
    finally:
        stop.set()
        crowd.join()


def sign_in_form(port: int) -> bytes:
    """The request of somebody who knows the password."""
    transport = OverHttp(f"http://{HOST}:{port}")
    form = Visitor(transport).get(f"http://{HOST}:{port}/login").form_to("/login")
    sent = dict(form.fields) | {"email": "busy@example.jp", "password": PASSWORD}
    cookie = "; ".join(f"{name}={value}" for name, value in transport.session.cookies.items())
    body = urlencode(sent)
    return (
        f"POST /login HTTP/1.1\r\nHost: {HOST}:{port}\r\nCookie: {cookie}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n\r\n{body}"
    ).encode()


async def everybody(port: int, form: bytes, stop: Event, answers: Counter[str]) -> None:
    await asyncio.gather(*(somebody(port, form, stop, answers) for _ in range(SIGN_INS)))


async def somebody(port: int, form: bytes, stop: Event, answers: Counter[str]) -> None:
    """Come back after a second, as people do who are told to."""
    while not stop.is_set():
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(form)
        head = await reader.readuntil(HEAD_ENDS)
        answers[head.split(maxsplit=2)[1].decode()] += 1
        await reader.read()
        writer.close()
        await asyncio.sleep(1)


@contextmanager
def bodies_that_do_not_come(connection: Callable[[], socket.socket]) -> Iterator[None]:
    """Forty at any time, for three seconds each; then forty others."""
    stop = Event()

    def again() -> None:
        while not stop.is_set():
            with unsent_bodies([connection() for _ in range(BODIES)]):
                stop.wait(3)

    crowd = Thread(target=again)
    crowd.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        stop.set()
        crowd.join()


if __name__ == "__main__":
    main()
