"""The settings tried on demand: mailboxes, mail, database, registries; a line each, as soon as it is known.

The page is sent in pieces, so that one sees how far it is, with and without script. Must never show a secret.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from pydantic import BaseModel, SecretStr
from starlette.responses import Response, StreamingResponse

from gateway.logs import HIDDEN
from gateway.selfcheck import Result, check
from gateway.web.visit import Place, Role, Visit

_WAIT_SECONDS = 30.0  # for the mail to ourselves
_HERE = "[[results]]"  # where the lines go, in the page as it is rendered
_SHORTEST = 4  # characters; a shorter "secret" would blank words


async def page(visit: Visit) -> Response:
    settings = visit.house.settings
    return visit.show("console/settings.html", running=False, file=settings.path, warnings=settings.warnings())


async def run(visit: Visit) -> Response:
    """Tries everything; sends one mail to ourselves."""
    settings = visit.house.settings
    values = {"running": True, "file": settings.path, "warnings": settings.warnings(), "here": _HERE}
    text = visit.site.render(visit, "console/settings.html", values)
    return StreamingResponse(_pieces(visit, text), media_type="text/html; charset=utf-8")


PLACES = (
    Place("/settings", page, Role.ADMIN),
    Place("/settings", run, Role.ADMIN, "POST"),
)


async def _pieces(visit: Visit, text: str) -> AsyncIterator[bytes]:
    before, _, after = text.partition(_HERE)
    yield before.encode("utf-8", "replace")
    settings, found = visit.house.settings, []
    hidden = sorted(set(_secrets(settings)), key=len, reverse=True)
    async for result in check(settings, _WAIT_SECONDS):
        found.append(_without(result, hidden))
        line = visit.site.render(visit, "console/settings_line.html", {"result": found[-1]})
        yield line.encode("utf-8", "replace")
    end = visit.site.render(visit, "console/settings_end.html", {"results": found})
    yield (end + after).encode("utf-8", "replace")


def _without(result: Result, hidden: list[str]) -> Result:
    text = result.text
    for secret in hidden:
        text = text.replace(secret, HIDDEN)
    return Result(result.name, result.state, text)


def _secrets(value: object) -> Iterator[str]:
    """Every secret of the settings, wherever it stands."""
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        if len(text) >= _SHORTEST:
            yield text
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner)
