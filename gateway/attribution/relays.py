"""Our relays' own logs: which login and client gave a relay the mail that is reported now.

The queue id in our relay's Received line is the key; a Message-ID alone counts only where that line is not there, and
one mail had it, since its sender chose it. Must never be asked where the report does not lead to a relay of ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from parsers import envelope
from parsers.report import Hop, Report

_QUEUE_ID = re.compile(r"\bid\s+([A-Za-z0-9-]{5,32})\b")
_COMMENT = re.compile(r"\([^()]*\)")
_NEAR = timedelta(days=5)  # mail may lie in queues


@dataclass(frozen=True, slots=True)
class RelayMail:
    """One mail by a relay's log. `message_id` without <>, `at` aware UTC."""

    relay: str
    queue_id: str
    message_id: str | None
    login: str | None
    client_ip: str | None
    client_port: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Keys:
    """What to look for in the logs."""

    message_id: str | None
    queue_ids: frozenset[str]


def keys_of(report: Report) -> Keys:
    """Message-ID and queue ids of the reported mail."""
    original = report.original
    if original is None:
        return Keys(None, frozenset())
    headers = envelope.decode_headers(original.header_block)[:400]
    lines = [value[:2_000] for name, value in headers if name.lower() == "received"]
    found = {hit[1] for line in lines[:50] for hit in _QUEUE_ID.finditer(line)}
    return Keys((original.message_id or "").strip("<>") or None, frozenset(found))


def record_of(report: Report, records: Sequence[RelayMail], hop: Hop | None = None) -> RelayMail | None:
    """The one log record that is this mail; None where there is none, or more than one. `hop`: the relay's own line in
    the trace. Its queue id alone counts; those of other lines, like the Message-ID, are the sender's words."""
    message_id = keys_of(report).message_id
    when = report.arrival_date
    near = [r for r in records if (when is None or abs(r.at - when) <= _NEAR) and not _contradicts(hop, r)]
    if hop is not None and (own := _queue_id(report, hop)):
        found = [r for r in near if r.queue_id == own and r.message_id in {None, message_id}]
    else:
        found = [r for r in near if r.message_id is not None and r.message_id == message_id]
    who = {(r.login, r.client_ip) for r in found}
    return found[0] if len(who) == 1 else None


def denied_by(report: Report, records: Sequence[RelayMail], hop: Hop) -> RelayMail | None:
    """The log record that names another client for this mail than the line does that may be our relay's own."""
    message_id, when = keys_of(report).message_id, report.arrival_date
    same = [r for r in records if r.message_id is not None and r.message_id == message_id]
    near = [r for r in same if when is None or abs(r.at - when) <= _NEAR]
    return near[0] if near and all(_contradicts(hop, r) for r in near) else None


def _queue_id(report: Report, hop: Hop) -> str | None:
    """That of one line of the trace."""
    headers = envelope.decode_headers(report.original.header_block) if report.original else []
    lines = [value[:2_000] for name, value in headers if name.lower() == "received"]
    index = next((n for n, one in enumerate(report.trace) if one is hop), len(lines))
    found = _QUEUE_ID.search(_COMMENT.sub(" ", lines[index])) if index < len(lines) else None
    return found[1] if found else None


def _contradicts(hop: Hop | None, record: RelayMail) -> bool:
    """Does the relay's line name another client than its log?"""
    return hop is not None and None not in {hop.ip, record.client_ip} and hop.ip != record.client_ip
