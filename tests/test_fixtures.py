"""Every message in `fixtures/` says what the JSON beside it says, and each format claims its own folder, whole and only.

`pytest --rewrite tests/test_fixtures.py` writes the JSON anew: read the difference before you keep it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path

import pytest

from parsers import parse, registry
from parsers.contract import to_json
from parsers.fields import DOCUMENTATION

FIXTURES = Path(__file__).parent.parent / "fixtures"
MESSAGES = sorted(path.relative_to(FIXTURES).as_posix() for path in FIXTURES.glob("*/*.eml"))
FOLDERS = sorted({name.split("/")[0] for name in MESSAGES})


def _has_lines(path: Path) -> bool:
    """Line ends that can be changed, and are not what is odd; and no NUL, after which bytes are bytes."""
    raw = path.read_bytes()
    return b"\n" in raw and b"\0" not in raw and b"\r\r\n" not in raw


NAME = re.compile(r"\d{3}-[a-z0-9-]+\.eml")
ADDRESS4 = re.compile(rb"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
ADDRESS6 = re.compile(rb"(?i)(?<![0-9a-f:])(?:[0-9a-f]{1,4}:){2,7}(?::|[0-9a-f]{1,4})[0-9a-f:]*")
HOST = re.compile(rb"(?i)(?:@|://|helo[= ]|by |from |dns; ?)((?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*)")


def test_there_are_fixtures_for_every_format_and_formats_for_every_folder() -> None:
    folders = {path.split("/")[0] for path in MESSAGES}
    assert {name for name in folders if not name.startswith("_")} == set(registry.known())
    assert len(MESSAGES) >= 45


@pytest.mark.parametrize("name", MESSAGES)
def test_the_message_says_what_the_json_beside_it_says_and_its_own_format_claims_it(name: str, rewrite: bool) -> None:
    message = FIXTURES / name
    twin = message.with_suffix(".json")
    parsed = parse(message.read_bytes())
    got = to_json(parsed, name, 0)
    if rewrite:
        twin.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert got == json.loads(twin.read_text(encoding="utf-8"))
    folder = name.split("/", maxsplit=1)[0]
    if not folder.startswith("_"):
        assert parsed.format == folder


def _says_the_same(name: str) -> bool:
    lf = (FIXTURES / name).read_bytes().replace(b"\r\n", b"\n")
    return to_json(parse(lf), name, 0) == to_json(parse(lf.replace(b"\n", b"\r\n")), name, 0)


@pytest.mark.parametrize("folder", FOLDERS)
def test_line_ends_do_not_change_what_is_said(folder: str) -> None:
    names = [name for name in MESSAGES if name.startswith(f"{folder}/") and _has_lines(FIXTURES / name)]
    assert [name for name in names if not _says_the_same(name)] == []


def test_names_are_numbered_and_say_what_is_shown() -> None:
    assert [name for name in MESSAGES if not NAME.fullmatch(name.split("/")[1])] == []


def test_every_json_belongs_to_a_message() -> None:
    twins = {path.relative_to(FIXTURES).with_suffix(".eml").as_posix() for path in FIXTURES.glob("*/*.json")}
    assert {twin for twin in twins if twin.split("/")[0] in {name.split("/")[0] for name in MESSAGES}} == set(MESSAGES)


@pytest.mark.parametrize("folder", FOLDERS)
def test_only_documentation_addresses_occur(folder: str) -> None:
    told = {name: _foreign(FIXTURES / name) for name in MESSAGES if name.startswith(f"{folder}/")}
    assert {name: found for name, found in told.items() if found} == {}


def _foreign(path: Path) -> list[str]:
    """Addresses and hosts in it that may be somebody's."""
    raw = re.sub(rb"(?i)IPv6:", b"", path.read_bytes())
    addresses = [hit.decode() for hit in ADDRESS4.findall(raw)]
    addresses += [hit.decode() for hit in ADDRESS6.findall(raw) if not re.fullmatch(rb"(?:\d\d:)+\d\d", hit)]
    hosts = {hit.decode().lower().rstrip(".") for hit in HOST.findall(raw)}
    of_nobody = re.compile(r"(?:\.example|(?:^|\.)example\.(?:com|net|org)|\.lan)$")
    return [one for one in addresses if not _documentation(one)] + [one for one in hosts if not of_nobody.search(one)]


def _documentation(text: str) -> bool:
    """In the documentation ranges, or in a range that nobody can be reached at."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    return any(address in net for net in DOCUMENTATION if net.version == address.version) or address.is_private
