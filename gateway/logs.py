"""Log lines to standard error: one line per event, UTC, with the message's id on every line.

`configure()` once at start; `bind_message()` around the work on one message. Whatever other
libraries log comes out in the same form. Must never let a secret, or a control character of a
mail, reach the line (SEC-4), nor a mail's content: libraries that log it are kept at warnings.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Literal, TextIO

import structlog
from pydantic import SecretStr
from structlog.typing import Processor

HIDDEN = "(hidden)"
_MAX_TEXT_CHARS = 2_000
_MAX_TRACE_CHARS = 16_000
_MAX_ITEMS = 50
_MAX_DEPTH = 4
_TALKATIVE = ("aioimaplib", "aiosqlite", "apscheduler", "asyncio", "httpcore", "httpx", "mail.log", "pymap", "uvicorn")

_SECRET_KEY = re.compile(r"passw|secret|token|authorization|cookie|api_?key|credential", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^\s/:@]{0,256}:)[^\s/@]{1,256}@")
# C0, DEL, C1, line and paragraph separators, zero-width and bidirectional controls
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def configure(level: str = "info", form: Literal["json", "text"] = "json", stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (default: standard error).

    Replaces what was configured before. `level` and `form` are `log.level` and `log.format` of the settings.
    """
    out = stream or sys.stderr
    written: list[Processor] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        clean,
        _json_line if form == "json" else _text_line,
    ]
    own: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level]
    structlog.configure(
        # Straight to the stream: through the standard library a line costs four times as much.
        processors=[*own, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(out),
        cache_logger_on_first_use=False,  # a logger made before configure() must follow it
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))


class _Lines:
    """Writes lines. One that cannot be written (a full disk, a stream that somebody closed) is lost: what is logged
    must never stop the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


@contextmanager
def bind_message(message_id: int | str) -> Iterator[None]:
    """Every line logged inside, also by other libraries and in awaited code, names the message."""
    with structlog.contextvars.bound_contextvars(message_id=message_id):
        yield


def clean(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets, spell control characters out, and bound every value. A structlog processor."""
    return {clean_text(str(key)): _clean(str(key), value, 0) for key, value in event.items()}


def clean_text(text: str, most: int = _MAX_TEXT_CHARS) -> str:
    """`text` for a log line or a terminal: no controls, no password in a URL, at most `most` characters."""
    if len(text) > most:
        text = f"{text[:most]}... ({len(text)} characters)"
    if text.isascii() and text.isprintable() and "://" not in text:  # nearly everything
        return text
    return _UNSAFE.sub(_spelt, _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text))


@lru_cache(maxsize=1000)  # the same few dozen names in every line
def _names_a_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _clean(key: str, value: object, depth: int) -> object:
    if isinstance(value, SecretStr) or (_names_a_secret(key) and value is not None):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return f"{len(value)} bytes"  # a mail, or a part of one
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        items = list(value.items())[:_MAX_ITEMS]
        return {clean_text(str(name)): _clean(str(name), inner, depth + 1) for name, inner in items}
    if depth < _MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, inner, depth + 1) for inner in list(value)[:_MAX_ITEMS]]
    return clean_text(str(value), _MAX_TRACE_CHARS if key == "exception" else _MAX_TEXT_CHARS)


def _spelt(match: re.Match[str]) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(match[0], f"\\u{ord(match[0]):04x}")


def _json_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    first = {key: event[key] for key in ("time", "level", "event") if key in event}
    return json.dumps({**first, **event}, ensure_ascii=False)


def _text_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """`2026-01-02T03:04:05Z info     mail stored  message_id=7 mailbox=abuse`."""
    head = f"{event.pop('time', '')} {event.pop('level', ''):<8} {event.pop('event', '')}"
    rest = " ".join(f"{key}={_word(value)}" for key, value in event.items())
    return f"{head}  {rest}" if rest else head


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and (not text or " " in text) else text
