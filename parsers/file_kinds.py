"""What a file is, by its first bytes and never by its name: the kinds that run, or that carry what runs.

Nothing is unpacked: of a zip archive only the names in its local headers are read. Every
look is bounded, and linear in what is given.
"""

from __future__ import annotations

import re

MEMBERS = 200
NAME_BYTES = 300

_RUNS = (
    "exe", "scr", "pif", "com", "cpl", "dll", "sys", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "wsh", "hta",
    "lnk", "ps1", "psm1", "jar", "msi", "msp", "msix", "appx", "reg", "iso", "img", "vhd", "vhdx", "one", "chm", "url",
    "scf", "docm", "xlsm", "pptm", "xlam", "application", "gadget", "apk", "dmg", "pkg", "sh", "desktop",
)  # fmt: skip
RUNS = frozenset(_RUNS)
# Text runs by its name alone: that is the only thing that makes a script of it.
TEXT_RUNS = frozenset(
    ("js", "jse", "vbs", "vbe", "wsf", "wsh", "hta", "ps1", "psm1", "bat", "cmd", "reg", "sh", "url", "scf", "desktop")
)
_MAGIC = (
    (b"\x7fELF", "an ELF program"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (b"\xca\xfe\xba\xbe", "a Mach-O or Java program"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut (LNK)"),
    (b"ITSF\x03\x00\x00\x00", "a compiled help file (CHM)"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "a OneNote file"),
    (b"vhdxfile", "a disk image (VHDX)"),
    (b"dex\n03", "an Android program"),
    (b"#!/", "a script for a shell"),
)
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Streams of an Office file with macros, as its directory spells them.
_MACROS = tuple(name.encode("utf-16-le") for name in ("_VBA_PROJECT", "Macros\0"))
_RTF_OBJECT = re.compile(rb"\\obj(?:data|upd|html)")
_ISO_AT = 0x8001
ISO_BYTES = _ISO_AT + 5  # so many show whether it is a disk image
_WEB_SCRIPT = re.compile(
    rb"<script[\s>/]|javascript:|\bon(?:load|error|click|begin)\s{0,5}=|<hta:application", re.IGNORECASE
)


def program(beginning: bytes) -> str | None:
    """What kind of program the file is, by its beginning (1 KiB will do). None where it is none that is known."""
    if beginning.startswith(b"MZ"):
        at = int.from_bytes(beginning[60:64], "little")
        if beginning[at : at + 4] == b"PE\0\0" or at > len(beginning) or b"DOS mode" in beginning:
            return "a Windows program (PE)"
    for magic, kind in _MAGIC:
        if beginning.startswith(magic):
            return kind
    return None


def disk_image(beginning: bytes) -> bool:
    """ISO 9660 or UDF, by the first ISO_BYTES bytes."""
    return beginning[_ISO_AT : _ISO_AT + 5] in (b"CD001", b"BEA01")


def macros(ole: bytes) -> bool:
    """Does an old Office file carry macros? By the names in its directory."""
    return any(name in ole for name in _MACROS)


def rtf_objects(content: bytes) -> bool:
    return content.startswith(b"{\\rt") and _RTF_OBJECT.search(content) is not None


def script_in(markup: bytes) -> bool:
    """Does HTML or SVG carry a script?"""
    return _WEB_SCRIPT.search(markup) is not None


def members(archive: bytes) -> tuple[list[str], bool]:
    """(names, is one encrypted) of a zip archive, by its local headers, as far as `archive` reaches."""
    names: list[str] = []
    encrypted = False
    at = 0
    while len(names) < MEMBERS and (at := archive.find(ZIP, at)) >= 0:
        header = archive[at : at + 30]
        if len(header) < 30:
            break
        flags = int.from_bytes(header[6:8], "little")
        packed = int.from_bytes(header[18:22], "little")
        length = int.from_bytes(header[26:28], "little")
        extra = int.from_bytes(header[28:30], "little")
        names.append(archive[at + 30 : at + 30 + min(length, NAME_BYTES)].decode("utf-8", "replace"))
        encrypted = encrypted or bool(flags & 1)
        # Where the size follows the data, or is a lie, the next header has to be looked for.
        at += 30 + length + extra + (0 if flags & 8 or packed > len(archive) else packed)
    return names, encrypted


def extension(name: str) -> str:
    """In lower case, without what Windows ignores at the end of a name."""
    base = name.rstrip(". \0").rpartition("/")[2]
    return base.rpartition(".")[2].lower() if "." in base else ""
