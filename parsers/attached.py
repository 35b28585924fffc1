"""Is an attachment a mail? By what it is called, by how it begins, or because Outlook packed one into it.

Must never trust a declared type: programs send `.eml` files as anything, and `.msg` and winmail.dat under several
names. Only beginnings are looked at before it is clear that something is there.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from parsers import archive, envelope, outlook
from parsers.errors import MalformedError
from parsers.scan import FIELD, Headers, Part, skip_junk

BEGINNING = 20_000
NAME_PIECES = 20  # of a parameter that RFC 2231 cut
_SUBJECT_TO_SNIFFING = (b"application/", b"message/", b"text/x-", b"text/rfc", b"unknown/", b"binary/", b"attachment/")
_READ_BY_OTHERS = (
    *(b"message/feedback-report", b"message/delivery-status", b"message/global-delivery-status"),
    *(b"message/disposition-notification", b"message/global-disposition-notification", b"application/json"),
)
# Types of which one that has no name is not looked into.
_NEVER_A_MAIL_BY_TYPE = frozenset((b"text/plain", b"text/html", b"multipart/report", b"multipart/mixed"))
_ZIP_BEGINS = b"PK\x03\x04"
_BESIDE = (b"received", b"date", b"message-id", b"subject")
_CHARSET = re.compile(rb"[\w.:-]{0,40}'[\w-]{0,20}'")


def name(part: Part) -> bytes:
    """The file's name, lower-case, from wherever the sender put it (RFC 2183, 2045, 2231)."""
    if not part.mentions(b"name"):
        return b""
    for field, parameter in ((b"content-disposition", b"filename"), (b"content-type", b"name")):
        if found := part.parameter(parameter, field):
            found = envelope.decode(found, part.budget.guesses).encode() if b"=?" in found else found
            return found.strip().lower()
        if b"*" not in (part.headers.first(field) or b""):
            continue
        pieces = [part.parameter(parameter + b"*", field)]
        for number in range(NAME_PIECES if pieces[0] is None else 0):
            plain = part.parameter(b"%s*%d" % (parameter, number), field)
            piece = plain if plain is not None else part.parameter(b"%s*%d*" % (parameter, number), field)
            if piece is None:
                break
            pieces.append(piece)
        if joined := b"".join(piece for piece in pieces if piece):
            return unquote_to_bytes(_CHARSET.sub(b"", joined, count=1)).strip().lower()
    return b""


def is_mail(part: Part) -> bool:
    """Begins as a mail, and is named as one or begins with what only transport writes."""
    kind = part.content_type
    if kind in _NEVER_A_MAIL_BY_TYPE and not part.mentions(b"name"):
        return False
    if kind.startswith(b"multipart/") or kind in _READ_BY_OTHERS:
        return False
    if name(part).endswith(b".eml"):
        return _begins(envelope.decoded_body(part, BEGINNING), received=False)
    if not kind.startswith(_SUBJECT_TO_SNIFFING):
        return False
    return _begins(envelope.decoded_body(part, BEGINNING), received=True)


def is_mail_as_text(part: Part) -> bool:
    """Where a mail is expected: one whose part is called plain text."""
    return part.content_type == b"text/plain" and _begins(envelope.decoded_body(part, BEGINNING), received=True)


def _begins(data: bytes, *, received: bool) -> bool:
    """With header fields of a mail; `received`: Received among them."""
    beginning = data[:BEGINNING]
    beginning = beginning[skip_junk(beginning, 0, len(beginning)) :]
    if FIELD.match(beginning) is None:
        return False
    fields = Headers(beginning, BEGINNING).fields
    if b"from" not in fields and not (received and b"message-id" in fields):
        return False
    return b"received" in fields if received else not fields.keys().isdisjoint(_BESIDE)


def packed_text(part: Part) -> Part | None:
    """The text that Outlook packed into a winmail.dat and sent nowhere else, as the mail that it was."""
    if not envelope.decoded_body(part, 16).startswith(outlook.TNEF_BEGINS):
        return None
    try:
        own = outlook.tnef(envelope.decoded_body(part)).own.lstrip()
    except MalformedError:
        return None
    return Part.made(own.partition(b"\r\n\r\n")[0], own.partition(b"\r\n\r\n")[2], [], part.budget, 0) if own else None


def unpacked(part: Part) -> list[Part]:
    """The mails in a winmail.dat, a `.msg` or a zip, as parts; none where there are none or it cannot be read."""
    kind = part.content_type
    if not kind.startswith((b"application/", b"message/")) and not name(part).endswith((b".msg", b".dat", b".zip")):
        return []
    beginning = envelope.decoded_body(part, 16)
    if beginning.startswith(_ZIP_BEGINS):
        return _zipped(part)
    if beginning.startswith(outlook.TNEF_BEGINS):
        reader, label = outlook.tnef, "tnef"
    elif beginning.startswith(outlook.OLE_BEGINS) and (name(part).endswith(b".msg") or b"outlook" in kind):
        reader, label = outlook.msg, "outlook-msg"
    else:
        return []
    try:
        held = reader(envelope.decoded_body(part))
    except MalformedError:
        part.budget.defects[f"unreadable-{label}"] = None
        return []
    mails = [*held.messages, *(data for data in held.files if _begins(data, received=False))]
    if mails:
        part.budget.defects[f"from-{label}"] = None
    if held.without_header:
        part.budget.defects[f"{label}-without-transport-header"] = None
    return _parts(mails, part)


def _zipped(part: Part) -> list[Part]:
    """The `.eml` files of a zip. One that cannot be opened says so; its tables are none of this module's business."""
    data, trouble = archive.mails(envelope.decoded_body(part))
    mails = [one for one in data if _begins(one, received=False)]
    if mails:
        part.budget.defects["from-zip"] = None
    if trouble and name(part).endswith(b".eml.zip"):
        part.budget.defects["archive-not-read"] = None
    return _parts(mails, part)


def _parts(mails: list[bytes], part: Part) -> list[Part]:
    return [Part.made(b"Content-Type: message/rfc822", mail, [], part.budget, part.depth + 1) for mail in mails]
