"""What a domain asks of those who check its mail (DMARC, RFC 7489): how close a proven domain has to be.

The record's policy (reject, quarantine) is for the border that took the mail; here only alignment counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.screening.raw_header import tags
from parsers.fields import registrable

_RECORD_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Record:
    """Whether DKIM and SPF must name the From domain exactly (strict), or its organisation is enough."""

    strict_dkim: bool = False
    strict_spf: bool = False


def places(from_domain: str) -> list[str]:
    """Where the record may be, in order: the From domain, then its organisation (section 6.6.3)."""
    organisation = registrable(from_domain)
    return [f"_dmarc.{name}" for name in dict.fromkeys((from_domain, organisation)) if name]


def record(texts: Sequence[Sequence[bytes]]) -> Record | None:
    """The one DMARC record among TXT records (each its strings); None where there is none, or more than one."""
    whole = [b"".join(strings) for strings in texts]
    found = [text for text in whole if text[:8].lower().startswith(b"v=dmarc1") and len(text) <= _RECORD_BYTES]
    if len(found) != 1:
        return None
    said = {name.lower(): value.lower() for name, value in tags(found[0]).items()}
    return Record(said.get("adkim") == "s", said.get("aspf") == "s")


def aligned(proven: str, from_domain: str, *, strict: bool) -> bool:
    """Whether a proven domain speaks for the From domain."""
    if strict or proven == from_domain:
        return proven == from_domain
    organisation = registrable(from_domain)
    return organisation is not None and registrable(proven) == organisation
