"""What a connector is: something outside that carries an Action out, or lifts it.

A connector is told what is wanted with an idempotency key and answers Done, NotNow or Never; it never raises for
what the world does. It keeps no state of its own: killed and asked again with the same key it does nothing twice.
Must never see a complainant, and never decide whether something is to be done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.model import ActionKind

ANSWER_CHARS = 500


class Phase(StrEnum):
    DO = "do"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Order:
    """One connector's part of an Action. `key` is the same for every attempt. `why` are staff's or the clock's words,
    `reachable` what must stay reachable from a blocked address (prefixes, `address:port`)."""

    key: str
    number: int  # of the action
    phase: Phase
    kind: ActionKind
    target: str
    why: str = ""
    case: str | None = None
    account: str | None = None  # customer/account
    expires_at: datetime | None = None
    reachable: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """As programs outside get it: the same bytes for every attempt."""
        return {
            "key": self.key,
            "action": self.number,
            "phase": self.phase.value,
            "kind": self.kind.value,
            "target": self.target,
            "why": self.why,
            "case": self.case,
            "account": self.account,
            "expires_at": self.expires_at.isoformat().replace("+00:00", "Z") if self.expires_at else None,
            "keep_reachable": list(self.reachable),
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One action in force, as a list of them shows it."""

    number: int
    kind: ActionKind
    target: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """It is so now. `answer`: the other side's words, for staff."""

    answer: str = ""


@dataclass(frozen=True, slots=True)
class NotNow:
    """Worth another attempt."""

    answer: str


@dataclass(frozen=True, slots=True)
class Never:
    """Another attempt would say the same: a person has to look."""

    answer: str


Outcome = Done | NotNow | Never
Standing = Callable[[], Awaitable[Sequence[Entry]]]
"""All that this connector is to have in force once the order in hand is carried out, read when it is asked for."""


class Connector(Protocol):
    """`name` is the settings' name, `kinds` what it may be asked for, `give_up_hours` how long it is tried."""

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> frozenset[ActionKind]: ...

    @property
    def give_up_hours(self) -> float: ...

    def takes(self, kind: ActionKind, target: str) -> bool:
        """Whether this connector can do it at all."""
        ...

    async def carry_out(self, order: Order, standing: Standing) -> Outcome:
        """Do it, or lift it, in bounded time."""
        ...
