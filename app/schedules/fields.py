"""Fields of the host's forms: times, days and numbers as people type them, and rows of these."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms import DateField, Field, FieldList, Form, IntegerField, StringField
from wtforms.validators import StopValidation

from ..core.text import fold
from ..i18n import gettext as _
from .models import MINUTES_A_DAY

# Far enough from the ends of datetime's range that a zone's offset leads to neither.
YEARS = range(1970, 2201)
MOST_READ = 300  # of rows that were sent: what is too much is shown again, up to here
MOST_ROWS = 100  # of hours and other days of one page: every visitor's page reads them all


class ClockTime(StringField):
    """A wall-clock time as minutes after local midnight: `9:00`, `09:00`, `24:00`."""

    FORM = re.compile(r"(\d{1,2})(?::?(\d{2}))?(?::00)?")

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        text = fold(valuelist[0]) if valuelist else ""
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


class Day(DateField):
    """A local day, `2026-12-24`; left empty it is None."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist:
            return
        self.data = None
        text = fold(valuelist[0])
        if not text:
            return
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or day.year not in YEARS:
            raise ValueError(_("Enter a date like 2026-12-24."))
        self.data = day


class Filled:
    """Not empty, whether it was sent or offered (WTForms' own looks at what was sent only)."""

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if field.data is None:
            raise StopValidation(self.message)


class Rows(FieldList):
    """Rows that stay as offered when the request does not speak of them at all.

    The form says `<name>_shown`, so that no row left can be told from no word about rows. Fields
    of rows are `<name>-<number>-…`; what is named otherwise is an error.
    """

    NUMBER = re.compile(r"[0-9]{1,4}")
    errors: Sequence[Any]
    is_unreadable = False

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        spoken_of = formdata and any(
            key == f"{self.name}_shown" or key.startswith(f"{self.name}-") for key in formdata
        )
        super().process(formdata if spoken_of else None, data, extra_filters)

    def _extract_indices(self, prefix: str, formdata: Any) -> list[int]:
        found = set()
        for key in formdata:
            if not key.startswith(f"{prefix}-"):
                continue
            number = key.removeprefix(f"{prefix}-").partition("-")[0]
            if self.NUMBER.fullmatch(number):
                found.add(int(number))
            else:
                self.is_unreadable = True
        return sorted(found)[:MOST_READ]

    def validate(self, form: Form, extra_validators: Any = ()) -> bool:
        super().validate(form, extra_validators)
        if self.is_unreadable:
            self.errors = [*self.errors, _("Some rows could not be read. Check them, then save.")]
        return not self.errors

    @property
    def own_errors(self) -> list[str]:
        """Errors about the rows altogether; each row tells its own."""
        return [words for words in self.errors if isinstance(words, str)]

    def remove(self, index: int) -> None:
        """Take out the row whose field names carry `index`, and number the rest anew, as WTForms
        does with what is sent next; a row that has gone already is no fault."""
        if index < len(self.entries):
            self.pop_entry(index)


def too_many_rows() -> str:
    """What is wrong, and what to do."""
    return _("A page holds at most %(count)d ranges. Remove some, then save.", count=MOST_ROWS)


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
        text = fold(valuelist[0])
        # More digits than any limit has are no number; Python reads no more than some thousand.
        is_number = text.isascii() and text.isdecimal() and len(text) <= 9
        self.data = int(text) if is_number else None
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
