"""The body of a reported mail, redacted, for customers who may see it: read and redacted anew when a notice goes out.

Only where the customer is vetted and the complainant (the feed's terms) agreed: marked when the report is filed,
looked at again when it is sent. Nothing of it is stored. Must never let an attachment through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway import recipients
from gateway.casework.desk import Party
from gateway.dossier import Dossier, ReportInHand
from gateway.house import House
from gateway.screening.reporters import standing
from gateway.store import messages
from gateway.store.notices import StoredNotice
from notifier import identifiers, markup
from notifier.private import sought
from parsers.envelope import decode_headers
from parsers.report import Parsed
from parsers.reported_texts import Shown

BODY_OF = "body_of"  # in stored evidence: the message and the position of the report in it


def mark(house: House, party: Party, dossier: Dossier, item: ReportInHand) -> dict[str, Any]:
    """What a notice's evidence gets where its customer may see the body: so that `added` finds it."""
    vetted = party.vetted or party.customer in house.settings.notices.vetted_customers
    if not vetted or not _agreed(house, dossier, item) or item not in dossier.reports:
        return {}
    return {BODY_OF: [dossier.message.id, dossier.reports.index(item), item.screening.identity.feed]}


def _agreed(house: House, dossier: Dossier, item: ReportInHand) -> bool:
    """The complainant did, or the feed's terms do: by the settings, or as staff were told of this reporter."""
    how, feed = house.settings.notices, item.screening.identity.feed
    if "*" in how.body_feeds or feed in how.body_feeds:
        return True
    decided = standing(dossier.reporter, house.standings)
    if decided is not None and decided.raw_forwarding is not None:
        return decided.raw_forwarding
    return any(known.raw_forwarding for known in house.border().feeds if known.name == feed)


async def added(house: House, claimed: Sequence[StoredNotice]) -> list[StoredNotice]:
    """The notices, with the redacted body in the evidence of those that are to carry one. Two statements' worth of work
    only where there are such."""
    wanted = {n.id: n.evidence[BODY_OF] for n in claimed if n.evidence and BODY_OF in n.evidence}
    if not wanted:
        return list(claimed)
    async with house.database.reading() as connection:
        raws = await messages.raws(connection, sorted({of[0] for of in wanted.values()}))
    bodies: dict[int, dict[str, Any]] = {}
    for notice_id, (message_id, position, feed) in wanted.items():
        if message_id in raws:
            parsed = (await house.workers.parse([raws[message_id]]))[0]
            shown = (await house.workers.originals([(raws[message_id], position)]))[0]
            bodies[notice_id] = redacted(house, parsed, position, shown, feed)
    return [replace(n, evidence=_with(n, bodies.get(n.id, {}))) for n in claimed]


def redacted(house: House, parsed: Parsed, position: int, shown: Shown, feed: str | None) -> dict[str, Any]:
    """What may leave of the mail: texts without anything that names somebody, attachments by name and digest."""
    if position >= len(parsed.reports):
        return {}
    report, redactor = parsed.reports[position], house.redactor()
    private = sought(recipients.private_strings(parsed, report, feed, house.public_domains))
    headers = decode_headers(report.original.header_block) if report.original else []
    marks = identifiers.marks(headers)
    texts = [markup.words(text.content) if text.markup else text.content for text in shown.texts]

    def line(text: str) -> str:
        return redactor.line(text, private, marks)

    left = [
        f"{line(one.name) or 'without a name'}, {line(one.content_type)}, {one.size} bytes, "
        f"sha256:{one.sha256}" + (f", {one.harmful}" if one.harmful else "")
        for one in shown.attachments
    ]
    return {"body": [redactor.body(text, private, marks) for text in texts], "attachments": left}


def _with(notice: StoredNotice, body: dict[str, Any]) -> dict[str, Any] | None:
    return notice.evidence if notice.evidence is None else notice.evidence | body
