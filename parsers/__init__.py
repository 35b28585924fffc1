"""Bytes -> Parsed: what a message says. Pure: no database, network, clock or settings file.

`parse()` is the package's face and the only place where a bug in a format is caught: the
message becomes `unreadable` and is kept for a person.
"""

from __future__ import annotations

from parsers import findings, registry
from parsers.envelope import structure
from parsers.errors import ParserError
from parsers.message import Message, read_envelope
from parsers.report import Envelope, Kind, Limits, Parsed
from parsers.scan import Headers

__all__ = ["Limits", "Parsed", "parse"]

DEFAULT_LIMITS = Limits()
# Enough for the envelope of a message whose header is itself what cannot be read.
_SALVAGED_BYTES = 64 * 1024


def parse(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Parsed:
    """What `raw` (one message as it was received) says. Never raises: what cannot be read is `unreadable`."""
    try:
        return findings.examined(registry.read(Message(structure(raw, limits), limits)))
    except ParserError as error:
        return _unreadable(raw, str(error))
    except MemoryError:
        return _unreadable(raw, "reading it needs more memory than there is")
    except RecursionError:
        return _unreadable(raw, "it is nested too deeply")
    except Exception as error:  # noqa: BLE001  one message must never stop the batch; the text names the bug
        return _unreadable(raw, f"a format failed on it: {type(error).__name__}: {str(error)[:200]}")


def _unreadable(raw: bytes, error: str) -> Parsed:
    """The envelope is still shown where the beginning of the header can be read."""
    try:
        envelope = read_envelope(Headers(raw[:_SALVAGED_BYTES].lstrip(), _SALVAGED_BYTES))
    except Exception:  # noqa: BLE001  what broke the reading may break this too
        envelope = Envelope()
    return Parsed(Kind.UNREADABLE, None, envelope, error=error)
