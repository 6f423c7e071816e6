"""The bench of a host's lists runs, and tells a figure of each. How long they take is not asked here."""

import json
from pathlib import Path

import pytest

from app.db import db
from bench import lists
from bench.stage import stage_on


def test_each_list_is_told_with_its_statements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = stage_on("sqlite", f"sqlite:///{tmp_path}/calsync.db", tmp_path, bookings=0)
    try:
        lists.measure(stage.app, "sqlite", own=700, hosts=2, seconds=0)
    finally:
        with stage.app.app_context():
            db.engine.dispose()
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
    listed = {one["what"]: one for one in told if "statements" in one}
    assert len(listed) >= 15
    assert listed["past"]["statements"] == listed["past"]["statements_small"]
    assert {"feed, unchanged (304)", "diagnosis", "CSV"} <= {one["what"] for one in told}
