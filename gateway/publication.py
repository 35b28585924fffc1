"""Public display (SES-12): a redacted page of one case, published by staff; off unless the policy says so.

The page is a plain file that the operator's own web server may show: no door of ours opens
for it. What stands on it is kept as it was. Must never show a customer, a complainant, a
recipient, a body or a live link.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.store import cases, publications
from gateway.web.words import environment

_TEMPLATES = Path(__file__).parent / "web" / "templates"
_MOST = 20  # reports shown
OFF = (
    "public display is off (public_display in the policy): a published page tells spammers which addresses are "
    "watched, and a mistake in it cannot be taken back"
)


async def publish(house: House, number: str, *, who: str, why: str) -> tuple[str, str]:
    """The page of a case as it is shown from now on: file name and HTML. Raises NotAllowedError, LookupError."""
    async with house.database.writing() as connection:
        case = await cases.shown(connection, number)
        if case is None:
            raise LookupError(f"there is no case {number}; 'arfgate case list --all' shows them")
        if not house.book.of_label(case["policy"]).public_display:
            raise NotAllowedError(OFF)
        evidence = [n.evidence for n in case["notices"] if n.kind == "complaint" and n.evidence][:_MOST]
        if not evidence:
            raise NotAllowedError(f"case {case['case'].number} holds nothing that could be shown")
        page = _page(house, case, evidence)
        await publications.publish(connection, case["case"].id, page, who=who, why=why, now=house.clock())
    return _file(case["case"].number), page


async def withdraw(house: House, number: str, *, who: str, why: str) -> str:
    """Take a page back: the file of this name is to go, what was shown stays on record. Works where public display
    is off, too."""
    async with house.database.writing() as connection:
        case = await cases.shown(connection, number)
        done = case is not None and await publications.withdraw(
            connection, case["case"].id, who=who, why=why, now=house.clock()
        )
        if case is None or not done:
            raise NotAllowedError(f"case {number} is not published")
    return _file(case["case"].number)


def _file(number: str) -> str:
    return f"{number}.html"


def _page(house: House, case: dict[str, Any], evidence: list[dict[str, Any]]) -> str:
    """Everything in it is text: escaped, and made visible. Addresses are those of the reported resources."""
    line = case["case"]
    return (
        environment(_TEMPLATES)
        .get_template("public.html")
        .render(
            number=line.number,
            cls=line.cls,
            opened=line.opened_at,
            operator=house.settings.operator.name,
            resources=sorted(clock.value for clock in case["clocks"]),
            evidence=evidence,
        )
    )
