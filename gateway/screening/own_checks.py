"""Who sent a message where our border did not say: our own check of DKIM, SPF, DMARC alignment and ARC.

For a whole batch at once: all names are asked for concurrently, then the signatures are verified in worker processes.
Time is bounded for the batch; what has no answer by then is a temporary error for the messages that wanted it, and for
no others. Must never ask for a name that no message of the batch needs, and never wait for one longer than told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from gateway.model import Checker, Identity, IdentityKind
from gateway.screening import dmarc, signatures, spf_check
from gateway.screening.border_line import Client, client
from gateway.screening.identity import Border, Checked, Statement, conclude, domain_name, from_domain, statements_of
from gateway.screening.raw_header import Header, header
from gateway.screening.signatures import Signature
from gateway.screening.verify import Job, Verified
from gateway.setting_types import IpNetwork
from notifier.dns import LookupFailed, RecordKind
from parsers.fields import registrable
from parsers.report import Envelope

_AT_ONCE = 50  # questions to the resolver
_KNOWN = frozenset({IdentityKind.FEED, IdentityKind.DOMAIN})


class Names(Protocol):
    """The one resolver."""

    async def records(
        self, name: str, kind: RecordKind, domain: str, seconds: float | None = None
    ) -> list[Any] | LookupFailed: ...


class Verifier(Protocol):
    """The worker processes."""

    async def verify(self, jobs: Sequence[Job]) -> list[Verified]: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator says. `enabled`: check where the border said nothing; `hosts` and `inside`: see
    `border_line.client`; `forwarders`: domains whose ARC seals are believed; `seconds` for the questions of a batch."""

    enabled: bool = True
    hosts: frozenset[str] = frozenset()
    inside: tuple[IpNetwork, ...] = ()
    forwarders: frozenset[str] = frozenset()
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it came, with what the border's word made of its sender."""

    raw: bytes
    envelope: Envelope
    received_at: datetime
    identity: Identity


@dataclass(slots=True)
class _Plan:
    """What is to be checked of one mail, and the answers."""

    mail: Mail
    header: Header
    domain: str | None  # of the From address
    signatures: list[Signature] = field(default_factory=list)
    refused: list[Signature] = field(default_factory=list)
    client: Client | None = None
    forwarder: str | None = None  # the trusted one that sealed it last
    spf: tuple[str, str] | None = None


def wanted(identity: Identity, envelope: Envelope, rules: Rules, raw: bytes) -> bool:
    """Whether an own check could say more than the border did."""
    if identity.kind in _KNOWN or envelope.from_count == 0:
        return False
    if rules.enabled and identity.checked_by is Checker.NONE:
        return True
    return bool(rules.forwarders) and b"arc-seal:" in raw[:65_536].lower()


class OwnChecks:
    def __init__(self, names: Names, verifier: Verifier, rules: Rules, border: Border) -> None:
        self._names, self._verifier, self._rules, self._border = names, verifier, rules, border
        self._answers: dict[tuple[str, str], list[Any] | LookupFailed] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def identities(self, mails: Sequence[Mail]) -> list[Identity]:
        """Who sent each mail, in order. What an own check cannot say better stays as the border had it."""
        registered = frozenset(self._border.by_domain)
        plans = {index: plan for index, mail in enumerate(mails) if (plan := self._plan(mail, registered))}
        await self._ask([*self._questions(plans.values()), *(self._spf(p) for p in plans.values() if p.client)])
        jobs = {index: job for index, plan in plans.items() if (job := self._job(plan))}
        done = dict(zip(jobs, await self._verifier.verify(list(jobs.values())), strict=True)) if jobs else {}
        return [
            self._conclude(plans[index], done.get(index, Verified())) if index in plans else mail.identity
            for index, mail in enumerate(mails)
        ]

    def _plan(self, mail: Mail, registered: frozenset[str]) -> _Plan | None:
        found = header(mail.raw)
        if found is None:
            return None
        plan = _Plan(mail, found, from_domain(mail.envelope))
        number, newest, _ = next(iter(signatures.seals(found)), (0, "", ""))
        if newest and self._trusts(newest) and signatures.seal_covers(found, number):
            plan.forwarder = newest
        if self._rules.enabled and mail.identity.checked_by is Checker.NONE:
            there = signatures.of(found, mail.received_at)
            plan.signatures = signatures.worth_it(there, plan.domain, registered)
            plan.refused = [one for one in there if one.refused]
            if mail.envelope.return_path:
                plan.client = client(mail.envelope.received, self._rules.hosts, self._rules.inside)
        return plan

    def _trusts(self, domain: str) -> bool:
        return any(domain == one or domain.endswith(f".{one}") for one in self._rules.forwarders)

    # --- questions -------------------------------------------------------------------------

    def _questions(self, plans: Iterable[_Plan]) -> list[Coroutine[Any, Any, None]]:
        names: set[str] = set()
        for plan in plans:
            names |= {one.key_name for one in plan.signatures}
            names |= signatures.arc_keys(plan.header) if plan.forwarder else set()
            if plan.domain and (plan.signatures or plan.client):
                names |= set(dmarc.places(plan.domain))
        return [self._fetch(name, "TXT") for name in sorted(names)]

    async def _ask(self, questions: list[Coroutine[Any, Any, None]]) -> None:
        """All of them, as far as they are answered in time."""
        if not questions:
            return
        tasks = [asyncio.create_task(question) for question in questions]
        _, late = await asyncio.wait(tasks, timeout=self._rules.seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def _fetch(self, name: str, kind: RecordKind) -> None:
        key = (name.lower(), kind)
        if key not in self._answers:
            async with self._gate:
                asked = name.rpartition("._domainkey.")[2].removeprefix("_dmarc.")
                domain = registrable(asked) or asked
                # less than the batch waits, so that a silent domain is known as one
                self._answers[key] = await self._names.records(name, kind, domain, self._rules.seconds * 0.8)

    async def _spf(self, plan: _Plan) -> None:
        assert plan.client is not None

        async def lookup(name: str, kind: RecordKind) -> list[Any] | LookupFailed:
            await self._fetch(name, kind)
            return self._answers[name.lower(), kind]

        plan.spf = ("temperror", "no answer in time")  # stays, if time runs out
        plan.spf = await spf_check.check(plan.client.ip, plan.mail.envelope.return_path or "", plan.client.helo, lookup)

    def _key(self, name: str) -> bytes | LookupFailed | None:
        """The record of a key; None where there is none."""
        found = self._answers.get((name.lower(), "TXT"), LookupFailed("no answer in time"))
        if isinstance(found, LookupFailed):
            return found
        return next((whole for strings in found if b"p=" in (whole := b"".join(strings))), None)

    # --- what follows ----------------------------------------------------------------------

    def _job(self, plan: _Plan) -> Job | None:
        there = [one for one in plan.signatures if isinstance(self._key(one.key_name), bytes)]
        names = {one.key_name for one in there} | (signatures.arc_keys(plan.header) if plan.forwarder else set())
        keys = {name.lower(): key for name in names if isinstance(key := self._key(name), bytes)}
        if not keys:
            return None
        return Job(plan.mail.raw, tuple(one.index for one in there), plan.forwarder is not None, keys)

    def _conclude(self, plan: _Plan, verified: Verified) -> Identity:
        checked = self._checked(plan, verified)
        before = plan.mail.identity
        own = before
        if self._rules.enabled and before.checked_by is Checker.NONE:
            own = conclude(checked, plan.mail.envelope, self._border, Checker.OWN)
            if own.kind is IdentityKind.NOBODY and before.foreign:
                own = replace(own, foreign=True, detail=f"{before.detail}; {own.detail}")
        if own.kind in _KNOWN or plan.forwarder is None:
            return own
        return self._forwarded(plan, verified, own)

    def _checked(self, plan: _Plan, verified: Verified) -> Checked:
        """The statements of the own check, as a border would make them."""
        checked = Checked([], [], fields=1)
        if verified.error:
            checked.notes.append(f"no signature was verified: {verified.error}")
        for one in plan.refused[:3]:
            checked.notes.append(f"the signature of {one.domain} proves nothing: {one.refused}")
        for one in plan.signatures:
            result, why = self._of_signature(one, verified)
            checked.statements.append(Statement("dkim", result, one.domain))
            if why:
                checked.notes.append(f"dkim={result} for {one.domain} ({why})")
        if plan.spf is not None:
            of = domain_name((plan.mail.envelope.return_path or "").rpartition("@")[2])
            checked.statements.append(Statement("spf", plan.spf[0], of))
        self._align(plan, checked)
        return checked

    def _of_signature(self, one: Signature, verified: Verified) -> tuple[str, str]:
        key = self._key(one.key_name)
        if isinstance(key, LookupFailed):
            return "temperror", key.reason[:120]
        if key is None:
            return "permerror", "the domain publishes no such key"
        if why := signatures.key_refused(key, one):
            return "policy", why
        failed = verified.signatures.get(one.index, verified.error or "not verified")
        return ("fail", failed) if failed else ("pass", "")

    def _align(self, plan: _Plan, checked: Checked) -> None:
        """DMARC: what the From domain asks of alignment. A proof that is not close enough for it proves nothing."""
        if plan.domain is None or not checked.statements:
            return
        places = [self._answers.get((place, "TXT"), LookupFailed("")) for place in dmarc.places(plan.domain)]
        found = [dmarc.record(answer) for answer in places if not isinstance(answer, LookupFailed)]
        rule = next((one for one in found if one is not None), None)
        if rule is None:
            return
        strict = {"dkim": rule.strict_dkim, "spf": rule.strict_spf}
        close = []
        for one in checked.statements:
            proven = one.result == "pass" and one.domain is not None
            if proven and dmarc.aligned(one.domain or "", plan.domain, strict=strict[one.method]):
                close.append(one)
            elif proven and strict[one.method] and dmarc.aligned(one.domain or "", plan.domain, strict=False):
                checked.notes.append(f"{plan.domain} asks for exact alignment, {one.method}=pass is for {one.domain}")
                checked.statements = [replace(s, domain=None) if s is one else s for s in checked.statements]
        checked.statements.append(Statement("dmarc", "pass" if close else "fail", plan.domain))

    def _forwarded(self, plan: _Plan, verified: Verified, own: Identity) -> Identity:
        """What the trusted forwarder saw: the oldest of the unbroken run of trusted seals was nearest to the sender."""
        seals = signatures.seals(plan.header)
        if any(isinstance(self._key(name), LookupFailed) for name in signatures.arc_keys(plan.header)):
            why = f"the ARC seal of {plan.forwarder} could not be checked now"
            return replace(own, kind=IdentityKind.UNCHECKED, detail=f"{why}; {own.detail}", checked_by=Checker.ARC)
        if verified.arc != "":
            why = f"the ARC seal of {plan.forwarder} does not hold ({verified.arc or verified.error})"
            return replace(own, detail=f"{own.detail}; {why}")
        instance, domain = 0, ""
        for number, sealer, _ in seals:
            if not self._trusts(sealer):
                break
            instance, domain = number, sealer
        said = verified.seen.get(instance, "").partition(";")[2].strip()
        checked = Checked(statements_of(said), [f"as {domain} saw and sealed it"], fields=1)
        seen = conclude(checked, plan.mail.envelope, self._border, Checker.ARC)
        if seen.kind in _KNOWN:
            return replace(seen, method="arc")
        return replace(own, detail=f"{own.detail}; neither did {domain}, which sealed it")
