"""A look-up's outcome as an attribution, in words that staff can check. Must never change what was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.attribution.holders import Found, Lookup, Nobody, day
from gateway.attribution.source import Source
from gateway.model import Attribution, AttributionReason, Holder
from parsers.report import Resource, ResourceKind, Role

SURE = 0.9  # address and time, and nothing else that speaks for or against it


def looked_up(resource: Resource, source: Source, lookup: Lookup) -> Attribution:
    when = f" on {moment(source.at)}" if source.at else ""
    if isinstance(lookup, Found):
        a = lookup.assignment
        port = f", port {source.port}" if a.port_first is not None else ""
        how = f"{source.how}; assigned as {a.resource}{port}{when}, held from {day(a.valid_from)}"
        held = entry(resource.kind, resource.role, resource.value, AttributionReason.ASSIGNED, how)
        return replace(held, account_id=a.account_id, assignment_id=a.id, confidence=SURE)
    port = "" if source.port is None else f" with port {source.port}"
    told_apart = "the report has no port" if source.port is None else f"port {source.port} does not tell them apart"
    why = {
        AttributionReason.NO_TIME: "it changed hands, and the report has no usable time"
        if source.at is None
        else _unsure(source),
        AttributionReason.NOT_ASSIGNED_THEN: f"nobody held it{port}{when}",
        AttributionReason.SHARED_ADDRESS: f"several held it at once{when}, and {told_apart}",
        AttributionReason.PROTECTED: "it is our own infrastructure, and never blamed as such",
    }.get(lookup.reason, lookup.reason.value)
    how = f"{source.how}; {why}"
    return entry(resource.kind, resource.role, resource.value, lookup.reason, how, lookup.candidates)


def _unsure(source: Source) -> str:
    if source.other is None:
        return "it changed hands about then, and the time is not sure"
    return f"it changed hands about then, and the time is not sure: the Received line says {moment(source.other)}"


def entry(
    kind: ResourceKind,
    role: Role,
    value: str,
    reason: AttributionReason,
    how: str,
    candidates: tuple[Holder, ...] = (),
) -> Attribution:
    return Attribution(kind, role, value, reason, how=how, candidates=candidates)


def candidates_of(lookup: Lookup) -> tuple[Holder, ...]:
    if isinstance(lookup, Nobody):
        return lookup.candidates
    a = lookup.assignment
    return (Holder(a.account_id, f"holds {a.resource} from {day(a.valid_from)}"),)


def moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y %H:%M} UTC"
