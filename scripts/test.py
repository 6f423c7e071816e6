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
# Folders that make a shard for each database, and one of all the other folders comes first.
FOR_EACH_DATABASE = (("browser", "journey", "chaos"), ("bookings", "zoom"))
TOGETHER = ("bench", "deploy", "sandbox", "setup")
DATABASES = (("others", "not postgresql"), ("PostgreSQL", "postgresql"))


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
    named = {*sum(FOR_EACH_DATABASE, ()), *TOGETHER}
    folders = sorted({path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")})
    rest = tuple(name for name in folders if name not in named)
    first, second, last = (
        [Shard(f"{', '.join(part)}: {name}", part, chosen) for name, chosen in DATABASES]
        for part in (rest, *FOR_EACH_DATABASE)
    )
    return [*first, *second, Shard(", ".join(TOGETHER), TOGETHER), *last]


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
