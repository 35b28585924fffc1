"""May this client send for this domain (SPF, RFC 7208): pyspf's evaluation over our own resolver.

pyspf asks as it goes along and cannot wait. So it is run until it wants an answer that is not there, the answer is
fetched, and it is run again: the second run meets the first's answers. Bounded in steps and by the caller in time.
Must never be asked where the client is not known from our own border's Received line.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import spf

from notifier.dns import LookupFailed, RecordKind

MOST_LOOKUPS = 40  # RFC 7208 section 4.6.4 allows 10 mechanisms, each with up to 10 names behind it; mail needs few
_RECORD_BYTES = 4_000

Lookup = Callable[[str, RecordKind], Awaitable["list[Any] | LookupFailed"]]


class _WantedError(Exception):
    """An answer that is not there yet."""

    def __init__(self, name: str, kind: RecordKind) -> None:
        super().__init__(name)
        self.name, self.kind = name, kind


class _Query(spf.query):  # type: ignore[misc]  # pyspf has no types
    """A query that takes its answers from a dict; CNAMEs were followed by the resolver."""

    def __init__(self, client: str, sender: str, helo: str, answers: dict[tuple[str, str], Any]) -> None:
        super().__init__(client, sender, helo, strict=True)
        self.answers = answers

    def dns(self, name: str, qtype: RecordKind, cnames: Any = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002
        name = str(name).rstrip(".").lower()
        if not name or any(not 0 < len(label) < 64 for label in name.split(".")):
            return []
        if (name, qtype) not in self.answers:
            raise _WantedError(name, qtype)
        found = self.answers[name, qtype]
        if isinstance(found, LookupFailed):
            raise spf.TempError(f"DNS: {found.reason}"[:200])
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("too many look-ups without an answer")
        return list(found)


async def check(client: str, return_path: str, helo: str, lookup: Lookup) -> tuple[str, str]:
    """(result, why): pass, fail, softfail, neutral, none, permerror or temperror, for the domain of `return_path`."""
    answers: dict[tuple[str, str], Any] = {}
    for _ in range(MOST_LOOKUPS):
        try:
            result, _, why = _Query(client, return_path, helo, answers).check()
        except _WantedError as wanted:
            found = await lookup(wanted.name, wanted.kind)
            answers[wanted.name, wanted.kind] = _bounded(found, wanted.kind)
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError, UnicodeError) as error:
            return "permerror", f"the record cannot be read ({type(error).__name__})"
        except spf.PermError as error:  # raised while the query is made: an address that is none
            return "permerror", str(error)[:120]
        else:
            return str(result), str(why)[:120]
    return "permerror", f"more than {MOST_LOOKUPS} look-ups"


def _bounded(found: list[Any] | LookupFailed, kind: RecordKind) -> list[Any] | LookupFailed:
    if isinstance(found, LookupFailed) or kind != "TXT":
        return found
    return [strings for strings in found if sum(map(len, strings)) <= _RECORD_BYTES]
