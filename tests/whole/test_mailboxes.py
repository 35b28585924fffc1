"""The real commands on real mailboxes: observe first, then live; what is read, moved, kept or deleted."""

from __future__ import annotations

import asyncio
import json

import pytest
from whole.world import BROKEN, LethalReceiver, World, report


@pytest.fixture(
    params=[
        pytest.param("dovecot", marks=pytest.mark.needs("dovecot")),
        pytest.param("pymap", marks=pytest.mark.needs("pymap")),
    ]
)
def server(request):
    if request.param == "dovecot":
        dovecot = request.getfixturevalue("dovecot")
        return dovecot, dovecot.new_user()
    pymap = request.getfixturevalue("pymap_server")
    pymap.add_user("abuse@isp.example")
    return pymap, "abuse@isp.example"


def test_a_mailbox_is_only_observed_until_it_goes_live_and_then_emptied(server, world: World, receiver: LethalReceiver):
    imap, user = server
    world.mailbox("abuse", imap.port, user)
    world.sections = {"smtp": {"port": receiver.port}}
    world.write()
    assert world.run("customer", "import", str(world.customers())).status == 0
    imap.deliver_all(user, [report("198.51.100.7"), report("198.51.100.200"), BROKEN[0]])

    observed = world.run("poll")
    assert (observed.status, observed.out) == (0, "abuse: 3 new messages\n")
    assert imap.count(user) == 3
    assert receiver.received == []
    shown = json.loads(world.run("mailbox", "show", "abuse", "--json").out)
    would = [notice for row in shown for notice in row["would_send"] or ()]
    assert would == [
        {"kind": "complaint", "to": "abuse@alder.example"},
        {"kind": "complaint", "to": "abuse@birch.example"},
    ]

    assert "3 observed messages will be filed" in world.run("mailbox", "live", "abuse", "--since", "start").out
    assert world.run("poll").out == "abuse: 0 new messages\n"
    assert [mail.rcpt_tos for mail in receiver.received] == [["abuse@alder.example"], ["abuse@birch.example"]]
    # filed after the look into the mailbox: the next look moves them
    assert world.run("poll").out == "abuse: 0 new messages\n"
    assert [imap.count(user, folder) for folder in ("INBOX", "Processed", "Failed")] == [0, 2, 1]
    assert len(receiver.received) == 2


@pytest.mark.needs("dovecot")
@pytest.mark.parametrize(
    ("after", "left"), [("keep", {"INBOX": 2, "Processed": 0, "Failed": 0}), ("delete", {"INBOX": 0, "Failed": 1})]
)
def test_mail_is_kept_or_deleted_as_the_setting_says_and_worked_once(
    dovecot, world: World, receiver: LethalReceiver, after, left
):
    user = dovecot.new_user()
    world.mailbox("abuse", dovecot.port, user, after=after)
    world.sections = {"smtp": {"port": receiver.port}}
    asyncio.run(world.prepare())
    dovecot.deliver_all(user, [report("198.51.100.7"), BROKEN[0]])
    assert world.run("poll").out == "abuse: 2 new messages\n"
    assert world.run("poll").out == "abuse: 0 new messages\n"
    assert {folder: dovecot.count(user, folder) for folder in left} == left
    assert len(receiver.received) == 1


@pytest.mark.needs("dovecot")
def test_the_junk_folder_is_read_too_and_emptied_into_the_same_folders(dovecot, world: World, receiver: LethalReceiver):
    user = dovecot.new_user()
    world.mailbox("abuse", dovecot.port, user, junk_folder="Junk")
    world.sections = {"smtp": {"port": receiver.port}}
    asyncio.run(world.prepare())
    dovecot.deliver(user, report("198.51.100.7"))
    dovecot.deliver(user, report("198.51.100.8"), folder="Junk")
    assert world.run("poll").out == "abuse: 2 new messages\n"
    assert [dovecot.count(user, folder) for folder in ("INBOX", "Junk", "Processed")] == [0, 0, 2]
    assert len(receiver.received) == 2
