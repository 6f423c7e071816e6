"""What several files of this folder do with the app in the same words."""

from urllib.parse import parse_qs, urlsplit

import requests

from app.db import db
from app.zoom.models import ZoomConnection
from tests.conftest import ZOOM_OAUTH
from tests.support.visitor import Page, Visitor


def start(visitor: Visitor) -> dict[str, list[str]]:
    """Begin to connect; gives what Zoom is told."""
    answer = visitor.transport.send("GET", "/zoom/connect", None)
    assert answer.status == 302
    address = urlsplit(answer.headers["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ZOOM_OAUTH}/oauth/authorize"
    return parse_qs(address.query, keep_blank_values=True)


def state_of(visitor: Visitor) -> str:
    return start(visitor)["state"][0]


def come_back(visitor: Visitor, **query: str) -> Page:
    return visitor.get("/zoom/callback?" + requests.compat.urlencode(query))


def is_offered_a_fresh_start(page: Page) -> bool:
    """The page with a way to connect, and nothing said of settings."""
    return page.path == "/zoom/callback" and bool(page.all('main a[href="/zoom/connect"]'))


def connections() -> int:
    return db.session.query(ZoomConnection).count()
