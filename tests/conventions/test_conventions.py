"""Things that are true of the code as a whole."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from app.bookings import followups, occasions
from app.core.config import Settings, load_settings
from app.core.environment import ROOT
from app.outbox import queue
from app.tasks import HANDLERS
from tests.conftest import test_environment

DOCUMENTED = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", re.MULTILINE)
WORDS = ROOT / "app" / "templates" / "desk" / "_words.html"
READERS = {"text", "required", "several", "whole_number", "switch", "seconds"}


def documented() -> dict[str, str]:
    """Each documented variable with the default it is said to have."""
    found = DOCUMENTED.findall((ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"))
    assert len(found) == len(dict(found)), "a variable is documented twice"
    return dict(found)


CONFIGURATION = ("core/config.py", "core/environment.py")


def read_variables() -> set[str]:
    """The variables that the configuration asks for."""
    trees = [ast.parse((ROOT / "app" / name).read_text(encoding="utf-8")) for name in CONFIGURATION]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in READERS | {"get"}
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and re.fullmatch(r"[A-Z][A-Z_]+", str(call.args[0].value))
    }


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    assert read_variables() == set(documented())


def test_nothing_but_the_configuration_reads_the_environment() -> None:
    for path in (ROOT / "app").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.relative_to(ROOT / "app").as_posix() not in CONFIGURATION:
            assert not re.search(r"os\.(environ|getenv)|from os import", text), path


def test_the_documented_defaults_are_true(tmp_path: Path) -> None:
    needed = {
        name: value
        for name, value in test_environment(tmp_path).items()
        if documented()[name] == "none" or name == "INSTANCE_PATH"
    }
    settings = load_settings(needed)
    fields = {
        "SWEEP_SECONDS": "sweep_every",
        "ZOOM_CONNECT_SECONDS": "zoom_connect_timeout",
        "ZOOM_READ_SECONDS": "zoom_read_timeout",
        "LEASE_SECONDS": "lease",
        "RETRY_FIRST_SECONDS": "retry_first",
        "RETRY_LONGEST_SECONDS": "retry_longest",
        "LINK_WAIT_SECONDS": "link_wait",
        "ENQUEUE_AGAIN_SECONDS": "enqueue_again_after",
        "REPLIES_SECONDS": "replies_every",
    }
    for name, said in documented().items():
        literal = re.fullmatch(r"`([^`<]+)`", said)
        if name in fields:
            assert literal is not None
            assert getattr(settings, fields[name]).total_seconds() == float(literal[1]), name
        elif literal and name not in {"PORT", "RATELIMIT_ENABLED", "PROXY_HOPS"}:
            assert (
                getattr(settings, name.lower()) == literal[1].rstrip("/")
                or getattr(settings, name.lower()) == literal[1]
            ), name
    assert settings.public_base_url == "http://127.0.0.1:5080"
    assert (settings.ratelimit_enabled, settings.proxy_hops) == (True, 0)
    assert settings.database_url == f"sqlite:///{tmp_path.resolve()}/calsync.db"
    assert settings.redis_url == f"unix://{tmp_path.resolve()}/valkey.sock"
    assert settings.mail_from == "CalSync <no-reply@127.0.0.1>"


def test_no_secret_shows_when_settings_are_printed(tmp_path: Path) -> None:
    environment = test_environment(
        tmp_path, DATABASE_URL="postgresql://u:db-password@h/d", REDIS_URL="redis://:r-password@h",
        SMTP_URL="smtp://u:m-password@h",
    )  # fmt: skip
    printed = repr(load_settings(environment))
    for secret in (
        environment["SECRET_KEY"], environment["TOKEN_ENCRYPTION_KEYS"], "client-secret",
        "webhook-secret", "db-password", "r-password", "m-password",
    ):  # fmt: skip
        assert secret not in printed


def task_kinds() -> set[str]:
    """Every kind that the code makes tasks of: `<thing>.<deed>` and the mails."""
    return {*occasions.kinds(), followups.CREATE_MEETING, followups.DELETE_MEETING}


def test_every_kind_of_task_has_a_handler_and_words_for_the_host() -> None:
    assert set(HANDLERS) >= task_kinds()
    words = WORDS.read_text(encoding="utf-8")
    for kind in HANDLERS:
        assert f'"{kind}": _("' in words or occasions.label(kind), kind
        assert len(kind) <= 40


def test_every_code_of_a_refusal_has_words_for_the_host() -> None:
    words = WORDS.read_text(encoding="utf-8")
    codes = set()
    for path in (ROOT / "app").rglob("*.py"):
        codes |= set(re.findall(r'Refused\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    # Turned into another code, or into success, before the host could see them.
    inner = {"zoom_invalid_grant", "zoom_meeting_gone"}
    assert codes - inner
    for code in codes - inner:
        assert f'"{code}": _("' in words, code


def test_nothing_in_the_app_sleeps() -> None:
    """A web request that waits for Zoom's limits would hold a server's thread; tasks are postponed.

    Only who has something in hand that cannot be undone waits for a database that is away: a
    worker, and whoever refreshes a host's tokens. And a command at a terminal, for mails to go out.
    """
    outages, command = ROOT / "app/outbox/outages.py", ROOT / "app/deletion/notices.py"
    tokens = ROOT / "app/zoom/tokens.py"
    for path in (ROOT / "app").rglob("*.py"):
        words = path.read_text(encoding="utf-8")
        assert path in {outages, command} or not re.search(r"\bsleep\(", words), path
        if re.search(r"\bpersistently\(", words):
            assert path in {outages, tokens} or path.parent.name == "tasks", path


def test_the_queues_function_is_there() -> None:
    module, _dot, name = queue.FUNCTION.rpartition(".")
    assert callable(getattr(import_module(module), name))


def test_nothing_of_rq_is_leant_on_but_its_queue_and_its_worker() -> None:
    """Task rows and the scheduler are the truth: RQ's own scheduler, cron, callbacks, retries and
    unique jobs each lose or double something (see docs/decisions.md)."""
    names, keywords = set(), set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rq":
                names |= {alias.name for alias in node.names}
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                (".enqueue", ".work")
            ):
                keywords |= {keyword.arg for keyword in node.keywords}
    # What fails in RQ's own books is one line in the log.
    errors = {"DeserializationError", "InvalidJobOperation", "NoSuchJobError"}
    assert names - errors == {"Queue", "SimpleWorker", "Job", "JSONSerializer"}
    known = {
        "job_id", "job_timeout", "result_ttl", "failure_ttl", "description", "logging_level",
    }  # fmt: skip
    assert keywords == known


def test_no_test_replaces_our_own_code() -> None:
    ours = re.compile(r"monkeypatch\.setattr\(|mock\.patch|unittest\.mock|mocker\.")
    for path in (ROOT / "tests").rglob("*.py"):
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        for match in ours.finditer(text):
            target = text[match.start() : match.start() + 120]
            assert not re.search(r'["\s(]app[.,]', target), f"{path}: {target}"


@pytest.mark.parametrize("field", ["lease", "zoom_read_timeout", "link_wait"])
def test_each_clock_is_a_setting(field: str) -> None:
    assert field in Settings.__dataclass_fields__
