"""Dates that programs write instead of RFC 5322's, put into words that a plain reader understands.

JavaScript's `Tue Jan 06 2026 08:30:07 GMT+0100 (Central ...)`, a web server's `06/Jan/2026:08:30:07 +0100`, ISO with
signs and blanks of its own, twelve-hour clocks, zones by name. Text in, text out; must never decide between two
readings: a zone name with several meanings stays and is unknown.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_JAVASCRIPT = re.compile(r"\b(?:GMT|UTC)\s?([+-])(\d{1,2}):?(\d{2})?(?!\d)(?:\s{0,2}\([^()]{0,60}\))?", re.IGNORECASE)
_SERVER = re.compile(r"\[?(\d{1,2})/([A-Za-z]{3})/(\d{4}):(\d\d:\d\d:\d\d)")
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})[T ,]{1,2}(\d{1,2}:\d\d(?::\d\d)?)(?:[.,]\d{1,9})?")
_HALF_DAYS = re.compile(r"\b(\d{1,2})(:\d\d(?::\d\d)?)\s?([ap])\.?m\b\.?", re.IGNORECASE)
_COLON_ZONE = re.compile(r"(?<=[\d ])([+-])(\d{1,2}):(\d\d)\b")
_EPOCH = re.compile(r"(\d{10})(?:\.\d{1,9}|\d{3})?\Z")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Only names that mean one offset. CST, IST and BST are used for several; the American ones `email` knows.
_ZONES = {
    "CET": "+0100",
    "CEST": "+0200",
    "MET": "+0100",
    "MEST": "+0200",
    "MEZ": "+0100",
    "MESZ": "+0200",
    "EET": "+0200",
    "EEST": "+0300",
    "WET": "+0000",
    "WEST": "+0100",
    "MSK": "+0300",
    "JST": "+0900",
    "KST": "+0900",
    "HKT": "+0800",
    "SGT": "+0800",
    "NZST": "+1200",
    "NZDT": "+1300",
    "AEST": "+1000",
    "AEDT": "+1100",
    "AWST": "+0800",
    "SAST": "+0200",
    "BRT": "-0300",
}
_NAMED = re.compile(rf"(?<=[\d ])(?:{'|'.join(_ZONES)})\b")
_NUMBERED = re.compile(r"[+-]\d{4}\b")


def plain(text: str) -> str:
    """`text` (at most 100 characters count) as a date of RFC 5322 where it is one of those above, else as it was."""
    text = text.strip()[:100]
    if epoch := _EPOCH.match(text):
        return datetime.fromtimestamp(int(epoch[1]), UTC).strftime("%d %b %Y %H:%M:%S +0000")
    text = _JAVASCRIPT.sub(lambda hit: f"{hit[1]}{int(hit[2]):02}{hit[3] or '00'}", text)
    text = _SERVER.sub(r"\1 \2 \3 \4", text)
    if (iso := _ISO.match(text)) and 1 <= int(iso[3]) <= 12:
        rest = text[iso.end() :].strip().replace("Z", "+0000")
        text = f"{iso[4]} {_MONTHS[int(iso[3]) - 1]} {iso[1]} {iso[5]} {rest}".strip()
    text = _HALF_DAYS.sub(_whole_day, text)
    text = _COLON_ZONE.sub(lambda hit: f"{hit[1]}{int(hit[2]):02}{hit[3]}", text)
    if not _NUMBERED.search(text):
        text = _NAMED.sub(lambda hit: _ZONES[hit[0]], text, count=1)
    return text


def _whole_day(hit: re.Match[str]) -> str:
    hour = int(hit[1])
    return hit[0] if hour > 12 else f"{hour % 12 + (12 if hit[3] in 'pP' else 0):02}{hit[2]}"
