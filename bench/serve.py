"""Public pages a second from two web processes, for 16 clients that keep their connections.

The web processes start as Procfile.dev starts them; options of gunicorn's after
`python -m bench.serve` are added, to try others (`--threads 2`).
"""

import json
import os
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from honcho.environ import parse_procfile

from bench.load import Load, as_argument
from bench.measure import tell
from bench.stage import Stage, address_of, stages
from tests.support.services import free_ports, wait_until
from tests.support.stack import clean_environment

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
ROUNDS = 3


def main(options: Sequence[str] = ()) -> None:
    with stages() as found:
        for stage in found:
            measure(stage, options)


def measure(
    stage: Stage, options: Sequence[str] = (), seconds: float = 4.0, rounds: int = ROUNDS
) -> None:
    """The middle one of some rounds, compressed as browsers ask for it and plain in turns."""
    with web_processes(stage, options) as port:
        found: dict[bool, list[dict[str, float]]] = {True: [], False: []}
        for _ in range(rounds):
            for is_gzip, results in found.items():
                load = Load(HOST, port, address_of("busy"), is_gzip, seconds=seconds)
                results.append(run(load))
    for is_gzip, results in found.items():
        results.sort(key=lambda result: result["pages_a_second"])
        tell(
            bench="serve",
            database=stage.database,
            encoding="gzip" if is_gzip else "identity",
            options=shlex.join(options),
            connections=load.connections,
            **results[rounds // 2],
            slowest=results[0]["pages_a_second"],
            fastest=results[-1]["pages_a_second"],
        )


@contextmanager
def web_processes(stage: Stage, options: Sequence[str] = ()) -> Iterator[int]:
    """gunicorn as in Procfile.dev, with `options` after its own; gives its port."""
    port = free_ports(1)[0]
    command = parse_procfile((ROOT / "Procfile.dev").read_text()).processes["web"]
    process = subprocess.Popen(  # noqa: S603
        [*shlex.split(command.replace("$PORT", str(port))), *options],
        cwd=ROOT,
        env=clean_environment()
        | stage.environment
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PUBLIC_BASE_URL": f"http://{HOST}:{port}",
        },
    )

    def answers() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"gunicorn ended by itself: {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        wait_until(answers, "gunicorn", patience=60)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def run(load: Load) -> dict[str, float]:
    """One round by a client process. Raises CalledProcessError when an answer was wrong."""
    finished = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bench.load", as_argument(load)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=load.seconds + load.warm_up + 60,
    )
    result: dict[str, float] = json.loads(finished.stdout)
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
