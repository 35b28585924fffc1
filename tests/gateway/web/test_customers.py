"""Customers, mute rules and sources over real HTTP."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gateway.intake.customers import read_customers
from gateway.store import customers, directory
from gateway.volumes import import_file
from servers.waiting import NOW, arf

MORE = """\
customer,name,parent,contacts,resource,valid_from
fir,<b>Fir</b> & Sons,alder,post@fir.example,198.51.100.200,2026-01-01T00:00:00Z
larch,Larch,fir,post@larch.example,www.larch.example,2026-01-01T00:00:00Z
"""


def proof(text: str) -> str:
    return re.search(r'name="proof" value="([0-9a-f]+)"', text)[1]


@pytest.fixture
async def grown(waiting, tmp_path):
    file = tmp_path / "more.csv"
    file.write_text(MORE, encoding="utf-8")
    async with waiting.house.database.writing() as connection:
        rows = read_customers(file, await customers.keys(connection))
        await customers.import_file(connection, rows, who="test", now=NOW)
    return waiting


def named(text: str) -> list[str]:
    return re.findall(r'<a class="v" href="/customers/(\w+)"', text)


async def test_the_tree_shows_customers_below_their_resellers(grown, staff):
    text = (await staff.get("/customers")).text
    assert named(text) == ["alder", "fir", "larch", "birch", "dogwood", "elder"]
    assert 'class="d2"><a class="v" href="/customers/larch"' in text
    assert "&lt;b&gt;Fir&lt;/b&gt; &amp; Sons" in text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("larch", ["larch"]), ("LETTERS", ["birch"]), ("post@", ["fir", "larch"]), ("198.51.100.70", ["birch"]),
        ("198.51.100.7", ["alder"]), ("www.larch.example", ["larch"]), ("192.0.2.8", ["dogwood", "elder"]),
        ("%", []), ("\x00", ["alder", "birch", "dogwood", "elder", "fir", "larch"]), ("nobody", []),
    ],
)  # fmt: skip
async def test_a_customer_is_found_by_word_contact_address_or_host(grown, staff, words, found):
    assert named((await staff.get("/customers", params={"q": words})).text) == found


async def test_a_long_list_goes_on_after_a_key(grown):
    async with grown.house.database.reading() as connection:
        first, more = await directory.top(connection, "", 2)
        rest, ended = await directory.top(connection, first[-1].key, 2)
    assert ([one.key for one in first], more) == (["alder", "birch"], True)
    assert ([one.key for one in rest], ended) == (["dogwood", "elder"], False)


async def test_one_customer_shows_what_it_has_and_what_it_did(grown, staff, tmp_path):
    await grown.take_in(*(arf(f"198.51.100.{70 + n}") for n in range(3)))
    text = (await staff.get("/customers/birch")).text
    for said in ("abuse@birch.example", "198.51.100.64/26", "AG-2026-000001", "Complaints per day", "birch</span>: 3 "):
        assert said in text, said
    assert "thresholds of the policy" not in text
    volumes = tmp_path / "volumes.csv"
    volumes.write_text(f"customer,account,campaign,day,sent,added\nbirch,,,{NOW:%Y-%m-%d},1000,3\n", encoding="utf-8")
    await import_file(grown.house, volumes, "test")
    text = (await staff.get("/customers/birch?days=90")).text
    for said in ("thresholds of the policy", "0.30%", "complaints 0.30% of 1000 mails", 'class="bound alarm"'):
        assert said in text, said
    assert 'href="/customers/alder"' in (await staff.get("/customers/fir")).text
    assert (await staff.get("/customers/nobody")).status_code == 404
    assert (await staff.get("/customers/%00")).status_code == 404


async def test_a_mute_rule_is_made_and_ended(grown, staff):
    form = {
        "proof": proof((await staff.get("/mutes")).text),
        "kind": "address",
        "value": "198.51.100.64/30",
        "days": "5",
    }
    refused = await staff.post("/mutes/add", data=form)
    assert refused.status_code == 422
    assert "say why" in refused.text
    assert (await staff.post("/mutes/add", data=form | {"reason": "a lab", "kind": "x"})).status_code == 422
    assert (await staff.post("/mutes/add", data=form | {"reason": "a lab", "days": "0"})).status_code == 422
    assert (await staff.post("/mutes/add", data=form | {"reason": "a lab", "value": "lab"})).status_code == 422
    for kind, said in (("customer", "no customer"), ("class", "choose of: "), ("feed", "registered are: ")):
        typo = await staff.post("/mutes/add", data=form | {"reason": "a lab", "kind": kind, "value": "brich"})
        assert typo.status_code == 422
        assert said in typo.text
    assert (await staff.post("/mutes/add", data=form | {"reason": "a lab"})).status_code == 303
    await grown.take_in(arf("198.51.100.65"))
    assert await grown.ask("SELECT muted_by FROM attributions") == [(1,)]
    text = (await staff.get("/mutes")).text
    assert "198.51.100.64/30" in text
    assert (await staff.post("/mutes/1/end", data={"proof": proof(text)})).status_code == 303
    assert await grown.ask("SELECT lifted_by FROM mutes") == [("ann",)]
    assert (await staff.post("/mutes/1/end", data={"proof": proof(text)})).status_code == 303
    assert "Over" in (await staff.get("/mutes")).text
    assert (await staff.post("/mutes/add", data=form | {"proof": "x"})).status_code == 403


async def test_sources_are_listed_with_their_runs(grown, staff, tmp_path):
    assert "The settings name no source" in (await staff.get("/sources")).text
    from gateway.connectors.sources.tables import Table  # noqa: PLC0415
    from gateway.sources import run_reader  # noqa: PLC0415

    file = tmp_path / "leases.csv"
    file.write_text(
        "resource,customer,valid_from,valid_to\n198.51.100.201,fir,2026-11-01T00:00:00Z,\n", encoding="utf-8"
    )
    await run_reader(grown.house, "leases", Table(file, "csv"), "mara")
    listed = (await staff.get("/sources")).text
    assert 'href="/sources/leases"' in listed
    assert "1 new" in listed
    assert "mara" in (await staff.get("/sources/leases")).text
    assert (await staff.get("/sources/other")).status_code == 404
    assert grown.house.clock() - NOW == timedelta(0)
