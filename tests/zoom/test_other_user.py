"""A meeting belongs to the Zoom user who made it, whoever the host has connected since."""

import base64

import pytest
import responses
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.bookings.models import Booking
from app.bookings.service import cancel
from app.core.clock import utcnow
from app.db import db
from app.outbox import Refused
from app.zoom import identity, meetings, removal, service
from app.zoom.models import ZoomConnection
from app.zoom.values import UNKNOWN, Identity
from tests.conftest import ZOOM_API
from tests.support.cast import (
    connect_zoom,
    give_meeting,
    make_booking,
    make_host,
    make_page,
    visit_as,
)
from tests.support.services import MailServer
from tests.tasks.steps import AYA, states, task_of, text_of, work
from tests.zoom.conftest import Sandbox
from tests.zoom.steps import REVOKE, TOKEN, grant, reread, tokens
from tests.zoom.test_meetings import nothing
from tests.zoom.view_steps import come_back, state_of

EVERYTHING = ["meeting:write:meeting", "meeting:read:meeting", "meeting:delete:meeting"]
MEETING = f"{ZOOM_API}/meetings/85012345678"
EARLIER = "remains in the earlier Zoom account"


def connect(sandbox: Sandbox, host: User, person: str) -> bool:
    granted = sandbox.grant(person)
    return service.link(host.id, granted, identity.of_grant(granted))


@pytest.fixture
def booking(app: Flask, mails: MailServer, sandbox: Sandbox) -> Booking:
    """Ken's booking, its meeting made as the Zoom user aya; since then Aya has connected hana."""
    sandbox.choose(scopes=EVERYTHING)
    host = make_host()
    connect(sandbox, host, "aya")
    made = make_booking(make_page(host, auto_zoom=True))
    work()
    assert connect(sandbox, host, "hana")
    db.session.expire_all()
    return made


def test_the_booking_says_whose_meeting_it_is(booking: Booking, sandbox: Sandbox) -> None:
    [meeting] = sandbox.get("meetings")
    assert booking.zoom_host_id == meeting["host_id"]


def test_the_earlier_grant_is_given_back_and_the_new_one_works(
    booking: Booking, sandbox: Sandbox
) -> None:
    assert "/oauth/revoke" in [call["path"] for call in sandbox.get("calls")]
    again = make_booking(booking.page, booking.starts_at.replace(hour=5))
    work()
    owners = {meeting["user"] for meeting in sandbox.get("meetings")}
    assert owners == {"aya", "hana"}
    assert again.meeting_state == "ready"


def test_nothing_is_started_or_read_with_the_other_users_connection(
    app: Flask, booking: Booking, sandbox: Sandbox
) -> None:
    asked = len(sandbox.get("calls"))
    aya = visit_as(app, booking.host)
    address = f"/dashboard/bookings/{booking.public_id}"
    shown = aya.get(address)
    assert "in the earlier Zoom account" in shown.text
    assert str(booking.join_url) in shown.text
    assert not shown.all(f'a[href="{address}/start"]')
    aya.get(f"{address}/live")
    assert aya.transport.send("GET", f"{address}/start", None).headers["Location"] == address
    assert len(sandbox.get("calls")) == asked


def test_a_cancellation_leaves_the_meeting_and_says_where(
    app: Flask, booking: Booking, sandbox: Sandbox, mails: MailServer
) -> None:
    asked = len(sandbox.get("calls"))
    aya = visit_as(app, booking.host)
    address = f"/dashboard/bookings/{booking.public_id}"
    question = aya.get(f"{address}/cancel")
    assert "will remain in the earlier Zoom account" in question.text
    question.press("Cancel booking")
    work()
    assert "meeting.delete" not in states(booking)
    assert EARLIER in aya.get(address).text
    assert EARLIER in text_of(mails.to(AYA)[-1])
    assert len(sandbox.get("calls")) == asked
    assert len(sandbox.get("meetings")) == 1


def test_a_deletion_under_way_when_the_other_user_is_connected_deletes_nothing(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    sandbox.choose(scopes=EVERYTHING)
    host = make_host()
    connect(sandbox, host, "aya")
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    cancel(booking, by="host")
    connect(sandbox, host, "hana")
    work()
    task = task_of(booking, "meeting.delete")
    assert (task.state, task.last_error) == ("failed", "zoom_other_account")
    assert len(sandbox.get("meetings")) == 1
    shown = visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}")
    assert EARLIER in shown.text
    assert not shown.all('form[action*="/retry/"]')


def test_once_the_earlier_user_is_connected_again_all_is_as_before(
    app: Flask, booking: Booking, sandbox: Sandbox
) -> None:
    connect(sandbox, booking.host, "aya")
    aya = visit_as(app, booking.host)
    address = f"/dashboard/bookings/{booking.public_id}"
    assert "not started yet" in aya.get(f"{address}/live").text
    aya.get(f"{address}/cancel").press("Cancel booking")
    work()
    assert sandbox.get("meetings") == []
    assert "remains in" not in aya.get(address).text


# --- Where Zoom has not told who the connected user is


@pytest.fixture
def host_id(app: Flask) -> int:
    host = make_host()
    connect_zoom(host, scopes=" ".join(EVERYTHING))
    return host.id


def connected_as(user_id: int, zoom_user_id: str | None) -> None:
    reread(user_id).zoom_user_id = zoom_user_id
    db.session.commit()


@pytest.mark.parametrize(
    ("connected", "of", "reason"),
    [
        ("aya-at-zoom", "aya-at-zoom", None),
        ("hana-at-zoom", "aya-at-zoom", "zoom_other_account"),
        (None, "aya-at-zoom", "zoom_meeting_unknown"),
        ("aya-at-zoom", None, "zoom_meeting_unknown"),
        (None, None, "zoom_meeting_unknown"),
    ],
)
def test_gone_counts_as_deleted_for_its_own_user_alone(
    host_id: int,
    wire: responses.RequestsMock,
    connected: str | None,
    of: str | None,
    reason: str | None,
) -> None:
    wire.delete(MEETING, status=404, json={"code": 3001, "message": "Meeting does not exist."})
    connected_as(host_id, connected)
    if reason is None:
        meetings.delete(host_id, 85012345678, nothing, of=of)
        return
    with pytest.raises(Refused) as refusal:
        meetings.delete(host_id, 85012345678, nothing, of=of)
    assert refusal.value.reason == reason


def test_an_administrators_view_of_anothers_meeting_is_not_used(
    host_id: int, wire: responses.RequestsMock
) -> None:
    """With `:admin` Zoom shows the meetings of the whole account."""
    wire.get(
        MEETING, json={"host_id": "hana-at-zoom", "start_url": "https://zoom.example/s/1?zak=x"}
    )
    for ask in (meetings.read, meetings.start_url):
        with pytest.raises(Refused) as refusal:
            ask(host_id, 85012345678, of="aya-at-zoom")
        assert refusal.value.reason == "zoom_other_account"


def test_the_page_does_not_claim_that_an_unknown_meeting_is_gone(
    app: Flask, host_id: int, wire: responses.RequestsMock
) -> None:
    wire.get(MEETING, status=404, json={"code": 3001, "message": "Meeting does not exist."})
    host = db.session.get_one(User, host_id)
    booking = make_booking(make_page(host, auto_zoom=True))
    give_meeting(booking, zoom_host_id="aya-at-zoom")
    live = visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}/live")
    assert "no longer exists" not in live.text
    assert "may have been deleted, or be in an earlier Zoom account" in live.text


# --- Giving the earlier grant back


@pytest.mark.parametrize(
    ("before", "now", "revoked"),
    [
        (Identity("aya-at-zoom"), Identity("hana-at-zoom"), 1),
        (Identity("aya-at-zoom"), Identity("aya-at-zoom"), 0),
        (Identity("aya-at-zoom"), UNKNOWN, 0),
        (UNKNOWN, Identity("hana-at-zoom"), 0),
    ],
)
def test_only_what_is_certainly_another_users_is_revoked(
    app: Flask, wire: responses.RequestsMock, before: Identity, now: Identity, revoked: int
) -> None:
    given_back = wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    service.link(host.id, grant(1), before)
    assert service.link(host.id, grant(2), now) is True
    assert given_back.call_count == revoked
    if revoked:
        assert given_back.calls[0].request.body == "token=access-1"
    assert reread(host.id).access_token == "access-2"


def test_an_earlier_token_that_has_run_out_is_renewed_to_be_revoked(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(7))
    given_back = wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    connect_zoom(host, zoom_user_id="aya-at-zoom", expires_at=utcnow())
    service.link(host.id, grant(2), Identity("hana-at-zoom"))
    assert given_back.calls[0].request.body == "token=access-7"
    assert reread(host.id).access_token == "access-2"


def test_a_revocation_that_zoom_does_not_confirm_keeps_nothing_from_being_connected(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(REVOKE, status=503)
    host = make_host()
    connect_zoom(host, zoom_user_id="aya-at-zoom")
    assert service.link(host.id, grant(2), Identity("hana-at-zoom")) is False
    assert reread(host.id).zoom_user_id == "hana-at-zoom"


def test_the_removal_that_follows_leaves_the_new_connection_alone(
    booking: Booking, sandbox: Sandbox
) -> None:
    [event] = sandbox.get("webhooks")
    assert event["body"]["payload"]["user_id"] == booking.zoom_host_id
    removal.apply(removal.Removal(booking.zoom_host_id, utcnow(), leaves_data=False))
    connection = db.session.scalars(select(ZoomConnection)).one()
    assert connection.is_active
    assert connection.doubted_at is None


@pytest.mark.parametrize(("status", "is_told"), [(200, False), (503, True)])
def test_the_host_is_told_where_zoom_does_not_confirm_it(
    app: Flask, wire: responses.RequestsMock, status: int, is_told: bool
) -> None:
    claims = base64.urlsafe_b64encode(b'{"uid": "hana-at-zoom"}').decode()
    wire.post(TOKEN, json=tokens(2) | {"access_token": f"x.{claims}.y"})
    wire.post(REVOKE, status=status, json={"status": "success"})
    host = make_host()
    connect_zoom(host, zoom_user_id="aya-at-zoom")
    aya = visit_as(app, host)
    page = come_back(aya, code="code-1", state=state_of(aya))
    assert "Zoom is connected." in page.text
    assert ("earlier Zoom account is disconnected" in page.text) is is_told
