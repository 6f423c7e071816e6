"""What an account's deletion says of meetings that it cannot delete."""

from collections.abc import Callable

import pytest
import responses
from click.testing import Result
from sqlalchemy import update

from app.accounts.models import User
from app.bookings.meetings import Meeting
from app.db import db
from tests.conftest import ZOOM_API
from tests.deletion.conftest import AYA, MEETING
from tests.support.services import MailServer
from tests.tasks.steps import text_of

Command = Callable[..., Result]
REMAIN = "1 meetings of cancelled bookings remain in Zoom"


def made_by(zoom_user_id: str) -> None:
    db.session.execute(
        update(Meeting)
        .where(Meeting.external_id == MEETING)
        .values(zoom_host_id=zoom_user_id)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


@pytest.mark.usefixtures("grant_deletion", "aya")
def test_a_meeting_of_an_earlier_zoom_user_is_left_alone_and_told(
    revoked: responses.BaseResponse, delete_account: Command, mails: MailServer
) -> None:
    made_by("another-zoom-user")
    result = delete_account("--yes")
    assert result.exit_code == 0, result.output
    assert REMAIN in result.output
    told = [text_of(mail) for mail in mails.to(AYA)]
    assert sum("remains in the earlier Zoom account" in text for text in told) == 1


@pytest.mark.usefixtures("grant_deletion", "aya")
def test_a_meeting_that_is_deleted_is_not_said_to_remain(
    wire: responses.RequestsMock, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    made_by("aya-at-zoom")
    wire.delete(f"{ZOOM_API}/meetings/{MEETING}", status=404, json={"code": 3001, "message": "x"})
    result = delete_account("--yes")
    assert result.exit_code == 0, result.output
    assert "remain in Zoom" not in result.output


@pytest.mark.usefixtures("grant_deletion")
def test_gone_for_a_user_who_may_not_be_its_maker_is_not_deleted(
    aya: User,
    wire: responses.RequestsMock,
    revoked: responses.BaseResponse,
    delete_account: Command,
) -> None:
    wire.delete(f"{ZOOM_API}/meetings/{MEETING}", status=404, json={"code": 3001, "message": "x"})
    result = delete_account("--yes")
    assert result.exit_code == 0, result.output
    assert REMAIN in result.output
