"""The environment of `make run`: secrets made once, addresses of this run, what is real and what is ours.

Whatever the real environment sets wins, and the part that it replaces is not started. What
remains is written to `<instance>/development.env`, where app/core/config.py reads it, so that
`.venv/bin/flask …` in another terminal talks to the CalSync that runs.
"""

import base64
import hashlib
import os
import secrets
import socket
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values

HOST = "127.0.0.1"
DEFAULT_PORT = 5080
# A Unix socket's path must fit into 104 bytes on macOS and the BSDs, 108 on Linux, with its final zero.
LONGEST_SOCKET_PATH = 103

# Written anew at each start; what else the file holds, secrets and a person's own lines, stays.
ADDRESSES = (
    "PORT",
    "PUBLIC_BASE_URL",
    "DATABASE_URL",
    "REDIS_URL",
    "SMTP_URL",
    "MAIL_FROM",
    "ZOOM_OAUTH_BASE_URL",
    "ZOOM_API_BASE_URL",
    "ZOOM_MARKETPLACE_URL",
    "SANDBOX_URL",
)

HEADER = """\
# Written by `make run`, for this machine only. Secrets are made once and kept;
# addresses are those of the latest run. The real environment wins over this file.
"""


class CannotRun(Exception):
    """CalSync cannot start; the message is one line for a person."""


@dataclass(frozen=True)
class Development:
    """What one `make run` starts, and with which environment."""

    instance: Path
    port: int
    sandbox_port: int
    smtp_port: int
    socket: Path  # of our Valkey
    addresses: Mapping[str, str]  # for development.env
    own_valkey: bool
    own_sandbox: bool
    own_zoom: bool
    own_mail: bool

    @property
    def base_url(self) -> str:
        return self.addresses["PUBLIC_BASE_URL"]

    @property
    def sandbox_url(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"


def describe(environ: Mapping[str, str], root: Path) -> Development:
    """Read the environment. Makes the instance folder; raises CannotRun when it makes no sense."""
    instance = Path(environ.get("INSTANCE_PATH") or root / "instance").resolve()
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = _port(environ, "PORT", DEFAULT_PORT)
    sandbox_port = _port(environ, "SANDBOX_PORT", port + 1)
    smtp_port = _port(environ, "SANDBOX_SMTP_PORT", port + 2)
    own_zoom = not _given(environ, "ZOOM_CLIENT_ID")
    if own_zoom == _given(environ, "ZOOM_CLIENT_SECRET"):
        raise CannotRun("Set both ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, or neither.")
    own_mail = not _given(environ, "SMTP_URL")
    own_valkey = not _given(environ, "REDIS_URL")
    own_sandbox = own_zoom or own_mail
    if own_sandbox and environ.get("PUBLIC_BASE_URL", "").startswith("https://"):
        raise CannotRun(
            "PUBLIC_BASE_URL is https, which the sandbox does not serve: set SMTP_URL,"
            " ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET too."
        )
    socket_path = _socket_path(instance) if own_valkey else instance / "valkey.sock"
    sandbox_url = f"http://{HOST}:{sandbox_port}"
    ours = {
        "PORT": str(port),
        # One spelling everywhere: cookies and Zoom's redirects tell localhost from 127.0.0.1.
        "PUBLIC_BASE_URL": f"http://{HOST}:{port}",
        "MAIL_FROM": "CalSync <no-reply@calsync.site>",
    }
    if own_valkey:
        ours["REDIS_URL"] = f"unix://{quote(str(socket_path))}"
    if own_mail:
        ours["SMTP_URL"] = f"smtp://{HOST}:{smtp_port}"
    if own_zoom:
        ours["ZOOM_OAUTH_BASE_URL"] = sandbox_url
        ours["ZOOM_API_BASE_URL"] = f"{sandbox_url}/v2"
        ours["ZOOM_MARKETPLACE_URL"] = f"{sandbox_url}/marketplace"
    if own_sandbox:
        ours["SANDBOX_URL"] = sandbox_url
    real = {name: environ[name] for name in ADDRESSES if environ.get(name)}
    return Development(
        instance=instance,
        port=port,
        sandbox_port=sandbox_port,
        smtp_port=smtp_port,
        socket=socket_path,
        addresses=ours | real,
        own_valkey=own_valkey,
        own_sandbox=own_sandbox,
        own_zoom=own_zoom,
        own_mail=own_mail,
    )


def refuse_taken_ports(development: Development) -> None:
    """Raises CannotRun naming the first port of this run that something else listens on."""
    wanted = {development.port: "CalSync"}
    if development.own_sandbox:
        wanted |= {
            development.sandbox_port: "the sandbox",
            development.smtp_port: "the sandbox's mail",
        }
    for port, whose in wanted.items():
        if not _is_free(port):
            free = next(p for p in range(5080, 65000, 10) if all(map(_is_free, range(p, p + 3))))
            raise CannotRun(f"Port {port} ({whose}) is taken. Try: PORT={free} make run")


def write_environment(development: Development) -> dict[str, str]:
    """Write development.env, readable by its owner only, and return all that it holds.

    Secrets that the file has stay as they are: what they encrypted and signed must stay readable.
    """
    path = development.instance / "development.env"
    held = {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    kept = {name: value for name, value in held.items() if name not in ADDRESSES}
    values = {**_new_secrets(), **kept, **development.addresses}
    text = HEADER + "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())
    # A new file put in the old one's place: readers never meet half of it.
    descriptor, draft = tempfile.mkstemp(prefix=".development.", dir=development.instance)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)
    return values


def child_environment(
    environ: Mapping[str, str], development: Development, written: Mapping[str, str], bin_path: Path
) -> dict[str, str]:
    """What the processes see: what was written, under what the real environment says."""
    ours = {name: value for name, value in written.items() if not _given(environ, name)}
    return {
        **environ,
        **ours,
        "PATH": f"{bin_path}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "FLASK_APP": "wsgi.py",
        "INSTANCE_PATH": str(development.instance),
        "PYTHONUNBUFFERED": "1",
        "SANDBOX_PORT": str(development.sandbox_port),
        "SANDBOX_SMTP_PORT": str(development.smtp_port),
        "SANDBOX_DATABASE": str(development.instance / "sandbox.db"),
        "VALKEY_SOCKET": str(development.socket),
        "VALKEY_DIRECTORY": str(development.instance),
        "VALKEY_LOG": str(development.instance / "valkey.log"),
    }


def _given(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    # Two ports follow CalSync's own.
    if not text.isdecimal() or not 0 < int(text) <= 65533:
        raise CannotRun(f"{name} must be a port number from 1 to 65533, not {text!r}.")
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: the last run's closed connections may still linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotRun(f"Port {port} is not yours to use. Try: PORT=5080 make run") from None
        except OSError:
            return False
    return True


def _socket_path(instance: Path) -> Path:
    """In the instance folder; where that path is too long for a socket, a short private one."""
    path = instance / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    mark = hashlib.sha256(os.fsencode(instance)).hexdigest()[:12]
    folder = Path(f"/tmp/calsync-{os.geteuid()}-{mark}")  # noqa: S108  (guarded below)
    folder.mkdir(mode=0o700, exist_ok=True)
    # Anybody can make folders in /tmp: only our own, closed to others, will do.
    facts = folder.lstat()
    if (stat.S_IFMT(facts.st_mode), facts.st_uid) != (stat.S_IFDIR, os.geteuid()):
        raise CannotRun(f"{folder} is not ours: set INSTANCE_PATH to a shorter path.")
    folder.chmod(0o700)
    return folder / "valkey.sock"


def _new_secrets() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TOKEN_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "ZOOM_CLIENT_ID": secrets.token_hex(11),
        "ZOOM_CLIENT_SECRET": secrets.token_hex(16),
        "ZOOM_WEBHOOK_SECRETS": secrets.token_hex(16),
    }


def _quoted(value: str) -> str:
    """As python-dotenv and a shell both read it back."""
    plain = all(letter.isalnum() or letter in "-_.,:/@%+=" for letter in value)
    if plain:
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
