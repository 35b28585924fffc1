"""Policies: read in words and as the file, compared with another version, tried on the real past.

What is tried is never stored: the settings alone say which policy holds.
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.policies.book import differences, from_text
from gateway.policies.policy import Policy, PolicyError
from gateway.policies.words import describe
from gateway.policy_reading import Reading, readings
from gateway.simulate import simulate
from gateway.web.visit import Place, Role, Visit

_TEXT_CHARS = 200_000
_MOST_DAYS = 366
_STEPS = 200  # of a simulation that are shown


async def listing(visit: Visit) -> Response:
    return visit.show("console/policies.html", policies=await readings(visit.house))


async def one(visit: Visit) -> Response:
    """`?against=NAME VERSION`: with what differs from that one, else from the one before."""
    known = await readings(visit.house)
    return _show(visit, _chosen(visit, known), known)


async def attempt(visit: Visit) -> Response:
    """An edited text: what it changes, and what it would have done in the last `days`."""
    known = await readings(visit.house)
    chosen = _chosen(visit, known)
    text = visit.field("text", _TEXT_CHARS).replace("\r\n", "\n")
    days = visit.field("days")
    try:
        draft = from_text(text, "the text") if text else chosen.policy
    except PolicyError as error:
        return _show(visit, chosen, known, 422, draft=text, problems=error.problems)
    if draft is None:
        return _show(visit, chosen, known, 422, draft=text, problems=[chosen.wrong])
    back = min(max(int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else 30, 1), _MOST_DAYS)
    would, happened = await simulate(visit.house, draft, back)
    said = {"days": back, "would": would, "happened": happened, "label": draft.label, "steps": _STEPS}
    changed = differences(chosen.policy, draft) if chosen.policy else []
    return _show(visit, chosen, known, draft=text, tried=said, changed=changed)


PLACES = (
    Place("/policies", listing, Role.VIEWER),
    Place("/policies/{name}/{version}", one, Role.VIEWER),
    Place("/policies/{name}/{version}/try", attempt, Role.ANALYST, "POST", most_body=2 * _TEXT_CHARS),
)


def _chosen(visit: Visit, known: list[Reading]) -> Reading:
    name, version = visit.text("name"), visit.number("version")
    found = next((one for one in known if (one.name, one.version) == (name, version)), None)
    if found is None:
        raise HTTPException(404)
    return found


def _show(visit: Visit, chosen: Reading, known: list[Reading], status: int = 200, **more: Any) -> Response:
    against = _against(visit.asked("against"), chosen, known)
    values: dict[str, Any] = {"draft": chosen.text, "problems": [], "tried": None, "changed": []} | more
    return visit.show(
        "console/policy.html",
        status,
        chosen=chosen,
        known=known,
        words=_words(chosen.policy),
        against=against,
        differing=differences(against.policy, chosen.policy) if against and against.policy and chosen.policy else [],
        most_days=_MOST_DAYS,
        **values,
    )


def _against(label: str, chosen: Reading, known: list[Reading]) -> Reading | None:
    """The version asked for; else the one before of this name."""
    others = [one for one in known if one is not chosen and one.policy is not None]
    asked = next((one for one in others if one.label == label), None)
    before = max(
        (one for one in others if one.name == chosen.name and one.version < chosen.version),
        key=lambda one: one.version,
        default=None,
    )
    return asked or before


def _words(policy: Policy | None) -> list[str]:
    return [line.strip() for line in describe(policy).splitlines()[1:]] if policy else []
