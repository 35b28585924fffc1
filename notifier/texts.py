"""The words of our notices: templates by locale, facts filled in as data.

A template is `templates/LOCALE/KIND.txt`: `Subject: ...`, an empty line, the body; names that
begin with `_` are for including. Whatever a template prints is one cleaned, defanged line, so
that a fact taken from a report can neither add lines to our text nor bring a live link into
it; only what a template itself passes through `own_link` stays a link. Must never decide
whether or to whom something is said.

Filters: `own_link` (our own address or page), `dead` (a host or URI of the report),
`duration` (a timedelta or seconds, in hours and minutes), `plural(one=..., few=..., other=...)` (a number and
the word in the form that the language wants with it, by CLDR). Times print themselves in the
notice's language with their zone: `timezone` among the facts (an IANA name), else UTC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import FileSystemLoader, Template, TemplateError, pass_context
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.headers import clean
from notifier.links import dead_host, defang

PACKAGED = Path(__file__).parent / "templates"
FALLBACK = "en"
_BABEL = {"en": "en_GB"}  # day before month, as in the rest of the world's English
_LONGEST_FACT = 1000  # characters


class _Own(str):
    """Text of our own that is printed as it is (cleaned, never defanged)."""

    __slots__ = ()


class Texts:
    """The templates of a folder, read once and kept.

    `folder` has the layout of the packaged one, and may hold as little as one file: what it lacks is taken from
    `beneath` (by default what is packaged), included files too. A locale or kind that both lack is English.
    """

    def __init__(self, folder: Path = PACKAGED, beneath: Path = PACKAGED) -> None:
        self._folders = tuple(dict.fromkeys((folder, beneath)))
        self._pairs: dict[tuple[str, str], tuple[Template, Template]] = {}
        self._environments: dict[str, ImmutableSandboxedEnvironment] = {}

    def render(self, kind: str, language: str, facts: Mapping[str, object]) -> tuple[str, str]:
        """Subject and body (lines end with LF). Raises TemplateError or ValueError: a broken template."""
        subject, body = self._pair(kind, self._locale(kind, language))
        return clean(subject.render(facts), 200), body.render(facts).strip("\n") + "\n"

    def _locale(self, kind: str, language: str) -> str:
        locale = language.replace("_", "-").partition("-")[0].lower()
        if (kind, locale) in self._pairs:
            return locale
        known = locale.isalpha() and any((folder / locale / f"{kind}.txt").is_file() for folder in self._folders)
        return locale if known else FALLBACK

    def own(self) -> list[tuple[str, str]]:
        """(kind, locale) of the operator's own templates. Raises TemplateError for the first that is broken."""
        found = [] if len(self._folders) == 1 else sorted(self._folders[0].glob("*/*.txt"))
        named = [(path.stem, path.parent.name) for path in found if not path.name.startswith("_")]
        for kind, locale in named:
            self._pair(kind, locale)
        return named

    def _pair(self, kind: str, locale: str) -> tuple[Template, Template]:
        pair = self._pairs.get((kind, locale))
        if pair is None:
            pair = self._pairs[kind, locale] = self._read(kind, locale)
        return pair

    def _read(self, kind: str, locale: str) -> tuple[Template, Template]:
        places = [folder / locale / f"{kind}.txt" for folder in self._folders]
        path = next((place for place in places if place.is_file()), places[-1])
        try:
            head, empty, body = path.read_text(encoding="utf-8").partition("\n\n")
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateError(f"the template {path} cannot be read: {error}") from error
        if not head.startswith("Subject: ") or "\n" in head or not empty:
            raise TemplateError(f"the template {path} does not begin with one line 'Subject: ...' and an empty line")
        environment = self._environments.get(locale)
        if environment is None:
            environment = self._environments[locale] = _environment(
                [folder / locale for folder in self._folders], locale
            )
        try:
            return environment.from_string(head.removeprefix("Subject: ")), environment.from_string(body)
        except TemplateError as error:
            raise TemplateError(f"the template {path} is broken: {error}") from error


@cache
def packaged() -> Texts:
    """The texts that come with arfgate: as good as a constant, compiled when first needed."""
    return Texts()


def _environment(folders: Sequence[Path], locale: str) -> ImmutableSandboxedEnvironment:
    language = _BABEL.get(locale, locale)

    @pass_context
    def shown(context: Context, value: object) -> str:
        if isinstance(value, str):  # nearly all
            return value if isinstance(value, _Own) else defang(clean(value, _LONGEST_FACT))
        return _shown(value, language, _zone(context.get("timezone")))

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folders),
        finalize=shown,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["own_link"] = lambda value: _Own(clean(str(value), _LONGEST_FACT))
    environment.filters["dead"] = _dead
    environment.filters["plural"] = lambda value, **forms: _plural(value, forms, language)
    environment.filters["duration"] = lambda value: _Own(_duration(value, language))
    return environment


def _dead(value: object) -> _Own:
    text = clean(str(value), _LONGEST_FACT)
    return _Own(defang(text) if "://" in text else dead_host(text))


def _shown(value: object, language: str, zone: tzinfo) -> str:
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, str):
        return value if isinstance(value, _Own) else defang(clean(value, _LONGEST_FACT))
    if isinstance(value, datetime):
        return _time(value, language, zone)
    if isinstance(value, timedelta):
        return _duration(value, language)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_shown(item, language, zone) for item in list(value)[:50])
    return defang(clean(str(value), _LONGEST_FACT))


def _time(moment: datetime, language: str, zone: tzinfo) -> str:
    """`2 January 2026 03:04:05 UTC`, or with `UTC+08:00`: a time without its zone is no evidence."""
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment} has no zone: facts are aware UTC datetimes")
    local = moment.astimezone(zone)
    offset = local.strftime("%z")
    shown = "UTC" if offset in {"+0000", ""} else f"UTC{offset[:3]}:{offset[3:5]}"
    return f"{_day(local.date(), language)} {local:%H:%M:%S} {shown}"


@lru_cache(maxsize=64)
def _day(day: date, language: str) -> str:
    """The mails of an hour name the same few days, and Babel looks its locale up anew for each."""
    return format_date(day, "long", locale=language)


def _duration(value: object, language: str) -> str:
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(str(value))
    hours, minutes = divmod(max(0, round(seconds / 60)), 60)
    parts = [(hours, "duration-hour")] if hours else []
    if minutes or not hours:
        parts.append((minutes, "duration-minute"))
    return " ".join(_unit(number, unit, language) for number, unit in parts)


def _plural(value: object, forms: Mapping[str, str], language: str) -> str:
    """`24 hours`, `24 de ore`. What is no number is shown as any fact, with the word for many."""
    try:
        number = float(str(value)[:20])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return f"{value} {forms['other']}"
    shown, form = _counted(number, language)
    return _Own(f"{shown} {forms.get(form, forms['other'])}")


@lru_cache(maxsize=256)
def _counted(number: float, language: str) -> tuple[str, str]:
    """The number as the language writes it, and which form of a word it wants: Babel needs long, and most are 24."""
    number = int(number) if number.is_integer() else number
    return format_decimal(number, locale=language), Locale.parse(language).plural_form(number)


def _unit(number: int, unit: str, language: str) -> str:
    shown: str = format_unit(number, unit, length="long", locale=language)
    # Where a language has no long form (Chinese), Babel prints the name of the unit instead of the short one.
    return format_unit(number, unit, length="short", locale=language) if unit in shown else shown


def _zone(name: object) -> tzinfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else UTC
    except (OSError, ValueError, LookupError):  # unknown or malformed: a wrong setting must not keep a notice back
        return UTC
