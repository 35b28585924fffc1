"""The test servers do what the tests believe of them."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from servers import needs

ONCE = sa.text("INSERT INTO switches (name, value) VALUES ('once', 'yes')")
MAIL = b"From: a@example.net\r\nTo: abuse@example.com\r\nSubject: x\r\n\r\nbody\r\n"


async def test_a_fresh_database_for_every_test(database_url):
    engine = create_async_engine(database_url)
    async with engine.begin() as conn:
        await conn.execute(ONCE)  # fails if somebody was here before
    await engine.dispose()


async def test_again_a_fresh_database(database_url):
    engine = create_async_engine(database_url)
    async with engine.begin() as conn:
        await conn.execute(ONCE)
    await engine.dispose()


@pytest.mark.needs("dovecot")
def test_dovecot_serves_what_was_delivered(dovecot):
    user = dovecot.new_user()
    dovecot.deliver(user, MAIL, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    context = ssl.create_default_context(cafile=str(dovecot.ca_file))
    with imaplib.IMAP4_SSL("localhost", dovecot.tls_port, ssl_context=context) as client:
        client.login(user, "secret")
        client.select()
        _, data = client.fetch("1", "(INTERNALDATE BODY.PEEK[])")
    assert b"02-Jan-2026 03:04:05 +0000" in data[0][0]
    assert data[0][1] == MAIL
    assert dovecot.messages(user) == [MAIL]
    assert dovecot.count(user, "Processed") == 0


@pytest.mark.needs("pymap")
def test_pymap_serves_several_users(pymap_server):
    for user in ("abuse", "postmaster"):
        pymap_server.add_user(user, f"pw-{user}")
        pymap_server.deliver(user, MAIL + user.encode())
    for user in ("abuse", "postmaster"):
        with imaplib.IMAP4("127.0.0.1", pymap_server.port) as client:
            client.login(user, f"pw-{user}")
            client.select()
            _, data = client.fetch("1", "(BODY.PEEK[])")
            assert data[0][1] == MAIL + user.encode()
        assert pymap_server.messages(user) == [MAIL + user.encode()]


async def test_the_receiver_keeps_refuses_and_vanishes(smtp_receiver):
    def send(to):
        with smtplib.SMTP("127.0.0.1", smtp_receiver.port, timeout=5) as client:
            return client.sendmail("bounce@example.net", to, MAIL)

    send(["one@example.com"])
    smtp_receiver.refuse("two@example.com")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(["two@example.com"])
    smtp_receiver.refuse_data()
    with pytest.raises(smtplib.SMTPDataError):
        send(["one@example.com"])
    smtp_receiver.accept()
    smtp_receiver.drop_after_data()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(["three@example.com"])
    send(["four@example.com"])
    got = await smtp_receiver.wait_for(3)
    assert [m.rcpt_tos for m in got] == [["one@example.com"], ["three@example.com"], ["four@example.com"]]
    assert got[0].mail_from == "bounce@example.net"
    assert got[0].raw == MAIL


@pytest.mark.needs("postfix", "dovecot")
async def test_postfix_delivers_to_maildirs_and_relays_the_rest(make_postfix, smtp_receiver, dovecot):
    relay = make_postfix(addresses=["abuse@example.net"], mail=dovecot.mail, next_hop=("127.0.0.1", smtp_receiver.port))
    with smtplib.SMTP("127.0.0.1", relay.port) as client:
        client.sendmail("a@example.com", ["abuse+n.token@example.net", "b@example.org"], MAIL)
    assert (await smtp_receiver.wait_for(1))[0].rcpt_tos == ["b@example.org"]
    with imaplib.IMAP4("127.0.0.1", dovecot.port) as client:
        client.login("abuse@example.net", "secret")
        client.select()
        while not client.noop()[1] or client.search(None, "ALL")[1] == [b""]:
            pass
    assert dovecot.count("abuse@example.net") == 1


@pytest.mark.needs("smtp-sink")
def test_the_sink_takes_mail(smtp_sink):
    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        assert client.sendmail("a@example.com", ["b@example.org"], MAIL) == {}


@pytest.mark.needs("pymap")
def test_the_proxy_cuts_where_it_is_told(pymap_server, cut_proxy):
    proxy = cut_proxy(pymap_server.port)
    proxy.cut_after(10)
    with pytest.raises(imaplib.IMAP4.abort):
        imaplib.IMAP4("127.0.0.1", proxy.port)
    imaplib.IMAP4("127.0.0.1", proxy.port).logout()
    proxy.refuse()
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        imaplib.IMAP4("127.0.0.1", proxy.port)
    assert proxy.connections == 3


def test_a_missing_server_skips_by_name_and_fails_where_all_are_required(monkeypatch):
    monkeypatch.setitem(needs.CHECKS, "dovecot", lambda: "dovecot is not installed")
    monkeypatch.delenv("ARFGATE_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs dovecot: dovecot is not installed"):
        needs.require("dovecot")
    monkeypatch.setenv("ARFGATE_REQUIRE", "all")
    with pytest.raises(pytest.fail.Exception, match="needs dovecot"):
        needs.require("dovecot")
