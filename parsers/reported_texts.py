"""The reported mail for those who may see it: its texts as characters, and what was attached by name and digest.

Read anew from the message's bytes when somebody is to be shown it, in the process that reads hostile mail. Must never
give an attachment's content away: whatever ran on the complainant's machine is not passed on by us.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from parsers import envelope, file_kinds, registry
from parsers.envelope import structure
from parsers.errors import ParserError
from parsers.message import Message
from parsers.report import Limits
from parsers.reported import TEXTS, ReportedMail, file_name
from parsers.scan import Part

TEXT_CHARS = 64 * 1024
MOST_ATTACHMENTS = 20


@dataclass(frozen=True, slots=True)
class Text:
    """One readable part, decoded; `markup`: it is HTML."""

    content: str
    markup: bool


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that was in the mail: its `name` as its sender wrote it, `size` in bytes, `sha256` of its content,
    `harmful` what kind of program it is (None: none that is known)."""

    name: str
    content_type: str
    size: int
    sha256: str
    harmful: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a report's mail holds; empty where only its header was sent."""

    texts: tuple[Text, ...] = ()
    attachments: tuple[Attached, ...] = ()


def shown(raw: bytes, position: int, limits: Limits) -> Shown:
    """Of the report at `position` in the message `raw`. Never raises."""
    try:
        reports = registry.read(Message(structure(raw, limits), limits)).reports
        report = reports[position]
        if report.original is None or report.original.mail is None or report.original.headers_only:
            return Shown()
        mail = ReportedMail(report, report.original.mail)
        readable, attached = mail.leaves
        return Shown(
            tuple(_text(part) for part in readable[:TEXTS]),
            tuple(_attached(part) for part in attached[:MOST_ATTACHMENTS]),
        )
    except (ParserError, IndexError, MemoryError, RecursionError):
        return Shown()
    except Exception:  # noqa: BLE001  a bug with one mail: it leaves as its header alone
        return Shown()


def _text(part: Part) -> Text:
    return Text(envelope.text(part, TEXT_CHARS), part.content_type != b"text/plain")


def _attached(part: Part) -> Attached:
    content = envelope.decoded_body(part)
    name = file_name(part)
    harmful = file_kinds.program(content[:1024])
    if harmful is None and file_kinds.extension(name) in file_kinds.RUNS:
        harmful = "a file that runs"
    kind = part.content_type.decode("ascii", "replace")
    return Attached(name, kind, len(content), hashlib.sha256(content).hexdigest(), harmful)
