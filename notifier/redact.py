"""RFC 6590 transforms of decoded text: what may leave the house about a complaint.

Pure. A complainant is known by an address, but as surely by a Message-ID, a queue number, a
VERP return path or an unsubscribe token, so headers leave by an allow-list and their
identifiers as tokens. The same private string gives the same token under one key (RED-2):
repeats can be matched, the string cannot be found. Must never be the place where a body or
an unknown header is let through.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from email.utils import format_datetime, parsedate_to_datetime

from notifier import hidden, identifiers
from notifier import private as private_strings
from notifier.headers import clean
from notifier.links import defang, without_marks

_DOMAIN = "redacted.invalid"  # RFC 2606: can never be written to

# Clauses and comments of a Received line that name a recipient, a return path or a queue entry.
_FOR = re.compile(r"\bfor\s+(?:<[^<>]*>|[^\s;]+)", re.IGNORECASE)
_MORE_FOR = re.compile(r"\(envelope-(?:from|to|sender)[^()]*\)|\bmultiple recipients\b", re.IGNORECASE)
_ID = re.compile(r"\bid\s+([^\s;()]{1,200})", re.IGNORECASE)
# The character before is of another class, so that a long run without @ is searched once.
_ANY_ADDRESS = re.compile(r"(?<![\w.+=%!#$&'*/?^`{|}~-])[\w.+=%!#$&'*/?^`{|}~-]+@[\w-][\w.-]*")

LONGEST_BODY = 64 * 1024  # characters of a body that are shown
_MOST_SOUGHT = 60  # private strings that are looked for in other writings
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{40,}|[!-`]{60,61}")  # a line of base64 or uuencode
_MOST_NAMED = 30  # private strings in one text; one that names more is withheld instead of searched
_MOST_HEADERS = 60
_LONGEST_VALUE = 4000  # characters
WITHHELD = "[withheld]"


class Redactor:
    """Transforms under one secret key; a new key makes all tokens unrelated to the old ones."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the redaction key is shorter than 16 bytes: give it at least 16 random bytes")
        self._key = key

    def address(self, text: str) -> str:
        """`token@redacted.invalid`: the same person has the same token, however the address is spelt."""
        return f"{self._token('address', text.strip().strip('<>').lower())}@{_DOMAIN}"

    def identifier(self, text: str) -> str:
        """A token for a Message-ID or a queue number, which the sender's logs turn into a recipient."""
        return self._token("identifier", text.strip().strip("<>"))

    def text(self, text: str, private: Iterable[str], *, names: bool = True) -> str:
        """Free text in which each private string is a token, in any case, and an address also as `local=domain`.

        With `names`, a name and the local part of an address go too where they stand as words.
        """
        line = _whole_words(text)
        known = private_strings.distinct(private)
        strings = private_strings.among(known, line.casefold())
        if len(strings) > _MOST_NAMED:
            return WITHHELD
        if strings:
            line = private_strings.replaced(line, strings, names=names, by=lambda f: self._replacement(f, strings))
        if len(known) <= _MOST_SOUGHT:
            line = hidden.replaced(line, known, lambda whose: self._token("address", whose))
        return clean(line)

    def body(self, text: str, private: Iterable[str], marks: Sequence[str] = ()) -> str:
        """The text of a mail's body, line by line: as `text`, and without the `marks` of `identifiers.marks`, addresses
        that are made for one recipient, the unique part of links, and blocks of encoded data. Lines end with LF."""
        strings = private_strings.distinct(private)
        lines = text[:LONGEST_BODY].replace("=\n", "").split("\n")
        shown: list[str] = []
        for number, line in enumerate(lines):
            # What an encoding spreads over lines cannot be read line by line.
            if _BLOB.fullmatch(line.strip()) and any(_BLOB.fullmatch(one.strip()) for one in _beside(lines, number)):
                if shown[-1:] != [WITHHELD]:
                    shown.append(WITHHELD)
                continue
            shown.append(self._line(line, strings, marks) if line.strip() else "")
        return "\n".join(shown)

    def _line(self, line: str, private: Sequence[str], marks: Sequence[str]) -> str:
        # Links first: of what hides in one, its host is to stay.
        line = self.text(self._dead(line), private)
        line = _ANY_ADDRESS.sub(lambda match: self._made_for_one(match[0]), line)
        return identifiers.without(line, marks, self.identifier)

    def _dead(self, line: str) -> str:
        return without_marks(defang(_whole_words(line)), lambda tail: self._token("link", tail))

    def _made_for_one(self, address: str) -> str:
        local, _, domain = address.rpartition("@")
        return self.address(address) if identifiers.is_verp(local) and domain != _DOMAIN else address

    def allow_listed(
        self, headers: Sequence[tuple[str, str]], private: Iterable[str] = ()
    ) -> tuple[tuple[str, str], ...]:
        """The evidence headers that may leave, in order; everything that is not named here is dropped.

        `private` are addresses (and names) of the complainant and the recipients, in any spelling.
        Received without its recipient and with tokens for queue numbers and addresses, Date
        rewritten, From and Subject with tokens for private strings, Message-ID as a token.
        """
        strings = private_strings.distinct(private)
        kept: list[tuple[str, str]] = []
        for name, value in headers:
            spelt = _ALLOWED.get(name.strip().lower())
            shown = self._value(spelt, value, strings) if spelt else None
            if spelt and shown:
                kept.append((spelt, shown))
            if len(kept) == _MOST_HEADERS:
                break
        return tuple(kept)

    def _value(self, name: str, value: str, private: Sequence[str]) -> str | None:
        if name == "Received":
            # Host names are evidence, and no names of people: "mail" may be somebody's local part.
            return self.text(self._received(_whole_words(value)), private, names=False)
        if name == "Message-ID":
            return f"<{self.identifier(clean(value, 500))}@{_DOMAIN}>"
        if name == "Date":
            return _date(value)
        return self.text(self._dead(value), private)

    def _received(self, line: str) -> str:
        line = _MORE_FOR.sub("", _FOR.sub("", line))
        line = _ID.sub(lambda match: f"id {self.identifier(match[1])}", line)
        return _ANY_ADDRESS.sub(lambda match: self.address(match[0]), line).replace(" ;", ";")

    def _token(self, what: str, text: str) -> str:
        digest = hmac.new(self._key, f"{what}\0{text}".encode(errors="surrogatepass"), hashlib.sha256).digest()
        return base64.b32encode(digest[:15]).decode("ascii").lower()

    def _replacement(self, found: str, private: Sequence[str]) -> str:
        lowered = found.lower()
        for text in private:
            if lowered == text and "@" in text:
                return self.address(text)
            if lowered in private_strings.spellings(text) or lowered in private_strings.names_in(text):
                # Only the token: it may stand inside another address, which has to stay one.
                return self._token("address", text)
        return WITHHELD  # matched through a case folding of its own: still never shown


_ALLOWED = {
    "received": "Received",
    "date": "Date",
    "from": "From",
    "subject": "Subject",
    "message-id": "Message-ID",
}


def _beside(lines: Sequence[str], number: int) -> Sequence[str]:
    return [*lines[max(0, number - 1) : number], *lines[number + 1 : number + 2]]


def _whole_words(text: str) -> str:
    """Cleaned and bounded; a word that the bound cut in two is gone, since half an address names somebody too."""
    line = clean(text, _LONGEST_VALUE)
    return line.rpartition(" ")[0] if line.endswith("…") else line


def _date(value: str) -> str | None:
    """Written anew, so that nothing but a time passes. None where it cannot be read."""
    try:
        return format_datetime(parsedate_to_datetime(clean(value, 100)))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
