"""Public holidays by country, from the library `holidays`."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

FIRST_COUNTRY = "JP"
LIBRARY_LANGUAGES = {"en": "en_US"}


@lru_cache(maxsize=1)
def countries() -> tuple[str, ...]:
    """The known countries by ISO 3166-1 alpha-2 code; Japan first."""
    import holidays  # noqa: PLC0415  (half a second, for those who need it only)

    codes = {code for code in holidays.list_supported_countries() if len(code) == 2}
    return (FIRST_COUNTRY, *sorted(codes - {FIRST_COUNTRY}))


def holidays_in(country: str, years: range, language: str = "en") -> Mapping[date, str]:
    """The country's public holidays of these years by date, with names in `language` where the
    library has them, else in English. An unknown country has none."""
    return {day: name for year in years for day, name in _year(country, year, language).items()}


@lru_cache(maxsize=512)
def _year(country: str, year: int, language: str) -> Mapping[date, str]:
    import holidays  # noqa: PLC0415

    if country not in countries():
        return {}
    return dict(
        holidays.country_holidays(
            country, years=year, language=LIBRARY_LANGUAGES.get(language, language)
        )
    )
