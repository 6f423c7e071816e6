"""The form for several sessions at once: for whom, and when."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectChoice, SelectField
from wtforms.validators import DataRequired, Length, ValidationError

from ..accounts.models import EMAIL_LENGTH, NAME_LENGTH
from ..booking_pages.forms import zone_choices
from ..bookings.series import FEWEST, MOST, Wall, instant_of, repeated
from ..bookings.service import Client
from ..core.text import fold
from ..i18n import LANGUAGES
from ..i18n import gettext as _
from ..schedules.fields import YEARS, ClockTime, Day, Whole
from ..schedules.models import MINUTES_A_DAY
from ..web.forms import Address, Line, LocalForm, LongSelect, Switch, Text

DATES_LENGTH = 1000
A_LINE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]*(\d{1,2})[:時](\d{2})分?)?")


class Rhythm(StrEnum):
    """How the sessions follow one another."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    OWN = "own"


STEPS = {Rhythm.WEEKLY: timedelta(days=7), Rhythm.FORTNIGHTLY: timedelta(days=14)}


class SeriesForm(LocalForm):
    """`name email locale timezone`, then `rhythm`: with `first_day`, `starts` and `count`, or with
    `dates`, a line each. Days and times are on the clocks of `zone`, the host's."""

    name = Line(
        _l("Name"),
        [
            DataRequired(_l("Enter the client's name.")),
            Length(max=NAME_LENGTH, message=_l("Use a shorter name.")),
        ],
        render_kw={"autocomplete": "off"},
    )
    email = Address(
        _l("Email address"),
        [
            DataRequired(_l("Enter the client's email address.")),
            Length(max=EMAIL_LENGTH, message=_l("Use a shorter address.")),
        ],
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )
    locale = SelectField(
        _l("Language"),
        choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()],
        description=_l("For the emails to the client."),
    )
    timezone = SelectField(_l("The client's time zone"), widget=LongSelect())
    rhythm = SelectField(
        _l("Rhythm"),
        choices=[
            SelectChoice(Rhythm.WEEKLY, _l("every week")),
            SelectChoice(Rhythm.FORTNIGHTLY, _l("every two weeks")),
            SelectChoice(Rhythm.OWN, _l("on dates of your own")),
        ],
    )
    first_day = Day(_l("First day"))
    starts = ClockTime(_l("Start"))
    count = Whole(_l("How many sessions"), FEWEST, MOST, optional=True)
    dates = Text(
        _l("Dates of your own"),
        [Length(max=DATES_LENGTH, message=_l("Use a shorter text."))],
        description=_l(
            "Each on a line of its own: 2026-12-24, or 2026-12-24 14:30 for another start."
        ),
    )
    outside_hours = Switch(_l("Also outside my hours"), default=False)
    form_key = HiddenField()

    def __init__(self, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone
        self.own: list[Wall] = []
        self.timezone.choices = zone_choices(self.timezone.data, zone.key)

    @property
    def is_own(self) -> bool:
        """Whether the dates are typed one by one."""
        return bool(self.rhythm.data == Rhythm.OWN)

    def validate_first_day(self, field: Day) -> None:
        if not self.is_own and field.data is None:
            raise ValidationError(_("Enter the first day."))

    def validate_starts(self, field: ClockTime) -> None:
        if field.data is None and not self.is_own:
            raise ValidationError(_("Enter a time like 9:00 or 17:30."))
        if field.data == MINUTES_A_DAY:
            field.data = 0

    def validate_count(self, field: Whole) -> None:
        if not self.is_own and field.data is None:
            raise ValidationError(
                _("Enter a whole number from %(low)s to %(high)s.", low=FEWEST, high=MOST)
            )

    def validate_dates(self, field: Text) -> None:
        if not self.is_own:
            return
        lines = [line.strip() for line in (field.data or "").split("\n") if line.strip()]
        self.own = list(dict.fromkeys(self._read(line) for line in lines))
        if not FEWEST <= len(self.own) <= MOST:
            raise ValidationError(
                _("Enter %(low)d to %(high)d different dates.", low=FEWEST, high=MOST)
            )

    def _read(self, line: str) -> Wall:
        found = A_LINE.fullmatch(fold(line))
        wall = _wall_of(*found.groups()) if found else None
        if wall is None:
            words = _("“%(line)s” is no date that can be read. Write 2026-12-24 14:30.", line=line)
            raise ValidationError(words)
        day, minute = wall
        if minute is None and (minute := self.starts.data) is None:
            raise ValidationError(_("Enter a start, or write one behind each date."))
        return day, minute

    def client(self) -> Client:
        """The valid form's client."""
        return Client(self.name.data, self.email.data, "", self.timezone.data, self.locale.data)

    def times(self, page_zone: ZoneInfo) -> tuple[Sequence[Wall], ZoneInfo]:
        """The valid form's sessions on the clocks of a zone: what is repeated keeps its time on the
        page's, own dates are on the host's."""
        if self.is_own:
            return self.own, self.zone
        assert self.starts.data is not None
        assert self.count.data is not None
        first, _exists = instant_of((self.first_day.data, self.starts.data), self.zone)
        step = STEPS[Rhythm(self.rhythm.data)]
        return repeated(first, page_zone, step, self.count.data), page_zone


def _wall_of(
    year: str, month: str, day: str, hour: str | None, minute: str | None
) -> tuple[date, int | None] | None:
    """A day, and minutes after midnight where a time was written; None for what is no date."""
    minutes = int(hour) * 60 + int(minute) if hour and minute else None
    is_time = minutes is None or (minutes < MINUTES_A_DAY and int(minute or 0) < 60)
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return (found, minutes) if is_time and found.year in YEARS else None


def offered(client: Client) -> dict[str, Any]:
    """What the form shows of a client before anybody touches it."""
    return {
        "name": client.name,
        "email": client.email,
        "locale": client.locale,
        "timezone": client.timezone,
        "rhythm": Rhythm.WEEKLY,
        "count": 4,
    }


def local(at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """A start, as the form's day and time."""
    there = at.astimezone(zone)
    return {"first_day": there.date(), "starts": there.hour * 60 + there.minute}
