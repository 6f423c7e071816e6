"""Languages, and days, times and zones in words. It imports nothing of CalSync but core."""

# First of all: it decides whose zone rules the process reads.
from . import zones

# isort: split
from flask import Flask

from . import language
from .language import (
    COOKIE,
    DEFAULT_LANGUAGE,
    LANGUAGES,
    choose_language,
    current_language,
    gettext,
    language_in_address,
    ngettext,
    use_language,
)
from .words import (
    clock_time,
    day_in_words,
    leads_in_words,
    length_in_words,
    month_in_words,
    offset_in_words,
    short_day,
    time_range,
    weekday_names,
    zone_in_words,
    zone_name,
)

__all__ = [
    "COOKIE",
    "DEFAULT_LANGUAGE",
    "LANGUAGES",
    "choose_language",
    "clock_time",
    "current_language",
    "day_in_words",
    "gettext",
    "init_app",
    "language_in_address",
    "leads_in_words",
    "length_in_words",
    "month_in_words",
    "ngettext",
    "offset_in_words",
    "short_day",
    "time_range",
    "use_language",
    "weekday_names",
    "zone_in_words",
    "zone_name",
    "zones",
]


def init_app(app: Flask) -> None:
    """Bind gettext and give templates the words for days and times."""
    language.init_app(app)
    app.jinja_env.globals.update(
        day_in_words=day_in_words,
        short_day=short_day,
        month_in_words=month_in_words,
        clock_time=clock_time,
        time_range=time_range,
        zone_in_words=zone_in_words,
        zone_name=zone_name,
        leads_in_words=leads_in_words,
        length_in_words=length_in_words,
        weekday_names=weekday_names,
    )
