"""Where limits are counted: in Valkey, which all processes share, and in memory while it is away.

Flask-Limiter can turn to memory by itself, but not among threads: of the requests under way
when Valkey goes, the first turns it to memory and each other one is answered 500.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask
from limits.storage import MemoryStorage, RedisStorage
from redis.exceptions import RedisError

from .extensions import limiter
from .logs import log

T = TypeVar("T")

SCHEME = "steady+"
TIMEOUT = 1.0  # seconds: a Valkey that hangs must not hang every form
PAUSE = 5.0  # seconds until it is asked again, since each try may take its whole time-out


def init_app(app: Flask) -> None:
    """Bind the limiter; its storage is the one below, by the scheme of RATELIMIT_STORAGE_URI."""
    limiter.init_app(app)


class SteadyStorage(RedisStorage):
    """RedisStorage, as far as fixed windows need it, with memory behind it. Never open."""

    STORAGE_SCHEME = [SCHEME + scheme for scheme in ("redis", "rediss", "redis+unix")]  # noqa: RUF012

    def __init__(self, uri: str, **options: Any) -> None:
        timeouts = {"socket_connect_timeout": TIMEOUT, "socket_timeout": TIMEOUT}
        super().__init__(uri.removeprefix(SCHEME), **options | timeouts)
        self._own = MemoryStorage()
        self._asked_again_at = 0.0

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        shared = super().incr
        return self._count(
            lambda: shared(key, expiry, amount), lambda: self._own.incr(key, expiry, amount)
        )

    def get(self, key: str) -> int:
        shared = super().get
        return self._count(lambda: shared(key), lambda: self._own.get(key))

    def get_expiry(self, key: str) -> float:
        shared = super().get_expiry
        return self._count(lambda: shared(key), lambda: self._own.get_expiry(key))

    def _count(self, shared: Callable[[], T], own: Callable[[], T]) -> T:
        if time.monotonic() < self._asked_again_at:
            return own()
        try:
            return shared()
        except RedisError as error:
            self._asked_again_at = time.monotonic() + PAUSE
            log.warning("limits are counted in memory", error=type(error).__name__)
            return own()
