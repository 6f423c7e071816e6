"""Which countries' public holidays a page can close on, by name, and which come next."""

import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from babel import Locale

from .holidays import FIRST_COUNTRY, countries, holidays_in

SHOWN = 5


@lru_cache
def country_names(language: str) -> Mapping[str, str]:
    """The known countries by code, Japan first and then in the order of their names.

    The library knows some under a second code (UK beside GB); CLDR has a name for one.
    """
    territories = Locale.parse(language).territories
    names = {code: territories[code] for code in countries() if code in territories}
    return dict(sorted(names.items(), key=_place))


def next_holidays(
    country: str | None, today: date, language: str, count: int = SHOWN
) -> list[tuple[date, str]]:
    """The country's next public holidays from `today` on, soonest first; none of no country."""
    if not country:
        return []
    found = holidays_in(country, range(today.year, today.year + 2), language)
    return sorted((day, name) for day, name in found.items() if day >= today)[:count]


def _place(entry: tuple[str, str]) -> tuple[bool, str, str]:
    """Letters go before their marks, as in dictionaries: Åland at A, ブ beside フ."""
    code, name = entry
    full = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(character for character in full if not unicodedata.combining(character))
    return code != FIRST_COUNTRY, plain, full
