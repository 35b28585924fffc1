"""All policies of a house: the one that holds by default, those that customers can have, and older versions of them.

A case goes on under the version with which it was opened. Must never read a file or a table:
`gateway.policy_versions` makes the book.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.policies.policy import Policy, PolicyError, file_of, parse
from gateway.tomlfile import TomlFileError, read_toml


@dataclass(frozen=True, slots=True)
class Edition:
    """A policy with the text it was read from. `sha256` is over what the text says, not over its comments."""

    policy: Policy
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Book:
    """`default` holds for customers without one of their own; `current` by name, `versions` by label."""

    default: Policy
    current: Mapping[str, Policy] = field(default_factory=dict)
    versions: Mapping[str, Policy] = field(default_factory=dict)

    def classes(self) -> set[str]:
        """The names of the classes of complaints that some policy has now."""
        return {name for policy in (self.default, *self.current.values()) for name in policy.classes}

    def of_customer(self, name: str | None) -> Policy:
        """The policy of a customer with this `policy` (None: the default). A name that is no longer
        in the settings falls back to the default: a customer without rules would be without protection too."""
        return self.current.get(name or "", self.default)

    def of_label(self, label: str) -> Policy:
        """The version that a case runs under; where its text is no longer known, the policy of that name now."""
        known = self.versions.get(label)
        return known if known is not None else self.of_customer(label.partition(" ")[0])


def edition(name_or_path: str | Path) -> Edition:
    """A policy that ships (by name), or a file, with its text. Raises PolicyError."""
    path = file_of(name_or_path)
    try:
        values = read_toml(path)
    except TomlFileError as error:
        raise PolicyError([str(error)]) from None
    return Edition(parse(values, path), path.read_text(encoding="utf-8-sig"), digest(values))


def from_text(text: str, label: str) -> Policy:
    """A stored version. Raises PolicyError: this version of arfgate no longer understands it."""
    try:
        return parse(tomllib.loads(text), Path(label))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"{label}: not valid TOML: {error}"]) from None


def digest(values: Mapping[str, Any]) -> str:
    """SHA-256 over what a file says: comments, order and layout are no change."""
    plain = json.dumps(values, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def differences(old: Policy, new: Policy) -> list[str]:
    """What changed, a line each: `classes.mail.hours: 24 -> 48`."""
    before, after = dict(_flat(old.model_dump(mode="json"))), dict(_flat(new.model_dump(mode="json")))
    changed = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    return [f"{key}: {_said(before, key)} -> {_said(after, key)}" for key in changed]


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value, start=1):
            yield from _flat(inner, f"{key}[{number}]")
    else:
        yield key, sorted(value) if isinstance(value, list) and key == "findings" else value


def _said(values: dict[str, Any], key: str) -> str:
    if key not in values or values[key] is None:
        return "(not set)"
    value = values[key]
    return ", ".join(str(one) for one in value) or "(none)" if isinstance(value, list) else str(value)
