"""Harmful files are known by what they hold; nothing is unpacked."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path

import pytest

from parsers import file_kinds

sys.path.insert(0, str(Path(__file__).parent))
from reported import attached, findings

PE = b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 40


def archive(*names: str, encrypted: bool = False, content: bytes = b"x" * 40) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, content)
    raw = bytearray(buffer.getvalue())
    if encrypted:
        raw[6] |= 1
    return bytes(raw)


@pytest.mark.duty("MED-1", "PAG-3")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PE, "Windows program"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 60, "ELF"),
        (b"\xcf\xfa\xed\xfe" + b"\0" * 60, "Mach-O"),
        (b"L\0\0\0\x01\x14\x02\0" + b"\0" * 60, "LNK"),
        (b"\0" * 0x8001 + b"CD001\x01" + b"\0" * 60, "ISO"),
        (file_kinds.OLE + b"\0" * 600 + "_VBA_PROJECT".encode("utf-16-le") + b"\0" * 60, "macros"),
        (b"{\\rtf1 {\\object\\objdata 0105}}", "embedded object"),
        (b"#!/bin/sh\nrm x\n", "shell"),
        (archive("a.txt", "run.exe"), "zip archive that holds a file which runs (.exe)"),
        (archive("run.js", encrypted=True), "encrypted zip archive that holds"),
        (archive("a.txt", encrypted=True), "encrypted zip archive"),
        (archive("[Content_Types].xml", "word/vbaProject.bin"), "macros"),
        (archive("META-INF/MANIFEST.MF", "a/Main.class"), "Java"),
        (b"<html><script>go()</script></html>", "script"),
        (b'<svg xmlns="x"><script>go()</script></svg>', "script"),
        (b'<html><hta:application id="x"/></html>', "HTA"),
    ],
)
def test_harmful_content_is_told_under_any_name(content: bytes, said: str) -> None:
    assert said in attached(content, "photo.jpg")["dangerous-attachment"]


@pytest.mark.duty("MED-1")
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"%PDF-1.7 " + b"x" * 100, "run.exe"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "photo.png"),
        (archive("a.txt", "b.pdf"), "files.zip"),
        (file_kinds.OLE + b"\0" * 600, "letter.doc"),
        (b"MZ is how this sentence begins, and it is text.", "note.txt"),
        (b"just text", "note.txt"),
        (b"<html><p>no more</p></html>", "page.html"),
        (b"", "empty.exe"),
    ],
)
def test_harmless_content_is_not_told(content: bytes, name: str) -> None:
    assert "dangerous-attachment" not in attached(content, name)


@pytest.mark.parametrize("name", ["run.js", "RUN.VBS", "a.pdf.hta", "x.ps1 ", "go.bat."])
def test_text_is_a_script_by_its_name(name: str) -> None:
    assert "runs as a script" in attached(b"var a = 1;\n", name)["dangerous-attachment"]


def test_a_name_that_holds_the_recipient_is_not_repeated() -> None:
    evidence = attached(PE, "pat-invoice.pdf")["dangerous-attachment"]
    assert "pat" not in evidence
    assert "invoice" in evidence


def test_a_script_in_the_mail_itself_is_told() -> None:
    html = {"Content_Type": "text/html"}
    assert "script-in-html" in findings("<html><script>x()</script></html>\n", **html)
    data = '<html><script type="application/ld+json">{}</script></html>\n'
    assert "script-in-html" not in findings(data, **html)


def test_names_in_an_archive_are_read_where_sizes_follow_the_data() -> None:
    raw = bytearray(archive("a.txt", "b.exe"))
    raw[6] |= 8
    raw[18:22] = b"\0\0\0\0"
    assert file_kinds.members(bytes(raw))[0] == ["a.txt", "b.exe"]


def test_an_archive_that_lies_about_its_sizes_ends() -> None:
    lie = file_kinds.ZIP + b"\x14\0\0\0\0\0" + b"\0" * 8 + b"\xff\xff\xff\xff" * 2 + b"\xff\xff\xff\xff"
    names, _ = file_kinds.members(lie * 5000)
    assert len(names) <= file_kinds.MEMBERS
