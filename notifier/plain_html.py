"""The same words as HTML: escaped, in the reader's own font, with nothing that loads, runs or hides.

Made from the finished text, so that the two can never say different things. Every link in that text is our own: what
came from a report was defanged before. Must never take markup from anywhere.
"""

from __future__ import annotations

import html
import re

_OWN_LINK = re.compile(r"\bhttps?://[^\s<>\"']{1,500}[^\s<>\"'.,;:!?)\]]")
_HEAD = (
    '<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"></head>'
    '<body style="font-family:sans-serif;max-width:46em">'
)


def from_text(text: str, language: str) -> str:
    """One document. `text`: lines that end with LF; an empty line parts paragraphs, one that begins with `|` or blanks
    keeps its shape."""
    blocks = re.split(r"\n{2,}", text.strip("\n"))
    lang = language if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?", language) else "en"
    return _HEAD.format(lang=lang) + "\n" + "\n".join(_block(block) for block in blocks) + "\n</body></html>\n"


def _block(block: str) -> str:
    shown = html.escape(block)
    if any(line.startswith(("| ", "  ")) for line in block.split("\n")):
        return f'<pre style="white-space:pre-wrap">{shown}</pre>'
    linked = _OWN_LINK.sub(lambda match: f'<a href="{match[0]}">{match[0]}</a>', shown)
    return "<p>" + linked.replace("\n", "<br>\n") + "</p>"
