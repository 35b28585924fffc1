"""The page behind the opt-out link of a mail to somebody who never asked for it (OUT-3).

Looking at it changes nothing, since machines follow the links of mails; the button does. Must never show or take
another address than the one that the link was mailed to.
"""

from __future__ import annotations

from starlette.responses import Response

from gateway import pages
from gateway.store import notices, third_parties
from gateway.web.portal import entry
from gateway.web.visit import Place, Visit


async def look(visit: Visit) -> Response:
    await entry.admit(visit)
    address, _ = await _whose(visit)
    return _page(visit, address)


async def stop(visit: Visit) -> Response:
    await entry.admit(visit)
    address, number = await _whose(visit)
    if address is not None:
        async with visit.house.database.writing() as connection:
            await third_parties.opt_out(connection, {address: number}, visit.house.clock())
    return _page(visit, address, stopped=address is not None)


async def _whose(visit: Visit) -> tuple[str | None, int]:
    """The address that the link was made for, and the notice that held it; None: the link opens nothing."""
    link = pages.read(visit.house, visit.text("token"), "o")
    if link is None:
        return None, 0
    async with visit.house.database.reading() as connection:
        notice = await notices.one(connection, link.number)
    if notice is None or not link.is_for(notice.to, visit.house.key("portal")):
        return None, 0
    return notice.to, notice.id


def _page(visit: Visit, address: str | None, *, stopped: bool = False) -> Response:
    here = f"/portal/stop/{visit.text('token')}" if address else "/portal"
    return entry.show(
        visit, "opt_out", here, entry.language(visit), 200 if address else 404, contact=address, stopped=stopped
    )


PLACES = (
    Place("/portal/stop/{token}", look, None),
    Place("/portal/stop/{token}", stop, None, "POST"),
)
