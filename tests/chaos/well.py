"""What must be true after anything: the one assertion that all scenarios share."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from icalendar import Calendar

from tests.chaos.people import CLIENT_DOMAIN, CLIENT_NAME, HOST_NAME, Booked, ChaosHost
from tests.chaos.world import World
from tests.support.services import wait_until

# What no visitor should ever read.
INTERNAL = (
    "Traceback", "Error:", "Exception", "sqlalchemy", "psycopg", "sqlite", "redis", "valkey",
    "zoom_", "smtp_", "internal_error", "None",
)  # fmt: skip
# What is planned for shortly before a booking.
AHEAD = {"meeting.check", "mail.attendee.reminder", "mail.host.reminder"}
# Who booked with whom, and the addresses that open a meeting or a booking.
PERSONAL = (
    CLIENT_NAME, CLIENT_NAME.split(maxsplit=1)[0].lower(), CLIENT_DOMAIN, HOST_NAME, "host.example",
    "/j/", "pwd=", "/booking/",
)  # fmt: skip


def assert_all_is_well(
    world: World,
    host: ChaosHost,
    booked: Sequence[Booked],
    *,
    has_meeting: bool = True,
    orphans: int = 0,
    repeated_mails: int = 0,
    failed: Mapping[str, str] | None = None,
    tracebacks: Collection[str] = (),
    patience: float = 45.0,
) -> None:
    """Every client of `booked` has what they were promised, once, and nothing is left to do.

    `has_meeting`: false where the page makes none.
    `orphans`: so many meetings at most exist beside the recorded ones, and nobody hears of them.
    `repeated_mails`: so many deliveries at most may be repeats, with one Message-ID and UID each.
    `failed`: the kinds of task that have to have failed, with the words that the host reads.
    """
    failed = failed or {}
    wait_until(lambda: not _open_tasks(world, host), "the end of all tasks", patience)
    rows = _bookings(world, host)
    _one_live_booking_a_slot(world, rows, len(booked))
    _all_tasks_ended_as_expected(world, host, set(failed))
    if has_meeting and "meeting.create" not in failed:
        _one_meeting_a_booking(world, host, rows, orphans)
    assert _repeats(world, host, rows, set(failed)) <= repeated_mails
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: _the_clients_page_is_calm(one, rows[one.client.email]), booked))
    for row in list(rows.values())[:3]:
        _the_host_reads_why(host, row, failed)
    assert_quiet_logs(world, tracebacks)


def assert_calm_page(text: str) -> None:
    """A page for people, whatever its status: no word of what is behind it."""
    shown = text.removeprefix("Error: ").lower()  # how the title of a form with errors begins
    for word in INTERNAL:
        assert word.lower() not in shown, text


def assert_quiet_logs(world: World, tracebacks: Collection[str] = ()) -> None:
    """No traceback but of these errors, and nobody's name, address or link."""
    log = world.log()
    text = "\n".join(log)
    for word in PERSONAL:
        assert word not in text, next(line for line in log if word in line)
    blocks = re.findall(r"Traceback \(most recent call last\):\n(?:(?:[ +|].*)?\n)*(\S*)", text)
    unexpected = [end for end in blocks if not any(known in end for known in tracebacks)]
    assert not unexpected, text


def _bookings(world: World, host: ChaosHost) -> dict[str, dict[str, Any]]:
    """The host's live bookings by the client's address."""
    rows = world.rows(
        "SELECT b.*, a.email AS client_email, m.state AS meeting_state, m.join_url,"
        " m.external_id FROM bookings b JOIN users u ON u.id = b.host_id"
        " JOIN attendees a ON a.booking_id = b.id LEFT JOIN meetings m ON m.booking_id = b.id"
        f" WHERE u.email = '{host.email}' AND b.status <> 'cancelled' ORDER BY b.starts_at"
    )
    keys = world.environ["TOKEN_ENCRYPTION_KEYS"].split(",")
    cipher = MultiFernet([Fernet(key) for key in keys])
    for row in rows:
        for name in ("join_url", "join_token"):
            if row[name]:
                row[name] = cipher.decrypt(row[name]).decode()
    found = {row["client_email"]: row for row in rows}
    assert len(found) == len(rows), "a client has two bookings"
    return found


def _tasks(world: World, host: ChaosHost) -> list[dict[str, Any]]:
    return world.rows(
        "SELECT t.* FROM tasks t JOIN bookings b ON b.id = t.booking_id"
        f" JOIN users u ON u.id = b.host_id WHERE u.email = '{host.email}' ORDER BY t.id"
    )


def _open_tasks(world: World, host: ChaosHost) -> list[dict[str, Any]]:
    return [task for task in _done_or_due(world, host) if task["state"] in {"waiting", "running"}]


def _done_or_due(world: World, host: ChaosHost) -> list[dict[str, Any]]:
    """All but what waits for the days before a booking."""
    return [
        task
        for task in _tasks(world, host)
        if task["kind"] not in AHEAD or task["state"] != "waiting"
    ]


def _one_live_booking_a_slot(
    world: World, mine: Mapping[str, dict[str, Any]], expected: int
) -> None:
    assert len(mine) == expected
    rows = world.rows(
        "SELECT h.host_id, h.blocked_from, h.blocked_until, b.status, b.starts_at, b.ends_at"
        " FROM bookings b LEFT JOIN holds h ON h.booking_id = b.id"
        " WHERE b.status <> 'cancelled' OR h.id IS NOT NULL ORDER BY h.host_id, h.blocked_from"
    )
    for row in rows:
        assert row["status"] != "cancelled"
        assert row["blocked_from"] <= row["starts_at"] < row["ends_at"] <= row["blocked_until"]
    for one, following in pairwise(rows):
        if one["host_id"] == following["host_id"]:
            assert one["blocked_until"] <= following["blocked_from"]


def _all_tasks_ended_as_expected(world: World, host: ChaosHost, failed: set[str]) -> None:
    tasks = _done_or_due(world, host)
    assert {task["kind"] for task in tasks if task["state"] == "failed"} == failed
    for task in tasks:
        assert task["lease_until"] is task["lease_token"] is None
        assert task["finished_at"] is not None
        assert (task["last_error"] is not None) == (task["state"] == "failed")


def _one_meeting_a_booking(
    world: World, host: ChaosHost, rows: Mapping[str, dict[str, Any]], orphans: int
) -> None:
    meetings = {meeting["id"]: meeting for meeting in world.meetings(host.handle)}
    for row in rows.values():
        assert row["meeting_state"] == "ready"
        meeting = meetings.pop(row["external_id"])
        assert meeting["join_url"] == row["join_url"]
        assert row["public_id"] in meeting["agenda"]
    assert len(meetings) <= orphans


def _repeats(
    world: World, host: ChaosHost, rows: Mapping[str, dict[str, Any]], failed: set[str]
) -> int:
    """How many deliveries were repeats; whoever was to get a mail has the newest."""
    repeats = 0
    if "mail.host.confirmed" not in failed:
        by_uid = defaultdict(list)
        for delivery in _deliveries(world, host.email):
            by_uid[str(delivery[1]["uid"])].append(delivery)
        assert set(by_uid) == {row["ical_uid"] for row in rows.values()}
        repeats += sum(_repeats_of_one(row, by_uid[row["ical_uid"]]) for row in rows.values())
    if "mail.attendee.confirmed" not in failed:
        for address, row in rows.items():
            deliveries = _deliveries(world, address)
            assert {str(event["uid"]) for _mail, event in deliveries} == {row["ical_uid"]}
            repeats += _repeats_of_one(row, deliveries)
    return repeats


def _deliveries(world: World, address: str) -> list[tuple[dict[str, Any], Any]]:
    """What came for an address, each mail with its event."""
    return [
        (mail, event)
        for mail in world.mails(address)
        for event in Calendar.from_ical(mail["calendars"][0]["body"]).walk("VEVENT")
    ]


def _repeats_of_one(row: dict[str, Any], found: list[tuple[dict[str, Any], Any]]) -> int:
    """Of one booking and one reader: each (UID, SEQUENCE) has one Message-ID, the last one the link."""
    by_sequence = defaultdict(list)
    for mail, event in found:
        by_sequence[int(event["sequence"])].append((mail, event))
    assert max(by_sequence) == row["ical_sequence"]
    for deliveries in by_sequence.values():
        assert len({mail["headers"]["Message-ID"] for mail, _event in deliveries}) == 1
    for mail, event in by_sequence[row["ical_sequence"]]:
        if row["join_url"]:
            assert row["join_url"] in mail["text"]
            assert str(event["location"]).endswith(f"/join/{row['join_token']}")
        else:
            assert "/j/" not in mail["text"] + mail["html"]
    return sum(len(deliveries) - 1 for deliveries in by_sequence.values())


def _the_clients_page_is_calm(one: Booked, row: dict[str, Any]) -> None:
    page = one.page()
    assert page.status == 200
    assert "You’re booked" in page.text
    assert_calm_page(page.text)
    links = [link["href"] for link in page.all('#meeting a[href*="/j/"]')]
    assert links == ([row["join_url"]] if row["join_url"] else [])


def _the_host_reads_why(host: ChaosHost, row: dict[str, Any], failed: Mapping[str, str]) -> None:
    page = host.visitor.get(f"/dashboard/bookings/{row['public_id']}")
    assert page.status == 200
    assert_calm_page(page.text)
    for words in failed.values():
        assert words in page.text
