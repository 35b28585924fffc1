"""What would be made of a mail, step by step, with the reasons: for `arfgate explain` and the parser lab.

Stores and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway import identities, pipeline
from gateway.answering import would_reply
from gateway.casework.desk import Desk
from gateway.dossier import Dossier, ReportInHand
from gateway.filing import complaints, would_send
from gateway.house import House
from gateway.model import Screening
from gateway.senders import Senders
from gateway.store import customers
from gateway.store import desk as desk_store
from gateway.store.messages import Stored
from parsers.contract import to_json


async def explain(house: House, name: str, index: int, raw: bytes) -> dict[str, Any]:
    """The contract's JSON of the message (`name` and `index` say which) with `screening`, `attribution`, `reply`,
    `notices` that would go out, and `counted_in`: cases in which the resource is in hand already."""
    now = house.clock()
    parsed = (await house.workers.parse([raw]))[0]
    async with house.database.reading() as connection:
        network = await house.network(connection)
        await house.know_reporters(connection)
        message = Stored(0, raw, None, now, 0)
        identity = await Senders(house).one(message, parsed)
        dossier = pipeline.examine(house, network, message, parsed, now, identity, live=False)
        accounts = {a.account_id for item in dossier.reports for a in item.attributions if a.account_id is not None}
        accounts |= {c.account_id for item in dossier.reports for a in item.attributions for c in a.candidates}
        desk = await desk_store.load(connection, accounts)
        names = await customers.names(connection, sorted(accounts))
    counted = sorted({number for item in dossier.reports for number in _in_hand(house, desk, item)})
    notices = [notice for item in dossier.reports for notice in would_send(house, desk, item, now)]
    said = would_reply(house, dossier, now)
    reply = {"kind": said.reply, "to": said.to, "why_not": said.why, "missing": said.missing}
    return (
        to_json(parsed, name, index)
        | _reasoning(dossier, names)
        | {"reply": reply, "notices": notices, "counted_in": counted}
    )


def _in_hand(house: House, desk: Desk, item: ReportInHand) -> Iterator[str]:
    """The cases in which a clock of the resource runs already: there the report is counted, and nobody hears again."""
    for _, complaint in complaints(house, desk, item):
        for clock in desk.clocks.values():
            if clock.case_key == (complaint.account_id, complaint.cls) and clock.value == complaint.value:
                yield desk.cases[clock.case_key].number


def _reasoning(dossier: Dossier, names: dict[int, str]) -> dict[str, Any]:
    identity, reporter = dossier.identity, dossier.reporter
    first = dossier.screening or dossier.reports[0].screening
    return {
        "screening": {
            "verdict": first.verdict.value,
            "reason": first.reason.value,
            "detail": first.detail,
            "identity": identities.as_json(identity),
            "reporter": reporter.key if reporter else None,
            "reports": [_verdict(item.screening) for item in dossier.reports],
        },
        "attribution": [
            {
                "resource": {"kind": a.kind.value, "role": a.role.value, "value": a.value},
                "account": names.get(a.account_id) if a.account_id is not None else None,
                "reason": a.reason.value,
                "how": a.how,
                "candidates": [{"account": names.get(c.account_id), "why": c.why} for c in a.candidates],
            }
            for item in dossier.reports
            for a in item.attributions
        ],
    }  # fmt: skip


def _verdict(screening: Screening) -> dict[str, str]:
    return {"verdict": screening.verdict.value, "reason": screening.reason.value, "detail": screening.detail}
