"""`make test`: every test, in shards that are run beside each other and shown one by one.

Run as `python -m scripts.test`. With arguments it is one pytest with these.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest")
RUNNERS = 2  # with more, tests of what happens under load would see a load that is none of theirs
# Real processes and browsers, on both databases; each tuple is a shard.
PROCESSES = (("browser",), ("chaos", "journey"), ("bench", "deploy", "sandbox", "setup"))
# Of the others, what a shard of its own has; the last shard of each database has the rest.
APART = ("zoom", "bookings")


class Shard(NamedTuple):
    """Some of the tests, and how pytest is told of them."""

    name: str
    folders: tuple[str, ...]
    chosen: str = ""

    @property
    def command(self) -> list[str]:
        folders = [f"tests/{folder}" for folder in self.folders]
        return [*PYTEST, *folders, *(["-k", self.chosen] if self.chosen else [])]


def shards() -> list[Shard]:
    """Every folder of tests, on every database; what takes longest begins first."""
    folders = sorted(path.parent.name for path in (ROOT / "tests").glob("*/test_*.py"))
    rest = tuple(dict.fromkeys(name for name in folders if name not in sum(PROCESSES, APART)))
    parts = [rest] + [(name,) for name in APART]
    return [
        *(Shard(", ".join(folders), folders) for folders in PROCESSES),
        *(
            Shard(f"{', '.join(part)}: {database}", part, chosen)
            for database, chosen in (("PostgreSQL", "postgresql"), ("others", "not postgresql"))
            for part in parts
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    """The exit status: pytest's; of several the first that is not 0."""
    if arguments:
        return subprocess.call([*PYTEST, *arguments])
    return run([(shard.name, shard.command) for shard in shards()])


def run(commands: Sequence[tuple[str, Sequence[str]]]) -> int:
    """Run all, some at a time; show of each, when it is over, all that it printed."""
    show = threading.Lock()
    began = time.monotonic()

    def run_one(name: str, command: Sequence[str]) -> int:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:
            started = time.monotonic()
            status = subprocess.call(command, stdout=printed, stderr=subprocess.STDOUT)
            with show:
                _show(name, printed, status, time.monotonic() - started)
        return status

    with ThreadPoolExecutor(RUNNERS) as runners:
        try:
            statuses = list(runners.map(lambda one: run_one(*one), commands))
        except KeyboardInterrupt:
            runners.shutdown(cancel_futures=True)  # Ctrl-C has reached those under way as well
            return 130
    failed = [name for (name, _), status in zip(commands, statuses, strict=True) if status]
    print(f"\n{len(commands)} shards in {time.monotonic() - began:.0f} s;", end=" ")
    print(f"failed: {'; '.join(failed)}" if failed else "all passed", flush=True)
    return next((status for status in statuses if status), 0)


def _show(name: str, printed: IO[str], status: int, seconds: float) -> None:
    printed.seek(0)
    print(f"\n=== {name} ===\n{printed.read()}", end="")
    print(f"=== {name}: {'failed' if status else 'passed'} after {seconds:.0f} s ===", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
