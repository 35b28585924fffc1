"""`arfgate contacts ADDRESS`: who would be told about a network or site, and where each address comes from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table
from gateway.house import House
from gateway.store import third_parties
from notifier.contacts import Contact, Rules, judge
from notifier.registration import RdapAnswer
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
    if house.rdap is None:
        raise LookupError("rdap.enabled = false: the registries are not asked")
    address = ip(subject)
    domain = None if address else registrable(subject.lower())
    if address is None and domain is None:
        fail(f"{subject}: neither an address nor a host name under a public suffix")
    answer = await (house.rdap.ip(address) if address else house.rdap.domain(domain or ""))
    if not isinstance(answer, RdapAnswer):
        fail(f"{subject}: {getattr(answer, 'detail', 'the registry knows no such thing')}")
    async with house.database.reading() as connection:
        opted_out = await third_parties.opted_out(connection)
    operator = house.settings.operator
    rules = Rules(
        frozenset(operator.own_domains), tuple(str(n) for n in operator.networks), house.bystanders, opted_out
    )
    found = answer.found(address or domain or "")
    return [
        {
            "address": one.address,
            "roles": ", ".join(one.roles),
            "would be told": "yes" if isinstance(decision, Contact) else f"no: {decision.why_not.value}",
            "registration": one.registration,
            "source": one.source,
        }
        for one, decision in zip(found, judge(found, rules), strict=True)
    ]
