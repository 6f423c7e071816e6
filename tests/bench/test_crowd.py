"""The crowd's bench runs, beside each crowd and behind each proxy that is on the machine."""

import json
from pathlib import Path

import pytest

from app.db import db
from bench import crowd
from bench.stage import stage_on
from tests.support.proxies import KINDS, program


@pytest.mark.slow  # a crowd of processes, which others beside it would disturb
def test_each_crowd_is_told_in_a_line(
    tmp_path: Path, valkey: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = stage_on("sqlite", f"sqlite:///{tmp_path}/calsync.db", tmp_path, valkey, bookings=3)
    try:
        crowd.measure(stage, seconds=0.3)
    finally:
        with stage.app.app_context():
            db.engine.dispose()
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "{" in line]
    proxies = ["none", *(kind for kind in KINDS if program(kind))]
    assert [(one["beside"], one.get("proxy")) for one in told] == [
        ("nobody", None), ("sign-ins", None), *(("bodies", proxy) for proxy in proxies)
    ]  # fmt: skip
    assert set(told[1]["answers"]) == {"303", "503"}
