"""Start the processes of a Procfile, show what they say, and end them all together.

honcho reads the Procfile and prints; starting and ending are our own, because its manager
loses a Ctrl-C that comes while it starts, does not hear a closed terminal, and leaves
processes behind when it is killed itself.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from honcho.colour import get_colours
from honcho.printer import Message, Printer

PATIENCE = 8.0  # seconds from SIGTERM to SIGKILL
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Supervisor:
    """Processes by name. `interrupted` once a signal asked for the end; a second one hurries it."""

    def __init__(self, names: list[str], environ: Mapping[str, str], cwd: Path) -> None:
        self.interrupted = False
        self._hurried = False
        self._on_terminal = os.isatty(1)
        self._environ = environ
        self._cwd = cwd
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._unfinished_lines: dict[str, bytes] = {}
        self._held: dict[str, list[bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._printer = Printer(sys.stdout, width=max(map(len, names)))
        self._colours = dict(zip(names, get_colours(), strict=False))
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, self._interrupt)

    def _interrupt(self, _signum: int, _frame: object) -> None:
        self._hurried = self.interrupted
        self.interrupted = True

    def run(self, name: str, command: str) -> int | None:
        """Run one command to its end and show what it said only when it failed; None if interrupted."""
        self._held[name] = []
        self.start(name, command)
        self.wait(lambda: self.interrupted or name in self.dead())
        self.show(timeout=0)
        held = self._held.pop(name)
        if self.interrupted:
            return None
        code = self._processes.pop(name).returncode
        for line in held if code else ():
            self.say(line, name)
        return code

    def start(self, name: str, command: str) -> None:
        """Start a Procfile's command in a session of its own, out of reach of the terminal's Ctrl-C."""
        if self.interrupted:
            return
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=self._cwd,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  (there are no threads here)
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._processes[name] = process
        self._unfinished_lines[name] = b""
        self._selector.register(process.stdout, selectors.EVENT_READ, name)

    def dead(self) -> dict[str, int]:
        """The processes that ended, with their exit codes (minus the signal, if one ended it)."""
        codes = {name: process.poll() for name, process in self._processes.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def show(self, timeout: float) -> None:
        """Print what the processes say; returns after `timeout` seconds or sooner."""
        if self._on_terminal and not os.isatty(1):
            # The terminal is gone, and its signal went to make alone if make leads the session.
            self.interrupted = True
        for key, _ in self._selector.select(timeout):
            name = str(key.data)
            chunk = os.read(key.fd, 65536)
            if not chunk:
                self._selector.unregister(key.fileobj)
            *lines, rest = (self._unfinished_lines[name] + chunk).split(b"\n")
            if rest and not chunk:
                lines, rest = [*lines, rest], b""
            self._unfinished_lines[name] = rest
            for line in lines:
                if name in self._held:
                    self._held[name].append(line)
                else:
                    self.say(line, name)

    def say(self, line: str | bytes, name: str | None = None) -> None:
        """Print a line, after its process's name if it has one."""
        try:
            if name is None:
                print(line, flush=True)
            else:
                colour = self._colours.get(name)
                now = datetime.now().astimezone()
                self._printer.write(Message("line", line, now, name, colour))
        except OSError:  # nobody reads any more: a closed terminal, `make run | head`
            self.interrupted = True
            sys.stdout = self._printer.output = open(os.devnull, "w")  # noqa: SIM115

    def wait(self, until: Callable[[], bool], seconds: float | None = None) -> bool:
        """Show output until `until()` (true), or `seconds` pass (false)."""
        end = time.monotonic() + seconds if seconds is not None else None
        while not until():
            if end is not None and time.monotonic() >= end:
                return False
            self.show(timeout=0.1)
        return True

    def stop(self, last: set[str]) -> None:
        """End every process; those named in `last` when the others, which use them, are gone.

        Each leader is asked and ends its own children. What is left after PATIENCE, or after a
        second Ctrl-C, is killed, with all that its session holds.
        """
        names = set(self._processes)
        for wave in (names - last, names & last):
            alive = [self._processes[n] for n in wave if self._processes[n].poll() is None]
            for process in alive:
                process.terminate()
            self.wait(partial(self._may_go_on, alive), PATIENCE)
            for process in alive:
                if process.poll() is None:
                    process.kill()
                process.wait()
        self._kill_left_over()
        self.show(timeout=0)

    def _may_go_on(self, processes: list[subprocess.Popen[bytes]]) -> bool:
        return self._hurried or all(process.poll() is not None for process in processes)

    def _kill_left_over(self) -> None:
        """Grandchildren keep their session, even where they have a process group of their own."""
        sessions = {process.pid for process in self._processes.values()}
        for pid in _every_pid():
            with suppress(ProcessLookupError, PermissionError):
                if os.getsid(pid) in sessions:
                    os.kill(pid, signal.SIGKILL)


def _end_with_parent() -> None:
    """In the child: when the supervisor itself is killed, Linux asks its children to end."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _every_pid() -> list[int]:
    if Path("/proc/self").exists():
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    listing = subprocess.run(
        ["ps", "-axo", "pid="], capture_output=True, text=True, check=True
    ).stdout
    return [int(pid) for pid in listing.split()]
