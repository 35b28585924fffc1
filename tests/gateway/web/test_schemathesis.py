"""Schemathesis over the interface for programs and over the forms: whatever is sent, nothing answers with a 5xx.

The forms' description is made from the table of pages and the fields that their code reads.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from gateway import accounts
from gateway.roles import Role
from gateway.web.api.application import PREFIX
from gateway.web.app import PLACES
from servers.waiting import COOKIE, TOKEN, account, arf

FIELD = re.compile(r"""\.(field|fields|asked|asked_number)\(\s*["'](\w+)["']""")
PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")
# What would end the session under test, or never end.
LEFT_OUT = ("/sign-out", "/live", "sessions/", "/account/password", "/evidence", "/sign-in")


@schemathesis.serializer("message/rfc822")
def as_mail(_: Any, value: Any) -> dict[str, bytes]:
    """What is sent as a mail: the bytes that were made up."""
    made = getattr(value, "data", value)
    return {"data": made if isinstance(made, bytes) else str(made).encode("utf-8", "replace")}


def tried(document: dict[str, Any], base: str, examples: int, **sent: Any) -> list[str]:
    """What answered with a 5xx."""
    broken: list[str] = []
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case):
            answer = case.call(base_url=base, **sent)
            if answer.status_code >= 500:
                broken.append(f"{case.method} {case.formatted_path} {case.query} {case.body!r}"[:300])

        ask()
    return sorted(set(broken))


def described() -> dict[str, Any]:
    """An OpenAPI document of the pages."""
    paths: dict[str, Any] = {}
    for place in PLACES:
        if place.uploads or any(word in place.path for word in LEFT_OUT):
            continue
        names = {kind: set() for kind in ("field", "asked")}
        for kind, name in FIELD.findall(inspect.getsource(sys.modules[place.answer.__module__])):
            names[kind.partition("_")[0].removesuffix("s") if kind != "asked_number" else "asked"].add(name)
        parameters = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 20},
            }
            for name in PARAMETER.findall(place.path)
        ]
        operation: dict[str, Any] = {"responses": {"default": {"description": "a page"}}}
        if place.method == "GET":
            parameters += [
                {"name": name, "in": "query", "schema": {"type": "string", "maxLength": 40}}
                for name in sorted(names["asked"])
            ]
        else:
            fields = {name: {"type": "string", "maxLength": 40} for name in sorted(names["field"])}
            content = {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": fields}}}
            operation["requestBody"] = {"content": content}
        path = PARAMETER.sub(r"{\1}", place.path)
        paths.setdefault(path, {})[place.method.lower()] = operation | {"parameters": parameters}
    return {"openapi": "3.1.0", "info": {"title": "pages", "version": "1"}, "paths": paths}


async def test_nothing_sent_to_the_interface_for_programs_breaks_it(waiting, address, staff):
    await waiting.take_in(arf("198.51.100.70"), arf())
    robot = await account(waiting.house, Role.ADMIN, "robot")
    key = await accounts.new_token(waiting.house, robot, "tests", Role.ADMIN, timedelta(days=1), who="test")
    document = (await staff.get(f"{PREFIX}/openapi.json")).json()
    headers = {"authorization": f"Bearer {key}"}
    assert await asyncio.to_thread(tried, document, address + PREFIX, 4, headers=headers) == []


@pytest.mark.parametrize("method", ["get", "post"])
async def test_nothing_sent_to_a_page_or_a_form_breaks_it(waiting, address, staff, method):
    await waiting.take_in(arf("198.51.100.70"), arf())
    proof = re.search(r'name="proof" value="(\w+)"', (await staff.get("/account")).text)[1]
    document = described()
    document["paths"] = {
        path: {m: operation for m, operation in known.items() if m == method}
        for path, known in document["paths"].items()
    }
    for known in document["paths"].values():
        if method in known and method == "post":
            schema = known[method]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
            schema["properties"]["proof"] = {"const": proof}
            schema["required"] = ["proof"]
    broken = await asyncio.to_thread(tried, document, address, 3, cookies={COOKIE: TOKEN}, allow_redirects=False)
    assert broken == []
    assert (await staff.get("/account")).status_code == 200, "still signed in: the forms were really reached"
