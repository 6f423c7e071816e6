"""Calls to other services while a browser waits: few at a time, and none for long.

A web process has a handful of threads. Were each of them allowed to wait for a service that
hangs, nobody would get a page. So at most MOST_AT_ONCE requests of a process wait for the outside,
the next is told so at once, and no request waits there longer than PATIENCE in all. Workers and
commands have no browser behind them, and are not bounded.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import has_request_context, request

# Fewer than any sensible number of threads a web process has (8 in Procfile.dev and the image).
MOST_AT_ONCE = 3
# Seconds that one request waits for other services, all its calls together.
PATIENCE = 12.0
# What one call of it may take to connect, and to be answered.
LONGEST_CONNECT, LONGEST_READ = 3.0, 8.0
# With less time left a call is not worth beginning.
SHORTEST = 1.0

UNTIL = "calsync.outgoing_until"  # where a request keeps the end of its patience

_turns = threading.BoundedSemaphore(MOST_AT_ONCE)


class Busy(Exception):
    """Too many requests wait for the outside already, or this one has waited long enough."""


@contextmanager
def turn() -> Iterator[None]:
    """Hold one of the few turns for the time of a call. Raises Busy at once where none is free."""
    if not has_request_context():
        yield
        return
    if not _turns.acquire(blocking=False):
        raise Busy
    try:
        yield
    finally:
        _turns.release()


def patience(connect: float, read: float) -> tuple[float, float]:
    """Seconds to connect and to wait for the answer: those wished for, or what is left of this
    request's patience. Raises Busy where next to nothing is left."""
    if not has_request_context():
        return connect, read
    left = _patience_ends_at() - time.monotonic()
    if left < SHORTEST:
        raise Busy
    connect = min(connect, LONGEST_CONNECT, left / 2)
    return connect, min(read, LONGEST_READ, left - connect)


def _patience_ends_at() -> float:
    """Counted from the request's first call."""
    until: float = request.environ.setdefault(UNTIL, time.monotonic() + PATIENCE)
    return until
