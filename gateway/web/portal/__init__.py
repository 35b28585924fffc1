"""The pages of people without an account: customers with a signed link, reporters with a token, the public form."""

from __future__ import annotations

from gateway.web.portal import customer, opt_out, reporters
from gateway.web.visit import Place

PLACES: tuple[Place, ...] = (*customer.PLACES, *reporters.PLACES, *opt_out.PLACES)
