"""RFC 6590 transforms of decoded text: what may leave the house about a complaint.

Pure. A complainant is known by an address, but as surely by a Message-ID, a queue number, a
VERP return path or an unsubscribe token, so headers leave by an allow-list and their
identifiers as tokens. The same private string gives the same token under one key (RED-2):
repeats can be matched, the string cannot be found. Must never be the place where a body or
an unknown header is let through.
"""

from __future__ import annotations

import base64
import hmac
import itertools
import re
from collections.abc import Iterable, Sequence
from email.utils import format_datetime, parsedate_to_datetime

from notifier import hidden, identifiers, private_hosts
from notifier import private as private_strings
from notifier.headers import clean
from notifier.links import defang, site, without_marks
from notifier.private import Sought, sought

_DOMAIN = "redacted.invalid"  # RFC 2606: can never be written to

# Clauses and comments of a Received line that name a recipient, a return path or a queue entry.
_FOR = re.compile(r"\bfor\s+(?:<[^<>]*>|[^\s;]+)", re.IGNORECASE)
_MORE_FOR = re.compile(r"\(envelope-(?:from|to|sender)[^()]*\)|\bmultiple recipients\b", re.IGNORECASE)
_ID = re.compile(r"\bid\s+([^\s;()]{1,200})", re.IGNORECASE)
# The character before is of another class, so that a long run without @ is searched once.
_LETTER = rf"[^\W{private_strings.UNSPACED}]"  # Chinese that goes on behind an address is none of it
_LOCAL = rf"(?:{_LETTER}|[.+=%!#$&'*/?^`{{|}}~-])"
_ANY_ADDRESS = re.compile(rf"(?<!{_LETTER})(?<![.+=%!#$&'*/?^`{{|}}~-]){_LOCAL}+@(?:{_LETTER}|-)(?:{_LETTER}|[.-])*")

_SOFT_BREAK = re.compile(r"(?<!\?)=\n")  # of quoted-printable; an encoded word ends alike
_AT_HOME = frozenset(("lan", "local", "localdomain", "home", "internal"))  # no registered name is above these
LONGEST_BODY = 64 * 1024  # characters of a body that are shown
_MOST_KNOWN = 500  # private strings; of a mail that went to more nobody's words are shown
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{40,}|[!-`]{60,61}")  # a line of base64 or uuencode
_END_OF_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{4,}")
_MOST_NAMED = 30  # private strings in one text; one that names more is withheld instead of searched
_MOST_HEADERS = 60
_LONGEST_VALUE = 4000  # characters
_LONGEST_WORD = 200
WITHHELD = "[withheld]"


class Redactor:
    """Transforms under one secret key; a new key makes all tokens unrelated to the old ones."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the redaction key is shorter than 16 bytes: give it at least 16 random bytes")
        self._keyed = hmac.new(key, digestmod="sha256")

    def address(self, text: str) -> str:
        """`token@redacted.invalid`: the same person has the same token, however the address is spelt."""
        return f"{self._person(text.strip().strip('<>').lower())}@{_DOMAIN}"

    def identifier(self, text: str) -> str:
        """A token for a Message-ID or a queue number, which the sender's logs turn into a recipient."""
        return self._token("identifier", text.strip().strip("<>"))

    def text(self, text: str, private: Iterable[str] | Sought, *, names: bool = True) -> str:
        """Free text in which each private string is a token, in any case, and an address also as `local=domain`.

        With `names`, a name and the local part of an address go too where they stand as words; a host always does.
        """
        line = _whole_words(text)
        known = sought(private)
        if len(known.persons) > _MOST_KNOWN:
            return WITHHELD if names else private_hosts.replaced(line, known.hosts, self._host)
        strings = private_strings.among(known.persons, line.casefold())
        if len(strings) > _MOST_NAMED:
            return WITHHELD
        if strings:
            line = private_strings.replaced(line, strings, names=names, by=lambda f: self._replacement(f, strings))
        if known.hosts:
            line = private_hosts.replaced(line, known.hosts, self._host)
        return clean(hidden.replaced(line, known, self._person))

    def line(self, text: str, private: Iterable[str] | Sought, marks: Sequence[str] = ()) -> str:
        """One line of a body, or what stands alone like one: the name of a file, a subject."""
        return self._line(text, sought(private), marks)

    def host(self, name: str, private: Iterable[str] | Sought) -> str:
        """A host name in which the labels before the registered name tell nobody who got the mail, nor does that name
        where it is private."""
        known, name = sought(private), clean(name, 255)
        if (shown := private_hosts.replaced(name, known.hosts, self._host)) != name:
            return shown
        labels = name.split(".")
        own = len(labels) - 2 if len(labels) > 1 and labels[-1].lower() not in _AT_HOME else len(labels)
        before = [self.text(label, known) for label in labels[:own]]
        return site(".".join([*before, *labels[own:]]), lambda label: self._token("link", label))

    def body(self, text: str, private: Iterable[str] | Sought, marks: Sequence[str] = ()) -> str:
        """The text of a mail's body, line by line: as `text`, and without the `marks` of `identifiers.marks`, addresses
        that are made for one recipient, the unique part of links, and blocks of encoded data. Lines end with LF."""
        strings = sought(private)
        shown = text if len(text) <= LONGEST_BODY else re.split(r"\S*\Z", text[:LONGEST_BODY], maxsplit=1)[0]
        lines = self._whole(_without_blobs(_SOFT_BREAK.sub("", shown).split("\n")), strings)
        done = ("", WITHHELD)
        return "\n".join(line if line.strip() in done else self._line(line, strings, marks) for line in lines)

    def _whole(self, lines: Sequence[str], private: Sought) -> list[str]:
        """The lines; where somebody stands at the end of one and the beginning of the next, as a token."""
        whole = list(lines)
        written = [number for number, line in enumerate(whole) if line.strip()]
        for number, following in itertools.pairwise(written):
            before, last = _parted(whole[number], -1)
            after, first = _parted(whole[following], 0)
            found = private_strings.across(last, first, private.strings)
            if found is None and last and first and not before and not after:
                found = hidden.whose(last + first, private)
            if found is not None:
                whole[number], whole[following] = f"{before} {self._person(found)}", after
        return whole

    def _line(self, line: str, private: Sought, marks: Sequence[str]) -> str:
        # Links first: of what hides in one, its host is to stay.
        line = self.text(self._dead(line), private)
        line = _ANY_ADDRESS.sub(lambda match: self._made_for_one(match[0]), line)
        return identifiers.without(line, marks, self.identifier)

    def _dead(self, line: str) -> str:
        return without_marks(defang(_whole_words(line)), lambda tail: self._token("link", tail))

    def _made_for_one(self, address: str) -> str:
        local, _, domain = address.rpartition("@")
        return self.address(address) if identifiers.is_verp(local) and domain != _DOMAIN else address

    def _from(self, value: str, private: Sought) -> str:
        """From: the sender's domain stays, a mailbox that is made for one recipient does not."""
        line = self.text(self._dead(value), private)
        return _ANY_ADDRESS.sub(lambda match: self._mailbox(match[0]), line)

    def _mailbox(self, address: str) -> str:
        local, _, domain = address.rpartition("@")
        marked = identifiers.is_verp(local) or identifiers.has_mark(local)
        return f"{self._person(address)}@{domain}" if marked and domain != _DOMAIN else address

    def allow_listed(
        self, headers: Sequence[tuple[str, str]], private: Iterable[str] | Sought = ()
    ) -> tuple[tuple[str, str], ...]:
        """The evidence headers that may leave, in order; everything that is not named here is dropped.

        `private` are addresses (and names) of the complainant and the recipients, in any spelling, and their hosts as
        `private_hosts` has them.
        Received without its recipient and with tokens for queue numbers and addresses, Date
        rewritten, From and Subject with tokens for private strings, Message-ID as a token.
        """
        strings = sought(private)
        marks = identifiers.marks(headers)
        kept: list[tuple[str, str]] = []
        for name, value in headers:
            spelt = _ALLOWED.get(name.strip().lower())
            shown = self._value(spelt, value, strings) if spelt else None
            if shown and spelt in _MAY_BE_MARKED:
                shown = identifiers.without(shown, marks, self.identifier)
            if spelt and shown:
                kept.append((spelt, shown))
            if len(kept) == _MOST_HEADERS:
                break
        return tuple(kept)

    def _value(self, name: str, value: str, private: Sought) -> str | None:
        if name == "Received":
            # Host names are evidence, and no names of people: "mail" may be somebody's local part.
            return self.text(self._received(_whole_words(value)), private, names=False)
        if name == "Message-ID":
            return f"<{self.identifier(clean(value, 500))}@{_DOMAIN}>"
        if name == "Date":
            return _date(value)
        return self._from(value, private) if name == "From" else self._line(value, private, ())

    def _received(self, line: str) -> str:
        line = _MORE_FOR.sub("", _FOR.sub("", line))
        line = _ID.sub(lambda match: f"id {self.identifier(match[1])}", line)
        return _ANY_ADDRESS.sub(lambda match: self.address(match[0]), line).replace(" ;", ";")

    def _person(self, text: str) -> str:
        return self._token("address", private_strings.mailbox_of(text))

    def _host(self, text: str) -> str:
        return f"{self._token('host', text.removeprefix('@'))}.{_DOMAIN}"

    def _token(self, what: str, text: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(f"{what}\0{text}".encode(errors="surrogatepass"))
        return base64.b32encode(keyed.digest()[:15]).decode("ascii").lower()

    def _replacement(self, found: str, private: Sequence[str]) -> str:
        lowered = found.lower()
        for text in private:
            if lowered == text and "@" in text:
                return self.address(text)
            if lowered in private_strings.spellings(text) or lowered in private_strings.names_in(text):
                # Only the token: it may stand inside another address, which has to stay one.
                return self._person(text)
        return WITHHELD  # matched through a case folding of its own: still never shown


_ALLOWED = {
    "received": "Received",
    "date": "Date",
    "from": "From",
    "subject": "Subject",
    "message-id": "Message-ID",
}
_MAY_BE_MARKED = frozenset({"Received", "From", "Subject"})


def _parted(line: str, which: int) -> tuple[str, str]:
    """The line without its first or last word, and that word; no word where it is too long to be half of an address."""
    words = line.strip().rsplit(None, 1) if which else line.strip().split(None, 1)
    if not words or len(words[which]) > _LONGEST_WORD:
        return line, ""
    return (words[1 + which] if len(words) > 1 else ""), words[which]


def _without_blobs(lines: Sequence[str]) -> list[str]:
    """What an encoding spreads over lines cannot be read line by line."""
    shown: list[str] = []
    for number, line in enumerate(lines):
        one = line.strip()
        beside = [*lines[max(0, number - 1) : number], *lines[number + 1 : number + 2]]
        blob = _BLOB.fullmatch(one) and any(_BLOB.fullmatch(other.strip()) for other in beside)
        if not blob and not (shown[-1:] == [WITHHELD] and _END_OF_BLOB.fullmatch(one)):
            shown.append(line if one else "")
        elif shown[-1:] != [WITHHELD]:
            shown.append(WITHHELD)
    return shown


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
