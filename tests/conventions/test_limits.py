"""The limits that are told are those that hold."""

import re
from pathlib import Path

from app.web.rate_limits import DAY, HOUR, TABLE

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
LENGTHS = {HOUR: "an hour", DAY: "a day"}


def told() -> list[tuple[str, str, str, str]]:
    """Name, by, how many, whose: the rows of the table, a name standing for those below it."""
    section = OPERATIONS.read_text(encoding="utf-8").split("## Limits")[1].split("\n## ")[0]
    rows = re.findall(
        r"^\| (?:`(.+?)`)? ?\|.*?\| (.*?) \| (.*?) \| (.*?) \|$", section, re.MULTILINE
    )
    found, name = [], ""
    for own_name, by, many, whose in rows:
        name = own_name or name
        if name:
            found.append((name, by, many, whose))
    return found


def test_the_table_in_the_documentation_is_the_one_in_the_code() -> None:
    held = [
        (
            name,
            " and ".join(limit.by),
            ", ".join(f"{most} {LENGTHS[seconds]}" for most, seconds in limit.windows),
            limit.whose.value,
        )
        for name, limits in TABLE.items()
        for limit in limits
    ]
    assert told() == held
