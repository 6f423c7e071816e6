"""Several mails in one conversation with the mail server, and what ends it."""

from collections.abc import Callable, Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from flask import Flask

from app.core.config import Settings
from app.notifications import smtp
from app.notifications.messages import compose
from app.outbox import Refused, Unavailable
from tests.notifications.rows import booking_row
from tests.support.services import MailServer, free_ports


class Counting(MailServer):
    """Keeps the session of each mail, and takes as many of one as it says."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[object] = []
        self.goodbyes = 0
        self.most = 100

    async def handle_DATA(  # noqa: N802
        self, server: object, session: object, envelope: Envelope
    ) -> str:
        if not self.data_answer:
            self.sessions.append(session)
        return await super().handle_DATA(server, session, envelope)

    async def handle_RSET(self, _server: object, session: object, _envelope: object) -> str:  # noqa: N802
        return "250 OK" if self.sessions.count(session) < self.most else "421 4.7.0 enough"

    async def handle_QUIT(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802
        self.goodbyes += 1
        return await super().handle_QUIT(server, session, envelope)


@pytest.fixture
def server(app: Flask, change_settings: Callable[..., Settings]) -> Iterator[Counting]:
    handler = Counting()
    controller = Controller(handler, hostname="127.0.0.1", port=free_ports(1)[0])
    controller.start()
    change_settings(smtp_url=f"smtp://127.0.0.1:{controller.port}")
    try:
        yield handler
    finally:
        controller.stop()


def send(count: int) -> None:
    for number in range(count):
        smtp.send(compose(booking_row(public_id=f"booking{number}"), "client", "confirmed"))


def conversations(server: Counting) -> list[int]:
    """How many mails each took, in order."""
    order = list(dict.fromkeys(server.sessions))
    return [server.sessions.count(one) for one in order]


def test_each_mail_alone_has_a_conversation_of_its_own(server: Counting) -> None:
    send(2)
    assert (conversations(server), server.goodbyes) == ([1, 1], 2)


def test_mails_of_one_job_share_one_and_take_leave_once(server: Counting) -> None:
    with smtp.one_conversation():
        send(3)
        assert server.goodbyes == 0
    assert (conversations(server), server.goodbyes) == ([3], 1)
    send(1)
    assert conversations(server) == [3, 1]


def test_a_server_that_has_enough_is_called_anew_and_gets_each_mail_once(
    server: Counting,
) -> None:
    server.most = 2
    with smtp.one_conversation():
        send(5)
    assert conversations(server) == [2, 2, 1]
    assert len({str(mail["Message-ID"]) for mail in server.messages}) == len(server.messages) == 5


@pytest.mark.parametrize(
    ("answer", "error"), [("550 5.1.1 no such user", Refused), ("451 later", Unavailable)]
)
def test_a_refused_mail_is_told_and_the_next_one_goes_out(
    server: Counting, answer: str, error: type[Exception]
) -> None:
    with smtp.one_conversation():
        send(1)
        server.recipient_answer = answer
        with pytest.raises(error):
            send(1)
        server.recipient_answer = ""
        send(1)
    assert conversations(server) == [1, 1]


def test_a_server_that_has_gone_is_unreachable(
    server: Counting, change_settings: Callable[..., Settings]
) -> None:
    with smtp.one_conversation():
        send(1)
        server.most = 1
        change_settings(smtp_url="smtp://127.0.0.1:1")
        with pytest.raises(Unavailable, match="smtp_unreachable"):
            send(1)
    assert conversations(server) == [1]
