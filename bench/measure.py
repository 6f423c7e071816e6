"""Timing, and lines of results."""

import gc
import json
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

SECONDS_EACH = 1.0
FEWEST_RUNS = 5
TURNS = 5


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


class Turns:
    """The times of several works that took turns: one median a work and turn, in milliseconds."""

    def __init__(self, times: Mapping[str, list[float]]) -> None:
        self.times = times

    def medians_ms(self) -> dict[str, float]:
        return {name: statistics.median(times) for name, times in self.times.items()}

    def ratio(self, work: str, to: str) -> float:
        """How many times as long `work` takes as `to`: the median of what each turn says, which
        a machine that changes its speed between turns leaves alone."""
        pairs = zip(self.times[work], self.times[to], strict=True)
        return statistics.median(one / other for one, other in pairs)


def take_turns(
    works: Mapping[str, Callable[[], object]], seconds: float, turns: int = TURNS
) -> Turns:
    """Measure works that are to be compared, each over about `seconds`; they take turns, so that
    a slow phase of the machine meets them all."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            times[name].append(median_ms(work, seconds / turns))
    return Turns(times)


def tell(**values: Any) -> None:
    """One result as a line of JSON."""
    print(json.dumps(values), flush=True)
