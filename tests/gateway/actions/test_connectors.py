"""Each connector against what it is made for: rbldnsd, Postfix, nft, a program, as Debian has them."""

from __future__ import annotations

import json
import os
import smtplib
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gateway import blocklist, enforcement, measures
from gateway.connectors.actions import files, nftables, postfix
from gateway.connectors.actions.program import run
from gateway.connectors.contract import Done, Entry, Never, NotNow
from gateway.model import ActionKind
from gateway.settings import SettingsError

from .conftest import REACHABLE, webhook

K = ActionKind


# --- the DNS block list -------------------------------------------------------------------


@pytest.mark.needs("rbldnsd")
@pytest.mark.duty("SES-9")
@pytest.mark.duty("SES-11")
async def test_rbldnsd_serves_what_is_on_the_list_and_no_longer_what_was_taken_off(make_acting, make_rbldnsd):
    server = make_rbldnsd(["bl.example:ip4trie:list", "bl.example:ip6trie:list.ip6", "bl.example:dnset:list.domains"])
    acting = await make_acting({"name": "zone", "type": "dnsbl", "file": str(server.folder / "list")})
    for entry in ("203.0.113.7", "203.0.113.128/25", "2001:db8:5::/48", "spammer.example"):
        await blocklist.add(acting.house, entry, days=3, who="ann", why="open relay")
    await enforcement.run(acting.house)
    server.reread()
    wanted = {
        "7.113.0.203": True,
        "8.113.0.203": False,
        "200.113.0.203": True,
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2": True,
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.8.b.d.0.1.0.0.2": False,
        "spammer.example": True,
        "www.spammer.example": True,
        "example": False,
        "2.0.0.127": True,  # RFC 5782 section 5
        "1.0.0.127": False,
    }
    assert {name: bool(server.ask(f"{name}.bl.example")) for name in wanted} == wanted
    assert "open relay" not in str(server.ask("7.113.0.203.bl.example", "TXT"))
    await blocklist.remove(acting.house, "203.0.113.7", who="ann", why="closed")
    await enforcement.run(acting.house)
    server.reread()
    assert server.ask("7.113.0.203.bl.example") == []
    assert server.ask("200.113.0.203.bl.example") == ["127.0.0.2"]


# --- Postfix ------------------------------------------------------------------------------


@pytest.mark.needs("postfix")
@pytest.mark.duty("SES-11")
async def test_postfix_refuses_the_senders_and_domains_of_the_table_and_takes_the_others(make_acting, make_postfix):
    server = make_postfix()
    table = server.base / "etc" / "senders"
    restrictions = f"check_sender_access hash:{table}, check_client_access cidr:{table}.cidr"
    for name in (table, Path(f"{table}.cidr")):
        name.write_text("")
    subprocess.run(["/usr/sbin/postmap", f"hash:{table}"], check=True)
    config = server.base / "etc" / "main.cf"
    config.write_text(config.read_text() + f"\nsmtpd_sender_restrictions = {restrictions}\nsmtpd_delay_reject = no\n")
    server._postfix("reload")
    acting = await make_acting(
        {"name": "mx", "type": "postfix", "file": str(table), "reload": ["postmap", "hash:{file}"]}
    )
    for entry in ("one@spammer.example", "offers.example"):
        await blocklist.add(acting.house, entry, days=3, who="ann", why="spam")
    number = (await blocklist.add(acting.house, "other@bulk.example", days=3, who="ann", why="spam")).id
    await enforcement.run(acting.house)

    def refused(sender: str) -> bool:
        with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=20) as smtp:
            status, said = smtp.mail(sender)
        assert (status == 554) == (b"reference" in said)
        return status == 554

    assert refused("one@spammer.example")
    assert refused("anybody@offers.example")
    assert refused("anybody@mail.offers.example")
    assert refused("other@bulk.example")
    assert not refused("two@spammer.example")
    os.utime(f"{table}.db", (0, 0))  # Postfix looks at whole seconds, and this test is faster
    assert refused("other@bulk.example")
    await measures.undo(acting.house, number, who="ann", why="a mistake")
    await enforcement.run(acting.house)
    assert not refused("other@bulk.example")
    assert await acting.state(number) == "undone"


@pytest.mark.needs("postfix")
def test_postfix_reads_prefixes_from_the_cidr_table(tmp_path):
    texts = postfix.render(
        [Entry(1, K.LIST_FOREIGN, "203.0.113.0/24"), Entry(2, K.LIST_FOREIGN, "2001:db8::/32"),
         Entry(3, K.LIST_FOREIGN, "203.0.113.7")], (),
    )  # fmt: skip
    table = tmp_path / "clients.cidr"
    table.write_text(texts[".cidr"])

    def look_up(address: str) -> str:
        done = subprocess.run(
            ["/usr/sbin/postmap", "-q", address, f"cidr:{table}"], capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    assert look_up("203.0.113.7").endswith("reference 3")  # the narrower entry
    assert look_up("203.0.113.8").endswith("reference 1")
    assert look_up("2001:db8::1").endswith("reference 2")
    assert look_up("198.51.100.1") == ""


# --- nftables -----------------------------------------------------------------------------

# Inside a network namespace of its own: loads the file, sends packets from the blocked address to the portal, to
# another place and back, and tells what arrived.
_PACKETS = """
import json, socket, subprocess, sys
def do(*command): subprocess.run(command, check=True)
do("ip", "link", "set", "lo", "up")
for address in ("198.51.100.70", "198.51.100.71", "192.0.2.80", "192.0.2.99"):
    do("ip", "address", "add", address + "/32", "dev", "lo")
do("ip", "address", "add", "2001:db8::70/128", "dev", "lo", "nodad")
do("ip", "address", "add", "2001:db8::99/128", "dev", "lo", "nodad")
do("nft", "-f", sys.argv[1])
do("nft", "-f", sys.argv[1])
def arrives(source, target, port):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as there, socket.socket(family, socket.SOCK_DGRAM) as here:
        there.bind((target, port))
        here.bind((source, 0))
        here.sendto(b"hello", (target, port))
        there.setblocking(False)
        try:
            there.recv(10)
        except BlockingIOError:
            return False
        there.sendto(b"and back", here.getsockname())
        here.setblocking(False)
        try:
            here.recv(10)
        except BlockingIOError:
            return False
        return True
print(json.dumps({name: arrives(*where) for name, where in json.loads(sys.argv[2]).items()}))
"""


def in_a_network_of_its_own(file: Path, wanted: dict[str, tuple[str, str, int]]) -> dict[str, bool]:
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", _PACKETS, str(file), json.dumps(wanted)],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.needs("nft")
@pytest.mark.duty("SES-6")
@pytest.mark.duty("SES-9")
async def test_nft_drops_a_blocked_address_and_lets_it_reach_the_portal_until_it_is_lifted(make_acting, tmp_path):
    file = tmp_path / "arfgate.nft"
    acting = await make_acting({"name": "edge", "type": "nftables", "file": str(file)})
    number = await acting.approved("198.51.100.70")
    await blocklist.add(acting.house, "2001:db8::70", days=1, who="ann", why="port scan")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"
    wanted = {
        "the portal": ("198.51.100.70", "192.0.2.80", 443),
        "another port of it": ("198.51.100.70", "192.0.2.80", 8443),
        "another host": ("198.51.100.70", "192.0.2.99", 443),
        "the neighbour": ("198.51.100.71", "192.0.2.99", 443),
        "a foreign host": ("2001:db8::70", "2001:db8::99", 443),
    }
    assert in_a_network_of_its_own(file, wanted) == {
        "the portal": True,
        "another port of it": False,
        "another host": False,
        "the neighbour": True,
        "a foreign host": False,
    }
    await measures.undo(acting.house, number, who="ann", why="resolved")
    await enforcement.run(acting.house)
    assert in_a_network_of_its_own(file, wanted)["another host"]


@pytest.mark.needs("nft")
@pytest.mark.parametrize("kind", sorted(nftables.KINDS))
def test_nft_takes_a_file_with_every_kind_of_block(tmp_path, kind):
    held = [Entry(n, kind, target) for n, target in enumerate(("198.51.100.0/24", "198.51.100.7", "2001:db8::/32"))]
    file = tmp_path / "arfgate.nft"
    file.write_text(nftables.render(held, [*REACHABLE, "[2001:db8::80]:443", "192.0.2.0/28"])[""])
    assert in_a_network_of_its_own(file, {}) == {}


@pytest.mark.needs("nft")
async def test_a_file_that_nft_does_not_load_is_not_done(make_acting, tmp_path):
    reload = ["unshare", "-n", "nft", "-f", "{file}.missing"]
    acting = await make_acting(
        {"name": "edge", "type": "nftables", "file": str(tmp_path / "arfgate.nft"), "reload": reload}
    )
    number = await acting.approved()
    await enforcement.run(acting.house)
    assert await acting.state(number) == "approved"
    ((answer,),) = await acting.ask("SELECT answer FROM action_steps")
    assert "No such file" in answer


# --- files in general ---------------------------------------------------------------------


async def test_a_file_is_written_whole_again_and_again_the_same_and_keeps_its_mode(make_acting, tmp_path):
    file = tmp_path / "arfgate.nft"
    file.write_text("from before")
    file.chmod(0o640)
    acting = await make_acting({"name": "edge", "type": "nftables", "file": str(file)})
    first = await acting.approved("198.51.100.70")
    await enforcement.run(acting.house)
    alone = file.read_text()
    second = await acting.approved("198.51.100.71")
    await enforcement.run(acting.house)
    assert "198.51.100.70/32, 198.51.100.71/32" in file.read_text()
    await measures.undo(acting.house, second, who="ann", why="")
    await enforcement.run(acting.house)
    assert file.read_text() == alone
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert await acting.state(first) == "done"
    assert not list(tmp_path.glob(".*.new"))


async def test_a_file_that_cannot_be_written_is_tried_again(make_acting, tmp_path):
    folder = tmp_path / "later"
    acting = await make_acting({"name": "edge", "type": "nftables", "file": str(folder / "arfgate.nft")})
    number = await acting.approved()
    await enforcement.run(acting.house)
    assert await acting.state(number) == "approved"
    folder.mkdir()
    acting.time[0] = acting.time[0].replace(hour=18)
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"


async def test_two_programs_do_not_write_a_file_at_once(tmp_path):
    async with files._alone(tmp_path / "list"):
        connector = files.FileConnector("x", frozenset(), 1, tmp_path / "list", nftables.render, nftables.fits)
        outcome = await connector.carry_out(None, None)  # type: ignore[arg-type]  # it does not come so far
    assert outcome == NotNow(f"{tmp_path / 'list'}: another program is writing it")


async def test_no_words_of_a_report_reach_a_table(make_acting, tmp_path):
    """What is no address, domain or mailbox is taken by no table: staff are asked."""
    acting = await make_acting({"name": "edge", "type": "postfix", "file": str(tmp_path / "table")})
    number = await acting.approved("x@evil.example REJECT\nroot@isp.example OK", K.DISABLE_MAIL)
    assert await acting.state(number) == "asked"


# --- a program ----------------------------------------------------------------------------


def program(folder: Path, text: str) -> str:
    file = folder / "program"
    file.write_text(f"#!{sys.executable}\n" + textwrap.dedent(text))
    file.chmod(0o755)
    return str(file)


async def test_a_program_gets_arguments_and_the_order_and_no_shell_looks_at_them(make_acting, tmp_path):
    seen = tmp_path / "seen"
    command = program(
        tmp_path,
        f"""
        import json, os, sys
        print("done it")
        json.dump([sys.argv[1:], json.load(sys.stdin), sorted(os.environ)], open({str(seen)!r}, "w"))
        """,
    )
    acting = await make_acting(
        {"name": "own", "type": "command", "command": [command, "{phase}", "--to={target}", "$(id); `id`", "{key}"]}
    )
    number = await acting.approved("198.51.100.70")
    await enforcement.run(acting.house)
    assert await acting.state(number) == "done"
    arguments, order, environment = json.loads(seen.read_text())
    assert arguments == ["do", "--to=198.51.100.70", "$(id); `id`", f"action-{number}-own-do-1"]
    assert order["kind"] == "block-address"
    assert set(environment) <= {"LANG", "PATH", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    assert await acting.ask("SELECT answer FROM action_steps") == [("done it",)]


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("print('fine')", Done, "fine"),
        ("import sys; sys.exit(3)", NotNow, "exit status 3"),
        ("import sys; print('never'); sys.exit(100)", Never, "exit status 100: never"),
        ("import time; time.sleep(600)", NotNow, "no end within 1 seconds"),
        ("import subprocess; subprocess.run(['sleep', '600'])", NotNow, "no end within 1 seconds"),
        ("print('x' * 50_000_000)", Done, "x" * 500),
    ],
)
async def test_a_program_is_bounded_in_time_and_words(tmp_path, text, kind, says):
    seconds = 1 if "600" in text else 60
    outcome = await run([program(tmp_path, text)], {}, b"{}", seconds)
    assert isinstance(outcome, kind)
    assert says in outcome.answer
    assert len(outcome.answer) < 1000


async def test_a_value_that_looks_like_an_option_is_not_handed_on(tmp_path):
    command = program(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')")
    outcome = await run([command, "{target}"], {"target": "--flush"}, b"", 30)
    assert isinstance(outcome, Never)
    assert not (tmp_path / "ran").exists()


async def test_a_program_that_is_not_there_is_tried_again(tmp_path):
    assert isinstance(await run([str(tmp_path / "missing")], {}, b"", 5), NotNow)


# --- settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connector", "says"),
    [
        ({"name": "a", "type": "webhook", "secret": "0123456789abcdef"}, "url: is missing"),
        (webhook("127.0.0.1:1") | {"url": "http://hooks.example/x"}, "readable to another machine"),
        (webhook("127.0.0.1:1") | {"secret": "short"}, "at least 16"),
        ({"name": "a", "type": "command"}, "command = (): is missing"),
        ({"name": "a", "type": "nftables"}, "file: is missing"),
        ({"name": "a", "type": "nftables", "file": "x", "kinds": ["block-adress"]}, "kinds[1]"),
    ],
)
async def test_a_connector_that_cannot_work_is_named_with_what_it_lacks(make_acting, connector, says):
    with pytest.raises(SettingsError) as error:
        await make_acting(connector)
    assert says in str(error.value)


async def test_a_connector_of_another_node_is_left_to_it(make_acting, hook):
    acting = await make_acting(webhook(hook.place, node="elsewhere"))
    number = await acting.approved()
    assert await enforcement.run(acting.house) == 0
    assert await acting.state(number) == "approved"
