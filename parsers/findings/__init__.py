"""Checked facts about the reported mail, that its bytes alone can show: for staff to judge by, and never a verdict.

A check is a module of this package whose name does not begin with `_`: no list, no order. It
offers `check(mail)`, which gives Findings (one that is silent of most mail gives a tuple: a generator costs more than
its question): a stable code, and the evidence as part of an
English sentence that may be shown to the customer, so without anything that names who
received or reported the mail. Checks never know each other; only `parsers` itself knows
them. A check that fails is a defect of the report and never costs it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import Protocol, cast

from parsers import envelope
from parsers.frozen import filled
from parsers.report import Category, Finding, Parsed, Report, Resource, Role
from parsers.reported import ReportedMail
from parsers.scan import Part

FINDINGS = 40  # kept of one report
EVIDENCE_CHARS = 300

# Nothing is complained of, or what it shows is looked at by nobody but the legal lane.
_NOT_EXAMINED = frozenset((Category.AUTHENTICATION, Category.NOT_SPAM, Category.CHILD_ABUSE))
# What a mail that went to newsgroups in mass was taken for, before anybody had counted them.
_UNSPECIFIC = frozenset((Category.SPAM, Category.OTHER))
_CODE, _EVIDENCE, _PLACE = attrgetter("code"), attrgetter("evidence"), attrgetter("kind", "role", "value")
MASS_POSTING = "mass-newsgroup-posting"


class Check(Protocol):
    """What a module of this package offers."""

    __name__: str

    def check(self, mail: ReportedMail) -> Iterable[Finding]: ...


@cache
def known() -> MappingProxyType[str, Check]:
    """Check by name: the modules that lie in the package."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    return MappingProxyType({name: cast("Check", importlib.import_module(f"{__name__}.{name}")) for name in names})


@cache
def _checks() -> tuple[tuple[str, Callable[[ReportedMail], Iterable[Finding]]], ...]:
    return tuple((name, module.check) for name, module in known().items())


def examined(parsed: Parsed) -> Parsed:
    """With the findings of each report that shows its mail, and the places which that advertises.

    `parsed` itself, completed: it was read for this, and copies of its reports would cost as much as half the checks.
    """
    for report in parsed.reports:
        if report.original is not None and report.original.mail is not None and report.category not in _NOT_EXAMINED:
            _examine(report, report.original.mail)
    for report in parsed.reports:  # afterwards: several may be about one mail
        if report.original is not None:
            filled(report.original, mail=None)
    return parsed


def _examine(report: Report, part: Part) -> None:
    mail = ReportedMail(report, part)
    found, failed = _findings(mail)
    resources = _resources(mail, failed)
    if mail.limited:
        failed.append("original-over-limit")
    filled(report, findings=(*report.findings, *found), resources=resources)
    if failed:
        filled(report, defects=tuple(dict.fromkeys((*report.defects, *failed))))
    if report.category in _UNSPECIFIC and MASS_POSTING in map(_CODE, found):
        provenance = (*report.provenance, ("category", "original:Newsgroups"))
        filled(report, category=Category.NEWSGROUP_SPAM, provenance=provenance)


def _findings(mail: ReportedMail) -> tuple[list[Finding], list[str]]:
    found: list[Finding] = []
    failed: list[str] = []
    for name, check in _checks():
        try:
            found += tuple(check(mail))  # all of one check, or nothing
        except Exception:  # noqa: BLE001  a bug in one check must not cost the report
            failed.append(f"check-failed:{name}")
    del found[FINDINGS:]
    said = list(map(_EVIDENCE, found))
    if not "".join(said).isprintable() or max(map(len, said), default=0) > EVIDENCE_CHARS:
        found = [_shown(one) for one in found]
    return found, failed


def _shown(finding: Finding) -> Finding:
    """Clean, and no longer than is shown."""
    said = finding.evidence
    text = envelope.clean(said)
    return Finding(finding.code, text if len(text) <= EVIDENCE_CHARS else f"{text[: EVIDENCE_CHARS - 1]}…")


def _resources(mail: ReportedMail, failed: list[str]) -> tuple[Resource, ...]:
    known = mail.report.resources
    told = list(map(_PLACE, known))  # compared as tuples: dataclasses are slow at it
    try:
        places = [(link.kind, Role.ADVERTISED, link.value) for link in mail.links]
        return (*known, *[Resource(*one) for one in places if one not in told])
    except Exception:  # noqa: BLE001  as above
        failed.append("check-failed:resources")
        return known
