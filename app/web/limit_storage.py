"""Where limits are counted: in Valkey, which all processes share, and in memory while it is away.

A window moves: what was counted falls out of it exactly when it is older than the window is long,
so no border lets twice as many pass, and the time until the next try is known to the second.
"""

import math
import time
from collections.abc import Callable
from typing import TypeVar, cast

from limits.storage import MemoryStorage, RedisStorage
from redis import Redis
from redis.exceptions import RedisError

from ..core.logs import log

T = TypeVar("T")

TIMEOUT = 1.0  # seconds: a Valkey that hangs must not hang every form
PAUSE = 5.0  # seconds until it is asked again, since each try may take its whole time-out


class SteadyStorage:
    """Moving windows in Valkey, with memory behind it. Never open."""

    def __init__(self, redis_url: str) -> None:
        """`limits` spells a unix socket `redis+unix://`."""
        url = "redis+" + redis_url if redis_url.startswith("unix://") else redis_url
        self._shared = RedisStorage(url, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT)
        self._own = MemoryStorage()
        self._asked_again_at = 0.0

    def take(self, key: str, most: int, seconds: int) -> bool:
        """Count one more, unless `most` were counted in the last `seconds`. One step for Valkey:
        however many ask at once, no more than `most` get through."""
        return self._ask(
            lambda: self._shared.acquire_entry(key, most, seconds),
            lambda: self._own.acquire_entry(key, most, seconds),
        )

    def give_back(self, key: str) -> None:
        """Count one less."""
        self._ask(lambda: self._forget_shared(key), lambda: self._forget_own(key))

    def seconds_left(self, key: str, most: int, seconds: int) -> int:
        """How long until one more may be counted; 0 when it may be now."""
        oldest, count = self._ask(
            lambda: self._shared.get_moving_window(key, most, seconds),
            lambda: self._own.get_moving_window(key, most, seconds),
        )
        return 0 if count < most else max(1, math.ceil(oldest + seconds - time.time()))

    def _forget_shared(self, key: str) -> None:
        """The newest of its entries: which one goes makes no difference to how many there are."""
        client = cast(Redis, self._shared.get_connection())
        client.lpop(self._shared.prefixed_key(key))

    def _forget_own(self, key: str) -> None:
        with self._own.locks[key]:
            if entries := self._own.events.get(key):
                entries.pop(0)

    def _ask(self, shared: Callable[[], T], own: Callable[[], T]) -> T:
        if time.monotonic() < self._asked_again_at:
            return own()
        try:
            return shared()
        except RedisError as error:
            self._asked_again_at = time.monotonic() + PAUSE
            log.warning("limits are counted in memory", error=type(error).__name__)
            return own()
