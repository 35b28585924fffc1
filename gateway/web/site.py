"""What all pages share: the house, the door, the templates in each language, the rail of the console.

Must never hold anything of one visit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import Response

from gateway.house import House
from gateway.store import rail
from gateway.web import console, words
from gateway.web.door import Door
from gateway.web.visit import Visit, Visitor
from gateway.web.words import LANGUAGES, PUBLIC_LANGUAGES

LANGUAGE_COOKIE = "arfgate-language"
_OUTSIDE = ("/portal/", "/report/")  # how the paths of pages for customers and reporters begin
_MOST_UPLOADS = 16  # that strangers send at the same time
_COUNTS_SECONDS = 3.0
_YEAR = 365 * 24 * 3600  # seconds
_HERE = Path(__file__).parent


class Site:
    """Made once for the application."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.door = Door(house)
        self._templates: dict[str, Environment] = {}  # by language, read when the first visitor speaks it
        self.uploading = asyncio.Semaphore(_MOST_UPLOADS)
        self.watching: dict[int, int] = {}  # account -> pages of it that are told of changes
        self._counts: tuple[float, dict[str, int]] | None = None

    def templates(self, language: str) -> Environment:
        if language not in self._templates:
            self._templates[language] = words.environment(_HERE / "templates", language)
        return self._templates[language]

    async def counts(self, *, fresh: bool = False) -> dict[str, int]:
        """What stands beside the places of the rail, some seconds old at most; `change` is the last event's number."""
        now = asyncio.get_running_loop().time()
        if fresh or self._counts is None or now - self._counts[0] >= _COUNTS_SECONDS:
            async with self.house.database.reading() as connection:
                self._counts = (now, await rail.counts(connection))
        return self._counts[1]

    def rail(self, visitor: Visitor) -> list[tuple[str, str]]:
        """Path and word of each place of staff that this one may see."""
        closed = {
            place.path
            for place in console.PLACES
            if place.role is not None and (place.role > visitor.role or (place.legal and not visitor.legal))
        }
        return [line for line in console.RAIL if line[0] not in closed]

    def language(self, visit: Visit) -> str:
        """What the visitor chose, else what the browser asks for, else English."""
        chosen = visit.request.cookies.get(LANGUAGE_COOKIE, "")
        return chosen if chosen in LANGUAGES else asked_for(visit.request, LANGUAGES)

    def speak(self, request: Request, answer: Response, language: str) -> None:
        """From now on this browser gets the pages of staff in this language."""
        if language in LANGUAGES:
            secure = request.url.scheme == "https"
            answer.set_cookie(
                LANGUAGE_COOKIE, language, max_age=_YEAR, httponly=True, samesite="lax", path="/", secure=secure
            )

    def render(self, visit: Visit, template: str, values: dict[str, Any]) -> str:
        """Every template knows: visit, visitor, language, proof (of forms), now, Role's names as may(...). A `language`
        among the values goes before what the visitor chose."""
        language = str(values.pop("language", "")) or self.language(visit)
        return (
            self.templates(language)
            .get_template(template)
            .render(
                visit=visit,
                visitor=visit.visitor,
                language=language,
                path=visit.request.url.path,
                proof=self.door.form_proof(visit.request),
                now=self.house.clock(),
                **values,
            )
        )

    def sentence(self, request: Request, status: int, text: str) -> str:
        """The page of an error: status and one sentence, in the language of the page that it stands for. Outside
        there is no first page to go to."""
        outside = f"{request.scope['path']}/".startswith(_OUTSIDE)
        spoken = PUBLIC_LANGUAGES if outside else LANGUAGES
        chosen = request.query_params.get("lang", "") if outside else request.cookies.get(LANGUAGE_COOKIE, "")
        language = chosen if chosen in spoken else asked_for(request, spoken)
        template = self.templates(language).get_template("sentence.html")
        return template.render(status=status, text=text, language=language, outside=outside)


def asked_for(request: Request, spoken: Iterable[str]) -> str:
    """The first language of ours that the browser asks for, else English."""
    wanted = request.headers.get("accept-language", "")[:200].lower().split(",")
    return next((code for w in wanted for code in spoken if w.strip().startswith(code)), "en")
