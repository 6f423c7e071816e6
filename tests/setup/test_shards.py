"""`make test` in shards: none is left out, none runs twice, and each is heard."""

import sys
from pathlib import Path

import pytest

from scripts import test as shards

TESTS = Path(__file__).resolve().parents[1]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_every_file_of_tests_is_in_one_shard_of_every_database() -> None:
    files = [path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")]
    assert {len(file.parts) for file in files} == {2}, "only what is right below tests is looked at"
    whole, halves = [""], ["not postgresql", "postgresql"]
    for file in files:
        chosen = [
            shard.chosen
            for shard in shards.shards()
            if {file.parts[0], str(file)} & set(shard.parts) and str(file) not in shard.ignored
        ]
        assert sorted(chosen) in (whole, halves), file


def test_what_a_shard_names_is_there_and_what_it_leaves_out_is_told_to_pytest() -> None:
    for shard in shards.shards():
        assert all((TESTS / part).exists() for part in (*shard.parts, *shard.ignored))
        assert {f"--ignore=tests/{part}" for part in shard.ignored} <= set(shard.command)


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
