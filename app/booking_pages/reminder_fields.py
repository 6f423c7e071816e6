"""The form's field of reminders: when, before the start, one party gets a mail."""

from collections.abc import Mapping
from typing import Any

from wtforms import Field

from ..core.text import fold
from ..i18n import gettext as _
from ..i18n import length_in_words

OFFERED = (1440, 60, 10)  # minutes before the start, as checkboxes
MOST = 5
LONGEST = 43_200  # 30 days
UNITS = (1, 60, 1440)  # minutes, hours, days
DIGITS = 5


class Reminders(Field):
    """Minutes before the start, the longest first: each an occurrence of the field's name, an empty one
    means none. What a request leaves out altogether stays as it was offered.

    One of the host's own may be typed as a number, `<name>-own`, of a unit in minutes,
    `<name>-unit`; left empty, it is none.
    """

    data: list[int]
    own = ""  # as typed
    unit = 60
    is_typed_amiss = False

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        self.offered = list(data or [])
        super().process(formdata, data, extra_filters)
        if formdata and any(name in formdata for name in (self.name, f"{self.name}-own")):
            self._read(formdata)
        self.data = sorted(set(self.data or []), reverse=True)

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read by `process`, which sees the own one too."""

    def _read(self, formdata: Any) -> None:
        chosen = [fold(text) for text in formdata.getlist(self.name)]
        found = [_whole(text) for text in chosen if text] if chosen else list(self.offered)
        self.own = fold(formdata.get(f"{self.name}-own") or "")[: DIGITS * 2]
        unit = _whole(fold(formdata.get(f"{self.name}-unit") or ""))
        self.unit = unit if unit in UNITS else self.unit
        # What is chosen stays chosen while the own one is put right.
        self.choices_sent = [minutes for minutes in found if minutes]
        if self.own:
            number = _whole(self.own)
            self.is_typed_amiss = not number or number * self.unit > LONGEST
            found.append(number * self.unit if number else None)
        self.data = [minutes for minutes in found if minutes]
        if any(not minutes or minutes > LONGEST for minutes in found):
            self.process_errors = [
                _(
                    "Enter a whole number. A reminder is %(shortest)s to %(longest)s before the start.",
                    shortest=length_in_words(1),
                    longest=length_in_words(LONGEST),
                )
            ]
        elif len(set(self.data)) > MOST:
            self.process_errors = [_("Choose at most %(count)d reminders.", count=MOST)]

    @property
    def chosen(self) -> Mapping[int, bool]:
        """The checkboxes: minutes before the start, and whether it is checked. What is offered
        to all, what is saved, and what was sent."""
        checked = self.__dict__.get("choices_sent", self.data)
        shown = {*OFFERED, *self.offered, *(one for one in checked if one <= LONGEST)}
        return {minutes: minutes in checked for minutes in sorted(shown, reverse=True)}


def _whole(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) <= DIGITS
    return int(text) if is_number else None
