"""Time zones: the rules of the pinned package `tzdata`, and one name for each zone.

Python would ask the machine's zone files first, whatever their age. Importing this module ends
that for the whole process, so `app/__init__.py` imports it before all else.
"""

import zoneinfo
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TypeGuard

zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()

import tzdata  # noqa: E402
from babel.core import get_global  # noqa: E402

RULES_VERSION: str = tzdata.IANA_VERSION
REGIONS = frozenset({
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
    "Indian", "Pacific",
})  # fmt: skip
_DATA = files("tzdata") / "zoneinfo"


def version_in_force() -> str:
    """The version of the zone rules this process reads: that of the pinned package.

    :raises RuntimeError: other zone files come first, or the package's data is of another version.
    """
    with (_DATA / "tzdata.zi").open(encoding="utf-8") as rules:
        found = rules.readline().removeprefix("# version").strip()
    if zoneinfo.TZPATH or found != RULES_VERSION:
        raise RuntimeError(
            f"Zone rules: expected those of the package tzdata ({RULES_VERSION}), found"
            f" {found} behind the path {zoneinfo.TZPATH!r}. Remove what sets that path, and"
            " install the packages of requirements.txt anew."
        )
    return found


def is_timezone(name: str | None) -> TypeGuard[str]:
    """Whether `name` is an IANA zone in which somebody's clock can run."""
    return name in zone_names()


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every zone and every former name of one. Read once a process."""
    return frozenset(zoneinfo.available_timezones() - {"Factory", "localtime", "posixrules"})


def canonical_zone(name: str) -> str:
    """The present name of a zone: `Asia/Kolkata` for `Asia/Calcutta`, `UTC` for `Etc/Zulu`.

    A name that is no zone comes back as it is.
    """
    return _present_names().get(name, name)


def read_zone(name: str | None) -> str | None:
    """The present name of the zone a browser or an address names; None: it names none."""
    return canonical_zone(name) if is_timezone(name) else None


@lru_cache(maxsize=1)
def cities() -> frozenset[str]:
    """Zones to choose from, each under its present name alone."""
    return frozenset(
        name
        for name in zone_names()
        if name.split("/")[0] in REGIONS and canonical_zone(name) == name
    )


@lru_cache(maxsize=1)
def _present_names() -> Mapping[str, str]:
    """Present names by former ones.

    IANA's `zone.tab` lists the names in use. CLDR groups the names of one place, which browsers
    report; where it knows none, IANA's own link leads on. A link between two names in use
    (Amsterdam's to Brussels) is no renaming, and is not followed.
    """
    in_use = {line.split("\t")[2] for line in _lines("zone.tab") if not line.startswith("#")}
    links = {link: to for kind, to, link in _rows("tzdata.zi", "L")}
    groups: dict[str, set[str]] = {}
    aliases: Mapping[str, str] = get_global("zone_aliases")
    for alias, known in aliases.items():
        groups.setdefault(known, {known}).add(alias)
    present: dict[str, str] = {}
    for name in zone_names() - in_use:
        group = groups.get(aliases.get(name, name), set()) & in_use
        target = next(iter(group)) if len(group) == 1 else links.get(name, name)
        if target in {"Etc/UTC", "Etc/GMT"} or name in {"Etc/UTC", "Etc/GMT"}:
            target = "UTC"
        present[name] = target
    return present


def _lines(name: str) -> list[str]:
    return (_DATA / name).read_text(encoding="utf-8").splitlines()


def _rows(name: str, kind: str) -> list[list[str]]:
    return [row for line in _lines(name) if (row := line.split()) and row[0] == kind]
