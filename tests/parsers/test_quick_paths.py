"""What is read the quick way is read as the thorough way reads it: encoded words, addresses, header blocks, feedback fields."""

from __future__ import annotations

import base64
import quopri
from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from parsers import base64_text, encoded_words, envelope, feedback_lines, fields, scan
from parsers.header_block import FIELD, Guesses, Headers
from parsers.report import Limits
from parsers.scan import Budget, Part


def _encoded(charset: str, encoding: str, text: str) -> str:
    data = text.encode(charset, "replace")
    if encoding in "bB":
        return f"=?{charset}?{encoding}?{base64.b64encode(data).decode()}?="
    quoted = quopri.encodestring(data, header=True).decode().replace("=\n", "").replace("\n", "").replace("?", "=3F")
    return f"=?{charset}?{encoding}?{quoted}?="


WORDS = st.builds(
    _encoded,
    st.sampled_from(["utf-8", "UTF-8", "iso-8859-1", "gb2312", "gbk", "gb18030", "koi8-r", "shift_jis", "iso-2022-jp", "us-ascii"]),
    st.sampled_from("qQbB"),
    st.text(max_size=8),
)  # fmt: skip
BROKEN = st.sampled_from(
    ["=?", "?=", "=?utf-8?q?=C3?=", "=?utf-8?q?=BC?=", "=?utf-8?b?w7w?=", "=?utf-8?q?a=3?=", "=?x?q?a?=", "=?utf-8??=",
     "=?utf-8?q?a?b?=", "=?utf-8?b?====?=", "=?utf-8?q?=41=0A=00?="]
)  # fmt: skip
VALUES = st.lists(st.one_of(WORDS, BROKEN, st.sampled_from([" ", "  ", "a", " b "])), max_size=6).map("".join)


@settings(max_examples=400, deadline=None)
@given(value=VALUES)
def test_encoded_words_are_read_as_flanker_reads_them(value: str) -> None:
    value = value[: value.rfind("?=") + 2].replace("\r", "").replace("\n", "")  # as it is handed over
    quick = encoded_words.plain(value)
    if quick is not None and value:
        assert quick == envelope._flanker().words(envelope._GB.sub("=?gb18030?", value))


def test_the_usual_encoded_words_are_read_the_quick_way() -> None:
    assert encoded_words.plain("=?utf-8?Q?Gro=C3=9Fe_Angebote?=") == "Große Angebote"
    assert encoded_words.plain("=?utf-8?B?5bm/?= =?UTF-8?q?=E5=91=8A?= now") == "广告 now"
    assert encoded_words.plain("=?utf-8?q?=E5=B9?= =?utf-8?q?=BF?=") == "广"  # one character in two words
    assert encoded_words.plain("=?gb2312?B?ueO45g==?=") == "广告"
    assert encoded_words.plain("=?utf-8?q?=FF?=") is None


@settings(max_examples=250, deadline=None)
@given(name=st.lists(st.one_of(WORDS, st.sampled_from([" ", '"'])), max_size=4).map("".join))
@example(name='=?utf-8?q?a?="')
def test_addresses_with_an_encoded_name_are_read_as_flanker_reads_them(name: str) -> None:
    text = f"{name} <a@b.example>"
    quick = envelope._plain_mailbox(text, Guesses())
    if quick is None or not envelope._WORDS_ADDRESS.match(text):
        return
    thorough = envelope._flanker().parse_list(envelope._GB.sub("=?gb18030?", text))
    assert [quick] == [envelope._mailbox(box.display_name or "", box.address, Guesses()) for box in thorough]


LINES = st.lists(
    st.sampled_from(
        [b"A: b", b"Subject: x\r", b"X:", b" fold", b"\tfold\r", b" ", b"\r", b"", b"no field", b"B : c", b"\xff: x", b"C: d: e"]
    ),
    max_size=8,
).map(b"\n".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(block=LINES, end=st.sampled_from([b"", b"\n"]))
def test_a_regular_block_has_the_fields_that_the_general_pattern_finds(block: bytes, end: bytes) -> None:
    headers = Headers(block + end, 1_000)
    if headers.regular:
        assert headers.pairs() == FIELD.findall(block + end)
        assert not headers.unfolded_in_column_1
        assert not headers.spaced
        assert not headers.blank_fold


FIELDS = st.lists(
    st.sampled_from(
        [
            b"Feedback-Type: abuse", b"User-Agent: x/1", b"Version: 1", b"Source-IP: 192.0.2.1\r", b"Reported-URI: x\r\n\ty",
            b"X: 'quoted'", b'Y: "a"', b"Z: it's", b"List:\n - a\n - b", b"- item", b" - x: y", b"---", b"Odd : x", b"", b"\xc3\xbc: x",
            b"Subject: =?utf-8?q?=C3=BC?=", b"Tab:\ta\tb", b"Bell: \x07x", b"Version: 1 Source-IP: 192.0.2.2", b"Empty:", b"words",
        ]
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(lines=FIELDS, end=st.sampled_from([b"\n", b"\r\n"]))
def test_plain_feedback_fields_are_those_that_are_read_after_undoing_nothing(lines: list[bytes], end: bytes) -> None:
    body = end.join(lines)
    quick = feedback_lines._as_they_should_be(body)
    if quick:
        raw = b"Content-Type: message/feedback-report\n\n" + body
        part = Part(raw, 0, len(raw), Budget(Limits()), 0)
        assert feedback_lines._undone(part, body, 500) == feedback_lines.Lines(quick, ())


def test_guesses_are_bounded_and_what_is_too_much_costs_nothing() -> None:
    guesses = Guesses(2_500)
    assert not guesses.take(3_000)
    assert guesses.take(10)  # counts as 1,000
    assert guesses.take(1_400)
    assert not guesses.take(1_400)


def test_a_charset_is_guessed_for_the_first_of_many_values_only() -> None:
    cyrillic = "Доброе утро, уважаемые коллеги".encode("koi8-r")
    headers = Headers(b"".join(b"Received: " + cyrillic + b"\n" for _ in range(200)), 10_000, Guesses(20_000))
    read = envelope.every(headers, "received", 200)
    assert read[0] == "Доброе утро, уважаемые коллеги"
    assert read[-1] == cyrillic.decode("latin-1").translate(dict.fromkeys(range(127, 160)))


@given(data=st.binary(max_size=200), junk=st.binary(max_size=5))
def test_base64_is_decoded_whatever_stands_between(data: bytes, junk: bytes) -> None:
    text = base64.encodebytes(data)
    assert base64_text.decoded(text) == data
    assert isinstance(base64_text.decoded(junk + text), bytes)


@settings(max_examples=400, deadline=None)
@given(block=LINES, name=st.sampled_from([b"a", b"subject", b"x", b"c", b"absent"]))
def test_one_field_looked_up_is_the_first_of_all_that_are_split(block: bytes, name: bytes) -> None:
    looked_up = Headers(block + b"\n", 1_000).first(name)
    split = Headers(block + b"\n", 1_000).fields.get(name)
    assert looked_up == (split[0] if split else None)


@settings(max_examples=400, deadline=None)
@given(
    values=st.lists(
        st.lists(
            st.sampled_from(
                [b"a", b" ", b"\t", b"\r\n b", b"\n\tc", b"\x07", b"\r", b"=?utf-8?q?=C3=BC?=", b"=?x", b"\xff", b"\x1b$B"]
            ),
            max_size=5,
        ).map(b"".join),
        max_size=4,
    )
)  # fmt: skip
def test_values_read_as_text_are_those_that_are_decoded_one_by_one(values: list[bytes]) -> None:
    block = b"".join(b"Field: x" + value + b"\r\n" for value in values) + b"Last: y\r\n"
    headers = Headers(block, 1_000)
    one_by_one = tuple(envelope.decode(value) for value in headers.all(b"field"))
    assert envelope.every(Headers(block, 1_000), "field") == one_by_one
    assert envelope.first(Headers(block, 1_000), "field") == ((one_by_one[0] or None) if one_by_one else None)


@settings(max_examples=400, deadline=None)
@given(
    pieces=st.tuples(
        *(
            st.sampled_from(choices)
            for choices in (
                ["Fri, ", "Fri,", "xx", ""],
                ["20", " 2", "2", "31", "0x"],
                [" Nov ", " Feb ", " nov ", " Foo ", "-Nov-"],
                ["2026", "26", "0000", "٢٠٢٦"],
                [" 03:04:05", " 03:04", " 24:00:00", " 23:59:60", " 3:04:05", " 030405.1"],
                [" +0000", " -0730", " +2500", " 0000", " GMT", "", " +0000 (UTC)"],
            )
        )
    )
)
def test_a_date_read_by_its_places_is_the_date_that_the_pattern_reads(pieces: tuple[str, ...]) -> None:
    text = "".join(pieces)
    quick = fields._usual_time(text)
    if quick is not None:
        found = fields._DATE.match(text)
        assert found
        day, month, year, hour, minute, second, offset = found.groups("0")
        written = datetime(
            int(year), fields._MONTHS[month.lower()], int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
        assert quick == written - fields._offset(offset)


def test_the_usual_date_is_read_by_its_places() -> None:
    assert fields._usual_time("Fri, 20 Nov 2026 03:04:05 +0130") == datetime(2026, 11, 20, 1, 34, 5, tzinfo=UTC)


@settings(max_examples=400, deadline=None)
@given(
    pieces=st.lists(st.sampled_from([b"a" * 5_000, b"-" * 90, b"x-" * 2_100, b"--edge", b"\n--edge", b"\n--edg", b"\n"]), max_size=6)
)  # fmt: skip
def test_a_delimiter_is_found_where_it_first_stands(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    for at in (0, len(raw) // 3):
        assert scan._find(raw, b"--edge", at, len(raw)) == raw.find(b"--edge", at)
