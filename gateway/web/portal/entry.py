"""What all pages without an account share: is there such a page, may this network knock again, which language.

Must never look at a cookie: what staff carry gives nothing here.
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway import knocking, pages
from gateway.web.portal import words
from gateway.web.site import asked_for
from gateway.web.visit import Visit
from gateway.web.words import PUBLIC_LANGUAGES


async def admit(visit: Visit) -> None:
    """Raises HTTPException: these pages are not offered, or the network came too often."""
    if pages.public(visit.house) is None:
        raise HTTPException(404)
    most = visit.house.settings.portal.network_hourly
    if not await knocking.knock(visit.house, {knocking.of_network("pages", visit.client): most}):
        raise HTTPException(429, "Too many pages were opened from your network. Please come back in an hour.")


def language(visit: Visit, otherwise: str | None = None) -> str:
    """What was chosen on the page, else `otherwise` (the contact's), else what the browser asks for."""
    chosen = visit.asked("lang") or visit.field("lang")
    if chosen in PUBLIC_LANGUAGES:
        return chosen
    if otherwise in PUBLIC_LANGUAGES:
        return otherwise
    return asked_for(visit.request, PUBLIC_LANGUAGES)


def show(visit: Visit, template: str, here: str, tongue: str, status: int = 200, **values: Any) -> Response:
    """A page of the portal. `here`: its path, for the links to other languages."""
    operator = visit.house.settings.operator
    done = words.DONE.get(visit.asked("done"), "") if status == 200 else ""
    told = {"organisation": operator.name, "address": operator.address, "here": here, "done": done, "words": words}
    return visit.show(f"portal/{template}.html", status, language=tongue, languages=PUBLIC_LANGUAGES, **told, **values)
