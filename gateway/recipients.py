"""Who complained and who got the reported mail, in every form that the report itself shows: what must not leave.

A feed may hide the recipient in its own fields and leave it in a Received line or a return path. Pure, and linear in
the header. Must never take for a recipient what the sender says of itself: its domain, its mailboxes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from urllib.parse import unquote

from gateway.private_domains import of_many, private_hosts
from parsers.envelope import HEADERS_SHOWN, VALUE_CHARS, decode_headers, mailboxes
from parsers.header_block import Headers
from parsers.report import Parsed, Report

_NAMES_RECIPIENTS = re.compile(
    r"to|cc|bcc|(?:resent|apparently|delivered|envelope|original|forwarded|received)-?(?:to|for|cc|bcc)"
    r"|x-.{0,80}(?:rcpt|recipient|(?:deliver(?:ed)?|envelope|original|forwarded|received|apparently|resolved|real)-?"
    r"(?:to|for)).{0,20}|x-yahooforwarded|x-(?:user-)?e?mail|feedback-id",
    re.IGNORECASE,
)
_NAMES_RETURNS = re.compile(
    r"return-path|errors-to|bounces-to|sender|from|reply-to|received|message-id|list-unsubscribe|list-id"
    r"|(?:x-)?envelope-from|x-.{0,80}(?:sender|bounce).{0,20}",
    re.IGNORECASE,
)
_WRITTEN = re.compile(r"(?:resent-|apparently-)?(?:to|cc|bcc)", re.IGNORECASE)  # by the sender, who may write anything
_DOMAIN = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
_ADDRESS = re.compile(rf"(?<![\w.+-])([\w.!#$%&'*+/=?^`{{|}}~-]{{1,64}}@{_DOMAIN})", re.ASCII)
_FOR = re.compile(rf"\bfor\s{{1,20}}<?([^\s<>;()]{{1,64}}@{_DOMAIN})", re.IGNORECASE)
# bounce-7-bob=example.com@list.example; and in a link an address as it is, or with its sign encoded.
_VERP = re.compile(rf"=({_DOMAIN})@")
_LOCAL_BACKWARDS = re.compile(r"[\w.+=-]{1,100}", re.ASCII)
_IN_LINK = re.compile(rf"(?<![\w.+-])([\w.+-]{{1,64}})(?:%40|=40|@)({_DOMAIN})", re.ASCII | re.IGNORECASE)
_LINK = re.compile(r"https?:[^\s<>,]{1,2000}|mailto:[^\s<>,?]{1,320}(\?[^\s<>,]{1,2000})", re.IGNORECASE)
# What stands before the recipient in a return path, and is nobody's name.
_NO_NAME = re.compile(
    r"bounces?|returns?|errors?|news(?:letter)?|lists?|owner|(?:no)?reply|mail|mta|ms|.?prvs|srs|sender|unsub(?:scribe)?"
    r"|leave|campaign|[a-z]|.*\d.*|",
    re.IGNORECASE,
)
_SHORTEST = 4  # characters; what is shorter stands everywhere
_MOST = 3000  # strings of one report; more than a mail is shown with anyway


def private_strings(
    parsed: Parsed,
    report: Report,
    feed: str | None,
    public_domains: Collection[str],
    headers: Sequence[tuple[str, str]] | None = None,
) -> list[str]:
    """Addresses and names that would tell who complained or who received the mail, and hosts in domains that may be
    theirs alone (not in `public_domains`). A feed's own are no secret. `headers` of the reported mail, where they are
    decoded already."""
    envelope = parsed.envelope
    found: list[str | None] = []
    written: list[str] = []
    if feed is None:
        found += [envelope.from_, envelope.return_path, envelope.reply_to, envelope.from_name]
    (written if _by_the_sender(report) else found).extend(report.original_rcpt_to)
    if report.original_mail_from:
        found += _in_return_path(f"{report.original_mail_from}@")
    if headers is None:
        headers = decode_headers(report.original.header_block) if report.original else []
    if report.original:
        for name, value in [*headers, *_beyond(report.original.header_block)]:
            (written if _WRITTEN.fullmatch(name) else found).extend(_of_field(name, value))
    # A display name may be anything, also what stands for a host here.
    told = [text for text in found if text and not text.startswith("@")]
    written = [text for text in written if not text.startswith("@")]
    hosts = private_hosts(report, told, written, of_many(parsed, feed, public_domains), headers)
    return [*hosts, *sorted(_strings([*told, *written]))[:_MOST]]


def _by_the_sender(report: Report) -> bool:
    """Are the recipients those that the reported mail itself names?"""
    origin = next((where for name, where in report.provenance if name == "original_rcpt_to"), "")
    return _WRITTEN.fullmatch(origin.removeprefix("original:")) is not None


def _strings(found: Iterable[str | None]) -> set[str]:
    """Those long enough to be looked for, also without what may stand behind a plus."""
    plain = {text for text in found if text}
    plain |= {short for text in plain if "+" in text and (short := _without_tag(text))}
    return {text for text in plain if len(text) >= _SHORTEST or not text.isascii()}


def _names(values: Iterable[str]) -> list[str]:
    found = mailboxes([value.encode("utf-8", "replace") for value in values])
    return [text for mailbox in found for text in mailbox if text]


def _beyond(block: bytes) -> Iterator[tuple[str, str]]:
    """The fields, as they are written, of which `decode_headers` gives nothing or not all."""
    for number, (name, value) in enumerate(Headers(block, len(block)).pairs()):
        if number >= HEADERS_SHOWN or len(value) >= VALUE_CHARS:
            yield name.decode("ascii"), value.decode("latin-1")


def _of_field(name: str, value: str) -> Iterator[str]:
    if _NAMES_RECIPIENTS.fullmatch(name):
        yield from _names([value])
        yield from _ADDRESS.findall(value)
        return
    if not _NAMES_RETURNS.fullmatch(name):
        return
    if name.lower() == "received":
        yield from _FOR.findall(value)
    yield from _in_return_path(value)
    for link in _LINK.finditer(value):  # of a mailbox only what is asked of it
        yield from (f"{local}@{domain}" for local, domain in _IN_LINK.findall(unquote(link[1] or link[0])))


def _in_return_path(text: str) -> Iterator[str]:
    """`bob@example.com` out of `bounce-7-bob=example.com@`; of `bounce-jean-paul=` both that it may be."""
    for match in _VERP.finditer(text):
        backwards = _LOCAL_BACKWARDS.match(text[max(0, match.start() - 100) : match.start()][::-1])
        pieces = re.split(r"([-+=])", backwards[0][::-1]) if backwards else []
        while len(pieces) > 2 and _NO_NAME.fullmatch(pieces[0]):
            del pieces[:2]
        for local in {"".join(pieces), *pieces[-1:]} - {""}:
            yield f"{local}@{match[1]}"


def _without_tag(address: str) -> str | None:
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at else None
