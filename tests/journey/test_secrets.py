"""What is left behind: the database, what the processes print, and what Valkey has written down.

No secret stands in any of them in clear, and what passes through queue and logs names nobody.
"""

import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from sqlalchemy import create_engine, inspect, text

from tests.journey.people import PASSWORD, Host, book, wait_for_link
from tests.support.services import wait_until
from tests.support.stack import Stack
from tests.support.visitor import Visitor

CLIENT, NOTE, ADDRESS = "Quentin Tobacconist", "the pineapple matter", "quentin@tobacco.example"
SECRET_SETTINGS = (
    "SECRET_KEY",
    "TOKEN_ENCRYPTION_KEYS",
    "ZOOM_CLIENT_SECRET",
    "ZOOM_WEBHOOK_SECRETS",
)
TOKENS = "SELECT token FROM access_tokens UNION SELECT token FROM refresh_tokens"


def test_no_secret_is_left_in_clear_and_queue_and_logs_name_nobody(
    stack: Stack, new_host: Callable[..., Host], ken: Visitor
) -> None:
    aya = new_host("Hildegard Unmistakable")
    link, started, *addresses = live_through_trouble(stack, aya, ken)
    database, told = in_database(stack.database_url), in_logs(stack) + in_queue(stack.instance)
    assert CLIENT in database  # the search sees what is there
    assert '"event"' in told or "task done" in told
    assert "app.tasks.run" in told

    secrets = {
        *zoom_secrets(stack.instance),
        *(settings(stack.instance)[name] for name in SECRET_SETTINGS),
        *(str(started[name]) for name in ("zak", "start_url")),
        *(urlsplit(address).path.rpartition("/")[2] for address in addresses),
        PASSWORD,
        link,
        *passcodes(stack.instance),
        *(cookie.value or "" for cookie in aya.visitor.transport.session.cookies if cookie.name != "sandbox_zoom_user"),
    }  # fmt: skip
    assert len(secrets) >= 13
    assert found_in(database, secrets) == []
    private = {CLIENT, NOTE, ADDRESS, aya.name, aya.email}
    assert found_in(told, secrets | private) == []


def live_through_trouble(
    stack: Stack, aya: Host, client: Visitor
) -> tuple[str, dict[str, str], str, str]:
    """Connect, book while Zoom and the mail server are ill, start, join, cancel, leave.

    Zoom's link, the start link with its key, the client's page and the join address.
    """
    aya.connect_zoom()
    slug = f"{aya.handle}-hours"
    aya.make_page(slug, auto_zoom="y", title="Hours of mine")
    stack.fault("500")
    stack.fault("smtp-451")
    booked = book(client, slug, name=CLIENT, email=ADDRESS, note=NOTE)
    link = wait_for_link(booked)
    stack.wait_for_mails(ADDRESS, 1)
    join = str(booked.visitor.get(booked.url).one("#join")["href"])
    joined = booked.visitor.transport.send("GET", join, None)
    assert (joined.status, joined.headers["Location"]) == (303, link)
    row = str(aya.bookings().link(CLIENT)["href"]).partition("?")[0]
    aya.visitor.get(f"{row}/live")
    start = aya.visitor.transport.send("GET", f"{row}/start", None)
    assert start.status == 303
    start_url = start.headers["Location"]
    booked.visitor.get(f"{urlsplit(booked.url).path}/cancel").press("Cancel booking")
    stack.wait_for_mails(ADDRESS, 2)
    wait_until(lambda: len(stack.mails(aya.email)) >= 2, "the host's mails")
    aya.visitor.get("/settings/integrations").press("Disconnect Zoom")
    aya.connect_zoom()
    zak = start_url.partition("zak=")[2]
    return link, {"start_url": start_url, "zak": zak}, booked.url, join


def settings(instance: Path) -> dict[str, str]:
    return {
        name: value for name, value in dotenv_values(instance / "development.env").items() if value
    }


def zoom_secrets(instance: Path) -> Iterator[str]:
    """Every token and code that the stand-in Zoom has ever given out."""
    with sqlite3.connect(f"file:{instance / 'sandbox.db'}?mode=ro", uri=True) as zoom:
        for (secret,) in zoom.execute(f"{TOKENS} UNION SELECT code FROM codes"):
            yield str(secret)


def passcodes(instance: Path) -> Iterator[str]:
    with sqlite3.connect(f"file:{instance / 'sandbox.db'}?mode=ro", uri=True) as zoom:
        for password, pwd in zoom.execute("SELECT password, pwd FROM meetings"):
            yield from (str(secret) for secret in (password, pwd) if secret)


def in_database(url: str) -> str:
    """Every row of every table, as text."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [connection.execute(text(f'SELECT * FROM "{name}"')).all() for name in tables]
    engine.dispose()
    assert len(tables) > 8
    return repr(rows)


def in_logs(stack: Stack) -> str:
    return "\n".join(stack.printed) + (stack.instance / "valkey.log").read_text(errors="replace")


def in_queue(instance: Path) -> str:
    """All that was ever written to Valkey: its append-only files keep each command, and RQ packs
    what a job calls."""
    written = b"".join(path.read_bytes() for path in instance.rglob("*.aof"))
    packed = [part.start() for part in re.finditer(b"x\x9c", written)]
    unpacked = b" ".join(zlib.decompressobj().decompress(written[at:]) for at in packed)
    return (written + unpacked).decode(errors="replace")


def found_in(place: str, wanted: set[str]) -> list[str]:
    """Those of `wanted` that stand in `place` by themselves: a passcode is six digits, which
    may well be part of a longer number."""
    return [one for one in wanted if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", place)]
