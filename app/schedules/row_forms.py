"""Rows of the page's form: ranges of a weekday, ranges of a date."""

from collections.abc import Iterable, Sequence
from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import Form, IntegerField
from wtforms.validators import NumberRange, ValidationError

from ..i18n import day_in_words, weekday_names
from ..i18n import gettext as _
from .fields import ClockTime, Day, Filled
from .ranges import end_of_range, join, next_date, next_weekday, runs_over, split

Override = tuple[date, int | None, int | None]


class RangeForm(Form):
    """`opens` and `closes` of one row; an end before the start is on the next day."""

    opens = ClockTime(_l("From"))
    closes = ClockTime(_l("To"))

    def validate_closes(self, field: ClockTime) -> None:
        field.data = end_of_range(field.data)
        opens, closes = self.opens.data, field.data
        if opens is None or closes is None or opens < closes or runs_over(opens, closes):
            return
        raise ValidationError(
            _(
                "The end must be later than the start."
                " After midnight, up to twelve hours count as the next day."
            )
        )

    @property
    def range(self) -> tuple[int, int] | None:
        """Both times as minutes after midnight, where both are typed."""
        opens, closes = self.opens.data, self.closes.data
        return None if opens is None or closes is None else (opens, closes)

    @property
    def runs_over(self) -> bool:
        """Whether the range, as far as it is typed, ends on the next day."""
        return self.range is not None and runs_over(*self.range)


class HoursForm(RangeForm):
    """One range of one weekday; both times are needed."""

    weekday = IntegerField(_l("Weekday"), [NumberRange(0, 6)])
    opens = ClockTime(_l("From"), [Filled(_l("Enter a start, or remove these hours."))])
    closes = ClockTime(_l("To"), [Filled(_l("Enter an end, or remove these hours."))])

    @property
    def place(self) -> str:
        """The day's name, for an error that is read away from its row."""
        weekday = self.weekday.data
        return weekday_names("wide")[weekday] if weekday in range(7) else ""


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

    @property
    def place(self) -> str:
        """The date in words, for an error that is read away from its row."""
        return day_in_words(self.date.data) if self.date.data else _("New day")


def kept_hours(rows: Iterable[HoursForm]) -> list[tuple[int, int, int]]:
    """Valid rows as they are kept: no range runs past midnight."""
    return split([(row.weekday.data, *row.range) for row in rows if row.range], next_weekday)


def typed_hours(kept: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Kept hours as a person would type them."""
    return join(kept, next_weekday)


def kept_overrides(rows: Iterable[OverrideForm]) -> list[Override]:
    """Valid rows as they are kept; those without a date were left empty."""
    dated = [row for row in rows if row.date.data]
    closed = dict.fromkeys((row.date.data, None, None) for row in dated if row.range is None)
    timed = split([(row.date.data, *row.range) for row in dated if row.range], next_date)
    return [*closed, *timed]


def typed_overrides(kept: Sequence[Override]) -> list[Override]:
    """Kept overrides as a person would type them, by date.

    A night is one range only where its next date has a row of its own as well: that date's usual
    hours are replaced, and the form says so.
    """
    closed = [row for row in kept if row[1] is None]
    timed = [
        (day, opens, closes)
        for day, opens, closes in kept
        if opens is not None and closes is not None
    ]
    typed: list[Override] = []
    joined = join(timed, next_date)
    listed = {day for day, _opens, _closes in [*closed, *joined]}
    for day, opens, closes in joined:
        is_whole = not runs_over(opens, closes) or next_date(day) in listed
        typed += [(day, opens, closes)] if is_whole else split([(day, opens, closes)], next_date)
    return sorted([*closed, *typed], key=lambda row: (row[0], row[1] or 0))


def tell_lonely_nights(rows: Sequence[OverrideForm]) -> bool:
    """An error at each range that runs into a date without a row: that date's own hours would be
    replaced by the end of this night. Whether there is any."""
    listed = {row.date.data for row in rows}
    has_any = False
    for row in rows:
        day = row.date.data
        if day and row.runs_over and not row.errors and next_date(day) not in listed:
            row.closes.errors = [
                _(
                    "After midnight it is %(day)s: add that day too, with all of its hours.",
                    day=day_in_words(next_date(day)),
                )
            ]
            has_any = True
    return has_any
