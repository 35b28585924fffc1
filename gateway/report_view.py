"""The evidence of one report as people look at it: facts with where they come from, findings with the policy's word.

Used by the page of a case. Everything here is text of strangers: whoever shows it escapes it. Must never decide, and
never hand out a body as anything but text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway import identities, queue_view
from gateway.house import House
from gateway.policies.policy import Policy
from gateway.queue_view import Fact, HopSeen
from gateway.store import case_page, messages


@dataclass(frozen=True, slots=True)
class Finding:
    """A checked fact. `clause`: where the policy holds it against the customer; empty: for staff only."""

    code: str
    evidence: str
    clause: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A report of a case. `row`: as the store has it; `headers` and `text` only where its mail was read again."""

    row: dict[str, Any]
    identity: str
    proofs: list[str]
    facts: list[Fact]
    findings: list[Finding]
    trace: list[HopSeen]
    headers: list[tuple[str, str]]
    text: str


async def look(house: House, case_id: int, report_id: int, policy: Policy, *, whole: bool) -> Evidence | None:
    """None: the report is not in this case. `whole`: its mail is read again, for headers, text
    and what the facts hide."""
    async with house.database.reading() as connection:
        row = await case_page.report_of(connection, case_id, report_id)
        if row is None:
            return None
        network = await house.network(connection)
        raw = await messages.whole(connection, row["message_id"]) if whole else None
    original, text = None, ""
    if raw is not None:
        (parsed,) = await house.workers.parse([raw])
        text = await house.workers.written(raw)
        original = parsed.reports[row["position"]].original if row["position"] < len(parsed.reports) else None
    headers, hidden = queue_view.headers_of(original)
    findings = [Finding(f["code"], f["evidence"], clause(policy, f["code"])) for f in row["findings"]]
    plain = row["parsed"] | {"findings": []}  # they have a tab of their own
    return Evidence(
        row,
        identities.in_one_line(row["identity"]),
        list(identities.evidence(row["identity"])),
        queue_view.facts(plain, hidden),
        findings,
        queue_view.hops(row["parsed"], network),
        headers,
        text,
    )


def clause(policy: Policy, code: str) -> str:
    """Where a policy names the finding; empty where it does not."""
    named = next((one for one in (code, code.partition(":")[0]) if one in policy.findings), None)
    return f"{policy.label}, findings: {named}" if named else ""
