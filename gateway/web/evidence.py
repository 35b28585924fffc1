"""Mails as they came, from an address of their own: it needs no cookie, sets none, and is good for a minute.

A page of staff checks the account, writes the look down and sends the browser here. Whatever a mail holds, it comes
as a download of unknown type (`nosniff`), from a place where there is nobody to act as. Must never be handed out
without such a page, nor live longer.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.store import messages
from gateway.web.visit import Place, Visit

Kind = Literal["report", "message"]
SECONDS = 60
_MOST_CHARS = 300
_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def hand_out(visit: Visit, kind: Kind, number: int, name: str) -> Response:
    """Send the browser to the bytes of this message, or of the one that brought this report, to be saved as
    `arfgate-NAME.eml`. `name`: made by the caller, of letters, digits and hyphens."""
    until = int(visit.house.clock().timestamp()) + SECONDS
    text = f"{kind}.{number}.{until}.{name}"
    return visit.go(f"/evidence/{text}.{_proof(visit, text)}")


async def fetch(visit: Visit) -> Response:
    text, _, proof = visit.text("signed")[:_MOST_CHARS].rpartition(".")
    if not hmac.compare_digest(proof.encode("utf-8", "replace"), _proof(visit, text).encode()):
        raise HTTPException(404)
    kind, number, until, name = text.split(".")
    if int(until) < visit.house.clock().timestamp():
        raise HTTPException(403, "This address was good for a minute. Save the mail from its page again.")
    async with visit.house.database.reading() as connection:
        if kind == "report":
            raw = await messages.raw(connection, int(number))
        else:
            raw = (await messages.raws(connection, [int(number)])).get(int(number))
    if raw is None:
        raise HTTPException(404)
    answer = visit.download(raw, f"arfgate-{name}.eml")
    answer.headers["content-security-policy"] = _POLICY
    return answer


PLACES = (Place("/evidence/{signed}", fetch, None),)


def _proof(visit: Visit, text: str) -> str:
    return hmac.digest(visit.house.key("evidence"), text.encode("utf-8", "replace"), hashlib.sha256).hex()
