"""The words that a sender wrote, without what is quoted below them; and the language they are in.

Safe guesses for texts to people: bounded and linear. Must never decide a verdict by a language.
"""

from __future__ import annotations

import re

from parsers.report import Parsed

OWN_CHARS = 3_000
# What people write; everything else is a program's report, which states what it means and reads no answers.
HUMAN_FORMATS = frozenset({"forwarded", "inline", "pasted", "free_text"})

# Where somebody else's words begin: markers of forwards and answers, rules, header lines, quotes.
_BELOW = re.compile(
    r"^(?:[-=_*─━—–]{2,}|>|Begin forwarded|On .{1,100} wrote:|În .{1,100} a scris:|"
    r"(?:From|Sent|Received|Return-Path|De la|Von|De|发件人|寄件者|寄件人)\s?[:：]|在.{1,60}写道)",
    re.MULTILINE | re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_ROMANIAN_LETTERS = re.compile("[șțşţăȘȚŞŢĂ]")
_ROMANIAN = re.compile(
    r"\b(?:și|sunt|pentru|acesta|această|acest|vă rog|va rog|bună|ziua|mul[țt]umesc|mesaj(?:e|ul|ele)?|nesolicitat\w?"
    r"|dumneavoastr[ăa]|primit|primesc|reclam(?:a[țt]ie|a[țt]ia)?|adres[aă]|trimis|nedorit\w?|din partea)\b",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]{2,20}")


def own_words(parsed: Parsed) -> str:
    """Subject and the text above the first quote or forward, at most OWN_CHARS characters."""
    text = parsed.text[:OWN_CHARS]
    below = _BELOW.search(text)
    own = text[: below.start()] if below else text
    return f"{parsed.envelope.subject or ''}\n{own}"


def language(parsed: Parsed) -> str:
    """`zh`, `ro` or `en`: the language to answer in. By script and common words; by the sender's country only where
    there are no words."""
    own = own_words(parsed)
    if _HAN.search(own):
        return "en" if _KANA_HANGUL.search(own) else "zh"
    romanian = {word.lower() for word in _ROMANIAN.findall(own)}
    if len(romanian) >= 2 or (romanian and _ROMANIAN_LETTERS.search(own)):
        return "ro"
    if len(_LETTERS.findall(own)) < 3:
        country = (parsed.envelope.from_ or "").rpartition(".")[2].lower()
        return {"cn": "zh", "tw": "zh", "hk": "zh", "ro": "ro", "md": "ro"}.get(country, "en")
    return "en"
