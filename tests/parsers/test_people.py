"""What people send: forwards in the text in every language, pasted headers, complaints in words; and what only looks so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers import forward_words, parse, pasted_headers, registry, written_dates
from parsers.forward_words import MEANINGS, folded, languages
from parsers.report import Kind

SENDER = "offers@sender.example"


def mail(subject: str, text: str, extra: str = "") -> bytes:
    head = f"From: Pat <pat@reader.example>\nTo: abuse@isp.example\nSubject: {subject}\nMessage-ID: <m@reader.example>\n{extra}"
    return f"{head}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}".encode()


def labelled(language: forward_words.Words, mark: str = ": ") -> str:
    values = (f"Great Offers <{SENDER}>", "Tue, 06 Jan 2026 07:30:00 +0000", "user@reader.example", "", "An offer")
    return "".join(f"{words[0]}{mark}{value}\n" for words, value in zip(language.labels, values, strict=True) if value)


def assert_forward(raw: bytes) -> None:
    parsed = parse(raw)
    assert (parsed.kind, parsed.format, parsed.error) == (Kind.REPORT, "inline", None)
    (report,) = parsed.reports
    assert report.original is not None
    assert (report.original.from_, report.original.subject) == (SENDER, "An offer")
    assert report.source_ip is None
    assert report.resources == ()


def test_no_word_of_the_table_has_two_meanings() -> None:
    meanings: dict[str, str] = {}
    for language in languages():
        for meaning, words in zip(MEANINGS, language.labels, strict=True):
            for word in words:
                assert meanings.setdefault(folded(word), meaning) == meaning, word
    said = {folded(word) for language in languages() for word in language.forward}
    assert said.isdisjoint(folded(word) for language in languages() for word in language.original)
    assert forward_words.forward_prefixes().isdisjoint(forward_words.reply_prefixes())
    assert len(languages()) >= 40


@pytest.mark.parametrize("language", languages(), ids=lambda language: language.language)
def test_every_language_is_read_in_every_clients_shape(language: forward_words.Words) -> None:
    block = labelled(language)
    for marker in language.forward:
        assert_forward(mail("Spam", f"-------- {marker} --------\n{block}\nBuy\n"))
        assert_forward(mail("Spam", f"{marker}:\n\n" + "".join(f"> {line}\n" for line in block.splitlines())))
    for marker in language.original:
        assert_forward(mail("Fwd: An offer", f"-----{marker}-----\n{block}\nBuy\n"))
    assert_forward(mail(f"{language.prefix[0].upper()}: An offer", "_" * 32 + f"\n{block}\nBuy\n"))
    assert_forward(mail("Spam", f"Please look:\n\n{block}Buy\n"))
    run_together = block.replace("\n", "")
    assert_forward(mail("Fw: An offer", f"  ----- {language.forward[0]} ----- {run_together}\n Buy\n"))


@pytest.mark.parametrize("language", languages(), ids=lambda language: language.language)
def test_an_answer_that_quotes_is_no_forward(language: forward_words.Words) -> None:
    answering = "In-Reply-To: <told-1@isp.example>\n"
    for marker in language.original:
        parsed = parse(mail("Re: An offer", f"Yes.\n\n-----{marker}-----\n{labelled(language)}\nBuy\n", answering))
        assert parsed.kind == Kind.REPLY
    assert parse(mail("Re: An offer", f"Yes.\n\n{labelled(language)}\nBuy\n", answering)).kind == Kind.REPLY
    assert parse(mail("Re: An offer", "Yes.\n\n" + "_" * 32 + f"\n{labelled(language)}", answering)).kind == Kind.REPLY


@pytest.mark.parametrize(
    "text",
    [
        "On Mon, Jan 5, 2026 at 9:31 AM Great Offers <offers@sender.example> wrote:\n\n> Buy\n",
        "From: Berlin\nTo: Hamburg\n",
        "Original Message in a bottle\nFrom: a\n",
        "-----Original Message-----\nnothing follows\n",
    ],
)
def test_what_only_looks_like_a_forward_is_none(text: str) -> None:
    assert parse(mail("Fwd: An offer", text)).format != "inline"


@pytest.mark.parametrize(
    ("text", "spoken", "expected", "zoned"),
    [
        ("Mi., 27. Okt. 2021 um 09:31 Uhr", ("de",), (2021, 10, 27, 9, 31), False),
        ("26 octobre 2021 à 14:25:08 UTC+3", ("fr", "es"), (2021, 10, 26, 11, 25, 8), True),
        ("mar, 6 ene 2026 a las 8:30", ("es", "fr"), (2026, 1, 6, 8, 30), False),
        ("2 listopada 2021 09:31", ("pl",), (2021, 11, 2, 9, 31), False),
        ("2. listopada 2021. 09:31", ("hr",), (2021, 10, 2, 9, 31), False),
        ("28. lokakuuta 2021 klo 12.46", ("fi",), (2021, 10, 28, 12, 46), False),
        ("Πέμπτη, 28 Οκτωβρίου 2021 1:46 μ.μ.", ("el",), (2021, 10, 28, 13, 46), False),
        ("2021. október 28. 12:46", ("hu",), (2021, 10, 28, 12, 46), False),
        ("28 tháng 10, 2021 lúc 2:46 CH", ("vi",), (2021, 10, 28, 14, 46), False),
        ("2026年1月6日(星期二) 下午3:30", ("zh-CN",), (2026, 1, 6, 15, 30), False),
        ("2026년 1월 6일 (화) 오전 3:30", ("ko",), (2026, 1, 6, 3, 30), False),
        ("２０２６年１月６日 １５：３０", ("ja",), (2026, 1, 6, 15, 30), False),
        ("6 बजे जून 2026", ("hi",), None, False),
        ("28/10/2021 12:46", ("en",), (2021, 10, 28, 12, 46), False),
        ("10/28/2021 12:46 AM", ("en",), (2021, 10, 28, 0, 46), False),
        ("02/10/2021 12:46", ("fr",), (2021, 10, 2, 12, 46), False),
        ("2 listopada 2021 09:31", ("pl", "hr"), None, False),
        ("02/10/2021 12:46", ("en",), None, False),
        ("31 February 2021 12:46", ("en",), None, False),
        ("yesterday", ("en",), None, False),
    ],
)
def test_a_written_date_is_read_or_it_is_none(
    text: str, spoken: tuple[str, ...], expected: tuple[int, ...] | None, zoned: bool
) -> None:
    found = written_dates.read(text, spoken)
    if expected is None:
        assert found is None
    else:
        assert found == (datetime(*expected, tzinfo=UTC), zoned)  # type: ignore[misc]


HEADER = (
    "Received: from mail.sender.example (mail.sender.example [198.51.100.7])\n by mx.reader.example with ESMTPS id 7aB;\n"
    " Tue, 06 Jan 2026 07:30:07 +0000\nFrom: Great Offers <offers@sender.example>\nSubject: An offer\n"
    "Message-ID: <spam-1@sender.example>\n"
)


@given(width=st.integers(30, 90), quote=st.sampled_from(("", "> ", ">> ", ">")), nbsp=st.booleans(), crlf=st.booleans())
@settings(max_examples=60, deadline=None)
def test_pasted_headers_are_the_same_however_they_were_wrapped_and_quoted(
    width: int, quote: str, nbsp: bool, crlf: bool
) -> None:
    lines: list[str] = []
    for line in HEADER.replace("\n ", " ").splitlines():
        words = line.split(" ")
        written = words[0]
        for word in words[1:]:
            if len(written) + len(word) >= width:
                lines.append(written)
                written = word
            else:
                written += " " + word
        lines.append(written)
    text = "Please act:\n\n" + "".join(f"{quote}{line}\n" for line in lines)
    text = text.replace(" ", "\u00a0") if nbsp else text
    raw = mail("Spam", text)
    (report,) = parse(raw.replace(b"\n", b"\r\n") if crlf else raw).reports
    assert report.source_ip == "198.51.100.7"
    assert dict(report.provenance)["source_ip"] == "pasted:Received[0]"
    assert report.original is not None
    assert (report.original.from_, report.original.message_id) == ("offers@sender.example", "<spam-1@sender.example>")


def test_a_received_line_alone_is_no_header() -> None:
    assert pasted_headers.blocks("Received: from a.example by b.example\n", 5) == []
    assert pasted_headers.blocks("I have received: nothing\nFrom: you\n", 5) == []
    assert len(pasted_headers.blocks((HEADER + "\nBuy\n\n") * 30, 20)) == 20


def test_what_reads_a_persons_words_gives_way_to_every_other_format() -> None:
    general = {name for name, module in registry.known().items() if getattr(module, "GENERAL", False)}
    assert {"inline", "pasted", "free_text"} <= general
    bounce = mail(
        "Undelivered Mail Returned to Sender", "user unknown\n\n" + HEADER, "X-Failed-Recipients: a@customer.example\n"
    )
    assert parse(bounce).kind == Kind.BOUNCE


def test_a_complaint_in_words_names_candidates_and_states_nothing() -> None:
    text = "198.51.100.7 sends spam for hxxp://shop[.]sender[.]example/ \n\nIt began 2026-01-06 07:30:07 UTC, answers go to drop@box.example"
    (report,) = parse(mail("Complaint", text)).reports
    assert [(one.kind, one.value) for one in report.candidates] == [
        ("source_ip", "198.51.100.7"),
        ("url", "http://shop.sender.example/"),
        ("mailbox", "drop@box.example"),
        ("arrival_date", "2026-01-06T07:30:07Z"),
    ]
    assert max(one.confidence for one in report.candidates) <= 0.5
    assert (report.source_ip, report.arrival_date, report.resources, report.original) == (None, None, (), None)


@given(st.text(max_size=600), st.text(max_size=60))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_breaks_a_reader(text: str, subject: str) -> None:
    clean = subject.replace("\n", " ").replace("\r", " ")
    pieces = [
        "Forwarded message",
        "-----",
        "From: a@b.example",
        "Received: from x [192.0.2.1] by y;",
        "Subject: x",
        "发件人：",
        text,
    ]
    for body in (text, "\n".join(pieces), "Begin forwarded message:\n" + text, "spam 192.0.2.1 " + text, HEADER + text):
        raw = mail("S", body, "").replace(b"Subject: S", b"Subject: " + clean.encode("utf-8", "replace"))
        parsed = parse(raw)
        assert not (parsed.error or "").startswith("a format failed"), parsed.error
        assert parsed.format != "inline" or all(report.source_ip is None for report in parsed.reports)


def test_long_hostile_texts_are_read_within_their_bounds() -> None:
    for body in (
        "From: " * 20_000,
        "-----" * 40_000,
        ("----- Forwarded Message ----- " + "From: a To: b " * 100 + "\n") * 200,
        "Received: " * 20_000,
        "Received: from a\nFrom: b\n" * 5_000,
        "> " * 50_000,
        ("A: " * 3_000 + "\n") * 10,
        "spam a@" + "b." * 60_000,
        "On 2026 10:00 " * 10_000,
    ):
        parsed = parse(mail("Fwd: x", body))
        assert len(parsed.reports) <= 20
