"""Login by OAuth 2: three ways to a token against a real token server, and Dovecot that asks whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.doors import mailbox_accesses
from gateway.intake.connect import LoginRefused
from gateway.intake.imap import MailboxConnection
from gateway.intake.oauth import TokenRefused, TokenSource, grant
from gateway.mailbox_sections import Mailbox
from notifier.dns import Resolver
from notifier.http import HttpClient
from servers.dovecot import Dovecot
from servers.oauth import CLIENT, REFRESH, SCOPE, SECRET, OAuthServer
from servers.ports import free_port

USER = "abuse@example.net"


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http(clock: Clock) -> AsyncIterator[HttpClient]:
    client = HttpClient(Resolver(["127.0.0.1"], 9), clock)
    yield client
    await client.aclose()


def box(login: str, server: OAuthServer, folder: Path, port: int = 143, **more: Any) -> Mailbox:
    usual = {"name": "abuse", "role": "abuse", "host": "127.0.0.1", "security": "plain", "user": USER, "port": port}
    own: dict[str, dict[str, Any]] = {
        "microsoft": {"oauth_client_id": CLIENT, "oauth_tenant": "isp.example", "oauth_secret": SECRET},
        "google": {"oauth_key_file": folder / "key.json"},
        "refresh-token": {"oauth_client_id": CLIENT, "oauth_refresh": REFRESH, "oauth_scope": SCOPE},
    }
    (folder / "key.json").write_text(server.google_key())
    values = usual | {"login": login, "oauth_token_url": server.token_url, "timeout_seconds": 10} | own[login] | more
    return Mailbox.model_validate(values, context={"folder": folder})


@pytest.fixture
def source(http: HttpClient, clock: Clock) -> Callable[[Mailbox], TokenSource]:
    return lambda box: TokenSource(grant(box), http, clock)


WAYS = ["microsoft", "google", "refresh-token"]


@pytest.mark.needs("dovecot")
@pytest.mark.parametrize("way", WAYS)
async def test_each_way_opens_the_mailbox(oauth_dovecot: Dovecot, oauth_server, source, tmp_path, way):
    oauth_dovecot.deliver(USER, b"Subject: x\r\n\r\nHello\r\n")
    mine = box(way, oauth_server, tmp_path, oauth_dovecot.port)
    (access,) = mailbox_accesses(mine, source(mine))
    async with await MailboxConnection.open(access) as mail:
        assert len(await mail.uids()) == 1
    assert oauth_server.given == 1


@pytest.mark.needs("dovecot")
async def test_a_token_is_kept_over_connections_and_renewed_before_it_ends(
    oauth_dovecot, oauth_server, source, tmp_path, clock
):
    mine = box("microsoft", oauth_server, tmp_path, oauth_dovecot.port)
    (access,) = mailbox_accesses(mine, source(mine))
    for minutes, given in ((0, 1), (54, 1), (56, 2), (60, 2)):
        clock.ahead = timedelta(minutes=minutes)
        async with await MailboxConnection.open(access):
            assert oauth_server.given == given


@pytest.mark.needs("dovecot")
async def test_a_token_that_was_revoked_is_asked_for_anew_at_once(oauth_dovecot, oauth_server, source, tmp_path):
    mine = box("microsoft", oauth_server, tmp_path, oauth_dovecot.port)
    (access,) = mailbox_accesses(mine, source(mine))
    async with await MailboxConnection.open(access):
        oauth_server.revoke()
    async with await MailboxConnection.open(access):
        assert oauth_server.given == 2


@pytest.mark.needs("dovecot")
async def test_a_token_for_somebody_else_is_refused_in_words_and_does_not_hang(
    oauth_dovecot, oauth_server, source, tmp_path
):
    mine = box("microsoft", oauth_server, tmp_path, oauth_dovecot.port)
    oauth_server.user = "somebody@example.net"
    (access,) = mailbox_accesses(mine, source(mine))
    with pytest.raises(LoginRefused, match="right to this mailbox") as caught:
        await MailboxConnection.open(access)
    assert SECRET not in str(caught.value)
    assert oauth_server.given == 2


@pytest.mark.needs("dovecot")
async def test_a_server_without_xoauth2_is_told_of(dovecot, oauth_server, source, tmp_path):
    mine = box("microsoft", oauth_server, tmp_path, dovecot.port)
    (access,) = mailbox_accesses(mine, source(mine))
    with pytest.raises(LoginRefused, match="no login by OAuth 2"):
        await MailboxConnection.open(access)
    assert oauth_server.given == 0


@pytest.mark.parametrize(
    ("way", "wrong"),
    [("microsoft", {"oauth_secret": "another-secret"}), ("refresh-token", {"oauth_refresh": "old-token"}),
     ("google", {"user": "somebody@example.net"})],
)  # fmt: skip
async def test_a_refusal_says_what_the_server_said_and_no_secret(oauth_server, source, tmp_path, way, wrong):
    mine = box(way, oauth_server, tmp_path, **wrong)
    with pytest.raises(TokenRefused, match=r"status 400, invalid_(client|grant), as the test wants it") as caught:
        await source(mine).token()
    for secret in (SECRET, REFRESH, "another-secret", "old-token", "PRIVATE KEY"):
        assert secret not in str(caught.value)


async def test_a_token_server_that_is_not_there_is_told_of(oauth_server, source, tmp_path):
    mine = box("microsoft", oauth_server, tmp_path, oauth_token_url=f"http://127.0.0.1:{free_port()}/token")
    with pytest.raises(TokenRefused, match="no token") as caught:
        await source(mine).token()
    assert caught.value.setting == "oauth_secret_file"


async def test_many_who_want_a_token_ask_once(oauth_server, source, tmp_path):
    mine = source(box("microsoft", oauth_server, tmp_path))
    tokens = await asyncio.gather(*(mine.token() for _ in range(10)))
    assert len(set(tokens)) == 1
    assert oauth_server.given == 1


@pytest.mark.parametrize(("lasts", "minutes"), [(None, 44), (60, 0.4), (10**9, 24 * 60 - 6)])
async def test_a_life_that_is_not_said_or_odd_is_bounded(oauth_server, source, tmp_path, clock, lasts, minutes):
    oauth_server.lasts = lasts
    mine = source(box("microsoft", oauth_server, tmp_path))
    await mine.token()
    clock.ahead = timedelta(minutes=minutes)
    await mine.token()
    assert oauth_server.given == 1
    clock.ahead = timedelta(minutes=minutes + 2)
    await mine.token()
    assert oauth_server.given == 2


async def test_what_is_asked_for_is_what_the_provider_documents(oauth_server, source, tmp_path):
    await source(box("microsoft", oauth_server, tmp_path)).token()
    await source(box("refresh-token", oauth_server, tmp_path)).token()
    microsoft, refresh = oauth_server.forms
    assert microsoft == {
        "client_id": CLIENT, "client_secret": SECRET, "grant_type": "client_credentials",
        "scope": "https://outlook.office365.com/.default",
    }  # fmt: skip
    assert refresh == {"client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": REFRESH, "scope": SCOPE}


def test_the_providers_own_addresses_are_known(oauth_server, tmp_path):
    microsoft = grant(box("microsoft", oauth_server, tmp_path, oauth_token_url=None, oauth_tenant="a/../b"))
    assert microsoft.token_url == "https://login.microsoftonline.com/a%2F..%2Fb/oauth2/v2.0/token"
    assert grant(box("google", oauth_server, tmp_path, oauth_token_url=None)).token_url.startswith(
        "https://oauth2.google"
    )
    assert SECRET not in repr(microsoft)


@pytest.mark.parametrize(
    ("way", "missing", "said"),
    [("microsoft", "oauth_tenant", "oauth_tenant"), ("google", "oauth_key_file", "oauth_key_file"),
     ("refresh-token", "oauth_token_url", "oauth_token_url"), ("microsoft", "oauth_secret", "oauth_secret_file"),
     ("refresh-token", "oauth_refresh", "oauth_refresh_file")],
)  # fmt: skip
def test_what_a_way_needs_is_asked_for_by_name(oauth_server, tmp_path, way, missing, said):
    with pytest.raises(ValidationError, match=said):
        box(way, oauth_server, tmp_path, **{missing: None})


@pytest.mark.parametrize("url", ["http://login.example/token", "ftp://login.example/", "https://"])
def test_a_secret_goes_by_https_or_stays_on_this_machine(oauth_server, tmp_path, url):
    with pytest.raises(ValidationError, match="oauth_token_url"):
        box("microsoft", oauth_server, tmp_path, oauth_token_url=url)


@pytest.mark.parametrize("key", ["no json", "{}", '{"client_email": "a", "private_key": "x"}'])
def test_a_google_key_that_is_none_is_told_of_without_its_words(oauth_server, tmp_path, key):
    mine = box("google", oauth_server, tmp_path)
    (tmp_path / "key.json").write_text(key)
    with pytest.raises(ValueError, match="JSON key of a Google service account"):
        grant(mine)
