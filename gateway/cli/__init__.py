"""The command line: `arfgate --help` reads like the list of what one can do. One file per noun.

A command loads the modules of its own noun and no others; the processes that read mail begin with this script again,
and load none of them. Must never decide anything: commands call the gateway and show what it says.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

# Command -> the module of its function.
COMMANDS = MappingProxyType(
    {"demo": "demo", "init": "init", "check": "check"}
    | dict.fromkeys(("run", "pause", "resume", "poll", "tick", "ingest"), "running")
    | {name: name for name in ("parse", "explain", "reparse", "contacts", "stats")}
)
# Noun -> the module of its commands, and those that add some.
NOUNS = MappingProxyType(
    {
        "mailbox": ("mailbox",),
        "message": ("message",),
        "held": ("held",),
        "legal": ("legal",),
        "queue": ("queue", "queue_acts"),
        "case": ("case", "case_answers", "case_outcome", "case_dues", "case_work"),
        "customer": (
            "customer", "customer_delivery", "customer_feedback_id", "customer_show", "customer_postmaster",
            "customer_rates", "strikes",
        ),
        "assignment": ("assignment", "assignment_sources"),
        "mute": ("mute",),
        "reporter": ("reporter",),
        "action": ("action",),
        "block": ("block",),
        "charge": ("charge",),
        "watch": ("watch",),
        "policy": ("policy",),
        "notice": ("notice",),
        "user": ("user",),
        "db": ("db",),
    }
)  # fmt: skip


def build(alone: str | None = None) -> typer.Typer:
    """The whole command line; with `alone`, as much of it as that command or noun needs."""
    import typer  # noqa: PLC0415  of no use to a process that reads mail

    app = typer.Typer(
        name="arfgate",
        help="Abuse-report gateway: reads complaints, finds the customer, forwards, and keeps the clock.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(lambda: None)  # a lone command keeps its name
    for name, module in COMMANDS.items():
        if alone in (None, name):
            app.command()(getattr(_loaded(module), name))
    for noun, modules in NOUNS.items():
        if alone in (None, noun):
            first, *_ = [_loaded(module) for module in modules]
            app.add_typer(getattr(first, f"{noun}_app"), name=noun)
    return app


def _loaded(module: str) -> object:
    return import_module(f"gateway.cli.{module}")


def main() -> None:
    """Entry point of the `arfgate` script."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    gc.disable()  # nothing of what is loaded is garbage: looking for some meanwhile takes a tenth of the time
    line = build(first if first in COMMANDS or first in NOUNS else None)
    gc.freeze()
    gc.enable()
    line()
