"""What vetted customers see of a reported mail: its words, and nothing that says who got it."""

from __future__ import annotations

import base64
import hashlib
import quopri
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest
from whole.scene import ALDER, BIRCH, about, opened_scene
from whole.world import World

from gateway import originals, reporting
from gateway.intake.customers import read_customers
from gateway.store import customers
from notifier import markup
from notifier.redact import Redactor
from parsers import DEFAULT_LIMITS, parse
from parsers.reported_texts import shown
from servers.receiver import SmtpReceiver

WHO = "reader.seven@example.com"
PROGRAM = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(100)


def report(body: str, *, encoding: str, html: str | None = None, attach: bytes | None = None) -> bytes:
    mail = EmailMessage()
    mail["From"] = "Shop <sales@shop.example>"
    mail["To"] = WHO
    mail["Subject"] = "Your prize"
    mail["Message-ID"] = "<20260102.abc77881@shop.example>"
    mail["List-Unsubscribe"] = "<https://shop.example/u/Zk4471QqP>"
    mail["Received"] = "from shop.example ([192.0.2.1]) by mx.example.com; Fri, 2 Jan 2026 03:00:00 +0000"
    mail.set_content(body, cte=encoding)
    if html is not None:
        mail.add_alternative(html, subtype="html", cte=encoding)
    if attach is not None:
        mail.add_attachment(attach, maintype="application", subtype="pdf", filename=f"{WHO} bill.pdf")
    head = (
        b"From: feed@feed.example\r\nTo: abuse@isp.example\r\nSubject: report\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nAn abuse report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        b"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nSource-IP: 192.0.2.1\r\n"
    )
    return (
        head
        + f"Original-Rcpt-To: {WHO}\r\n".encode()
        + b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + mail.as_bytes()
        + b"\r\n--b--\r\n"
    )


def seen(raw: bytes) -> dict[str, list[str]]:
    house = SimpleNamespace(redactor=lambda: Redactor(b"0123456789abcdef"), public_domains=frozenset({"example.com"}))
    found = originals.redacted(house, parse(raw), 0, shown(raw, 0, DEFAULT_LIMITS), "feed")
    return {name: list(lines) for name, lines in found.items()}


@pytest.mark.standard("RED-3")
@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_no_recipient_survives_in_a_body_however_it_is_transferred(encoding: str) -> None:
    hidden = base64.b64encode(WHO.encode()).decode()
    digest = hashlib.md5(WHO.encode()).hexdigest()
    body = f"Dear {WHO},\nyour code {hidden}, {digest}, abc77881\nhttps://shop.example/u/Zk4471QqP?to={hidden}\nBuy our watches\n"
    html = (
        f"<html><head><title>x</title></head><body><p>Dear reader<!-- x -->.<b>seven</b>&#64;example.com</p>"
        f'<a href="https://shop.example/u/Zk4471QqP?e={digest}">Buy our watches</a>'
        f'<img src="https://px.shop.example/{hidden}.gif"><script>"{WHO}"</script></body></html>'
    )
    told = seen(report(body, encoding=encoding, html=html, attach=PROGRAM))
    everything = "\n".join(told["body"] + told["attachments"])
    for secret in (
        WHO,
        "reader.seven",
        "seven@",
        hidden,
        hidden[4:-4],
        digest,
        "Zk4471QqP",
        "abc77881",
        ".gif",
        "<script",
    ):
        assert secret not in everything, (secret, everything)
    assert everything.count("Buy our watches") == 2
    assert "hxxps://shop[.]example/" in everything
    assert "[loads: hxxps://px[.]shop[.]example/" in everything
    assert "://shop.example" not in everything
    assert len(told["attachments"]) == 1
    assert hashlib.sha256(PROGRAM).hexdigest() in told["attachments"][0]
    assert "a Windows program" in told["attachments"][0]


def test_a_report_with_a_header_alone_has_no_body() -> None:
    raw = report("x", encoding="7bit").replace(b"Content-Type: message/rfc822", b"Content-Type: text/rfc822-headers")
    assert seen(raw) == {"body": [], "attachments": []}
    assert shown(b"", 0, DEFAULT_LIMITS) == shown(b"x", 9, DEFAULT_LIMITS)


def test_quoted_printable_that_nobody_declared_hides_nothing() -> None:
    spelt = quopri.encodestring(WHO.replace("@", "=40").encode()).decode()
    told = seen(report(f"to {spelt}\n", encoding="7bit"))
    assert "reader" not in "".join(told["body"])


@pytest.mark.parametrize(
    "markup_text", ["<" * 200_000, "<!--" * 50_000, "<a href=" * 20_000, "<script>" * 20_000, "&#" * 100_000]
)
def test_hostile_markup_costs_no_more_than_its_length(markup_text: str) -> None:
    assert len(markup.words(markup_text)) <= 2 * len(markup_text)


def test_words_of_markup() -> None:
    assert markup.words("<p>One<br>two</p><STYLE>x</Style ><ul><li>three &amp; four") == "One\ntwo\n\nthree & four"


async def test_only_a_vetted_customer_gets_the_body_and_a_program_its_xarf(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    how = {"vetted_customers": ["alder"], "body_feeds": ["fbl"], "xarf_customers": ["birch"]}
    async with opened_scene(World(tmp_path, f"sqlite:///{tmp_path}/a.db"), smtp_receiver, notices=how) as scene:
        reports = [about(source, body=f"Dear user7@reader.example, buy {source}") for source in (ALDER, BIRCH)]
        await scene.take_in(*reports)
        got = {one.rcpt_tos[0]: one.raw for one in smtp_receiver.received}
    assert b"buy 198.51.100.7" in got["abuse@alder.example"]
    assert b"message/rfc822" in got["abuse@alder.example"]
    (other,) = (raw for to, raw in got.items() if "birch" in to)
    assert parse(other).format == "xarf"
    assert b"Dear" not in other
    assert all(b"user7@reader" not in raw for raw in got.values())


@pytest.mark.parametrize(("vetted", "agrees"), [("yes", True), ("yes", False), ("no", True)])
async def test_a_customer_vetted_by_its_import_sees_the_body_where_staff_know_that_the_reporter_agreed(
    tmp_path: Path, smtp_receiver: SmtpReceiver, vetted: str, agrees: bool
) -> None:
    async with opened_scene(World(tmp_path, f"sqlite:///{tmp_path}/a.db"), smtp_receiver) as scene:
        file = tmp_path / "vetted.csv"
        file.write_text(f"customer,vetted\nalder,{vetted}\n")
        async with scene.house.database.writing() as connection:
            await customers.import_file(connection, read_customers(file), who="ann", now=scene.house.clock())
        await reporting.decide(scene.house, "fbl", {"raw_forwarding": agrees}, "ann", "their terms")
        await scene.take_in(about(ALDER, body="Dear you, buy now"))
        (got,) = smtp_receiver.received
    assert (b"buy now" in got.raw) is (vetted == "yes" and agrees)
