"""The ladder of a policy: what counts as a strike, and what each further one brings (PAG-5 to PAG-7).

Also what false reports must not bring about. Must never count anything: `casework.strikes`
does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.policies.rules import Actions, Count, Days, Hours, Name, Protected, Rules

FeedClicks = Literal["complaint", "case", "rates"]
RungNotice = Literal["first-warning", "second-warning", "final-warning", "enforced"]


class Window(Rules):
    """So many complaints or notices of activity on one account within (t - hours, t] are a strike."""

    count: Count
    """Distinct complaints and notices of activity."""
    hours: Hours
    """Length of the window."""

    @property
    def length(self) -> timedelta:
        return timedelta(hours=self.hours)


class Rung(Rules):
    """What one strike brings."""

    notice: RungNotice
    """What the customer is told: "first-warning", "second-warning", "final-warning", or "enforced" once the actions
    are done."""
    actions: Actions = ()
    """What is done, for example ["disable-mail"]."""

    @model_validator(mode="after")
    def _tells_what_is_done(self) -> Rung:
        if (self.notice == "enforced") != bool(self.actions):
            raise ValueError('"enforced" tells of actions that were carried out, a warning brings none')
        return self


class Threat(Rules):
    """The immediate threat: so many complaints at once that no ladder is climbed (PAG-7)."""

    count: Count = 10
    """Distinct complaints and notices of activity, those that strikes have used up too."""
    hours: Hours = 72
    """Length of the window."""
    actions: Annotated[Actions, Field(min_length=1)]
    """What is done at once, for example ["suspend-account"]; the customer is told when it is done."""

    @property
    def window(self) -> Window:
        return Window(count=self.count, hours=self.hours)


class Ladder(Rules):
    """Strikes and what they bring. Without windows nobody gets one."""

    windows: tuple[Window, ...] = ()
    """Any one of these makes a strike."""
    classes: tuple[Name, ...] = ()
    """Classes whose complaints count, for example ["mail"]; none named: all."""
    new_conduct_only: bool = False
    """After a warning only mail sent after its delivery counts: one mailing cannot climb three rungs (PAG-6)."""
    count_activity: bool = True
    """Notices of activity from staff, block lists and alerts count like complaints (PAG-5)."""
    forget_days: Days | None = None
    """Strikes older than this are forgotten; without it never."""
    rungs: tuple[Rung, ...] = ()
    """What the first, second, ... strike brings; after the last one staff are told."""
    threat: Threat | None = None
    """The immediate threat; without it staff can still declare one, for which an action must be named."""

    @property
    def reach(self) -> timedelta:
        """The longest of its windows: marks that are further apart never meet."""
        threat = [self.threat.window.length] if self.threat else []
        return max([*(window.length for window in self.windows), *threat], default=timedelta(0))

    @property
    def counts(self) -> bool:
        """Whether anything is counted at all."""
        return bool(self.windows) or self.threat is not None

    @model_validator(mode="after")
    def _complete(self) -> Ladder:
        if bool(self.windows) != bool(self.rungs):
            raise ValueError("windows and rungs belong together: a strike must bring something, a rung needs one")
        return self


class Defence(Rules):
    """What stands between a false report and a customer's service."""

    min_independent_reporters: Annotated[int, Field(ge=1, le=100)] = 1
    """An action without approval needs complaints from this many reporters that are independent of each other."""
    freemail_cap: Annotated[int, Field(ge=1, le=100)] = 1
    """All unknown users of one freemail provider together count as at most this many independent reporters."""
    history: Annotated[int, Field(ge=0, le=1000)] = 1
    """Accepted reports that make a reporter a known one. An action without approval that rests only on reporters
    who have fewer waits for a person; 0 switches this off."""
    least_precision: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A reporter of whose judged reports a smaller share was right is not counted as a known one."""
    protected: tuple[Protected, ...] = ()
    """Addresses, prefixes and hosts that no action ever touches."""
    protected_customers: tuple[str, ...] = ()
    """Customers (keys) against whom every action needs two persons."""
    exempt_customers: tuple[str, ...] = ()
    """Customers (keys) who get notices, but neither strikes nor actions."""
