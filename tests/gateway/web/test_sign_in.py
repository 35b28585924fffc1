"""Who comes in and how: passwords, codes, links, sessions that end, limits on guessing, over real HTTP."""

from __future__ import annotations

import re
from datetime import timedelta

import argon2
import httpx
import pytest

from gateway import accounts, totp
from gateway.passwords import Passwords, WeakPasswordError, checked
from gateway.roles import Role
from gateway.store import access
from gateway.web.app import PLACES
from servers.waiting import account, arf, let_in, way_in

PASSWORD = "seven grey herons at dawn"
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


OLD = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Guessing is tried without the time that it takes."""
    monkeypatch.setattr("gateway.passwords.PasswordHasher", lambda: CHEAP)


@pytest.fixture
async def ben(waiting):
    """An account with a password."""
    kept = await Passwords(OLD).hashed(PASSWORD)
    values = {"name": "ben", "email": "ben@isp.example", "role": Role.ANALYST, "password_hash": kept}
    return await accounts.add(waiting.house, values, "test")


async def sign_in(client, name="ben", password=PASSWORD, **more):
    return await client.post("/sign-in", data={"name": name, "password": password, **more})


def field(text: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', text)[1]


# --- password ----------------------------------------------------------------------------


async def test_name_and_password_open_the_page_that_was_wanted(stranger, ben):
    asked = await stranger.get("/cases?all=1")
    assert asked.status_code == 403
    answer = await sign_in(stranger, "BEN", back=field(asked.text, "back"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?all=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await stranger.get("/cases")).status_code == 200


@pytest.mark.parametrize(("name", "password"), [("ben", "wrong"), ("nobody", PASSWORD), ("", ""), ("b\0n", "ü" * 2000)])
async def test_a_wrong_name_and_a_wrong_password_are_told_alike(stranger, ben, name, password):
    answer = await sign_in(stranger, name, password)
    assert answer.status_code == 403
    assert "Name and password do not belong together." in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "evil", "/x\r\ny: z"])
async def test_signing_in_leads_to_no_foreign_page(stranger, ben, back):
    assert (await sign_in(stranger, back=back)).headers["location"] == "/"


async def test_guessing_is_stopped_for_one_account_and_not_for_its_neighbour(waiting, stranger, ben):
    said = [(await sign_in(stranger, password="wrong")).status_code for _ in range(9)]
    assert said == [403] * 8 + [429]
    assert (await sign_in(stranger)).status_code == 429, "the right password comes too late"
    await account(waiting.house, name="eve")
    assert (await sign_in(stranger, "eve", "wrong")).status_code == 403
    waiting.time[0] += timedelta(minutes=16)
    assert (await sign_in(stranger)).status_code == 303


async def test_guessing_many_accounts_from_one_address_is_stopped(stranger, ben):
    said = [(await sign_in(stranger, f"someone{number}", "wrong")).status_code for number in range(41)]
    assert said == [403] * 40 + [429]


async def test_the_right_password_begins_the_count_anew(stranger, ben):
    for _ in range(2):
        said = [(await sign_in(stranger, password="wrong")).status_code for _ in range(5)]
        assert said == [403] * 5
        assert (await sign_in(stranger)).status_code == 303


async def test_passwords_are_kept_as_argon2id_and_made_anew_at_another_cost(waiting, stranger, ben):
    before = (await accounts.find(waiting.house, "ben")).password_hash
    await sign_in(stranger)
    after = (await accounts.find(waiting.house, "ben")).password_hash
    assert before.startswith("$argon2id$v=19$m=8,t=2")
    assert after.startswith("$argon2id$v=19$m=8,t=1")


async def test_the_cost_is_that_of_rfc_9106(monkeypatch):
    monkeypatch.undo()
    assert (await Passwords().hashed(PASSWORD)).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "ben@isp.example", "x" * 2000])
def test_a_password_that_can_be_guessed_is_refused(password):
    with pytest.raises(WeakPasswordError):
        checked(password, "ben", "ben@isp.example")


# --- second factor -----------------------------------------------------------------------


@pytest.mark.standard("RFC 6238 Appendix B")
@pytest.mark.parametrize(
    ("time", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(time, code):
    assert totp.code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", time // totp.STEP_SECONDS) == code


async def set_up(waiting, client) -> tuple[str, list[str]]:
    page = (await client.get("/account/second")).text
    seed = field(page, "seed")
    assert "<path" in page
    step = int(waiting.time[0].timestamp()) // totp.STEP_SECONDS
    said = {"proof": field(page, "proof"), "seed": seed, "code": totp.code_at(seed, step), "password": PASSWORD}
    answer = await client.post("/account/second", data=said)
    assert answer.status_code == 200, answer.text
    return seed, re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", answer.text)


async def with_code(client, code: str):
    half = field((await sign_in(client)).text, "half")
    return await client.post("/sign-in/code", data={"half": half, "code": code})


async def test_with_a_second_factor_a_password_is_not_enough_and_no_code_counts_twice(waiting, stranger, ben):
    await sign_in(stranger)
    seed, codes = await set_up(waiting, stranger)
    stranger.cookies.clear()
    answer = await sign_in(stranger)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert (await with_code(stranger, "000000")).status_code == 403
    waiting.time[0] += timedelta(minutes=1)
    code = totp.code_at(seed, int(waiting.time[0].timestamp()) // totp.STEP_SECONDS)
    assert (await with_code(stranger, code)).status_code == 303
    assert (await with_code(stranger, code)).status_code == 403
    assert len(codes) == totp.CODES
    assert (await with_code(stranger, codes[0].upper())).status_code == 303
    assert (await with_code(stranger, codes[0])).status_code == 403


async def test_the_seed_is_kept_sealed_for_this_account_and_key(waiting, stranger, ben):
    await sign_in(stranger)
    seed, codes = await set_up(waiting, stranger)
    [(kept,)] = await waiting.ask("SELECT totp FROM users WHERE name = 'ben'")
    assert seed not in kept
    key = waiting.house.key("totp")
    assert totp.opened(kept, ben.id, key) == seed
    assert totp.opened(kept, ben.id + 1, key) is None
    assert totp.opened(kept, ben.id, waiting.house.key("web")) is None
    hidden = [row[0] for row in await waiting.ask("SELECT key FROM recovery_codes")]
    assert not {totp.plain_code(code) for code in codes} & set(hidden)


@pytest.mark.parametrize("half", ["", "1", "1.2.3", "ü.1.x", "9" * 40 + ".9.x"])
async def test_the_second_step_needs_the_first(stranger, ben, half):
    assert (await stranger.post("/sign-in/code", data={"half": half, "code": "000000"})).status_code == 403


async def test_the_second_step_comes_within_minutes(waiting, stranger, ben):
    await sign_in(stranger)
    await set_up(waiting, stranger)
    half = field((await sign_in(stranger)).text, "half")
    waiting.time[0] += timedelta(minutes=6)
    assert "took too long" in (await stranger.post("/sign-in/code", data={"half": half, "code": "1"})).text


# --- links -------------------------------------------------------------------------------


async def test_a_link_signs_in_once(waiting, stranger):
    path = await way_in(waiting.house, Role.VIEWER, "vera")
    assert (await stranger.get(path)).headers["location"] == "/"
    assert (await stranger.get(path)).headers["location"] == "/", "whom it let in goes on"
    stranger.cookies.clear()
    assert (await stranger.get(path)).status_code == 403
    late = await way_in(waiting.house, Role.VIEWER, "vera")
    waiting.time[0] += timedelta(minutes=11)
    assert (await stranger.get(late)).status_code == 403


# --- sessions ----------------------------------------------------------------------------


@pytest.mark.parametrize("cookie", ["", "x", "abc.def", "ü", "a" * 5000, "' OR 1=1 --"])
async def test_a_made_up_cookie_opens_nothing(stranger, cookie):
    answer = await stranger.get("/", headers={"cookie": f"arfgate-in={cookie}".encode()})
    assert answer.status_code == 403


async def test_the_database_does_not_hold_what_the_cookie_holds(waiting, staff):
    kept = [row[0] for row in await waiting.ask("SELECT key FROM sessions")]
    assert kept
    assert staff.cookies["arfgate-in"] not in kept


async def test_signing_out_ends_the_session_for_a_copied_cookie_too(staff):
    copied = staff.cookies["arfgate-in"]
    page = (await staff.get("/account")).text
    assert (await staff.post("/sign-out", data={"proof": field(page, "proof")})).status_code == 303
    assert (await staff.get("/queue", headers={"cookie": f"arfgate-in={copied}"})).status_code == 403


async def test_a_session_ends_when_it_is_idle_and_in_the_end_always(waiting, staff):
    web = waiting.house.settings.web
    step = timedelta(minutes=web.idle_minutes) - timedelta(minutes=1)
    for _ in range(3):
        waiting.time[0] += step
        assert (await staff.get("/account")).status_code == 200
    waiting.time[0] += step + timedelta(minutes=2)
    assert (await staff.get("/account")).status_code == 403


async def test_a_session_ends_in_the_end_whatever_is_done(waiting, stranger):
    await let_in(stranger, waiting.house)
    end = waiting.time[0] + timedelta(hours=waiting.house.settings.web.session_hours)
    while waiting.time[0] < end - timedelta(days=5):
        waiting.time[0] += timedelta(days=5)
        assert (await stranger.get("/account")).status_code == 200
    waiting.time[0] = end
    assert (await stranger.get("/account")).status_code == 403


async def test_a_new_password_ends_the_other_sign_ins(waiting, address, ben):
    async with (
        httpx.AsyncClient(verify=False, timeout=60, base_url=address) as one,
        httpx.AsyncClient(base_url=address) as other,
    ):
        await sign_in(one)
        await sign_in(other)
        page = (await one.get("/account")).text
        assert page.count("this one") == 1
        said = {
            "proof": field(page, "proof"),
            "password": PASSWORD,
            "new": "four blue kites",
            "again": "four blue kites",
        }
        wrong = await one.post("/account/password", data=said | {"password": "not it"})
        assert "not your password" in wrong.text
        assert (await one.post("/account/password", data=said)).status_code == 303
        assert (await one.get("/account")).status_code == 200
        assert (await other.get("/account")).status_code == 403
        assert (await sign_in(other)).status_code == 403
        assert (await sign_in(other, password="four blue kites")).status_code == 303


async def test_one_ends_ones_own_sign_ins_and_nobody_elses(waiting, staff_as, staff):
    vera = await staff_as(Role.VIEWER, "vera")
    [(hers,), (admins,)] = await waiting.ask(
        "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id ORDER BY u.name DESC"
    )
    proof = field((await vera.get("/account")).text, "proof")
    await vera.post(f"/account/sessions/{admins}/end", data={"proof": proof})
    assert (await staff.get("/queue")).status_code == 200
    await vera.post(f"/account/sessions/{hers}/end", data={"proof": proof})
    assert (await vera.get("/queue")).status_code == 403


# --- accounts by admins ------------------------------------------------------------------


async def test_an_admin_makes_changes_and_closes_accounts(waiting, staff, stranger):
    proof = field((await staff.get("/users")).text, "proof")
    made = await staff.post("/users", data={"proof": proof, "name": "Cleo", "email": "c@isp.example", "role": "viewer"})
    where = made.headers["location"].partition("?")[0]
    shown = (await staff.post(f"{where}/link", data={"proof": proof})).text
    path = re.search(r"http://127\.0\.0\.1:\d+(/sign-in/[\w-]+)", shown)[1]
    await stranger.get(path)
    assert (await stranger.get("/users")).status_code == 403
    await staff.post(f"{where}/change", data={"proof": proof, "email": "c@isp.example", "role": "admin"})
    assert (await stranger.get("/users")).status_code == 200, "a role holds at once"
    closed = {"proof": proof, "email": "c@isp.example", "role": "admin", "disabled": "yes"}
    await staff.post(f"{where}/change", data=closed)
    assert (await stranger.get("/queue")).status_code == 403
    said = [row[0] for row in await waiting.ask("SELECT what FROM events WHERE who = 'ann' ORDER BY id")]
    assert said[-4:] == ["account added", "sign-in link made", "account changed", "account changed"]


async def test_the_last_admin_stays_one(waiting, staff):
    proof = field((await staff.get("/users")).text, "proof")
    me = await account(waiting.house)
    answer = await staff.post(f"/users/{me.id}/change", data={"proof": proof, "role": "viewer"})
    assert answer.status_code == 422
    assert "the last admin" in answer.text


async def test_two_accounts_of_one_name_there_are_not(staff):
    proof = field((await staff.get("/users")).text, "proof")
    said = {"proof": proof, "name": "ann", "role": "viewer"}
    answer = await staff.post("/users", data=said)
    assert "an account &#39;ann&#39; already" in answer.text


# --- every page --------------------------------------------------------------------------


def path_of(place) -> str:
    return re.sub(r"\{[^}]*\}", "1", place.path)


OF_STAFF = [place for place in PLACES if place.role is not None]


@pytest.mark.duty("CON-7")
async def test_a_page_of_staff_is_closed_to_strangers(stranger):
    opened = []
    for place in OF_STAFF:
        refused = await stranger.request(place.method, path_of(place))
        if refused.status_code != 403 or not ("Password" in refused.text or "not signed in" in refused.text):
            opened.append(f"{place.method} {place.path}")
    assert len(OF_STAFF) > 100
    assert opened == []


@pytest.mark.duty("CON-7")
@pytest.mark.parametrize("role", [role for role in Role if role < max(Role)], ids=lambda role: role.word)
async def test_a_page_of_staff_is_closed_to_lower_roles(waiting, staff_as, role):
    client = await staff_as(role)
    higher = [place for place in OF_STAFF if role < place.role]
    opened = []
    for place in higher:
        refused = await client.request(place.method, path_of(place))
        if refused.status_code != 403 or "higher role" not in refused.text:
            opened.append(f"{place.method} {place.path}")
    assert higher
    assert opened == []
    [(looks,)] = await waiting.ask("SELECT count(*) FROM access_log")
    assert looks == 0


async def test_a_form_of_staff_without_its_proof_is_refused(staff):
    forms = [place for place in OF_STAFF if place.method == "POST"]
    said = {place.path: (await staff.post(path_of(place), data={"proof": "0" * 64})).status_code for place in forms}
    assert len(said) > 30
    assert {path: status for path, status in said.items() if status != 403} == {}


@pytest.mark.duty("CON-7")
async def test_a_look_at_personal_data_is_written_down(waiting, staff_as):
    await waiting.take_in(arf("198.51.100.70"))
    vera = await staff_as(Role.VIEWER, "vera")
    await vera.get("/case/AG-2026-000001")
    await vera.get("/cases")
    async with waiting.house.database.reading() as connection:
        looks = await access.listed(connection, who="vera")
        assert await access.listed(connection, path="/case/AG-2026-000001") == looks
        assert await access.listed(connection, before=looks[0].id) == []
    assert [(look.path, look.address, look.at) for look in looks] == [
        ("/case/AG-2026-000001", "127.0.0.1", waiting.time[0])
    ]


async def test_what_an_account_decides_bears_its_name(waiting, staff_as):
    await waiting.take_in(arf())
    ben = await staff_as(Role.ANALYST, "ben")
    proof = field((await ben.get("/queue/1")).text, "proof")
    await ben.post("/queue/1/assign", data={"proof": proof, "account": "alder"})
    assert await waiting.ask("SELECT DISTINCT decided_by FROM attributions") == [("ben",)]
