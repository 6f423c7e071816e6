"""gunicorn with a configuration that is not enough: one message, one end, no port left bound."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.services import free_ports, wait_until
from tests.web.test_config import production

ROOT = Path(__file__).resolve().parents[2]
APP_LOAD_ERROR = 4


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Production's environment, and what a process needs to run at all."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"FLASK_APP": "wsgi.py"} | production(folder, **more)


@contextmanager
def gunicorn(
    environ: dict[str, str], port: int, workers: int = 2
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app", "--workers", str(workers), "--bind", f"127.0.0.1:{port}"],
        cwd=ROOT,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_free(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}/healthz", timeout=20)
    except requests.ConnectionError:
        return True
    return False


def test_it_ends_once_with_every_problem_named_and_the_port_free(tmp_path: Path) -> None:
    environ = environment(tmp_path, SECRET_KEY="short", PUBLIC_BASE_URL="https://calsync.example/x")
    del environ["SMTP_URL"]
    port = free_ports(1)[0]
    with gunicorn(environ, port) as process:
        _out, said = process.communicate(timeout=30)
    assert process.returncode == APP_LOAD_ERROR, said
    for name in ("SECRET_KEY", "SMTP_URL", "PUBLIC_BASE_URL"):
        assert said.count(f"  - {name}") == 1, said
    assert "Traceback" not in said
    assert is_free(port)


def test_on_loopback_it_ends_as_well(tmp_path: Path) -> None:
    environ = environment(tmp_path, PUBLIC_BASE_URL="http://127.0.0.1", PORT="http")
    with gunicorn(environ, free_ports(1)[0], workers=1) as process:
        _out, said = process.communicate(timeout=30)
    assert process.returncode == APP_LOAD_ERROR, said
    assert "  - PORT" in said
    assert "Traceback" not in said


def test_after_a_reload_with_a_broken_secret_it_ends_as_well(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("0f3bT8Zq1XyPw6LkR2mVsE9uAhJcDnGi")
    environ = environment(tmp_path / "instance", SECRET_KEY_FILE=str(secret))
    port = free_ports(1)[0]
    with gunicorn(environ, port, workers=1) as process:
        wait_until(lambda: not is_free(port), "gunicorn")
        secret.write_text("broken")
        process.send_signal(signal.SIGHUP)
        _out, said = process.communicate(timeout=60)
    assert process.returncode == APP_LOAD_ERROR, said
    assert said.count("  - SECRET_KEY") == 1, said
    assert is_free(port)


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({}, 0, "CalSync can start"),
        ({"PROXY_HOPS": ""}, 0, "Warning: PROXY_HOPS"),
        ({"SECRET_KEY": "short"}, APP_LOAD_ERROR, "  - SECRET_KEY"),
    ],
)
def test_check_config_says_it_without_starting(
    tmp_path: Path, more: dict[str, str], status: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "check-config"],
        cwd=ROOT,
        env=environment(tmp_path, **more),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == status
    assert said in done.stdout + done.stderr
