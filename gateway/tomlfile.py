"""Reads a TOML file, and turns what pydantic says of it into lines that a person can act on.

Shared by the settings and the policies. A line names file, key and value and says what to do;
the value of a secret is never shown, and neither is that of an unknown key (it may be a
misspelt secret). Must never know what a particular setting means.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from gateway.tomllines import Steps, line_of, lines_of

MAX_FILE_BYTES = 1024 * 1024
_SHOWN_CHARS = 80
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class TomlFileError(Exception):
    """The file could not be read at all. The text names it and the line, and says what to do."""


def read_toml(path: Path) -> dict[str, Any]:
    """The file as nested dicts. Raises TomlFileError with one line for a person."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise TomlFileError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise TomlFileError(f"{path}: cannot be read ({error.strerror}); check its owner and mode") from None
    if len(raw) > MAX_FILE_BYTES:
        raise TomlFileError(f"{path}: larger than {MAX_FILE_BYTES} bytes; this is not the file that was meant")
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TomlFileError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise TomlFileError(f"{path}: not valid TOML: {shown(error)}; correct that line") from None


def problems(error: ValidationError, path: Path, model: type[BaseModel], environment_prefix: str = "") -> list[str]:
    """One line for each problem. `environment_prefix` names the variables that may have set a value."""
    lines = []
    keys = lines_of(path)
    for detail in error.errors(include_url=False):
        loc = detail["loc"]
        place = _place(path, loc, environment_prefix, keys)
        if detail["type"] == "default_factory_not_called":
            continue  # the setting that it depends on has its own line
        field, siblings = _find_field(model, loc)
        key = dotted(loc) or "the file as a whole"
        if detail["type"] == "extra_forbidden":
            lines.append(f"{place}: {key}: unknown setting; {_spelling(loc, siblings)}")
        elif detail["type"] == "missing":
            lines.append(f"{place}: {key}: is missing; add it{_meaning(field)}")
        else:
            value = _value(detail["input"], field)
            lines.append(f"{place}: {key}{value}: {_sentence(detail['msg'])}{_meaning(field)}")
    return list(dict.fromkeys(lines))


def place_of(path: Path, loc: tuple[int | str, ...]) -> str:
    """`FILE: line N` of the key, as far as it can be told."""
    return _place(path, loc, "", lines_of(path))


def dotted(loc: tuple[int | str, ...]) -> str:
    """`("mailboxes", 0, "port")` as `mailboxes[1].port`, counted as people count."""
    text = ""
    for step in loc:
        if step == "[key]":
            break  # pydantic's mark for "the name itself is wrong", which the line says anyway
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def shown(value: object) -> str:
    """A value for a message: one line, no controls, bounded."""
    text = _CONTROLS.sub("?", str(value))
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 3] + "..."


def is_secret(field: FieldInfo | None) -> bool:
    """Whether the field holds something that must not be printed."""
    if field is None:
        return True
    return SecretStr in _annotations(field.annotation) or not field.repr


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models that an annotation names, such as `tuple[Mailbox, ...]`."""
    return [found for found in _annotations(annotation) if isinstance(found, type) and issubclass(found, BaseModel)]


def _annotations(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _annotations(inner)


def _find_field(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[FieldInfo | None, list[str]]:
    """The field that `loc` leads to, and the names that were possible at its last step."""
    field: FieldInfo | None = None
    possible: list[str] = []
    current: type[BaseModel] | None = model
    keys = 0  # steps ahead that are the keys of a table, not names of settings
    for step in loc:
        if isinstance(step, int):
            continue
        if keys:
            keys -= 1
            continue
        if current is None:
            break  # inside a value (a list's item, a union's branch): the field before it is the one
        possible = list(current.model_fields)
        field = current.model_fields.get(step)
        annotation = field.annotation if field else None
        current = next(iter(models_in(annotation)), None)
        keys = sum(get_origin(part) is Mapping for part in _annotations(annotation))
    return field, possible


def _place(path: Path, loc: tuple[int | str, ...], prefix: str, keys: dict[Steps, int]) -> str:
    if prefix:
        for end in range(len(loc), 0, -1):
            name = prefix + "__".join(str(step) for step in loc[:end]).upper()
            if name in os.environ:
                return f"environment variable {name}"
    line = line_of(keys, loc)
    return f"{path}: line {line}" if line else str(path)


def _spelling(loc: tuple[int | str, ...], siblings: list[str]) -> str:
    close = difflib.get_close_matches(str(loc[-1]), siblings, n=1)
    return f"did you mean {close[0]}?" if close else f"remove it; possible here: {', '.join(sorted(siblings))}"


def _value(value: object, field: FieldInfo | None) -> str:
    entries = value if isinstance(value, list | tuple) else [value]
    if value is None or any(isinstance(entry, dict | BaseModel) for entry in entries):
        return ""  # whole tables hold passwords among the rest
    if is_secret(field) or isinstance(value, SecretStr):
        return " = (hidden)"
    return f" = {shown(repr(value) if isinstance(value, str) else value)}"


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return shown(text) if len(text) > 4 * _SHOWN_CHARS else _CONTROLS.sub("?", text)


def _meaning(field: FieldInfo | None) -> str:
    """What the setting is for, from its documentation: usually all that is needed to put it right."""
    if field is None or not field.description:
        return ""
    return " (" + " ".join(field.description.split()).rstrip(".") + ")"
