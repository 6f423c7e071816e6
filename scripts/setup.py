"""Everything that run, check and test need, into .venv, node_modules and app/: `make setup`.

Runs on the machine's bare Python 3.11 or newer, standard library only. Each step knows whether
it is due, so a second run does nothing, and one that was interrupted goes on where it stopped.
VERBOSE=1 shows all that the steps print.
"""

import fcntl
import filecmp
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
HTMX = ROOT / "node_modules/htmx.org/dist/htmx.min.js"
VERBOSE = os.environ.get("VERBOSE", "") not in {"", "0"}
HEARTBEAT = 10.0  # seconds between signs of life where no spinner can turn

NO_NETWORK = re.compile(
    r"name resolution|Name or service not known|NewConnectionError|Connect(ion)? ?Timeout"
    r"|Connection (refused|reset|aborted)|timed out|dns error|error sending request"
    r"|ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|Network is unreachable"
    r"|CERTIFICATE|SSLError|ProxyError"
)


class Failed(Exception):
    """Set-up cannot go on; the message is for a person."""


@dataclass(frozen=True)
class Step:
    title: str
    command: list[str]
    is_due: Callable[[], bool]
    finish: Callable[[], None] = lambda: None  # notes that the work is complete


def main() -> int:
    os.chdir(ROOT)
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    try:
        with _alone():
            _set_up()
    except Failed as failure:
        print(f"make setup: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmake setup: interrupted; the next one goes on from here.", file=sys.stderr)
        return 130
    return 0


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _alone() -> Iterator[None]:
    """Two at once (make run here, make test there) would write over each other: one waits."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up is at work here; waiting for it.", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _set_up() -> None:
    started = time.monotonic()
    _forget_moved_environment()
    # Asked before anything runs, for the count; a later step never makes an earlier one due.
    due = [step for step in STEPS if step.is_due()]
    for number, step in enumerate(due, start=1):
        _run(f"[{number}/{len(due)}] {step.title}", step.command)
        step.finish()
    if due:
        print(f"Set-up is complete ({time.monotonic() - started:.1f} s).", flush=True)


def _forget_moved_environment() -> None:
    """Scripts in a virtual environment name its path: one that was moved is made anew."""
    with suppress(OSError):
        if _packages_stamp().read_text().splitlines()[0] != str(VENV):
            shutil.rmtree(VENV)


def _run(title: str, command: list[str]) -> None:
    """Run one step and show that it lives. Raises Failed with the reason."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        stdout=None if VERBOSE else subprocess.PIPE,
        stderr=None if VERBOSE else subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # one process group, to end all of it at once
    )
    lines: list[str] = []
    reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
    reader.start()
    try:
        _watch(process, title, started, lines)
    except BaseException:
        _end(process)
        raise
    reader.join(timeout=1)
    if process.returncode != 0:
        raise Failed(_reason(title, lines))
    print(f"{title}: {time.monotonic() - started:.1f} s", flush=True)


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    for line in process.stdout or ():
        lines.append(line.rstrip())  # noqa: PERF401  (read while it grows)


def _watch(process: subprocess.Popen[str], title: str, started: float, lines: list[str]) -> None:
    spins = sys.stdout.isatty() and not VERBOSE
    print(f"{title} …", end="" if spins else "\n", flush=True)
    said_at = started
    while True:
        try:
            process.wait(timeout=0.1 if spins else HEARTBEAT)
        except subprocess.TimeoutExpired:
            pass
        else:
            break
        now = time.monotonic()
        latest = lines[-1].strip() if lines else ""
        if spins:
            width = shutil.get_terminal_size().columns - 1
            turn = "|/-\\"[int(now * 8) % 4]
            print(f"\r\033[K{f'{title} {turn} {now - started:.0f} s  {latest}'[:width]}", end="")
            sys.stdout.flush()
        elif not VERBOSE and now - said_at >= HEARTBEAT:
            said_at = now
            print(f"      {now - started:.0f} s  {latest[:80]}", flush=True)
    if spins:
        print("\r\033[K", end="", flush=True)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=3)
        os.killpg(process.pid, signal.SIGKILL)


def _reason(title: str, lines: list[str]) -> str:
    ours = [line for line in lines if line.startswith("error: ")]
    if not VERBOSE and ours and ours[-1] == lines[-1]:
        return ours[-1].removeprefix("error: ")
    if any(NO_NETWORK.search(line) for line in lines):
        return (
            f"{title}: the package registry cannot be reached (network, proxy or certificate?)."
            " Run it again when it can; VERBOSE=1 make setup shows all."
        )
    tail = "".join(f"  {line}\n" for line in lines[-15:])
    return f"{title} failed.\n{tail}VERBOSE=1 make setup shows all."


def _packages_stamp() -> Path:
    return VENV / ".packages"


def _packages_key() -> str:
    locks = _digest("requirements-dev.txt", "scripts/uv.txt", ".venv/pyvenv.cfg")
    return f"{VENV}\n{locks}\n"


def _node_stamp() -> Path:
    return ROOT / "node_modules" / ".packages"


def _node_key() -> str:
    return _digest("package.json", "package-lock.json") + "\n"


def _digest(*names: str) -> str:
    digest = hashlib.sha256()
    for name in names:
        with suppress(FileNotFoundError):
            digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _packages_are_due() -> bool:
    # A Python that was upgraded away leaves a broken link behind.
    return not (VENV / "bin" / "python").exists() or not _says(_packages_stamp(), _packages_key())


def _node_is_due() -> bool:
    return not HTMX.exists() or not _says(_node_stamp(), _node_key())


def _htmx_is_due() -> bool:
    copy = ROOT / "app/static/vendor/htmx.min.js"
    return _node_is_due() or not copy.exists() or not filecmp.cmp(HTMX, copy)


def _catalogues_are_due() -> bool:
    return any(
        not (made := source.with_suffix(".mo")).exists()
        or made.stat().st_mtime < source.stat().st_mtime
        for source in ROOT.glob("app/translations/*/LC_MESSAGES/*.po")
    )


def _note(stamp: Path, key: str) -> None:
    stamp.write_text(key)


def _says(stamp: Path, key: str) -> bool:
    try:
        return stamp.read_text() == key
    except OSError:
        return False


STEPS = (
    Step(
        "Python packages",
        ["scripts/install-python", ".venv", "requirements-dev.txt"],
        _packages_are_due,
        lambda: _note(_packages_stamp(), _packages_key()),
    ),
    Step(
        "Node packages (htmx, axe)",
        ["scripts/install-node", ".venv"],
        _node_is_due,
        lambda: _note(_node_stamp(), _node_key()),
    ),
    Step("htmx into app/static/vendor", ["scripts/vendor-htmx"], _htmx_is_due),
    Step("Message catalogues", ["scripts/compile-catalogues", ".venv"], _catalogues_are_due),
)


if __name__ == "__main__":
    sys.exit(main())
