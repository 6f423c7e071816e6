"""What several files of this folder do with the app in the same words."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from app.zoom import api
from app.zoom.values import Access
from tests.conftest import ZOOM_API

MEETINGS = f"{ZOOM_API}/users/me/meetings"


MEETING = f"{ZOOM_API}/meetings/85012345678"


NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


ACCESS = Access("access-1", frozenset(), NOON)


def wanted(**more: Any) -> api.MeetingRequest:
    values = {
        "topic": "Consultation: Ken Yamada",
        "agenda": "CalSync abcdefghjk",
        "starts_at": datetime(2026, 11, 4, 0, 0, tzinfo=timezone(timedelta(hours=9))),
        "minutes": 45,
        "timezone": "Asia/Tokyo",
    } | more
    return api.MeetingRequest(**values)


def made(**more: Any) -> dict[str, Any]:
    return {
        "id": 85012345678,
        "uuid": "4444AAAiAAAAAiAiAiiAii==",
        "host_id": "host-1",
        "host_email": "aya@zoom.example",
        "join_url": "https://zoom.example/j/85012345678?pwd=x",
        "start_url": "https://zoom.example/s/85012345678?zak=secret",
        "password": "123456",
    } | more
