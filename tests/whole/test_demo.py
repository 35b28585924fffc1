"""The demo as a newcomer runs it: the story's rows, the mails on disk, the moved clock, a dropped mail."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import compat32
from pathlib import Path

import httpx
import pytest

from gateway.demo.folder import MARKER, DemoError, prepared
from parsers import parse
from parsers.report import Kind

pytestmark = [pytest.mark.needs("pymap"), pytest.mark.needs("aiosmtpd")]

DEMO = [sys.executable, "-W", "error::ResourceWarning", "-c", "from gateway.cli import main; main()", "demo"]
SECONDS = 120

# row, mailbox, Message-ID, verdict, reason, customer, class of the case, what the output calls the case
STORY = [
    ("1", "abuse", "<demo-01@fbl.example>", "accepted", "feed", "alder", "mail", "opened"),
    ("2", "abuse", "<demo-02@fbl.example>", "accepted", "feed", "alder", "mail", "counted"),
    ("3", "abuse", "<demo-03@fbl.example>", "accepted", "feed", "dogwood", "mail", "opened"),
    ("4", "postmaster", "<demo-04@reader.example>", "accepted", "signed", "alder", "mail", "another resource"),
    ("5", "abuse", "<demo-04@reader.example>", "recorded", "duplicate", "alder", None, ""),
    ("6", "abuse", "<demo-06@nowhere.example>", "rejected", "anonymous", None, None, ""),
    ("7", "abuse", "<demo-07@bank.example>", "rejected", "foreign-border", None, None, ""),
    ("8", "postmaster", "<demo-08@reader.example>", "held", "evidence-missing", None, None, ""),
    ("9", "abuse", "<demo-09@sensors.example>", "accepted", "signed", "dogwood", "connection", "opened"),
    ("10", "abuse", "<demo-10@fbl.example>", "accepted", "feed", "elm", "mail", "opened"),
    ("11", "abuse", "<demo-11@fbl.example>", "accepted", "feed", None, None, "unmatched queue"),
    ("12", "abuse", "<demo-12@fbl.example>", "accepted", "feed", "elm", "support-service", "opened"),
    ("13", "postmaster", "<demo-13@reader.example>", "accepted", "signed", "birch", "mail", "opened"),
    ("14", "abuse", "<demo-14@mx.dogwood.example>", "routed", "bounce", None, None, "clock bounced"),
    ("15", "postmaster", "<demo-15@elm.example>", "routed", "reply", None, None, "clock answer"),
    ("16", "abuse", "<demo-16@seo-wonders.example>", "junk", "nothing-of-ours", None, None, ""),
    ("17", "abuse", "<demo-17@fbl.example>", "review", "unreadable", None, None, ""),
]
ROWS = [pytest.param(row, id=f"row {row[0]}") for row in STORY]

# who complained or received: addresses, redacted ones that a feed could resolve, Message-IDs, links made for one
COMPLAINANTS = [
    "pat@reader.example", "pat=reader.example", "pat%40reader", "Pat Reader", "jo@reader.example", "sam@reader.example",
    "lin@reader.example", "8f3a41", "77b0c2", "c0ffee", "spam-1@", "spam-4@", "spam-10@", "spam-13@", "7Demo",
]  # fmt: skip


@dataclass
class Played:
    folder: Path
    output: str

    def query(self, sql: str, *values: object) -> list[sqlite3.Row]:
        database = sqlite3.connect(f"file:{self.folder / 'arfgate.db'}?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def row(self, number: str) -> str:
        """The lines of one row of the first table, as one text."""
        table = self.output.partition("What came, and what became of it")[2].partition("Notices that went out")[0]
        found = re.search(rf"^ {number} (?:.*\n)(?: {{4,}}\S?.*\n)*", table, re.MULTILINE)
        assert found, f"row {number} is not in the table"
        return " ".join(found[0].split())

    def notices(self) -> list[tuple[Path, bytes]]:
        """The mails that are no reply to a complainant."""
        return [(path, raw) for path, raw in self.mails() if b"Auto-Submitted: auto-replied" not in raw]

    def mails(self) -> list[tuple[Path, bytes]]:
        return [(path, path.read_bytes()) for path in sorted((self.folder / "out").glob("*.eml"))]


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("ARFGATE_")} | {"PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Played once for all processes that test beside each other: who comes second waits and reads."""
    beside = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        beside = beside.parent
    folder, said = beside / "demo-once", beside / "demo-once.txt"
    with (beside / "demo-once.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            done = subprocess.run(
                [*DEMO, "--once", "--dir", str(folder)],
                capture_output=True,
                timeout=SECONDS,
                check=False,
                env=environment(),
            )
            assert done.stderr.decode() == ""
            assert done.returncode == 0
            said.write_bytes(done.stdout)
    return Played(folder, said.read_text(encoding="utf-8"))


@pytest.mark.parametrize("told", ROWS)
def test_each_row_of_the_story_has_its_verdict(once, told):
    row, mailbox, mail, verdict, reason, customer, cls, said = told
    [found] = once.query(
        "select coalesce(r.verdict, m.verdict) verdict, coalesce(r.reason, m.reason) reason, cu.key customer, ca.cls"
        " from messages m left join reports r on r.message_id = m.id left join attributions a on a.report_id = r.id"
        " left join accounts ac on ac.id = a.account_id left join customers cu on cu.id = ac.customer_id"
        " left join clocks cl on cl.id = a.clock_id left join cases ca on ca.id = cl.case_id"
        " where m.message_id = ? and m.mailbox = ?",
        mail,
        mailbox,
    )
    assert tuple(found) == (verdict, reason, customer, cls)
    shown = once.row(row)
    assert f"{mailbox}@" in shown
    assert verdict in shown
    assert reason in shown
    assert said in shown


def test_the_time_of_each_case_is_shown_and_that_of_the_counted_click_is_the_same(once):
    assert "24:00 of 24 h" in once.row("1")
    assert "02:00 of 2 h" in once.row("12")
    assert len(once.query("select 1 from clocks where value = '192.0.2.10'")) == 1
    assert len(once.query("select 1 from notices where kind = 'complaint' and key like 'clock:1/%'")) == 1


def test_the_bounce_voided_the_clock_and_the_next_contact_up_the_tree_was_told(once):
    told = once.query(
        "select n.\"to\" who, n.state from notices n join clocks c on c.id = n.clock_id where c.value = '192.0.2.161'"
    )
    assert [tuple(row) for row in told] == [("noc@dogwood.example", "bounced"), ("abuse@cedar.example", "sent")]
    assert once.query("select state from clocks where value = '192.0.2.194'")[0]["state"] == "answered"


def test_candidates_of_the_shared_address_are_named(once):
    assert "candidates: alder/cafe-line, elm" in once.row("11")


def test_every_notice_lies_on_disk_and_holds_the_report(once):
    mails = once.mails()
    sent = once.query("select * from notices where sent_at is not null")
    assert len(mails) == len(sent) > 8
    for path, raw in once.notices():
        said = parse(raw)
        assert (said.kind, said.format) == (Kind.REPORT, "arf"), path
        assert path.name in once.output
    assert {parse(raw).reports[0].source_ip for _, raw in once.notices()} >= {"192.0.2.10", "192.0.2.30", "192.0.2.161"}


def test_the_chinese_customer_is_written_to_in_chinese(once):
    [raw] = [raw for path, raw in once.mails() if "birch" in path.name]
    assert "滥用投诉" in (parse(raw).envelope.subject or "")


def test_no_notice_that_went_out_names_a_complainant(once):
    came_in = b"".join(path.read_bytes() for path in (once.folder / "in").iterdir()).decode()
    assert [name for name in COMPLAINANTS if name not in came_in] == []
    for path, raw in once.notices():
        message = message_from_bytes(raw, policy=compat32)
        parts = [part.get_payload(decode=True) or b"" for part in message.walk()]
        inner = [
            bytes(inner) for part in message.walk() for inner in (part.get_payload() if part.is_multipart() else [])
        ]
        text = b"\n".join([raw, *parts, *inner]).decode("utf-8", "replace").lower()
        assert [name for name in COMPLAINANTS if name.lower() in text] == [], path


def test_third_parties_outside_are_told_once_and_others_are_left_alone(once):
    told = once.query("select \"to\" who from notices where kind = 'whois-contact' order by who")
    assert [row["who"] for row in told] == ["abuse@bulknet.example", "abuse@registrar.example"]
    assert sum("bulknet" in path.name for path, _ in once.mails()) == 1
    assert "not told: bystander" in once.output
    assert "noc@bulknet.example" in once.output


def test_what_was_filed_left_the_mailboxes(once):
    assert once.query("select count(*) n from deliveries where disposed_at is null")[0]["n"] == 0


def test_plain_output_has_no_control_codes_and_commands_that_work(once):
    assert not set(once.output) & {chr(code) for code in (*range(9), *range(11, 32), 127)}
    assert max(map(len, once.output.splitlines()[:1])) < 400
    command = re.search(r"arfgate case list (--config \S+)", once.output)
    assert command
    done = subprocess.run(
        [*DEMO[:-1], "case", "list", *command[1].split()],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env=environment(),
    )
    assert (done.returncode, b"AG-" in done.stdout, done.stderr) == (0, True, b"")


def test_the_log_holds_the_alarm_of_the_bounce_and_no_error(once):
    log = (once.folder / "arfgate.log").read_text(encoding="utf-8")
    (bounced,) = re.findall(r"Z (?:warning|error|critical) .*", log)
    assert "alarm" in bounced
    assert "5.1.1; the next contact is told" in bounced


async def test_the_clock_moved_on_and_a_dropped_mail_is_worked(tmp_path):
    """`--hours 25` without `--once`: reminders and overdue in order, actions that wait; then the service goes on."""
    folder = tmp_path / "demo"
    process = await asyncio.create_subprocess_exec(
        *DEMO, "--hours", "25", "--dir", str(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout
    try:
        async with asyncio.timeout(SECONDS):
            tables = await _until(process.stdout, "The console, signed in")
            await _the_link_opens_the_console(tables.split()[-1])
            _put(folder, (folder / "in" / "01-abuse.eml").read_bytes())
            worked = await _until(process.stdout, "worked:")
            sent = await _until(process.stdout, "sent:")
            process.send_signal(signal.SIGINT)
            rest, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, errors.decode()) == (0, "")
    _moved_on(Played(folder, tables))
    assert "accepted (feed) | alder" in worked
    assert "complaint about 192.0.2.20 to abuse@alder.example" in sent
    assert "Stopped." in rest.decode()
    assert [path.name for path in (folder / "drop" / "done").iterdir()] == ["mine.eml"]


async def _the_link_opens_the_console(link: str) -> None:
    """Signed in as the demo's own account, once."""
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        first = await browser.get(link)
        assert (first.status_code, str(first.url).endswith("/today")) == (200, True)
        assert "AG-2" in (await browser.get(first.url.join("/cases"))).text
        browser.cookies.clear()
        assert (await browser.get(link)).status_code == 403


def _moved_on(played: Played) -> None:
    said = played.query("select n.kind from notices n join clocks c on c.id = n.clock_id"
                        " where c.value = '192.0.2.10' order by n.sent_at")  # fmt: skip
    assert [row["kind"] for row in said] == ["complaint", "reminder", "overdue"]
    assert "overdue" in played.row("1")
    assert "answered" in played.row("10")
    waiting = played.query("select target from actions where state = 'proposed' and kind = 'block-address'")
    assert "192.0.2.10" in {row["target"] for row in waiting}
    assert "Actions that wait for a person's approval" in played.output


def _put(folder: Path, raw: bytes) -> None:
    changed = (
        raw.replace(b"192.0.2.10", b"192.0.2.20").replace(b"spam-1@", b"spam-20@").replace(b"demo-01@", b"demo-20@")
    )
    (folder / "drop" / "mine.part").write_bytes(changed)
    (folder / "drop" / "mine.part").rename(folder / "drop" / "mine.eml")


async def _until(stream: asyncio.StreamReader, wanted: str) -> str:
    """What was printed up to and with the line that holds `wanted`."""
    read = ""
    while line := (await stream.readline()).decode():
        read += line
        if wanted in line:
            return read
    raise AssertionError(f"{wanted!r} was not printed, but:\n{read}")


# --- its folder --------------------------------------------------------------------------


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoError, match="was not made by the demo"), prepared(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_marker_that_is_a_link_or_says_something_else_makes_no_folder_the_demos(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / MARKER).symlink_to(tmp_path / "thesis.txt")
    with pytest.raises(DemoError), prepared(tmp_path):
        pass
    (tmp_path / MARKER).unlink()
    (tmp_path / MARKER).write_text("mine")
    with pytest.raises(DemoError), prepared(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").exists()


def test_the_demos_own_folder_is_emptied_and_links_in_it_are_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("kept")
    with prepared(tmp_path / "demo") as folder:
        (folder.path / "old.eml").write_text("old")
        (folder.path / "link").symlink_to(elsewhere)
    with prepared(tmp_path / "demo") as folder:
        assert not (folder.path / "old.eml").exists()
        assert not (folder.path / "link").is_symlink()
    assert (elsewhere / "kept.txt").read_text() == "kept"


def test_two_demos_do_not_share_a_folder(tmp_path):
    with prepared(tmp_path / "demo"), pytest.raises(DemoError, match="another demo"), prepared(tmp_path / "demo"):
        pass


def test_settings_of_the_environment_stop_the_demo_before_it_touches_anything(tmp_path):
    done = subprocess.run(
        [*DEMO, "--once", "--dir", str(tmp_path / "demo")],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env=environment() | {"ARFGATE_DATABASE__URL": "sqlite:///production.db"},
    )
    assert done.returncode == 1
    assert "ARFGATE_DATABASE__URL" in done.stderr.decode()
    assert not (tmp_path / "demo").exists()
