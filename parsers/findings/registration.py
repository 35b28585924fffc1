"""Does the text hold a business registration number, as every bulk mail has to (duty MED-2)?

Only where a label says that it is one: US EIN, UK company number, VAT numbers of the EU's
member states and their national labels, China's unified social credit code, Romania's CUI
and trade register, and some more. A number that belongs to the reader ("your VAT number")
is not the sender's, and not told.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType
from typing import NamedTuple

from parsers import company_numbers, vat
from parsers.report import Finding
from parsers.reported import ReportedMail

HITS = 300  # numbers looked at in one text
LABEL_CHARS = 60  # in which a label stands before its number
TOLD = 5
CHUNKS = 8  # pieces of a number that is written in groups

_GAP = re.compile(
    r"[\s:#.,*°º=()（）：_\-]{0,10}(?:(?:number|numărul|numero|número|numéro|nummer|code|nr|no|num|n|id|is|ist|reg)\b"
    r"[\s:#.,*°º=()（）：_\-]{0,10}){0,3}"
)
_DIGITS = re.compile(r"[0-9][0-9./ -]{3,}")
# Letters that belong to the number: RO 123, che-123, j40/1, sc123456, atu123.
_PREFIX = re.compile(r"(?<![a-z])[a-z]{1,3}[ .-]?\Z")
_CHUNK = re.compile(r"([0-9a-z+*]{1,24})([ .\-/\u00a0\u2010-\u2014]{0,3})", re.ASCII)
_READERS_OWN = re.compile(
    r"\b(?:your|votre|vos|ihre|deine|tuo|suo|seu|sua|twój|uw|din|dvs)\b[^\n]{0,20}\Z|[您贵][^\n]{0,6}\Z"
)
_READERS_OWN_CHARS = 27  # reaches so far back
_BRITISH = ("england", "wales", "scotland", "united kingdom", "companies house", "northern ireland", "great britain")
_UK = re.compile(r"\buk\b")
_BRITISH_FORM = re.compile(r"\b(?:ltd|limited|plc|llp|cic)\b")


class Label(NamedTuple):
    """`stems` are looked for in the lower-case text; `valid` judges a compacted number by its kind."""

    kind: str
    stems: tuple[str, ...]
    valid: Callable[[str], bool]
    least: int = 6  # digits below which it was no attempt at a number
    countries: tuple[str, ...] = ()  # whose VAT number it is where it has no prefix


def _national(countries: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda number: any(vat.valid(one, number.removeprefix(one)) for one in countries)


def _with_prefix(number: str) -> bool:
    country = number[:2]
    return vat.valid("XI" if country == "GB" else country, number[2:])


def _vat(stems: tuple[str, ...], *countries: str) -> Label:
    return Label("eu-vat", stems, _national(countries), countries=countries)


LABELS = (
    Label("us-ein", ("ein", "employer identification", "tax id", "federal id"), company_numbers.us_ein, 7),
    Label(
        "uk-company",
        (
            "company number",
            "company no",
            "company reg",
            "registered n",
            "registration n",
            "reg. no",
            "reg no",
            "registered in england",
            "registered in scotland",
            "registered in northern",
            "companies house",
        ),
        company_numbers.uk_company,
    ),
    Label("cn-uscc", ("信用代码", "信用代碼", "unified social credit code", "uscc"), company_numbers.cn_uscc, 13),
    Label("cn-registration", ("注册号", "註冊號", "营业执照"), company_numbers.cn_registration, 13),
    Label("ro-cui", ("cui", "c.u.i", "cod fiscal", "cod unic", "cif"), company_numbers.ro_cui, 4),
    Label("ro-register", ("reg. com", "reg.com", "registrul com", "orc"), company_numbers.ro_register),
    Label(
        "de-register",
        ("handelsregister", "registernummer", "hrb", "hra"),
        company_numbers.de_register,
        3,
    ),
    Label("fr-siren", ("siren", "siret", "rcs"), company_numbers.fr_siren, 8),
    Label("ch-uid", ("uid", "mwst", "che", "ide", "idi"), company_numbers.ch_uid, 8),
    _vat(("vat",)),
    _vat(("tva",), "FR", "BE", "LU"),
    _vat(("ust-id", "ustid", "ust.-id", "mwst"), "DE"),
    _vat(("uid",), "AT"),
    _vat(("btw", "kbo", "bce"), "NL", "BE"),
    _vat(("p.iva", "p. iva", "partita iva", "iva"), "IT", "ES", "PT"),
    _vat(("nif", "c.i.f", "n.i.f", "nipc", "contribuinte"), "ES", "PT"),
    _vat(("nip",), "PL"),
    _vat(("dič", "ičo", "ič dph"), "CZ", "SK"),
    _vat(("oib",), "HR"),
    _vat(("ddv", "davčna"), "SI"),
    _vat(("cvr",), "DK"),
    _vat(("org.nr", "org.nr.", "orgnr", "org nr", "momsreg", "moms"), "SE", "DK"),
    _vat(("y-tunnus", "alv"), "FI"),
    _vat(("adószám",), "HU"),
    _vat(("kmkr",), "EE"),
    _vat(("pvn", "pvm"), "LV", "LT"),
    _vat(("αφμ", "α.φ.μ"), "EL"),
    _vat(("еик", "ддс", "булстат"), "BG"),
)


# Nearly every label begins a word: by its first two letters, those that can stand in a text.
_BEGINS = re.compile(r"(?<![a-z])[a-z][a-z.]")


def _by_beginning() -> Iterator[tuple[str, str, int]]:
    for number, label in enumerate(LABELS):
        for stem in label.stems:
            if stem.isascii():
                yield stem[:2], stem, number


_BEGINNINGS = MappingProxyType(
    {
        two: tuple([(stem, number) for one, stem, number in _by_beginning() if one == two])
        for two, _, _ in _by_beginning()
    }
)


def check(mail: ReportedMail) -> Iterator[Finding]:
    right: dict[str, str] = {}
    wrong: dict[str, None] = {}
    for text in mail.margins_until(right):
        for kind, number, valid in _numbers(text.lower):
            if valid:
                right.setdefault(number, kind)
            else:
                wrong[number] = None
    for number, kind in list(right.items())[:TOLD]:
        yield Finding(f"registration-found:{kind}", f"the text names the registration number {number} ({_NAMES[kind]})")
    for number in [one for one in wrong if one not in right][:TOLD]:
        yield Finding("registration-malformed", f"the registration number {number} in the text is not a valid one")
    if not right and not wrong and mail.whole:
        yield Finding("registration-missing", "the text names no business registration number of the sender")


def _numbers(lower: str) -> list[tuple[str, str, bool]]:
    """(kind, number, is it valid) of each number that stands behind a label."""
    numbers: list[tuple[str, str, bool]] = []
    end = 0
    for digits in itertools.islice(_DIGITS.finditer(lower), HITS):
        at = digits.start()
        if at < end:
            continue
        found = _labelled(lower, at)
        if prefix := _PREFIX.search(lower, max(0, at - 6), at):
            found += _labelled(lower, prefix.start())
        if found:
            numbers.append(next((one for one in found if one[2]), found[0]))
            end = digits.end()
    return numbers


def _labelled(lower: str, start: int) -> list[tuple[str, str, bool]]:
    """What the number that begins there is, under each label that it can belong to."""
    found: list[tuple[str, str, bool]] = []
    window = lower[start - LABEL_CHARS if start > LABEL_CHARS else 0 : start]
    for label in _possible(window):
        for stem in label.stems:
            if stem not in window:  # nearly always, and quicker than to ask where
                continue
            at = window.rfind(stem)
            if stem.isascii() and at and window[at - 1].isalpha() and window[at - 1].isascii():
                continue
            if (
                _GAP.fullmatch(window, _past_word(window, at + len(stem)))
                and not _READERS_OWN.search(window, max(0, at - _READERS_OWN_CHARS), at)
                and (judged := _judged(lower, start, label))
            ):
                found.append(judged)
            break
    return found


def _possible(window: str) -> Iterable[Label]:
    """The labels of which one may stand there, in their order."""
    if not window.isascii():
        return LABELS
    begun: list[int] = []
    for two in _BEGINNINGS.keys() & _BEGINS.findall(window):
        for stem, number in _BEGINNINGS[two]:
            if stem in window and number not in begun:
                begun.append(number)
    return [LABELS[number] for number in sorted(begun)] if begun else ()


def _judged(lower: str, start: int, label: Label) -> tuple[str, str, bool] | None:
    if label.kind == "uk-company" and not _british(lower, start):
        return None
    joined = _joined(lower, start)
    for number in reversed(joined):
        if label.valid(number):
            return label.kind, number, True
        if label.kind in ("eu-vat", "ro-cui") and number[:2].isalpha() and _with_prefix(number):
            return ("gb-vat" if number[:2] == "GB" else "eu-vat"), number, True
    attempt = next((one for one in joined if sum(sign.isdigit() for sign in one) >= label.least), "")
    if not attempt or len(attempt) > 20 or (label.kind == "eu-vat" and not _is_attempt(attempt, label)):
        return None
    return label.kind, attempt, False


def _past_word(text: str, at: int) -> int:
    """Past the ending that a label has in another case, in scripts that the gap does not know."""
    while at < len(text) and text[at].isalpha() and not text[at].isascii():
        at += 1
    return at


def _joined(lower: str, start: int) -> list[str]:
    """The first piece, the first two, and so on: people write numbers in groups."""
    chunk = _CHUNK.match(lower, start)
    if chunk is not None and not chunk[2]:
        return [chunk[1].upper()]  # in one piece, as most are
    joined: list[str] = []
    text = ""
    for _ in range(CHUNKS):
        chunk = _CHUNK.match(lower, start)
        if chunk is None or (joined and not any(sign.isdigit() for sign in chunk[1])):
            break
        text += chunk[1].upper()
        joined.append(text)
        if not chunk[2]:
            break
        if "/" in chunk[2]:
            text += "/"
        start = chunk.end()
    return [one.rstrip("/") if "/" in one and one[:1] in "JFC" else one.replace("/", "") for one in joined]


def _is_attempt(number: str, label: Label) -> bool:
    """With a prefix of the EU, or under a label of one country: otherwise it may be anything, an amount for one."""
    if number[:2] in vat.PREFIXES or number[:2] == "GB":
        return True
    return bool(label.countries) and number.isdigit() and len(number) >= 8


def _british(lower: str, at: int) -> bool:
    around = lower[max(0, at - 250) : at + 150]
    for name in _BRITISH:
        if name in around:
            return True
    return bool(_UK.search(around) or _BRITISH_FORM.search(around))


_NAMES = {
    "us-ein": "US EIN",
    "uk-company": "UK company number",
    "cn-uscc": "Chinese unified social credit code, its check character is right",
    "cn-registration": "Chinese registration number, its check digit is right",
    "ro-cui": "Romanian CUI, its check digit is right",
    "ro-register": "Romanian trade register",
    "de-register": "German commercial register",
    "fr-siren": "French SIREN or SIRET, its check digit is right",
    "ch-uid": "Swiss UID, its check digit is right",
    "eu-vat": "EU VAT number, its check digits are right",
    "gb-vat": "UK VAT number, its check digits are right",
}
