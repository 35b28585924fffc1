"""Cells of a CSV that is opened in a spreadsheet: none is a formula (SEC-4).

Must never change a cell that is none.
"""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # with these a spreadsheet begins to compute


def guarded(text: str) -> str:
    """The text as a spreadsheet shows it and does not compute it; spaces before a formula hide none."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
