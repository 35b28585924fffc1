"""`arfgate check` against real servers: everything right, and each thing wrong in turn."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import insert
from typer import Typer
from typer.testing import CliRunner

from gateway.cli.check import check
from gateway.settings import load
from gateway.store.database import Database
from gateway.store.tables import customers
from servers.ports import free_port

SECRET = "not-to-be-seen-0123456789-0123456789"
ADDRESS = "abuse@example.net"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("ARFGATE_"):
            monkeypatch.delenv(name)


@dataclass
class Outcome:
    status: int
    output: str

    def line(self, name: str) -> str:
        (found,) = [line for line in self.output.splitlines() if line[8:].startswith(f"{name}: ")]
        return found


@dataclass
class Arrangement:
    """An arfgate.toml that is put together by the test."""

    path: Path
    top: dict[str, object] = field(default_factory=lambda: {"secret_key": SECRET})
    sections: dict[str, dict[str, object]] = field(default_factory=dict)
    mailboxes: list[dict[str, object]] = field(default_factory=list)

    def mailbox(self, port: int, user: str, **more: object) -> None:
        box = {"name": "abuse", "role": "abuse", "host": "127.0.0.1", "security": "plain", "user": user, "port": port}
        self.mailboxes.append({**box, "password": "secret", "timeout_seconds": 5, **more})

    def smtp(self, port: int, **more: object) -> None:
        self.sections["smtp"] = {"host": "127.0.0.1", "port": port, "timeout_seconds": 5, **more}

    def run(self, wait: float = 20.0) -> Outcome:
        lines = [f"{key} = {json.dumps(value)}" for key, value in self.top.items()]
        for name, values in self.sections.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        for values in self.mailboxes:
            lines += ["[[mailboxes]]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        self.path.write_text("\n".join(lines), encoding="utf-8")
        app = Typer()
        app.command()(check)
        done = CliRunner().invoke(app, ["--config", str(self.path), "--wait", str(wait)])
        assert "Traceback" not in done.output
        assert SECRET not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return Outcome(done.exit_code, done.output)


@pytest.fixture
def arrangement(tmp_path) -> Arrangement:
    made = Arrangement(tmp_path / "arfgate.toml")
    made.sections = {
        "operator": {
            "name": "Example",
            "domain": "example.net",
            "address": ADDRESS,
            "authserv_ids": ["mx.example.net"],
        },
        "web": {"enabled": False},
        "rdap": {"enabled": False},
    }
    made.smtp(free_port())
    return made


@pytest.fixture
def house(arrangement, make_postfix, dovecot):
    """Postfix takes mail for our address, with subaddresses, into a mailbox that Dovecot serves."""
    user = dovecot.new_user("abuse")
    server = make_postfix(addresses=[user], mail=dovecot.mail)
    arrangement.sections["operator"] |= {"address": user, "domain": user.partition("@")[2]}
    arrangement.mailbox(dovecot.port, user)
    arrangement.smtp(server.port)
    return arrangement


@pytest.mark.needs("dovecot", "postfix")
def test_everything_right_ends_with_status_0_and_leaves_the_mail_for_intake(house, dovecot):
    done = house.run()
    assert done.status == 0, done.output
    assert done.line("mailbox abuse").startswith("ok ")
    assert "took a mail to abuse" in done.line("smtp")
    assert "it arrived in INBOX of mailbox abuse" in done.line("way back")
    assert done.line("rdap").startswith("skipped")
    assert done.output.splitlines()[-1] == "All is well."
    user = house.mailboxes[0]["user"]
    (mail,) = [m for m in dovecot.messages(user) if b"delivery-status" not in m]  # the relay reports success too
    assert b"Auto-Submitted: auto-generated" in mail


@pytest.mark.needs("dovecot", "postfix")
def test_mail_that_was_there_before_is_not_taken_for_ours(house, dovecot):
    user = house.mailboxes[0]["user"]
    dovecot.deliver(user, b"From: a@example.net\r\nMessage-ID: <x@example.net>\r\n\r\nold\r\n")
    done = house.run()
    assert done.status == 0, done.output
    assert "1 mails in INBOX" in done.line("mailbox abuse")


@pytest.mark.needs("dovecot", "aiosmtpd")
def test_a_mail_that_does_not_come_back_names_the_notice_address(arrangement, dovecot, smtp_receiver):
    arrangement.mailbox(dovecot.port, dovecot.new_user())
    arrangement.smtp(smtp_receiver.port)  # takes the mail, and delivers it nowhere
    done = arrangement.run(wait=1)
    assert done.status == 1
    assert done.line("smtp").startswith("ok ")
    line = done.line("way back")
    assert line.startswith("WRONG")
    assert "did not arrive in 1 seconds" in line
    assert "subaddresses" in line
    assert "operator.notice_address" in line
    assert done.output.splitlines()[-1].startswith("1 to put right")


@pytest.mark.needs("dovecot", "aiosmtpd")
def test_a_bounce_of_the_mail_is_not_its_arrival(arrangement, dovecot, smtp_receiver):
    user = dovecot.new_user()
    arrangement.mailbox(dovecot.port, user)
    arrangement.smtp(smtp_receiver.port)

    def bounce() -> None:
        (sent,) = smtp_receiver.wait_for_blocking(1)
        head = b"From: MAILER-DAEMON@example.net\r\nMessage-ID: <dsn@example.net>\r\n"
        kind = b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\n'
        dovecot.deliver(user, head + kind + sent.raw + b"\r\n--b--\r\n")

    thread = threading.Thread(target=bounce)
    thread.start()
    done = arrangement.run()
    thread.join()
    assert done.status == 1
    assert "came back as undeliverable" in done.line("way back")


@pytest.mark.needs("pymap", "aiosmtpd")
def test_a_wrong_password_names_the_mailbox_and_the_setting(arrangement, pymap_server, smtp_receiver):
    pymap_server.add_user("abuse", "secret")
    arrangement.mailbox(pymap_server.port, "abuse", password=SECRET)
    arrangement.smtp(smtp_receiver.port)
    done = arrangement.run()
    assert done.status == 1
    line = done.line("mailbox abuse")
    assert line.startswith("WRONG")
    assert '(setting password of [[mailboxes]] "abuse")' in line
    assert done.line("way back").startswith("skipped"), "there is no mailbox to look into"


@pytest.mark.needs("aiosmtpd")
def test_an_unreachable_server_is_told_and_the_rest_is_tried(arrangement, smtp_receiver):
    arrangement.mailbox(free_port(), "abuse")
    arrangement.smtp(smtp_receiver.port)
    done = arrangement.run()
    assert "nobody listens there" in done.line("mailbox abuse")
    assert "(setting port" in done.line("mailbox abuse")
    assert done.line("smtp").startswith("ok ")
    assert len(smtp_receiver.received) == 1


@pytest.mark.needs("dovecot")
def test_an_expired_certificate_is_told(arrangement, expired_dovecot):
    arrangement.mailbox(
        expired_dovecot.tls_port, "abuse@example.net", security="tls", ca_file=str(expired_dovecot.ca_file)
    )
    done = arrangement.run()
    assert done.status == 1
    assert "certificate has expired" in done.line("mailbox abuse")


@pytest.mark.needs("dovecot")
def test_a_junk_folder_that_is_not_there_names_its_own_setting(arrangement, dovecot):
    arrangement.mailbox(dovecot.port, dovecot.new_user(), junk_folder="Spam")
    done = arrangement.run()
    assert '(setting junk_folder of [[mailboxes]] "abuse")' in done.line("mailbox abuse")


def test_an_smtp_server_that_is_not_there_names_host_and_port(arrangement):
    done = arrangement.run()
    assert done.status == 1
    line = done.line("smtp")
    assert line.startswith("WRONG")
    assert "smtp.host and smtp.port" in line
    assert done.line("way back").startswith("skipped")
    assert "[[mailboxes]]" in done.line("mailboxes")


@pytest.mark.needs("aiosmtpd")
def test_a_server_that_knows_no_subaddresses_is_told(arrangement, smtp_receiver):
    smtp_receiver.refuse("*")
    arrangement.smtp(smtp_receiver.port)
    line = arrangement.run().line("smtp")
    assert "550" in line
    assert "subaddresses" in line


@pytest.mark.needs("postfix")
def test_a_relay_whose_certificate_nobody_vouches_for_is_told(arrangement, make_postfix):
    server = make_postfix()
    arrangement.smtp(server.port, security="starttls")
    line = arrangement.run().line("smtp")
    assert line.startswith("WRONG")
    assert "smtp.ca_file" in line


@pytest.mark.needs("aiosmtpd")
def test_a_relay_without_login_is_told(arrangement, smtp_receiver):
    arrangement.smtp(smtp_receiver.port, user="u", password=SECRET)
    line = arrangement.run().line("smtp")
    assert line.startswith("WRONG")
    assert "AUTH" in line
    assert "smtp.user" in line


def test_a_ca_file_that_is_not_there_is_told(arrangement):
    arrangement.smtp(free_port(), security="starttls", ca_file="absent.pem")
    assert "absent.pem: No such file" in arrangement.run().line("smtp")


def test_a_database_that_is_not_there_yet_is_no_fault(arrangement, tmp_path):
    line = arrangement.run().line("database")
    assert line.startswith("ok ")
    assert "arfgate run" in line
    assert not (tmp_path / "arfgate.db").exists(), "a check makes nothing"


def test_a_database_in_a_folder_that_is_not_there_is_told(arrangement):
    arrangement.sections["database"] = {"url": "sqlite+aiosqlite:///absent/arfgate.db"}
    line = arrangement.run().line("database")
    assert line.startswith("WRONG")
    assert "absent does not exist" in line


def test_a_file_that_is_no_database_is_told(arrangement, tmp_path):
    (tmp_path / "arfgate.db").write_bytes(b"something else entirely, long enough to be looked at" * 100)
    line = arrangement.run().line("database")
    assert line.startswith("WRONG")
    assert "not a database" in line


def test_a_database_with_newest_tables_is_right_on_both_kinds(arrangement, empty_database_url):
    async def migrate() -> None:
        database = Database(empty_database_url)
        await database.migrate()
        await database.close()

    arrangement.sections["database"] = {"url": empty_database_url}
    if not empty_database_url.startswith("sqlite"):
        assert "empty" in arrangement.run().line("database")
    asyncio.run(migrate())
    assert "newest version" in arrangement.run().line("database")


def test_a_database_server_that_is_not_there_is_told_without_its_password(arrangement):
    arrangement.sections["database"] = {"url": f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/arfgate"}
    line = arrangement.run().line("database")
    assert line.startswith("WRONG")
    assert "database.url" in line


def test_a_policy_that_is_not_there_is_told(arrangement):
    arrangement.sections["policy"] = {"name": "mine.toml"}
    assert "no such file" in arrangement.run().line("policy")


def test_wrong_settings_are_one_line_each_and_nothing_is_tried(arrangement):
    arrangement.sections["smtp"] |= {"mode": "relays", "give_up_hours": 0}
    done = arrangement.run()
    assert done.status == 1
    lines = done.output.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("WRONG   settings: ") for line in lines)


def test_dangerous_settings_are_warned_of(arrangement):
    arrangement.sections["smtp"] |= {"verify": False}
    assert any(line.startswith("WARNING ") and "NOT checked" in line for line in arrangement.run().output.splitlines())


# --- RDAP ------------------------------------------------------------------------------


@pytest.fixture
def registry(arrangement, tmp_path):
    """A registry on loopback that answers with the status it is given, and its bootstrap files."""
    answers: dict[str, tuple[int, dict]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, {}))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}/"
    folder = tmp_path / "rdap"
    folder.mkdir()
    for name, keys in (("ipv4", ["192.0.2.0/24"]), ("ipv6", ["2001:db8::/32"]), ("dns", ["net", "org"])):
        (folder / f"{name}.json").write_text(json.dumps({"version": "1.0", "services": [[keys, [base]]]}))
    arrangement.sections["rdap"] = {
        "enabled": True,
        "allow_hosts": [f"127.0.0.1:{server.server_port}"],
        "bootstrap_dir": "rdap",
    }
    yield answers
    server.shutdown()
    thread.join()
    server.server_close()


def _network_answer() -> dict:
    return {"objectClassName": "ip network", "startAddress": "192.0.2.0", "endAddress": "192.0.2.255"}


def test_a_registry_that_answers_about_our_network_is_right(arrangement, registry):
    arrangement.sections["operator"]["networks"] = ["192.0.2.0/24"]
    registry["/ip/192.0.2.0"] = (200, _network_answer())
    line = arrangement.run().line("rdap")
    assert line.startswith("ok "), line
    assert "192.0.2.0" in line


def test_a_registry_that_knows_no_such_thing_has_answered(arrangement, registry):
    line = arrangement.run().line("rdap")
    assert line.startswith("ok "), line
    assert "example.net" in line


def test_a_registry_that_fails_is_told_with_a_next_step(arrangement, registry):
    registry["/domain/example.net"] = (500, {})
    line = arrangement.run().line("rdap")
    assert line.startswith("WRONG")
    assert "status 500" in line
    assert "rdap.enabled = false" in line


def test_broken_bootstrap_files_are_named(arrangement, registry, tmp_path):
    (tmp_path / "rdap" / "ipv4.json").write_text("{")
    line = arrangement.run().line("rdap")
    assert line.startswith("WRONG")
    assert "ipv4.json" in line


def test_a_customer_whose_channel_the_settings_lack_is_named(arrangement):
    done = arrangement.run()
    assert done.line("alarms and channels").startswith("skipped")
    database = Database(load(arrangement.path).database.url)

    async def with_channel() -> None:
        await database.migrate()
        async with database.writing() as connection:
            row = {"key": "alder", "name": "Alder", "language": "en", "vetted": False, "delivery": "channel:gone"}
            await connection.execute(insert(customers), [row])
        await database.close()

    asyncio.run(with_channel())
    assert "alder the channel gone" in arrangement.run().line("alarms and channels")
    arrangement.sections["alarms"] = {"address": "staff@example.net", "webhook": "https://chat.example/hooks/x"}
    assert arrangement.run().line("alarms and channels").startswith("WRONG")
