"""What the sections of a policy share: the base model, and the kinds of values they are made of.

Must never know a particular rule.
"""

from __future__ import annotations

import difflib
import ipaddress
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from gateway.model import ActionKind
from parsers.report import Category

NONE = "none"  # in the table of cases: no case
ANY = "any"  # in the table of cases: every category without a line of its own


def _case_key(value: str) -> str:
    if value != ANY and value not in set(Category):
        close = difflib.get_close_matches(value, [*Category, ANY], n=1)
        hint = f"did you mean {close[0]}?" if close else f"possible: {', '.join(Category)}, {ANY}"
        raise ValueError(f"there is no such category; {hint}")
    return value


def _resource(value: str) -> str:
    """An address, a prefix or a host name, normalised."""
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        name = value.rstrip(".").lower()
    if "." not in name or any(c.isspace() or c in "/@:" for c in name):
        raise ValueError('must be an address, a prefix or a host name, for example "192.0.2.0/28"')
    return name


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
CaseKey = Annotated[str, AfterValidator(_case_key)]
Protected = Annotated[str, AfterValidator(_resource)]
Hours = Annotated[float, Field(gt=0, le=24 * 365)]
Days = Annotated[int, Field(ge=1, le=3650)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Money = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=2)]
Mode = Literal["auto", "approve", "off"]
Approval = Literal["none", "one", "two"]
Actions = tuple[ActionKind, ...]


class Rules(BaseModel):
    """A section of a policy: frozen, and every key that it does not know is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, validate_default=True
    )
