"""The pages of people who report: the form, the link that confirms it, what was missing, what became of it.

Must never show anything of a report, name a customer or a sanction, or act on a mere visit: programs that check mail
open every link in it.
"""

from __future__ import annotations

import ipaddress

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import knocking, reporter_page
from gateway.intake import form
from gateway.intake.form import Incident, Letter
from gateway.pages import NotSaidError, WrongLinkError
from gateway.web.portal import customer, entry, words
from gateway.web.visit import Place, Visit, whole
from notifier.headers import is_address

_LONGEST = 60_000  # characters of a pasted mail
_LONGEST_WORDS = 4_000
_TYPED = ("email", "kind", "words", "pasted", "address", "port", "when", "url")


# --- the form (CON-6) ------------------------------------------------------------------


async def show_form(visit: Visit) -> Response:
    await _offered(visit)
    return _form(visit)


async def take_form(visit: Visit) -> Response:
    """Whoever fills the field that nobody sees is a program, and is told the same as everybody."""
    await _offered(visit)
    tongue = entry.language(visit)
    if not visit.field("website"):
        most = visit.house.settings.portal.form_network_hourly
        if not await knocking.knock(visit.house, {knocking.of_network("forms", visit.client): most}):
            raise HTTPException(429, "Too many reports came from your network. Please come back in an hour.")
        try:
            kind = visit.field("kind")
            category = kind if kind in form.MAILS else None  # else the document says it
            await reporter_page.send(visit.house, await _letter(visit), tongue, category)
        except NotSaidError as error:
            return _form(visit, str(error))
    return visit.go(f"/report?done=sent&lang={tongue}")


async def _offered(visit: Visit) -> None:
    await entry.admit(visit)
    settings = visit.house.settings
    if not settings.portal.report_form or not settings.replies.enabled:
        raise HTTPException(404)


def _form(visit: Visit, error: str = "") -> Response:
    typed = {name: visit.field(name, _LONGEST) for name in _TYPED}
    return entry.show(
        visit, "report", "/report", entry.language(visit), 422 if error else 200, error=error, typed=typed
    )


async def _letter(visit: Visit) -> Letter:
    """The form as a mail. Raises NotSaidError."""
    sender, kind = visit.field("email"), visit.field("kind")
    if not is_address(sender):
        raise NotSaidError("Please give your mail address: we send a link there to confirm the report.")
    if kind not in words.KINDS:
        raise NotSaidError("Please choose what you report.")
    operator, now = visit.house.settings.operator, visit.house.clock()
    said = f"{words.KINDS[kind]}\n\n{visit.field('words', _LONGEST_WORDS)}"
    subject = f"Report by the form: {words.KINDS[kind]}"
    if kind in form.MAILS:
        text, mails = await _mails(visit)
        return Letter(sender, operator.address, subject, f"{said}\n\n{text}", now, mails=mails)
    return Letter(
        sender, operator.address, subject, said, now, parts=(form.xarf(_incident(visit, kind), sender, said),)
    )


async def _mails(visit: Visit) -> tuple[str, tuple[bytes, ...]]:
    """What was pasted, and the mails that were attached. Raises NotSaidError."""
    pasted, mails = visit.field("pasted", _LONGEST), tuple(content for _, content in await visit.uploads("mail"))
    if not pasted and not mails:
        raise NotSaidError("Please attach the reported mail as a file, or paste its complete source.")
    return ("" if mails else pasted), mails


def _incident(visit: Visit, kind: str) -> Incident:
    """Raises NotSaidError."""
    now = visit.house.clock()
    at = customer.moment(visit.field("when"))
    url, address = visit.field("url", 2000), visit.field("address", 60)
    if kind in form.SITES:
        if not url.startswith(("http://", "https://")):
            raise NotSaidError("Please give the address of the web page, with http:// or https:// before it.")
        return Incident(kind, at or now, url=url)
    try:
        address = str(ipaddress.ip_address(address))
    except ValueError:
        raise NotSaidError("Please give the address that it came from, like 192.0.2.1.") from None
    if at is None or at > now:
        raise NotSaidError("Please say when it happened (UTC), at the latest now.")
    port = whole(visit.field("port"))
    return Incident(kind, at, address, port if port and port < 65536 else None)


# --- links -----------------------------------------------------------------------------


async def ask_confirmation(visit: Visit) -> Response:
    """A button: looking alone confirms nothing. Whether the link is any good shows when it is pressed."""
    await entry.admit(visit)
    return _on_link(visit, "confirm", "confirm")


async def confirm(visit: Visit) -> Response:
    await entry.admit(visit)
    try:
        token = await reporter_page.confirm(visit.house, visit.text("token"))
    except WrongLinkError:
        return _gone(visit)
    except NotSaidError as error:
        return _on_link(visit, "confirm", "confirm", str(error))
    return visit.go(f"/report/status/{token}?done=confirmed&lang={entry.language(visit)}")


async def ask_missing(visit: Visit) -> Response:
    await entry.admit(visit)
    try:
        await reporter_page.waiting(visit.house, visit.text("token"))
    except WrongLinkError:
        return _gone(visit)
    return _on_link(visit, "complete", "complete")


async def complete(visit: Visit) -> Response:
    await entry.admit(visit)
    try:
        about = await reporter_page.waiting(visit.house, visit.text("token"))
        text, mails = await _mails(visit)
        token = await reporter_page.complete(visit.house, about, text, mails)
    except WrongLinkError:
        return _gone(visit)
    except NotSaidError as error:
        return _on_link(visit, "complete", "complete", str(error))
    return visit.go(f"/report/status/{token}?done=completed&lang={entry.language(visit)}")


async def status(visit: Visit) -> Response:
    await entry.admit(visit)
    try:
        standing = await reporter_page.status(visit.house, visit.text("token"))
    except WrongLinkError:
        return _gone(visit)
    here = f"/report/status/{visit.text('token')}"
    return entry.show(visit, "status", here, entry.language(visit), standing=standing)


def _on_link(visit: Visit, template: str, path: str, error: str = "") -> Response:
    here = f"/report/{path}/{visit.text('token')[:100]}"
    return entry.show(visit, template, here, entry.language(visit), 422 if error else 200, error=error)


def _gone(visit: Visit) -> Response:
    return entry.show(visit, "lost", "/report", entry.language(visit), 404)


PLACES = (
    Place("/report", show_form, None),
    Place("/report", take_form, None, "POST", uploads=True),
    Place("/report/confirm/{token}", ask_confirmation, None),
    Place("/report/confirm/{token}", confirm, None, "POST"),
    Place("/report/complete/{token}", ask_missing, None),
    Place("/report/complete/{token}", complete, None, "POST", uploads=True),
    Place("/report/status/{token}", status, None),
)
