"""Customers as a tree: resellers, contacts with roles, terms; the nearest contact is told first (SES-2)."""

from __future__ import annotations

import pytest

from gateway.intake.customers import CustomerFileError, read_customers
from gateway.store import customer_card, customers, desk, identifiers

TREE = """customer,name,parent,account,contacts,other_contacts,language,delivery,resource,valid_from,use
oak,Oak Telecom,,,noc@oak.example,,en,mail,192.0.2.0/24,2020-01-01T00:00:00Z,
pine,Pine Hosting,oak,,abuse@pine.example,technical=root@pine.example;billing=pay@pine.example,ro,arf,192.0.2.0/26,2020-01-01T00:00:00Z,
rose,Rose Shop,pine,web,,owner=rose@rose.example/zh,en,,192.0.2.8,2020-01-01T00:00:00Z,shared
"""


async def parties(database, name):
    async with database.writing() as connection:
        account = await customers.account_named(connection, name)
        assert account is not None
        return (await desk.load(connection, [account])).parties[account]


@pytest.mark.duty("SES-2")
async def test_the_nearest_contact_is_told_first_then_those_up_the_tree_and_billing_never(database, imported):
    await imported(TREE)
    told = (await parties(database, "rose/web")).contacts
    assert told == ("rose@rose.example", "abuse@pine.example", "root@pine.example", "noc@oak.example")


async def test_the_tree_as_people_see_it(database, imported):
    await imported(TREE)
    async with database.reading() as connection:
        rows = {row["key"]: row for row in await customers.tree(connection)}
    assert [rows[key]["parent"] for key in ("oak", "pine", "rose")] == [None, "oak", "pine"]
    assert rows["pine"]["contacts"] == [
        "abuse@pine.example",
        "root@pine.example (technical)",
        "pay@pine.example (billing)",
    ]
    assert (rows["pine"]["delivery"], rows["rose"]["accounts"]) == ("arf", ["main", "web"])


async def test_accounts_in_one_line_of_the_tree_are_related(database, imported):
    await imported(TREE + "elm,Elm,oak,,ops@elm.example,,en,,192.0.2.128/26,2020-01-01T00:00:00Z,\n")
    async with database.reading() as connection:
        owners = await identifiers.owners(connection)
        ids = {name: await customers.account_named(connection, name) for name in ("oak", "pine", "rose/web", "elm")}
    assert owners.related(ids["oak"], ids["rose/web"])
    assert owners.related(ids["rose/web"], ids["pine"])
    assert not owners.related(ids["elm"], ids["rose/web"])


async def test_a_customer_whole(database, imported):
    await imported(TREE)
    async with database.reading() as connection:
        card = await customer_card.card(connection, "rose")
        middle = await customer_card.card(connection, "pine", limit=1)
        with pytest.raises(LookupError, match="there is no customer 'elm'"):
            await customer_card.card(connection, "elm")
    assert (card.above, card.below, card.accounts) == (("pine", "oak"), (), ("main", "web"))
    assert [(c.address, c.role, c.language) for c in card.contacts] == [("rose@rose.example", "owner", "zh")]
    (held,) = card.holdings
    assert (held.account, held.resource, held.use, held.origin, held.valid_to) == (
        "web",
        "192.0.2.8",
        "shared",
        "import",
        None,
    )
    assert (middle.above, middle.below, middle.delivery, middle.held) == (("oak",), ("rose",), "arf", 1)
    assert [c.role for c in middle.contacts] == ["abuse", "technical", "billing"]


async def test_each_contact_is_told_in_its_own_language(database, imported):
    await imported(TREE)
    party = await parties(database, "rose/web")
    assert [party.language_of(one) for one in party.contacts] == ["zh", "ro", "ro", "en"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("other_contacts", "root@pine.example"),
        ("other_contacts", "boss=a@pine.example"),
        ("delivery", "fax"),
        ("use", "lent"),
    ],
)
def test_a_bad_cell_is_named(tmp_path, cell, said):
    file = tmp_path / "customers.csv"
    file.write_text(f"customer,resource,valid_from,{cell}\npine,192.0.2.1,2020-01-01T00:00:00Z,{said}\n")
    with pytest.raises(CustomerFileError, match=rf"line 2, column {cell}: '{said}'"):
        read_customers(file)
