"""The pages of the daily work in one table: queue, cases and what belongs to them.

Must never hold a page itself.
"""

from __future__ import annotations

from gateway.web.console import actions, case, case_forms, cases, legal, lists, queue, queue_bulk, texts, today, trays
from gateway.web.visit import Place

PLACES: tuple[Place, ...] = (
    *today.PLACES,
    *queue_bulk.PLACES,
    *queue.PLACES,
    *cases.PLACES,
    *case.PLACES,
    *case_forms.PLACES,
    *texts.PLACES,
    *trays.PLACES,
    *legal.PLACES,
    *actions.PLACES,
    *lists.PLACES,
)
