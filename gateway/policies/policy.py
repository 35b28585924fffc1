"""What an operator's rules say, as data: classes, hours, who is told, what follows when time is up.

A policy is a TOML file; `default.toml` beside this module ships. Frozen once loaded. Must
never decide anything about a case: casework does, with a policy in its hand.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from gateway.model import ActionKind
from gateway.tomlfile import TomlFileError, problems, read_toml
from parsers.report import Category, Role

NONE = "none"  # in the table of cases: no case
ANY = "any"  # in the table of cases: every category without a line of its own


def _case_key(value: str) -> str:
    if value != ANY and value not in set(Category):
        close = difflib.get_close_matches(value, [*Category, ANY], n=1)
        hint = f"did you mean {close[0]}?" if close else f"possible: {', '.join(Category)}, {ANY}"
        raise ValueError(f"there is no such category; {hint}")
    return value


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
CaseKey = Annotated[str, AfterValidator(_case_key)]
Hours = Annotated[float, Field(gt=0, le=24 * 365)]
Days = Annotated[int, Field(ge=1, le=3650)]
Mode = Literal["auto", "approve", "off"]


class PolicyError(Exception):
    """The policy cannot be used. The text has one line per problem; `problems` has them apart."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.problems = tuple(lines)


class _Rules(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, validate_default=True
    )


class ClassRule(_Rules):
    """One class of cases and the time its customers have."""

    name: Name
    """Name of the class: its key in the table."""
    hours: Hours
    """Hours from the notice to `overdue`."""
    reminder_at: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5,)
    """Fractions of the time after which the customer is reminded, ascending, for example [0.5]."""

    @field_validator("reminder_at")
    @classmethod
    def _ascending(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("must ascend, each fraction once")
        return value

    @property
    def time(self) -> timedelta:
        """From the notice to `overdue`."""
        return timedelta(hours=self.hours)


class Overdue(_Rules):
    """What follows when time is up."""

    action: Literal["block", "none"] = "block"
    """What is proposed: "block" or "none"."""
    approval: Literal["one", "none"] = "one"
    """Who must agree before it is carried out: "one" person, or "none"."""

    @property
    def action_kind(self) -> ActionKind | None:
        return None if self.action == NONE else ActionKind(self.action)


class Answer(_Rules):
    """What a customer's answer does."""

    rejected_minimum_hours: Hours = 2
    """A rejected answer leaves the customer at least this much time."""
    alarm_hours: Hours = 8
    """Hours after which staff are reminded of an answer that nobody has judged."""


class ThirdParties(_Rules):
    """Who else is told, by WHOIS role."""

    abuse: Mode = "auto"
    """Abuse contacts of foreign source networks and advertised sites: "auto", "approve" or "off"."""
    others: Mode = "off"
    """Other roles, postmasters and upstreams (RFC 6650 section 5.3 advises against them)."""


class Policy(_Rules):
    """An operator's rules. `cases` maps the resource's role, then the category, to a class or "none"."""

    name: Name
    """Name of the policy, as notices show it."""
    version: Annotated[int, Field(ge=1)]
    """Version; raise it with each change."""
    age_limit_days: Days = 7
    """Incidents older than this are recorded and open no case."""
    reopen_days: Days = 30
    """Conduct after a stated resolution reopens the case for this long."""
    classes: Mapping[Name, ClassRule]
    """Classes of cases, each with its hours."""
    cases: Mapping[Role, Mapping[CaseKey, Name]]
    """For each role of a resource: category = class, or "none"; "any" stands for the categories not named."""
    overdue: Overdue = Overdue()
    """What follows when time is up."""
    answer: Answer = Answer()
    """What a customer's answer does."""
    third_parties: ThirdParties = ThirdParties()
    """Who else is told, by WHOIS role."""

    @field_validator("classes", mode="before")
    @classmethod
    def _named_by_key(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: {"name": key, **rule} if isinstance(rule, dict) else rule for key, rule in value.items()}

    @model_validator(mode="after")
    def _classes_exist(self) -> Policy:
        unknown = [
            f'cases.{role}.{category} = "{name}"'
            for role, row in self.cases.items()
            for category, name in row.items()
            if name != NONE and name not in self.classes
        ]
        if unknown:
            known = ", ".join((*self.classes, NONE))
            raise ValueError(f"{'; '.join(unknown)}: there is no such class; possible: {known}")
        return self

    @property
    def age_limit(self) -> timedelta:
        return timedelta(days=self.age_limit_days)

    @property
    def reopen_limit(self) -> timedelta:
        return timedelta(days=self.reopen_days)

    def class_for(self, category: Category, role: Role) -> ClassRule | None:
        """The class of a case about this, or None where no case is opened."""
        row = self.cases.get(role, {})
        name = row.get(category.value, row.get(ANY, NONE))
        return None if name == NONE else self.classes[name]

    def describe(self) -> str:
        """The rules in words, for `arfgate policy` and for notices' footers."""
        lines = [f"Policy {self.name}, version {self.version}"]
        lines += [f"  {rule.name}: {rule.hours:g} hours{_reminders(rule)}" for rule in self.classes.values()]
        lines.append(f"  when time is up: {self._overdue_words()}")
        lines.append(f"  incidents older than {self.age_limit_days} days open no case")
        lines.append(f"  conduct within {self.reopen_days} days after a resolution reopens the case")
        lines.append(f"  third parties: abuse contacts {self.third_parties.abuse}, others {self.third_parties.others}")
        return "\n".join(lines)

    def _overdue_words(self) -> str:
        if self.overdue.action == "none":
            return "staff are told"
        approval = "after one person has approved" if self.overdue.approval == "one" else "without asking"
        return f"{self.overdue.action}, {approval}"


def load(name_or_path: str | Path = "default") -> Policy:
    """A policy that ships (by name), or a file (a Path, or text that ends in .toml). Raises PolicyError."""
    path = _shipped(name_or_path) if _is_name(name_or_path) else Path(name_or_path)
    try:
        return Policy.model_validate(read_toml(path))
    except TomlFileError as error:
        raise PolicyError([str(error)]) from None
    except ValidationError as error:
        raise PolicyError(problems(error, path, Policy)) from None


@cache
def bystanders() -> frozenset[str]:
    """Large innocent domains that turn up in spam: each stands for itself and everything below it.

    Their abuse desks are not told of advertised sites (bystanders.txt says why each kind is in or out).
    """
    text = (resources.files(__package__) / "bystanders.txt").read_text(encoding="utf-8")
    return frozenset(name for line in text.splitlines() if (name := line.partition("#")[0].strip()))


def _is_name(name_or_path: str | Path) -> bool:
    return isinstance(name_or_path, str) and not name_or_path.endswith(".toml") and "/" not in name_or_path


def _shipped(name: str | Path) -> Path:
    folder = Path(str(resources.files(__package__)))
    path = folder / f"{name}.toml"
    if path.parent != folder or not path.is_file():
        shipped = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise PolicyError([f'policy.name = "{name}": no such policy; shipped are: {shipped}; a file must end in .toml'])
    return path


def _reminders(rule: ClassRule) -> str:
    if not rule.reminder_at:
        return ", no reminder"
    return ", reminder after " + ", ".join(f"{rule.hours * part:g}" for part in rule.reminder_at) + " hours"
