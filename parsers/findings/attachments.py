"""Is a harmful file attached: a program, a script, macros, a disk image, or an archive that hides them? (MED-1, PAG-3.)

By content, not by name; only of text the name counts, since nothing else makes a script of
it. Archives are never unpacked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers import envelope, file_kinds
from parsers.report import Finding
from parsers.reported import ReportedMail, file_name
from parsers.scan import Part

TOLD = 10
FIRST_BYTES = 1024
ARCHIVE_BYTES = 2 * 1024 * 1024  # decoded, to read the names in it
MARKUP_BYTES = 64 * 1024

_SCRIPT_TYPES = re.compile(
    rb"(?:application|text)/(?:x-)?(?:javascript|ecmascript|jscript|vbscript|vbs|hta|powershell|sh)\Z"
)
_HARMLESS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"\x00\x00\x01\x00", b"ID3", b"OggS")
_MARKUP = re.compile(
    rb"\s{0,200}(?:\xef\xbb\xbf)?\s{0,200}<(?:!doctype|html|svg|\?xml|head|script|body|meta)", re.IGNORECASE
)


def check(mail: ReportedMail) -> Iterator[Finding]:
    told = 0
    for part in mail.attachments:
        if (what := _harmful(part)) is None:
            continue
        name = file_name(part)
        named = f"the attachment “{mail.quote(name)}”" if name else "an attachment without a name"
        yield Finding("dangerous-attachment", f"{named} {what}")
        told += 1
        if told >= TOLD:
            return


def _harmful(part: Part) -> str | None:
    """What is wrong with it, as a predicate."""
    beginning = envelope.decoded_body(part, FIRST_BYTES)
    if not beginning or beginning.startswith(_HARMLESS):
        return None
    if kind := file_kinds.program(beginning):
        return f"is {kind}"
    if beginning.startswith(file_kinds.ZIP):
        return _archive(envelope.decoded_body(part, ARCHIVE_BYTES))
    if beginning.startswith(file_kinds.OLE):
        macros = file_kinds.macros(envelope.decoded_body(part, ARCHIVE_BYTES))
        return "is an Office document with macros" if macros else None
    if beginning.startswith(b"{\\rt"):
        objects = file_kinds.rtf_objects(envelope.decoded_body(part, MARKUP_BYTES))
        return "is a text document (RTF) with an embedded object" if objects else None
    if b"\0" not in beginning:
        return _text(part, beginning)
    if file_kinds.disk_image(envelope.decoded_body(part, file_kinds.ISO_BYTES)):
        return "is a disk image (ISO)"
    return None


def _text(part: Part, beginning: bytes) -> str | None:
    """Scripts, and web pages and drawings that carry one."""
    if _SCRIPT_TYPES.match(part.content_type):
        return "is declared to be a script"
    extension = file_kinds.extension(file_name(part))
    if extension in file_kinds.TEXT_RUNS:
        return f"holds text that runs as a script by its name (.{extension})"
    if not _MARKUP.match(beginning) and part.content_type not in (b"text/html", b"image/svg+xml"):
        return None
    markup = envelope.decoded_body(part, MARKUP_BYTES)
    if b"<hta:application" in markup.lower():
        return "is an HTML application (HTA)"
    return "is a web page or drawing that carries a script" if file_kinds.script_in(markup) else None


def _archive(content: bytes) -> str | None:
    names, encrypted = file_kinds.members(content)
    if any(name.endswith("vbaProject.bin") or "/macrosheets/" in name for name in names):
        return "is an Office document with macros"
    running = next((name for name in names if file_kinds.extension(name) in file_kinds.RUNS), None)
    if running is None and "AndroidManifest.xml" in names:
        return "is an Android program"
    if running is None and any(name.endswith(".class") for name in names):
        return "is a Java program"
    if running is not None:
        how = "an encrypted zip archive" if encrypted else "a zip archive"
        return f"is {how} that holds a file which runs (.{file_kinds.extension(running)})"
    return "is an encrypted zip archive, into which no filter can look" if encrypted else None
