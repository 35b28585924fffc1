"""The parser lab: drop a mail, and see what every parser says, how it is screened, whose it is, what would go out.

Nothing is stored or sent, and the bytes are read in the worker processes only. Must never show the mail itself.
"""

from __future__ import annotations

from starlette.responses import Response

from gateway import explaining, identities
from gateway.web.visit import Place, Role, Visit
from parsers.claims import Word

MOST_BYTES = 10 * 1024 * 1024
_LINES = 100  # of each list that a mail can make long
_FACTS = (
    "feedback_type", "category", "source_ip", "source_port", "arrival_date", "incidents", "user_agent", "reporting_mta",
    "original_mail_from", "original_rcpt_to", "reported_domain", "reported_uri",
)  # fmt: skip


async def page(visit: Visit) -> Response:
    return visit.show("console/lab.html", told=None, error="", most=MOST_BYTES // 1024 // 1024)


async def examine(visit: Visit) -> Response:
    files = await visit.uploads("mail")
    name, raw = files[0] if files else ("", b"")
    error = ""
    if not raw.strip():
        error = "Choose a mail first: a file as your mail program saves it (.eml)."
    elif len(raw) > MOST_BYTES:
        error = "The mail is larger than what is looked at here."
    if error:
        return visit.show("console/lab.html", 422, told=None, error=error, most=MOST_BYTES // 1024 // 1024)
    told = await explaining.explain(visit.house, name, 0, raw)
    claims = await visit.house.workers.claims(raw)
    return visit.show(
        "console/lab.html",
        told=told,
        error="",
        most=MOST_BYTES // 1024 // 1024,
        name=name,
        size=len(raw),
        facts=_FACTS,
        lines=_LINES,
        claims=[claim for claim in claims if claim.word is not Word.NO],
        others=[claim.name for claim in claims if claim.word is Word.NO],
        who=identities.in_one_line(told["screening"]["identity"]),
        evidence=identities.evidence(told["screening"]["identity"]),
    )


PLACES = (
    Place("/lab", page, Role.ANALYST),
    Place("/lab", examine, Role.ANALYST, "POST", files=1, most_body=MOST_BYTES + 64 * 1024),
)
