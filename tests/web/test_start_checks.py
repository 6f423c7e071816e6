"""Addresses among the settings that cannot work are named at start, each by its variable."""

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app import create_app
from app.core.config import ConfigurationError
from app.db import db
from tests.conftest import test_environment
from tests.web.test_config import load, names, problems, production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_BASE_URL", "https://calsync.example/app"),
        ("PUBLIC_BASE_URL", "https://calsync.example?x=1"),
        ("PUBLIC_BASE_URL", "https://user@calsync.example"),
        ("PUBLIC_BASE_URL", "https://calsync.example:port"),
        ("PUBLIC_BASE_URL", "https://[::1"),
        ("PUBLIC_BASE_URL", "https://"),
        ("DATABASE_URL", "calsync"),
        ("DATABASE_URL", "mysql://user:password@host/name"),
        ("DATABASE_URL", "postgresql+psycopg2://host/name"),
        ("DATABASE_URL", "postgresql://user:password@host:port/name"),
        ("REDIS_URL", "valkey://host:6379"),
        ("REDIS_URL", "redis://host:port"),
        ("REDIS_URL", "host:6379"),
        ("SMTP_URL", "https://mail.example"),
        ("SMTP_URL", "smtp://mail.example:port"),
        ("SMTP_URL", "smtp://user:p/ss@mail.example"),
        ("SMTP_URL", "smtp://user:p@ss@mail.example"),
        ("SMTP_URL", "smtp://"),
        ("IMAP_URL", "smtp://user:password@mail.example"),
        ("IMAP_URL", "imap://user:password@mail.example"),
        ("IMAP_URL", "imaps://mail.example"),
        ("IMAP_URL", "imaps://user@mail.example"),
        ("IMAP_URL", "imaps://user:p/ss@mail.example"),
        ("IMAP_URL", "imaps://user@mail.example:p@ss@mail.example"),
        ("IMAP_URL", "imaps://user:password@mail.example:port"),
        ("IMAP_URL", "imaps://user:password@mail.example/返信"),
        ("IMAP_URL", "imaps://user:password@mail.example/INBOX?x=1"),
        ("TRUSTED_HOSTS", "*"),
        ("TRUSTED_HOSTS", "https://calsync.example"),
        ("TRUSTED_HOSTS", "calsync.example:443"),
        ("TRUSTED_HOSTS", "calsync.example/app"),
        ("ZOOM_WEBHOOK_SECRETS", "x"),
        ("ZOOM_WEBHOOK_SECRETS", "a-webhook-secret-of-zoom,short"),
        ("ZOOM_CLIENT_SECRET", "secret"),
        ("ZOOM_API_BASE_URL", "api.zoom.example"),
        ("ZOOM_OAUTH_BASE_URL", "https://zoom.example:port"),
        ("ZOOM_MARKETPLACE_URL", "marketplace"),
    ],
)
def test_an_address_that_cannot_work_is_named(tmp_path: Path, name: str, value: str) -> None:
    assert names(production(tmp_path, **{name: value})) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_BASE_URL", "https://calsync.example:8443/"),
        ("DATABASE_URL", "postgresql:///calsync?host=/var/run/postgresql"),
        ("REDIS_URL", "rediss://:p%40ss@valkey.example:6380/1"),
        ("SMTP_URL", "smtp://user%40example.com:p%40ss@mail.example:587/"),
        ("SMTP_URL", "smtps://[::1]:465"),
        ("IMAP_URL", "imaps://replies%40example.com:p%40ss@mail.example"),
        ("IMAP_URL", "imaps://user:password@mail.example:1993/Calendar%20replies"),
        ("IMAP_URL", "imap://user:password@127.0.0.1:143/INBOX"),
        ("TRUSTED_HOSTS", "calsync.example,.calsync.example,192.0.2.1,[2001:db8::1]"),
    ],
)
def test_an_address_that_can_work_is_taken(tmp_path: Path, name: str, value: str) -> None:
    load(production(tmp_path, **{name: value}))


def test_no_password_of_an_address_is_told(tmp_path: Path) -> None:
    said = " ".join(
        problems(
            production(
                tmp_path, DATABASE_URL="postgresql://u:my-password@host:port/name",
                REDIS_URL="redis://:my-password@host:port", SMTP_URL="smtp://u:my-p@ss@host",
                IMAP_URL="imap://u:my-password@host",
            )
        )
    )  # fmt: skip
    assert "my-p" not in said


@pytest.mark.parametrize(
    ("more", "warned"),
    [
        ({"DATABASE_URL": "postgresql://u:p@db.example.com/d"}, ["DATABASE_URL"]),
        ({"DATABASE_URL": "postgresql://u:p@1.2.3.4/d?sslmode=prefer"}, ["DATABASE_URL"]),
        ({"DATABASE_URL": "postgresql://u:p@db.example.com/d?sslmode=require"}, []),
        ({"DATABASE_URL": "postgresql://u:p@database/d"}, []),
        ({"DATABASE_URL": "postgresql://u:p@10.0.0.7/d"}, []),
        ({"REDIS_URL": "redis://valkey.example.com:6379"}, ["REDIS_URL"]),
        ({"REDIS_URL": "rediss://valkey.example.com:6379"}, []),
        ({"REDIS_URL": "redis://valkey.calsync.internal:6379"}, []),
        ({"PROXY_HOPS": ""}, ["PROXY_HOPS"]),
        ({"PROXY_HOPS": "0"}, []),
    ],
)
def test_what_an_operator_should_know_is_told_by_name(
    tmp_path: Path, more: dict[str, str], warned: list[str]
) -> None:
    warnings = load(production(tmp_path, **more)).warnings
    assert [warning.split()[0] for warning in warnings] == warned


def test_on_this_machine_nothing_is_warned_of(tmp_path: Path) -> None:
    assert load(test_environment(tmp_path)).warnings == ()


def test_nobody_is_shown_another_companys_name_and_address(tmp_path: Path) -> None:
    settings = load(production(tmp_path))
    assert settings.company_name == "Example K.K."
    assert settings.support_email == "help@calsync.example"


@pytest.mark.parametrize(
    ("hops", "header", "times"),
    [("0", "203.0.113.7", 1), ("2", "203.0.113.7", 1), ("1", "203.0.113.7", 0), ("0", "", 0)],
)
def test_a_forwarded_address_that_is_not_believed_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, hops: str, header: str, times: int
) -> None:
    app = create_app(load(test_environment(tmp_path, PROXY_HOPS=hops)))
    logging.getLogger().addHandler(caplog.handler)
    for _ in range(3):
        app.test_client().get("/healthz", headers={"X-Forwarded-For": header} if header else {})
    told = [line for line in caplog.messages if "PROXY_HOPS" in line]
    assert len(told) == times
    assert "203.0.113.7" not in caplog.text


def test_sqlites_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "instance"
    before = os.umask(0o022)
    try:
        app = create_app(load(test_environment(folder)))
        with app.app_context():
            with db.engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE something (id INTEGER)")
                modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
            db.engine.dispose()
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(("calsync.db", "calsync.db-wal", "calsync.db-shm"), 0o600)


def test_an_instance_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError) as error:
        create_app(load(test_environment(tmp_path / "file" / "instance")))
    assert error.value.problems[0].startswith("INSTANCE_PATH: ")


def test_no_folder_is_needed_where_nothing_is_kept_in_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    more = {"DATABASE_URL": "postgresql:///calsync", "REDIS_URL": "redis://127.0.0.1:1"}
    create_app(load(test_environment(tmp_path / "file" / "instance", **more)))


def test_another_app_on_the_same_file_gives_up_no_lock_of_the_first(tmp_path: Path) -> None:
    """Closing a file drops every lock that its process holds on it. Without the first app's lock the
    next process to leave believes to be the last, and removes the log that the first writes to."""
    first = create_app(load(test_environment(tmp_path)))
    with first.app_context():
        connection = db.engine.raw_connection()
        connection.execute("CREATE TABLE something (id INTEGER)")  # type: ignore[attr-defined]
        create_app(load(test_environment(tmp_path)))
        subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / "calsync.db")], check=True)
        assert (tmp_path / "calsync.db-wal").exists()
        connection.close()
        db.engine.dispose()


WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("INSERT INTO something VALUES (1)")
connection.commit()
connection.close()
"""
