"""A body that does not come holds a thread for ten seconds at most, and only a few threads."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests
from flask import Flask

from app.web.bodies import NOT_READ, BodyMissing, WholeBodies, watch
from app.web.gates import Busy
from bench.serve import web_processes
from bench.stage import Stage
from tests.conftest import test_environment
from tests.support.proxies import HOST, unsent_bodies
from tests.support.visitor import InProcess

LONGEST = 1000


class Connection:
    """One end for the server, as gunicorn gives it to the app; one for the client."""

    def __init__(self) -> None:
        self.server, self.client = socket.socketpair()
        self.stream = self.server.makefile("rb")

    def close(self) -> None:
        for one in (self.stream, self.server, self.client):
            one.close()

    def environ(self, **more: str) -> WSGIEnvironment:
        return {"wsgi.input": self.stream, "gunicorn.socket": self.server} | more


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = Connection()
    yield made
    made.close()


def run(environ: WSGIEnvironment, patience: float = 10.0) -> WSGIEnvironment:
    """What the app gets to see."""
    seen: list[WSGIEnvironment] = []

    def app(environ: WSGIEnvironment, _start_response: StartResponse) -> list[bytes]:
        seen.append(environ)
        return []

    WholeBodies(app, LONGEST, patience)(environ, lambda *_args: None)  # type: ignore[arg-type]
    return seen[0]


def test_a_body_that_comes_in_pieces_is_whole_for_the_app(connection: Connection) -> None:
    connection.client.sendall(b"name=Ken&")
    connection.client.sendall(b"note=roof")
    seen = run(connection.environ(CONTENT_LENGTH="18"))
    assert seen["wsgi.input"].read() == b"name=Ken&note=roof"
    assert NOT_READ not in seen


def test_a_body_that_drips_does_not_put_the_end_off(connection: Connection) -> None:
    connection.client.sendall(b"x" * 5)
    began = time.monotonic()
    seen = run(connection.environ(CONTENT_LENGTH="1000"), patience=0.3)
    assert time.monotonic() - began < 5
    assert isinstance(seen[NOT_READ], BodyMissing)


def test_each_body_has_a_time_of_its_own_however_many_come(connection: Connection) -> None:
    """One thread watches them all: a short patience begins while it waits for a long one."""
    patient, hasty = connection, Connection()
    threads = threading.active_count()
    with watch.deadline(patient.server, 60):
        for _ in range(50):
            with watch.deadline(hasty.server, 60):
                pass
        assert isinstance(
            run(hasty.environ(CONTENT_LENGTH="9"), patience=0.1)[NOT_READ], BodyMissing
        )
        assert threading.active_count() <= threads + 1
        patient.client.sendall(b"name=Ken")
        assert patient.stream.read(8) == b"name=Ken"
    hasty.close()


def test_without_an_announced_length_no_more_is_read_than_the_app_takes(
    connection: Connection,
) -> None:
    connection.client.sendall(b"x" * 3000)
    seen = run(connection.environ(HTTP_TRANSFER_ENCODING="chunked"))
    assert seen["CONTENT_LENGTH"] == str(LONGEST + 1)
    assert "HTTP_TRANSFER_ENCODING" not in seen


def test_a_body_that_is_too_long_is_taken_off_the_line_so_that_the_answer_arrives(
    connection: Connection,
) -> None:
    connection.client.sendall(b"x" * 5000)
    seen = run(connection.environ(CONTENT_LENGTH="5000"))
    assert seen["CONTENT_LENGTH"] == "5000"
    assert NOT_READ not in seen


@pytest.mark.parametrize(
    ("reason", "status", "words"),
    [(BodyMissing(), 408, "did not arrive in time"), (Busy(5), 503, "try again in 5 seconds")],
)
def test_who_is_not_heard_is_told_why(
    bare_app: Flask, reason: Exception, status: int, words: str
) -> None:
    client = bare_app.test_client()
    asked = {"base_url": "http://127.0.0.1", "environ_overrides": {NOT_READ: reason}}
    answer = client.post("/login", **asked)
    assert answer.status_code == status
    assert words in answer.text
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


def test_who_asks_for_another_host_is_told_that_first(bare_app: Flask) -> None:
    answer = bare_app.test_client().post("/login", environ_overrides={NOT_READ: BodyMissing()})
    assert (answer.status_code, answer.text) == (400, "This host is not served here.\n")


def test_forty_bodies_that_do_not_come_leave_pages_to_everybody_else(tmp_path: Path) -> None:
    """On the real server, without a proxy: the bodies would be waited for for ten seconds."""
    stage = Stage("sqlite", Flask("nobody"), test_environment(tmp_path))
    with web_processes(stage) as port, ExitStack() as stack:
        connections = [socket.create_connection((HOST, port), timeout=20) for _ in range(40)]
        stack.enter_context(unsent_bodies(connections))
        for _ in range(20):
            page = requests.get(f"http://{HOST}:{port}/login", timeout=5)
            assert page.status_code == 200
        first = [connection.recv(12) for connection in connections]
    # Those who found a place are told in the end that it was too slow, the others at once.
    assert set(first) == {b"HTTP/1.1 408", b"HTTP/1.1 503"}
    assert first.count(b"HTTP/1.1 408") <= 8


def test_a_form_of_the_test_client_needs_no_connection(app: Flask) -> None:
    assert InProcess(app).send("POST", "/language", [("lang", "ja")]).status == 303
