"""Starting, or saying in one go why not."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.core import config
from app.core.config import ConfigurationError, Settings, load_settings
from tests.conftest import test_environment


def production(folder: Path, **more: str) -> dict[str, str]:
    """An environment that production starts with."""
    return {
        "INSTANCE_PATH": str(folder),
        "PUBLIC_BASE_URL": "https://calsync.example",
        "SECRET_KEY": "0f3bT8Zq1XyPw6LkR2mVsE9uAhJcDnGi",
        "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "REDIS_URL": "redis://valkey:6379",
        "SMTP_URL": "smtps://user:password@mail.example",
        "ZOOM_CLIENT_ID": "client-id",
        "ZOOM_CLIENT_SECRET": "a-client-secret-of-zoom",
        "ZOOM_WEBHOOK_SECRETS": "a-webhook-secret-of-zoom",
        "COMPANY_NAME": "Example K.K.",
        "SUPPORT_EMAIL": "help@calsync.example",
        "PROXY_HOPS": "1",
    } | more


def load(environment: dict[str, str]) -> Settings:
    return load_settings(environment)


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load_settings(environment)
    return error.value.problems


def names(environment: dict[str, str]) -> set[str]:
    return {problem.split()[0].rstrip(":") for problem in problems(environment)}


def test_a_complete_environment_starts_production(tmp_path: Path) -> None:
    settings = load(production(tmp_path))
    assert settings.is_production
    assert settings.trusted_hosts == ("calsync.example",)
    assert settings.mail_from == "CalSync <no-reply@calsync.example>"
    flask = config.flask_config(settings)
    assert flask["SESSION_COOKIE_NAME"] == "__Host-calsync"
    assert flask["SESSION_COOKIE_SECURE"] is True
    assert flask["SESSION_COOKIE_HTTPONLY"] is True
    assert flask["SESSION_COOKIE_SAMESITE"] == "Lax"


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "TOKEN_ENCRYPTION_KEYS",
        "SMTP_URL",
        "REDIS_URL",
        "ZOOM_CLIENT_ID",
        "ZOOM_CLIENT_SECRET",
        "ZOOM_WEBHOOK_SECRETS",
        "COMPANY_NAME",
        "SUPPORT_EMAIL",
    ],
)
@pytest.mark.parametrize("value", [None, "", "   "])
def test_production_names_what_is_missing(tmp_path: Path, name: str, value: str | None) -> None:
    environment = production(tmp_path)
    if value is None:
        del environment[name]
    else:
        environment[name] = value
    assert names(environment) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "changeme"),
        ("SECRET_KEY", "short but random 8fK2"),
        ("SECRET_KEY", "a" * 40),
        ("SECRET_KEY", "abcabcabc" * 5),
        ("TOKEN_ENCRYPTION_KEYS", "not a Fernet key"),
        ("TOKEN_ENCRYPTION_KEYS", f"{'A' * 43}=,short"),
        ("ZOOM_OAUTH_BASE_URL", "http://zoom.example"),
        ("ZOOM_API_BASE_URL", "http://zoom.example/v2"),
        ("SANDBOX_URL", "http://127.0.0.1:5081"),
        ("MAIL_FROM", "CalSync"),
        ("MAIL_FROM", "予約 <no-reply@例え.example>"),
        ("DEFAULT_TIMEZONE", "Mars/Olympus"),
        ("LOG_LEVEL", "LOUD"),
        ("PROXY_HOPS", "one"),
        ("PROXY_HOPS", "-1"),
        ("PORT", "http"),
        ("RATELIMIT_ENABLED", "perhaps"),
        ("LEASE_SECONDS", "25"),
        ("LEASE_SECONDS", "0"),
        ("SWEEP_SECONDS", "soon"),
        ("SWEEP_SECONDS", "nan"),
        ("SWEEP_SECONDS", "inf"),
    ],
)
def test_production_names_what_is_weak_or_wrong(tmp_path: Path, name: str, value: str) -> None:
    assert names(production(tmp_path, **{name: value})) == {name}


def test_everything_is_named_at_once(tmp_path: Path) -> None:
    environment = production(
        tmp_path, SECRET_KEY="changeme", ZOOM_API_BASE_URL="http://zoom.example",
        PROXY_HOPS="one", SANDBOX_URL="http://127.0.0.1:5081",
    )  # fmt: skip
    del environment["SMTP_URL"], environment["TOKEN_ENCRYPTION_KEYS"], environment["REDIS_URL"]
    said = problems(environment)
    assert {problem.split()[0].rstrip(":") for problem in said} == {
        "SECRET_KEY", "ZOOM_API_BASE_URL", "PROXY_HOPS", "SANDBOX_URL", "SMTP_URL",
        "TOKEN_ENCRYPTION_KEYS", "REDIS_URL",
    }  # fmt: skip
    assert len(said) == 7  # and each once


def test_no_value_of_a_secret_is_told(tmp_path: Path) -> None:
    said = " ".join(
        problems(
            production(
                tmp_path, SECRET_KEY="my-weak-key", TOKEN_ENCRYPTION_KEYS="my-broken-key",
                SMTP_URL="mysmtp://user:my-password@host",
            )
        )
    )  # fmt: skip
    assert "my-" not in said


@pytest.mark.parametrize(
    "base",
    ["http://127.0.0.1:5080", "http://localhost", "http://[::1]:5080", "http://127.8.8.8"],
)
def test_plain_http_is_for_loopback(tmp_path: Path, base: str) -> None:
    settings = load(test_environment(tmp_path, PUBLIC_BASE_URL=base))
    assert not settings.is_production
    assert config.flask_config(settings)["SESSION_COOKIE_NAME"] == "calsync"


@pytest.mark.parametrize(
    "base",
    [
        "http://calsync.example",
        "http://192.168.1.5",
        "http://0.0.0.0",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://127.0.0.1",
        "calsync.example",
    ],
)
def test_plain_http_elsewhere_is_refused(tmp_path: Path, base: str) -> None:
    assert names(test_environment(tmp_path, PUBLIC_BASE_URL=base)) == {"PUBLIC_BASE_URL"}


def test_a_final_slash_of_an_address_is_dropped(tmp_path: Path) -> None:
    settings = load(
        production(tmp_path, PUBLIC_BASE_URL="https://calsync.example/",
                   ZOOM_API_BASE_URL="https://api.zoom.example/v2/")
    )  # fmt: skip
    assert settings.public_base_url == "https://calsync.example"
    assert settings.zoom_api_base_url == "https://api.zoom.example/v2"


@pytest.mark.parametrize("name", ["SECRET_KEY", "ZOOM_CLIENT_SECRET", "SMTP_URL", "DATABASE_URL"])
def test_a_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    value = production(tmp_path).get(name, "postgresql://u:p@h/d")
    (tmp_path / "secret").write_text(f"{value}\n", encoding="utf-8")
    environment = production(tmp_path, **{f"{name}_FILE": str(tmp_path / "secret")})
    environment.pop(name, None)
    assert getattr(load(environment), name.lower()) == value


def test_the_file_wins_over_the_variable(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a-secret-from-the-file", encoding="utf-8")
    environment = production(tmp_path, ZOOM_CLIENT_SECRET_FILE=str(tmp_path / "secret"))
    assert load(environment).zoom_client_secret == "a-secret-from-the-file"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    environment = production(tmp_path, SECRET_KEY_FILE=str(tmp_path / "nothing"))
    [problem] = [line for line in problems(environment) if "SECRET_KEY_FILE" in line]
    assert str(tmp_path / "nothing") in problem


def test_development_secrets_never_reach_production(tmp_path: Path) -> None:
    (tmp_path / "development.env").write_text(
        "SECRET_KEY=the-development-key-0123456789abcdef\nSANDBOX_URL=http://127.0.0.1:1\n",
        encoding="utf-8",
    )
    environment = production(tmp_path)
    del environment["SECRET_KEY"]
    assert names(environment) == {"SECRET_KEY"}
    (tmp_path / "base").write_text("https://calsync.example", encoding="utf-8")
    del environment["PUBLIC_BASE_URL"]
    environment["PUBLIC_BASE_URL_FILE"] = str(tmp_path / "base")
    assert names(environment) == {"SECRET_KEY"}


def test_development_secrets_fill_in_on_loopback(tmp_path: Path) -> None:
    (tmp_path / "development.env").write_text("SECRET_KEY=development\n", encoding="utf-8")
    environment = test_environment(tmp_path)
    del environment["SECRET_KEY"]
    assert load(environment).secret_key == "development"
    assert load(environment | {"SECRET_KEY": "given"}).secret_key == "given"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgres://u:p@h:5432/d", "postgresql://u:p@h:5432/d"),
        ("postgresql://u:p@h/d", "postgresql://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("sqlite:////data/postgres://x.db", "sqlite:////data/postgres://x.db"),
    ],
)
def test_what_hosting_companies_call_postgres_is_understood(
    tmp_path: Path, given: str, kept: str
) -> None:
    assert load(production(tmp_path, DATABASE_URL=given)).database_url == kept


def test_several_values_are_separated_by_commas(tmp_path: Path) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    settings = load(
        production(
            tmp_path, TOKEN_ENCRYPTION_KEYS=f" {keys[0]} , {keys[1]},",
            TRUSTED_HOSTS="calsync.example, www.calsync.example", ZOOM_WEBHOOK_SECRETS="first-secret-of-zoom,second-secret-of-zoom",
        )
    )  # fmt: skip
    assert settings.token_encryption_keys == tuple(keys)
    assert settings.trusted_hosts == ("calsync.example", "www.calsync.example")
    assert settings.zoom_webhook_secrets == ("first-secret-of-zoom", "second-secret-of-zoom")
