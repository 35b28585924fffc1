"""`arfgate contacts ADDRESS`: who would be told about a network or site, and where each address comes from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway import third_party_mail
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table
from gateway.house import House
from notifier.contacts import Contact, NotTold, judge
from parsers.fields import ip, registrable


def contacts(
    subject: Annotated[str, typer.Argument(help="An address or a host name.")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask the registry for the contacts of an address or domain. Nobody is written to."""
    rows = in_house(config, lambda house: _contacts(house, subject))
    if json:
        as_json(rows)
        return
    columns = ("address", "roles", "would be told", "registration", "source")
    table(
        f"Contacts for {subject}",
        columns,
        [[row[c] for c in columns] for row in rows],
        empty="The registry names nobody.",
    )


async def _contacts(house: House, subject: str) -> list[dict[str, Any]]:
    if house.contacts is None:
        raise LookupError("rdap.enabled = false: the registries are not asked")
    address = ip(subject)
    domain = None if address else registrable(subject.lower())
    if address is None and domain is None:
        fail(f"{subject}: neither an address nor a host name under a public suffix")
    answer = await house.contacts.find("ip" if address else "domain", address or domain or "")
    if not answer.found and answer.failed is not None:
        fail(f"{subject}: {answer.failed.detail}")
    async with house.database.reading() as connection:
        rules = await third_party_mail.rules(house, connection, house.policy)
    decisions = judge(answer.found, rules)
    return [
        {
            "address": one.address,
            "roles": ", ".join(one.roles),
            "would be told": _said(house, decision),
            "registration": one.registration,
            "source": one.source,
        }
        for one, decision in zip(answer.found, decisions, strict=True)
    ]


def _said(house: House, decision: Contact | NotTold) -> str:
    if isinstance(decision, NotTold):
        return f"no: {decision.why_not.value}"
    return "yes" if third_party_mail.mode_of(house, decision.role, house.policy) == "auto" else "once a person approves"
