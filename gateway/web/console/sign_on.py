"""To the OpenID provider and back. What has to come back unchanged waits in a signed cookie of ten minutes.

Must never take an answer that this browser did not ask for.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway import sign_on
from gateway.accounts import SignInError
from gateway.sign_on import Back, Errand
from gateway.web.console.sign_in import ask, come_in, page_of_ours
from gateway.web.visit import Place, Visit

_COOKIE = "arfgate-errand"
_SECONDS = 600


async def go(visit: Visit) -> Response:
    _only_if_set(visit)
    errand = sign_on.new_errand()
    try:
        address = await sign_on.address(visit.house, errand, _redirect(visit))
    except SignInError as error:
        return await ask(visit, str(error))
    answer = RedirectResponse(address, status_code=303)
    answer.set_cookie(
        _COOKIE,
        _kept(visit, errand),
        max_age=_SECONDS,
        path="/sign-on",
        httponly=True,
        samesite="lax",  # it comes back from another site
        secure=visit.request.url.scheme == "https",
    )
    return answer


async def back(visit: Visit) -> Response:
    _only_if_set(visit)
    errand, page = _read(visit)
    if errand is None or not hmac.compare_digest(visit.asked("state").encode(), errand.state.encode()):
        return await ask(visit, "That took too long. Begin again.")
    if not visit.asked("code"):
        return await ask(visit, "The company account did not let you in.")
    code = visit.request.query_params["code"][:2000]
    try:
        user = await sign_on.somebody(visit.house, Back(code, errand, _redirect(visit)))
    except SignInError as error:
        return await ask(visit, str(error))
    answer = await come_in(visit, user, "sign-on", page)
    answer.delete_cookie(_COOKIE, path="/sign-on")
    return answer


PLACES = (Place("/sign-on", go, None), Place("/sign-on/back", back, None))


def _only_if_set(visit: Visit) -> None:
    if visit.house.settings.sign_on.issuer is None:
        raise HTTPException(404)


def _redirect(visit: Visit) -> str:
    url = visit.request.url
    return f"{url.scheme}://{url.netloc}/sign-on/back"


def _kept(visit: Visit, errand: Errand) -> str:
    until = int(visit.house.clock().timestamp()) + _SECONDS
    page = base64.urlsafe_b64encode(quote(page_of_ours(visit.asked("back"))).encode()).decode()
    text = ".".join([errand.state, errand.nonce, errand.verifier, str(until), page])
    return f"{text}.{visit.site.door.sign('errand', text)}"


def _read(visit: Visit) -> tuple[Errand | None, str]:
    text, _, proof = visit.request.cookies.get(_COOKIE, "")[:4000].rpartition(".")
    if not hmac.compare_digest(proof.encode("utf-8", "replace"), visit.site.door.sign("errand", text).encode()):
        return None, "/"
    state, nonce, verifier, until, page = text.split(".")
    if int(until) < visit.house.clock().timestamp():
        return None, "/"
    return Errand(state, nonce, verifier), base64.urlsafe_b64decode(page).decode()
