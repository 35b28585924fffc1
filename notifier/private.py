"""Finds private strings in a line of text: addresses in every spelling, names and local parts as words. (Hosts, which
begin with `@`: `private_hosts`.)

Pure. Plain ASCII, which is nearly everything, is searched with `str.find`: making a pattern for
every mail costs more than the search. Anything else goes through a pattern with case folding.
Must never decide what is put in their place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from notifier import host_spellings
from notifier.headers import clean
from notifier.host_spellings import domain_spellings

# Local parts that are a desk and no person, and ordinary words as well.
_ROLES = frozenset(
    {
        *("abuse", "admin", "billing", "contact", "hello", "help", "hostmaster", "info", "mail", "marketing", "news"),
        *("newsletter", "noreply", "office", "postmaster", "sales", "security", "service", "support", "team"),
        "webmaster",
    }
)
_JOINTS = ("@", "=", "%40", "=40", "_at_", "-at-", " at ", "(at)", "[at]", " (at) ", " [at] ", "#", "+")
_LONGEST_FIRST = tuple(sorted(_JOINTS, key=len, reverse=True))
_JOINT = "(?:" + "|".join(re.escape(joint) for joint in _LONGEST_FIRST) + ")"
_SHORTEST_NAME = 3  # letters; a shorter word is everybody's
# Letters of languages that put no blanks between words, and whose names have two or three of them.
UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_HAS_UNSPACED = re.compile(f"[{UNSPACED}]")
_SHORTEST_UNSPACED = 2
_SHORTEST_BROKEN = (
    6  # characters: shorter ones come about by chance, at the end of one word and the beginning of the next
)
_BETWEEN_WORDS = re.compile(r"[\s._+=,-]+")
_DIGITS = "0123456789"
_NO_MARK = str.maketrans(
    {"ł": "l", "ø": "o", "ı": "i", "ß": "ss", "đ": "d", "æ": "ae", "œ": "oe"}
)  # no letter and a mark
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})  # where there is no such key


@dataclass(frozen=True, slots=True)
class Sought:
    """Private strings without repeats, lower-case, without `<>`; longest first. Made once for all that is said of a
    report: `persons` are the addresses and names, `hosts` begin with `@`. A host `below` one of these needs no search
    of its own, but a digest shows nothing of the domain: it goes with the host that stands for it."""

    strings: tuple[str, ...]
    persons: tuple[str, ...]
    hosts: tuple[str, ...]
    below: tuple[tuple[str, str], ...] = ()


def sought(private: Iterable[str] | Sought) -> Sought:
    if isinstance(private, Sought):
        return private
    distinct = {clean(text, 320).strip("<> ").lower() for text in private} - {""}
    below = {one: domain for one in distinct if one.startswith("@") and (domain := _above(one, distinct))}
    strings = tuple(sorted(distinct - below.keys(), key=lambda text: (-len(text), text)))
    persons = tuple(one for one in strings if not one.startswith("@"))
    hosts = tuple(one for one in strings if one.startswith("@"))
    return Sought(strings, persons, hosts, tuple(sorted(below.items())))


def _above(host: str, private: Collection[str]) -> str | None:
    """`@example.net` for `@mx.example.net`, where it is private as well."""
    labels = host[1:].split(".")
    wider = (f"@{'.'.join(labels[number:])}" for number in range(1, len(labels)))
    return next((one for one in wider if one in private), None)


def among(strings: Sequence[str], folded: str) -> list[str]:
    """Those that may stand in the case-folded text, in any spelling: each is looked for by itself, which is fast."""
    return [one for one in strings if any(mark in folded for mark in marks(one))]


def replaced(line: str, private: Sequence[str], *, names: bool, by: Callable[[str], str]) -> str:
    """`line` with each private string given to `by`. `private` as `Sought` has them: of two that begin alike the longer
    one is meant. With `names`, a name and the local part of an address go too where they stand as words."""
    if line.isascii() and all(text.isascii() for text in private):
        return _replaced_plain(line, private, names=names, by=by)
    pattern = _pattern(private, names=names)
    return pattern.sub(lambda match: by(match[0]), line) if pattern else line


def mailbox_of(text: str) -> str:
    """An address without what its owner, or a mailer, may put behind a plus; all else as it is."""
    local, at, domain = text.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}" if at else text


def across(end: str, beginning: str, private: Sequence[str]) -> str | None:
    """The one of `private` of whom half stands in each of two words, where a line was broken between them."""
    joined, at = (end + beginning).lower(), len(end)
    for one in private if end and beginning and len(joined) >= _SHORTEST_BROKEN else ():
        for mark in (one.removeprefix("@"), one.rpartition("@")[0]):
            start = joined.find(mark, max(0, at - len(mark) + 1)) if len(mark) >= _SHORTEST_BROKEN else at
            if 0 <= start < at < start + len(mark):
                return one
    return None


def spellings(text: str) -> tuple[str, ...]:
    """How an address is written into return paths, links and subjects."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        return ()
    return tuple(f"{local}{joint}{spelt}" for joint in _JOINTS for spelt in domain_spellings(domain))


@lru_cache(maxsize=1000)
def names_in(text: str) -> tuple[str, ...]:
    """What may stand as a word for the person: a name or a local part, and the words in it (john.smith42)."""
    local, at, _ = text.rpartition("@")
    name = local.partition("+")[0] if at else text
    pieces = _BETWEEN_WORDS.split(name)
    words = {name, *(word.strip(_DIGITS) for word in pieces)}
    if _HAS_UNSPACED.search(name):
        words.add("".join(pieces))
    words |= {word.replace("\u2019", "'") for word in words} | {word.translate(_GERMAN) for word in words}
    words |= {unaccented(word) for word in words}
    return tuple(word for word in words if len(word) >= _shortest(word) and word not in _ROLES)


def _shortest(word: str) -> int:
    return _SHORTEST_UNSPACED if _HAS_UNSPACED.search(word) else _SHORTEST_NAME


def unaccented(text: str) -> str:
    """Letters without their marks: who has no such key on the keyboard writes Stefan for Ștefan."""
    if text.isascii():
        return text
    plain = text.translate(_NO_MARK)
    return "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one))


@lru_cache(maxsize=1000)  # the same recipients are asked about for each field of a mail
def marks(text: str) -> tuple[str, ...]:
    """Of these one stands in a text that names the person, in any spelling."""
    local, at, domain = text.rpartition("@")
    if at and not local:
        forms = host_spellings.forms(domain)
        # Turned round as well, since what hides it may be such a form itself.
        return tuple(spelt.casefold() for spelt in (*domain_spellings(domain), *forms, *(one[::-1] for one in forms)))
    if at and (len(local) < _SHORTEST_NAME or local in _ROLES):  # letters that stand in every word, and everybody's
        return tuple(spelt.casefold() for spelt in spellings(text)) or (text.casefold(),)
    return tuple(mark.casefold() for mark in (local if at else text, *names_in(text)))


def _parted(private: Sequence[str], *, names: bool) -> tuple[list[tuple[str, str]], list[str]]:
    """(local part, domain) of the addresses, and the words, each in the order in which they are tried."""
    parted = [text.rpartition("@") for text in private]
    # Without `names` only such as no host can have.
    words = {word for text in private for word in names_in(text) if names or " " in word or not word.isascii()}
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return [(local, domain) for local, _, domain in parted if local and domain], ordered


def _replaced_plain(line: str, private: Sequence[str], *, names: bool, by: Callable[[str], str]) -> str:
    lowered = line.lower()
    addresses, words = _parted(private, names=names)
    found = [
        (start, rank, end)
        for rank, (local, domain) in enumerate(addresses)
        for start in _starts(lowered, local)
        if (end := _address_end(lowered, start + len(local), domain))
    ]
    found += [
        (start, len(addresses) + rank, start + len(word))
        for rank, word in enumerate(words)
        for start in _starts(lowered, word)
        if not (lowered[start - 1 : start].isalnum() or lowered[start + len(word) :][:1].isalnum())
    ]
    pieces: list[str] = []
    done = 0
    for start, _, end in sorted(found):
        if start >= done:
            pieces += [line[done:start], by(line[start:end])]
            done = end
    return "".join([*pieces, line[done:]])


def _starts(text: str, sought: str) -> list[int]:
    starts, at = [], text.find(sought)
    while at >= 0:
        starts.append(at)
        at = text.find(sought, at + 1)
    return starts


def _address_end(text: str, joint_at: int, domain: str) -> int:
    """Where the address ends whose local part ends at `joint_at`; 0 where there is none."""
    for joint in _LONGEST_FIRST:
        if text.startswith(joint, joint_at):
            for spelt in domain_spellings(domain):
                if text.startswith(spelt, joint_at + len(joint)):
                    return joint_at + len(joint) + len(spelt)
    return 0


def _pattern(private: Sequence[str], *, names: bool) -> re.Pattern[str] | None:
    addresses, words = _parted(private, names=names)
    # One alternative for each address: a pattern's length is what making it costs.
    parts = [
        f"{re.escape(local)}{_JOINT}(?:{'|'.join(map(re.escape, domain_spellings(domain)))})"
        for local, domain in addresses
    ]
    parts += [_as_word(word) for word in words]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _as_word(word: str) -> str:
    """A Latin word ends where Chinese begins; within Chinese nothing says where a word does."""
    letter = rf"[^\W_{UNSPACED}]"
    before = "" if _HAS_UNSPACED.match(word[0]) else f"(?<!{letter})"
    after = "" if _HAS_UNSPACED.match(word[-1]) else f"(?!{letter})"
    return f"{before}{re.escape(word)}{after}"
