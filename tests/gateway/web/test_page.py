"""The queue page over real HTTP: who gets in, what is shown, what a form does, and what hostile evidence cannot do."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway import queue
from gateway.web.app import application
from gateway.web.words import visible
from servers.waiting import arf, let_in

HOSTILE = "<script>alert(1)</script>\u202egnp.exe\u0007\"'><img src=x onerror=alert(2)>"


async def proof(client: httpx.AsyncClient, entry: int = 1) -> str:
    text = (await client.get(f"/queue/{entry}")).text
    return re.search(r'name="proof" value="([0-9a-f]{64})"', text)[1]


# --- the door: who comes in is in test_sign_in.py ----------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1:8025", "[2001:db8::1]", ""])
async def test_another_host_name_is_refused(staff, host):
    answer = await staff.get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "127.0.0.1 or localhost" in answer.text


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "[::1]:8025"])
async def test_an_ssh_tunnel_may_end_at_any_port(staff, host):
    assert (await staff.get("/queue", headers={"host": host})).status_code == 200


async def test_another_machine_is_refused(waiting):
    transport = httpx.ASGITransport(application(waiting.house), client=("192.0.2.77", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/sign-in")
    assert answer.status_code == 403
    assert "for this machine only" in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/queue", "/queue/1", "/queue/1/mail", "/nothing", "/static/arfgate.css", "/queue/x"]
)
async def test_every_answer_has_the_strict_headers(waiting, staff, path):
    await waiting.take_in(arf())
    headers = (await staff.get(path)).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


async def test_a_style_sheet_is_asked_for_once_and_again_when_it_changed(staff):
    page = (await staff.get("/queue")).text
    named = re.search(r'href="(/static/arfgate\.css\?[0-9a-f]{12})"', page)[1]
    answer = await staff.get(named)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-security-policy"]
    stale = await staff.get("/static/arfgate.css?0123456789ab")  # of a page that was loaded before an update
    assert (stale.text, stale.headers["cache-control"]) == (answer.text, "no-store")


# --- forms -----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["assign", "preview", "rule", "reject"])
@pytest.mark.parametrize("sent", ["", "0" * 64, "ü"])
async def test_a_form_without_our_proof_changes_nothing(waiting, staff, action, sent):
    await waiting.take_in(arf())
    said = {"proof": sent, "account": "alder", "reason": "junk", "from": "2026-11-03"}
    answer = await staff.post(f"/queue/1/{action}", data=said)
    assert answer.status_code == 403
    assert (await queue.entry(waiting.house, 1)).queue == "waiting"


async def test_the_proof_of_another_browser_is_refused(waiting, staff, address):
    await waiting.take_in(arf())
    async with httpx.AsyncClient(verify=False, timeout=60, base_url=address) as other:
        await let_in(other, waiting.house)
        stolen = await proof(other)
    answer = await staff.post("/queue/1/assign", data={"proof": stolen, "account": "alder"})
    assert answer.status_code == 403


async def test_a_form_of_another_site_is_refused(waiting, staff):
    await waiting.take_in(arf())
    said = {"proof": await proof(staff), "account": "alder"}
    answer = await staff.post("/queue/1/assign", data=said, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert (await queue.entry(waiting.house, 1)).queue == "waiting"


async def test_assign_files_the_report_and_says_so(waiting, staff):
    await waiting.take_in(arf())
    answer = await staff.post("/queue/1/assign", data={"proof": await proof(staff), "account": "alder"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?last=1&count=1")
    text = (await staff.get("/queue?last=1")).text
    assert re.search(
        r"198\.51\.100\.7</b> was placed with <b class=\"v\">alder</b> in case <a href=\"/case/AG-2026-000001\">", text
    )
    assert "Nothing waits." in text


async def test_what_was_typed_goes_before_the_candidate(waiting, staff):
    await waiting.take_in(arf())
    await staff.post("/queue/1/assign", data={"proof": await proof(staff), "account": "alder", "other": "birch"})
    assert (await queue.entry(waiting.house, 1)).account == "birch"


async def test_a_decided_entry_says_who_was_faster_and_is_still_shown(waiting, staff):
    await waiting.take_in(arf())
    mine = await proof(staff)
    await queue.assign(waiting.house, 1, "birch", "ben")
    answer = await staff.post("/queue/1/assign", data={"proof": mine, "account": "alder"})
    assert answer.status_code == 409
    assert "ben was faster" in answer.text
    shown = await staff.get("/queue/1")
    assert "Assigned to" in shown.text
    assert "Assign this report" not in shown.text


async def test_a_mistake_is_told_beside_the_form_with_what_was_typed(waiting, staff):
    await waiting.take_in(arf())
    said = {"proof": await proof(staff), "other": "nobody", "from": "soon", "resource": "198.51.100.0/26"}
    answer = await staff.post("/queue/1/preview", data=said)
    assert answer.status_code == 422
    assert "&#39;soon&#39; is no time" in answer.text
    assert 'value="nobody"' in answer.text
    assert 'value="198.51.100.0/26"' in answer.text
    answer = await staff.post("/queue/1/assign", data={"proof": said["proof"]})
    assert "Choose a candidate" in answer.text


async def test_a_rule_is_previewed_then_made(waiting, staff):
    await waiting.take_in(arf(), arf("198.51.100.9"), arf("203.0.113.9"))
    said = {"proof": await proof(staff), "other": "birch", "from": "2026-11-03", "resource": "198.51.100.0/26"}
    preview = await staff.post("/queue/1/preview", data=said)
    assert "waiting reports that are placed: 2" in preview.text
    assert (await queue.entry(waiting.house, 1)).queue == "waiting"
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', preview.text))
    made = await staff.post("/queue/1/rule", data=hidden)
    assert made.headers["location"] == "/queue?last=1&count=2&rule=1"
    text = (await staff.get(made.headers["location"])).text
    assert '2 reports were placed with <b class="v">birch</b>' in text
    assert (await queue.entry(waiting.house, 3)).queue == "waiting"


async def test_reject_with_all_alike(waiting, staff):
    await waiting.take_in(arf("203.0.113.9"), arf("203.0.113.9"))
    said = {"proof": await proof(staff), "reason": "not ours", "alike": "yes"}
    answer = await staff.post("/queue/1/reject", data=said)
    assert answer.headers["location"] == "/queue?last=1,2&count=2"
    assert "were rejected" in (await staff.get("/queue?last=1,2&count=2")).text


async def test_which_resource_is_asked_where_none_is_named(waiting, staff):
    await waiting.take_in(arf(None, None))
    text = (await staff.get("/queue/1")).text
    assert 'name="which"' in text
    assert "Preview rule" not in text
    await staff.post("/queue/1/assign", data={"proof": await proof(staff), "other": "birch", "which": "198.51.100.70"})
    assert (await queue.entry(waiting.house, 1)).value == "198.51.100.70"


# --- hostile evidence ------------------------------------------------------------------


async def test_hostile_evidence_is_text_with_everything_invisible_written_out(waiting, staff):
    mail = arf(subject=HOSTILE, sender=f'"{HOSTILE}" <x@sender.example>', text=HOSTILE, extra=f"X-Odd: {HOSTILE}\0 end")
    await waiting.take_in(mail)
    for path in ("/queue", "/queue/1"):
        text = (await staff.get(path)).text
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>" not in text.lower()
        assert "<img" not in text.lower()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
        assert text.count(r"\u202egnp.exe\u0007") == 3  # the Subject among the facts; Subject and From


def test_invisible_text_is_written_out():
    assert visible("a\u202eb\0c\u200bd\ne\U000e0041") == "a\\u202eb\\u0000c\\u200bd\ne\\U000e0041"
    assert visible("Grüße, 你好, שלום") == "Grüße, 你好, שלום"


async def test_the_mail_is_saved_and_never_shown(waiting, staff):
    raw = arf(body=HOSTILE)
    await waiting.take_in(raw)
    answer = await staff.get("/queue/1/mail", follow_redirects=True)
    assert answer.content == raw
    assert answer.headers["content-disposition"] == 'attachment; filename="arfgate-entry-1.eml"'
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("query", ["last=<script>", "last=99", "last=1&count=-5", "last=" + "9" * 30, "last=²"])
async def test_an_address_can_put_no_words_on_the_page(waiting, staff, query):
    await waiting.take_in(arf())
    answer = await staff.get(f"/queue?{query}")
    assert answer.status_code == 200
    assert 'role="status"' not in answer.text


# --- what is wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/queue/77", 404),
        ("GET", "/queue/77/mail", 404),
        ("GET", "/queue/<b>", 404),
        ("GET", "/queue/99999999999999999999999999", 404),
        ("GET", "/static/..%2Fpage.py", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("POST", "/", 405),
        ("GET", "/queue/1/assign", 405),
        ("DELETE", "/queue/1", 405),
    ],
)
async def test_what_is_not_there_is_a_plain_page(staff, method, path, status):
    answer = await staff.request(method, path, content=b"")
    assert answer.status_code == status
    assert f'<p class="code">{status}</p>' in answer.text


async def test_a_bug_is_a_plain_page_without_its_inside(waiting, staff, monkeypatch):
    async def broken(*_: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("gateway.web.console.queue.look", broken)
    await waiting.take_in(arf())
    answer = await staff.get("/queue")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


async def test_too_much_text_is_refused(staff):
    answer = await staff.post("/queue/1/assign", data={"proof": "x" * 64 * 1024})
    assert answer.status_code == 413


async def test_a_body_of_unknown_length_is_refused(address):
    async with httpx.AsyncClient(verify=False, timeout=60, base_url=address) as client:

        async def endless():
            yield b"proof=x"

        assert (await client.post("/queue/1/assign", content=endless())).status_code == 411
