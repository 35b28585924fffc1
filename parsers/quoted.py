"""What somebody wrote in an answer, apart from what the mail program put there of the mail that is answered.

Pure and linear. Lines that begin with `>` are quoted wherever they stand, so that an answer between them stays; what
stands under an attribution ("On ... wrote:") or a repeated header ("From: ... Sent: ...") without any `>` is quoted to
its end. Must never drop a word: what is folded away is handed back beside the rest.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST_LINE = 500  # characters in which an attribution is looked for
_WRAPPED = 3  # lines over which mail programs break an attribution
_QUOTED = re.compile(r"\s{0,3}>")
# The verb at the end; before it a day, a name or an address.
_SAYS = re.compile(
    r"(?:\bwrote|\bschrieb|\ba écrit|\bescribió|\bha scritto|\bescreveu|\bschreef|\bskrev|\bnapisał|\ba scris|写道"
    r"|寫道).{0,80}[:：]\s{0,4}\Z",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"\s{0,8}(?:(?:on|at|am|le|el|il|em|op|den|pe|în|in|la|dnia|w dniu)\s|在|於|于|\d)", re.IGNORECASE)
_WHO_OR_WHEN = re.compile(r"[@\d]")
_RULED_OFF = re.compile(
    r"\s{0,8}[-_=]{2,40}\s{0,4}(?:original message|forwarded message|ursprüngliche nachricht|message d'origine"
    r"|mensaje original|messaggio originale|mesaj original|mesaj inițial|原始邮件|原始郵件|原邮件|邮件原件)"
    r"\s{0,4}[-_=]{0,40}\s{0,4}",
    re.IGNORECASE,
)
_LINE_ACROSS = re.compile(r"\s{0,8}_{10,200}\s{0,4}")
_SENDER = re.compile(
    r"\s{0,8}\*?(?:from|von|de|de la|da|expediteur|expéditeur|发件人|寄件者)\*?\s?[:：].{1,400}", re.IGNORECASE
)
_FIELD = re.compile(
    r"\s{0,8}\*?(?:sent|date|to|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|para|asunto|inviato|oggetto"
    r"|trimis|data|către|subiect|发送时间|日期|收件人|主题|主旨)\*?\s?[:：].{0,400}",
    re.IGNORECASE,
)


class Folded(NamedTuple):
    """`own`: what was written, without blank lines around it. `quoted`: the rest, in order."""

    own: str
    quoted: str


def fold(text: str) -> Folded:
    """The text of an answer (decoded, lines end with LF or CRLF) in two."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    own: list[str] = []
    quoted: list[str] = []
    marked = max((number for number, line in enumerate(lines) if _QUOTED.match(line)), default=-1)
    at = 0
    while at < len(lines):
        head = _heading(lines, at)
        if head and marked < at + head:
            quoted += lines[at:]
            break
        if head or _QUOTED.match(lines[at]):
            quoted += lines[at : at + max(head, 1)]
        else:
            own.append(lines[at])
        at += max(head, 1)
    return Folded(_trimmed(own), _trimmed(quoted))


def _heading(lines: list[str], at: int) -> int:
    """How many lines from here on introduce what is quoted; 0: none."""
    line = lines[at][:_LONGEST_LINE]
    if not line.strip():
        return 0
    if _RULED_OFF.fullmatch(line):
        return 1
    behind = next((number for number in range(at + 1, min(at + 4, len(lines))) if lines[number].strip()), at)
    if _LINE_ACROSS.fullmatch(line):
        return 1 if _is_header(lines, behind) else 0
    if _is_header(lines, at):
        return 1
    says = _SAYS.search(line)
    if says and _WHO_OR_WHEN.search(line[: says.start()]):
        return 1
    if not _BEGINS.match(line):
        return 0
    said = ""
    for count, one in enumerate(lines[at : at + _WRAPPED], start=1):
        if not one.strip():
            return 0
        said = f"{said} {one.strip()}"[:_LONGEST_LINE]
        if _SAYS.search(said):
            return count
    return 0


def _is_header(lines: list[str], at: int) -> bool:
    """A header that was written into the text: who, and two fields more beneath it."""
    if not _SENDER.fullmatch(lines[at][:_LONGEST_LINE]):
        return False
    beneath = [line for line in lines[at + 1 : at + 9] if line.strip()][:4]
    return sum(bool(_FIELD.fullmatch(line[:_LONGEST_LINE])) for line in beneath) >= 2


def _trimmed(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")
