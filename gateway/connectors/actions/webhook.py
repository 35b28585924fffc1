"""A signed HTTP call to an address of the operator's own choice (`notifier.webhook` says how it is signed).

Must never follow a redirect, and never call an address that did not come out of the settings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gateway.connectors.contract import ANSWER_CHARS, Done, Never, NotNow, Order, Outcome, Standing
from gateway.model import ActionKind
from notifier.notice import Deferred, Delivered
from notifier.webhook import Webhook


@dataclass(frozen=True, slots=True)
class WebhookConnector:
    """The connector: any kind of action, as one JSON document."""

    name: str
    kinds: frozenset[ActionKind]
    give_up_hours: float
    webhook: Webhook = field(repr=False)

    def takes(self, kind: ActionKind, target: str) -> bool:  # noqa: ARG002  (the other side knows)
        return kind in self.kinds

    async def carry_out(self, order: Order, standing: Standing) -> Outcome:  # noqa: ARG002  (it needs no list)
        body = json.dumps(order.document(), ensure_ascii=False, sort_keys=True).encode()
        outcome = await self.webhook.call(order.key, body)
        answer = outcome.answer[:ANSWER_CHARS]
        if isinstance(outcome, Delivered):
            return Done(answer)
        return NotNow(answer) if isinstance(outcome, Deferred) else Never(answer)
