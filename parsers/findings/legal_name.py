"""Does the text name a company by its legal name, as every bulk mail has to (duty MED-2)?

A name counts when it ends (in Chinese, Japanese, Korean: ends or begins) with a legal form.
Whether it is the party that authorised the mailing, staff judge.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from parsers.report import Finding
from parsers.reported import ReportedMail

HITS = 500  # places looked at in one text
NAME_CHARS = 70
TOLD = 3

# Without their dots: `S.R.L.` is looked up as SRL.
FORMS = frozenset(
    (
        "Ltd", "Limited", "LLC", "Inc", "Corp", "PLC", "LLP", "LP", "GmbH", "AG", "KG", "SE", "SAS", "SARL", "EURL",
        "SA", "Srl", "SRL", "SpA", "SPA", "BV", "NV", "AB", "ApS", "A/S", "Oyj", "Oy", "ASA", "AS", "Kft", "Zrt",
        "Nyrt", "Bt", "EOOD", "OOD", "SL", "SLU", "Lda", "Ltda", "Bhd", "KK", "AŞ", "AE", "UAB", "SIA", "OÜ", "Pty",
        "Pte", "ООД", "ЕООД", "АД", "ΕΠΕ", "ΑΕ", "ΙΚΕ",
    )
)  # fmt: skip
# Those that begin with a small letter, under what is looked for first: a text is long, and has none of it.
SMALL = (
    (".o", ("s.r.o", "z o.o", "d.o.o")), (".s.", (" a.s.",)), (".d.", (" d.d.",)), ("H", (" mbH",)),
    (" plc", (" plc",)), ("K", (" e.K.",)),
)  # fmt: skip
LEADING = ("ООО", "ОАО", "ЗАО", "ПАО", "ТОВ")  # stand before the name
EAST_ASIAN = (
    "有限公司", "有限责任公司", "有限責任公司", "股份公司", "株式会社", "有限会社", "合同会社", "주식회사", "유한회사",
)  # fmt: skip
_COMPANY = ("公司", "会社", "회사")  # one of these is in each of them


def _any_form() -> re.Pattern[str]:
    """A form as a word, with dots or without. It begins with plain letters, of which a text has few: `re` then looks
    for these alone, which it does not where a look behind comes first."""
    by_letter: dict[str, list[str]] = {}
    for form in sorted(FORMS, key=len, reverse=True):
        by_letter.setdefault(form[0], []).append("".join(rf"\.?{re.escape(letter)}" for letter in form[1:]))
    words = "|".join(f"{first}(?<![A-Za-z./]{first})(?:{'|'.join(rest)})" for first, rest in by_letter.items())
    return re.compile(rf"(?:{words})(?![\w/])[./]*+(?=[\s,;:)<|»\"”·•]|\Z)")


_FORM = _any_form()
# Possessive, and from the beginning of a word: it is looked for in all of the window.
_WORDS_BEFORE = re.compile(
    r"(?<![^\W_])(?:[^\W_][\w&.'’+-]{0,40}+|[&+–-])(?:[ ](?:[^\W_][\w&.'’+-]{0,40}+|[&+–-])){0,7}+,?\s?\Z"
)
_WORDS_BEHIND = re.compile(r"\s?[«\"“„]?([^\W\d_][\w&.-]{1,40}(?: [^\W\d_][\w&.-]{1,40}){0,3})")
_RUN_BEFORE = re.compile(r"[\u3400-\u9fff\uac00-\ud7af\u3040-\u30ffA-Za-z0-9（）()·・&]{2,40}\Z")
_RUN_BEHIND = re.compile(r"[\s（(]?[\u3400-\u9fff\uac00-\ud7af\u3040-\u30ffA-Za-z0-9]{2,30}")
_LINKING = frozenset(
    ("of", "and", "de", "du", "des", "la", "und", "der", "di", "da", "do", "et", "&", "+", "-", "–", "for", "the")
)


def check(mail: ReportedMail) -> Iterator[Finding]:
    names: dict[str, None] = {}
    for text in mail.margins_until(names):
        for name in _names(text.written):
            names[name] = None
            if len(names) >= TOLD:
                break
    if names:
        shown = dict.fromkeys([mail.quote(name) for name in list(names)[:TOLD]])
        yield Finding("legal-name-found", f"the text names “{'”, “'.join(shown)}”")
    elif mail.whole:
        yield Finding(
            "legal-name-missing",
            "the text names no company by its legal name (one with Ltd, GmbH, SRL, 有限公司 or the like)",
        )


def _names(text: str) -> Iterator[str]:
    for found in itertools.islice(_FORM.finditer(text), HITS):
        if name := _named(text, found.start(), found[0].rstrip("./")):
            yield name
    for sign, forms in SMALL:
        if sign in text:
            for form in forms:
                yield from _small(text, form)
    if not text.isascii():
        yield from _leading(text)
        if any(word in text for word in _COMPANY):
            yield from _east_asian(text)


def _small(text: str, form: str) -> Iterator[str]:
    for at in _places(text, form):
        if name := _named(text, at + (form[0] == " "), form.strip(" .")):
            yield name


def _places(text: str, form: str) -> Iterator[int]:
    at = -1
    for _ in range(HITS):
        at = text.find(form, at + 1)
        if at < 0:
            return
        yield at


def _named(text: str, at: int, form: str) -> str | None:
    """The capitalised words before the form, with it."""
    behind = text[at + len(form) :][:3].strip(". ")
    if behind[:1].isalnum() and form == "Limited" and behind[0].islower():
        return None  # Limited time only
    found = _WORDS_BEFORE.search(text, max(0, at - NAME_CHARS), at)
    if found is None:
        return None
    words = found[0].split()
    first = len(words)
    for word in reversed(words):
        if not (word[0].isupper() or word[0].isdigit() or word.lower() in _LINKING):
            break
        first -= 1
    while first < len(words) and words[first].lower() in _LINKING:
        first += 1
    kept = words[first:]
    capitals = [word for word in kept if word[0].isupper()]
    if not capitals or kept[-1].endswith((".", "!", "?")):
        return None
    if len(form) == 2 and form.isupper() and all(word.isupper() for word in kept):
        return None  # a line of shouting
    return f"{' '.join(kept)} {form}"


def _leading(text: str) -> Iterator[str]:
    for form in LEADING:
        for at in _places(text, form):
            behind = _WORDS_BEHIND.match(text, at + len(form))
            if behind and not text[at - 1 : at].isalnum():
                yield f"{form} {behind[1]}"


def _east_asian(text: str) -> Iterator[str]:
    for form in EAST_ASIAN:
        for at in _places(text, form):
            if before := _RUN_BEFORE.search(text, max(0, at - 40), at):
                yield f"{before[0]}{form}"
            elif behind := _RUN_BEHIND.match(text, at + len(form)):
                yield f"{form}{behind[0].strip()}"
