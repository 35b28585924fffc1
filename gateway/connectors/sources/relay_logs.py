"""A relay's own log: which client and login handed in which mail. Postfix (any syslog) and Exim (mainlog).

Postfix tells of one mail in several lines; what is half told is kept in the position until the rest comes. Must
never keep what a log says of recipients.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from gateway.attribution.relays import RelayMail
from gateway.connectors.sources.contract import Batch, Position, SourceError
from gateway.connectors.sources.tail import Line, begin, unread
from parsers.fields import ip

_HALF_READ = 5_000  # mails; the oldest go first
_SYSLOG = re.compile(
    r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[0-9:.]{8,15}(?:Z|[+-]\d\d:?\d\d)?) "
    r"(?P<host>\S{1,255}) postfix[^\s/\[]*/(?:[a-z]{1,20}/)?(?P<daemon>smtpd|cleanup)\[\d{1,10}\]: "
    r"(?P<id>[0-9A-Za-z]{5,32}): (?P<rest>.{1,2000})"
)
_CLIENT = re.compile(r"client=[^\[\s]{0,255}\[(?P<ip>[0-9A-Fa-f:.]{2,45})\](?::(?P<port>\d{1,5}))?")
_LOGIN = re.compile(r"sasl_username=([^,\s]{1,255})")
_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=<([^<>\s]{1,500})>")
_EXIM = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d{1,6})?(?P<zone> [+-]\d{4})? (?:\[\d{1,10}\] )?"
    r"(?P<id>[0-9A-Za-z-]{16,23}) <= (?P<rest>.{1,4000})"
)
# Sender, HELO, certificate, Message-ID and subject are the client's words: each field is read in its own place.
_EXIM_CLIENT = re.compile(
    r'(?:<>|(?:"(?:[^"\\]|\\.){0,300}"|[^\s"]){1,600}) H=(?:[^\s(\[]{1,255} )?(?:\([^()\s]{0,300}\) )?'
    r"\[(?P<ip>[0-9A-Fa-f:.]{2,45})\](?::(?P<port>\d{1,5}))?(?P<more>.*)"
)
_EXIM_QUOTED = re.compile(r'"(?:[^"\\]|\\.){0,1000}"')
_EXIM_LOGIN = re.compile(r"(?<=\s)A=[a-zA-Z0-9_]{1,60}:(\S{1,255})")
_EXIM_ID = re.compile(r"\S{1,500}")


@dataclass(frozen=True, slots=True)
class Postfix:
    """`relay`: the host name, where the log has another; `year` of the first line and `zone`, where times have none.
    Raises SourceError where they have none and `zone` is not named."""

    path: Path
    relay: str | None = None
    year: int | None = None
    zone: tzinfo | None = None

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        place = begin(self.path, position)
        half: dict[str, dict[str, Any]] = dict(position.get("half", {}))
        goes_on = bool(place["offset"]) and "year" in position
        year, month = (int(position["year"]), position.get("month", 0)) if goes_on else (self._first_year(), 0)
        clock = _Years(year, month, self.zone, self.path)
        batch = Batch(place | {"half": half})
        for line in unread(self.path, position):
            if found := _SYSLOG.match(line.text):
                self._line(found, half, clock, batch)
            if batch.behind(line.place | {"half": half, "year": clock.year, "month": clock.month}):
                yield batch
                batch = Batch(batch.position)
        yield batch

    def _first_year(self) -> int:
        """That of the last change, or the one before where the first line is of a later day than that."""
        if self.year:
            return self.year
        changed = datetime.fromtimestamp(self.path.stat().st_mtime, UTC) + timedelta(days=1)  # whatever the zone
        first = next((found for line in unread(self.path, {}) if (found := _SYSLOG.match(line.text))), None)
        with suppress(ValueError):
            if first and not first["time"][0].isdigit():
                began = datetime.strptime(f"{changed.year} {first['time']}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)
                return changed.year - (began > changed)
        return changed.year

    def _line(self, found: re.Match[str], half: dict[str, dict[str, Any]], clock: _Years, batch: Batch) -> None:
        queue_id, one = found["id"], f"{found['host']} {found['id']}"  # of several relays in one log
        if found["daemon"] == "smtpd" and (client := _CLIENT.match(found["rest"])):
            at = clock.moment(found["time"])
            if at is None:
                return
            login = _LOGIN.search(found["rest"])
            port = int(client["port"]) if client["port"] and int(client["port"]) < 65536 else None
            half[one] = {
                "at": at.isoformat(), "ip": ip(client["ip"]), "port": port, "login": login[1] if login else None,
            }  # fmt: skip
            while len(half) > _HALF_READ:
                half.pop(next(iter(half)))
        elif found["daemon"] == "cleanup" and one in half:
            said = _MESSAGE_ID.match(found["rest"])
            known = half.pop(one)
            batch.records.append(
                RelayMail(
                    self.relay or found["host"], queue_id, said[1] if said else None, known["login"], known["ip"],
                    known["port"], datetime.fromisoformat(known["at"]),
                )
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exim:
    """Exim's mainlog with `log_selector = +incoming_port`; its times are of `zone`, or have one (`log_timezone`).
    Raises SourceError where they have none and `zone` is not named."""

    path: Path
    relay: str
    zone: tzinfo | None = None

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        batch = Batch(begin(self.path, position))
        for line in unread(self.path, position):
            self._line(line, batch)
            if batch.behind(line.place):
                yield batch
                batch = Batch(batch.position)
        yield batch

    def _line(self, line: Line, batch: Batch) -> None:
        found = _EXIM.match(line.text)
        client = _EXIM_CLIENT.match(found["rest"]) if found else None
        if found is None or client is None:
            return
        try:
            at = datetime.fromisoformat(found["time"] + (found["zone"] or "").strip())
            at = (at if at.tzinfo else at.replace(tzinfo=_known(self.zone, self.path))).astimezone(UTC)
        except (ValueError, OverflowError):
            batch.refuse(f"{self.path.name}, line {line.number}", "has no usable time")
            return
        how, _, after = _EXIM_QUOTED.sub('""', client["more"]).partition(" id=")
        login, message_id = _EXIM_LOGIN.search(how.partition(" P=")[2]), _EXIM_ID.match(after)
        port = int(client["port"]) if client["port"] and int(client["port"]) < 65536 else None
        batch.records.append(
            RelayMail(
                self.relay, found["id"], message_id[0] if message_id else None, login[1] if login else None,
                ip(client["ip"]), port, at,
            )
        )  # fmt: skip


def _known(zone: tzinfo | None, path: Path) -> tzinfo:
    """An hour too early or too late is another customer's: no zone is taken for granted."""
    if zone is None:
        raise SourceError(
            f"{path.name}: its times have no zone; name the relay's in `time_zone` of this source, "
            'such as "Europe/Bucharest" or "UTC"'
        )
    return zone


@dataclass
class _Years:
    """Times without a year: it changes where the month goes back. Those without a zone are of `zone`."""

    year: int
    month: int
    zone: tzinfo | None
    path: Path

    def moment(self, text: str) -> datetime | None:
        try:
            if text[0].isdigit():
                value = datetime.fromisoformat(text)
                return (value if value.tzinfo else value.replace(tzinfo=_known(self.zone, self.path))).astimezone(UTC)
            zone = _known(self.zone, self.path)
            value = datetime.strptime(f"{self.year} {text}", "%Y %b %d %H:%M:%S").replace(tzinfo=zone)
        except (ValueError, OverflowError):
            return None
        if value.month < self.month - 6:
            self.year += 1
            value += timedelta(days=366 if self.year % 4 == 1 else 365)
        self.month = value.month
        return value.astimezone(UTC)
