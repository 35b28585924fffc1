"""The pages for staff: the queue with the three ways out of it, and the cases. Plain HTML, no script.

For staff on this machine, opened with the token of the settings. It decides
nothing: `gateway.queue` and `gateway.queue_rules` do. Must never show evidence as anything but text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway import queue, queue_rules
from gateway.house import House
from gateway.queue import DecidedError, NoEntryError, QueueError
from gateway.queue_rules import Terms
from gateway.queue_view import look
from gateway.store import messages
from gateway.store import queue as store
from gateway.store.database import StoreError
from gateway.web import cases, words
from gateway.web.door import Door
from gateway.web.guard import Guard

WHO = "queue page"  # there are no accounts: whoever knows the token
_HERE = Path(__file__).parent
_GROUPS = 200  # shown at once
_ACCOUNTS = 1000  # offered while typing
_STATIC = {"queue.css": "text/css", "icon.svg": "image/svg+xml"}
_FIELD_CHARS = 600
_SENTENCES = {404: "There is no such page.", 405: "This page cannot be used in that way."}


def page(house: House) -> FastAPI:
    """The application that uvicorn serves."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = _Pages(house)
    quiet: dict[str, Any] = {"include_in_schema": False, "response_model": None}
    app.add_api_route("/", pages.queue, methods=["GET"], **quiet)
    app.add_api_route("/static/{name}", pages.static, methods=["GET"], **quiet)
    app.add_api_route("/entry/{entry_id}", pages.entry, methods=["GET"], **quiet)
    app.add_api_route("/entry/{entry_id}/mail", pages.mail, methods=["GET"], **quiet)
    app.add_api_route("/entry/{entry_id}/assign", pages.assign, methods=["POST"], **quiet)
    app.add_api_route("/entry/{entry_id}/preview", pages.preview, methods=["POST"], **quiet)
    app.add_api_route("/entry/{entry_id}/rule", pages.rule, methods=["POST"], **quiet)
    app.add_api_route("/entry/{entry_id}/reject", pages.reject, methods=["POST"], **quiet)
    app.add_api_route("/cases", pages.cases, methods=["GET"], **quiet)
    app.add_api_route("/case/{number}", pages.case, methods=["GET"], **quiet)
    app.add_exception_handler(HTTPException, pages.http_error)
    app.add_exception_handler(RequestValidationError, pages.bad_address)
    app.add_exception_handler(QueueError, pages.cannot)
    app.add_exception_handler(StoreError, pages.no_database)
    app.add_middleware(Guard, refuse=pages.sentence)
    return app


class _Pages:
    """One method for each address. All but the style sheet want the cookie."""

    def __init__(self, house: House) -> None:
        self.house = house
        web = house.settings.web
        self.door = Door(web.token.get_secret_value() if web.token else None, house.key("web"))
        self.templates = words.environment(_HERE / "templates")

    async def queue(self, request: Request) -> Response:
        """The list; on a wide screen with the first entry beside it."""
        token = request.query_params.get("token")
        if token is not None and self.door.knows(token):
            answer: Response = RedirectResponse("/", status_code=303)
            self.door.let_in(answer)
            return answer
        self._only_staff(request)
        return await self._show(request, None)

    async def static(self, name: str) -> Response:
        if name not in _STATIC:
            raise HTTPException(404)
        return Response((_HERE / "static" / name).read_bytes(), media_type=_STATIC[name])

    async def entry(self, request: Request, entry_id: int) -> Response:
        self._only_staff(request)
        return await self._show(request, entry_id)

    async def mail(self, request: Request, entry_id: int) -> Response:
        """The bytes as they came, to be saved and never shown."""
        self._only_staff(request)
        entry = await queue.entry(self.house, entry_id)
        async with self.house.database.reading() as connection:
            raw = await messages.raw(connection, entry.report_id)
        if raw is None:
            raise HTTPException(404)
        told = {"content-disposition": f'attachment; filename="arfgate-entry-{entry_id}.eml"'}
        return Response(raw, media_type="application/octet-stream", headers=told)

    async def assign(self, request: Request, entry_id: int) -> Response:
        form = await self._form(request)
        try:
            await queue.assign(self.house, entry_id, _account(form), WHO, _field(form, "which") or None)
        except QueueError as error:
            return await self._refused(request, entry_id, form, error)
        return RedirectResponse(f"/?last={entry_id}", status_code=303)

    async def preview(self, request: Request, entry_id: int) -> Response:
        """What a rule would place; nothing is changed before the next page's button."""
        form = await self._form(request)
        try:
            rule, would = await queue_rules.preview_rule(self.house, entry_id, _terms(form))
        except QueueError as error:
            return await self._refused(request, entry_id, form, error)
        return self._page(request, "preview.html", entry_id=entry_id, rule=rule, would=would, form=_plain(form))

    async def rule(self, request: Request, entry_id: int) -> Response:
        form = await self._form(request)
        try:
            _, placed = await queue_rules.assign_rule(self.house, entry_id, _terms(form), WHO)
        except QueueError as error:
            return await self._refused(request, entry_id, form, error)
        return RedirectResponse(f"/?last={entry_id}&count={len(placed)}", status_code=303)

    async def reject(self, request: Request, entry_id: int) -> Response:
        form = await self._form(request)
        alike = _field(form, "alike") == "yes"
        try:
            done = await queue.reject(self.house, entry_id, _field(form, "reason"), WHO, alike=alike)
        except QueueError as error:
            return await self._refused(request, entry_id, form, error)
        return RedirectResponse(f"/?last={entry_id}&count={len(done)}", status_code=303)

    async def cases(self, request: Request) -> Response:
        self._only_staff(request)
        return self._page(request, "cases.html", **await cases.listing(self.house, request))

    async def case(self, request: Request, number: str) -> Response:
        self._only_staff(request)
        return self._page(request, "case.html", **await cases.one(self.house, number))

    # --- what all share ----------------------------------------------------------------

    async def _show(
        self,
        request: Request,
        entry_id: int | None,
        form: dict[str, str] | None = None,
        error: str = "",
        status: int = 200,
    ) -> Response:
        async with self.house.database.reading() as connection:
            groups = await store.groups(connection, _GROUPS)
            waiting = await store.count(connection)
            accounts = await store.accounts_by_name(connection, _ACCOUNTS)
        chosen = entry_id if entry_id is not None else next((g.entry.id for g in groups), None)
        view = await look(self.house, chosen) if chosen is not None else None
        group = next((g for g in groups if view and g.entry.id in view.alike), None)
        return self._page(
            request,
            "queue.html",
            status,
            groups=groups,
            group=group,
            waiting=waiting,
            view=view,
            opened=entry_id is not None,
            accounts=accounts,
            form=form or {},
            error=error,
            last=await self._last(request),
            nameless=queue.NAMELESS,
        )

    async def _last(self, request: Request) -> dict[str, Any] | None:
        """What was decided just before, read from the database: an address can only name the entry."""
        number, count = request.query_params.get("last", ""), request.query_params.get("count", "1")
        if not (number.isascii() and number.isdecimal() and len(number) < 18):
            return None
        try:
            entry = await queue.entry(self.house, int(number))
        except NoEntryError:
            return None
        many = int(count) if count.isascii() and count.isdecimal() and len(count) < 7 else 1
        return {"entry": entry, "count": many} if entry.queue != store.WAITING else None

    async def _form(self, request: Request) -> FormData:
        self._only_staff(request)
        form = await request.form(max_files=0, max_fields=20)
        if not self.door.sent_by_us(request, _field(form, "proof")):
            raise HTTPException(403, "This form is out of date. Open the queue again and repeat it.")
        return form

    async def _refused(self, request: Request, entry_id: int, form: FormData, error: QueueError) -> Response:
        if isinstance(error, NoEntryError):
            raise error
        status = 409 if isinstance(error, DecidedError) else 422
        return await self._show(request, entry_id, _plain(form), str(error), status)

    def _only_staff(self, request: Request) -> None:
        if self.door.is_in(request):
            return
        web = self.house.settings.web
        where = f"in the file {web.token_file}" if web.token_file else "in the setting web.token"
        raise HTTPException(403, f"Open this page as http://{web.host}:{web.port}/?token=TOKEN. The token is {where}.")

    def _page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        proof = self.door.form_proof(request)
        text = self.templates.get_template(name).render(proof=proof, now=self.house.clock(), **values)
        return HTMLResponse(text.encode("utf-8", "replace"), status)

    # --- errors ------------------------------------------------------------------------

    def sentence(self, status: int, text: str) -> Response:
        page = self.templates.get_template("sentence.html").render(status=status, text=text)
        return HTMLResponse(page.encode("utf-8", "replace"), status)

    async def http_error(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = error.detail if error.status_code in {403, 413} else ""
        return self.sentence(error.status_code, told or _SENTENCES.get(error.status_code, "That cannot be done here."))

    async def bad_address(self, *_: Any) -> Response:
        return self.sentence(404, _SENTENCES[404])

    async def cannot(self, _: Request, error: Exception) -> Response:
        return self.sentence(404 if isinstance(error, NoEntryError) else 422, str(error))

    async def no_database(self, _: Request, error: Exception) -> Response:
        return self.sentence(503, str(error))


def _field(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip()[:_FIELD_CHARS] if isinstance(value, str) else ""


def _plain(form: FormData) -> dict[str, str]:
    names = ("account", "other", "which", "resource", "from", "to", "reason", "alike")
    return {name: _field(form, name) for name in names}


def _account(form: FormData) -> str:
    """The account that was typed, else the candidate that was chosen. Raises QueueError."""
    account = _field(form, "other") or _field(form, "account")
    if not account:
        raise QueueError("Choose a candidate, or write a customer's key.")
    return account


def _terms(form: FormData) -> Terms:
    start, end = _field(form, "from"), _field(form, "to")
    return Terms(
        _account(form),
        queue_rules.moment(start),
        queue_rules.moment(end) if end else None,
        _field(form, "resource") or None,
    )
