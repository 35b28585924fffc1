"""Whole cases: a mail as it comes in, and the customer it is attributed to or the reason why nobody is.

Each mail goes through the parsers and through attribution, as in production. No case attributes on text alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from ipaddress import ip_network

import pytest

from gateway.attribution.attribute import attribute
from gateway.attribution.hosts import HostIndex
from gateway.attribution.identifiers import Identifier, IdentifierIndex, cfbl_token
from gateway.attribution.network import Network, Owners
from gateway.attribution.prefixes import PrefixIndex
from gateway.attribution.relays import RelayMail
from gateway.model import Assignment, Use
from gateway.model import AttributionReason as Why
from parsers import parse

JAN = datetime(2026, 1, 1, tzinfo=UTC)
MOVED = datetime(2026, 11, 3, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
THEN = NOW - timedelta(hours=9)
HOUR = timedelta(hours=1)
KEY = b"a key for the tests of CFBL-Feedback-ID"

# accounts; the customer of account n is n + 100
ALDER, BIRCH, CEDAR, DOGWOOD, ELDER, FIR, GORSE, HAZEL, IVY, JUNIPER = range(1, 11)
OPERATOR = 11
TREE = Owners({n: n + 100 for n in range(1, 12)}, {CEDAR + 100: BIRCH + 100, JUNIPER + 100: CEDAR + 100})

_numbers = iter(range(1, 1000))


def ip(account, resource, ports=(None, None), start=JAN, end=None, *, manual=False, use=Use.EXCLUSIVE):
    net = ip_network(resource)
    return Assignment(
        next(_numbers), account, resource, net.version, int(net[0]), int(net[-1]), *ports, start, end, manual, use
    )


def name(account, value, start=JAN, end=None):
    return Assignment(next(_numbers), account, value, 0, 0, 0, None, None, start, end)


def known(account, kind, value, end=None):
    return Identifier(next(_numbers), kind, value, account, JAN, end)


NETWORK = Network(
    PrefixIndex(
        [
            ip(ALDER, "198.51.100.0/28"),
            ip(ALDER, "198.51.100.16/28", end=MOVED),
            ip(BIRCH, "198.51.100.16/28", start=MOVED),
            ip(BIRCH, "198.51.100.32/27"),  # a reseller
            ip(CEDAR, "198.51.100.48/29"),  # its customer
            ip(DOGWOOD, "192.0.2.8", (1024, 2047)),
            ip(ELDER, "192.0.2.8", (2048, 4095)),
            ip(DOGWOOD, "192.0.2.9", (1024, 2047), end=MOVED),  # blocks are dealt anew
            ip(ELDER, "192.0.2.9", (1024, 2047), start=MOVED),
            ip(FIR, "192.0.2.16", end=THEN - HOUR),  # DHCP: a lease ends, the next begins
            ip(GORSE, "192.0.2.16", start=THEN - HOUR, end=THEN + HOUR),
            ip(FIR, "192.0.2.16", start=THEN + HOUR),
            ip(HAZEL, "2001:db8:10::/48"),
            ip(IVY, "2001:db8:10:5::/64"),
            ip(OPERATOR, "192.0.2.128/28", use=Use.PROTECTED),
            ip(OPERATOR, "192.0.2.144", use=Use.SHARED),
            ip(FIR, "192.0.2.150"),
            ip(GORSE, "192.0.2.150", start=MOVED, manual=True),  # staff know better than the import
            ip(FIR, "192.0.2.160/28", end=MOVED),
        ]
    ),
    HostIndex(
        [
            name(ALDER, "shop.example"),
            name(BIRCH, "gone.example", end=MOVED),
            name(GORSE, "gone.example", start=MOVED),
            name(IVY, "tel:+40215550100"),
            name(HAZEL, "tel:+4021444*"),
            name(JUNIPER, "answers@webmail.example"),
            name(OPERATOR, "webmail.example"),
            name(ELDER, "big-bank.example"),
            name(ALDER, "fresh.example"),
        ]
    ),
    own_networks=(ip_network("198.51.100.0/24"), ip_network("192.0.2.0/24"), ip_network("2001:db8:10::/44")),
    relays=(ip_network("192.0.2.25/32"), ip_network("192.0.2.26/32")),
    protected=(ip_network("192.0.2.1/32"),),
    identifiers=IdentifierIndex(
        [
            known(FIR, "login", "fir-user"),
            known(ALDER, "login", "alder-user"),
            known(GORSE, "login", "old-user", end=MOVED),
            known(ALDER, "dkim-domain", "alder.example"),
            known(BIRCH, "dkim-domain", "birch.example"),
            known(CEDAR, "dkim-selector", "k1._domainkey.shared-esp.example"),
            known(GORSE, "dkim-selector", "k2._domainkey.shared-esp.example"),
            known(BIRCH, "bounce-domain", "bounces.birch.example"),
            known(BIRCH, "list-id", "news.birch.example"),
            known(BIRCH, "feedback-id", "birch"),
            known(BIRCH, "from-domain", "birch.example"),
            known(BIRCH, "link-domain", "birch.example"),
            known(BIRCH, "unsubscribe", "birch.example"),
            known(GORSE, "header", "x-php-originating-script: 1007:mailer.php"),
        ]
    ),
    owners=TREE,
    confirm_first=True,
    confirmed=frozenset(
        {("shop.example", ALDER), ("gone.example", GORSE), ("gone.example", BIRCH), ("198.51.100.5", ALDER)}
    ),
    bystanders=frozenset({"big-bank.example"}),
    cfbl_key=KEY,
)
FOREIGN = "203.0.113.9"


def received(peer, by="mx.reader.example", at=THEN, *, port=None, more="", rest="with ESMTPS id q7aB12cd"):
    """A Received line as `by` writes it."""
    tagged = f"IPv6:{peer}" if ":" in peer else peer
    shown = f"[{tagged}]:{port}" if port else f"[{tagged}]"
    name = "out1.isp.example" if peer in {"192.0.2.25", "192.0.2.26"} else "some.host.example"
    return f"Received: from {name} ({name} {shown}{more}) by {by} (Postfix) {rest}; {format_datetime(at)}"


RELAYED = received("192.0.2.25")  # our relay handed it over
FORGED_NAME = (
    f"Received: from x (mx.reader.example [{FOREIGN}] (may be forged)) by mx.reader.example; {format_datetime(THEN)}"
)
EXIM = (
    f"Received: from [{FOREIGN}] (helo=x) by out1.isp.example with esmtpsa (Exim 4.96)"
    f" (envelope-from <auth=alder-user>) id 1vM3wU-0000Xk-2b; {format_datetime(THEN)}"
)


def by_relay(peer, **more):
    """The line that our own relay wrote."""
    return received(peer, by="out1.isp.example", **more)


@dataclass(frozen=True)
class Mail:
    """A feed's report. `fields` of the feedback part, `headers` of the reported mail, `trace` its Received lines."""

    source: str | None = None
    trace: tuple[str, ...] = ()
    at: datetime | None = THEN
    port: int | None = None
    fields: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    body: str = "Buy now."
    subject: str = "An offer"
    sender: str = "Great Offers <offers@sender.example>"
    kind: str = "abuse"

    def raw(self) -> bytes:
        stated = [f"Feedback-Type: {self.kind}", "User-Agent: SomeGenerator/1.0", "Version: 1", *self.fields]
        stated += [f"Source-IP: {self.source}"] if self.source else []
        stated += [f"Source-Port: {self.port}"] if self.port else []
        stated += [f"Arrival-Date: {format_datetime(self.at)}"] if self.at else []
        original = [
            *self.trace, *self.headers, f"From: {self.sender}", f"Subject: {self.subject}",
            "Message-ID: <spam-1@sender.example>", "", self.body,
        ]  # fmt: skip
        lines = [
            "From: Feedback Loop <feedback@fbl.example>", "To: abuse@isp.example", "Subject: Complaint",
            "Message-ID: <report-1@fbl.example>", "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=feedback-report; boundary="b1"', "",
            "--b1", "Content-Type: text/plain", "", "This is a complaint.", "",
            "--b1", "Content-Type: message/feedback-report", "", *stated, "",
            "--b1", "Content-Type: message/rfc822", "", *original, "", "--b1--", "",
        ]  # fmt: skip
        return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Case:
    """`expected`: (value, account or reason) of every entry, in order."""

    title: str
    mail: Mail
    expected: tuple[tuple[str, int | Why], ...]
    records: tuple[RelayMail, ...] = field(default=())


def one(title, mail, value, outcome, *, records=()):
    return Case(title, mail, ((value, outcome),), records)


def dkim(domain, selector="s1"):
    return f"DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s={selector}; bh=x; b=y"


def passed(domain):
    return f"Authentication-Results: mx.reader.example; dkim=pass header.d={domain}"


def logged(queue="q7aB12cd", login="fir-user", client=None, *, message="spam-1@sender.example", at=THEN):
    return RelayMail("out1.isp.example", queue, message, login, client, None, at)


def token(account, *more):
    return f"CFBL-Feedback-ID: {cfbl_token(KEY, account, *more)}"


S = "198.51.100.5"  # Alder's, always
CASES = [
    # --- address and time
    one("static address", Mail(S), S, ALDER),
    one("static address, seen in the trace too", Mail(S, (received(S),)), S, ALDER),
    one("only the trace has the address", Mail(None, (received(S),)), S, ALDER),
    one("IPv6 prefix", Mail("2001:db8:10:1::7"), "2001:db8:10:1::7", HAZEL),
    one("IPv6, the narrower prefix", Mail("2001:db8:10:5::7"), "2001:db8:10:5::7", IVY),
    one("IPv6 in the trace", Mail(None, (received("2001:db8:10:5::7"),)), "2001:db8:10:5::7", IVY),
    one("IPv4-mapped address", Mail("::ffff:198.51.100.5"), S, ALDER),
    one("prefix that moved, before", Mail("198.51.100.20", at=MOVED - HOUR), "198.51.100.20", ALDER),
    one("prefix that moved, after", Mail("198.51.100.20"), "198.51.100.20", BIRCH),
    one("prefix that moved, at that second", Mail("198.51.100.20", at=MOVED), "198.51.100.20", BIRCH),
    one("prefix that moved, no time", Mail("198.51.100.20", at=None), "198.51.100.20", Why.NO_TIME),
    one("one holder ever, no time", Mail(S, at=None), S, ALDER),
    one("report came weeks later", Mail("198.51.100.20", at=MOVED - 20 * 24 * HOUR), "198.51.100.20", ALDER),
    one("offset of another zone", Mail("192.0.2.16", at=(THEN - 2 * HOUR).astimezone(timezone(8 * HOUR))), "192.0.2.16", FIR),
    one("a manual entry beats the imported one", Mail("192.0.2.150"), "192.0.2.150", GORSE),
    one("before the manual entry the import stands", Mail("192.0.2.150", at=MOVED - HOUR), "192.0.2.150", FIR),
    # --- DHCP
    one("DHCP, the lease before", Mail("192.0.2.16", at=THEN - 2 * HOUR), "192.0.2.16", FIR),
    one("DHCP, the lease then", Mail("192.0.2.16"), "192.0.2.16", GORSE),
    one("DHCP, the lease after", Mail("192.0.2.16", at=THEN + 2 * HOUR), "192.0.2.16", FIR),
    one("DHCP, time of the handover line", Mail("192.0.2.16", (received("192.0.2.16", at=THEN - 2 * HOUR),), at=None), "192.0.2.16", FIR),
    one("DHCP, no time at all", Mail("192.0.2.16", at=None), "192.0.2.16", Why.NO_TIME),
    # --- outside every lease, in the future
    one("ours, never assigned", Mail("198.51.100.200"), "198.51.100.200", Why.NOT_ASSIGNED_THEN),
    one("ours, holder gone", Mail("192.0.2.165"), "192.0.2.165", Why.NOT_ASSIGNED_THEN),
    one("ours, before its first lease", Mail(S, at=JAN - HOUR), S, Why.NOT_ASSIGNED_THEN),
    one("a day and an hour ahead", Mail(S, at=NOW + 25 * HOUR), S, Why.IN_FUTURE),
    one("a year ahead", Mail(S, at=NOW + 365 * 24 * HOUR), S, Why.IN_FUTURE),
    one("23 hours ahead is a wrong clock", Mail(S, at=NOW + 23 * HOUR), S, ALDER),
    # --- carrier-grade NAT
    one("CGNAT with port", Mail("192.0.2.8", port=1500), "192.0.2.8", DOGWOOD),
    one("CGNAT with the other's port", Mail("192.0.2.8", port=3000), "192.0.2.8", ELDER),
    one("CGNAT, first port of a block", Mail("192.0.2.8", port=2048), "192.0.2.8", ELDER),
    one("CGNAT without port", Mail("192.0.2.8"), "192.0.2.8", Why.SHARED_ADDRESS),
    one("CGNAT, port in the trace", Mail("192.0.2.8", (received("192.0.2.8", port=3000),)), "192.0.2.8", ELDER),
    one("CGNAT, port of nobody", Mail("192.0.2.8", port=80), "192.0.2.8", Why.NOT_ASSIGNED_THEN),
    one("CGNAT, block of its former holder", Mail("192.0.2.9", port=1500, at=MOVED - HOUR), "192.0.2.9", DOGWOOD),
    one("CGNAT, block dealt anew", Mail("192.0.2.9", port=1500), "192.0.2.9", ELDER),
    one("CGNAT with port, no time, dealt anew", Mail("192.0.2.9", port=1500, at=None), "192.0.2.9", Why.NO_TIME),
    one("CGNAT without port, a valid signature is not enough", Mail("192.0.2.8", fields=(passed("alder.example"),), headers=(dkim("alder.example"),)), "192.0.2.8", Why.SHARED_ADDRESS),
    one("a port is no matter on an address of one's own", Mail(S, port=40000), S, ALDER),
    # --- resellers
    one("a reseller's own address", Mail("198.51.100.40"), "198.51.100.40", BIRCH),
    one("a reseller's customer", Mail("198.51.100.50"), "198.51.100.50", CEDAR),
    one("beside the reseller's customer", Mail("198.51.100.56"), "198.51.100.56", BIRCH),
    one("reseller and its customer in one trace", Mail(None, (received("198.51.100.40"), received("198.51.100.50", by="smart.birch.example"))), "198.51.100.40", BIRCH),
    one("signed by the customer, sent by its reseller", Mail("198.51.100.50", fields=(passed("birch.example"),), headers=(dkim("birch.example"),)), "198.51.100.50", CEDAR),
    # --- our own infrastructure
    one("our own server", Mail("192.0.2.1"), "192.0.2.1", Why.PROTECTED),
    one("an assignment that says infrastructure", Mail("192.0.2.130"), "192.0.2.130", Why.PROTECTED),
    one("a web server that many share", Mail("192.0.2.144"), "192.0.2.144", Why.SHARED_ADDRESS),
    # --- our relays
    one("our relay, the client behind it", Mail(None, (RELAYED, by_relay(S))), S, ALDER),
    one("our relay stated, the client behind it", Mail("192.0.2.25", (RELAYED, by_relay(S))), S, ALDER),
    one("two of our relays", Mail(None, (RELAYED, by_relay("192.0.2.26"), by_relay(S))), S, ALDER),
    one("our relay, a client on CGNAT with port", Mail(None, (RELAYED, by_relay("192.0.2.8", port=1500))), "192.0.2.8", DOGWOOD),
    one("our relay, a client on CGNAT without port", Mail(None, (RELAYED, by_relay("192.0.2.8"))), "192.0.2.8", Why.SHARED_ADDRESS),
    one("our relay and nothing else", Mail("192.0.2.25"), "192.0.2.25", Why.OWN_RELAY),
    one("our relay, a client from abroad, no login", Mail(None, (RELAYED, by_relay(FOREIGN))), "192.0.2.25", Why.OWN_RELAY),
    one("our relay, a client from abroad, its login", Mail(None, (RELAYED, by_relay(FOREIGN, more=") (Authenticated sender: fir-user"))), "fir-user", FIR),
    one("our relay, a login that is nobody's today", Mail(None, (RELAYED, by_relay(FOREIGN, more=") (Authenticated sender: old-user"))), "192.0.2.25", Why.OWN_RELAY),
    one("login and address agree", Mail(None, (RELAYED, by_relay(S, more=") (Authenticated sender: alder-user"))), S, ALDER),
    one("login and address contradict", Mail(None, (RELAYED, by_relay(S, more=") (Authenticated sender: fir-user"))), S, Why.IDENTIFIERS_CONTRADICT),
    one("the login settles a shared address", Mail(None, (RELAYED, by_relay("192.0.2.8", more=") (Authenticated sender: fir-user"))), "192.0.2.8", FIR),
    one("relay log by queue id", Mail("192.0.2.25", (RELAYED, by_relay(FOREIGN))), "fir-user", FIR, records=(logged(),)),
    one("relay log by Message-ID alone", Mail("192.0.2.25"), "fir-user", FIR, records=(logged(queue="other"),)),
    one("relay log, two mails of one Message-ID", Mail("192.0.2.25"), "192.0.2.25", Why.OWN_RELAY, records=(logged("o1"), logged("o2", "alder-user"))),
    one("relay log, the queue id tells two apart", Mail("192.0.2.25", (RELAYED, by_relay(FOREIGN))), "fir-user", FIR, records=(logged(), logged("o2", "alder-user"))),
    one("relay log names the client's address", Mail("192.0.2.25"), S, ALDER, records=(logged(login="alder-user", client=S),)),
    one("relay log by Message-ID, but our relay's line has another queue id", Mail(None, (RELAYED, by_relay(FOREIGN))), "192.0.2.25", Why.OWN_RELAY, records=(logged("o1", client=S),)),
    one("relay log by queue id in a forged line", Mail(None, (RELAYED, by_relay(FOREIGN), received("192.0.2.99", by="mx.fake.example", rest="with ESMTP id stolen1"))), "192.0.2.25", Why.OWN_RELAY, records=(logged("stolen1", "alder-user", message=None),)),
    one("relay log of another client than our relay's line", Mail(None, (RELAYED, by_relay(FOREIGN))), "192.0.2.25", Why.OWN_RELAY, records=(logged(client=S),)),
    one("our relay, a login that moved, at our relay's time", Mail(None, (RELAYED, by_relay(FOREIGN, at=MOVED - HOUR, more=") (Authenticated sender: old-user"))), "old-user", GORSE),
    one("our relay, a return path that reads like a login", Mail(None, (RELAYED, EXIM)), "192.0.2.25", Why.OWN_RELAY),
    one("relay log of a month ago", Mail("192.0.2.25"), "192.0.2.25", Why.OWN_RELAY, records=(logged(at=THEN - 30 * 24 * HOUR),)),
    # --- forged headers
    one("forged line below a foreign handover", Mail(None, (received(FOREIGN), received(S, by="mx.fake.example"))), FOREIGN, Why.NOT_OURS),
    one("forged line of ours, stated foreign", Mail(FOREIGN, (received(FOREIGN), received(S))), FOREIGN, Why.NOT_OURS),
    one("forged foreign lines below our address", Mail(None, (received(S), received(FOREIGN, by="mx.fake.example"))), S, ALDER),
    one("forged line of another customer below our address", Mail(None, (received(S), received("192.0.2.150", by="mx.fake.example"))), S, Why.SEVERAL_OWN),
    one("forged login in a stranger's line", Mail(FOREIGN, (received(FOREIGN, more=") (Authenticated sender: alder-user"),)), FOREIGN, Why.NOT_OURS),
    one("forged relay line: the handover is a stranger", Mail(None, (received(FOREIGN), by_relay(S))), FOREIGN, Why.NOT_OURS),
    one("a name that may be forged, a forged line below", Mail(None, (FORGED_NAME, received(S, by="mx.fake.example"))), FOREIGN, Why.NOT_OURS),
    one("our relay stated, its lines below a stranger's", Mail("192.0.2.25", (received(FOREIGN), received("192.0.2.25", by="mx.evil.example"), by_relay(S, more=") (Authenticated sender: alder-user"))), "192.0.2.25", Why.OWN_RELAY),
    one("address only in the subject", Mail(None, subject=f"spam from {S}"), "", Why.NO_SOURCE),
    one("address only in the body", Mail(None, body=f"I was hacked by {S} on Friday"), "", Why.NO_SOURCE),
    one("forged X-Originating-IP", Mail(None, headers=(f"X-Originating-IP: [{S}]",)), "", Why.NO_SOURCE),
    one("HELO with our address", Mail(None, (received(FOREIGN, rest=f"with ESMTP id x (helo={S})"),)), FOREIGN, Why.NOT_OURS),
    # --- contradiction between what is stated and what is traced
    one("two of our addresses disagree", Mail(S, (received("192.0.2.150"),)), S, Why.ADDRESSES_DISAGREE),
    one("stated foreign, handed over by us", Mail(FOREIGN, (received(S),)), FOREIGN, Why.ADDRESSES_DISAGREE),
    # --- identifiers beside an address
    one("a valid signature of the same customer", Mail(S, fields=(passed("alder.example"),), headers=(dkim("alder.example"),)), S, ALDER),
    one("a valid signature of another customer", Mail(S, fields=(passed("birch.example"),), headers=(dkim("birch.example"),)), S, Why.IDENTIFIERS_CONTRADICT),
    one("the key tells two users of one domain apart", Mail("192.0.2.16", fields=(passed("shared-esp.example"),), headers=(dkim("shared-esp.example", "k2"),)), "192.0.2.16", GORSE),
    one("an unchecked signature of another is mere text", Mail(S, headers=(dkim("birch.example"),)), S, ALDER),
    one("SPF passed for another's bounce domain", Mail(S, fields=("Authentication-Results: mx.reader.example; spf=pass smtp.mailfrom=b@bounces.birch.example", "Original-Mail-From: <b@bounces.birch.example>")), S, Why.IDENTIFIERS_CONTRADICT),
    one("our CFBL-Feedback-ID, signed, no address", Mail(None, fields=(passed("alder.example"),), headers=(token(ALDER, "spring"), dkim("alder.example"))), f"account-{ALDER}", ALDER),
    one("our CFBL-Feedback-ID with white space in it", Mail(None, fields=(passed("alder.example"),), headers=(f"CFBL-Feedback-ID: {cfbl_token(KEY, ALDER)[:6]} {cfbl_token(KEY, ALDER)[6:]}", dkim("alder.example"))), f"account-{ALDER}", ALDER),
    one("our CFBL-Feedback-ID, copied from another mail, no address", Mail(None, headers=(token(HAZEL),)), "", Why.NO_SOURCE),
    one("our CFBL-Feedback-ID, copied, its signature of another", Mail(None, fields=(passed("birch.example"),), headers=(token(HAZEL), dkim("birch.example"))), "", Why.NO_SOURCE),
    one("our CFBL-Feedback-ID, copied, its signature unchecked", Mail(None, headers=(token(ALDER), dkim("alder.example"))), "", Why.NO_SOURCE),
    one("our CFBL-Feedback-ID, copied, on CGNAT without port", Mail("192.0.2.8", headers=(token(DOGWOOD),)), "192.0.2.8", Why.SHARED_ADDRESS),
    one("our CFBL-Feedback-ID, copied, through our relay", Mail(None, (RELAYED, by_relay(FOREIGN)), headers=(token(HAZEL),)), "192.0.2.25", Why.OWN_RELAY),
    one("our CFBL-Feedback-ID, copied, from another's address", Mail(S, headers=(token(HAZEL),)), S, Why.IDENTIFIERS_CONTRADICT),
    one("our CFBL-Feedback-ID, signed, a year ahead", Mail(None, at=NOW + 365 * 24 * HOUR, fields=(passed("alder.example"),), headers=(token(ALDER), dkim("alder.example"))), "", Why.IN_FUTURE),
    one("a CFBL-Feedback-ID of somebody else", Mail(None, headers=(f"CFBL-Feedback-ID: {cfbl_token(b'another key', HAZEL)}",)), "", Why.NO_SOURCE),
    one("a CFBL-Feedback-ID changed in one digit", Mail(None, headers=(f"CFBL-Feedback-ID: {cfbl_token(KEY, HAZEL).replace('a8', 'a9')}",)), "", Why.NO_SOURCE),
    one("a foreign source with our CFBL-Feedback-ID", Mail(FOREIGN, headers=(f"CFBL-Feedback-ID: {cfbl_token(KEY, HAZEL)}",)), FOREIGN, Why.NOT_OURS),
    # --- text alone: never
    one("From at a customer's domain", Mail(FOREIGN, sender="News <a@birch.example>"), FOREIGN, Why.NOT_OURS),
    one("List-Id of a customer", Mail(FOREIGN, headers=("List-Id: News <news.birch.example>",)), FOREIGN, Why.NOT_OURS),
    one("Feedback-ID of a customer, no source", Mail(None, headers=("Feedback-ID: spring:1:mail:birch",)), "", Why.NO_SOURCE),
    one("every text of a customer, no source", Mail(None, sender="a@birch.example", headers=("List-Id: <news.birch.example>", "Feedback-ID: spring:1:mail:birch", "List-Unsubscribe: <https://birch.example/u>", "Return-Path: <b@bounces.birch.example>", dkim("birch.example"))), "", Why.NO_SOURCE),
    one("a hosting header on a shared server", Mail("192.0.2.144", headers=("X-PHP-Originating-Script: 1007:mailer.php",)), "192.0.2.144", Why.SHARED_ADDRESS),
    # --- strangers
    one("a foreign address", Mail(FOREIGN), FOREIGN, Why.NOT_OURS),
    one("a private address", Mail("10.1.2.3"), "10.1.2.3", Why.NOT_PUBLIC),
    one("loopback", Mail("127.0.0.1"), "127.0.0.1", Why.NOT_PUBLIC),
    one("no address, no trace", Mail(None), "", Why.NO_SOURCE),
    # --- what is advertised
    one("our host, foreign source", Mail(FOREIGN, fields=("Reported-URI: https://shop.example/offer",)), "shop.example", ALDER),
    one("below our host, foreign source", Mail(FOREIGN, fields=("Reported-URI: https://www.shop.example/offer",)), "www.shop.example", ALDER),
    one("our host for the first time", Mail(FOREIGN, fields=("Reported-URI: https://www.fresh.example/offer",)), "www.fresh.example", Why.FIRST_OF_KIND),
    one("our host, no source", Mail(None, fields=("Reported-Domain: shop.example",)), "shop.example", ALDER),
    one("a host that moved, before", Mail(FOREIGN, at=MOVED - HOUR, fields=("Reported-URI: http://gone.example/",)), "gone.example", BIRCH),
    one("a host that moved, after", Mail(FOREIGN, fields=("Reported-URI: http://gone.example/",)), "gone.example", GORSE),
    one("an advertised address of ours", Mail(FOREIGN, fields=(f"Reported-URI: http://{S}/x",)), S, ALDER),
    one("an advertised address of ours for the first time", Mail(FOREIGN, fields=("Reported-URI: http://198.51.100.6/x",)), "198.51.100.6", Why.FIRST_OF_KIND),
    one("an advertised address that staff assigned", Mail(FOREIGN, fields=("Reported-URI: http://192.0.2.150/x",)), "192.0.2.150", GORSE),
    one("an advertised address shared by many", Mail(FOREIGN, fields=("Reported-URI: http://192.0.2.8/x",)), "192.0.2.8", Why.SHARED_ADDRESS),
    one("a large innocent domain of a customer", Mail(FOREIGN, fields=("Reported-URI: https://big-bank.example/login",)), "big-bank.example", Why.BYSTANDER),
    Case("source and host of two customers", Mail(S, fields=("Reported-URI: http://gone.example/",)), ((S, ALDER), ("gone.example", GORSE))),
    Case("source and host of one customer need no confirmation", Mail(S, fields=("Reported-URI: http://fresh.example/",)), ((S, ALDER), ("fresh.example", ALDER))),
    Case("two hosts, one a stranger's", Mail(FOREIGN, fields=("Reported-URI: http://gone.example/", "Reported-URI: http://other.test.example/")), (("gone.example", GORSE),)),
]  # fmt: skip


def outcome(found):
    return [(a.value, a.account_id if a.account_id is not None else a.reason) for a in found]


def judged(case, network=NETWORK):
    (report,) = parse(case.mail.raw()).reports
    return attribute(report, NOW, network, case.records)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES])
@pytest.mark.duty("SES-7")
def test_a_mail_finds_its_customer_or_the_reason_why_not(case):
    assert outcome(judged(case)) == list(case.expected)


def test_there_are_at_least_eighty_cases_and_no_two_are_alike():
    assert len(CASES) >= 80
    assert len({case.title for case in CASES}) == len(CASES)
    assert len({case.mail.raw() + repr(case.records).encode() for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES])
def test_without_our_addresses_and_logs_text_attributes_nobody(case):
    """The same mails, where we know every identifier and no address, name, login line or log."""
    bare = Network(PrefixIndex(), HostIndex(), identifiers=NETWORK.identifiers, owners=TREE)
    (report,) = parse(case.mail.raw()).reports
    assert [a.account_id for a in attribute(report, NOW, bare)] == [None]


def test_agreement_raises_confidence_and_says_so():
    plain = judged(one("", Mail(S), S, ALDER))[0]
    signed = judged(one("", Mail(S, fields=(passed("alder.example"),), headers=(dkim("alder.example"),)), S, ALDER))[0]
    assert plain.confidence < signed.confidence < 1
    assert "a valid DKIM signature" in signed.how


def test_a_contradiction_names_both_as_candidates():
    (found,) = judged(one("", Mail(S, fields=(passed("birch.example"),), headers=(dkim("birch.example"),)), S, ALDER))
    assert [c.account_id for c in found.candidates] == [ALDER, BIRCH]


def test_text_is_a_candidate_with_its_reason():
    (found,) = judged(one("", Mail(FOREIGN, sender="News <a@birch.example>"), FOREIGN, Why.NOT_OURS))
    assert [(c.account_id, c.why) for c in found.candidates] == [(BIRCH, "From is at birch.example")]
