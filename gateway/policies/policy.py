"""What an operator's rules say, as data: classes, hours, who is told, what follows when time is up.

A policy is a TOML file; six ship beside this module. Its sections are in the modules beside
it, by what they are about. Frozen once loaded. Must never decide anything about a case:
casework does, with a policy in its hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from gateway.model import MailboxRole
from gateway.policies.classes import Answer, Calendar, ClassRule
from gateway.policies.copies import Copies
from gateway.policies.ladder import Defence, FeedClicks, Ladder
from gateway.policies.measures import (
    ConsentRecords,
    Delivery,
    Fines,
    Intake,
    Language,
    Measures,
    Postmaster,
    Retention,
    ThirdParties,
    strictest,
)
from gateway.policies.rates import Rates
from gateway.policies.rules import ANY, NONE, CaseKey, Days, Name, Rules
from gateway.tomlfile import TomlFileError, place_of, problems, read_toml, shown
from parsers.report import Category, Role

__all__ = [
    "ANY",
    "NONE",
    "ClassRule",
    "Policy",
    "PolicyError",
    "bystanders",
    "file_of",
    "load",
    "parse",
    "shipped",
]


class PolicyError(Exception):
    """The policy cannot be used. The text has one line per problem; `problems` has them apart."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.problems = tuple(lines)


class Policy(Rules):
    """An operator's rules. `cases` maps the resource's role, then the category, to a class or "none"."""

    name: Name
    """Name of the policy, as notices show it."""
    version: Annotated[int, Field(ge=1)]
    """Version; raise it with each change: customers are told of a new one (MED-5)."""
    announce: bool = True
    """Tell customers when a new version takes effect (MED-5)."""
    age_limit_days: Days = 7
    """Incidents older than this are recorded and open no case."""
    reopen_days: Days = 30
    """Conduct after a stated resolution reopens the case for this long."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en", "zh", "ro")
    """Languages of notices; a customer with another one gets the first."""
    outcome: Literal["off", "staff", "auto"] = "staff"
    """Whether those who complained and asked hear how it ended, in general words: "staff" release it case by case,
    "auto" with the end of the case, "off": nobody is told."""
    feed_clicks: FeedClicks = "complaint"
    """What a feedback loop's report is: a "complaint" of its complainant; a "case" with its clock that counts for no
    strike; or only counted, in "rates"."""
    public_display: bool = False
    """Whether staff may publish redacted reports (SES-12). Off: it tells spammers which addresses are watched, and a
    mistake in it cannot be taken back."""
    intake: Mapping[MailboxRole, Intake] = Field(default_factory=strictest)
    """What each role of mailbox asks of a complaint; a role that is not named is as strict as can be."""
    calendar: Calendar = Calendar()
    """Working days and the zone of times."""
    classes: Annotated[Mapping[Name, ClassRule], Field(min_length=1)]
    """Classes of cases, each with its hours."""
    cases: Mapping[Role, Mapping[CaseKey, Name]]
    """For each role of a resource: category = class, or "none"; "any" stands for the categories not named."""
    answer: Answer = Answer()
    """What a customer's answer does."""
    delivery: Delivery = Delivery()
    """Customers whom no mail reaches."""
    copies: Copies = Copies()
    """Who above a customer hears of what it was told (SES-2)."""
    ladder: Ladder = Ladder()
    """Strikes and what they bring."""
    defence: Defence = Defence()
    """What stands between a false report and a customer's service."""
    actions: Measures = Measures()
    """Who must approve an action."""
    fines: Fines = Fines()
    """Charges per complaint held valid."""
    consent_records: ConsentRecords = ConsentRecords()
    """Proof of permission."""
    postmaster: Postmaster = Postmaster()
    """Whether the customer's postmaster@ is read."""
    rates: Rates = Rates()
    """From which rates of complaints, bounces and additions on staff are told (CON-3, CON-9)."""
    third_parties: ThirdParties = ThirdParties()
    """Who else is told, by role."""
    findings: frozenset[str] = frozenset()
    """Codes of the findings that count under this policy and are told to the customer, for example
    ["no-unsubscribe"]; a code covers its details ("registration-found" all countries). Others are shown to staff."""
    retention: Retention = Retention()
    """Days after which data goes."""

    @field_validator("classes", mode="before")
    @classmethod
    def _named_by_key(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: {"name": key, **rule} if isinstance(rule, dict) else rule for key, rule in value.items()}

    @field_validator("classes")
    @classmethod
    def _with_calendar(cls, value: Mapping[str, ClassRule], info: ValidationInfo) -> Mapping[str, ClassRule]:
        calendar = info.data.get("calendar")
        return {
            name: rule if rule.calendar or not rule.business_days else rule.model_copy(update={"calendar": calendar})
            for name, rule in value.items()
        }

    @property
    def label(self) -> str:
        """Name and version, as a case remembers them."""
        return f"{self.name} {self.version}"

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

    def rule(self, cls: str) -> ClassRule:
        """The rule of a case's class. A class that the policy does not know keeps the longest time it knows:
        a change of the policy must not take time away, nor stop the clocks."""
        return self.classes.get(cls) or max(self.classes.values(), key=lambda rule: rule.hours)

    def intake_for(self, role: MailboxRole) -> Intake:
        return self.intake.get(role, Intake())

    def language_for(self, wanted: str) -> str:
        """The language of a notice to somebody who wants this one."""
        return wanted if wanted in self.languages else self.languages[0]

    def finding_counts(self, code: str) -> bool:
        """Whether a finding with this code counts (MED-1, NET-1)."""
        return code in self.findings or code.partition(":")[0] in self.findings


def load(name_or_path: str | Path = "default") -> Policy:
    """A policy that ships (by name), or a file (a Path, or text that ends in .toml). Raises PolicyError."""
    path = file_of(name_or_path)
    try:
        return parse(read_toml(path), path)
    except TomlFileError as error:
        raise PolicyError([str(error)]) from None


def parse(values: Mapping[str, Any], path: Path) -> Policy:
    """The policy that a file's values make; `path` names it in errors. Raises PolicyError."""
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        raise PolicyError(problems(error, path, Policy)) from None
    if wrong := [f"{place_of(path, steps)}: {said}" for steps, said in _contradictions(policy)]:
        raise PolicyError(wrong)
    return policy


def file_of(name_or_path: str | Path) -> Path:
    """The file of a policy that ships (by name), or the path itself. Raises PolicyError."""
    return _shipped(name_or_path) if _is_name(name_or_path) else Path(name_or_path)


def shipped() -> tuple[str, ...]:
    """The names of the policies that come with arfgate."""
    return tuple(sorted(file.stem for file in _folder().glob("*.toml")))


@cache
def bystanders() -> frozenset[str]:
    """Large innocent domains that turn up in spam: each stands for itself and everything below it.

    Their abuse desks are not told of advertised sites (bystanders.txt says why each kind is in or out).
    """
    return _names_in("bystanders.txt")


def _names_in(file: str) -> frozenset[str]:
    text = (resources.files(__package__) / file).read_text(encoding="utf-8")
    return frozenset(name for line in text.splitlines() if (name := line.partition("#")[0].strip()))


def _contradictions(policy: Policy) -> Iterator[tuple[tuple[str, ...], str]]:
    """What each section may say and the policy as a whole may not: (key, line for a person)."""
    known = ", ".join(policy.classes)
    for role, row in policy.cases.items():
        for category, name in row.items():
            if name != NONE and name not in policy.classes:
                said = f'cases.{role}.{category} = "{shown(name)}": there is no such class; possible: {known}, {NONE}'
                yield ("cases", role.value, category), said
    for section in ("ladder", "fines", "consent_records"):
        for name in sorted(set(getattr(policy, section).classes) - set(policy.classes)):
            yield (section, "classes"), f'{section}.classes: there is no class "{shown(name)}"; possible: {known}'
    if policy.fines.mode != "off" and policy.fines.amount is None:
        said = f'fines.mode = "{policy.fines.mode}": a fine needs an amount; add fines.amount, for example "50.00"'
        yield ("fines", "mode"), said


def _is_name(name_or_path: str | Path) -> bool:
    return isinstance(name_or_path, str) and not name_or_path.endswith(".toml") and "/" not in name_or_path


def _folder() -> Path:
    return Path(str(resources.files(__package__)))


def _shipped(name: str | Path) -> Path:
    if name not in shipped():
        known = ", ".join(shipped())
        raise PolicyError([f'policy.name = "{name}": no such policy; shipped are: {known}; a file must end in .toml'])
    return _folder() / f"{name}.toml"
