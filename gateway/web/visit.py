"""One visit of one page: the request, who stands behind it, and the ways to answer.

`Place` is a line of the table of pages: path, what answers it, and who may. `gateway.web.app` walks the
tables and checks role, form proof and size before anything of a page runs, so no page can forget one.
Must never decide anything, nor let a visitor's text into a header or markup unescaped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.roles import Role

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.web.site import Site

__all__ = ["Place", "Role", "Visit", "Visitor", "whole"]

_FIELD_CHARS = 600
_MOST_DIGITS = 10  # with leading zeros it is no number of ours
_MOST_NUMBER = 2**31 - 1  # what the databases' integer keys hold


@dataclass(frozen=True, slots=True)
class Visitor:
    """A member of staff. `legal`: one of the named few who see the legal lane, there known by `email`. `session`:
    number of the session; None: a program with a key."""

    name: str
    role: Role
    legal: bool = False
    email: str = ""
    user_id: int = 0
    session: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """`role`: the least that is needed; None: a page without account (portal, reporters, signing in), which proves
    by itself what its visitor may see. `personal`: seeing it is written to the access log. `legal`: named staff only.
    `most_body`: bytes of its form, attachments included; `files`: how many it may hold. `uploads`: both are what the
    section [portal] of the settings says. `live`: asked for by a page, not by a person: it keeps nobody signed in."""

    path: str
    answer: Callable[[Visit], Awaitable[Response]]
    role: Role | None
    method: Literal["GET", "POST"] = "GET"
    personal: bool = False
    legal: bool = False
    files: int = 0
    most_body: int = 64 * 1024
    uploads: bool = False
    live: bool = False


@dataclass
class Visit:
    """`visitor` is None on pages without account only. `form` holds what was sent, its proof checked already."""

    request: Request
    site: Site
    place: Place
    visitor: Visitor | None
    form: FormData = field(default_factory=FormData)
    counts: dict[str, int] = field(default_factory=dict)  # beside the places of the rail

    @property
    def house(self) -> House:
        return self.site.house

    @property
    def who(self) -> str:
        """The name under which decisions are written."""
        assert self.visitor is not None
        return self.visitor.name

    def may(self, role: Role) -> bool:
        return self.visitor is not None and self.visitor.role >= role

    # --- what was asked ------------------------------------------------------------------

    def number(self, name: str) -> int:
        """A whole number of the path. Raises HTTPException (404)."""
        value = whole(str(self.request.path_params[name]))
        if value is None:
            raise HTTPException(404)
        return value

    def text(self, name: str) -> str:
        """A piece of the path as text."""
        return str(self.request.path_params[name])

    def asked(self, name: str, otherwise: str = "") -> str:
        """A value of the address's query, bounded."""
        return self.request.query_params.get(name, otherwise).strip()[:_FIELD_CHARS]

    def asked_number(self, name: str) -> int | None:
        return whole(self.asked(name))

    def field(self, name: str, most: int = _FIELD_CHARS) -> str:
        """A field of the form as text, at most so many characters; an upload is none."""
        value = self.form.get(name, "")
        return value.strip()[:most] if isinstance(value, str) else ""

    def fields(self, name: str, most: int = 1000) -> list[str]:
        """All values of a field that was sent several times (ticked rows)."""
        return [value.strip()[:_FIELD_CHARS] for value in self.form.getlist(name)[:most] if isinstance(value, str)]

    def plain(self, names: Iterable[str]) -> dict[str, str]:
        """These fields, to be shown again beside a mistake."""
        return {name: self.field(name) for name in names}

    async def uploads(self, name: str) -> list[tuple[str, bytes]]:
        """File name and bytes of each file that was sent; the whole request is bounded already."""
        files = [value for value in self.form.getlist(name) if isinstance(value, UploadFile)]
        return [((file.filename or "file")[:_FIELD_CHARS], await file.read()) for file in files if file.filename]

    # --- answers -------------------------------------------------------------------------

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page in the visitor's language. Staff pages extend `frame.html`, others `public.html`."""
        return HTMLResponse(self.site.render(self, template, values).encode("utf-8", "replace"), status)

    @property
    def client(self) -> str:
        """The address of who asks."""
        return self.request.client.host if self.request.client else ""

    def go(self, path: str) -> Response:
        """To another page after a form was worked (303). `path`: one of ours, made by the caller."""
        return RedirectResponse(path, status_code=303)

    def download(self, content: bytes, name: str) -> Response:
        """Bytes to be saved, never shown. `name`: made by the caller, without anything of a report's."""
        told = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/octet-stream", headers=told)


def whole(text: str) -> int | None:
    """A number as it stands in an address; None: it is none that the database could hold."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        return None
    return found if (found := int(text)) <= _MOST_NUMBER else None
