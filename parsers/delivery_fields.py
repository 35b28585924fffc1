"""The fields of message/delivery-status (RFC 3464, 6533) in the shapes that servers give them, one group a recipient.

Empty lines may be missing between the groups, or stand inside one; long values may be folded in column 1.
Must never join two recipients: a field that can stand once and stands again begins another group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers import envelope, fields
from parsers.header_block import Guesses
from parsers.scan import FIELD, Part

STATUS_BYTES = 200_000
GROUPS = 400
ONCE = frozenset(("final-recipient", "original-recipient", "action", "status"))
RECIPIENTS = ("final-recipient", "original-recipient", "x-actual-recipient")
OUTCOME = frozenset(("action", "status", "diagnostic-code"))
OF_A_RECIPIENT = ONCE | OUTCOME | {*RECIPIENTS, "remote-mta", "last-attempt-date", "will-retry-until"}
_ACTIONS = {
    "failed": ("failed", "failure", "fail", "error", "bounced", "undeliverable", "rejected", "denied", "expired"),
    "delayed": ("delayed", "delay", "deferred", "transient", "warning"),
    "delivered": ("delivered", "delivery", "success", "successful", "deliverable"),
    "relayed": ("relayed", "relay"),
    "expanded": ("expanded",),
}
_ACTION = {word: action for action, words in _ACTIONS.items() for word in words}
_LINE = re.compile(rb"([!-9;-~]{1,60})[ \t]*:[ \t]*([^\r\n]*)")
_BEGINS = re.compile(rb"^[> \t]{0,8}(?:Final|Original)-Recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)
_SAYS = re.compile(rb"^[> \t]{0,8}(?:Action|Status|Diagnostic-Code)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(
    rb"^(?:[ \t]{0,8}>[> \t]{0,40}+|[ \t]{1,16}(?=(?:Final|Original)-Recipient|Action:|Status:|Reporting-MTA"
    rb"|Diagnostic-Code))",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(slots=True)
class Group:
    """Decoded values by lower-case name; of a field that stands twice the first."""

    values: dict[str, str] = field(default_factory=dict)

    @property
    def recipient(self) -> str | None:
        """Final-Recipient, unless only Original-Recipient is an address that mail can be sent to."""
        read = [one for name in RECIPIENTS if (one := _recipient(self.values.get(name)))]
        return next((one for one in read if "." in one.partition("@")[2]), read[0] if read else None)

    @property
    def action(self) -> str | None:
        """One of RFC 3464's five, None where the field says nothing known."""
        words = re.split(r"[\s;,(]", self.values.get("action", "").strip().lower(), maxsplit=1)
        return _ACTION.get(words[0])


@dataclass(slots=True)
class Status:
    """The whole part: what is said of the message, and of each recipient."""

    message: Group
    recipients: list[Group]
    defects: list[str]


def read(part: Part) -> Status:
    """Of a delivery-status part, its transfer encoding undone even where its label is wrong."""
    body = envelope.decoded_body(part, STATUS_BYTES)
    if not FIELD.search(body) and FIELD.search(part.body[:20_000]):
        body = part.body[:STATUS_BYTES]
    return of(body)


def of(body: bytes) -> Status:
    """Of a delivery-status body that stands by itself."""
    found = Status(Group(), [], [])
    current = found.message
    for block in _blocks(body, found.defects):
        begins = True
        for name, value in block:
            again = name in ONCE and name in current.values
            apart = begins and name in OF_A_RECIPIENT and not _continues(current, block)
            if name in OF_A_RECIPIENT and (again or apart or current is found.message):
                if len(found.recipients) >= GROUPS:
                    found.defects.append("more-recipients-than-read")
                    return found
                current = Group()
                found.recipients.append(current)
            begins = begins and name not in OF_A_RECIPIENT
            current.values.setdefault(name, value)
    return found


def in_text(body: bytes) -> Status | None:
    """Where the fields stand in a text instead of a part of their own, perhaps quoted: from the first of them on."""
    body = body.replace(b"\r\n", b"\n")
    begins = _BEGINS.search(body)
    if begins is None or not _SAYS.search(body):
        return None
    start = body.rfind(b"\n\n", 0, begins.start()) + 1
    return of(_QUOTED.sub(b"", body[start : start + STATUS_BYTES]))


def _continues(current: Group, block: list[tuple[str, str]]) -> bool:
    """An empty line stood inside the group: what follows repeats nothing, and names no recipient after the outcome."""
    names = {name for name, _ in block}
    if not current.values or not names.isdisjoint(current.values):
        return False
    return names.isdisjoint(RECIPIENTS) or OUTCOME.isdisjoint(current.values)


def _blocks(body: bytes, defects: list[str]) -> Iterator[list[tuple[str, str]]]:
    """Fields between empty lines, unfolded and decoded."""
    guesses = Guesses()
    block: list[tuple[str, bytearray]] = []
    for line in body[:STATUS_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if not line.strip():
            if block:
                yield _decoded(block, guesses)
            block = []
        elif line[:1] in b" \t" and block:
            block[-1][1].extend(b" " + line.strip())
        elif found := _LINE.match(line):
            block.append((found[1].decode("ascii").lower(), bytearray(found[2])))
        elif block and not line.startswith(b"--"):
            block[-1][1].extend(b" " + line.strip())
            if "unindented-fold" not in defects:
                defects.append("unindented-fold")
    if block:
        yield _decoded(block, guesses)


def _decoded(block: list[tuple[str, bytearray]], guesses: Guesses) -> list[tuple[str, str]]:
    return [(name, envelope.decode(bytes(value), guesses)) for name, value in block]


def _recipient(stated: str | None) -> str | None:
    """`rfc822; a@example.net`; also a local part alone, as some systems report it."""
    if not stated:
        return None
    value = (stated.partition(";")[2] or stated).strip()
    return fields.address(value) or value.strip("<> \t")[:320] or None
