"""Pages of docs/ that are partly made from the code: what stands between two marks is rendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def rendered(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """`page` with each part made anew, between `<!-- NAME: rendered -->` and `<!-- end -->`."""
    for name, part in parts.items():
        opening = f"<!-- {name}: rendered -->\n"
        before, _, rest = page.partition(opening)
        _, _, after = rest.partition("<!-- end -->")
        page = f"{before}{opening}{part()}<!-- end -->{after}"
    return page
