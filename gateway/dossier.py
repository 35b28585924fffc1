"""What the pipeline carries from arrow to arrow: one message with all that is known of it so far.

Plain values; each arrow fills in its part. Must never be stored as such: `filing` writes
the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.model import Attribution, Identity, Screening, Verdict
from gateway.screening.reporters import Reporter
from gateway.store.held import Held
from gateway.store.messages import Stored
from parsers.report import Parsed, Report


@dataclass(eq=False)  # two equal reports of one message are still two
class ReportInHand:
    """One report of a message. `attributions` is empty until it was attributed."""

    report: Report
    screening: Screening
    fingerprint: str
    complainant: str | None
    attributions: tuple[Attribution, ...] = ()
    would_send: list[dict[str, str]] = field(default_factory=list)
    muted: dict[Attribution, int] = field(default_factory=dict)  # counted, not forwarded: under which mute rule


@dataclass(eq=False)
class Dossier:
    """One message. `screening` is set where it holds no report; `live` is False in an observing mailbox."""

    message: Stored
    parsed: Parsed
    identity: Identity
    live: bool
    screening: Screening | None = None
    reports: list[ReportInHand] = field(default_factory=list)
    completes: Held | None = None  # what waited for this message
    # of an opt-out or a bounce: the mail it is about, and whose that was
    routed: list[tuple[Report, tuple[Attribution, ...]]] = field(default_factory=list)
    reporter: Reporter | None = None

    @property
    def accepted(self) -> list[ReportInHand]:
        return [r for r in self.reports if r.screening.verdict == Verdict.ACCEPTED]
