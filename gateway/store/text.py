"""Makes text from foreign mail storable: no NUL (PostgreSQL refuses it), no lone surrogates.

Used by the store on every row that holds such text, so that no caller has to remember. Must
never change anything else.
"""

from __future__ import annotations

from typing import Any


def storable(value: Any) -> Any:
    """The value with all text in it (in dicts and lists too) as both databases can hold it."""
    if isinstance(value, str):
        if value.isascii():
            return value.replace("\0", "") if "\0" in value else value
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    return value
