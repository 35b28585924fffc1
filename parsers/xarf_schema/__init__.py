"""Is a XARF document what its version says it should be? Each violation as a `schema-*` defect that names the place.

The rules are data of our own in `v3` and `v4`, held against the document by `jsonschema`. Must
never fetch anything: no rule refers outside, the registry is empty, and a document is only ever
looked at, never used as a schema. A violation makes no report worthless: what can be read is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from parsers.xarf_schema import formats, v3, v4
from parsers.xarf_schema.formats import NOT_ALLOWED

Rules = tuple[str, str, str]  # what the tables `v3` and `v4` are asked for
SHOWN = 20  # violations of one document; more are one defect
_PLAIN = re.compile(r"[^A-Za-z0-9_-]")
_KINDS = {
    "required": "missing",
    "type": "type",
    "enum": "value",
    "const": "value",
    "not": "value",
    "pattern": "format",
    "format": "format",
    "minimum": "range",
    "maximum": "range",
    "additionalProperties": "not-allowed",
}


def violations(document: dict[str, Any]) -> tuple[str, ...]:
    """`schema-missing:reporter.contact` and the like, in order, each once, at most SHOWN and one more."""
    rules = v4.rules(document) if "xarf_version" in document or not _looks_like_v3(document) else v3.rules(document)
    found: dict[str, None] = {}
    for defect in islice(_found(rules, document), SHOWN * 20):  # one error may name what another named
        if len(found) == SHOWN and defect not in found:
            return (*found, "schema-more")
        found[defect] = None
    return tuple(found)


def _looks_like_v3(document: dict[str, Any]) -> bool:
    return not document.keys().isdisjoint(("Version", "Report", "ReporterInfo"))


def _found(rules: Rules, document: dict[str, Any]) -> Iterator[str]:
    for error in _checker(rules).iter_errors(document):
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{_name(step)}" for step in error.absolute_path)
        kind = "not-allowed" if error.validator_value == NOT_ALLOWED["not"] else _KINDS.get(error.validator, "size")
        for name in _names(error):
            yield f"schema-{kind}:{(place + name).lstrip('.') or 'document'}"


def _names(error: Any) -> list[str]:
    """The properties that an error is about, where it stands on the object that lacks or holds them."""
    if error.validator == "required":
        return [f".{name}" for name in error.validator_value if name not in error.instance]
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        return [f".{_name(name)}" for name in islice((one for one in error.instance if one not in known), SHOWN)]
    return [""]


def _name(text: str) -> str:
    """A property's name may be anything: only what names are made of is shown."""
    return _PLAIN.sub("?", text[:60])


@cache
def _checker(rules: Rules) -> Any:
    """The validator of one (version, type). There are as many as the tables have entries.

    `jsonschema` is imported when the first document needs it: that costs 100 ms.
    """
    import jsonschema  # noqa: PLC0415  see above
    from referencing import Registry  # noqa: PLC0415

    check = jsonschema.FormatChecker(formats=())
    for name, accepts in formats.CHECKS.items():
        check.checks(name)(accepts)
    schema = v4.schema(rules) if rules[0] == "4" else v3.schema(rules)
    known = jsonschema.Draft202012Validator
    in_order = jsonschema.validators.extend(known, {"additionalProperties": _in_order(known.VALIDATORS)})
    return in_order(schema, format_checker=check, registry=Registry())


def _in_order(keywords: Mapping[str, Any]) -> Any:
    """`additionalProperties`, which `jsonschema` looks at in the order of a set: another one in each process."""

    def additional(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(rule, dict) or not isinstance(instance, dict):
            yield from keywords["additionalProperties"](validator, rule, instance, schema)
            return
        for name in instance:
            if name not in schema.get("properties", {}):
                yield from validator.descend(instance[name], rule, path=name)

    return additional
