"""Who reports, as somebody whose word is weighed: a feed, an organisation or a person, and how they stand with us.

An organisation speaks through programs: a machine-made report of an authenticated domain is the domain's. What
people write is the person's, and so is everything from a freemail domain. Pure; staff's decisions about reporters and
what was counted come in as values. Must never go by an unauthenticated name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model import Identity, IdentityKind
from gateway.screening import registry
from gateway.screening.words import HUMAN_FORMATS
from parsers.fields import registrable
from parsers.report import Parsed

_NAME_CHARS = 320


class ReporterKind(StrEnum):
    FEED = "feed"
    ORGANISATION = "organisation"
    PERSON = "person"


class Trust(StrEnum):
    """Staff's word about a reporter."""

    USUAL = "usual"
    TRUSTED = "trusted"  # believed like a registered feed
    DOUBTFUL = "doubtful"  # each report waits for a person


@dataclass(frozen=True, slots=True)
class Reporter:
    """`key` is `feed:NAME`, `organisation:DOMAIN` or `person:ADDRESS`; `organisation` is the key of the organisation
    that a person or domain belongs to, None where strangers share it."""

    kind: ReporterKind
    name: str
    domain: str | None = None
    organisation: str | None = None

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.name}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What staff decided about a reporter; None: as registered. `throttle`: most reports in an hour that are acted on,
    `recent` how many there were in the last."""

    key: str
    trust: Trust = Trust.USUAL
    blocked: bool = False
    why: str = ""
    weight: float | None = None
    may_reply: bool | None = None
    opens_cases: bool | None = None
    raw_forwarding: bool | None = None
    alias: str | None = None
    throttle: int | None = None
    recent: int = 0


def reporter_of(identity: Identity, parsed: Parsed) -> Reporter | None:
    """Who reports; None: nobody accountable."""
    if identity.kind is IdentityKind.FEED and identity.feed:
        return Reporter(ReporterKind.FEED, identity.feed, identity.domain)
    if identity.kind is not IdentityKind.DOMAIN or not identity.domain:
        return None
    domain = registrable(identity.domain) or identity.domain
    strangers = domain in registry.freemail()
    organisation = None if strangers else f"{ReporterKind.ORGANISATION.value}:{domain}"
    if parsed.format not in HUMAN_FORMATS and not strangers:
        return Reporter(ReporterKind.ORGANISATION, domain, domain, organisation)
    address = (identity.address or identity.domain).lower().replace("\0", "")[:_NAME_CHARS]
    return Reporter(ReporterKind.PERSON, address.encode("utf-8", "replace").decode(), domain, organisation)


def standing(reporter: Reporter | None, decided: Mapping[str, Standing]) -> Standing | None:
    """How a reporter stands: what was decided about it; being blocked or doubted also of its organisation."""
    if reporter is None or not decided:
        return None
    own = decided.get(reporter.key)
    above = decided.get(reporter.organisation) if reporter.organisation else None
    if own is None or (above is not None and (above.blocked or above.trust is Trust.DOUBTFUL) and not own.blocked):
        return above or own
    return own


def precision(accepted: int, disputed: int, false: int) -> float | None:
    """The part of a reporter's accepted reports that held, 0 to 1: a false one counts whole, a disputed one half.
    None: too early to say."""
    if accepted <= 0:
        return None
    return max(0.0, 1.0 - (false + disputed / 2) / accepted)


def beyond(reporters: Iterable[Reporter | None], decided: Mapping[str, Standing]) -> list[int]:
    """Places of those that are more than their reporter's throttle allows in this hour, in order."""
    spent: dict[str, int] = {}
    over = []
    for place, reporter in enumerate(reporters):
        found = standing(reporter, decided)
        if found is None or found.throttle is None:
            continue
        spent[found.key] = spent.get(found.key, found.recent) + 1
        if spent[found.key] > found.throttle:
            over.append(place)
    return over
