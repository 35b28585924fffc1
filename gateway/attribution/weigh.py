"""The address against what else names an account: agreement raises confidence, contradiction goes to a person.

An address with its time and port is the base. Only our own record of the mail (`PROOF`), or our token in it that the
sender's signature covers, may name an account where the address names none; what the reporter's server authenticated
may contradict, and what is mere text may never do more than suggest. Must never choose between two accounts that have
nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.attribution.identifiers import Claim, Strength
from gateway.model import Attribution, AttributionReason, Holder
from parsers.report import ResourceKind

_BY_ADDRESS = 0.9
_MOST_SURE = 0.99
_MOST = 10  # candidates

# Where the address leaves it open, our own record of the mail may say it.
OPEN = frozenset(
    {
        AttributionReason.OWN_RELAY,
        AttributionReason.SHARED_ADDRESS,
        AttributionReason.NO_SOURCE,
        AttributionReason.NO_TIME,
        AttributionReason.PROTECTED,
    }
)

Related = Callable[[int, int], bool]


def weigh(found: Attribution, claims: Sequence[Claim], related: Related) -> Attribution:
    """What address and identifiers say together. `related`: is one of the accounts in the other's tree?"""
    if found.account_id is not None:
        return _beside_address(found, found.account_id, claims, related)
    if not claims:
        return found
    proofs = [c for c in claims if c.named.rule.strength is Strength.PROOF or _signed_token(c, claims, related)]
    if found.reason in OPEN and proofs:
        first = proofs[0]
        against = [
            c for c in claims if c.named.rule.strength > Strength.TEXT and not related(c.account_id, first.account_id)
        ]
        if against:
            return _contradicting(found, [first, *against])
        return _proven(found, first, [c for c in claims if related(c.account_id, first.account_id)])
    return replace(found, candidates=_candidates(claims, found.candidates), how=found.how)


def _signed_token(claim: Claim, claims: Sequence[Claim], related: Related) -> bool:
    """Our CFBL-Feedback-ID in a mail that a valid signature of the same customer covers (RFC 9477 section 3.1)."""
    keys = (c for c in claims if c.named.kind in {"dkim-selector", "dkim-domain"})
    return claim.named.kind == "cfbl" and any(related(c.account_id, claim.account_id) for c in keys)


def _beside_address(found: Attribution, account: int, claims: Sequence[Claim], related: Related) -> Attribution:
    if against := _against(claims, account, related):
        holder = Holder(account, found.how)
        return _contradicting(replace(found, candidates=(holder,)), against)
    agreeing = [c for c in claims if related(c.account_id, account)]
    how = "; ".join([found.how, *(f"{c.words} agrees" for c in agreeing[:3])])
    return replace(found, how=how, confidence=_sure(_BY_ADDRESS, agreeing))


def _contradicting(found: Attribution, claims: Sequence[Claim]) -> Attribution:
    candidates = list(found.candidates) + list(_candidates(claims, ()))
    how = "; ".join([found.how, *(f"but {c.words}" for c in claims[:3])])
    reason = AttributionReason.IDENTIFIERS_CONTRADICT
    return replace(
        found,
        reason=reason,
        account_id=None,
        assignment_id=None,
        confidence=None,
        how=how,
        candidates=_once(candidates),
    )


def _proven(found: Attribution, first: Claim, agreeing: Sequence[Claim]) -> Attribution:
    """A relay's address is nobody's to answer for: the case is about the account that used it."""
    how = f"{found.how}; {first.words}"
    own = found.reason is AttributionReason.SHARED_ADDRESS
    kind = found.kind if own else ResourceKind.MAILBOX
    value = found.value if own else f"account-{first.account_id}" if first.named.kind == "cfbl" else first.named.value
    sure = _sure(first.named.rule.weight, [c for c in agreeing if c is not first])
    return replace(
        found, kind=kind, value=value, reason=AttributionReason.BY_IDENTIFIER, account_id=first.account_id, how=how,
        candidates=(), confidence=sure,
    )  # fmt: skip


def _candidates(claims: Sequence[Claim], before: Sequence[Holder]) -> tuple[Holder, ...]:
    return _once([*before, *(Holder(c.account_id, c.words) for c in claims)])


def _once(candidates: Sequence[Holder]) -> tuple[Holder, ...]:
    kept: dict[int, Holder] = {}
    for one in candidates:
        before = kept.get(one.account_id)
        if before is None:
            kept[one.account_id] = one
        elif one.why not in before.why:
            kept[one.account_id] = Holder(one.account_id, f"{before.why}; {one.why}")
    return tuple(kept.values())[:_MOST]


def _sure(base: float, agreeing: Sequence[Claim]) -> float:
    """Independent witnesses: what is left of the doubt. Each kind counts once."""
    doubt = 1 - base
    for weight in {c.named.kind: c.named.rule.weight for c in agreeing}.values():
        doubt *= 1 - weight
    return round(min(1 - doubt, _MOST_SURE), 3)


def _against(claims: Sequence[Claim], account: int, related: Related) -> list[Claim]:
    """What others than the reporter's text say of another account."""
    return [c for c in claims if c.named.rule.strength > Strength.TEXT and not related(c.account_id, account)]
