"""What may be told of a report: nobody is named, whatever the reporter's fields and the mail's header hold."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest

from gateway import consents
from gateway.recipients import private_strings
from gateway.telling import evidence
from notifier.redact import Redactor
from parsers import parse

REDACTOR = Redactor(b"0123456789abcdef")
PUBLIC = frozenset({"isp.example", "bigmail.example"})


def report(headers: str, fields: str = "", sender: str = "feed@feed.example") -> bytes:
    return (
        f"From: {sender}\r\nTo: abuse@isp.example\r\nSubject: report\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
        "--b\r\n\r\nA report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nSource-IP: 192.0.2.1\r\n{fields}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{headers}From: Shop <sales@shop.example>\r\n\r\n--b--\r\n"
    ).encode()


def hidden(raw: bytes, feed: str | None = "feed") -> list[str]:
    parsed = parse(raw)
    found = private_strings(parsed, parsed.reports[0], feed, PUBLIC)
    return [one for one in found if not one.startswith("@")]


@pytest.mark.standard("RED-3")
@pytest.mark.parametrize(
    "headers",
    [
        "Received: from shop.example ([192.0.2.1]) by mx.example.com id 1\r\n for <jane.doe@corp.example>; now\r\n",
        "Return-Path: <bounce-77-jane.doe=corp.example@shop.example>\r\n",
        "Errors-To: msprvs1=abc123=bounces-1-jane.doe=corp.example@shop.example\r\n",
        "List-Unsubscribe: <https://shop.example/u?e=jane.doe%40corp.example&l=7>, <mailto:off@shop.example>\r\n",
        "X-Original-Rcpt-To: jane.doe@corp.example\r\n",
        "X-Rcpt: jane.doe@corp.example\r\n",
        "Delivered-To: jane.doe+shop@corp.example\r\n",
        "To: " + ",\r\n ".join(f"person{n}@many.example" for n in range(600)) + ",\r\n jane.doe@corp.example\r\n",
    ],
)
def test_a_recipient_is_known_from_wherever_the_header_names_him(headers: str) -> None:
    assert "jane.doe@corp.example" in hidden(report(headers))


@pytest.mark.standard("RED-3")
@pytest.mark.parametrize(
    "header",
    [
        "X-Apparently-To: jane.doe@corp.example; Tue, 03 Mar 2026 10:00:00 +0000",
        "X-Resolved-To: jane.doe@corp.example",
        "X-Real-To: jane.doe@corp.example",
        "X-MDaemon-Deliver-To: jane.doe@corp.example",
        "X-YahooForwarded: from jane.doe@corp.example to b@x.example",
        "Feedback-ID: jane.doe@corp.example:camp:x",
        "X-User-Email: jane.doe@corp.example",
        "List-Unsubscribe: <mailto:off@shop.example?subject=leave%20jane.doe%40corp.example>",
    ],
)
def test_a_recipient_is_known_by_what_providers_write(header: str) -> None:
    told = told_of(report(f"{header}\r\nSubject: Jane, jane.doe@corp.example has won\r\n"), "feed")
    assert "jane.doe" not in told
    assert "has won" in told


def test_a_display_name_is_no_host() -> None:
    subject = "Only at shop.example"
    way = f"Received: from x (mail.shop.example [192.0.2.1])\r\n by mx.bigmail.example; {AT}\r\n"
    names = "".join(f'To: "@{name}" <bob77@bigmail.example>\r\n' for name in ("shop.example", "192.0.2.1", "example"))
    told = told_of(report(f"{way}{names}Subject: {subject}\r\n", sender="bob77@bigmail.example"))
    assert subject in told
    assert "mail.shop.example [192.0.2.1]" in told


def test_a_mailing_list_of_the_senders_own_does_not_hide_the_sender() -> None:
    way = (
        f"Received: from x (mail.shop.example [192.0.2.1])\r\n by mx.bigmail.example; {AT}\r\n"
        "Received: from app7.shop.example (app7.shop.example [203.0.113.77]) by mail.shop.example (Postfix)"
        f" with ESMTPA id 4\r\n for <list@shop.example>; {AT}\r\nDelivered-To: list@shop.example\r\n"
    )
    told = told_of(report(way, sender="bob77@bigmail.example"))
    assert "mail.shop.example [192.0.2.1]" in told
    assert "app7.shop.example [203.0.113.77]" in told


def test_a_reported_site_keeps_its_port_and_the_brackets_of_its_address() -> None:
    fields = "Reported-URI: http://[2001:db8::7]:8080/x\r\nReported-URI: https://shop.example:81/y\r\n"
    told = told_of(report("Subject: x\r\n", fields), "feed")
    assert "http://[2001:db8::7]:8080/" in told
    assert "https://shop.example:81/" in told


def test_what_the_sender_says_of_itself_is_no_recipient() -> None:
    headers = (
        "Return-Path: <bounce-77@shop.example>\r\nReply-To: sales@shop.example\r\nMessage-ID: <a=b@shop.example>\r\n"
        "List-Unsubscribe: <https://shop.example/u?site=shop.example&e=1>, <mailto:off@shop.example>\r\n"
        "Received: from shop.example (Authenticated sender: shop@isp.example) by mx.example.com for nobody; now\r\n"
    )
    assert hidden(report(headers)) == []


def test_a_short_name_in_chinese_is_a_name() -> None:
    raw = report("To: =?utf-8?B?5p2O6Zu3?= <x@corp.example>\r\n")
    assert "李雷" in hidden(raw)


@pytest.mark.standard("RED-3")
def test_sites_are_named_without_labels_for_one_recipient_and_what_is_no_address_is_left_out() -> None:
    fields = (
        "Reported-URI: https://a1b2c3d4e5f6.track.shop.example/p/1\r\nReported-URI: http://[::1/x\r\n"
        "Reported-URI: https://jane-doe.shop.example/\r\nReported-URI: x-jane://shop.example/\r\n"
        "Reported-URI: https://jane@shop.example/\r\nReported-Domain: a1b2c3d4e5f6.track.shop.example\r\n"
        "Reporting-MTA: dns; jane.corp.example\r\nOriginal-Rcpt-To: jane.doe@corp.example\r\n"
    )
    parsed = parse(report("", fields))
    told = evidence(parsed, parsed.reports[0], REDACTOR, "feed", PUBLIC)
    said = str(told)
    assert "a1b2c3d4e5f6" not in said
    assert "jane" not in said
    assert "https://shop.example/" in told["reported_uri"]
    assert [one.endswith(".track.shop.example") for one in told["reported_domain"]] == [True]
    assert len(told["reported_uri"]) == 3


@pytest.mark.standard("RED-3")
def test_a_campaign_is_asked_for_by_its_list_and_never_by_the_number_of_one_mail() -> None:
    parsed = parse(
        report(
            "List-Id: News for jane.doe <news.shop.example>\r\nTo: jane.doe@corp.example\r\nFeedback-ID: 1:u99:x\r\n"
        )
    )
    alone = parse(report("Feedback-ID: camp:u9981:x:shop\r\n"))
    for said, expected in ((parsed, "news.shop.example"), (alone, "An offer")):
        item = SimpleNamespace(report=said.reports[0], screening=SimpleNamespace(identity=SimpleNamespace(feed="feed")))
        house = SimpleNamespace(redactor=lambda: REDACTOR, public_domains=PUBLIC)
        told = consents.campaign_of(house, SimpleNamespace(parsed=said), item, {"headers": [["Subject", "An offer"]]})
        assert expected in told
        assert "jane" not in told
        assert "u99" not in told


@pytest.mark.parametrize(
    "value", ["=a.a" * 2000, "a=" * 4000, "=" + "a" * 7900, "x@" * 4000, "for a" * 1600, "https:" + "a@" * 3900]
)
def test_a_hostile_header_costs_no_more_than_its_length(value: str) -> None:
    assert len(hidden(report(f"Return-Path: {value}\r\nReceived: {value}\r\nTo: {value}\r\n"))) <= 3000


PERSON = "bob.smith@bobs.example"
CHAIN = (
    "Received: from mx.bobs.example (mx.bobs.example [198.51.100.7])\r\n by store.bobs.example with LMTP; "
    "Tue, 03 Mar 2026 10:00:02 +0000\r\n"
    "Received: from shop.example (shop.example [192.0.2.1])\r\n by mx.bobs.example (198.51.100.7) with ESMTP; "
    "Tue, 03 Mar 2026 10:00:01 +0000\r\n"
    "Received: from bobs.example (unknown [203.0.113.9])\r\n by relay.shop.example with SMTP; "
    "Tue, 03 Mar 2026 10:00:00 +0000\r\n"
    "Subject: Only for bobs.example: see http://login.bobs.example.shop.example/x\r\n"
)
MTA = "Reporting-MTA: dns; mx.bobs.example\r\nReported-Domain: www.bobs.example\r\n"


def told_of(raw: bytes, feed: str | None = None) -> str:
    parsed = parse(raw)
    return str(evidence(parsed, parsed.reports[0], REDACTOR, feed, PUBLIC))


@pytest.mark.standard("RED-3")
def test_a_domain_that_is_one_persons_is_told_nowhere_and_the_source_stays() -> None:
    told = told_of(report(CHAIN, MTA, sender=PERSON))
    assert "bobs" not in told
    assert "198.51.100.7" not in told
    assert "'source_ip': '192.0.2.1'" in told
    assert "from shop.example (shop.example [192.0.2.1])" in told
    assert "by relay.shop.example" in told
    assert "10:00:01 +0000" in told


@pytest.mark.standard("RED-3")
@pytest.mark.parametrize("name", ["store.bobs.example", "mx.bobs.example", "bobs.example", "198.51.100.7"])
def test_a_host_that_the_mail_names_is_not_known_by_its_digest(name: str) -> None:
    for digest in (hashlib.md5(name.encode()).hexdigest(), hashlib.sha256(name.encode()).hexdigest()):
        assert digest not in told_of(report(f"{CHAIN}Subject: ref {digest}\r\n", MTA, sender=PERSON))


@pytest.mark.standard("RED-3")
def test_who_got_a_feeds_mail_is_not_known_by_his_own_server_either() -> None:
    told = told_of(report(CHAIN, MTA + f"Original-Rcpt-To: {PERSON}\r\n"), "feed")
    assert "bobs" not in told
    assert "198.51.100.7" not in told


@pytest.mark.parametrize(
    ("sender", "feed", "why"),
    [
        ("abuse@bobs.example", None, "a desk speaks for all of its domain"),
        ("bob@bobs.example", "feed", "a feed is named anyway"),
        ("bob@bigmail.example", None, "thousands have the domain"),
    ],
)
def test_the_host_that_received_the_mail_stays_where_it_names_nobody(sender: str, feed: str | None, why: str) -> None:
    domain = sender.partition("@")[2]
    told = told_of(report(CHAIN.replace("bobs.example", domain), sender=sender), feed)
    assert f"by mx.{domain} (198.51.100.7)" in told, why


AT = "Tue, 03 Mar 2026 10:00:01 +0000"


def test_a_mailing_that_names_its_own_address_as_recipient_keeps_its_domain() -> None:
    way = f"Received: from x (mail.shop.example [192.0.2.1])\r\n by mx.bigmail.example; {AT}\r\n"
    names = "To: sales@shop.example\r\nSubject: News of shop.example\r\n"
    assert "News of shop.example" in told_of(report(way + names, sender="bob@bigmail.example"))
    claimed = (
        way.replace("x (mail.shop.example ", "mail.shop.example (") + "DKIM-Signature: v=1; d=shop.example; b=A\r\n"
    )
    assert "News of shop" not in told_of(report(claimed + names, sender="bob@bigmail.example")), "nobody verified it"


@pytest.mark.standard("RED-3")
def test_names_that_the_sender_adds_do_not_push_out_the_complainants() -> None:
    stuffed = "".join(f"X-Rcpt: u@aaa{number}.example\r\n" for number in range(90))
    assert "bobs" not in told_of(report(CHAIN + stuffed, MTA, sender=PERSON))
    way = CHAIN.replace("(198.51.100.7) with", f"(198.51.100.7) for <{PERSON}> with")
    assert "bobs" not in told_of(report(way + stuffed), "feed")


@pytest.mark.standard("RED-3")
@pytest.mark.parametrize("sender", ["bob.s@bigmail.example", "fbl@feed.example", "abuse@provider.example", PERSON])
def test_a_sender_that_claims_the_recipients_own_domain_does_not_bring_it_out(sender: str) -> None:
    headers = (
        f"Received: from x (mail.shop.example [192.0.2.1]) by mx.bigmail.example for <{PERSON}>; {AT}\r\n"
        f"To: {PERSON}\r\nSubject: [bobs.example] your mailbox is full\r\n"
    )
    forged = report(headers, sender=sender).replace(b"Shop <sales@shop.example>", b"bobs.example <help@bobs.example>")
    assert "bobs" not in told_of(forged, "feed" if sender.startswith("fbl") else None)
    unseen = forged.replace(f" for <{PERSON}>".encode(), b"")
    assert "bobs" not in told_of(unseen, "feed" if sender.startswith("fbl") else None)


@pytest.mark.parametrize("local", ["mail", "info", "hello", "contact", "office", "admin", "team"])
def test_a_mailbox_that_people_read_is_no_desk(local: str) -> None:
    assert "bobs" not in told_of(report(CHAIN, MTA, sender=f"{local}@bobs.example"))


@pytest.mark.standard("RED-3")
@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("by mx.bobs.example (203.0.113.51) with SMTP id 2", "203.0.113.51"),
        ("from mx.bobs.example (mx.bobs.example [IPv6:2001:db8:0:0:0:0:0:9]) by store.x.example", "2001:db8"),
        ("from unknown (HELO mx.bobs.example) (203.0.113.52) by 203.0.113.53 with SMTP", "203.0.113.5"),
        ("from x.example ([192.0.2.9]) by [203.0.113.50] (mx.bobs.example) with ESMTP", "203.0.113.50"),
        ("from mx.bobs.example ([10.0.0.2] [203.0.113.57]) by fwd.x.example", "203.0.113.57"),
        ("from mx.bobs.example (203-0-113-58.dsl.x.example [203.0.113.58]) by fwd.x.example", "113-58"),
        ("from mx.bobs.example (59.113.0.203.in-addr.arpa [203.0.113.59]) by fwd.x.example", "59.113"),
    ],
)
def test_no_address_of_such_a_host_is_told_in_whatever_line_or_name(line: str, address: str) -> None:
    told = told_of(report(f"Received: {line}; {AT}\r\n", sender=PERSON))
    assert "bobs" not in told
    assert address not in told


@pytest.mark.standard("RED-3")
def test_many_recipients_of_the_sender_hide_those_that_a_server_named() -> None:
    many = ", ".join(f"u@domain{number}.example" for number in range(60))
    told = told_of(
        report(CHAIN.replace("(198.51.100.7) with", f"(198.51.100.7) for <{PERSON}> with") + f"To: {many}\r\n"), "feed"
    )
    assert "by mx.bobs" not in told
    few = told_of(report("Subject: for domain7.example\r\nTo: u@domain7.example\r\n"), "feed")
    assert "domain7" not in few


def test_a_recipient_stands_in_the_longest_of_names_too() -> None:
    assert PERSON in hidden(report(f"X-MS-Exchange-Organization-OriginalEnvelopeRecipients: {PERSON}\r\n"))


def test_the_addresses_of_a_long_way_are_bounded() -> None:
    way = "".join(
        f"Received: from a{n}.bobs.example (a{n}.bobs.example [203.0.{n // 250}.{n % 250}]) by x.example; {AT}\r\n"
        for n in range(90)
    )
    parsed = parse(report(way, sender=PERSON))
    assert len(private_strings(parsed, parsed.reports[0], None, PUBLIC)) < 100
