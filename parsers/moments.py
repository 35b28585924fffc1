"""Times in running text, in log lines and in columns: wherever they stand, in the spellings that machines use.

Must never guess a zone: a time without one is taken for UTC and says so (`zoned` False). Two
spellings that mean different days (`03/04/2026`) are not read at all. Linear: every repetition
is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from parsers import fields

MOMENTS = 5_000  # found in one text
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Only names that mean one offset; CST, IST and BST are used for several.
_ZONES = {
    **dict.fromkeys(("z", "utc", "gmt", "ut"), 0),
    "cet": 60,
    "cest": 120,
    "mez": 60,
    "mesz": 120,
    "eet": 120,
    "eest": 180,
    "wet": 0,
    "west": 60,
    "msk": 180,
    "est": -300,
    "edt": -240,
    "cdt": -300,
    "mst": -420,
    "mdt": -360,
    "pst": -480,
    "pdt": -420,
    "jst": 540,
    "kst": 540,
}
_ZONE = (
    r"(?:(?:UTC|GMT)\s?[+-]\d{1,2}(?::?\d{2})?(?!\d)|[+-]\d{2}:?\d{2}(?!\d)"
    r"|(?:" + "|".join(sorted((name for name in _ZONES if name != "z"), key=len, reverse=True)) + r")\b|Z\b)"
)
_CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d{1,9})?(?:\s?([AaPp])\.?[Mm]\b)?"
_AFTER = rf"(?:\s{{0,2}}\(?({_ZONE}))?"
_MONTH = r"(" + "|".join(_MONTHS) + r")[a-z]{0,6}"
_ISO = re.compile(
    r"(?<![\d.])(\d{4})([-/.])(\d{2})\2(\d{2})(?:T|\s{1,3}|_|,\s?)(\d{2})([:-])(\d{2})(?:\6(\d{2}))?(?:[.,]\d{1,9})?"
    + _AFTER,
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(
    rf"(?<![\d.])(\d{{1,2}})[/ .-]{{1,2}}{_MONTH}[/ .,-]{{1,2}}(\d{{4}}|\d{{2}})(?:[:,T]"
    rf"|,?\s{{1,3}}(?:at\s)?){_CLOCK}{_AFTER}",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"(?<![a-z]){_MONTH}\.?\s{{1,2}}(\d{{1,2}})(?:st|nd|rd|th)?,?\s{{1,2}}(?:(\d{{4}}),?\s{{1,2}}(?:at\s)?)?{_CLOCK}"
    rf"(?:\s({_ZONE}))?(?:\s(\d{{4}})(?!\d))?{_AFTER}",
    re.IGNORECASE,
)
_DOTTED = re.compile(
    rf"(?<![\d.])(\d{{1,2}})[./](\d{{1,2}})([./])\s?(\d{{4}})(?:,?\s{{1,3}}(?:um\s|at\s|v\s)?|T){_CLOCK}{_AFTER}",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\s{0,4}(\d{10})(?:\d{3})?(?:\.\d{1,9})?\s{0,4}\Z")
_STATED = re.compile(
    rf"\b(?:time\s?zone|zeitzone|timestamps?|times|zeiten|dates)\b[^\n]{{0,40}}?[\s(:=]({_ZONE})", re.IGNORECASE
)


class Moment(NamedTuple):
    """`start` and `end` of the spelling in the text; `value` aware UTC; `zoned` False where UTC was taken.

    `zone` is the offset that was used.
    """

    start: int
    end: int
    value: datetime
    zoned: bool
    zone: timedelta = timedelta()


class Reading(NamedTuple):
    """What a text leaves out. `zone` counts where a time names none; `about` gives the year where none is written."""

    zone: timedelta | None = None
    about: datetime | None = None


PLAIN = Reading()


def moments(text: str, reading: Reading = PLAIN) -> Iterator[Moment]:
    """The times of a text, in no order, at most MOMENTS."""
    left = MOMENTS
    for pattern, reader in ((_ISO, _iso), (_DAY_FIRST, _day_first), (_MONTH_FIRST, _month_first), (_DOTTED, _dotted)):
        for hit in pattern.finditer(text):
            if (found := reader(hit, reading)) is not None:
                yield found
                left -= 1
                if not left:
                    return


def moment(text: str, reading: Reading = PLAIN) -> Moment | None:
    """The one time that a field or column holds: as in `moments`, as RFC 5322 has it, or seconds since 1970."""
    text = text.strip()[:200]
    if epoch := _EPOCH.match(text):
        return Moment(0, len(text), datetime.fromtimestamp(int(epoch[1]), UTC), zoned=True)
    if (at_once := _ISO.match(text)) and (when := _iso(at_once, reading)):
        return when  # what feeds write, in tables of thousands of rows
    found = sorted(moments(text, reading))
    if found:
        return found[0]
    other = fields.time(text)
    return Moment(0, len(text), other.value, other.zoned) if other else None


def line_time(line: str, reading: Reading = PLAIN) -> Moment | None:
    """The first time of a log line. In `04:05 ~ 05:05 (UTC)` the zone of the last counts for both."""
    found = sorted(moments(line, reading))
    if not found:
        return None
    later = next((one for one in found if one.zoned), None)
    if found[0].zoned or later is None:
        return found[0]
    return found[0]._replace(value=found[0].value - later.zone, zoned=True, zone=later.zone)


def stated_zone(text: str) -> timedelta | None:
    """The zone that a text says all its times are in: `Timestamps are UTC`, `Time zone: +0200`."""
    found = _STATED.search(text[:20_000])
    return _offset(found[1]) if found else None


def _iso(hit: re.Match[str], reading: Reading) -> Moment | None:
    year, _, month, day, hour, _, minute, second, zone = hit.groups()
    return _made(hit, (year, month, day, hour, minute, second), zone, reading)


def _day_first(hit: re.Match[str], reading: Reading) -> Moment | None:
    day, name, year, hour, minute, second, half, zone = hit.groups()
    month = _MONTHS.index(name.lower()) + 1
    written = year if len(year) == 4 else f"20{year}"
    return _made(hit, (written, str(month), day, _hour(hour, half), minute, second), zone, reading)


def _month_first(hit: re.Match[str], reading: Reading) -> Moment | None:
    name, day, year, hour, minute, second, half, zone, late_year, late_zone = hit.groups()
    month = _MONTHS.index(name.lower()) + 1
    values = (year or late_year or "", str(month), day, _hour(hour, half), minute, second)
    return _made(hit, values, zone or late_zone, reading)


def _dotted(hit: re.Match[str], reading: Reading) -> Moment | None:
    first, second_, sign, year, hour, minute, second, half, zone = hit.groups()
    if sign == "/" and int(first) <= 12 and int(second_) <= 12 and first != second_:
        return None  # day or month first: nobody knows
    day, month = (second_, first) if int(second_) > 12 else (first, second_)
    return _made(hit, (year, month, day, _hour(hour, half), minute, second), zone, reading)


def _hour(hour: str, half: str | None) -> str:
    if half is None:
        return hour
    return str(int(hour) % 12 + (12 if half in "pP" else 0))


def _made(
    hit: re.Match[str], values: tuple[str, str, str, str, str, str | None], zone: str | None, reading: Reading
) -> Moment | None:
    year, month, day, hour, minute, second = values
    offset = _offset(zone) if zone else reading.zone
    try:
        if year:
            written = datetime(int(year), int(month), int(day), int(hour), int(minute), _second(second), tzinfo=UTC)
        elif reading.about is None:
            return None
        else:
            written = datetime(
                reading.about.year, int(month), int(day), int(hour), int(minute), _second(second), tzinfo=UTC
            )
            if written > reading.about + timedelta(days=2):  # last December's line in a mail of January
                written = written.replace(year=written.year - 1)
        value = written - (offset or timedelta())
    except (ValueError, OverflowError):
        return None
    return Moment(hit.start(), hit.end(), value, offset is not None, offset or timedelta())


def _second(text: str | None) -> int:
    return min(int(text or "0"), 59)


def _offset(zone: str) -> timedelta | None:
    """Of `+0200`, `UTC+2`, `CEST`; None where the name means several."""
    name = zone.strip().lower()
    if name in _ZONES:
        return timedelta(minutes=_ZONES[name])
    found = re.fullmatch(r"(?:utc|gmt)?\s?([+-])(\d{1,2}):?(\d{2})?", name)
    if not found or int(found[2]) > 14:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or "0")
    return timedelta(minutes=-minutes if found[1] == "-" else minutes)
