"""frozen.py: values that are made quickly are frozen dataclasses in every other respect."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from parsers import report
from parsers.frozen import changed
from parsers.report import Finding, Hop, Original, Report

VALUES = [
    Report(source_ip="192.0.2.1"),
    Hop("192.0.2.1", 25, None, None),
    Finding("code", "said"),
    Original(subject="x"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_frozen_equal_to_its_like_and_survives_a_pickle(value: Any) -> None:
    name = fields(value)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, "elsewhere")
    assert pickle.loads(pickle.dumps(value)) == value == replace(value)
    assert type(replace(value)) is type(value)
    assert hash(value) == hash(replace(value))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_changed_is_replace(value: Any) -> None:
    name = fields(value)[1].name
    assert changed(value, **{name: "elsewhere"}) == replace(value, **{name: "elsewhere"}) != value


def test_defaults_are_those_of_the_class_and_what_has_none_is_asked_for() -> None:
    assert all(getattr(Report(), one.name) == one.default for one in fields(Report))
    with pytest.raises(TypeError, match="evidence"):
        report.Finding("code")  # type: ignore[call-arg]
