"""What one message may still use up while it is read, and what was found odd. Must never be shared by two."""

from __future__ import annotations

from typing import NoReturn

from parsers.errors import LimitError
from parsers.header_block import Guesses
from parsers.report import Limits

# Each false hit costs one turn of a Python loop; a regular message has none or a handful.
NEAR_BOUNDARIES = 20_000


class Budget:
    """What one message may still use up, and what was found odd on the way. Shared by all its parts."""

    __slots__ = ("defects", "guesses", "irregular", "limits", "near", "parts", "plain_bytes")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.plain_bytes = min(limits.header_bytes, limits.header_line_bytes)  # of a header, all within its bounds
        self.parts = 0
        self.near = 0
        self.defects: dict[str, None] = {}  # an ordered set
        self.irregular: list[str] = []
        self.guesses = Guesses()

    def refuse(self) -> NoReturn:
        """Of one part too many, or too deep."""
        if self.parts > self.limits.parts:
            raise LimitError(f"more than {self.limits.parts} parts")
        raise LimitError(f"parts nested deeper than {self.limits.depth}")

    def near_boundary(self) -> None:
        self.near += 1
        if self.near > NEAR_BOUNDARIES:
            raise LimitError(f"more than {NEAR_BOUNDARIES} lines that only resemble a boundary")
