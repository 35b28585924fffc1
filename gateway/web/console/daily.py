"""The pages of the daily work in one table: queue, cases and what belongs to them.

Must never hold a page itself.
"""

from __future__ import annotations

from gateway.web.console import case, case_forms, cases, queue, texts
from gateway.web.visit import Place

PLACES: tuple[Place, ...] = (
    *queue.PLACES,
    *cases.PLACES,
    *case.PLACES,
    *case_forms.PLACES,
    *texts.PLACES,
)
