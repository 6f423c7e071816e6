"""Where a form and a saved page differ, in words: what was typed, and what is saved now."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from ..i18n import (
    current_language,
    day_in_words,
    leads_in_words,
    length_in_words,
    weekday_names,
)
from ..i18n import gettext as _
from ..schedules import public_holidays
from ..schedules.models import MINUTES_A_DAY
from ..schedules.row_forms import Override, typed_hours, typed_overrides
from .forms import COLUMNS, PageForm
from .models import BookingPage, Party
from .service import draft_of

LENGTHS = {"duration", "increment", "buffer_before", "buffer_after"}
LINE = "\n"


def differences_of(form: PageForm, page: BookingPage) -> list[tuple[str, str, str]]:
    """Label, typed and saved of each field of a valid form that says something else than the page."""
    typed, saved = form.draft(), draft_of(page)
    pairs = [
        (
            str(form[name].label.text),
            _column(name, typed.columns[name]),
            _column(name, saved.columns[name]),
        )
        for name in COLUMNS
        if name != "slug" or typed.columns[name]  # an empty one stays as it is
    ]
    pairs += [
        (_("Weekly hours"), _hours(typed.hours), _hours(saved.hours)),
        (_("Date overrides"), _overrides(typed.overrides), _overrides(saved.overrides)),
    ]
    pairs += [
        (
            str(form[f"{party}_reminders"].label.text),
            _reminders(typed.leads(party)),
            _reminders(saved.leads(party)),
        )
        for party in Party
    ]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _column(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if value is None or value == "":
        return _("empty")
    if name in {"notice", "change_notice"}:
        shortest = _("no minimum") if name == "notice" else _("until the start")
        before = _("%(length)s before the start", length=length_in_words(value))
        return before if value else shortest
    if name in LENGTHS:
        return length_in_words(value)
    if name == "holidays":
        return public_holidays.country_names(current_language()).get(value, value)
    return day_in_words(value) if isinstance(value, date) else str(value)


def _reminders(leads: Sequence[int]) -> str:
    return leads_in_words(leads) if leads else _("none")


def _hours(kept: Iterable[tuple[int, int, int]]) -> str:
    names = weekday_names("wide")
    lines = [f"{names[day]} {_range(opens, closes)}" for day, opens, closes in typed_hours(kept)]
    return LINE.join(lines) or _("Closed")


def _overrides(kept: Iterable[Override]) -> str:
    lines = [
        f"{day_in_words(day)} " + (_("Closed") if opens is None else _range(opens, closes or 0))
        for day, opens, closes in typed_overrides(list(kept))
    ]
    return LINE.join(lines) or _("empty")


def _range(opens: int, closes: int) -> str:
    first, last = (
        f"{minute // 60:02}:{minute % 60:02}" if minute < MINUTES_A_DAY else "24:00"
        for minute in (opens, closes)
    )
    return f"{first}–{last}"
