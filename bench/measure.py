"""Timing, and lines of results."""

import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

SECONDS_EACH = 1.0
FEWEST_RUNS = 5


def median_ms(work: Callable[[], object], seconds: float = SECONDS_EACH) -> float:
    """The median time of `work` in milliseconds, warm, over about `seconds`."""
    for _ in range(3):
        work()
    gc.collect()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < FEWEST_RUNS or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def medians_ms(works: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """The same for several that are to be compared: they take turns, so that a slow phase of
    the machine meets them all."""
    turns = 5
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            found[name].append(median_ms(work, seconds / turns))
    return {name: statistics.median(times) for name, times in found.items()}


def tell(**values: Any) -> None:
    """One result as a line of JSON."""
    print(json.dumps(values), flush=True)
