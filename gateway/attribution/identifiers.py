"""What in a reported mail names an account besides the address: each kind of identifier is a rule with a strength.

`PROOF` is our own record; `SIGNED` was authenticated by the reporter's server, or carries our HMAC; `TEXT` anybody can
write. Whoever got a mail can copy its CFBL-Feedback-ID into another: it proves a mail only together with a signature.
Must never attribute: what is found here agrees with the address, contradicts it, or is a candidate (`weigh`).
Values are normalised the same way when they are imported and when they are read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from parsers import envelope, fields
from parsers.report import Hop, Report, ResourceKind

_HEADERS = 400  # of a reported mail
_VALUE_CHARS = 300
_TAG = re.compile(r"(?:^|;)\s*([a-z]{1,4})\s*=\s*([^;]{1,300})", re.IGNORECASE)
_PASSED = re.compile(r"\bdkim=pass\b[^;]{0,300}?\bheader\.d=@?([\w.-]{1,253})", re.IGNORECASE)
_SPF = re.compile(r"\bspf=pass\b[^;]{0,300}?\bsmtp\.mailfrom=(?:[^\s;@]{0,64}@)?([\w.-]{1,253})", re.IGNORECASE)
_BRACKETED = re.compile(r"<([^<>\s]{1,300})>")
_CFBL = re.compile(r"a([0-9]{1,9})\.([A-Za-z0-9._-]{1,60})\.[0-9a-f]{16}")


class Strength(IntEnum):
    TEXT = 1
    SIGNED = 2
    PROOF = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """`weight`: how sure it makes us by itself, 0..1."""

    strength: Strength
    weight: float
    words: str


# Every kind of identifier. The first part of each name is what `arfgate assignment import` takes as kind.
RULES: Mapping[str, Rule] = {
    "relay-log": Rule(Strength.PROOF, 0.97, "our relay's log of this mail has the login"),
    "login": Rule(Strength.PROOF, 0.95, "our relay's own Received line has the login"),
    "cfbl": Rule(Strength.SIGNED, 0.9, "the CFBL-Feedback-ID is one of ours"),
    "dkim-selector": Rule(Strength.SIGNED, 0.85, "a valid DKIM signature has the key"),
    "dkim-domain": Rule(Strength.SIGNED, 0.8, "a valid DKIM signature is by"),
    "bounce-domain": Rule(Strength.SIGNED, 0.6, "SPF passed for the return path at"),
    "claimed-login": Rule(Strength.TEXT, 0.4, "the mail says that the login was"),
    "claimed-dkim": Rule(Strength.TEXT, 0.3, "an unchecked DKIM signature names"),
    "claimed-bounce": Rule(Strength.TEXT, 0.35, "the return path is at"),
    "verp": Rule(Strength.TEXT, 0.4, "the return path begins with"),
    "feedback-id": Rule(Strength.TEXT, 0.4, "the Feedback-ID ends with the sender"),
    "list-id": Rule(Strength.TEXT, 0.35, "the List-Id is"),
    "unsubscribe": Rule(Strength.TEXT, 0.3, "List-Unsubscribe leads to"),
    "header": Rule(Strength.TEXT, 0.35, "a hosting header says"),
    "from-domain": Rule(Strength.TEXT, 0.2, "From is at"),
    "link-domain": Rule(Strength.TEXT, 0.15, "a link leads to"),
}
# What an unchecked one is registered as: a login is a login, wherever it is read.
REGISTERED_AS: Mapping[str, str] = {
    "relay-log": "login",
    "claimed-login": "login",
    "claimed-dkim": "dkim-domain",
    "claimed-bounce": "bounce-domain",
}
KINDS = frozenset(RULES) - frozenset(REGISTERED_AS)
SUBSCRIBER = "subscriber"  # of an access network: names holders in imported leases, is never read in a mail
HOSTING_HEADERS = ("x-source-auth", "x-authenticated-sender", "x-php-originating-script", "x-get-message-sender-via")


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a mail holds: `kind` of RULES, normalised `value`."""

    kind: str
    value: str

    @property
    def rule(self) -> Rule:
        return RULES[self.kind]


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier that an account has for a time, as registered. `id` of its row."""

    id: int
    kind: str
    value: str
    account_id: int
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """An identifier of the mail, and whose it was then."""

    named: Named
    account_id: int

    @property
    def words(self) -> str:
        return f"{self.named.rule.words} {self.named.value}"


class IdentifierIndex:
    """Immutable; `patched` makes the next one."""

    __slots__ = ("_held",)

    def __init__(self, identifiers: Iterable[Identifier] = ()) -> None:
        self._held: dict[tuple[str, str], tuple[Identifier, ...]] = {}
        self._held = self._with(identifiers)

    def __bool__(self) -> bool:
        return bool(self._held)

    def patched(self, identifiers: Iterable[Identifier]) -> IdentifierIndex:
        """The index after these were added or changed (by id)."""
        made = IdentifierIndex()
        made._held = self._with(identifiers)
        return made

    def claims(self, named: Iterable[Named], times: Sequence[datetime]) -> list[Claim]:
        """Whose these were at all of these times (none: whenever anybody had them). A value that several had names
        nobody."""
        found = []
        for one in named:
            if one.kind == "cfbl":  # the HMAC was checked: it holds the account itself
                found.append(Claim(one, int(one.value)))
                continue
            kind = REGISTERED_AS.get(one.kind, one.kind)
            then = [self.holders(kind, one.value, at) for at in times] or [self._ever(kind, one.value)]
            if len(then[0]) == 1 and all(accounts == then[0] for accounts in then):
                found.append(Claim(one, *then[0]))
        return found

    def holders(self, kind: str, value: str, at: datetime) -> set[int]:
        """The accounts that had it at a time. A domain that nobody has is its parent's."""
        for name in _above(kind, value):
            held = self._held.get((kind, name), ())
            accounts = {i.account_id for i in held if i.valid_from <= at and (i.valid_to is None or at < i.valid_to)}
            if accounts:
                return accounts
        return set()

    def _ever(self, kind: str, value: str) -> set[int]:
        names = (self._held.get((kind, name), ()) for name in _above(kind, value))
        return {i.account_id for i in next((held for held in names if held), ())}

    def _with(self, identifiers: Iterable[Identifier]) -> dict[tuple[str, str], tuple[Identifier, ...]]:
        held = dict(self._held)
        for one in identifiers:
            key = one.kind, one.value
            held[key] = (*(i for i in held.get(key, ()) if i.id != one.id), one)
        return held


def normal(kind: str, value: str) -> str:
    """A value as it is kept and compared."""
    text = " ".join(value.split())[:_VALUE_CHARS].strip("<> ")
    return text if kind == "header" else text.lower().rstrip(".")


def cfbl_token(key: bytes, account_id: int, more: str = "0") -> str:
    """A CFBL-Feedback-ID for an account (RFC 9477): its number, a campaign or whatever the sender wants to find
    again, and 16 hex digits that only we can make."""
    said = f"a{account_id}.{more}"
    return f"{said}.{hmac.new(key, said.encode(), hashlib.sha256).hexdigest()[:16]}"


def checked_cfbl(key: bytes, value: str) -> int | None:
    """The account of a CFBL-Feedback-ID if the HMAC is ours (white space does not count)."""
    found = _CFBL.fullmatch("".join(value.split())[:_VALUE_CHARS])
    if found is None or not key:
        return None
    wanted = cfbl_token(key, int(found[1]), found[2])
    return int(found[1]) if hmac.compare_digest(wanted, "".join(value.split())) else None


def named_in(report: Report, cfbl_key: bytes, *, login_hop: Hop | None = None) -> tuple[Named, ...]:
    """Every identifier of a report, strongest first, each once. `login_hop`: the line that our own relay wrote."""
    headers = envelope.decode_headers(report.original.header_block)[:_HEADERS] if report.original else []
    found = {Named(kind, normal(kind, value)): None for kind, value in _read(report, headers, cfbl_key, login_hop)}
    kept = [one for one in found if one.value]
    return tuple(sorted(kept, key=lambda one: (-one.rule.strength, -one.rule.weight)))


def campaign_of(report: Report) -> str | None:
    """Which mailing it was: Feedback-ID's campaign, else List-Id, else the sender's own campaign header."""
    parts = [part.strip() for part in (report.identifiers.feedback_id or "").split(":")]
    if len(parts) > 1 and parts[0]:
        return normal("list-id", f"{parts[0]}:{parts[-1]}")
    if listed := report.identifiers.list_id:
        inside = _BRACKETED.search(listed)
        return normal("list-id", inside[1] if inside else listed) or None
    block = report.original.header_block if report.original else b""
    if b"\nx-campaign" not in (lowered := block.lower()) and b"\nx-job:" not in lowered:
        return None  # nearly always; decoding a header costs more than everything else here
    said = {name.lower(): value for name, value in reversed(envelope.decode_headers(block)[:_HEADERS])}
    found = next(
        (said[name] for name in ("x-campaign", "x-campaignid", "x-campaign-id", "x-job") if said.get(name)), ""
    )
    return normal("list-id", found) or None


def _read(
    report: Report, headers: list[tuple[str, str]], cfbl_key: bytes, login_hop: Hop | None
) -> Iterator[tuple[str, str]]:
    if login_hop is not None and login_hop.login:
        yield ("claimed-login" if login_hop.ident else "login"), login_hop.login
    if report.identifiers.auth_login:
        yield "claimed-login", report.identifiers.auth_login
    checked = " ; ".join(report.authentication_results)[:5_000]
    passed = {hit[1].lower() for hit in _PASSED.finditer(checked)}
    spf = {hit[1].lower() for hit in _SPF.finditer(checked)}
    returned = (report.original_mail_from or "").lower()
    for name, value in headers:
        yield from _header(name.lower(), value, passed, cfbl_key)
        if name.lower() == "return-path" and not returned:
            returned = value.strip("<> ").lower()
    local, _, domain = returned.rpartition("@")
    if domain:
        yield ("bounce-domain" if domain in spf else "claimed-bounce"), domain
        yield "verp", re.split(r"[-+=.]", local, maxsplit=1)[0] + "@" + domain
    yield from (("dkim-domain", one) for one in passed)
    for resource in report.resources:
        if resource.kind is ResourceKind.URL and (place := fields.place(resource.value)):
            yield "link-domain", place[1]


def _header(name: str, value: str, passed: set[str], cfbl_key: bytes) -> Iterator[tuple[str, str]]:
    if name == "dkim-signature":
        yield _signature(value, passed)
    elif name == "cfbl-feedback-id":
        account = checked_cfbl(cfbl_key, value)
        yield "cfbl", "" if account is None else str(account)
    elif name == "feedback-id":
        yield "feedback-id", value.rpartition(":")[2]
    elif name == "list-id":
        inside = _BRACKETED.search(value)
        yield "list-id", inside[1] if inside else value
    elif name == "list-unsubscribe":
        places = (fields.place(link) for link in _BRACKETED.findall(value[:2_000])[:4])
        yield from (("unsubscribe", place[1].rpartition("@")[2]) for place in places if place)
    elif name == "from":
        yield "from-domain", (fields.address(value) or "").rpartition("@")[2]
    elif name in HOSTING_HEADERS:
        yield "header", f"{name}: {value}"


def _signature(value: str, passed: set[str]) -> tuple[str, str]:
    """d= and s= of a DKIM-Signature field; what the reporter's server found valid is worth more."""
    tags = {tag.lower(): "".join(text.split()).lower() for tag, text in _TAG.findall(value[:5_000])}
    domain, selector = tags.get("d", ""), tags.get("s", "")
    valid = domain in passed and selector
    return ("dkim-selector", f"{selector}._domainkey.{domain}") if valid else ("claimed-dkim", domain)


def _above(kind: str, value: str) -> Iterator[str]:
    yield value
    if kind in {"dkim-domain", "bounce-domain", "from-domain", "link-domain", "unsubscribe"}:
        labels = value.split(".")
        for n in range(1, min(len(labels) - 1, 10)):
            yield ".".join(labels[n:])
