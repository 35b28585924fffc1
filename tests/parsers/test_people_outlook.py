"""winmail.dat and `.msg`: the mail inside comes out with its trace, and a broken or hostile file costs nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest

from parsers import outlook, parse
from parsers.report import Kind

HEADER = (
    b"Received: from mail.sender.example (mail.sender.example [198.51.100.7])\r\n"
    b"\tby mx.reader.example with ESMTPS id 7aB; Tue, 06 Jan 2026 07:30:07 +0000\r\n"
    b"From: Great Offers <offers@sender.example>\r\nTo: user@reader.example\r\n"
    b"Subject: An offer\r\nDate: Tue, 06 Jan 2026 07:30:00 +0000\r\nMessage-ID: <spam-1@sender.example>\r\n"
    b"Content-Type: multipart/alternative;\r\n\tboundary=gone\r\n"
)
IMESSAGE = bytes.fromhex("0703020000000000c000000000000046")
Entries = list[tuple[int, int, bytes]]  # (kind, tag, value)


def properties(entries: Entries) -> bytes:
    out = struct.pack("<I", len(entries))
    for kind, tag, value in entries:
        out += struct.pack("<HH", kind, tag)
        if kind == 0x40:
            out += value.ljust(8, b"\0")[:8]
        else:
            out += struct.pack("<II", 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return out


def tnef(objects: Iterable[tuple[int, int, bytes]]) -> bytes:
    pieces = [outlook.TNEF_BEGINS, b"\x01\x00"]
    for level, tag, data in objects:
        pieces += [struct.pack("<BII", level, tag, len(data)), data, struct.pack("<H", sum(data) & 0xFFFF)]
    return b"".join(pieces)


def embedded(entries: Entries) -> tuple[int, int, bytes]:
    inside = tnef([(1, 0x00069003, properties(entries))])
    return (2, 0x00069005, properties([(0x0D, 0x3701, IMESSAGE + inside)]))


def file(data: bytes) -> tuple[int, int, bytes]:
    return (2, 0x0006800F, data)


RENDERING = (2, 0x00069002, b"\0" * 14)


def text16(text: str) -> bytes:
    return text.encode("utf-16-le")


def msg(entries: Entries, *, storage: str = "") -> bytes:
    """A compound file with the properties as streams, in the root or, with `storage`, in a message attached to it."""
    streams = [(f"__substg1.0_{tag:04X}{kind:04X}", value) for kind, tag, value in entries if kind != 0x40]
    fixed = b"".join(struct.pack("<HHI", kind, tag, 6) + value for kind, tag, value in entries if kind == 0x40)
    streams.append(("__properties_version1.0", b"\0" * (24 if storage else 32) + fixed))
    directory, mini, mini_fat, big, fat = [], b"", [], b"", []
    for name, value in streams:
        if len(value) < 4096:
            start = len(mini) // 64
            blocks = -(-len(value) // 64)
            mini_fat += [start + n + 1 for n in range(blocks - 1)] + ([0xFFFFFFFE] if blocks else [])
            mini += value.ljust(blocks * 64, b"\0")
            start = start if blocks else 0xFFFFFFFE
        else:
            start = len(big) // 512
            blocks = -(-len(value) // 512)
            fat += [start + n + 1 for n in range(blocks - 1)] + [0xFFFFFFFE]
            big += value.ljust(blocks * 512, b"\0")
        directory.append((name, 2, start, len(value)))

    def chain(data: bytes) -> int:
        nonlocal big
        start, blocks = len(big) // 512, -(-len(data) // 512)
        fat.extend([start + n + 1 for n in range(blocks - 1)] + ([0xFFFFFFFE] if blocks else []))
        big += data.ljust(blocks * 512, b"\0")
        return start if blocks else 0xFFFFFFFE

    mini_start = chain(mini)
    packed = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    mini_fat_start = chain(packed.ljust(-(-len(packed) // 512) * 512, b"\xff"))
    folders = [("__attach_version1.0_#00000000", 1), ("__substg1.0_3701000D", 1)] if storage else []
    entries_out = [("Root Entry", 5, mini_start, len(mini)), *((name, kind, 0, 0) for name, kind in folders)]
    first = len(entries_out)
    entries_out += directory
    nothing = 0xFFFFFFFF
    raw = b""
    for number, (name, kind, start, size) in enumerate(entries_out):
        child = nothing
        right = nothing
        if number < first:
            child = number + 1
        elif number + 1 < len(entries_out):
            right = number + 1
        written = text16(name) + b"\0\0"
        raw += written.ljust(64, b"\0") + struct.pack("<HBBIII", len(written), kind, 1, nothing, right, child)
        raw += b"\0" * 36 + struct.pack("<III", start, size, 0)
    raw += (b"\0" * 64 + struct.pack("<HBBIII", 0, 0, 0, nothing, nothing, nothing) + b"\0" * 48) * (
        -len(entries_out) % 4
    )
    directory_start = chain(raw)
    blocks = -(-(len(fat) + 8) // 128)
    fat_start = len(big) // 512
    fat += [0xFFFFFFFD] * blocks
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(blocks * 512, b"\xff")
    head = outlook.OLE_BEGINS + b"\0" * 16 + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack(
        "<IIIIIIIII",
        0,
        blocks,
        directory_start,
        0,
        4096,
        mini_fat_start,
        len(packed) and -(-len(packed) // 512),
        0xFFFFFFFE,
        0,
    )
    head += struct.pack("<109I", *[fat_start + n if n < blocks else nothing for n in range(109)])
    return head + big + table


def mail(name: str, kind: str, data: bytes) -> bytes:
    import base64  # noqa: PLC0415  only here

    return (
        b"From: Pat Reader <pat@reader.example>\nTo: abuse@isp.example\nSubject: Spam\nMessage-ID: <o@reader.example>\n"
        b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="m1"\n\n--m1\nContent-Type: text/plain\n\nSpam.\n'
        + f'--m1\nContent-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n\n'.encode()
        + base64.encodebytes(data)
        + b"--m1--\n"
    )


def test_a_mail_embedded_in_winmail_dat_has_its_trace_and_no_content_fields_of_a_body_that_is_gone() -> None:
    data = tnef([RENDERING, embedded([(0x1E, 0x007D, HEADER), (0x1F, 0x1000, text16("Kaufen ✓"))])])
    (unpacked,) = outlook.tnef(data).messages
    assert b"boundary=gone" not in unpacked
    assert unpacked.count(b"Content-Type") == 1
    assert unpacked.endswith("Kaufen ✓".encode())
    parsed = parse(mail("winmail.dat", "application/ms-tnef", data))
    assert (parsed.kind, parsed.format) == (Kind.REPORT, "forwarded")
    assert parsed.reports[0].source_ip == "198.51.100.7"
    assert parsed.defects == ("from-tnef",)


def test_an_eml_file_in_winmail_dat_is_a_mail_and_a_picture_is_none() -> None:
    data = tnef([RENDERING, file(HEADER + b"\r\nBuy\r\n"), RENDERING, file(b"\x89PNG" + b"\0" * 50)])
    parsed = parse(mail("winmail.dat", "application/octet-stream", data))
    assert [report.source_ip for report in parsed.reports] == ["198.51.100.7"]
    plain = parse(mail("winmail.dat", "application/ms-tnef", tnef([RENDERING, file(b"\x89PNG" + b"\0" * 50)])))
    assert (plain.kind, plain.reports) == (Kind.UNKNOWN, ())


@pytest.mark.parametrize("long", [False, True])
def test_an_outlook_msg_is_its_transport_header_and_its_text(long: bool) -> None:
    body = "Buy now. " * (2_000 if long else 1)
    data = msg([(0x1F, 0x007D, text16(HEADER.decode())), (0x1F, 0x1000, text16(body))])
    parsed = parse(mail("offer.msg", "application/vnd.ms-outlook", data))
    assert (parsed.format, parsed.reports[0].source_ip, parsed.defects) == (
        "forwarded",
        "198.51.100.7",
        ("from-outlook-msg",),
    )
    original = parsed.reports[0].original
    assert original is not None
    assert (original.from_, original.subject, original.message_id) == (
        "offers@sender.example",
        "An offer",
        "<spam-1@sender.example>",
    )
    assert outlook.msg(data).messages[0].endswith(body.encode())


def test_a_msg_without_a_transport_header_has_what_its_properties_say_and_no_trace() -> None:
    sent = struct.pack("<Q", (1767684600 + 11644473600) * 10_000_000)
    data = msg(
        [(0x1F, 0x0037, text16("An offer")), (0x1F, 0x5D01, text16("offers@sender.example")), (0x40, 0x0039, sent)]
    )
    parsed = parse(mail("offer.msg", "application/octet-stream", data))
    report = parsed.reports[0]
    assert report.original is not None
    assert (report.source_ip, report.trace, report.original.from_) == (None, (), "offers@sender.example")
    assert report.original.date is not None
    assert report.original.date.isoformat() == "2026-01-06T07:30:00+00:00"
    assert "outlook-msg-without-transport-header" in parsed.defects


def test_a_mail_attached_to_a_msg_counts_where_the_msg_itself_has_no_header() -> None:
    data = msg([(0x1E, 0x007D, HEADER)], storage="inner")
    assert parse(mail("fw.msg", "application/vnd.ms-outlook", data)).reports[0].source_ip == "198.51.100.7"


@pytest.mark.parametrize(
    "data",
    [
        outlook.TNEF_BEGINS + b"\x01\x00" + b"\xff" * 40,
        outlook.OLE_BEGINS + b"\0" * 600,
        outlook.OLE_BEGINS,
        msg([(0x1E, 0x007D, HEADER)])[:900],
    ],
)
def test_a_broken_file_is_a_defect_and_no_mail(data: bytes) -> None:
    parsed = parse(
        mail("x.msg" if data.startswith(outlook.OLE_BEGINS) else "winmail.dat", "application/octet-stream", data)
    )
    assert parsed.kind == Kind.UNKNOWN
    assert [defect for defect in parsed.defects if defect.startswith("unreadable-")]


def test_counts_that_lie_and_depth_do_not_cost_anything() -> None:
    lies = struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 0x1E, 0x007D, 0xFFFFFFFF)
    nested = tnef([])
    for _ in range(300):
        nested = tnef([(2, 0x00069005, properties([(0x0D, 0x3701, IMESSAGE + nested)]))])
    many = tnef([RENDERING] * 100_000)
    # A reader that believes the first would not come back; one that copies what follows each object, not from the last.
    for data in (tnef([(2, 0x00069005, lies)]), nested, many):
        assert len(outlook.tnef(data).messages) <= outlook.MOST
