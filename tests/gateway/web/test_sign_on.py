"""Signing in by OpenID Connect against a real provider on loopback, and what a forged answer gets."""

from __future__ import annotations

import httpx
import pytest
from joserfc.jwk import RSAKey

from gateway import accounts
from gateway.roles import Role
from gateway.web.app import application
from servers.oidc import CLIENT, SECRET, OidcServer
from servers.waiting import NOW, served, waiting_house

GROUPS = {"viewers": ["support"], "analysts": ["abuse-desk"], "admins": ["abuse-admins"]}


@pytest.fixture
def provider():
    made = OidcServer(int(NOW.timestamp()))
    yield made
    made.close()


@pytest.fixture
async def house(tmp_path, sqlite_url, provider):
    section = {"issuer": provider.issuer, "client_id": CLIENT, "secret": SECRET, "hosts": [provider.place]} | GROUPS
    async with waiting_house(tmp_path, sqlite_url, sign_on=section) as made:
        yield made.house


@pytest.fixture
async def browser(house):
    async with served(application(house)) as url, httpx.AsyncClient(verify=False, timeout=60, base_url=url) as client:
        yield client


async def sign_on(browser, provider, **claims):
    """Away, in at the provider's, and back."""
    away = await browser.get("/sign-on?back=/cases")
    assert away.status_code == 303
    return await browser.get(provider.log_in(away.headers["location"], **claims))


async def test_somebody_new_gets_an_account_with_the_role_of_the_groups(browser, provider, house):
    assert "/sign-on?back=/cases" in (await browser.get("/cases")).text
    back = await sign_on(browser, provider)
    assert back.headers["location"] == "/cases"
    assert (await browser.get("/cases")).status_code == 200
    user = await accounts.find(house, "dora")
    assert (user.role, user.password_hash, user.subject) == (Role.ANALYST, None, f"{provider.issuer} u-1")


async def test_the_groups_of_now_decide_at_each_sign_on(browser, provider, house):
    await sign_on(browser, provider)
    await sign_on(browser, provider, groups=["abuse-admins", "support"])
    assert (await accounts.find(house, "dora")).role is Role.ADMIN
    refused = await sign_on(browser, provider, groups=["others"])
    assert refused.status_code == 403
    assert "gives you no role" in refused.text


async def test_a_closed_account_stays_closed(browser, provider, house):
    await sign_on(browser, provider)
    user = await accounts.find(house, "dora")
    await accounts.change(house, user, {"disabled": True}, "test")
    assert (await browser.get("/cases")).status_code == 403
    assert (await sign_on(browser, provider)).status_code == 403


async def test_an_account_of_the_same_name_is_not_taken_over(browser, provider, house):
    await accounts.add(house, {"name": "dora", "role": Role.ADMIN}, "test")
    assert (await sign_on(browser, provider)).status_code == 403
    assert (await accounts.find(house, "dora")).subject is None


@pytest.mark.standard("OpenID Connect Core 1.0 section 3.1.3.7")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": [CLIENT, "somebody-else"]},
        {"azp": "somebody-else"},
        {"exp": int(NOW.timestamp()) - 120},
        {"nonce": "replayed"},
        {"nonce": None},
    ],
)
async def test_a_token_for_another_place_time_or_errand_is_refused(browser, provider, claims):
    assert (await sign_on(browser, provider, **claims)).status_code == 403
    assert (await browser.get("/cases")).status_code == 403


async def test_a_token_with_another_signature_is_refused(browser, provider):
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert (await sign_on(browser, provider)).status_code == 403
    provider.shown, provider.algorithm = provider.key, "RS512"
    assert (await sign_on(browser, provider)).status_code == 403


async def test_a_provider_of_another_name_is_refused(browser, provider):
    provider.issuer_said = "https://evil.example"
    assert (await browser.get("/sign-on")).status_code == 403


async def test_an_answer_that_this_browser_did_not_ask_for_is_refused(browser, provider):
    away = await browser.get("/sign-on")
    path = provider.log_in(away.headers["location"])
    browser.cookies.clear()
    assert (await browser.get(path)).status_code == 403
    mine = await browser.get("/sign-on")
    assert (await browser.get(path)).status_code == 403, "the state of another browser"
    assert (await browser.get(provider.log_in(mine.headers["location"]) + "&error=x")).status_code == 303
    for path in ("/sign-on/back", "/sign-on/back?state=ü&code=1"):
        assert (await browser.get(path)).status_code == 403


async def test_without_a_provider_there_is_no_sign_on(stranger):
    assert (await stranger.get("/sign-on")).status_code == 404
    assert (await stranger.get("/sign-on/back?code=1")).status_code == 404
    assert "/sign-on" not in (await stranger.get("/queue")).text
