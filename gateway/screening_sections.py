"""The sections of arfgate.toml that are about screening: replies, what is held.

As in `sections`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.sections import Section


class Replies(Section):
    """What people who complain are told by the program, and how long an incomplete complaint waits."""

    enabled: bool = True
    """Tell authenticated people what is missing in their complaint, and that a complete one was accepted. Nobody
    else is ever answered, and nobody more than once in seven days."""
    hourly: Annotated[int, Field(ge=0, le=10_000)] = 60
    """Most replies in an hour, to all senders together."""
    hold_days: Annotated[int, Field(ge=1, le=365)] = 14
    """Days after which a report that is held, and that nobody completed or released, expires."""
