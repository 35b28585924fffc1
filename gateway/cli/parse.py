"""`arfgate parse`: what messages say, as a table or as one JSON object a line. Needs no settings or database.

Exit status 0: all read; 1: some could not be read (they are printed all the same); 2: usage.
Must never store, send or fetch anything.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gateway.intake.files import PathError, read_messages
from parsers import parse as parse_message
from parsers.contract import to_json
from parsers.report import Kind, Parsed, Report

Read = tuple[str, int, Parsed]
SHOW_PROGRESS_AFTER = 1.0  # seconds
SHOWN = 60  # characters of a free-text cell
FILE_SHOWN = 20  # the end of a path says which it is


def parse(
    paths: Annotated[
        list[str], typer.Argument(help="Files, folders, mbox or Maildir; - is standard input.", metavar="PATH...")
    ],
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object per message instead of a table.")] = False,
) -> None:
    """Show what messages say: kind, source, time, the mail complained about. Stores and sends nothing."""
    trouble = False

    def failed(problem: PathError) -> None:
        nonlocal trouble
        trouble = True
        print(problem, file=sys.stderr)

    try:
        messages = read_messages(paths, failed)
    except PathError as problem:
        print(problem, file=sys.stderr)
        raise typer.Exit(2) from None
    read = with_progress((file, index, parse_message(raw)) for file, index, raw in messages)
    table = None if jsonl else _table()
    count = 0
    for file, index, parsed in read:
        count += 1
        trouble = trouble or parsed.kind is Kind.UNREADABLE
        if table is None:
            line = json.dumps(to_json(parsed, file, index), ensure_ascii=False)
            sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
            sys.stdout.buffer.flush()
        else:
            _rows(table, file, index, parsed)
    if table is not None:
        _show(table, count)
    raise typer.Exit(1 if trouble else 0)


def with_progress(items: Iterable[Read]) -> Iterator[Read]:
    """The items, with a count on stderr where that is a terminal and the work is long."""
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task = progress.add_task("reading", total=None)
    started = time.monotonic()
    shown = False
    try:
        for item in items:
            if not shown and time.monotonic() - started > SHOW_PROGRESS_AFTER:
                progress.start()
                shown = True
            progress.advance(task)
            yield item
    finally:
        if shown:
            progress.stop()


def _table() -> Table:
    """Four columns, so that it can be read on a terminal of 80."""
    table = Table(header_style="bold", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("file", no_wrap=True)
    table.add_column("what it is", max_width=16)
    table.add_column("source, time (UTC)", min_width=16, overflow="fold")
    table.add_column("the mail it is about, remarks", overflow="fold")
    return table


def _rows(table: Table, file: str, index: int, parsed: Parsed) -> None:
    """One row for each report, or one for the message where it holds none."""
    shown = file if len(file) <= FILE_SHOWN else "…" + file[1 - FILE_SHOWN :]
    name = f"{shown} #{index}" if index else shown
    if not parsed.reports:
        bounces = [f"{one.recipient}: {one.action} {one.status or ''}" for one in parsed.bounces]
        about = _lines((parsed.envelope.subject or "")[:SHOWN], *bounces, parsed.error)
        table.add_row(*map(Text, (name, parsed.kind.value, _minute(parsed.envelope.date), about)))
    for report in parsed.reports:
        what = f"{parsed.format} {report.category.value}"
        table.add_row(*map(Text, (name, what, _source(report), _about(report))))
        name = ""


def _source(report: Report) -> str:
    port = f" port {report.source_port}" if report.source_port else ""
    return _lines((report.source_ip or "no source") + port, _minute(report.arrival_date))


def _about(report: Report) -> str:
    original = report.original
    said = (original.from_, (original.subject or "")[:SHOWN]) if original else ()
    return _lines(*said, ", ".join(report.defects))


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)


def _minute(when: datetime | None) -> str:
    return when.strftime("%Y-%m-%d %H:%M") if when else ""


def _show(table: Table, count: int) -> None:
    console = Console()
    if count:
        console.print(table)
    else:
        console.print("No message was found there.")
