"""The booking page's form: its fields carry the column names.

Rows of hours and overrides are `hours-0-weekday`, `hours-0-opens`, `hours-0-closes`,
`overrides-0-date` and so on. What a request leaves out stays as it was offered.
"""

import re
from collections.abc import Iterable
from typing import Any
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    Field,
    FieldList,
    Form,
    FormField,
    IntegerField,
    SelectField,
    StringField,
)
from wtforms.validators import (
    DataRequired,
    Length,
    NumberRange,
    Optional,
    StopValidation,
    ValidationError,
)

from ..forms import Line, Switch, Text, normalize_line
from ..i18n import gettext as _
from . import slugs
from .models import DESCRIPTION_LENGTH, LOCATION_LENGTH, TITLE_LENGTH, BookingPage
from .service import Draft, default_hours

MINUTES_A_DAY = 1440
REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
    "Indian", "Pacific",
)  # fmt: skip
COLUMNS = (
    "title", "slug", "description", "location", "duration", "increment", "buffer_before",
    "buffer_after", "notice", "horizon_days", "daily_limit", "timezone", "auto_zoom",
)  # fmt: skip
NOTICES = (0, 60, 120, 240, 480, 720, 1440, 2880, 4320, 10080)


class ClockTime(StringField):
    """A wall-clock time as minutes after local midnight: `9:00`, `09:00`, `24:00`."""

    FORM = re.compile(r"(\d{1,2})(?::?(\d{2}))?(?::00)?")

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        text = normalize_line(valuelist[0]) if valuelist else ""
        if not text:
            return
        match = self.FORM.fullmatch(text)
        hours, minutes = (int(match[1]), int(match[2] or 0)) if match else (99, 99)
        if minutes > 59 or hours * 60 + minutes > MINUTES_A_DAY:
            raise ValueError(_("Enter a time like 9:00 or 17:30."))
        self.data = hours * 60 + minutes

    def _value(self) -> str:
        if self.data is None:
            return self.raw_data[0] if self.raw_data else ""
        # A browser's time field knows no 24:00; closing at 00:00 is read as 24:00 again.
        return f"{self.data // 60 % 24:02}:{self.data % 60:02}"


class Filled:
    """Not empty, whether it was sent or offered (WTForms' own looks at what was sent only)."""

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if field.data is None:
            raise StopValidation(self.message)


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

    date = DateField(_l("Date"), [Optional()])

    def validate_opens(self, field: ClockTime) -> None:
        if (field.data is None) != (self.closes.data is None):
            raise ValidationError(_("Enter both times, or neither for a day off."))

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid: bool = super().validate(extra_validators)
        has_times = self.opens.data is not None or self.closes.data is not None
        # Not by `validate_date`: after Optional() has seen an empty field nobody asks that.
        if is_valid and has_times and self.date.data is None:
            self.date.errors = [_("Choose a date, or remove this day.")]
            return False
        return is_valid


class Rows(FieldList):
    """Rows that stay as offered when the request does not speak of them at all.

    The form says `<name>_shown`, so that no row left can be told from no word about rows.
    """

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        spoken_of = formdata and any(
            key == f"{self.name}_shown" or key.startswith(f"{self.name}-") for key in formdata
        )
        super().process(formdata if spoken_of else None, data, extra_filters)

    def row(self, index: int) -> FormField | None:
        """The row whose field names carry `index`."""
        return next((row for row in self.entries if row.name == f"{self.name}-{index}"), None)

    def remove(self, index: int) -> None:
        row = self.row(index)
        if row is not None:
            self.entries.remove(row)


class Whole(IntegerField):
    """A whole number within limits; left empty it is None, where that is allowed."""

    def __init__(
        self, label: Any, low: int, high: int, *, optional: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(label, render_kw={"inputmode": "numeric"}, **kwargs)
        self.low, self.high, self.optional = low, high, optional

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist:
            return
        text = normalize_line(valuelist[0])
        self.data = int(text) if text.isascii() and text.isdecimal() else None
        if not text and self.optional:
            return
        if self.data is None or not self.low <= self.data <= self.high:
            raise ValueError(
                _(
                    "Enter a whole number from %(low)s to %(high)s.",
                    low=self.low,
                    high=self.high,
                )
            )


class PageForm(FlaskForm):
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
    daily_limit = Whole(_l("At most per day"), 1, 200, optional=True)
    timezone = SelectField(_l("Time zone"))
    auto_zoom = Switch(_l("Auto-create Zoom meeting"))
    hours = Rows(FormField(HoursForm))
    overrides = Rows(FormField(OverrideForm))

    def __init__(self, page: BookingPage, **kwargs: Any) -> None:
        super().__init__(data=offered(page), **kwargs)
        self.page_id = page.id
        self.timezone.choices = zone_choices(page.timezone)
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
    cities = {name for name in available_timezones() if name.split("/")[0] in REGIONS}
    return sorted(cities | {"UTC", *(name for name in always if name)})
