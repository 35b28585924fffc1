"""The demo's folder: made anew at each start, with a real arfgate.toml that other commands can be given.

Only a folder that the demo itself made (a marker lies in it) is emptied; it is locked while
a demo runs in it. Must never delete anything in a folder that is not its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.demo import mails

MARKER = ".arfgate-demo"
MAILBOXES = ("abuse", "postmaster")
_MARKED = "This folder belongs to `arfgate demo`, which empties it at each start.\n"
_SECRETS = ("secret.key", "mailbox.password")

_SETTINGS = """\
# Written by `arfgate demo`: real settings on embedded servers, made anew at each start.
secret_key_file = "secret.key"
node = "demo"

[operator]
name = "Example Provider"
domain = "isp.example"
address = "abuse@isp.example"
networks = ["192.0.2.0/24", "2001:db8:40::/44"]
relays = ["192.0.2.25"]
authserv_ids = ["mx.isp.example"]

[[mailboxes]]
name = "abuse"
role = "abuse"
host = "127.0.0.1"
port = {imap}
security = "plain"
user = "abuse@isp.example"
password_file = "mailbox.password"
poll_seconds = 10

[[mailboxes]]
name = "postmaster"
role = "postmaster"
host = "127.0.0.1"
port = {imap}
security = "plain"
user = "postmaster@isp.example"
password_file = "mailbox.password"
poll_seconds = 10

[smtp]
host = "127.0.0.1"
port = {smtp}
bounce_grace_minutes = 0 # the demo's receiver is the recipients' own server: what it takes has arrived

[screening]
own_checks = false # the demo asks no name server; the embedded border stamped what is to be believed

[attribution]
ask_dns = false # as above
confirm_first = false # the story is told without waiting for staff

[rdap]
allow_hosts = ["127.0.0.1:{rdap}"]
bootstrap_dir = "rdap"

[[feeds]]
name = "Example Feedback Loop"
domains = ["fbl.example"]

[web]
port = {web}

[log]
format = "text"
"""


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the embedded parts listen, on 127.0.0.1; `web` is where the queue page will."""

    imap: int
    smtp: int
    rdap: int
    web: int


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths in the demo's folder. `path` is as the user gave it, so that printed commands are short."""

    path: Path

    @property
    def settings(self) -> Path:
        return self.path / "arfgate.toml"

    @property
    def incoming(self) -> Path:
        """A copy of every sample mail, for `arfgate parse` and `arfgate explain`."""
        return self.path / "in"

    @property
    def outgoing(self) -> Path:
        """Every mail that the SMTP receiver got."""
        return self.path / "out"

    @property
    def drop(self) -> Path:
        return self.path / "drop"

    @property
    def done(self) -> Path:
        return self.drop / "done"

    @property
    def customers(self) -> Path:
        return self.path / "customers.csv"

    @property
    def log(self) -> Path:
        return self.path / "arfgate.log"

    def password(self) -> str:
        return (self.path / "mailbox.password").read_text(encoding="ascii").strip()

    def write_settings(self, ports: Ports) -> None:
        """arfgate.toml, and the bootstrap that sends every question to the demo's own registry."""
        self.settings.write_text(
            _SETTINGS.format(imap=ports.imap, smtp=ports.smtp, rdap=ports.rdap, web=ports.web), encoding="utf-8"
        )
        registry = [f"http://127.0.0.1:{ports.rdap}/"]
        keys = {
            "ipv4.json": ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"],
            "ipv6.json": ["2001:db8::/32"],
            "dns.json": ["example", "com", "net", "org"],
        }
        (self.path / "rdap").mkdir()
        for name, served in keys.items():
            (self.path / "rdap" / name).write_text(json.dumps({"services": [[served, registry]]}), encoding="utf-8")

    def write_samples(self, samples: list[mails.Sample], now: datetime) -> None:
        """The mails and the customers of this run, to look at."""
        for sample in samples:
            (self.incoming / f"{int(sample.row):02d}-{sample.mailbox}.eml").write_bytes(sample.raw)
        text = mails.CUSTOMERS.read_text(encoding="utf-8")
        self.customers.write_text(mails.fill(text, now, {}), encoding="utf-8")


@contextmanager
def prepared(path: Path) -> Iterator[Folder]:
    """The folder, empty but for its secrets and subfolders, ours alone until the end. Raises DemoError."""
    folder = Folder(path)
    try:
        handle = _claim(path)
        try:
            _empty(path)
            for sub in (folder.incoming, folder.outgoing, folder.done):
                sub.mkdir(parents=True)
            for name in _SECRETS:
                _write_secret(path / name)
            yield folder
        finally:
            os.close(handle)  # gives the lock back too
    except OSError as error:
        where = error.filename or path
        raise DemoError(f"{where}: {error.strerror or error}; choose another folder with --dir") from error


def _claim(path: Path) -> int:
    """Take the folder. Raises DemoError where it is not ours, or another demo runs in it."""
    marker = path / MARKER
    if path.exists() and not path.is_dir():
        raise DemoError(f"{path}: is there and is no folder; choose another one with --dir")
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()) and not _is_ours(marker):
        raise DemoError(
            f"{path}: is not empty and was not made by the demo, so it is left alone; choose another one with --dir"
        )
    handle = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise DemoError(f"{path}: another demo is running in it; end that one, or choose --dir") from None
    os.pwrite(handle, _MARKED.encode(), 0)
    return handle


def _is_ours(marker: Path) -> bool:
    return (
        marker.is_file() and not marker.is_symlink() and marker.read_text(encoding="utf-8", errors="replace") == _MARKED
    )


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _write_secret(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
