"""The addresses of the pages without an account, as mails print them; None where the page does not exist.

A link is printed only where its page is served and `public_url` says where. The same notice
has the same link however often it is tried: it is made from the notice's own time. Must never look anything up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway import links
from gateway.house import House
from gateway.links import Link, LinkKind
from gateway.store.notices import StoredNotice
from notifier.notice import REPLIES, TO_OTHERS, TO_STAFF, NoticeKind

_STOP_DAYS = 3660  # nobody is told that it is too late to say no
_NOT_FOR_CUSTOMERS = REPLIES | TO_OTHERS | TO_STAFF | {NoticeKind.SELF_TEST}


class WrongLinkError(Exception):
    """The link opens nothing (any more). Says nothing else."""


class NotSaidError(Exception):
    """Something is missing in what was sent. The text is a sentence of the pages, in English."""


def public(house: House) -> str | None:
    """Where the pages are, without a slash at the end."""
    settings = house.settings
    return settings.public_url.rstrip("/") if settings.public_url and settings.web.enabled else None


def of_notice(house: House, notice: StoredNotice) -> str | None:
    """The page that a notice names: the case to a customer, to a reporter what is missing or what became of it."""
    if public(house) is None:
        return None
    kind, made_at = NoticeKind(notice.kind), notice.created_at
    if kind is NoticeKind.CONFIRM_REPORT:
        return confirmation(house, notice.facts["message"], notice.to, made_at)
    if kind is NoticeKind.INCOMPLETE and notice.facts.get("held") is not None:
        days = house.settings.replies.hold_days
        return _page(house, "report/complete", _token(house, "h", notice.facts["held"], notice.to, made_at, days))
    if kind in REPLIES and notice.facts.get("number"):
        return status(house, message_of(str(notice.facts["number"])), notice.to, made_at)
    if notice.case_id is not None and kind not in _NOT_FOR_CUSTOMERS:
        return case(house, notice.case_id, notice.to, made_at)
    return None


def case(house: House, case_id: int, contact: str, made_at: datetime) -> str | None:
    """A case for one contact of its customer."""
    return _page(house, "portal/case", _token(house, "c", case_id, contact, made_at, house.settings.portal.link_days))


def confirmation(house: House, message_id: int, address: str, made_at: datetime) -> str | None:
    """Where the sender of a form says that it was them."""
    return _page(
        house, "report/confirm", _token(house, "f", message_id, address, made_at, house.settings.replies.hold_days)
    )


def opt_out(house: House, notice: StoredNotice) -> str | None:
    """Where a contact outside says that it wants no more of this."""
    return _page(house, "portal/stop", _token(house, "o", notice.id, notice.to, notice.created_at, _STOP_DAYS))


def status(house: House, message_id: int, address: str, made_at: datetime) -> str | None:
    """What became of a report."""
    return _page(house, "report/status", status_token(house, message_id, address, made_at))


def status_token(house: House, message_id: int, address: str, made_at: datetime) -> str:
    return _token(house, "s", message_id, address, made_at, house.settings.portal.status_days)


def read(house: House, text: str, kind: LinkKind) -> Link | None:
    """The link that a token stands for, where it is genuine and holds."""
    return links.read(text, kind, house.key("portal"), house.clock())


def message_of(number: str) -> int:
    """The message of a report's number: 123 of `R-2026-000123`."""
    digits = number.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdecimal() else 0


def _token(house: House, kind: LinkKind, number: int, address: str, made_at: datetime, days: int) -> str:
    return links.token(kind, number, address, made_at + timedelta(days=days), house.key("portal"))


def _page(house: House, path: str, token: str) -> str | None:
    at = public(house)
    return f"{at}/{path}/{token}" if at else None
