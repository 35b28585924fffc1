"""What all pages share: the house, the door, the templates in each language, the rail of the console.

Must never hold anything of one visit.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from jinja2 import Environment

from gateway.house import House
from gateway.store import rail
from gateway.web import console, words
from gateway.web.door import Door
from gateway.web.visit import Visit, Visitor

LANGUAGES = {"en": "English", "zh": "中文"}
PUBLIC_LANGUAGES = LANGUAGES | {"ro": "Română"}  # of the pages without an account
_MOST_UPLOADS = 16  # that strangers send at the same time
_COUNTS_SECONDS = 3.0
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
        chosen = visit.request.cookies.get("arfgate-language", "")
        if chosen in LANGUAGES:
            return chosen
        wanted = visit.request.headers.get("accept-language", "")[:200].lower().split(",")
        return next((code for w in wanted for code in LANGUAGES if w.strip().startswith(code)), "en")

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

    def sentence(self, status: int, text: str) -> str:
        """The page of an error: status and one sentence."""
        return self.templates("en").get_template("sentence.html").render(status=status, text=text, language="en")
