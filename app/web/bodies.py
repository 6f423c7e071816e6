"""A request's body is read whole before anything else happens, in bounded time, by few threads.

gunicorn's threads read a body where the app asks for it, and wait for it as long as the client
likes: forty POSTs whose bodies do not come would hold every thread, and nobody would get a page. A
proxy that buffers requests (deploy/) is the cure; this is what holds without one.
"""

import io
import math
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.exceptions import RequestTimeout, SecurityError

from ..core.logs import log
from ..i18n import gettext as _
from .gates import Busy, Gate, NotNow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATIENCE = 10.0  # seconds for a whole body
MOST_DISCARDED = 1024 * 1024  # bytes that are read of a body that is too long, so as to say so
NOT_READ = "calsync.body_not_read"

# Half of a process' eight threads. A body that has come already, as behind a proxy, is read in
# microseconds, so who finds no place within a twentieth of a second meets people who do not send.
reading = Gate(at_once=4, in_line=4, patience=0.05, seconds=5)


class BodyMissing(NotNow, RequestTimeout):
    """408: what was announced did not come in time."""

    @property
    def title(self) -> str:
        return _("This did not arrive")

    @property
    def words(self) -> str:
        return _("What you sent did not arrive in time. Check your connection and send it again.")


def init_app(app: Flask) -> None:
    """Read bodies before `app` runs; it answers for those that did not come."""
    app.wsgi_app = WholeBodies(app.wsgi_app, app.config["MAX_CONTENT_LENGTH"])  # type: ignore[method-assign]
    app.before_request(_refuse_unread)


def _refuse_unread() -> None:
    """:raises 408: the body did not come. :raises 503: too many of them are waited for."""
    reason = request.environ.get(NOT_READ)
    # For a host that is not ours no page can be drawn; that it is not ours is said right after.
    if reason and not isinstance(request.routing_exception, SecurityError):
        raise reason


class WholeBodies:
    """WSGI middleware. `longest` is the most bytes that the app takes, `patience` in seconds."""

    def __init__(self, app: "WSGIApplication", longest: int, patience: float = PATIENCE) -> None:
        self._app = app
        self._longest = longest
        self._patience = patience

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        # Another server than gunicorn has its own ways; the test client's bodies are there already.
        connection = environ.get("gunicorn.socket")
        if connection is not None and _has_body(environ):
            try:
                with reading.passed(), watch.deadline(connection, self._patience):
                    self._read(environ)
            except (Busy, BodyMissing) as reason:
                _stop_reading(connection)
                log.info("a body was not read", reason=type(reason).__name__)
                environ[NOT_READ] = reason
        return self._app(environ, start_response)

    def _read(self, environ: "WSGIEnvironment") -> None:
        announced = environ.get("CONTENT_LENGTH")
        stream = environ["wsgi.input"]
        if announced:
            length = int(announced)
            wanted = min(length, MOST_DISCARDED)
            body = stream.read(wanted)
            if len(body) < wanted:
                raise BodyMissing
        else:
            body = stream.read(self._longest + 1)
            environ["CONTENT_LENGTH"] = str(len(body))
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["wsgi.input"] = io.BytesIO(body)


def _has_body(environ: "WSGIEnvironment") -> bool:
    announced = environ.get("CONTENT_LENGTH", "")
    return announced not in {"", "0"} or "HTTP_TRANSFER_ENCODING" in environ


class Watch:
    """One thread a process that ends what has come too late. A timer of its own for each body would
    start a thread for each form, which costs more than reading the form does."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[object, tuple[float, Any]] = {}
        self._looks_at = math.inf  # when the thread looks by itself
        self._thread = threading.Thread()

    @contextmanager
    def deadline(self, connection: Any, seconds: float) -> "Iterator[None]":
        """What has not come after so long does not come: reading finds the end then. One time for
        the whole body, since a byte now and then would put off a time-out for each read for ever."""
        key, end = object(), time.monotonic() + seconds
        with self._changed:
            self._ends[key] = (end, connection)
            if (
                not self._thread.is_alive()
            ):  # before the first body, and in a process that was forked
                self._thread = threading.Thread(target=self._look, name="bodies", daemon=True)
                self._thread.start()
            elif end < self._looks_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._ends[key]

    def _look(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for end, connection in self._ends.values():
                    if end <= now:
                        _stop_reading(connection)
                self._looks_at = min(
                    (end for end, _ in self._ends.values() if end > now), default=math.inf
                )
                self._changed.wait(None if self._looks_at == math.inf else self._looks_at - now)


watch = Watch()


def _stop_reading(connection: Any) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
