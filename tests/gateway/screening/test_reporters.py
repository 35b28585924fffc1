"""Who reports as somebody whose word is weighed, and which feeds are known without being told."""

from __future__ import annotations

import pytest

from gateway.model import Identity, IdentityKind
from gateway.screening import registry
from gateway.screening.identity import Border, identify
from gateway.screening.reporters import (
    Reporter,
    ReporterKind,
    Standing,
    Trust,
    beyond,
    precision,
    reporter_of,
    standing,
)
from parsers.report import Envelope, Kind, Parsed

ANN = Identity(IdentityKind.DOMAIN, "mail.reporter.example", "Ann@mail.reporter.example", "dkim")
FEED = Identity(IdentityKind.FEED, "fbl.example", None, "dkim", "fbl")
FORWARD = Parsed(Kind.REPORT, "forwarded", Envelope())
ARF = Parsed(Kind.REPORT, "arf", Envelope())


def test_what_a_person_writes_is_the_persons_and_what_a_program_writes_the_organisations() -> None:
    person, organisation = reporter_of(ANN, FORWARD), reporter_of(ANN, ARF)
    assert person is not None
    assert organisation is not None
    assert (person.key, person.also) == ("person:ann@mail.reporter.example", "organisation:reporter.example")
    assert (organisation.key, organisation.also) == (
        "organisation:reporter.example",
        "person:ann@mail.reporter.example",
    )


@pytest.mark.parametrize("parsed", [FORWARD, ARF], ids=["forward", "arf"])
def test_nobody_speaks_for_a_freemail_domain(parsed: Parsed) -> None:
    domain = min(registry.freemail())
    found = reporter_of(Identity(IdentityKind.DOMAIN, domain, f"joe@{domain}", "dkim"), parsed)
    assert found == Reporter(ReporterKind.PERSON, f"joe@{domain}", domain)


def test_a_feed_is_itself_whoever_it_writes_for() -> None:
    assert reporter_of(FEED, FORWARD) == reporter_of(FEED, ARF) == Reporter(ReporterKind.FEED, "fbl", "fbl.example")


@pytest.mark.parametrize("kind", [IdentityKind.NOBODY, IdentityKind.UNCHECKED])
def test_nobody_accountable_is_no_reporter(kind: IdentityKind) -> None:
    assert reporter_of(Identity(kind), ARF) is None


def test_a_hostile_address_is_bounded_and_can_be_stored() -> None:
    found = reporter_of(Identity(IdentityKind.DOMAIN, "a.example", "x\0\udcff" * 400 + "@a.example", "dkim"), FORWARD)
    assert found is not None
    assert len(found.name) <= 320
    assert "\0" not in found.name
    found.name.encode()


PERSON, ORGANISATION = "person:ann@mail.reporter.example", "organisation:reporter.example"
STANDS = [
    # decided about the person, about the organisation, whose word counts
    (None, None, None),
    (Standing(PERSON), None, PERSON),
    (None, Standing(ORGANISATION), ORGANISATION),
    (Standing(PERSON, Trust.TRUSTED), Standing(ORGANISATION), PERSON),
    (Standing(PERSON, Trust.TRUSTED), Standing(ORGANISATION, blocked=True), ORGANISATION),
    (Standing(PERSON, blocked=True), Standing(ORGANISATION, Trust.TRUSTED), PERSON),
    (Standing(PERSON, Trust.TRUSTED), Standing(ORGANISATION, Trust.DOUBTFUL), ORGANISATION),
    (Standing(PERSON, Trust.DOUBTFUL), Standing(ORGANISATION, blocked=True), ORGANISATION),
]


@pytest.mark.parametrize(("person", "organisation", "whose"), STANDS)
def test_a_block_then_a_doubt_about_either_goes_first(
    person: Standing | None, organisation: Standing | None, whose: str | None
) -> None:
    decided = {one.key: one for one in (person, organisation) if one}
    found = standing(reporter_of(ANN, FORWARD), decided)
    assert (found.key if found else None) == whose


def test_beyond_the_throttle_is_what_comes_after_the_limit_of_the_hour() -> None:
    ann, feed = reporter_of(ANN, FORWARD), reporter_of(FEED, ARF)
    decided = {PERSON: Standing(PERSON, throttle=3, recent=1), "feed:fbl": Standing("feed:fbl")}
    assert beyond([ann, feed, ann, ann, feed, None, ann], decided) == [3, 6]
    assert beyond([ann] * 9, {}) == []
    assert beyond([ann, ann], {PERSON: Standing(PERSON, throttle=0)}) == [0, 1]


@pytest.mark.parametrize(
    ("accepted", "disputed", "false", "expected"),
    [(0, 0, 0, None), (10, 0, 0, 1.0), (10, 0, 10, 0.0), (10, 2, 1, 0.8), (4, 0, 1, 0.75), (1, 9, 9, 0.0)],
)
def test_precision_is_the_part_that_held(accepted: int, disputed: int, false: int, expected: float | None) -> None:
    found = precision(accepted, disputed, false)
    assert found == (pytest.approx(expected) if expected is not None else None)


# --- the registry ------------------------------------------------------------------------------------------------


def test_the_known_feeds_are_complete_and_differ() -> None:
    feeds = registry.known()
    assert len(feeds) >= 20
    assert len({feed.name for feed in feeds}) == len(feeds)
    assert all(feed.title and not feed.may_reply and not feed.raw_forwarding for feed in feeds)
    domains = [domain for feed in feeds for domain in feed.domains]
    assert len(set(domains)) == len(domains)
    assert {feed.weight for feed in feeds if not feed.opens_cases} == {0.0}


@pytest.mark.parametrize("feed", [f for f in registry.known() if f.domains], ids=lambda feed: feed.name)
def test_a_known_feed_is_matched_by_what_is_authenticated_and_never_by_from_text(feed) -> None:
    border = Border(frozenset({"mx.isp.example"}), registry.registered(()))
    domain = min(feed.domains)
    sender = min(feed.senders) if feed.senders else f"x@{domain}"

    def whom(said: str, from_: str) -> str | None:
        return identify(Envelope(from_=from_, from_count=1, authentication_results=(said,)), border).feed

    assert whom(f"mx.isp.example; dkim=pass header.d={domain}", sender) == feed.name
    assert whom(f"mx.isp.example; dkim=fail header.d={domain}", sender) is None
    assert whom("mx.isp.example; none", sender) is None
    assert whom("mx.isp.example; dkim=pass header.d=attacker.example", sender) is None
    if feed.senders:  # others have mail there too
        assert whom(f"mx.isp.example; dkim=pass header.d={domain}", f"joe@{domain}") is None
        assert whom(f"mx.isp.example; dkim=pass header.d={domain}", "joe@attacker.example") is None


def test_where_strangers_have_mail_a_feed_names_its_addresses() -> None:
    for feed in registry.known():
        assert not (feed.domains & registry.freemail()) or feed.senders


def test_the_settings_change_a_known_feed_and_leave_the_rest() -> None:
    feeds = {
        f.name: f
        for f in registry.registered([{"name": "spamcop", "opens_cases": False, "aliases": ("SC@isp.example",)}])
    }
    known = next(f for f in registry.known() if f.name == "spamcop")
    assert (feeds["spamcop"].opens_cases, feeds["spamcop"].aliases) == (False, frozenset({"sc@isp.example"}))
    assert (feeds["spamcop"].domains, feeds["spamcop"].weight) == (known.domains, known.weight)
    assert len(feeds) == len(registry.known())


def test_without_the_known_feeds_only_the_operators_count() -> None:
    own = [{"name": "mine", "domains": ("a.example",)}, {"name": "signal-spam", "aliases": ("ss@isp.example",)}]
    feeds = registry.registered(own, with_known=False)
    assert [feed.name for feed in feeds] == ["mine", "signal-spam"]
    assert feeds[1].title
