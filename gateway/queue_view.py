"""One entry of the unmatched queue as people look at it: facts with where they come from, trace, evidence.

Used by the command line and the page. Everything here is text of strangers: whoever shows
it escapes it. Must never decide, and never hand out a body as anything but text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway import identities
from gateway.attribution.network import Network
from gateway.house import House
from gateway.queue import entry as entry_of
from gateway.queue import read_again
from gateway.queue_lookups import LookUps, look_ups
from gateway.store import queue as store
from gateway.store import queue_acts, reports, third_parties
from gateway.store.queue import Entry
from gateway.store.queue_acts import Earlier
from parsers.bodies import spelled_headers
from parsers.envelope import decode_headers
from parsers.report import Original

# In the order in which people ask for them: (key in the contract's JSON, what it is called).
_FIELDS = (
    ("source_ip", "Source address"),
    ("source_port", "Source port"),
    ("arrival_date", "Time of the incident"),
    ("feedback_type", "Type"),
    ("category", "Category"),
    ("incidents", "Incidents"),
    ("original_mail_from", "Mail from"),
    ("original_rcpt_to", "Recipient"),
    ("reporting_mta", "Reporting server"),
    ("reported_domain", "Reported domain"),
    ("reported_uri", "Reported link"),
    ("authentication_results", "Authentication"),
    ("auth_failure", "Authentication failure"),
    ("original_envelope_id", "Envelope id"),
    ("user_agent", "Written by"),
)
_OF_THE_MAIL = (("from", "From"), ("subject", "Subject"), ("date", "Date"), ("message_id", "Message-ID"))
_OURS = frozenset({"feedback_type", "category"})
_TIMES = frozenset({"arrival_date", "date"})  # ISO 8601, UTC, as the contract writes them
_MOST_VALUES = 20  # of one field


@dataclass(frozen=True, slots=True)
class Fact:
    """`source`: where a derived value came from; empty where the report says it itself. `ours`: the value is a word of
    a closed list or a sentence of our own code, not of a stranger."""

    name: str
    value: str
    source: str = ""
    ours: bool = False


@dataclass(frozen=True, slots=True)
class HopSeen:
    """One Received line, the last one first. `ours`: the address is in our networks."""

    ip: str
    port: int | None
    by: str
    time: str
    login: str
    ours: bool


@dataclass(frozen=True, slots=True)
class View:
    """An entry with its evidence. `alike`: ids of those that wait like it, itself among them; `proofs`: what the
    identity rests on; `headers` of the reported mail, decoded; `text`: what the reporter wrote; `contacts`: rows of
    the store."""

    entry: Entry
    alike: list[int]
    identity: str
    proofs: list[str]
    facts: list[Fact]
    trace: list[HopSeen]
    headers: list[tuple[str, str]]
    text: str
    contacts: list[dict[str, Any]]
    earlier: list[Earlier] = field(default_factory=list)
    campaign: str = ""
    same_campaign: list[Earlier] = field(default_factory=list)
    outside: LookUps = field(default_factory=LookUps)  # what registries and the DNS say


async def look(house: House, entry_id: int, *, ask: bool = True) -> View:
    """The entry whole; with `ask`, what is known outside of its resource is asked for a few seconds. Raises
    NoEntryError."""
    entry = await entry_of(house, entry_id)
    outside = await look_ups(house, entry.value) if ask else LookUps()
    async with house.database.reading() as connection:
        parsed = await reports.parsed_of(connection, entry.report_id)
        alike = await store.alike(connection, entry)
        contacts = await third_parties.of_report(connection, entry.report_id)
        campaign = await queue_acts.campaign_of(connection, entry.report_id)
        earlier, same = await queue_acts.earlier(connection, entry, campaign)
        network = await house.network(connection)
    dossier = (await read_again(house, [entry])).get(entry.report_id)
    headers, hidden = headers_of(dossier.reports[0].report.original if dossier else None)
    return View(
        entry,
        alike,
        identities.in_one_line(entry.identity),
        list(identities.evidence(entry.identity)),
        facts(parsed, hidden),
        hops(parsed, network),
        headers,
        dossier.parsed.text if dossier else "",
        contacts,
        earlier,
        campaign or "",
        same,
        outside,
    )


def headers_of(original: Original | None) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The header of the reported mail with everything invisible written out; and, by what decoding leaves of them, the
    values in which there is something invisible."""
    block = original.header_block if original else b""
    headers = spelled_headers(block)
    pairs = zip(decode_headers(block), headers, strict=True)
    return headers, {left: whole for (_, left), (_, whole) in pairs if left != whole}


def facts(parsed: dict[str, Any], hidden: Mapping[str, str] = {}) -> list[Fact]:
    """What the report says, as far as it says anything; `hidden`: see `headers_of`."""
    source = parsed.get("provenance", {})
    said = [Fact(name, _words(parsed.get(key), key), source.get(key, ""), key in _OURS) for key, name in _FIELDS]
    original = parsed.get("original") or {}
    said += [Fact(name, _words(original.get(key), key), "reported mail") for key, name in _OF_THE_MAIL]
    identifiers = parsed.get("identifiers") or {}
    said += [Fact(key.replace("_", " "), _words(value), "reported mail") for key, value in identifiers.items()]
    said += [Fact(name, _words(values)) for name, values in (parsed.get("fields") or {}).items()]
    guesses = [f"{c['kind']} {c['value']} ({c['confidence']:.0%})" for c in parsed.get("candidates", [])]
    said += [Fact("Perhaps", _words(guesses), "low confidence")]
    checked = parsed.get("findings", [])[:_MOST_VALUES]
    said += [Fact(one["code"], one["evidence"], "checked", ours=True) for one in checked]
    said += [Fact("Defects", _words(parsed.get("defects")))]
    return [replace(fact, value=hidden.get(fact.value, fact.value)) for fact in said if fact.value]


def hops(parsed: dict[str, Any], network: Network) -> list[HopSeen]:
    """The Received lines of the reported mail, the last one first, with which of them are ours."""
    return [_hop(hop, ours=bool(hop["ip"]) and network.is_ours(hop["ip"])) for hop in parsed.get("trace", [])]


def _hop(hop: dict[str, Any], *, ours: bool) -> HopSeen:
    return HopSeen(hop["ip"] or "", hop["port"], hop["by"] or "", hop["time"] or "", hop["login"] or "", ours)


def _words(value: object, key: str = "") -> str:
    if value is None:
        return ""
    if key in _TIMES and isinstance(value, str):
        return value.replace("T", " ").replace("Z", " UTC")
    if isinstance(value, list):
        more = f"\n… and {len(value) - _MOST_VALUES} more" if len(value) > _MOST_VALUES else ""
        return "\n".join(str(one) for one in value[:_MOST_VALUES]) + more
    return str(value)
