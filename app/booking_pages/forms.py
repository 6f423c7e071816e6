"""The booking page's form: its fields carry the column names.

Rows of hours and overrides are `hours-0-weekday`, `hours-0-opens`, `hours-0-closes`,
`overrides-0-date` and so on. What a request leaves out stays as it was offered.
"""

import re
from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FormField, HiddenField, SelectChoice, SelectField
from wtforms.validators import DataRequired, Length, ValidationError

from ..core.text import fold
from ..i18n import current_language
from ..i18n import gettext as _
from ..i18n.zones import cities
from ..schedules import public_holidays
from ..schedules.fields import MOST_ROWS, Day, Rows, Whole, too_many_rows
from ..schedules.row_forms import (
    HoursForm,
    OverrideForm,
    kept_hours,
    kept_overrides,
    tell_lonely_nights,
    typed_hours,
    typed_overrides,
)
from ..web.forms import Line, LocalForm, LongSelect, Switch, Text
from . import slugs
from .models import (
    DESCRIPTION_LENGTH,
    LOCATION_LENGTH,
    TITLE_LENGTH,
    BookingPage,
    Party,
)
from .reminder_fields import Reminders
from .service import Draft, default_hours, default_reminders, draft_of

VERSION = re.compile(r"[0-9]{1,9}")
NOTICES = (0, 60, 120, 240, 480, 720, 1440, 2880, 4320, 10080)
LONGEST_NOTICE = 525_600


def _whole(text: Any) -> int | None:
    """Minutes as they were sent; None for what is no number."""
    try:
        return int(text)
    except ValueError:
        return None


def _notices(*more: int | None) -> list[int]:
    """What a notice may be, with what is saved and what was sent."""
    return sorted({*NOTICES, *(one for one in more if one and 0 < one <= LONGEST_NOTICE)})


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
    increment = Whole(_l("Start times every"), 5, 720, optional=True)
    buffer_before = Whole(_l("Buffer before"), 0, 720)
    buffer_after = Whole(_l("Buffer after"), 0, 720)
    notice = SelectField(_l("Minimum notice"), coerce=_whole, validate_choice=False)
    change_notice = SelectField(
        _l("Latest time for client changes"), coerce=_whole, validate_choice=False
    )
    horizon_days = Whole(_l("How far ahead"), 1, 730, optional=True)
    first_day = Day(_l("First bookable day"))
    last_day = Day(_l("Last bookable day"))
    daily_limit = Whole(_l("At most per day"), 1, 200, optional=True)
    timezone = SelectField(_l("Time zone"), widget=LongSelect())
    holidays = SelectField(
        _l("Closed on the public holidays of"),
        widget=LongSelect(),
        coerce=lambda code: code or None,
        invalid_choice_message=_l("Choose a country from the list."),
    )
    auto_zoom = Switch(_l("Auto-create Zoom meeting"))
    client_reminders = Reminders(_l("Reminders to the client"))
    host_reminders = Reminders(_l("Reminders to you"))
    version = HiddenField()
    form_key = HiddenField()
    hours = Rows(FormField(HoursForm))
    overrides = Rows(FormField(OverrideForm))

    def __init__(self, page: BookingPage, **kwargs: Any) -> None:
        super().__init__(data=offered(page), **kwargs)
        self.page_id = page.id
        self.timezone.choices = zone_choices(page.timezone)
        self.holidays.choices = country_choices
        self.notice.choices = _notices(page.notice, self.notice.data)
        self.change_notice.choices = _notices(page.change_notice, self.change_notice.data)

    def validate_slug(self, field: Line) -> None:
        field.data = fold(field.data).lower()
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
        if field.data is None or not 0 <= field.data <= LONGEST_NOTICE:
            raise ValidationError(_("Choose the minimum notice."))

    def validate_change_notice(self, field: SelectField) -> None:
        if field.data is None or not 0 <= field.data <= LONGEST_NOTICE:
            raise ValidationError(_("Choose the latest time for client changes."))

    def validate_last_day(self, field: Day) -> None:
        first_day = self.first_day.data
        if field.data is not None and first_day is not None and field.data < first_day:
            raise ValidationError(_("The last day must not be before the first."))

    def validate_overrides(self, field: Rows) -> None:
        if tell_lonely_nights([row.form for row in field]):
            field.errors = [row.errors for row in field]

    def validate_hours(self, field: Rows) -> None:
        if len(field) + len(self.overrides) > MOST_ROWS:
            raise ValidationError(too_many_rows())

    @property
    def version_sent(self) -> int | None:
        """The page's version that the form was filled in from; None where it does not say, and 0,
        which is nobody's, where it says nonsense."""
        if not self.version.raw_data:
            return None
        text = str(self.version.raw_data[0])
        return int(text) if VERSION.fullmatch(text) else 0

    def draft(self) -> Draft:
        """The valid form's values, for the service."""
        columns = {name: self[name].data for name in COLUMNS}
        columns["description"] = columns["description"] or ""
        columns["location"] = columns["location"] or ""
        return Draft(
            columns=columns,
            hours=kept_hours(row.form for row in self.hours),
            overrides=kept_overrides(row.form for row in self.overrides),
            reminders=[
                (party, minutes) for party in Party for minutes in self[f"{party}_reminders"].data
            ],
        )


# What the form fills in of a page's row, in the form's order. Its fields carry the columns' names, so
# each is named in the model and in the form, and nowhere else.
COLUMNS = tuple(
    sorted(
        (set(BookingPage.__table__.columns.keys()) & set(dir(PageForm))) - {"version", "form_key"},
        key=lambda name: getattr(PageForm, name).creation_counter,  # WTForms' own order of fields
    )
)


def offered(page: BookingPage) -> dict[str, Any]:
    """What the form shows before anybody touches it."""
    saved = draft_of(page)
    if not page.id:
        saved = replace(saved, hours=default_hours(), reminders=default_reminders())
    hours = typed_hours(saved.hours)
    return {name: saved.columns[name] for name in (*COLUMNS, "version")} | {
        "hours": [dict(weekday=day, opens=opens, closes=closes) for day, opens, closes in hours],
        "overrides": [
            dict(date=day, opens=opens, closes=closes)
            for day, opens, closes in typed_overrides(saved.overrides)
        ],
        **{f"{party}_reminders": saved.leads(party) for party in Party},
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
