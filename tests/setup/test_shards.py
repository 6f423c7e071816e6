"""`make test` in shards: none is left out, none runs twice, and each is heard."""

import re
import sys
from pathlib import Path

import pytest

from scripts import test as shards

TESTS = Path(__file__).resolve().parents[1]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_every_folder_of_tests_is_in_one_shard_of_every_database() -> None:
    folders = {path.parent.relative_to(TESTS).parts for path in TESTS.rglob("test_*.py")}
    assert {len(parts) for parts in folders} == {1}, "only folders right below tests are looked at"
    chosen: dict[str, list[str]] = {}
    for shard in shards.shards():
        for folder in shard.folders:
            chosen.setdefault(folder, []).append(shard.chosen)
    whole, halves = [""], ["not postgresql", "postgresql"]
    assert all(sorted(found) in (whole, halves) for found in chosen.values()), chosen
    assert set(chosen) == {name for (name,) in folders}


def test_no_test_for_every_database_is_named_after_one() -> None:
    """Shards choose by the word in a test's id, and a name is part of it."""
    named = re.compile(r"def test\w*postgresql")
    texts = {path.name: path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")}
    assert [name for name, text in texts.items() if named.search(text)] == []


def test_each_is_shown_whole_and_the_first_failure_is_the_status(
    capfd: pytest.CaptureFixture[str],
) -> None:
    say_twice = "import time; print('b', flush=True); time.sleep(0.2); print('eside', flush=True)"
    status = shards.run(
        [
            ("good", python(say_twice)),
            ("bad", python("import sys; print('to the end', file=sys.stderr); sys.exit(3)")),
            ("worse", python("import sys; sys.exit(4)")),
        ]
    )
    said, _ = capfd.readouterr()
    assert status == 3
    assert "=== good ===\nb\neside\n=== good: passed" in said
    assert "=== bad ===\nto the end\n=== bad: failed" in said
    assert said.splitlines()[-1].endswith("failed: bad; worse")


def test_all_passed_is_zero(capfd: pytest.CaptureFixture[str]) -> None:
    assert shards.run([("one", python("")), ("two", python(""))]) == 0
    assert capfd.readouterr().out.splitlines()[-1].endswith("all passed")
