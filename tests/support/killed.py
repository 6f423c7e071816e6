"""A command, or a deed, in a process that kills itself right before its n-th commit.

Each is forked from a process that has loaded the app: loading it takes longer than the command.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from flask import Flask
from sqlalchemy import event

from app import create_app
from app.core.config import Settings
from app.db import db
from tests.support.stack import clean_environment

_prepared = multiprocessing.get_context("forkserver")
_prepared.set_forkserver_preload(["pytest", __name__])


@dataclass
class Running:
    """A process of the command, and the file that it prints to."""

    process: BaseProcess
    printed: Path

    def wait(self) -> str:
        """Until it is over; gives all that it has printed."""
        self.process.join(timeout=120)
        return self.printed.read_text(encoding="utf-8")

    @property
    def status(self) -> int | None:
        """The exit status; negative for a signal."""
        return self.process.exitcode

    def close(self) -> None:
        self.process.kill()
        self.process.join()
        self.process.close()


Deed = tuple[str, ...] | Callable[[], None]  # a command's words, or a function of a module


def start(environment: dict[str, str], printed: Path, command: Deed, dies_before: int) -> Running:
    """Start it with nothing but that environment; 0 lets it live. A function runs in the app's context."""
    process = _prepared.Process(target=_run, args=(environment, printed, command, dies_before))
    process.start()
    return Running(process, printed)


def _run(environment: dict[str, str], printed: Path, command: Deed, dies_before: int) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with printed.open("wb") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    left = dies_before

    def count(_connection: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    app = create_app()
    with app.app_context():
        event.listen(db.engine, "commit", count)
        if isinstance(command, tuple):
            app.cli.main(args=command)
        else:
            command()


def environment_of(app: Flask, zoom: str) -> dict[str, str]:
    """For another process on the same database, queue and mail server; `zoom` is where its Zoom is."""
    settings: Settings = app.extensions["settings"]
    return clean_environment() | {
        "INSTANCE_PATH": str(settings.instance_path),
        "PUBLIC_BASE_URL": settings.public_base_url,
        "SECRET_KEY": settings.secret_key,
        "TOKEN_ENCRYPTION_KEYS": ",".join(settings.token_encryption_keys),
        "DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        "REDIS_URL": settings.redis_url,
        "SMTP_URL": settings.smtp_url,
        "MAIL_FROM": settings.mail_from,
        "ZOOM_CLIENT_ID": settings.zoom_client_id,
        "ZOOM_CLIENT_SECRET": settings.zoom_client_secret,
        "ZOOM_WEBHOOK_SECRETS": ",".join(settings.zoom_webhook_secrets),
        "ZOOM_OAUTH_BASE_URL": zoom,
        "ZOOM_API_BASE_URL": f"{zoom}/v2",
    }
