"""Mail goes in by SMTP and comes out as JSON and pages."""

import smtplib
import time
from email.message import EmailMessage

import pytest

CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//CalSync//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:7f3a@calsync.example
DTSTAMP:20261101T000000Z
DTSTART:20261103T150000Z
DTEND:20261103T153000Z
SUMMARY:オンライン相談
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def invitation(to="ken@example.com"):
    mail = EmailMessage()
    mail["From"] = "Aya <no-reply@calsync.example>"
    mail["To"] = to
    mail["Subject"] = "予約が確定しました: 相談"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("See <http://127.0.0.1:5000/booking/abc>.\nJoin: http://127.0.0.1:1/j/1?pwd=x")
    mail.add_alternative("<p>See <a href='http://127.0.0.1:5000/'>it</a></p>", subtype="html")
    mail.add_attachment(
        CALENDAR.encode(), maintype="text", subtype="calendar", filename="invite.ics",
        params={"method": "REQUEST", "charset": "utf-8"},
    )  # fmt: skip
    return mail


def test_a_mail_comes_out_as_json(zoom):
    with zoom.smtp() as door:
        door.send_message(invitation())
    [mail] = zoom.mails("KEN@example.com")
    assert mail["to"] == "ken@example.com"
    assert mail["from"] == "Aya <no-reply@calsync.example>"
    assert mail["subject"] == "予約が確定しました: 相談"
    assert "http://127.0.0.1:5000/booking/abc" in mail["text"]
    assert "<p>See" in mail["html"]
    assert mail["calendars"] == [{"method": "REQUEST", "body": CALENDAR, "filename": "invite.ics"}]
    assert mail["headers"]["Auto-Submitted"] == "auto-generated"
    assert mail["received_at"].endswith("Z")
    assert zoom.mails("other@example.com") == []


def test_the_newest_mail_stands_first_and_the_box_can_be_emptied(zoom):
    zoom.write(subject="First")
    zoom.write(subject="Second", to="lena@example.com")
    assert [mail["subject"] for mail in zoom.mails()] == ["Second", "First"]
    page = zoom.get("/mail").text
    assert page.index("Second") < page.index("First")
    assert zoom.delete("/api/mails").status_code == 204
    assert zoom.mails() == []


def test_a_mails_page_shows_it_with_links_and_calendar(zoom):
    with zoom.smtp() as door:
        door.send_message(invitation())
    number = zoom.mails()[0]["id"]
    page = zoom.get(f"/mail/{number}").text
    assert '<a href="http://127.0.0.1:5000/booking/abc">' in page
    assert "オンライン相談" in page
    assert "2026-11-03 15:00 UTC" in page
    framed = zoom.get(f"/mail/{number}/html")
    assert "<p>See" in framed.text
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    raw = zoom.get(f"/mail/{number}/raw")
    assert raw.content.startswith(b"From: Aya")
    assert zoom.get(f"/mail/{number}/calendar/1.ics").content == CALENDAR.encode()
    assert zoom.get(f"/mail/{number}/calendar/2.ics").status_code == 404
    assert zoom.get("/mail/999999").status_code == 404


def test_hostile_mail_is_inert(zoom):
    zoom.write(subject="<script>alert(1)</script>", text='<b>http://x.example/?a=1&b="2"</b>')
    number = zoom.mails()[0]["id"]
    for path in ("/mail", f"/mail/{number}"):
        assert "<script>" not in zoom.get(path).text
    assert "<b>" not in zoom.get(f"/mail/{number}").text


def test_a_broken_calendar_does_not_break_the_page(zoom):
    mail = invitation()
    mail.get_payload()[-1].set_payload("BEGIN:VCALENDAR\r\nnonsense")
    with zoom.smtp() as door:
        door.send_message(mail)
    page = zoom.get(f"/mail/{zoom.mails()[0]['id']}")
    assert (page.status_code, "Unreadable" in page.text) == (200, True)


def test_smtp_can_refuse_for_now(zoom):
    zoom.fault("smtp-451")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        zoom.write()
    assert refused.value.smtp_code == 451
    assert zoom.mails() == []
    zoom.write()
    assert len(zoom.mails()) == 1


def test_smtp_can_refuse_for_good(zoom):
    zoom.fault("smtp-550")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        zoom.write()
    assert refused.value.recipients["ken@example.com"][0] == 550
    assert zoom.mails() == []
    zoom.write()


def test_smtp_can_die_after_the_mail_was_kept(zoom):
    zoom.fault("smtp-drop-after-data")
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        zoom.write()
    assert len(zoom.mails()) == 1
    zoom.write()
    assert len(zoom.mails()) == 2


def test_smtp_can_be_slow_and_keeps_nothing_of_a_sender_that_leaves(zoom):
    zoom.fault("smtp-slow", seconds=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        zoom.write(timeout=0.5)
    time.sleep(1.2)
    assert zoom.mails() == []
    zoom.fault("smtp-slow", seconds=0.1)
    zoom.write()
    assert len(zoom.mails()) == 1


def test_smtp_can_be_slow_after_the_mail_was_kept(zoom):
    zoom.fault("smtp-slow-reply", seconds=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        zoom.write(timeout=0.5)
    assert len(zoom.mails()) == 1


def test_api_faults_leave_mail_alone_and_the_other_way_round(zoom):
    token = zoom.connect()["access_token"]
    zoom.fault("500")
    zoom.write()
    assert zoom.create(token).status_code == 500
    zoom.fault("smtp-451")
    assert zoom.create(token).status_code == 201
