"""Makes text from foreign mail storable: no NUL (PostgreSQL refuses it), no lone surrogates.

Used by the store on every row that holds such text, so that no caller has to remember. Must
never change anything else.
"""

from __future__ import annotations

import json
from typing import Any

# Written out as ASCII, a NUL and a surrogate show themselves: one search instead of a look at each value.
_WRITTEN_OUT = json.JSONEncoder(default=lambda _: None, check_circular=False).encode


def storable(value: Any) -> Any:
    """The value with all text in it (in dicts and lists too) as both databases can hold it."""
    if isinstance(value, dict | list):
        shown = _WRITTEN_OUT(value)
        return value if "\\u0000" not in shown and "\\ud" not in shown else _changed(value)
    return _changed(value)


def _changed(value: Any) -> Any:
    if isinstance(value, str):
        if value.isascii():
            return value.replace("\0", "") if "\0" in value else value
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _changed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_changed(inner) for inner in value]
    return value
