"""IANA's bootstrap files, kept fresh in a folder (RFC 9224 section 8, RD-1).

Each is asked for when it has expired, on condition that it changed; one that holds no registry never takes the place
of one that does, and a file is replaced whole or not at all. Must never be asked within a question to a registry.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from notifier import bootstrap
from notifier.headers import clean
from notifier.http import Fetched, HttpClient, HttpWhy, NotFetched

IANA = "https://data.iana.org/rdap/"
FILES = ("ipv4.json", "ipv6.json", "dns.json")
_STATE = "fetched.json"
_USUAL = timedelta(days=1)  # where the answer names no time
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(days=7)
_AFTER_FAILURE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is known of a file: its validators, and until when it is fresh (ISO 8601)."""

    etag: str | None = None
    modified: str | None = None
    fresh_until: str = ""


class BootstrapFiles:
    """`folder` is made where it is missing. `clock` gives aware UTC. `allow_hosts`: as in RdapClient (tests)."""

    def __init__(
        self,
        folder: Path,
        http: HttpClient,
        clock: Callable[[], datetime],
        base: str = IANA,
        allow_hosts: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self._http = http
        self._clock = clock
        self._base = base if base.endswith("/") else base + "/"
        self._allow_hosts = allow_hosts
        self._kept: dict[str, _Kept] | None = None
        self._next: datetime | None = None

    async def refresh(self) -> tuple[list[str], list[str]]:
        """Fetch what has expired. (names of files that changed, what went wrong in a line each). Never raises for what
        the world does; nothing is asked before its time."""
        now = self._clock()
        if self._next is not None and now < self._next:
            return [], []
        changed, wrong = [], []
        try:
            self.folder.mkdir(mode=0o755, exist_ok=True)
            kept = self._known() if self._kept is None else self._kept
            self._kept = kept
            for name in FILES:
                if not self._is_fresh(name, kept, now):
                    problem = await self._fetch(name, kept, now)
                    changed += [name] if problem is None else []
                    wrong += [problem] if problem else []
            self._write(_STATE, {name: asdict(one) for name, one in kept.items()})
        except OSError as error:
            wrong.append(f"{self.folder}: {error.strerror}")
        self._next = now + _AFTER_FAILURE
        return changed, wrong

    async def _fetch(self, name: str, kept: dict[str, _Kept], now: datetime) -> str | None:
        """None: it is new. Empty: it is as it was. Else what is wrong; the file that is there stays."""
        before = kept.get(name, _Kept()) if (self.folder / name).is_file() else _Kept()
        condition = {"If-None-Match": before.etag, "If-Modified-Since": before.modified}
        fetched = await self._http.get_json(
            self._base + name,
            allow_hosts=self._allow_hosts,
            only_hosts={_place(self._base)},
            headers={header: value for header, value in condition.items() if value} or {"Accept": "application/json"},
        )
        if isinstance(fetched, NotFetched):
            if fetched.why is not HttpWhy.NOT_MODIFIED:
                kept[name] = _Kept(before.etag, before.modified, (now + _AFTER_FAILURE).isoformat())
                return fetched.detail
            kept[name] = _Kept(before.etag, before.modified, (now + _time(fetched.fresh_for)).isoformat())
            return ""
        try:
            self._replace(name, fetched)
        except bootstrap.BootstrapError as error:
            kept[name] = _Kept(before.etag, before.modified, (now + _AFTER_FAILURE).isoformat())
            return clean(f"{fetched.url}: {error}", 400)
        kept[name] = _Kept(fetched.etag, fetched.modified, (now + _time(fetched.fresh_for)).isoformat())
        return None

    def _replace(self, name: str, fetched: Fetched) -> None:
        """Put the new file in the place of the old one. Raises BootstrapError where it is none."""
        new = self.folder / f".{name}.{os.getpid()}"
        try:
            new.write_text(json.dumps(fetched.data), encoding="utf-8")
            bootstrap.checked(new, name)
            new.replace(self.folder / name)
        finally:
            new.unlink(missing_ok=True)

    def _write(self, name: str, content: object) -> None:
        new = self.folder / f".{name}.{os.getpid()}"
        new.write_text(json.dumps(content), encoding="utf-8")
        new.replace(self.folder / name)

    def _known(self) -> dict[str, _Kept]:
        """What the last run left; whatever is odd is fetched anew."""
        try:
            said: Any = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
            return {name: _Kept(**said[name]) for name in FILES if name in said}
        except (OSError, ValueError, TypeError, RecursionError):
            return {}

    def _is_fresh(self, name: str, kept: dict[str, _Kept], now: datetime) -> bool:
        try:
            until = datetime.fromisoformat(kept[name].fresh_until)
            return now < until <= now + _LONGEST and (self.folder / name).is_file()
        except (KeyError, ValueError, TypeError):
            return False


def _time(named: timedelta | None) -> timedelta:
    return min(max(named or _USUAL, _SHORTEST), _LONGEST)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
