"""From which rates on staff are told: complaints, bounces, growth (CON-3, CON-9). As in `rules`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.policies.rules import Rules

Share = Annotated[float, Field(gt=0, le=1)]


class Rates(Rules):
    """Shares of the mails sent on a day. Large mailbox providers warn at 0.1 % and act at 0.3 %."""

    complaints_warn: Share = 0.001
    """Complaints per mail from which staff are warned."""
    complaints_alarm: Share = 0.003
    """Complaints per mail from which it is an alarm."""
    unknown_alarm: Share = 0.02
    """Bounces with status 5.1.1 (no such mailbox) per mail: a list nobody cleans."""
    opt_outs_alarm: Share = 0.02
    """Opt-outs per mail."""
    growth: Annotated[float, Field(gt=1, le=1000)] = 5.0
    """Subscribers added on a day, as a multiple of the days before, from which it is an alarm (CON-9)."""
    growth_least: Annotated[int, Field(ge=1)] = 500
    """Fewer additions than this are never an alarm."""
    volume_least: Annotated[int, Field(ge=1)] = 1000
    """Below so many mails a day a single complaint would be a rate: counted, no alarm."""
