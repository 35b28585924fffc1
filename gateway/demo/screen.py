"""The demo's output: steps while it runs, then tables. Plain text where standard output is no terminal.

Everything that came out of a mail is cleaned and shown as text, never as markup. Must never
print a traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.box import ASCII, SIMPLE_HEAD
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from gateway.demo.facts import OURSELVES, Facts, Line, Outside, Said, Waiting
from gateway.logs import clean_text

PLAIN_WIDTH = 120
_NARROW = 100
_COLOURS = {"accepted": "green", "rejected": "red", "held": "yellow", "review": "yellow", "routed": "cyan"}
_BAR = 8


class Screen:
    """`say` is one line that stays; `step` is what is being done, with its result as a line."""

    def __init__(self, console: Console | None = None) -> None:
        found = console or Console()
        self.console = found if found.is_terminal else Console(width=PLAIN_WIDTH, color_system=None, file=found.file)
        self._status: Status | None = None

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(clean_text(text), style=style), soft_wrap=True)

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """A spinner with `doing` on a terminal, nothing elsewhere."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(Text(doing)) as self._status:
            yield
        self._status = None

    def now(self, doing: str) -> None:
        """Change what the spinner says."""
        if self._status is not None:
            self._status.update(Text(doing))

    def show(self, facts: Facts, folder: Path) -> None:
        """All tables. `folder` is where the mails that went out lie."""
        self._messages(facts.lines)
        self._notices(facts.said, folder)
        self._contacts([one for one in facts.outside if one.decision != OURSELVES])
        if facts.waiting:
            self._actions(facts.waiting)

    def _messages(self, lines: list[Line]) -> None:
        narrow = self.console.width < _NARROW
        names = ["#", "mail", "verdict", "customer, case, time left"]
        if not narrow:
            names = [
                "#",
                "mailbox",
                "what it is",
                "verdict and reason",
                "customer and how it was found",
                "case",
                "time left",
            ]
        table = self._table("What came, and what became of it", names)
        for line in lines:
            verdict = Text(line.verdict, style=_COLOURS.get(line.verdict, "dim"))
            verdict.append(f"\n{clean_text(line.reason)}", style="dim")
            if narrow:
                mail = Text(clean_text(line.title)).append(f"\n{line.mailbox}@", style="dim")
                whose = _lines(_whose(line), Text(line.case), self._left(line))
                table.add_row(line.row, mail, verdict, whose)
            else:
                cells = (_whose(line), Text(line.case.replace(" ", "\n", 1)), self._left(line))
                table.add_row(line.row, f"{line.mailbox}@", Text(clean_text(line.title)), verdict, *cells)
        self.console.print(table)

    def _left(self, line: Line) -> Text:
        if line.left is None:
            return Text(line.clock, style="red" if line.clock.startswith("overdue") else "")
        full = round(line.left * _BAR)
        on, off = ("━", "─") if self.console.encoding.startswith("utf") else ("=", ".")
        style = "green" if line.left > 1 / 2 else "yellow"
        return Text(line.clock).append(f"\n{on * full}", style=style).append(off * (_BAR - full), style="dim")

    def _notices(self, said: list[Said], folder: Path) -> None:
        table = self._table(f"Notices that went out (files in {folder})", ["to", "why", "outcome", "file"])
        for one in said:
            why = one.what + (f", {one.case}" if one.case else "")
            table.add_row(*map(_text, (one.to, why, one.outcome, _path(one.path))))
        self.console.print(table)

    def _contacts(self, outside: list[Outside]) -> None:
        table = self._table(
            "Contacts outside that the registries named (RDAP)", ["#", "about", "contact", "role", "decision", "source"]
        )
        for one in outside:
            table.add_row(*map(_text, (one.row, one.subject, one.address, one.role, one.decision, one.source)))
        self.console.print(table)

    def _actions(self, waiting: list[Waiting]) -> None:
        table = self._table(
            "Actions that wait for a person's approval", ["id", "action", "on", "case", "customer", "why"]
        )
        for one in waiting:
            table.add_row(*map(_text, (str(one.id), one.kind, one.target, one.case, one.customer, one.why)))
        self.console.print(table)

    def _table(self, title: str, columns: list[str]) -> Table:
        box = SIMPLE_HEAD if self.console.encoding.startswith("utf") else ASCII
        shown = Table(
            title=title, title_justify="left", title_style="bold", header_style="bold", box=box, pad_edge=False,
            padding=(0, 1, 0, 0), show_lines=False,
        )  # fmt: skip
        for name in columns:
            shown.add_column(name, overflow="fold", no_wrap=name in ("#", "id", "file"))
        return shown


def one_line(line: Line) -> str:
    """A message as a line, for what arrives while one watches."""
    parts = [f"{line.mailbox}: {line.title}", f"{line.verdict} ({line.reason})"]
    if line.customer or line.unmatched:
        parts.append(_whose(line).plain.replace("\n", ", "))
    return " | ".join([*parts, *(part for part in (line.case, line.clock) if part)])


def _whose(line: Line) -> Text:
    """The customer and how it was found; else why nobody was, or what screening said."""
    if line.customer:
        return Text(clean_text(line.customer), style="bold").append(f"\n{clean_text(line.how)}", style="not bold dim")
    if line.unmatched:
        return Text("unmatched queue", style="yellow").append(f"\n{clean_text(line.how)}", style="dim")
    return Text(clean_text(line.detail), style="dim")


def _lines(*cells: Text) -> Text:
    return Text("\n").join(cell for cell in cells if cell.plain)


def _text(value: str) -> Text:
    return Text(clean_text(value))


def _path(path: Path | None) -> str:
    return path.name if path else ""
