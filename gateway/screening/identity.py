"""Who sent a message: what the operator's own border wrote on top of it, and whom checked facts prove.

Only evidence counts: Authentication-Results fields (RFC 8601) that our own border put there, and the
registry of feeds. Must never believe a field because of what it says about itself: one that lies below
a foreign field was there before our border saw the message. Nothing here verifies a signature or asks
the DNS: `own_checks` does, where the border said nothing, and hands its statements to `conclude`.

A feed is known by its sending domain. A domain in which strangers have mailboxes too registers the feed's
addresses (`senders`): they count only where that very domain is proven for them. An alias that only one feed
writes to (RPT-8) tells feeds apart that share a sending domain. By itself an alias proves nothing, since anybody
can write to it, and it is printed in every report's To field; so it identifies a feed only beside *some*
authenticated sending domain, and only a feed that registered no domain of its own: otherwise one leaked alias
would undo the registered domains of its feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from authres import AuthenticationResultsHeader
from authres.core import AuthResError

from gateway.model import Checker, Identity, IdentityKind, Proof
from parsers.fields import registrable
from parsers.report import Envelope

# authres copies the rest of the field at each token: the bounds keep that below a few milliseconds.
FIELD_CHARS = 4_000
OWN_FIELDS = 20

_FOREIGN_ONLY = "only somebody else's Authentication-Results"

_AUTHSERV_ID = re.compile(r'\s*(?:\([^()]{0,200}\)\s*)?"?([A-Za-z0-9._-]{1,253})(?:/\d+)?(?=[\s;("]|\Z)')
_METHODS = frozenset({"dkim", "spf", "dmarc"})
_ATOM = r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*"
_PROPERTY = rf" (?:header|smtp|policy)\.[a-z]+=(?:{_ATOM})?@?{_ATOM}"
_PLAIN = re.compile(rf"{_ATOM}(?:; [a-z]+=[a-z]+(?:{_PROPERTY})*)+")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Feed:
    """A registered source of reports. `domains`: sending domains, each with all below it.
    `aliases`: addresses of ours that only this feed writes to. `senders`: where given, the only From addresses that
    are this feed's, beside the domain. All lower-case. `weight` of one report of it among others' (0: none).
    """

    name: str
    domains: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    opens_cases: bool = True
    senders: frozenset[str] = frozenset()
    title: str = ""
    weight: float = 1.0
    may_reply: bool = False
    raw_forwarding: bool = False
    note: str = ""


@dataclass(frozen=True)
class Border:
    """What the operator vouches for: the authserv-ids of our border, which deletes forged ones, and the feeds."""

    authserv_ids: frozenset[str] = frozenset()
    feeds: tuple[Feed, ...] = ()

    @cached_property
    def by_domain(self) -> dict[str, list[Feed]]:
        """Registered domain -> feeds, in the order of registration."""
        found: dict[str, list[Feed]] = {}
        for feed in self.feeds:
            for domain in feed.domains:
                found.setdefault(domain.lower().rstrip("."), []).append(feed)
        return found

    @cached_property
    def count_only(self) -> frozenset[str]:
        """Names of the feeds that open no cases."""
        return frozenset(feed.name for feed in self.feeds if not feed.opens_cases)

    @cached_property
    def by_alias(self) -> dict[str, list[Feed]]:
        """Alias -> feeds that registered no domain: it is all there is to know them by."""
        found: dict[str, list[Feed]] = {}
        for feed in self.feeds:
            for alias in feed.aliases if not feed.domains else ():
                found.setdefault(alias.lower(), []).append(feed)
        return found


@dataclass(frozen=True, slots=True)
class Statement:
    """One result of a check: `domain` is what was checked, None where it named none that we use."""

    method: str
    result: str
    domain: str | None


@dataclass(slots=True)
class Checked:
    """What a check said, first statement first, and what was not believed."""

    statements: list[Statement]
    notes: list[str]
    fields: int = 0  # of ours, readable
    unreadable: int = 0  # of ours, in the place where ours are
    foreign: int = 0

    def domains(self, result: str, method: str) -> list[str]:
        return [s.domain for s in self.statements if s.result == result and s.method == method and s.domain]


def identify(envelope: Envelope, border: Border) -> Identity:
    """The accountable sender of a message by our border's word, or why there is none. Never raises.

    A result of `temperror` for the very domain that would have counted, or a field of our own border that
    cannot be read, is nobody's guilt: the sender is then unchecked, not nobody. Where `checked_by` is NONE the
    border said nothing, and an own check may.
    """
    if not border.authserv_ids:
        return Identity(IdentityKind.UNCHECKED, detail="no authserv-id of our border is configured")
    checked = _own_results(envelope.authentication_results, border.authserv_ids)
    if checked.fields:
        return conclude(checked, envelope, border, Checker.BORDER)
    if checked.unreadable:
        return Identity(IdentityKind.UNCHECKED, detail="; ".join(checked.notes))
    if checked.foreign:
        return Identity(IdentityKind.NOBODY, detail="; ".join([_FOREIGN_ONLY, *checked.notes]), foreign=True)
    return Identity(IdentityKind.NOBODY, detail="no Authentication-Results")


def conclude(checked: Checked, envelope: Envelope, border: Border, by: Checker) -> Identity:
    """Whom the statements of a check prove to have sent the message."""
    domain = from_domain(envelope)
    proven = aligned(checked, domain, "pass")
    address = envelope.from_ if proven else None
    proofs = tuple(Proof(s.method, s.result, s.domain or "") for s in checked.statements)
    found = _feed(checked, envelope, border, address)
    if found:
        feed, method, of = found
        detail = "; ".join([f"feed {feed.name} by {method} of {of}", *checked.notes])
        return Identity(IdentityKind.FEED, of, address, method, feed.name, detail, checked_by=by, proofs=proofs)
    if proven and domain:
        method, of = proven
        detail = "; ".join([f"{method}=pass for {of}", *checked.notes])
        return Identity(IdentityKind.DOMAIN, domain, address, method, None, detail, checked_by=by, proofs=proofs)
    kind, why = _nobody(checked, envelope, domain, by)
    return Identity(kind, detail="; ".join([why, *checked.notes]), checked_by=by, proofs=proofs)


def _nobody(checked: Checked, envelope: Envelope, domain: str | None, by: Checker) -> tuple[IdentityKind, str]:
    who = "our border" if by is Checker.BORDER else "our own check"
    if aligned(checked, domain, "temperror"):
        return IdentityKind.UNCHECKED, f"{who} could not finish the check (temperror)"
    if envelope.from_count != 1:
        return IdentityKind.NOBODY, f"{envelope.from_count} From addresses instead of one"
    return IdentityKind.NOBODY, f"{who} found no passing check for {domain or 'the From address'}"


def from_domain(envelope: Envelope) -> str | None:
    """Domain of the one From address as A-labels; two addresses leave it open who speaks."""
    if envelope.from_count != 1 or not envelope.from_:
        return None
    local, _, domain = envelope.from_.rpartition("@")
    return domain_name(domain) if local else None


def domain_name(text: str) -> str | None:
    """A domain in lower case, as A-labels."""
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name[:253].encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return name if len(name) <= 253 and _NAME.fullmatch(name) else None


# --- our border's fields ---------------------------------------------------------------


def _own_results(values: Iterable[str], authserv_ids: frozenset[str]) -> Checked:
    """Read the topmost contiguous fields that carry one of our ids; note those that only claim it."""
    ids = {domain_name(name) for name in authserv_ids}
    checked = Checked([], [])
    misplaced = 0
    for value in values:
        ours = _authserv_id(value) in ids
        if not ours:
            checked.foreign += 1
        elif checked.foreign:
            misplaced += 1
        elif checked.fields + checked.unreadable < OWN_FIELDS:
            _read(value, checked)
    if misplaced:
        checked.notes.append(f"{misplaced} Authentication-Results with our authserv-id below a foreign one ignored")
    return checked


def _authserv_id(value: str) -> str | None:
    found = _AUTHSERV_ID.match(value)
    return domain_name(found[1]) if found else None


def _read(value: str, checked: Checked) -> None:
    """Add one field of ours. Of SPF and DMARC a message has one result, of DKIM one for each domain: what a
    higher field said is not replaced by a lower one.
    """
    spf_dmarc = {s.method for s in checked.statements if s.method != "dkim"}
    dkim = {s.domain for s in checked.statements if s.method == "dkim"}
    unsigned = any(s.method == "dkim" and s.result == "none" for s in checked.statements)
    try:
        found = _statements(value)
    except (AuthResError, RecursionError, ValueError) as error:
        checked.unreadable += 1
        reason = "".join(c if c.isascii() and c.isprintable() else "?" for c in str(error))[:80] or "too deep"
        checked.notes.append(f"an Authentication-Results of our border could not be read ({reason})")
        return
    checked.fields += 1
    for statement in found:
        if statement.method == "dkim":
            if unsigned or statement.domain in dkim:
                continue
        elif statement.method in spf_dmarc:
            continue
        checked.statements.append(statement)


def statements_of(value: str) -> list[Statement]:
    """The statements of a field that somebody vouched for otherwise (ARC); none where it cannot be read."""
    try:
        return _statements(value)
    except (AuthResError, RecursionError, ValueError):
        return []


def _statements(value: str) -> list[Statement]:
    if len(value) > FIELD_CHARS:
        raise ValueError(f"{len(value)} characters, at most {FIELD_CHARS} are read")
    # authres knows neither the null path of a bounce nor a semicolon at the end; both are common. A dot reads as
    # a value and names no domain; quotes there would open what the sender wrote.
    text = " ".join(value.split()).replace("=<>", "=.").rstrip("; ")
    if _PLAIN.fullmatch(plain := text.lower()):
        return _plain_statements(plain)
    header = AuthenticationResultsHeader.parse(f"Authentication-Results: {text}")
    found = []
    for result in header.results:
        method = result.method.lower()
        properties = {(p.type.lower(), p.name.lower()): p.value or "" for p in reversed(result.properties)}
        if method in _METHODS:
            found.append(Statement(method, result.result.lower(), _checked_domain(method, properties)))
    return found


def _plain_statements(text: str) -> list[Statement]:
    """What authres would say of a field without comments, quotes and reasons, which most are: it needs longer for
    one than the whole mail takes to be read."""
    found = []
    for result in text.split(";")[1:]:
        (method, _, outcome), *said = (word.partition("=") for word in result.split())
        if method in _METHODS:
            properties: dict[tuple[str, str], str] = {}
            for name, _, checked in said:
                kind, _, field = name.partition(".")
                properties.setdefault((kind, field), checked)
            found.append(Statement(method, outcome, _checked_domain(method, properties)))
    return found


def _checked_domain(method: str, properties: dict[tuple[str, str], str]) -> str | None:
    """What a result is about: DKIM d= (else the domain of i=), SPF the return path, DMARC the From domain."""
    if method == "dkim":
        text = properties.get(("header", "d")) or properties.get(("header", "i")) or ""
    elif method == "spf":
        text = properties.get(("smtp", "mailfrom"), "")
    else:
        text = properties.get(("header", "from"), "")
    return domain_name(text.rpartition("@")[2])


# --- whom it proves --------------------------------------------------------------------


def aligned(checked: Checked, domain: str | None, result: str) -> tuple[str, str] | None:
    """(method, domain) of a result for the From domain: DMARC exactly, DKIM and SPF by organisational domain."""
    if not domain:
        return None
    if domain in checked.domains(result, "dmarc"):
        return "dmarc", domain
    organisation = registrable(domain)
    for method in ("dkim", "spf"):
        for proven in checked.domains(result, method):
            if proven == domain or (organisation and registrable(proven) == organisation):
                return method, proven
    return None


def _feed(checked: Checked, envelope: Envelope, border: Border, address: str | None) -> tuple[Feed, str, str] | None:
    """(feed, method, proven domain). Of several, the one whose alias was written to, then the narrowest domain."""
    # DKIM first: a signature speaks for the message, SPF for its last hop only.
    proofs = [(method, name) for method in ("dkim", "dmarc", "spf") for name in checked.domains("pass", method)]
    if not proofs:
        return None
    to = {written.lower() for written in envelope.to}
    best: tuple[tuple[bool, int], Feed, str, str] | None = None
    for method, proven in proofs:
        for registered in _at_or_above(proven):
            for feed in border.by_domain.get(registered, ()):
                if feed.senders and (address or "").lower() not in feed.senders:
                    continue
                rank = (not to.isdisjoint(feed.aliases), len(registered))
                if best is None or rank > best[0]:
                    best = (rank, feed, method, proven)
    if best is None or not best[0][0]:
        alone = next((feed for alias in envelope.to for feed in border.by_alias.get(alias.lower(), ())), None)
        if alone is not None:
            return alone, "alias", proofs[0][1]
    return best[1:] if best else None


def _at_or_above(name: str) -> Iterator[str]:
    """`name` itself, then the names above it. A public suffix stands for itself only: below it live strangers."""
    yield name
    while "." in name:
        name = name.partition(".")[2]
        if registrable(name) is None:
            return
        yield name
