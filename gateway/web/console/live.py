"""What tells an open page that something changed: server-sent events with the counts of the rail and a change number.

A few connections an account, bounded in all, each ended after some minutes (the browser comes again by itself), with
its session, and when the service stops. Must never hold a database connection while it waits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from gateway.web.visit import Place, Role, Visit

_LOOK_SECONDS = 2.0
_SIGNED_IN_EVERY = 10  # looks
_LOOKS = 300
_MOST, _MOST_EACH = 200, 6


async def live(visit: Visit) -> Response:
    """Too many already: 204, on which a browser asks no more."""
    watching, account = visit.site.watching, visit.visitor.user_id if visit.visitor else 0
    if sum(watching.values()) >= _MOST or watching.get(account, 0) >= _MOST_EACH:
        return Response(status_code=204)
    return StreamingResponse(_told(visit, account), media_type="text/event-stream")


async def _told(visit: Visit, account: int) -> AsyncIterator[bytes]:
    watching = visit.site.watching
    watching[account] = watching.get(account, 0) + 1
    try:
        yield b"retry: 5000\n\n"
        said: dict[str, int] = {}
        for look in range(_LOOKS):
            if visit.house.stopping or (look % _SIGNED_IN_EVERY == 0 and not await _is_in(visit)):
                return
            counts = await visit.site.counts()
            yield f"event: change\ndata: {json.dumps(counts)}\n\n".encode() if counts != said else b":\n\n"
            said = counts
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        watching[account] -= 1
        if not watching[account]:
            del watching[account]


async def _is_in(visit: Visit) -> bool:
    return await visit.site.door.visitor(visit.request, busy=False) is not None


PLACES = (Place("/live", live, Role.VIEWER, live=True),)
