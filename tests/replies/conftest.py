from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app.accounts.models import User
from app.bookings.models import Booking
from app.core.config import Settings
from scripts.dovecot import find as find_dovecot
from tests.support.cast import make_booking, make_host, make_page
from tests.support.imap import (
    Dovecot,
    MailboxServer,
    StandIn,
    running_dovecot,
    running_stand_in,
)


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def booking(host: User) -> Booking:
    """Ken's booking of tomorrow, with Aya."""
    return make_booking(make_page(host))


@pytest.fixture
def stand_in(app: Flask, change_settings: Callable[..., Settings]) -> Iterator[StandIn]:
    """The mailbox that the app reads."""
    with running_stand_in() as box:
        change_settings(imap_url=box.url)
        yield box


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    if find_dovecot() is None:
        pytest.skip("no Dovecot here (apt-get install dovecot-imapd)")
    with running_dovecot() as server:
        yield server


@pytest.fixture(params=["stand-in", pytest.param("dovecot", marks=pytest.mark.chaos)])
def mailbox(
    request: pytest.FixtureRequest, app: Flask, change_settings: Callable[..., Settings]
) -> MailboxServer:
    """The mailbox that the app reads, at our own server and, in `make chaos`, at Dovecot."""
    if request.param == "stand-in":
        own: StandIn = request.getfixturevalue("stand_in")
        return own
    server: Dovecot = request.getfixturevalue("dovecot")
    server.clear()
    change_settings(imap_url=server.url)
    return server
