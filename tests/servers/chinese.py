"""What of a page is still English though it was asked for in Chinese.

Words of people and of the reported mails stand in elements of the class `v` (or `pre`, `code`, a text field): there only
what reads like a sentence counts, unless somebody of the seeded house wrote it.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Names, units and what a standard calls so.
_NAMES = frozenset({
    "arfgate", "utc", "csv", "sha", "dkim", "spf", "dmarc", "arc", "arf", "xarf", "dns", "rdap", "verp", "html", "smtp",
    "imap", "toml", "ssh", "url", "https", "id", "ip", "cfbl", "eml", "gmail", "outlook", "english", "received", "totp",
    "openid", "json", "rfc", "mb", "kb", "ag", "en", "zh", "ro", "eur", "h", "min", "d", "s", "message", "case",
    "enter", "me",  # a key, and what is typed
    "default", "conectoo", "mediaofficers", "netease", "pageant", "ses",
})  # fmt: skip
_PEOPLES = (  # what people wrote in the seeded house
    "the script was removed", "passwords changed", "seen sending from the relay's log", "a feed of years",
    "reports what it subscribed to", "test list of ours", "We removed the script and changed the passwords.",
    "please stop this", "buy now", "an offer you did not ask for", "great offers this week", "great offers",
    "complaint about a message", "spam from your network", "this is a complaint", "feedback loop", "pgj.exe",
)  # fmt: skip
_FOREIGN = frozenset({"v", "name", "headers", "key", "from", "browser"})
_SKIPPED = frozenset({"script", "style", "pre", "code", "textarea", "title"})
_SHOWN = ("aria-label", "title", "placeholder", "alt", "data-word")
_EMPTY = frozenset({"input", "meta", "link", "br", "img", "path", "line", "rect", "circle", "hr"})
_WORD = re.compile(r"[A-Za-z][A-Za-z']+")
_SENTENCE = re.compile(r"(?:\b[a-z']{2,} ){3,}[a-z']{2,}\b")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool, bool]] = []  # tag, of people, skipped
        self.left: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        _, foreign, skipped = self.open[-1] if self.open else ("", False, False)
        foreign = foreign or bool(_FOREIGN & set((values.get("class") or "").split()))
        skipped = skipped or tag in _SKIPPED or bool(values.get("lang") and tag != "html")
        skipped = skipped or values.get("aria-hidden") == "true"  # a trap for programs, which nobody sees
        if not skipped:
            for name in _SHOWN:
                self._look(values.get(name) or "", foreign=foreign or tag == "svg" or name == "title")
        if tag not in _EMPTY:
            self.open.append((tag, foreign, skipped))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        _, foreign, skipped = self.open[-1] if self.open else ("", False, False)
        if not skipped:
            self._look(data, foreign=foreign)

    def _look(self, text: str, *, foreign: bool) -> None:
        text = re.sub(
            r"\S+@\S+|\S+\.(?:example|eml|toml|csv)\S*|\S*/\S*|[\w-]+:\S+|\[\[\w+\]\]|\w+_\w+|\w+\.\w+", " ", text
        )
        for said in _PEOPLES:
            text = re.sub(re.escape(said), " ", text, flags=re.IGNORECASE)
        if foreign:
            self.left += _SENTENCE.findall(text)
        else:
            self.left += [word for word in _WORD.findall(text) if word.lower() not in _NAMES]


def english_left(page: str) -> list[str]:
    """The English words of a page, and the English sentences among what people wrote."""
    reader = _Reader()
    reader.feed(page)
    return reader.left
