"""HTML of a reported mail -> its words, with what it links to and loads named beside them.

Linear in what is given: hostile markup must cost no more than its length. The result is plain text that still has to be
redacted. Must never keep a tag, a style or a script.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})?([^<>]*)>")
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "table", "ul", "ol", "h1", "h2", "h3", "h4", "title", "hr"})
_LINK = re.compile(
    r"\b(?:href|src|background|action)\s{0,5}=\s{0,5}(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]+))", re.IGNORECASE
)
_LOADED = frozenset({"img", "iframe", "script", "link", "embed", "input", "body", "table", "td"})
_UNSEEN = ("script", "style", "head", "template")
_BLANKS = re.compile(r"[ \t]+")
_LONGEST_LINK = 2000


def words(markup: str) -> str:
    """Lines of text; `[link: ...]` stands behind what was linked, `[loads: ...]` where something would be fetched."""
    text = _without(markup, "<!--", "-->")
    for name in _UNSEEN:
        text = _without(text, f"<{name}", f"</{name}")
    pieces: list[str] = []
    done = 0
    for match in _TAG.finditer(text):
        pieces.append(text[done : match.start()])
        done = match.end()
        closing, name = match[1], (match[2] or "").lower()
        if name in _BREAKS:
            pieces.append("\n")
        target = _LINK.search(match[3]) if not closing else None
        if target:
            where = next(group for group in target.groups() if group is not None)[:_LONGEST_LINK]
            pieces.append(f" [{'loads' if name in _LOADED else 'link'}: {where.strip()}] ")
    pieces.append(text[done:])
    shown = html.unescape("".join(pieces)).replace("\r", "")
    lines = [_BLANKS.sub(" ", line).strip() for line in shown.split("\n")]
    return "\n".join(line for number, line in enumerate(lines) if line or (number and lines[number - 1])).strip("\n")


def _without(text: str, begin: str, end: str) -> str:
    """Without what lies between the two, whatever their case; an end that is missing takes the rest."""
    lowered = text.lower()
    pieces: list[str] = []
    done = 0
    while (at := lowered.find(begin, done)) >= 0:
        pieces.append(text[done:at])
        close = lowered.find(end, at)
        if close < 0:
            return "".join(pieces)
        close = lowered.find(">", close + len(end) - 1)
        done = len(text) if close < 0 else close + 1
    return "".join([*pieces, text[done:]])
