"""Several at the same moment: threads that are let go together."""

import threading
from collections.abc import Callable
from typing import Any


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each returned, or the error it raised."""
    start = threading.Barrier(len(works))
    ends: list[Any] = [None] * len(works)

    def run(number: int) -> None:
        start.wait()
        try:
            ends[number] = works[number]()
        except BaseException as error:  # noqa: BLE001  (the test looks at it)
            ends[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return ends
