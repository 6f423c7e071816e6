"""The process: HTTP, SMTP and the courier side by side, until a signal."""

from __future__ import annotations

import signal
import socket
import sqlite3
import threading

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox import smtp
from sandbox.settings import Settings
from sandbox.site import create_app
from sandbox.store import Store
from sandbox.webhooks import Courier


class CannotListen(Exception):
    """A port or the database file is not to be had."""


class QuietHandler(WSGIRequestHandler):
    """Writes no line per request: `GET /api/calls` is the log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then let go of the ports and return.

    Prints one line when everything listens. Raises CannotListen.
    """
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    try:
        store = Store(settings.database)
    except (OSError, sqlite3.Error) as error:
        raise CannotListen(f"cannot open {settings.database}: {error}") from None
    courier = Courier(settings, store)
    door = listen("127.0.0.1", settings.port)
    web = make_server(
        "127.0.0.1",
        settings.port,
        create_app(settings, store, courier),
        threaded=True,
        request_handler=QuietHandler,
        fd=door.fileno(),
    )
    mail = smtp.controller(settings, store)
    try:
        mail.start()
    except OSError as error:
        raise CannotListen(f"cannot listen on port {settings.smtp_port}: {error}") from None
    courier.start()
    threading.Thread(target=web.serve_forever, args=(0.05,), name="web", daemon=True).start()
    print(
        f"sandbox ready: Zoom and mailbox on {settings.base_url},"
        f" SMTP on 127.0.0.1:{settings.smtp_port}",
        flush=True,
    )

    ended.wait()
    web.shutdown()
    mail.stop()
    courier.stop()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, free of the wait after an earlier run. Raises CannotListen."""
    try:
        return socket.create_server((host, port), backlog=256)
    except OSError as error:
        raise CannotListen(f"cannot listen on port {port}: {error}") from None
