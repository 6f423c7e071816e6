"""`make bench`: every case in a process of its own, then its figures beside the targets.

`python -m bench engine page` runs some. Lines of JSON go through to standard output as they
come; the table follows.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CASES = (
    "engine",
    "page",
    "serve",
    "book",
    "move",
    "fence",
    "mails",
    "reminders",
    "webhook",
    "queue",
    "inputs",
    "hanging",
    "crowd",
    "lists",
)
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A figure that has to reach `target` and would like to reach `aim`.

    Every result of `case` that has the values of `where` is meant, and the worst of them counts.
    """

    name: str
    case: str
    figure: str
    target: float
    aim: float | None
    where: Mapping[str, Any]
    more_is_better: bool = False

    def figure_in(self, results: Sequence[Result]) -> float | None:
        """The worst figure, or None when nothing was measured."""
        figures = [
            float(result[self.figure])
            for result in results
            if result["bench"] == self.case
            and self.figure in result
            and all(result.get(name) == value for name, value in self.where.items())
        ]
        return (min if self.more_is_better else max)(figures, default=None)

    def standing(self, figure: float) -> str:
        if self.aim is not None and self._is_met(figure, self.aim):
            return "aim reached"
        return "reached" if self._is_met(figure, self.target) else "missed"

    def _is_met(self, figure: float, bound: float) -> bool:
        return figure >= bound if self.more_is_better else figure <= bound


SMALL, LARGE = {"days": 60, "spans": 200}, {"days": 365, "spans": 2000}
SQLITE, POSTGRESQL = {"database": "sqlite"}, {"database": "postgresql"}
GZIP = {"encoding": "gzip"}

TARGETS = [
    Target("60 days, 200 spans: ms", "engine", "engine_ms", 1.0, 0.6, SMALL),
    Target("60 days, 200 spans: times a plain sweep", "engine", "to_plain", 1.0, None, SMALL),
    Target("365 days, 2,000 spans: ms", "engine", "engine_ms", 8.0, 5.0, LARGE),
    Target("twice the days and spans: times as long", "engine", "both_twice", 2.5, None, {}),
    Target("page on SQLite: times a bare reply", "page", "to_bare", 18, 12, SQLITE),
    Target("page on PostgreSQL: times a bare reply", "page", "to_bare", 18, 12, POSTGRESQL),
    Target(
        "pages a second, SQLite", "serve", "pages_a_second", 300, 500, SQLITE | GZIP,
        more_is_better=True,
    ),
    Target(
        "pages a second, PostgreSQL", "serve", "pages_a_second", 300, 500, POSTGRESQL | GZIP,
        more_is_better=True,
    ),
    Target(
        "bookings a second, PostgreSQL", "book", "bookings_a_second", 80, 150, POSTGRESQL,
        more_is_better=True,
    ),
    Target("moves beside bookings, a second", "move", "moves_to_bookings", 0.8, 1, {},
           more_is_better=True),
    Target("100,000 holds with the fence: times without", "fence", "to_bare", 2, 1.5, {}),
    Target("booking to both mails, 95 %: ms", "mails", "p95_ms", 1500, None, {}),
    Target("1,000 reminders of one minute, the last after: s", "reminders", "last_after_s", 30, 15,
           {"reminders": 1_000}),
    Target("10,000 reminders: a second", "reminders", "a_second", 100, 150,
           {"reminders": 10_000}, more_is_better=True),
    Target("a booking's mails beside 10,000 reminders: s", "reminders", "booking_mail_s", 5, 2, {}),
    Target("our own time in a task: ms", "tasks", "own_ms", 8, None, {}),
    Target("the costliest input: times a bare reply", "inputs", "to_bare", 100, None, {}),
    Target("an hour without workers: jobs a task", "queue", "jobs_a_task", 2, 1, {}),
    Target("the slowest answer to Zoom's webhook: ms", "webhook", "worst_ms", 100, None, {}),
    Target("pages beside 24 hanging live details, 95 %: ms", "hanging", "p95_ms", 1000, None, {}),
    Target("the slowest of a host's lists, SQLite: ms", "lists", "busy_ms", 50, None, SQLITE),
    Target("the slowest of a host's lists, PostgreSQL: ms", "lists", "busy_ms", 50, None, POSTGRESQL),
    Target(
        "page beside 100 sign-ins, 95 %: ms", "crowd", "p95_ms", 1000, None, {"beside": "sign-ins"}
    ),
    Target(
        "page beside 40 unsent bodies, 95 %: ms", "crowd", "p95_ms", 1000, None,
        {"beside": "bodies"},
    ),
]  # fmt: skip


def main(cases: Sequence[str]) -> int:
    """The exit status: 1 when a case failed. A target that is missed is told, not punished."""
    if unknown := set(cases) - set(CASES):
        print(f"There is no {', '.join(sorted(unknown))}: {', '.join(CASES)}.", file=sys.stderr)
        return 2
    results: list[Result] = []
    has_failed = False
    for case in cases or CASES:
        try:
            results.extend(run(case))
        except subprocess.CalledProcessError as failed:
            has_failed = True
            print(f"{case} ended with {failed.returncode}", file=sys.stderr)
    print("\n" + table(results))
    return int(has_failed)


def run(case: str) -> Iterator[Result]:
    """The results of a case as they come. Raises CalledProcessError when it ends badly."""
    command = [sys.executable, "-m", f"bench.{case}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("{"):
                yield json.loads(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def table(results: Sequence[Result]) -> str:
    """What was measured, beside its target."""
    rows = [("", "figure", "target", "aim", "")]
    for target in TARGETS:
        figure = target.figure_in(results)
        if figure is not None:
            sign = "≥" if target.more_is_better else "≤"
            aim = "" if target.aim is None else f"{sign} {target.aim:g}"
            bound = f"{sign} {target.target:g}"
            rows.append((target.name, f"{figure:g}", bound, aim, target.standing(figure)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        f"{name:<{widths[0]}}  {figure:>{widths[1]}}  {bound:>{widths[2]}}  {aim:>{widths[3]}}  {how}".rstrip()
        for name, figure, bound, aim, how in rows
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
