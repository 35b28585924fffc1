"""The kinds of text that XARF's rules speak of, each as JSON Schema rule and as check. Pure and linear.

Must never be looser than RFC 3339, 3986 and 5321 where a machine acts on the value, and never
stricter where only people read it: a URL may hold letters of any script.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from parsers import fields

Rule = dict[str, Any]

TEXT: Rule = {"type": "string"}
NAME: Rule = {"type": "string", "minLength": 3}
FLAG: Rule = {"type": "boolean"}
COUNT: Rule = {"type": "integer"}
SIZE: Rule = {"type": "integer", "minimum": 0}
IP: Rule = {"type": "string", "format": "ip"}
DATE: Rule = {"type": "string", "format": "date-time"}
EMAIL: Rule = {"type": "string", "format": "email"}
HOST: Rule = {"type": "string", "format": "hostname"}
URI: Rule = {"type": "string", "format": "uri"}
UUID: Rule = {"type": "string", "format": "uuid"}
NOT_ALLOWED: Rule = {"not": {}}

_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@([^\s@]{1,253})")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_URI = re.compile(r"[a-z][a-z0-9+.-]{0,30}:[^\s<>\"{}|\\^`\x00-\x1f]{1,4000}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def one_of(*words: str) -> Rule:
    return {"type": "string", "enum": list(words)}


def at_most(characters: int) -> Rule:
    return {"type": "string", "maxLength": characters}


def port(least: int) -> Rule:
    return {"type": "integer", "minimum": least, "maximum": 65535}


def list_of(rule: Rule, **more: int) -> Rule:
    return {"type": "array", "items": rule, **more}


def record(properties: dict[str, Any], *required: str, **more: Any) -> Rule:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def unless_there(one: str, *required: str) -> Rule:
    """`required` where there is no `one`."""
    return {"if": {"not": {"required": [one]}}, "then": {"required": list(required)}}


def _ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    seconds = text[:19].upper().replace(" ", "T")
    try:
        datetime.fromisoformat(seconds[:17] + min(seconds[17:], "59"))  # a leap second is a time
    except ValueError:
        return False
    return True


def _email(text: str) -> bool:
    found = _EMAIL.fullmatch(text)
    return bool(found and (_host(found[1]) or fields.host(found[1])))


def _host(text: str) -> bool:
    return bool(_HOST.fullmatch(text.lower()))


def _strings_only(check: Callable[[str], bool]) -> Callable[[object], bool]:
    """A format says nothing about what is no string; `type` does."""
    return lambda value: not isinstance(value, str) or check(value)


CHECKS: dict[str, Callable[[object], bool]] = {
    "ip": _strings_only(_ip),
    "date-time": _strings_only(_date),
    "email": _strings_only(_email),
    "hostname": _strings_only(_host),
    "uri": _strings_only(lambda text: bool(_URI.fullmatch(text))),
    "uuid": _strings_only(lambda text: bool(_UUID.fullmatch(text))),
}
