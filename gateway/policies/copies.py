"""Who above a customer hears of what it was told (SES-2). As in `rules`."""

from __future__ import annotations

from typing import Literal

from gateway.policies.rules import Rules


class Copies(Rules):
    """A customer answers for its customers: those above it in the tree."""

    up_the_tree: Literal["none", "next", "all"] = "none"
    """Copies of what a customer was told: to "none", to the "next" one above it, or to "all" above it."""
