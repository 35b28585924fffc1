"""Dates as mail programs write them for people: `Mi., 27. Okt. 2021 um 09:31 Uhr`, `2026年1月6日(星期二) 下午3:30`.

For the block above a forwarded text, whose labels tell the language. Month names are CLDR's, from Babel. Must never
guess: a day and a month that cannot be told apart are no date, and a time without a zone says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType

from babel.core import UnknownLocaleError
from babel.dates import get_month_names

from parsers import fields
from parsers.fields import Time
from parsers.forward_words import folded

CHARS = 160
# Languages that write the day first also where all is in figures. English does both.
_EITHER = "en"
_YEAR_SIGN, _MONTH_SIGN, _DAY_SIGN = (
    f"(?:{'|'.join(folded(sign) for sign in signs)})" for signs in ("年년", "月월", "日일")
)
_YEAR_FIRST = re.compile(
    rf"(?<!\d)(\d{{4}})\s?(?:[-/.]|{_YEAR_SIGN})\s?(\d{{1,2}})\s?(?:[-/.]|{_MONTH_SIGN})\s?(\d{{1,2}})(?!\d)\s?(?:{_DAY_SIGN}|\.)?"
)
_FIGURES = re.compile(r"(?<![\d:])(\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})(?![\d:])")
_VIETNAMESE = re.compile(r"(?<!\d)(\d{1,2}) thang (\d{1,2}),? ?(?:nam )?(\d{4})(?!\d)")
_WORD = re.compile(r"[^\W\d_]{2,20}")
_DAY_BEFORE = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|\.|º|-)?(?: ?de| ?d'| ?of)?[ /-]?\Z")
_DAY_AFTER = re.compile(r"\.?,? ?(\d{1,2})(?:st|nd|rd|th)?(?![\d:])")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_CLOCK = re.compile(
    rf"(?<!\d)(\d{{1,2}})\s?(?:[:.時时点h]|{folded('시')})\s?(\d{{2}})(?!\d)(?:\s?[:.分]\s?(\d{{2}})(?!\d))?"
)
_AFTERNOON = tuple(folded(word) for word in ("下午", "午後", "오후", "晚上", "傍晚"))
_MORNING = tuple(folded(word) for word in ("上午", "午前", "오전", "凌晨", "早上", "清晨"))
_PM = re.compile(r"(?<![^\W\d_])(?:p\.? ?m\b|μ\.? ?μ\b|du\.|os\b|ch\b)")
_AM = re.compile(r"(?<![^\W\d_])(?:a\.? ?m\b|π\.? ?μ\b|de\.|oo\b|sa\b)")
_OFFSET = re.compile(r"(?:gmt|utc)?\s?([+-])(\d{1,2})(?::?(\d{2}))?(?!\d)")
_GREENWICH = re.compile(r"(?:gmt|utc)\s?([+-])(\d{1,2})(?::?(\d{2}))?(?!\d)")
_ZONES = {"gmt": 0, "utc": 0, "cet": 60, "cest": 120, "mez": 60, "mesz": 120, "eet": 120, "eest": 180, "msk": 180}
_ZONES |= {"jst": 540, "kst": 540, "est": -300, "edt": -240, "pst": -480, "pdt": -420, "mst": -420, "mdt": -360}
_NAMED = re.compile(rf"\b(?:{'|'.join(_ZONES)})\b")
_MOST_MINUTES = 15 * 60


def read(text: str, languages: Iterable[str] = (_EITHER,)) -> Time | None:
    """The time that a person would read there; the languages are those that it may be written in."""
    if _ISO.match(text) or fields.is_usual(text):
        return fields.time(text)
    spoken = tuple(languages) or (_EITHER,)
    flat = folded(text[:CHARS])
    found = _date(flat, spoken)
    if found is None:
        return None
    (year, month, day), start, end = found
    rest = f"{flat[:start]} {flat[end:]}"
    clock = _CLOCK.search(rest)
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    hour = _of_day(hour, rest)
    offset = _offset(rest, clock.end()) if clock else None
    try:
        value = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return Time(value - timedelta(minutes=offset or 0), zoned=offset is not None)
    except (ValueError, OverflowError):
        return None


def _date(flat: str, languages: tuple[str, ...]) -> tuple[tuple[int, int, int], int, int] | None:
    """((year, month, day), where it begins, where it ends)."""
    if hit := _YEAR_FIRST.search(flat):
        return (int(hit[1]), int(hit[2]), int(hit[3])), hit.start(), hit.end()
    if hit := _VIETNAMESE.search(flat):
        return (int(hit[3]), int(hit[2]), int(hit[1])), hit.start(), hit.end()
    if (written := _in_words(flat, languages)) is not None:
        return written
    if hit := _FIGURES.search(flat):
        day, month = int(hit[1]), int(hit[3])
        if month > 12:
            day, month = month, day
        elif day <= 12 and day != month and hit[2] != "." and _EITHER in languages:
            return None  # 02/10: the 2nd of October, or of February the 10th
        year = int(hit[4])
        return (year if year > 99 else 2000 + year, month, day), hit.start(), hit.end()
    return None


def _in_words(flat: str, languages: tuple[str, ...]) -> tuple[tuple[int, int, int], int, int] | None:
    year = _YEAR.search(flat)
    if year is None:
        return None
    found: list[tuple[bool, tuple[tuple[int, int, int], int, int]]] = []
    for word in _WORD.finditer(flat):
        month = _month(word[0], languages)
        start, end = word.span()
        if month is None:
            continue
        if before := _DAY_BEFORE.search(flat[:start]):
            whole = min(before.start(), year.start()), max(end, year.end())
            found.append((True, ((int(year[0]), month, int(before[1])), *whole)))
        elif (after := _DAY_AFTER.match(flat, end)) is not None:
            whole = min(start, year.start()), max(after.end(), year.end())
            found.append((False, ((int(year[0]), month, int(after[1])), *whole)))
    # `mar, 6 ene`: a short weekday may be a month, but the day stands before a month where both are there.
    found.sort(key=lambda one: not one[0])
    return found[0][1] if found else None


def _month(word: str, languages: tuple[str, ...]) -> int | None:
    """None for a word that is one month in one of the languages and another in another."""
    meant = {months[one] for months in map(_months, languages) for one in (word, word.lstrip("ב")) if one in months}
    return meant.pop() if len(meant) == 1 else None


@cache
def _months(language: str) -> MappingProxyType[str, int]:
    """Folded month names and their short forms, without a dot."""
    found: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            try:
                names = get_month_names(width, context, language.replace("-", "_"))
            except (UnknownLocaleError, ValueError):
                continue
            for number, name in names.items():
                found.setdefault(folded(name).rstrip(".॰"), number)
    found.setdefault("sept", 9)
    return MappingProxyType({name: number for name, number in found.items() if not name[:1].isdigit()})


def _of_day(hour: int, rest: str) -> int:
    if hour <= 12:
        if any(word in rest for word in _AFTERNOON) or _PM.search(rest):
            return hour % 12 + 12
        if any(word in rest for word in _MORNING) or _AM.search(rest):
            return hour % 12
    return hour


def _offset(rest: str, after: int) -> int | None:
    """Minutes east of Greenwich, None where no zone is named. Figures alone count behind the clock only."""
    if hit := _OFFSET.search(rest, after) or _GREENWICH.search(rest):
        minutes = int(hit[2]) * 60 + int(hit[3] or 0)
        return None if minutes > _MOST_MINUTES else -minutes if hit[1] == "-" else minutes
    named = _NAMED.search(rest, after)
    return _ZONES[named[0]] if named else None
