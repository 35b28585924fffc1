"""The figures of days as the tables have them: for each figure one query of (day, name, ref, step, count).

The same query counts a day for good and the days that nobody counted yet. The legal lane is in no figure. Must never
return a row for each report, nor know what was counted before: `counted` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Integer, Select, and_, case, cast, false, func, literal, or_, select

from gateway.model import CaseState, Verdict
from gateway.store.reporters import DISPUTED, FALSE
from gateway.store.tables import accounts, attributions, cases, clocks, notices, reports

KIND, SOURCE, CUSTOMER = "kind", "source", "customer"
NOTIFIED, ANSWERED = "notified", "answered"
OPENED, RESOLVED, ACKNOWLEDGED = "opened", "resolved", "acknowledged"
# What is counted together, because one change makes all of it stale; the triggers know these names.
PARTS = {
    "reports": (KIND, SOURCE, CUSTOMER),
    "notified": (NOTIFIED,),
    "answers": (ANSWERED,),
    "cases": (OPENED, RESOLVED),
    "acknowledged": (ACKNOWLEDGED,),
}
PART_OF = {figure: part for part, figures in PARTS.items() for figure in figures}
COUNTED, ACCEPTED, DISPUTED_ONE, FALSE_ONE = range(4)  # steps of SOURCE: what became of a report
QUICK, AGAIN = 1, 2  # bits of the step of ANSWERED: within 24 hours; told of before
IN_TIME = timedelta(hours=24).total_seconds()
_HOUR, _DAY = 3600, 86400  # seconds


@dataclass(frozen=True, slots=True)
class Span:
    """The days [since, until)."""

    since: date
    until: date


class Figures:
    """The queries of one dialect."""

    def __init__(self, *, is_sqlite: bool) -> None:
        self._is_sqlite = is_sqlite

    def of(self, figure: str, spans: Sequence[Span]) -> Select[Any]:
        """The rows of these days, from the tables."""
        return {
            KIND: self._kind, SOURCE: self._source, CUSTOMER: self._customer, NOTIFIED: self._notified,
            ANSWERED: self._answered, OPENED: self._opened, RESOLVED: self._resolved, ACKNOWLEDGED: self._acknowledged,
        }[figure](spans)  # fmt: skip

    def answered_in_time(self) -> ColumnElement[bool]:
        """Whether the customer answered about a resource within 24 hours of being told."""
        return self._seconds(clocks.c.notified_at, clocks.c.answered_at) <= IN_TIME

    def _kind(self, spans: Sequence[Span]) -> Select[Any]:
        return self._reports(spans, name=reports.c.category)

    def _source(self, spans: Sequence[Span]) -> Select[Any]:
        became = case(
            (reports.c.judgement == FALSE, FALSE_ONE), (reports.c.judgement == DISPUTED, DISPUTED_ONE),
            (or_(reports.c.judgement.is_not(None), reports.c.verdict == Verdict.ACCEPTED.value), ACCEPTED),
            else_=COUNTED,
        )  # fmt: skip
        return self._reports(spans, ref=func.coalesce(reports.c.reporter_id, 0), step=became)

    def _customer(self, spans: Sequence[Span]) -> Select[Any]:
        query = self._reports(spans, ref=accounts.c.customer_id, count=func.count(func.distinct(reports.c.id)))
        return query.select_from(reports).join(attributions, attributions.c.report_id == reports.c.id).join(
            accounts, accounts.c.id == attributions.c.account_id
        )  # fmt: skip

    def _reports(self, spans: Sequence[Span], **what: ColumnElement[Any]) -> Select[Any]:
        query = _rows(self.day(reports.c.received_at), **what)
        return query.where(_within(reports.c.received_at, spans), reports.c.verdict != Verdict.LEGAL.value)

    def _notified(self, spans: Sequence[Span]) -> Select[Any]:
        """From the first report about a resource to its customer being told. Resources of later rounds are left out:
        their first report belongs to the first round."""
        first = (
            select(reports.c.received_at)
            .join(attributions, attributions.c.report_id == reports.c.id)
            .where(attributions.c.clock_id == clocks.c.id)
            .order_by(attributions.c.report_id)
            .limit(1)
            .correlate(clocks)
            .scalar_subquery()
        )
        told = select(self.day(clocks.c.notified_at).label("day"), clocks.c.notified_at, first.label("first_at")).where(
            _within(clocks.c.notified_at, spans), clocks.c.round == 1
        )
        each = told.offset(0).subquery()  # as it stands: else the first report is looked up for every use of it
        took = self._seconds(each.c.first_at, each.c.notified_at)
        return _rows(each.c.day, step=self._step(took)).where(each.c.first_at.is_not(None))

    def _answered(self, spans: Sequence[Span]) -> Select[Any]:
        """Resources by the day on which their customer was told: whether it answered in time, and was told before."""
        quick, again = case((self.answered_in_time(), QUICK), else_=0), case((clocks.c.round > 1, AGAIN), else_=0)
        query = _rows(self.day(clocks.c.notified_at), step=quick + again)
        return query.where(_within(clocks.c.notified_at, spans))

    def _opened(self, spans: Sequence[Span]) -> Select[Any]:
        return _rows(self.day(cases.c.opened_at)).where(_within(cases.c.opened_at, spans))

    def _resolved(self, spans: Sequence[Span]) -> Select[Any]:
        """From the opening of a case to its resolution."""
        took = self._seconds(cases.c.opened_at, cases.c.resolved_at)
        query = _rows(self.day(cases.c.resolved_at), step=self._step(took))
        return query.where(_within(cases.c.resolved_at, spans), cases.c.state != CaseState.OPEN.value)

    def _acknowledged(self, spans: Sequence[Span]) -> Select[Any]:
        """From the receipt of a report to our reply that it was taken."""
        received = notices.c.facts["received_at"].as_string()
        asked = received if self._is_sqlite else cast(received, DateTime(timezone=True))
        took = self._seconds(asked, notices.c.sent_at)
        query = _rows(self.day(notices.c.sent_at), step=self._step(took))
        return query.where(notices.c.kind == "acknowledgement", _within(notices.c.sent_at, spans), took.is_not(None))

    def day(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """The day of a time, UTC, as 2026-01-31."""
        if self._is_sqlite:
            return func.substr(column, 1, 10)  # as times stand there; date() would read them first
        return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")

    def _seconds(self, start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[float]:
        """Between two times, nothing where there is no end; what ended before it began took no time."""
        if self._is_sqlite:
            took = (func.julianday(end) - func.julianday(start)) * 86400.0
        else:
            took = func.extract("epoch", end) - func.extract("epoch", start)
        return case((took < 0, 0.0), else_=took)

    def _step(self, seconds: ColumnElement[float]) -> ColumnElement[int]:
        """Full minutes below an hour, ten minutes below a day, hours above: steps that nobody misses."""
        took = func.round(seconds)
        step = case((took < _HOUR, 60), (took < _DAY, 600), else_=_HOUR)
        steps = took / step
        full = (cast(steps, Integer) if self._is_sqlite else func.floor(steps)) * step
        return cast(full, Integer)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def by_reporter(rows: Any) -> Select[Any]:
    """Of rows of SOURCE: `ref`, `reports`, of them `accepted`, `disputed`, `found_false`; the most reports first."""

    def of(*steps: int) -> ColumnElement[int]:
        return func.sum(case((rows.c.step.in_(steps), rows.c["count"]), else_=0))

    every = func.sum(rows.c["count"]).label("reports")
    return (
        select(
            rows.c.ref, every, of(ACCEPTED, DISPUTED_ONE, FALSE_ONE).label("accepted"),
            of(DISPUTED_ONE).label("disputed"), of(FALSE_ONE).label("found_false"),
        )
        .group_by(rows.c.ref)
        .order_by(every.desc())
    )  # fmt: skip


def _rows(day: ColumnElement[str], **what: ColumnElement[Any]) -> Select[Any]:
    name, ref, step = (what.get(key) for key in ("name", "ref", "step"))
    by = [day, *(column for column in (name, ref, step) if column is not None)]
    return select(
        day.label("day"),
        (literal("") if name is None else name).label("name"),
        (literal(0) if ref is None else ref).label("ref"),
        (literal(0) if step is None else step).label("step"),
        cast(what.get("count", func.count()), Integer).label(
            "count"
        ),  # adding up larger numbers takes PostgreSQL longer
    ).group_by(*by)


def _within(column: ColumnElement[Any], spans: Sequence[Span]) -> ColumnElement[bool]:
    return or_(
        false(), *(and_(column >= midnight(span.since), column < midnight(span.until)) for span in spans)
    )  # fmt: skip
