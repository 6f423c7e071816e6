"""Calendars as npm's ical.js reads them, which Thunderbird and Nextcloud use."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("ical_js.mjs")


def read(texts: Sequence[str]) -> list[dict[str, Any]]:
    """What it says of each calendar's one event; instants as `2026-12-01T00:30:00.000Z`."""
    node = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv/bin"))
    if node is None:
        pytest.skip("there is no node on this machine")
    done = subprocess.run(
        [node, str(SCRIPT)], input=json.dumps(texts), capture_output=True, text=True, cwd=ROOT,
        check=True, timeout=30,
    )  # fmt: skip
    events: list[dict[str, Any]] = json.loads(done.stdout)
    return events
