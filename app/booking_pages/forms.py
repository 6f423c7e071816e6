"""The booking page's form: its fields carry the column names.

Rows of hours and overrides are `hours-0-weekday`, `hours-0-opens`, `hours-0-closes`,
`overrides-0-date` and so on. What a request leaves out stays as it was offered.
"""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form, FormField, IntegerField, SelectChoice, SelectField
from wtforms.validators import DataRequired, Length, NumberRange, ValidationError

from ..forms import Line, LocalForm, Switch, Text
from ..i18n import current_language
from ..i18n import gettext as _
from ..zones import cities
from . import public_holidays, slugs
from .fields import ClockTime, Day, Filled, Rows, Whole
from .models import (
    DESCRIPTION_LENGTH,
    LOCATION_LENGTH,
    MINUTES_A_DAY,
    TITLE_LENGTH,
    BookingPage,
)
from .service import Draft, default_hours

COLUMNS = (
    "title", "slug", "description", "location", "duration", "increment", "buffer_before",
    "buffer_after", "notice", "horizon_days", "first_day", "last_day", "daily_limit", "timezone",
    "holidays", "auto_zoom",
)  # fmt: skip
NOTICES = (0, 60, 120, 240, 480, 720, 1440, 2880, 4320, 10080)


class RangeForm(Form):
    """`opens` and `closes` of one row."""

    opens = ClockTime(_l("From"))
    closes = ClockTime(_l("To"))

    def validate_closes(self, field: ClockTime) -> None:
        if field.data == 0:
            field.data = MINUTES_A_DAY
        opens, closes = self.opens.data, field.data
        if opens is not None and closes is not None and opens >= closes:
            raise ValidationError(_("The end must be later than the start."))


class HoursForm(RangeForm):
    """One range of one weekday; both times are needed."""

    weekday = IntegerField(_l("Weekday"), [NumberRange(0, 6)])
    opens = ClockTime(_l("From"), [Filled(_l("Enter a start, or remove these hours."))])
    closes = ClockTime(_l("To"), [Filled(_l("Enter an end, or remove these hours."))])


class OverrideForm(RangeForm):
    """One range of one date; without times the day is closed."""

    date = Day(_l("Date"))

    def validate_opens(self, field: ClockTime) -> None:
        if (field.data is None) != (self.closes.data is None):
            raise ValidationError(_("Enter both times, or neither for a day off."))

    def validate_date(self, field: Day) -> None:
        has_times = self.opens.data is not None or self.closes.data is not None
        if has_times and field.data is None and not field.errors:
            raise ValidationError(_("Choose a date, or remove this day."))


class PageForm(LocalForm):
    """New Booking Page, and its later changes."""

    title = Line(
        _l("Title"),
        [
            DataRequired(_l("Enter a title for your clients to see.")),
            Length(max=TITLE_LENGTH, message=_l("Use a shorter title.")),
        ],
    )
    slug = Line(_l("Address"))
    description = Text(
        _l("Description"),
        [Length(max=DESCRIPTION_LENGTH, message=_l("Use a shorter text."))],
    )
    location = Line(
        _l("Location"), [Length(max=LOCATION_LENGTH, message=_l("Use a shorter text."))]
    )
    duration = Whole(_l("Duration"), 5, 720)
    increment = Whole(_l("A start every"), 5, 720, optional=True)
    buffer_before = Whole(_l("Free time before"), 0, 720)
    buffer_after = Whole(_l("Free time after"), 0, 720)
    notice = SelectField(_l("Minimum notice"), coerce=int, validate_choice=False)
    horizon_days = Whole(_l("How far ahead"), 1, 730, optional=True)
    first_day = Day(_l("First bookable day"))
    last_day = Day(_l("Last bookable day"))
    daily_limit = Whole(_l("At most per day"), 1, 200, optional=True)
    timezone = SelectField(_l("Time zone"))
    holidays = SelectField(
        _l("Closed on the public holidays of"),
        coerce=lambda code: code or None,
        invalid_choice_message=_l("Choose a country from the list."),
    )
    auto_zoom = Switch(_l("Auto-create Zoom meeting"))
    hours = Rows(FormField(HoursForm))
    overrides = Rows(FormField(OverrideForm))

    def __init__(self, page: BookingPage, **kwargs: Any) -> None:
        super().__init__(data=offered(page), **kwargs)
        self.page_id = page.id
        self.timezone.choices = zone_choices(page.timezone)
        self.holidays.choices = country_choices
        self.notice.choices = sorted({*NOTICES, page.notice, self.notice.data or 0})

    def validate_slug(self, field: Line) -> None:
        field.data = (field.data or "").lower()
        if not field.data:
            return  # left empty: one is made from the title
        if not slugs.is_well_formed(field.data):
            raise ValidationError(
                _("Use lower-case letters a–z, digits and hyphens, for example “first-meeting”.")
            )
        if not slugs.is_free(field.data, self.page_id):
            raise ValidationError(
                _("This address is taken. “%(slug)s”, for example, is free.",
                  slug=slugs.suggest(field.data))
            )  # fmt: skip

    def validate_notice(self, field: SelectField) -> None:
        if field.data is None or not 0 <= field.data <= 525_600:
            raise ValidationError(_("Choose the minimum notice."))

    def validate_last_day(self, field: Day) -> None:
        first_day = self.first_day.data
        if field.data is not None and first_day is not None and field.data < first_day:
            raise ValidationError(_("The last day must not be before the first."))

    def draft(self) -> Draft:
        """The valid form's values, for the service."""
        columns = {name: self[name].data for name in COLUMNS}
        columns["description"] = columns["description"] or ""
        columns["location"] = columns["location"] or ""
        return Draft(
            columns=columns,
            hours=[(row.weekday.data, row.opens.data, row.closes.data) for row in self.hours],
            overrides=[
                (row.date.data, row.opens.data, row.closes.data)
                for row in self.overrides
                if row.date.data
            ],
        )


def offered(page: BookingPage) -> dict[str, Any]:
    """What the form shows before anybody touches it."""
    hours: Iterable[tuple[int, int, int]] = (
        [(row.weekday, row.opens, row.closes) for row in page.hours] if page.id else default_hours()
    )
    return {name: getattr(page, name) for name in COLUMNS} | {
        "hours": [dict(weekday=day, opens=opens, closes=closes) for day, opens, closes in hours],
        "overrides": [
            dict(date=row.date, opens=row.opens, closes=row.closes) for row in page.overrides
        ],
    }


def zone_choices(*always: str) -> list[str]:
    """IANA zones by region, plain names of cities, with UTC and those in `always`."""
    return sorted(cities() | {"UTC", *filter(None, always)})


def country_choices() -> list[SelectChoice]:
    """No country, Japan, and the others by their names in the reader's language."""
    names = public_holidays.country_names(current_language())
    return [
        SelectChoice("", _("no country")),
        *(SelectChoice(code, name) for code, name in names.items()),
    ]
