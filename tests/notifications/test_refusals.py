"""What a mail server's no is about: only what is about a reader or a mail is final."""

import pytest

from app.notifications.refusals import nameless, of_message, of_recipient, of_sender
from app.outbox import Refused, Unavailable


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.1.1 no such user", "550 No such user here", "551 User not local", "552 5.2.2 Mailbox full",
        "553 5.1.3 bad recipient address syntax", "550 5.2.1 mailbox disabled", "556 5.1.10 null MX",
        "550 5.1.1 The email account that you tried to reach does not exist",
    ],
)  # fmt: skip
def test_a_mailbox_that_is_none_is_final(answer: str) -> None:
    code, _space, words = answer.partition(" ")
    refusal = of_recipient(int(code), words.encode())
    assert isinstance(refusal, Refused)
    assert str(refusal) == f"smtp_refused: {answer}"


@pytest.mark.parametrize(
    "answer",
    [
        "554 5.7.1 <ken@example.com>: Relay access denied", "554 Relay access denied", "550 relaying denied",
        "553 sorry, that domain isn't in my list of allowed rcpthosts", "530 5.7.0 Authentication required",
        "550 5.7.1 Sender not authorized", "554 5.7.1 Service unavailable; Client host blocked",
        "550 5.1.8 sender's domain does not exist", "550 5.7.25 reverse DNS", "554 something new", "599 what",
        "450 4.2.0 greylisted", "421 4.7.0 try again",
    ],
)  # fmt: skip
def test_what_is_about_us_or_unknown_waits(answer: str) -> None:
    code, _space, words = answer.partition(" ")
    assert isinstance(of_recipient(int(code), words.encode()), Unavailable)


@pytest.mark.parametrize(
    "answer", ["553 5.7.1 sender rejected", "550 5.1.7 bad sender", "501 syntax", "451 later"]
)
def test_a_refusal_of_the_sender_is_never_final(answer: str) -> None:
    code, _space, words = answer.partition(" ")
    assert isinstance(of_sender(int(code), words.encode()), Unavailable)


def test_a_message_that_is_refused_is_final_but_for_who_sends_it() -> None:
    assert isinstance(of_message(552, b"5.3.4 message too big"), Refused)
    assert isinstance(of_message(554, b"5.6.0 bad content"), Refused)
    assert isinstance(of_message(550, b"5.7.26 fails DMARC"), Unavailable)
    assert isinstance(of_message(550, b"5.7.1 not authorized to send as"), Unavailable)


def test_the_log_has_the_servers_words_and_no_address() -> None:
    said = nameless(b"5.7.1 <ken@example.com>: Relay access\r\n denied for aya@example.jp")
    assert said == "5.7.1 …: Relay access denied for …"
