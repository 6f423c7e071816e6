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
RUNNERS = 3  # for two processors: tests of processes mostly wait, for each other and for time
# Real processes and browsers, on both databases; each tuple is a shard. A file that has a shard of
# its own is left out of its folder's.
PROCESSES = (
    ("chaos", "journey"),
    ("browser",),
    ("browser/test_published_guide.py",),
    ("bench", "deploy", "sandbox", "setup"),
)
# Of the others, what each database has in a second shard; its first has the rest.
APART = ("bookings", "zoom")


class Shard(NamedTuple):
    """Some of the tests, and how pytest is told of them."""

    name: str
    parts: tuple[str, ...]
    chosen: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        parts = [f"tests/{part}" for part in self.parts]
        ignored = [f"--ignore=tests/{part}" for part in self.ignored]
        return [*PYTEST, *parts, *ignored, *(["-k", self.chosen] if self.chosen else [])]


def shards() -> list[Shard]:
    """Every folder of tests, on every database; what takes longest begins first."""
    folders = sorted(path.parent.name for path in (ROOT / "tests").glob("*/test_*.py"))
    rest = tuple(dict.fromkeys(name for name in folders if name not in sum(PROCESSES, APART)))
    databases = (("others", "not postgresql"), ("PostgreSQL", "postgresql"))
    longest, second = (
        [Shard(f"{', '.join(parts)}: {name}", parts, chosen) for name, chosen in databases]
        for parts in (rest, APART)
    )
    files = [part for part in sum(PROCESSES, ()) if part.endswith(".py")]
    processes = [
        Shard(
            ", ".join(parts),
            parts,
            ignored=tuple(file for file in files if file.partition("/")[0] in parts),
        )
        for parts in PROCESSES
    ]
    return [*longest, *processes, *second]


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
