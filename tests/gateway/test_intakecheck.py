"""`arfgate check --intake`: forwarded spam through SMTP into a real mailbox; it arrives, lies in Junk, is gone, or refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from gateway.cli.check import check
from gateway.intakecheck import GTUBE
from notifier.compose import loop_token
from parsers import parse
from parsers.report import Kind
from servers.dovecot import Dovecot
from servers.receiver import Received, SmtpReceiver

pytestmark = [pytest.mark.needs("dovecot"), pytest.mark.needs("aiosmtpd")]


@dataclass
class Delivering(SmtpReceiver):
    """A border that delivers into Dovecot: spam to `spam_to`, or nowhere."""

    dovecot: Dovecot | None = None
    user: str = ""
    spam_to: str | None = "INBOX"

    def _keep(self, message: Received) -> None:
        super()._keep(message)
        folder = self.spam_to if GTUBE.encode() in message.raw else "INBOX"
        if self.dovecot is not None and folder is not None:
            self.dovecot.deliver(self.user, message.raw, folder=folder)


@pytest.fixture
def border(dovecot: Dovecot):
    server = Delivering(dovecot=dovecot, user=dovecot.new_user())
    server.start()
    yield server
    server.stop()


def run(folder: Path, border: Delivering, wait: float = 10, **more: object) -> dict[str, str]:
    """{name: line} of the command."""
    dovecot = border.dovecot
    assert dovecot is not None
    box = {"name": "abuse", "role": "abuse", "host": "127.0.0.1", "security": "plain", "user": border.user,
           "port": dovecot.port, "password": "secret", "timeout_seconds": 5, "address": "abuse@example.net"} | more  # fmt: skip
    sections = {
        "operator": {"name": "Example", "domain": "example.net", "address": "abuse@example.net"},
        "database": {"url": f"sqlite+aiosqlite:///{folder / 'x.db'}"},
        "smtp": {"host": "127.0.0.1", "port": border.port, "timeout_seconds": 5},
        "rdap": {"enabled": False},
        "web": {"enabled": False},
    }
    lines = ['secret_key = "not-to-be-seen-0123456789-0123456789"']
    for name, section in [*sections.items(), ("[mailboxes]", box)]:
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())]
    config = folder / "arfgate.toml"
    config.write_text("\n".join(lines))
    config.chmod(0o600)
    app = Typer()
    app.command()(check)
    done = CliRunner().invoke(app, ["--config", str(config), "--intake", "--wait", str(wait)])
    return {line[8:].partition(":")[0]: line for line in done.stdout.splitlines() if ":" in line}


def test_forwarded_spam_arrives(tmp_path, border):
    line = run(tmp_path, border)["intake abuse"]
    assert line.startswith("ok ")
    assert "arrived in INBOX" in line
    assert sum(GTUBE.encode() in mail.raw for mail in border.received) == 1


def test_forwarded_spam_lies_in_junk(tmp_path, border):
    border.spam_to = "Junk"  # made by its first mail, as filters do
    line = run(tmp_path, border, wait=2)["intake abuse"]
    assert line.startswith("WRONG")
    assert "lay in Junk" in line
    assert "junk_folder" in line


def test_junk_that_is_read_is_no_fault(tmp_path, border):
    border.spam_to = "Spam"
    border.dovecot.deliver(border.user, b"Subject: old\r\n\r\nx\r\n", folder="Spam")
    line = run(tmp_path, border, junk_folder="Spam")["intake abuse"]
    assert line.startswith("ok ")
    assert "lay in Spam, which is read too" in line


def test_forwarded_spam_does_not_arrive(tmp_path, border):
    border.spam_to = None
    line = run(tmp_path, border, wait=2)["intake abuse"]
    assert line.startswith("WRONG")
    assert "did not arrive in 2 seconds" in line


def test_forwarded_spam_is_refused_at_the_border(tmp_path, border):
    border.refuse("abuse@example.net", "554 5.7.1 Spam detected")
    line = run(tmp_path, border)["intake abuse"]
    assert line.startswith("WRONG")
    assert "was not taken" in line
    assert "Spam detected" in line


def test_the_service_files_the_sample_as_its_own(tmp_path, border):
    run(tmp_path, border)
    (raw,) = [mail.raw for mail in border.received if GTUBE.encode() in mail.raw]
    parsed = parse(raw)
    assert parsed.kind is Kind.REPORT
    assert parsed.envelope.loop_tokens == (loop_token("example.net"),)
