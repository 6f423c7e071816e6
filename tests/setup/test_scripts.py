"""The scripts that set-up and the image are made of, in folders of their own."""

import gettext
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scripts import setup

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
VENV = Path(sys.prefix)


def call(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_vendor_htmx_copies_the_pinned_file(tmp_path):
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    done = call(SCRIPTS / "vendor-htmx", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    vendored = tmp_path / "app/static/vendor"
    assert [path.name for path in vendored.iterdir()] == ["htmx.min.js"]
    assert b"4.0.1" in (vendored / "htmx.min.js").read_bytes()


def test_vendor_htmx_says_what_is_missing(tmp_path):
    done = call(SCRIPTS / "vendor-htmx", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "make setup fetches it" in done.stderr


def test_compile_catalogues_makes_them_readable(tmp_path):
    folder = tmp_path / "app/translations/ja/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Book"\nmsgstr "予約する"\n',
        encoding="utf-8",
    )
    done = call(SCRIPTS / "compile-catalogues", VENV, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (folder / "messages.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Book") == "予約する"


def test_compile_catalogues_does_without(tmp_path):
    assert call(SCRIPTS / "compile-catalogues", VENV, cwd=tmp_path).returncode == 0


def test_install_python_makes_a_half_made_environment_anew(tmp_path):
    """Python itself is a stand-in that notes what it is asked: a real one takes ten seconds."""
    python = fake(
        tmp_path / "python3",
        f'echo "$@" >> {tmp_path}/asked\n'
        'if [ "$2" = venv ]; then rm -r "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; fi',
    )
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/.unfinished").touch()
    script = SCRIPTS / "install-python"
    environ = {"PYTHON": str(python), "INSTALLER": "pip"}

    done = call(script, "venv", "requirements.txt", cwd=tmp_path, **environ)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text().splitlines() == [
        "-c import ensurepip, venv",
        "-m venv --clear venv",
        "-m pip --disable-pip-version-check --no-input install --require-hashes --no-deps"
        " --only-binary :all: --requirement requirements.txt",
    ]
    assert not (tmp_path / "venv/.unfinished").exists()

    (tmp_path / "asked").unlink()
    call(script, "venv", "requirements.txt", cwd=tmp_path, **environ)
    assert "venv --clear" not in (tmp_path / "asked").read_text()


def test_install_python_names_the_package_that_debian_leaves_out(tmp_path):
    no_venv = fake(tmp_path / "python3", "exit 1")
    done = call(SCRIPTS / "install-python", "venv", "none", cwd=tmp_path, PYTHON=str(no_venv))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt install python3-venv" in done.stderr


def test_find_python_refuses_an_old_one_in_one_line(tmp_path):
    old = fake(tmp_path / "python3", '[ "$1" = -V ] && echo Python 3.9.2; exit 1')
    done = call(SCRIPTS / "find-python", cwd=tmp_path, PYTHON=str(old))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr


def test_npm_is_the_machines_own_where_it_is_new_enough(tmp_path):
    fake(tmp_path / "npm", '[ "$1" = --version ] && echo 10.8.2 || echo "called $@"')
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = call(SCRIPTS / "install-node", VENV, cwd=tmp_path, PATH=path)
    assert done.stdout == "called ci --include=dev --ignore-scripts --no-progress\n"


def test_healthcheck_asks_as_the_apps_own_host(tmp_path):
    asked = []

    class App(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    check = [sys.executable, SCRIPTS / "healthcheck.py"]
    with http.server.HTTPServer(("127.0.0.1", 0), App) as server:
        port = str(server.server_port)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        environ = {"PORT": port, "PUBLIC_BASE_URL": "https://calsync.example"}
        assert call(*check, cwd=tmp_path, **environ).returncode == 0
        thread.join()
    assert asked == [("/healthz", "calsync.example")]
    assert call(*check, cwd=tmp_path, PORT=port).returncode == 1


@pytest.mark.skipif("CALSYNC_REQUIRE_BROWSER" not in os.environ, reason="for .ci/run")
def test_set_up_has_nothing_to_do_after_set_up():
    """The suite itself runs on what set-up made; asked again, no step may be due."""
    assert [step.title for step in setup.STEPS if step.is_due()] == []


def fake(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_every_shell_script_parses():
    shell = shutil.which("sh") or "/bin/sh"
    for script in SCRIPTS.iterdir():
        if script.is_file() and script.read_bytes().startswith(b"#!/bin/sh"):
            assert call(shell, "-n", script, cwd=ROOT).returncode == 0
            assert os.access(script, os.X_OK), f"{script.name} is not executable"
