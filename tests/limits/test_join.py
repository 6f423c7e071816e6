"""Addresses that are nobody's are counted; joining is not."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.web.rate_limits import TABLE
from tests.support.cast import give_meeting, make_booking, make_host, make_page
from tests.support.visitor import Visitor

OFFICE = "203.0.113.7"


def test_who_tries_addresses_is_stopped_and_who_has_one_never_is(
    limited: Flask, at: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    (limit,) = TABLE["join"]
    monkeypatch.setitem(TABLE, "join", (type(limit)(limit.by, ((3, 3600),), limit.whose),))
    booking = give_meeting(
        make_booking(make_page(make_host())), join_url="https://zoom.example/j/1"
    )
    office = at(OFFICE)
    found = [office.get(f"/join/{number}").status for number in range(4)]
    assert found == [404, 404, 404, 429]
    answer = office.transport.send("GET", f"/join/{booking.join_token}", None)
    assert answer.status == 303
    assert at("198.51.100.7").get("/join/x").status == 404
