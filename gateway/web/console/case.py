"""One case: what is left of its time, everything that happened to it, its evidence, and the ways to go on.

What is done about it stands in `case_forms`. Must never show evidence as anything but text, nor a body at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import notice_preview, report_view
from gateway.model import CaseState, Cause, ClockState, Severity
from gateway.policies.policy import Policy
from gateway.report_view import Evidence
from gateway.store import case_page, cases, desk_drawer
from gateway.store.case_page import CasePage
from gateway.web import trace
from gateway.web.bars import time_left
from gateway.web.evidence import hand_out
from gateway.web.visit import Place, Role, Visit
from notifier.notice import NoticeKind

TABS = ("facts", "findings", "trace", "headers", "text", "source")
# Of what is kept with an event: the values that are words of closed lists, not of people.
_OF_LISTS = frozenset(
    {"class", "kind", "state", "role", "cause", "severity", "action", "category", "verdict", "reason"}
)
_WHOLE = frozenset({"facts", "headers", "text"})
NOTICE_LANGUAGES = ("en", "zh", "ro")
_TEXT_CHARS = 20_000
DONE = {
    "note": "The note is kept.",
    "extend": "The customer has more time.",
    "resolve": "It is held resolved.",
    "close": "The case is closed.",
    "reject": "The answer was rejected; the time runs on.",
    "told": "It is kept that you told the customer.",
    "retry": "The notices are tried again.",
    "assign": "It is kept who sees to it.",
    "severity": "It is kept how much it presses.",
    "hold": "The legal hold is kept.",
    "reopen": "It is open again.",
    "merge": "Its resources are in another case now.",
    "split": "The resources have a case of their own.",
    "appeal": "The review is decided.",
    "consent": "The proof of permission is asked for.",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the time line. `kind`: report, notice, answer, action, note or clock, for its label."""

    event: Any
    kind: str
    report: Any
    notice: Any


async def one(visit: Visit) -> Response:
    return await show(visit, visit.text("number"))


async def show(visit: Visit, number: str, error: str = "", status: int = 200, **form: str) -> Response:
    """The page of a case; `form` and `error`: what was typed, and why that cannot be."""
    async with visit.house.database.reading() as connection:
        page = await case_page.page(
            connection, number, visit.asked_number("before"), visit.asked_number("reports_before")
        )
        texts = await desk_drawer.canned(connection)
    if page is None:
        raise HTTPException(404)
    policy = visit.house.book.of_label(page.row.policy)
    tab = visit.asked("tab")
    tab = tab if tab in TABS else TABS[0]
    evidence = await _evidence(visit, page, policy, tab)
    now = visit.house.clock()
    return visit.show(
        "console/case.html",
        status,
        page=page,
        line=page.line,
        policy=policy,
        rule=policy.rule(page.line.cls),
        bars=[(clock, time_left(clock.notified_at, clock.due_at, now)) for clock in page.clocks],
        story=_story(page),
        evidence=evidence,
        drawing=trace.draw(evidence.trace) if evidence else None,
        of_lists=_OF_LISTS,
        tab=tab,
        tabs=TABS,
        whose=trace.whose,
        appeal=next((one for one in page.appeals if one["state"] == "open"), None),
        results=_results(page),
        canned=texts,
        causes=[cause.value for cause in Cause],
        severities=[one.value for one in Severity],
        is_open=page.row.state == CaseState.OPEN.value,
        has={state.value: any(c.state == state.value for c in page.clocks) for state in ClockState},
        failed=any(notice.state == "failed" for notice in page.notices),
        analyst=visit.may(Role.ANALYST),
        approver=visit.may(Role.APPROVER),
        done=DONE.get(visit.asked("done"), ""),
        error=error,
        form=form,
        before=visit.asked_number("before"),
    )


async def source(visit: Visit) -> Response:
    """The mail that brought a report of the case, as it came: to be saved and never shown."""
    number, report_id = visit.text("number"), visit.number("report")
    async with visit.house.database.reading() as connection:
        row = await case_page.report_of(connection, cases.case_id_of(number), report_id)
    if row is None:
        raise HTTPException(404)
    return hand_out(visit, "report", report_id, f"report-{report_id}")


async def letter(visit: Visit) -> Response:
    """An answer or another mail that came for the case, in words."""
    row = await _letter(visit)
    said = await visit.house.workers.written(bytes(row.raw))
    number = visit.text("number")
    return visit.show("console/case_mail.html", number=number, row=row, text=said[:_TEXT_CHARS])


async def letter_source(visit: Visit) -> Response:
    row = await _letter(visit)
    return hand_out(visit, "message", row.id, f"message-{row.id}")


async def notice(visit: Visit) -> Response:
    """A notice of the case in words, in any language; `?language=ro`."""
    number, notice_id = visit.text("number"), visit.number("notice")
    async with visit.house.database.reading() as connection:
        page = await case_page.notice_of(connection, cases.case_id_of(number), notice_id)
    if page is None:
        raise HTTPException(404)
    try:
        wording = notice_preview.shown(
            visit.house, await notice_preview.stored(visit.house, notice_id), _language(visit)
        )
    except LookupError as error:
        raise HTTPException(422, f"This notice cannot be written: {error}") from None
    return visit.show(
        "console/notice.html", number=number, notice=page, wording=wording, languages=NOTICE_LANGUAGES, kinds=(),
        back=f"/case/{number}", at=f"/case/{number}/notice/{notice_id}",
    )  # fmt: skip


async def example(visit: Visit) -> Response:
    """What a kind of notice looks like; `?kind=reminder&language=zh`."""
    kinds = [kind.value for kind in NoticeKind]
    chosen = visit.asked("kind")
    kind = NoticeKind(chosen if chosen in kinds else kinds[0])
    try:
        wording = notice_preview.shown(visit.house, notice_preview.example(visit.house, kind), _language(visit) or "en")
    except LookupError as error:
        raise HTTPException(422, f"This notice cannot be written: {error}") from None
    return visit.show(
        "console/notice.html", number="", notice=None, wording=wording, languages=NOTICE_LANGUAGES, kinds=kinds,
        kind=kind.value, back="/cases", at="/notices",
    )  # fmt: skip


def _language(visit: Visit) -> str | None:
    said = visit.asked("language")
    return said if said in NOTICE_LANGUAGES else None


async def _letter(visit: Visit) -> Any:
    async with visit.house.database.reading() as connection:
        row = await case_page.message_of(connection, cases.case_id_of(visit.text("number")), visit.number("message"))
    if row is None:
        raise HTTPException(404)
    return row


async def _evidence(visit: Visit, page: CasePage, policy: Policy, tab: str) -> Evidence | None:
    """Of the report that the address names, else of the newest."""
    newest = page.reports[0].id if page.reports else None
    chosen = visit.asked_number("report") or newest
    if chosen is None:
        return None
    found = await report_view.look(visit.house, page.line.id, chosen, policy, whole=tab in _WHOLE)
    if found is None and chosen != newest:
        raise HTTPException(404)
    return found


def _story(page: CasePage) -> list[Moment]:
    notices = {notice.id: notice for notice in page.notices}
    return [
        Moment(event, _kind(event), page.told_of.get(event.report_id or 0), notices.get(event.notice_id or 0))
        for event in page.events
    ]


def _kind(event: Any) -> str:
    what = str(event.what)
    if what == "alarm":
        return "alarm"
    if what == "note":
        return "note"
    if what.startswith("action"):
        return "action"
    if event.message_id is not None and event.notice_id is not None:
        return "answer"
    if event.notice_id is not None or what.startswith("notice"):
        return "notice"
    return "report" if event.report_id is not None else "clock"


def _results(page: CasePage) -> dict[int, str]:
    """What the proof of permission showed, by consent row."""
    return {
        row["id"]: ", ".join(f"{n} {said}" for said, n in sorted(Counter(m["result"] for m in row["results"]).items()))
        for row in page.consents
    }


PLACES = (
    Place("/case/{number}", one, Role.VIEWER, personal=True),
    Place("/case/{number}/report/{report}/source", source, Role.VIEWER, personal=True),
    Place("/case/{number}/mail/{message}", letter, Role.VIEWER, personal=True),
    Place("/case/{number}/mail/{message}/source", letter_source, Role.VIEWER, personal=True),
    Place("/case/{number}/notice/{notice}", notice, Role.VIEWER, personal=True),
    Place("/notices", example, Role.VIEWER),
)
