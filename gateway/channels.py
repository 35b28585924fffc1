"""Ways out beside mail, behind the same contract: a notice to `channel:NAME` is posted to the program of that name.

The outbox claims, retries and gives up as with mail, under the same key, which the receiver gets as Idempotency-Key; a
channel that is refused or gone is a contact that was refused, and the next one is told. Must never call an address
that does not stand in the settings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.channel_sections import STAFF, Channel
from gateway.connectors.build import hook
from gateway.screening.reporters import Reporter
from gateway.settings import Settings
from notifier import xarf
from notifier.compose import Composed, compose, subject_and_text
from notifier.dns import Resolver
from notifier.notice import TO_STAFF, Notice, Outcome, Refused, Why, XarfParty
from notifier.texts import Texts
from notifier.webhook import Webhook

PREFIX = "channel:"
TO_ALARMS = PREFIX + STAFF
_ALARM_CHARS = 3000  # chat programs cut or refuse what is longer
_INTERNAL = frozenset({"in_reply_to", "held", "xarf", "message"})  # facts that are no business of the reader's


@dataclass(frozen=True, slots=True)
class Door:
    """One channel with its open door. `section` None: staff's own."""

    hook: Webhook = field(repr=False)
    section: Channel | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """What is to be posted where. `key` is the same for every attempt."""

    door: Door
    key: str
    body: bytes = field(repr=False)

    async def send(self) -> Outcome:
        return await self.door.hook.call(self.key, self.body)


def build(
    settings: Settings, resolver: Resolver, clock: Callable[[], datetime], doors: AsyncExitStack
) -> dict[str, Door]:
    """The operator's channels by name. Raises OSError (a certificate file)."""
    made = {}
    for one in settings.channels:
        secret = one.secret.get_secret_value() if one.secret else ""
        opened = hook(one.url, secret, one.ca_file, one.timeout_seconds, resolver, clock, doors)
        made[one.name] = Door(opened, one)
    if settings.alarms.webhook is not None:
        made[STAFF] = Door(hook(settings.alarms.webhook.get_secret_value(), "", None, 30, resolver, clock, doors))
    return made


def of_reporter(channels: Iterable[Channel], reporter: Reporter) -> str | None:
    """`channel:NAME` of a reporter that hears outcomes by one."""
    keys = {reporter.key, reporter.also}
    return next((PREFIX + one.name for one in channels if not keys.isdisjoint(one.reporters)), None)


def posting(doors: Mapping[str, Door], notice: Notice, party: XarfParty, texts: Texts) -> Posting | Composed | Refused:
    """What goes out for a notice to a channel: a document, a mail where XARF has no words for it, or a refusal. Raises
    CannotComposeError."""
    door = doors.get(notice.to.removeprefix(PREFIX))
    if door is None:
        return Refused(Why.SERVER, f"{notice.to} is not in the settings any more")
    if notice.kind in TO_STAFF or door.section is None:
        return Posting(door, notice.key, _encoded({"text": _alarm(notice)}))
    document = xarf.document(notice.evidence, party, notice.key) if notice.evidence else None
    if door.section.type == "xarf":
        if document is None:
            return compose(replace(notice, to=door.section.mail_to or ""), texts)
        return Posting(door, notice.key, _encoded(document))
    return Posting(door, notice.key, _encoded(_said(notice, document, texts)))


def _said(notice: Notice, document: dict[str, Any] | None, texts: Texts) -> dict[str, Any]:
    """A notice for a program: the same words and facts as by mail, the evidence as XARF too where that can say it."""
    subject, text = subject_and_text(notice, texts)
    return {
        "kind": notice.kind.value,
        "key": notice.key,
        "date": notice.date,
        "language": notice.language,
        "subject": subject,
        "text": text,
        "answer_to": notice.address,
        "facts": {name: value for name, value in notice.facts.items() if name not in _INTERNAL},
        "evidence": asdict(notice.evidence) if notice.evidence else None,
        "xarf": document,
    }


def _alarm(notice: Notice) -> str:
    """One message as Slack and Mattermost take it: nothing in it is a link, a mention or markup of somebody else's."""
    facts = notice.facts
    matter = f"legal matter {facts['matter']}" if "matter" in facts else notice.kind.value
    lines = [f"*{_plain(facts.get('what') or matter)}*: {_plain(facts.get('why') or '')}"]
    lines += [f"`{_plain(facts['command']).replace('`', '')}`"] if facts.get("command") else []
    return "\n".join(lines)[:_ALARM_CHARS]


def _plain(text: object) -> str:
    shown = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("@", "@\u200b").replace("://", ":\u200b//")


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, default=_iso).encode("utf-8", "replace")


def _iso(value: object) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
