"""NetBox: prefixes and addresses with their tenant, by its REST API (read only).

NetBox keeps no history: a prefix that has another tenant than before changes hands when NetBox says that it was last
changed. Only what changed since the last run is asked for; what was deleted shows once a day, when all of it is read.
Must never follow a link to another host.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from gateway.connectors.sources.contract import Batch, Lease, Position, SourceError
from notifier.http import Fetched, NotFetched

_PAGE = 250
_SWEEP = timedelta(days=1)
_KINDS = (("prefixes", "prefix"), ("ip-addresses", "address"), ("ip-ranges", "start_address"))
_HELD = frozenset({"active", "reserved", "deprecated", "dhcp", "slaac"})


class Fetch(Protocol):
    """GET a JSON document with the token, from NetBox's own host only."""

    async def __call__(self, url: str) -> Fetched | NotFetched: ...


@dataclass(frozen=True, slots=True)
class NetBox:
    """`url` is NetBox's address without `/api`."""

    url: str
    fetch: Fetch
    clock: Callable[[], datetime]

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        now, swept = self.clock(), position.get("swept")
        sweeps = swept is None or now - datetime.fromisoformat(swept) >= _SWEEP
        since: dict[str, str] = dict(position.get("since", {}))
        seen: set[tuple[str, str]] = set()
        for kind, field in _KINDS:
            asked, newest, last = "" if sweeps else since.get(kind, ""), since.get(kind, ""), 0
            more = True
            while more:
                found = await self._page(kind, asked, last)
                rows = found.get("results") or []
                batch = Batch({"since": dict(since), "swept": swept})
                for row in rows:
                    _row(kind, field, row, batch)
                    newest = max(newest, str(row.get("last_updated") or ""))
                    last = max(last, int(row.get("id") or 0))
                seen |= {(r.ref or "", r.resource) for r in batch.records if isinstance(r, Lease)} if sweeps else set()
                more = bool(rows and found.get("next"))
                if not more:
                    since[kind] = newest  # only a kind that was read to its end moves on
                    batch.position = {"since": dict(since), "swept": swept}
                yield batch
        if sweeps:
            yield Batch({"since": dict(since), "swept": now.isoformat()}, whole=frozenset(seen))

    async def _page(self, kind: str, since: str, last: int) -> dict[str, Any]:
        """Rows behind an id: what is deleted meanwhile moves none of them out of sight."""
        asked = {"limit": str(_PAGE), "id__gt": str(last), "ordering": "id"}
        if since:
            asked["last_updated__gte"] = since
        answer = await self.fetch(f"{self.url.rstrip('/')}/api/ipam/{kind}/?{urlencode(asked)}")
        if isinstance(answer, NotFetched):
            raise SourceError(f"NetBox: {answer.detail}; check the source's url and token")
        if not isinstance(answer.data, dict) or not isinstance(answer.data.get("results", []), list):
            raise SourceError(f"NetBox: {kind}: the answer is no list; is the url NetBox's own address?")
        return answer.data


def _row(kind: str, field: str, row: Any, batch: Batch) -> None:
    try:
        number, resource = row["id"], str(row[field])
        changed = _time(row.get("last_updated")) or _time(row.get("created"))
        created = _time(row.get("created"))
        tenant = row.get("tenant")
        status = (row.get("status") or {}).get("value", "active")
        if kind == "ip-ranges":
            resource = f"{resource.partition('/')[0]}-{str(row['end_address']).partition('/')[0]}"
        elif kind == "ip-addresses":
            resource = resource.partition("/")[0]
    except (KeyError, TypeError, AttributeError, ValueError):
        batch.refuse(f"NetBox {kind}", "a row without id, address or time")
        return
    holders = (str(tenant["slug"]),) if isinstance(tenant, dict) and tenant.get("slug") else ()
    held = bool(holders) and status in _HELD
    end = None if held else changed
    batch.records.append(Lease(resource, holders, created if held else None, end, f"{kind}/{number}", seen=changed))


def _time(value: Any) -> datetime | None:
    """ISO 8601; older NetBoxes write a bare date for `created`."""
    if not value:
        return None
    found = datetime.fromisoformat(str(value))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
