"""Who sent a mail that our border said nothing about: real signatures, real keys, a real name server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from gateway.model import Checker, Identity, IdentityKind, Proof
from gateway.screening import signatures, verify
from gateway.screening.identity import Border, Feed, identify
from gateway.screening.own_checks import Mail, OwnChecks, Rules, wanted
from gateway.screening.raw_header import header
from gateway.screening.verify import Job, Verified, verify_all
from notifier.dns import Resolver
from parsers import parse
from servers.name_server import NameServer
from servers.signers import Signer, seconds_ago

NOW = datetime.now(UTC)
OURS = "mx.isp.example"
FEED = Feed("fbl", frozenset({"fbl.example"}))
BORDER = Border(frozenset({OURS}), (FEED,))
RULES = Rules(hosts=frozenset({OURS}), forwarders=frozenset({"lists.example"}), seconds=3.0)
REPORTER = Signer("reporter.example")
STRANGER = Signer("stranger.example", number=2)
LISTS = Signer("lists.example", number=3)
BODY = "Please stop this.\r\n\r\n-----\r\nReceived: from a by b; Sat, 21 Nov 2026 12:00:00 +0000\r\n"


class Here:
    """Verifies in this process."""

    jobs = 0

    async def verify(self, jobs: Sequence[Job]) -> list[Verified]:
        Here.jobs += len(jobs)
        return verify_all(jobs)


def mail(sender: str = "ann@reporter.example", **more: str) -> bytes:
    """`client` and `path`: as the border saw them, for SPF."""
    top = ""
    if "path" in more:
        top = f"Return-Path: <{more['path']}>\r\n"
    if "client" in more:
        helo = more.get("helo", "out.reporter.example")
        top += f"Received: from {helo} ({helo} [{more['client']}]) by {OURS} (Postfix) with ESMTPS id 1\r\n"
    return (
        f"{more.get('above', '')}{top}From: Ann <{sender}>\r\nTo: abuse@isp.example\r\nSubject: {more.get('subject', 'Spam')}\r\n"
        f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@reporter.example>\r\n\r\n{more.get('body', BODY)}"
    ).encode()


@pytest.fixture
def check(name_server: NameServer):
    """`await check(raw, ...)`: the identity of each; of one alone that one's."""
    for signer in (REPORTER, STRANGER, LISTS):
        signer.publish(name_server)
    resolver = Resolver(["127.0.0.1"], name_server.port, seconds=3.0)

    async def run(*raws: bytes, rules: Rules = RULES, border: Border = BORDER, at: datetime = NOW):
        mails = []
        for raw in raws:
            envelope = parse(raw).envelope
            mails.append(Mail(raw, envelope, at, identify(envelope, border)))
        checks = OwnChecks(resolver, Here(), rules, border)
        found = await checks.identities(mails)
        return found if len(raws) > 1 else found[0]

    return run


def known(identity: Identity) -> tuple[IdentityKind, str | None]:
    return identity.kind, identity.method


SIGNED = (IdentityKind.DOMAIN, "dkim")
NOBODY = (IdentityKind.NOBODY, None)
UNCHECKED = (IdentityKind.UNCHECKED, None)


# --- DKIM --------------------------------------------------------------------------------------------------------


async def test_a_signature_of_the_from_domain_proves_the_sender(check):
    found = await check(REPORTER.sign(mail()))
    assert known(found) == SIGNED
    assert (found.domain, found.address) == ("reporter.example", "ann@reporter.example")
    assert (found.checked_by, found.proofs) == (Checker.OWN, (Proof("dkim", "pass", "reporter.example"),))


async def test_the_name_server_that_cuts_an_answer_off_is_asked_again_by_tcp(check, name_server):
    name_server.txt("s1._domainkey.reporter.example", "x" * 1400, *_key_of(name_server))
    assert known(await check(REPORTER.sign(mail()))) == SIGNED
    assert name_server.by_tcp


def _key_of(name_server: NameServer) -> list[str]:
    (text,) = name_server.zone["s1._domainkey.reporter.example", "TXT"]
    return [text.replace('" "', "").strip('"')]


async def test_a_mail_with_lines_ended_as_unix_does_is_the_same_mail(check):
    assert known(await check(REPORTER.sign(mail()).replace(b"\r\n", b"\n"))) == SIGNED


async def test_organisation_is_enough_where_the_domain_asks_for_no_more(check, name_server):
    Signer("mail.reporter.example").publish(name_server)
    found = await check(Signer("mail.reporter.example").sign(mail()))
    assert known(found) == SIGNED
    assert found.domain == "reporter.example"


async def test_strict_alignment_that_the_domain_asks_for_is_kept(check, name_server):
    below = Signer("mail.reporter.example")
    below.publish(name_server)
    name_server.txt("_dmarc.reporter.example", "v=DMARC1; p=none; adkim=s")
    found = await check(below.sign(mail()))
    assert known(found) == NOBODY
    assert "exact alignment" in found.detail
    assert known(await check(REPORTER.sign(mail()))) == (IdentityKind.DOMAIN, "dmarc")


async def test_a_feed_is_known_by_its_signature_alone(check, name_server):
    Signer("fbl.example").publish(name_server)
    found = await check(Signer("fbl.example").sign(mail("feedback@other.example")))
    assert (found.kind, found.feed, found.domain) == (IdentityKind.FEED, "fbl", "fbl.example")


BROKEN = {
    "body changed": lambda raw: raw.replace(b"Please stop", b"Please sto9"),
    "subject changed": lambda raw: raw.replace(b"Subject: Spam", b"Subject: spam!"),
    "from changed": lambda raw: raw.replace(b"ann@", b"bob@"),
    "a second From above": lambda raw: b"From: boss@reporter.example\r\n" + raw,
    "a second From below": lambda raw: raw.replace(b"To: abuse", b"From: boss@reporter.example\r\nTo: abuse"),
    "signature cut short": lambda raw: raw.replace(b" bh=", b" bh=AAAA"),
    "another selector": lambda raw: raw.replace(b"s=s1", b"s=s2"),
    "another domain": lambda raw: raw.replace(b"d=reporter.example", b"d=stranger.example"),
    "two tags of one name": lambda raw: raw.replace(b"d=reporter.example;", b"d=reporter.example; d=reporter.example;"),
    "no version": lambda raw: raw.replace(b"v=1; ", b""),
    "a signature that is none": lambda raw: b"DKIM-Signature: hello\r\n" + mail(),
    "bytes": lambda raw: b"DKIM-Signature: v=1; a=\xff\xfe; d=\xff; s=\x00; b=; h=:::\r\n" + mail(),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
async def test_a_broken_signature_proves_nothing(check, change):
    raw = change(REPORTER.sign(mail()))
    assert raw != REPORTER.sign(mail())
    found = await check(raw)
    assert known(found) == NOBODY
    assert found.detail.isprintable()


async def test_a_signature_of_somebody_else_proves_nothing_about_the_sender(check):
    assert known(await check(STRANGER.sign(mail()))) == NOBODY


async def test_of_several_signatures_the_one_that_proves_something_counts(check, name_server):
    raw = mail()
    for number in range(6):
        Signer(f"esp{number}.example", number=2).publish(name_server)
        raw = Signer(f"esp{number}.example", number=2).sign(raw)
    assert known(await check(REPORTER.sign(mail()))) == SIGNED
    signed = REPORTER.sign(mail())
    for number in range(6):
        signed = Signer(f"esp{number}.example", number=2).sign(signed)
    assert known(await check(signed)) == SIGNED
    assert known(await check(raw)) == NOBODY


REFUSED = {
    "it covers only the beginning of the body": {"length": True},
    "it had run out when the mail came": {"tags": b"x=" + seconds_ago(86_400) + b";t=" + seconds_ago(90_000)},
    "it was made in the future": {"tags": b"t=" + seconds_ago(-90_000)},
    "it does not cover the From field": {"unsigned": b"from"},
    "algorithm rsa-sha1 is not accepted": {"algorithm": b"rsa-sha1"},
}


@pytest.mark.parametrize(("why", "how"), REFUSED.items(), ids=REFUSED)
async def test_a_signature_that_leaves_a_gap_is_refused(check, name_server, why, how):
    how = dict(how)
    unsigned = how.pop("unsigned", None)
    raw = REPORTER.sign(mail(), **how)
    if unsigned:  # dkimpy signs none without From, and would verify it
        raw = raw.replace(b"h=from :", b"h=x-none :")
    found = await check(raw)
    assert known(found) == NOBODY
    assert why in found.detail
    assert ("s1._domainkey.reporter.example", "TXT") not in name_server.questions


async def test_what_ran_out_after_the_mail_came_counts_though_it_is_read_late(check):
    raw = REPORTER.sign(mail(), tags=b"x=" + seconds_ago(86_400) + b";t=" + seconds_ago(90_000))
    assert known(await check(raw, at=NOW - timedelta(hours=24, minutes=30))) == SIGNED


KEYS = {
    "only testing": ("t=y; ", None, "testing"),
    "not for names below": ("t=s; ", b"ann@mail.reporter.example", "not for names below"),
    "not for SHA-256": ("h=sha1; ", None, "SHA-256"),
}


@pytest.mark.parametrize(("extra", "identity", "why"), KEYS.values(), ids=KEYS)
async def test_a_key_that_must_not_be_used_proves_nothing(check, name_server, extra, identity, why):
    REPORTER.publish(name_server, extra)
    found = await check(REPORTER.sign(mail(), identity=identity))
    assert known(found) == NOBODY
    assert why in found.detail


async def test_a_revoked_key_proves_nothing(check, name_server):
    name_server.txt(REPORTER.name, "v=DKIM1; p=")
    assert "revoked" in (await check(REPORTER.sign(mail()))).detail


async def test_a_key_shorter_than_the_bound_proves_nothing(check, monkeypatch):
    """No tool makes keys of less than 1024 bits any more: the bound is raised instead."""
    monkeypatch.setattr(verify, "_LEAST_KEY", 1025)
    found = await check(REPORTER.sign(mail()))
    assert known(found) == NOBODY
    assert "too small" in found.detail


# --- SPF ---------------------------------------------------------------------------------------------------------

SENDER = {"client": "203.0.113.5", "path": "ann@reporter.example"}


async def test_spf_counts_where_the_borders_line_gives_the_client(check, name_server):
    name_server.txt("reporter.example", "v=spf1 include:_spf.reporter.example -all", "something else")
    name_server.txt("_spf.reporter.example", "v=spf1 ip4:203.0.113.0/29 mx ~all")
    found = await check(mail(**SENDER))
    assert known(found) == (IdentityKind.DOMAIN, "spf")
    assert Proof("spf", "pass", "reporter.example") in found.proofs


SPF = {
    "not the client": ({**SENDER, "client": "203.0.113.66"}, "v=spf1 ip4:203.0.113.5 -all"),
    "softfail": (SENDER, "v=spf1 ~all"),
    "neutral": (SENDER, "v=spf1 ?all"),
    "no record": (SENDER, "nothing"),
    "record that is none": (SENDER, "v=spf1 ip4:203.0.113.500 -all"),
    "everybody's loop": (SENDER, "v=spf1 include:reporter.example -all"),
    "a return path of somebody else": ({**SENDER, "path": "x@stranger.example"}, "v=spf1 -all"),
    "the null path": ({**SENDER, "path": ""}, "v=spf1 +all"),
    "no line of the border": ({"path": "ann@reporter.example"}, "v=spf1 +all"),
}


@pytest.mark.parametrize(("how", "record"), SPF.values(), ids=SPF)
async def test_spf_that_does_not_pass_for_the_from_domain_proves_nothing(check, name_server, how, record):
    name_server.txt("reporter.example", record)
    name_server.txt("stranger.example", "v=spf1 +all")
    assert known(await check(mail(**how))) == NOBODY


async def test_spf_takes_the_client_from_our_own_line_only(check, name_server):
    name_server.txt("reporter.example", "v=spf1 ip4:203.0.113.5 -all")
    ours = f"Received: from x (x [198.51.100.9]) by {OURS} with ESMTPS id 2\r\n"
    forged_below = mail(**SENDER, above=ours)
    foreign_above = mail(**SENDER, above="Received: from x (x [10.0.0.1]) by imap.stranger.example with ESMTP id 2\r\n")
    handed_in = mail(**SENDER, above=f"Received: by {OURS} (Postfix, from userid 1000) id 2\r\n")
    for raw in (forged_below, foreign_above, handed_in):
        assert known(await check(raw)) == NOBODY


async def test_spf_looks_behind_the_lines_that_our_servers_wrote_about_each_other(check, name_server):
    name_server.txt("reporter.example", "v=spf1 ip4:203.0.113.5 -all")
    above = (
        f"Received: from {OURS} by imap.{OURS} with LMTP id 4\r\n"
        f"Received: from {OURS} ({OURS} [10.1.1.1]) by filter.{OURS} with ESMTP id 3\r\n"
    )
    inside = Rules(hosts=frozenset({OURS}), inside=(ip_network("10.1.1.0/24"),), seconds=3.0)
    assert known(await check(mail(**SENDER, above=above), rules=inside)) == (IdentityKind.DOMAIN, "spf")
    assert known(await check(mail(**SENDER, above=above))) == NOBODY


async def test_spf_with_macros_mx_ptr_and_ipv6_asks_for_what_the_record_needs(check, name_server):
    name_server.txt("reporter.example", "v=spf1 exists:%{i}._spf.%{d} mx a:out.reporter.example ptr -all")
    name_server.zone["reporter.example", "MX"] = ["10 mail.reporter.example."]
    name_server.zone["mail.reporter.example", "AAAA"] = ["2001:db8::25"]
    name_server.zone["out.reporter.example", "AAAA"] = ["2001:db8::5"]
    how = {**SENDER, "client": "IPv6:2001:db8::25"}
    assert known(await check(mail(**how))) == (IdentityKind.DOMAIN, "spf")


# --- ARC ---------------------------------------------------------------------------------------------------------


def forwarded(*sealers: tuple[Signer, str], said: str = "dkim=pass header.d=reporter.example") -> bytes:
    """The reporter's mail as forwarders passed it on, each with a changed subject: no DKIM signature survives."""
    raw = REPORTER.sign(mail()).replace(b"Subject: ", b"Subject: [list] ")
    for signer, authserv_id in sealers:
        raw = signer.seal(f"Authentication-Results: {authserv_id}; {said}\r\n".encode() + raw, authserv_id)
        said = "arc=pass; dkim=fail header.d=reporter.example"
    return raw


async def test_what_a_trusted_forwarder_saw_and_sealed_counts(check):
    found = await check(forwarded((LISTS, "mx.lists.example")))
    assert known(found) == (IdentityKind.DOMAIN, "arc")
    assert (found.checked_by, found.address) == (Checker.ARC, "ann@reporter.example")
    assert "lists.example" in found.detail


async def test_of_an_unbroken_run_of_trusted_seals_the_oldest_counts(check):
    found = await check(forwarded((LISTS, "mx.lists.example"), (LISTS, "out.lists.example")))
    assert known(found) == (IdentityKind.DOMAIN, "arc")


ARC = {
    "a forwarder nobody trusts": lambda: forwarded((STRANGER, "mx.stranger.example")),
    "a stranger sealed last": lambda: forwarded((LISTS, "mx.lists.example"), (STRANGER, "mx.stranger.example")),
    "the trusted one saw no pass": lambda: forwarded(
        (LISTS, "mx.lists.example"), said="dkim=fail header.d=reporter.example"
    ),
    "the trusted one saw another's": lambda: forwarded(
        (LISTS, "mx.lists.example"), said="dkim=pass header.d=stranger.example"
    ),
    "changed after it was sealed": lambda: forwarded((LISTS, "mx.lists.example")).replace(
        b"Please stop", b"Please sto9"
    ),
    "what was seen is changed": lambda: forwarded(
        (LISTS, "mx.lists.example"), said="dkim=fail header.d=reporter.example"
    ).replace(b"dkim=fail", b"dkim=pass"),
    "a set is missing": lambda: forwarded((LISTS, "mx.lists.example")).replace(b"ARC-Seal: i=1", b"ARC-Seal: i=2"),
    "no number at all": lambda: forwarded((LISTS, "mx.lists.example")).replace(b"ARC-Seal: i=1", b"ARC-Seal: i=x"),
}


@pytest.mark.parametrize("make", ARC.values(), ids=ARC)
async def test_a_chain_that_does_not_hold_or_is_not_trusted_proves_nothing(check, make):
    assert known(await check(make())) == NOBODY


SEALS = [
    ("i=1; a=rsa-sha256; h=from:to:subject; b=x", True),
    ("i=1; a=rsa-sha256; h=To : From; b=x", True),
    ("i=1; a=rsa-sha256; h=to:subject; b=x", False),
    ("i=1; a=rsa-sha256; h=from:to; l=10; b=x", False),
    ("i=2; a=rsa-sha256; h=from:to; b=x", False),
    ("a=rsa-sha256; h=from:to; b=x", False),
]


@pytest.mark.parametrize(("value", "covers"), SEALS)
def test_a_seal_that_leaves_the_author_or_the_body_open_is_not_believed(value: str, covers: bool) -> None:
    raw = f"ARC-Message-Signature: {value}\r\nFrom: a@b.example\r\n\r\nx".encode()
    found = header(raw)
    assert found is not None
    assert signatures.seal_covers(found, 1) is covers


async def test_a_trusted_seal_counts_too_where_our_border_found_nothing(check):
    raw = f"Authentication-Results: {OURS}; dkim=fail header.d=reporter.example\r\n".encode()
    found = await check(raw + forwarded((LISTS, "mx.lists.example")))
    assert known(found) == (IdentityKind.DOMAIN, "arc")


# --- names that cannot be had ------------------------------------------------------------------------------------


async def test_a_silent_name_server_leaves_its_own_senders_unchecked_and_nobody_else(check, name_server):
    name_server.silent.add("stranger.example")
    found = await check(STRANGER.sign(mail("x@stranger.example")), REPORTER.sign(mail()), rules=Rules(seconds=0.4))
    assert [known(one) for one in found] == [UNCHECKED, SIGNED]
    assert found[0].checked_by is Checker.OWN


async def test_a_silent_domain_is_not_asked_again_for_a_while(check, name_server):
    name_server.silent.add("stranger.example")
    await check(STRANGER.sign(mail("x@stranger.example")), rules=Rules(seconds=0.4))
    asked = len(name_server.questions)
    found = await check(Signer("stranger.example", "other", number=2).sign(mail("x@stranger.example")))
    assert known(found) == UNCHECKED
    assert len(name_server.questions) == asked


async def test_a_broken_zone_leaves_the_sender_unchecked(check, name_server):
    name_server.broken.add("reporter.example")
    assert known(await check(REPORTER.sign(mail()), rules=Rules(seconds=0.5))) == UNCHECKED


async def test_what_cannot_be_asked_does_not_hide_what_is_proven(check, name_server):
    name_server.silent.add("stranger.example")
    raw = STRANGER.sign(REPORTER.sign(mail()))
    assert known(await check(raw, rules=Rules(seconds=0.4))) == SIGNED


async def test_a_selector_that_is_no_name_silences_nobody(check):
    hostile = REPORTER.sign(mail()).replace(b"s=s1", b"s=" + b"a" * 70)
    await check(hostile)
    assert known(await check(REPORTER.sign(mail()))) == SIGNED


async def test_a_key_is_asked_for_once_in_its_time_also_where_there_is_none(check, name_server):
    nameless = Signer("reporter.example", "none")
    await check(*(REPORTER.sign(mail()) for _ in range(20)), *(nameless.sign(mail()) for _ in range(20)))
    await check(REPORTER.sign(mail()), nameless.sign(mail()))
    assert sorted(name_server.questions) == sorted(set(name_server.questions))
    assert (nameless.name, "TXT") in name_server.questions


async def test_all_names_of_a_batch_are_asked_for_at_once(check, name_server):
    """One after the other, fifty silent domains would take fifty times as long as one."""
    signers = [Signer(f"d{number}.example") for number in range(50)]
    name_server.silent |= {signer.domain for signer in signers}
    async with asyncio.timeout(10):
        found = await check(*(s.sign(mail(f"x@{s.domain}")) for s in signers), rules=Rules(seconds=0.5))
    assert {one.kind for one in found} == {IdentityKind.UNCHECKED}


# --- when it is not asked for ------------------------------------------------------------------------------------


async def test_the_borders_word_is_not_checked_again(check, name_server):
    raw = f"Authentication-Results: {OURS}; dkim=fail header.d=reporter.example\r\n".encode() + REPORTER.sign(mail())
    envelope = parse(raw).envelope
    assert not wanted(identify(envelope, BORDER), envelope, RULES, raw)
    assert known(await check(raw)) == NOBODY
    assert name_server.questions == []


async def test_without_own_checks_nothing_is_asked_and_nobody_is_known(check, name_server):
    off = Rules(enabled=False)
    raw = REPORTER.sign(mail())
    envelope = parse(raw).envelope
    assert not wanted(identify(envelope, Border()), envelope, off, raw)
    assert known(await check(raw, rules=off, border=Border())) == UNCHECKED
    assert name_server.questions == []


async def test_a_mail_without_a_signature_costs_no_question(check, name_server):
    assert known(await check(mail())) == NOBODY
    assert name_server.questions == []


async def test_a_mail_made_to_be_slow_is_not_verified(check):
    found = await check(REPORTER.sign(mail(body="x" + " \t" * 20_000 + "y\r\n")))
    assert known(found) == NOBODY
    assert "take long" in found.detail


async def test_a_header_beyond_all_bounds_is_not_searched(check, name_server):
    found = await check(REPORTER.sign(mail()).replace(b"Subject:", b"X-A: b\r\n" * 600 + b"Subject:"))
    assert known(found) == NOBODY
    assert name_server.questions == []
