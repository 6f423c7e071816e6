"""What `make run` makes of the environment, without starting anything."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from dotenv import dotenv_values

from scripts import development
from scripts.development import CannotRun, child_environment, describe, write_environment

ROOT = Path("/nowhere")


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


@pytest.fixture
def bare(instance: Path) -> dict[str, str]:
    """An environment that says where the instance folder is, and nothing else."""
    return {"INSTANCE_PATH": str(instance), "PATH": "/bin"}


@pytest.fixture
def long_instance(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / ("deep-" * 30)
    for folder in Path("/tmp").glob("calsync-*"):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def written(environ: dict[str, str]) -> dict[str, str]:
    return write_environment(describe(environ, ROOT))


def test_secrets_are_made_once_and_kept(bare):
    first = written(bare)
    Fernet(first["TOKEN_ENCRYPTION_KEYS"])
    assert len(first["SECRET_KEY"]) >= 32

    second = written(bare)

    assert second == first


def test_only_the_owner_reads_the_file(bare, instance):
    written(bare)
    assert stat.S_IMODE((instance / "development.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.stat().st_mode) == 0o700


def test_the_file_reads_back_as_it_was_written(bare, instance):
    values = written(bare | {"SMTP_URL": "smtp://a:pa'ss\\w#rd${HOME}@mail.example:25"})
    held = dotenv_values(instance / "development.env", interpolate=False)
    assert held == values
    assert held["MAIL_FROM"] == "CalSync <no-reply@calsync.site>"


def test_addresses_are_those_of_the_latest_run(bare):
    written(bare | {"PORT": "6000", "DATABASE_URL": "postgresql:///calsync"})
    values = written(bare | {"PORT": "7000"})
    assert values["PUBLIC_BASE_URL"] == "http://127.0.0.1:7000"
    assert values["SANDBOX_URL"] == "http://127.0.0.1:7001"
    assert values["ZOOM_API_BASE_URL"] == "http://127.0.0.1:7001/v2"
    assert values["SMTP_URL"] == "smtp://127.0.0.1:7002"
    assert "DATABASE_URL" not in values


def test_lines_that_a_person_added_stay(bare, instance):
    written(bare)
    with (instance / "development.env").open("a") as file:
        file.write("SUPPORT_EMAIL=me@example.com\n")
    assert written(bare)["SUPPORT_EMAIL"] == "me@example.com"


def test_the_real_environment_wins_and_its_parts_are_not_started(bare):
    environ = bare | {
        "REDIS_URL": "redis://elsewhere:6379",
        "SMTP_URL": "smtp://mail.example:25",
        "ZOOM_CLIENT_ID": "real",
        "ZOOM_CLIENT_SECRET_FILE": "/run/secrets/zoom",
        "SECRET_KEY": "from outside",
    }
    plan = describe(environ, ROOT)
    assert {plan.own_valkey, plan.own_sandbox, plan.own_zoom, plan.own_mail} == {False}

    seen = child_environment(environ, plan, write_environment(plan), Path("/venv/bin"))

    assert {name: seen[name] for name in environ if name != "PATH"} == {
        name: value for name, value in environ.items() if name != "PATH"
    }
    assert "ZOOM_CLIENT_SECRET" not in seen
    assert "ZOOM_OAUTH_BASE_URL" not in seen
    assert "SANDBOX_URL" not in seen
    assert seen["PATH"].startswith("/venv/bin:")


def test_real_mail_alone_leaves_zoom_to_the_sandbox(bare):
    plan = describe(bare | {"SMTP_URL": "smtp://mail.example:25"}, ROOT)
    assert plan.own_sandbox
    assert plan.own_zoom
    assert not plan.own_mail


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PORT": "http"}, "PORT must be a port number"),
        ({"PORT": "65534"}, "PORT must be a port number"),
        ({"ZOOM_CLIENT_ID": "alone"}, "Set both"),
        ({"PUBLIC_BASE_URL": "https://tunnel.example"}, "PUBLIC_BASE_URL is https"),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(bare, given, said):
    with pytest.raises(CannotRun, match=said):
        describe(bare | given, ROOT)


def test_a_taken_port_is_named_with_a_way_out(bare):
    with socket.create_server((development.HOST, 0)) as other:
        port = other.getsockname()[1]
        plan = describe(bare | {"PORT": str(port)}, ROOT)
        with pytest.raises(CannotRun, match=rf"Port {port} .* is taken\. Try: PORT=\d+ make run"):
            development.refuse_taken_ports(plan)


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(bare, long_instance):
    plan = describe(bare | {"INSTANCE_PATH": str(long_instance)}, ROOT)
    assert len(str(plan.socket)) <= development.LONGEST_SOCKET_PATH
    assert stat.S_IMODE(plan.socket.parent.stat().st_mode) == 0o700
    assert plan.addresses["REDIS_URL"] == f"unix://{plan.socket}"
    assert describe(bare | {"INSTANCE_PATH": str(long_instance)}, ROOT).socket == plan.socket
