"""What `parse()` promises of any bytes at all. Held by the property test and by fuzzing."""

from __future__ import annotations

import json

from parsers import parse
from parsers.contract import to_json
from parsers.findings import EVIDENCE_CHARS, FINDINGS
from parsers.report import Kind, Limits, Parsed

LIMITS = Limits()
MOST_JSON = 4_000_000  # characters of the contract's line; a feed of some hundred rows is the longest


class BrokenPromiseError(AssertionError):
    """The text says which."""


def kept(raw: bytes) -> Parsed:
    """What the bytes say. Raises BrokenPromiseError."""
    try:
        parsed = parse(raw)
    except BaseException as error:
        raise BrokenPromiseError(f"parse() raised {type(error).__name__}: {error}") from error
    if (parsed.error or "").startswith("a format failed on it"):
        raise BrokenPromiseError(parsed.error)
    if (parsed.kind is Kind.UNREADABLE) != (parsed.error is not None):
        raise BrokenPromiseError(f"kind {parsed.kind} with error {parsed.error}")
    for report in parsed.reports:
        if failed := [defect for defect in report.defects if defect.startswith("check-failed")]:
            raise BrokenPromiseError(f"a finding failed: {failed}")
        if report.original is not None and report.original.mail is not None:
            raise BrokenPromiseError("the reported mail was kept")
        if len(report.findings) > FINDINGS or any(len(one.evidence) > EVIDENCE_CHARS for one in report.findings):
            raise BrokenPromiseError("findings without bounds")
    if len(parsed.text) > LIMITS.text_chars:
        raise BrokenPromiseError("text without bounds")
    line = json.dumps(to_json(parsed, "x", 0), ensure_ascii=False, allow_nan=False)
    if len(line) > MOST_JSON:
        raise BrokenPromiseError(f"{len(line)} characters of JSON")
    return parsed
