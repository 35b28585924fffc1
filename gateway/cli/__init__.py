"""The command line: `arfgate --help` reads like the list of what one can do. One file per noun.

Must never decide anything: commands call the gateway and show what it says.
"""

from __future__ import annotations

import typer

import gateway.cli.assignment_sources
import gateway.cli.case_answers
import gateway.cli.case_outcome
import gateway.cli.customer_delivery
import gateway.cli.customer_feedback_id
import gateway.cli.customer_show  # noqa: F401  (these add commands)
from gateway.cli import case_dues, case_work, customer_postmaster, customer_rates, queue_acts, strikes  # noqa: F401  (add commands)
from gateway.cli.action import action_app
from gateway.cli.assignment import assignment_app
from gateway.cli.block import block_app
from gateway.cli.case import case_app
from gateway.cli.charge import charge_app
from gateway.cli.check import check
from gateway.cli.contacts import contacts
from gateway.cli.customer import customer_app
from gateway.cli.db import db_app
from gateway.cli.demo import demo
from gateway.cli.explain import explain
from gateway.cli.held import held_app
from gateway.cli.init import init
from gateway.cli.legal import legal_app
from gateway.cli.mailbox import mailbox_app
from gateway.cli.message import message_app
from gateway.cli.mute import mute_app
from gateway.cli.notice import notice_app
from gateway.cli.parse import parse
from gateway.cli.policy import policy_app
from gateway.cli.queue import queue_app
from gateway.cli.reparse import reparse
from gateway.cli.reporter import reporter_app
from gateway.cli.running import ingest, pause, poll, resume, run, tick
from gateway.cli.stats import stats
from gateway.cli.user import user_app
from gateway.cli.watch import watch_app


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="arfgate",
        help="Abuse-report gateway: reads complaints, finds the customer, forwards, and keeps the clock.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for command in (
        demo,
        init,
        check,
        run,
        pause,
        resume,
        poll,
        tick,
        ingest,
        parse,
        explain,
        reparse,
        contacts,
        stats,
    ):
        app.command()(command)
    app.add_typer(mailbox_app, name="mailbox")
    app.add_typer(message_app, name="message")
    app.add_typer(held_app, name="held")
    app.add_typer(legal_app, name="legal")
    app.add_typer(queue_app, name="queue")
    app.add_typer(case_app, name="case")
    app.add_typer(customer_app, name="customer")
    app.add_typer(assignment_app, name="assignment")
    app.add_typer(mute_app, name="mute")
    app.add_typer(reporter_app, name="reporter")
    app.add_typer(action_app, name="action")
    app.add_typer(block_app, name="block")
    app.add_typer(charge_app, name="charge")
    app.add_typer(watch_app, name="watch")
    app.add_typer(policy_app, name="policy")
    app.add_typer(notice_app, name="notice")
    app.add_typer(user_app, name="user")
    app.add_typer(db_app, name="db")
    return app


def main() -> None:
    """Entry point of the `arfgate` script."""
    build()()
