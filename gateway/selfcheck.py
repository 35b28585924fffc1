"""Tries what the settings name: database, mailboxes, registry, and a mail to ourselves and back.

Each try gives one Result with a line for people; none raises. Nothing is changed but that one self-test mail is sent
(and, where asked for, a sample to each mailbox); they stay where they arrive, for intake. Must never show a secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from gateway import registries, selftest
from gateway.app import utc_now
from gateway.doors import mailbox_accesses
from gateway.intake.connect import MailboxError
from gateway.intake.imap import MailboxConnection
from gateway.intake.oauth import TokenSource, grant, sources
from gateway.intakecheck import check_mailbox
from gateway.logs import clean_text
from gateway.mailbox_sections import Mailbox
from gateway.policies import policy
from gateway.settings import Settings
from gateway.store import customers
from gateway.store.database import Database, StoreError
from gateway.store.migrate import version
from notifier import bootstrap
from notifier.dns import Resolver
from notifier.http import HttpClient
from notifier.rdap import Failed, MemoryCache, NotFound, RdapClient, RdapWhy
from notifier.registration import RdapAnswer

Question = Callable[[str], Awaitable[RdapAnswer | NotFound | Failed]]

_ALWAYS_REGISTERED = "iana.org"


class State(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one try. `text` says what was found; where `state` is WRONG also which setting, and what to do."""

    name: str
    state: State
    text: str


class _WrongError(Exception):
    """A try failed, in words for people."""


class _SkippedError(Exception):
    """A try was not made, in words for people."""


async def check(settings: Settings, wait_seconds: float, *, intake: bool = False) -> AsyncIterator[Result]:
    """Every try, in an order that a person can follow. `wait_seconds`: how long to look for the mail to ourselves.
    `intake`: also send a sample of forwarded spam to each mailbox."""
    yield await _try("policy", partial(_policy, settings))
    yield await _try("database", partial(_database, settings))
    if not settings.mailboxes:
        yield Result("mailboxes", State.WRONG, "none is configured; write a [[mailboxes]] block into the settings file")
    async with AsyncExitStack() as stack:
        logins = _logins(settings, stack)
        boxes = await asyncio.gather(
            *(_try(f"mailbox {box.name}", partial(_mailbox, box, logins.get(box.name))) for box in settings.mailboxes)
        )
        for result in boxes:
            yield result
        yield await _try("rdap", partial(_rdap, settings))
        yield await _try("legal", partial(_legal, settings))
        yield await _try("alarms and channels", partial(_ways, settings))
        readable = {result.name for result in boxes if result.state is State.OK}
        usable = [box for box in settings.mailboxes if f"mailbox {box.name}" in readable]
        async for result in _mail_and_back(settings, usable, logins, wait_seconds):
            yield result
        for box in usable if intake else ():
            look = partial(check_mailbox, settings, box, logins.get(box.name), utc_now(), wait_seconds)
            yield await _try(f"intake {box.name}", look)


def _logins(settings: Settings, stack: AsyncExitStack) -> dict[str, TokenSource]:
    """Where mailboxes are opened with a token. One whose key is none is told of when it is opened."""
    found: dict[str, TokenSource] = {}
    by_token = [box for box in settings.mailboxes if box.login != "password"]
    if by_token:
        http = HttpClient(
            Resolver(settings.dns.nameservers, settings.dns.port), utc_now, seconds=float(settings.rdap.timeout_seconds)
        )
        stack.push_async_callback(http.aclose)
        for box in by_token:
            with suppress(ValueError):
                found |= sources([box], http, utc_now)
    return found


async def _mail_and_back(
    settings: Settings, boxes: list[Mailbox], logins: dict[str, TokenSource], wait_seconds: float
) -> AsyncIterator[Result]:
    async with AsyncExitStack() as stack:
        try:
            composed = selftest.compose_self_test(settings, utc_now())
        except selftest.SelfTestError as error:
            yield Result("smtp", State.WRONG, clean_text(str(error)))
            return
        watches = await selftest.watch(stack, boxes, logins)  # before it is sent: what is there already is not ours
        sent = await _try("smtp", partial(selftest.send, settings, composed))
        yield sent
        if sent.state is State.OK and watches:
            yield await _try("way back", partial(selftest.find, watches, composed, wait_seconds))
        else:
            why = "there is no mailbox to look into" if sent.state is State.OK else "nothing was sent"
            yield Result("way back", State.SKIPPED, why)


async def _try(name: str, what: Callable[[], Awaitable[str]]) -> Result:
    try:
        return Result(name, State.OK, clean_text(await what()))
    except _SkippedError as skipped:
        return Result(name, State.SKIPPED, clean_text(str(skipped)))
    except (_WrongError, MailboxError, StoreError, policy.PolicyError, selftest.SelfTestError) as wrong:
        return Result(name, State.WRONG, clean_text("; ".join(str(wrong).splitlines())))
    except Exception as error:  # noqa: BLE001 -- a bug here must not hide the other results
        text = f"the check itself broke ({type(error).__name__}: {error}); please report this"
        return Result(name, State.WRONG, clean_text(text))


async def _policy(settings: Settings) -> str:
    rules, *others = [policy.load(source) for source in settings.policy_sources]
    more = f"; for single customers: {', '.join(other.label for other in others)}" if others else ""
    return f'"{rules.name}" version {rules.version}, {len(rules.classes)} classes of cases{more}'


async def _database(settings: Settings) -> str:
    url = settings.database.url
    file = _file_of(settings)
    if file is not None and not file.exists():
        if not file.parent.is_dir():
            raise _WrongError(f"database.url: the folder {file.parent} does not exist; make it, or name another one")
        return f"{file} is not there yet; the first `arfgate run` makes it"
    database = Database(url)
    try:
        async with database.writing():
            pass  # opens a write transaction: a read-only or locked file shows here
        async with database.reading() as connection:
            present, newest = await connection.run_sync(version)
    finally:
        await database.close()
    if present is None:
        return "empty; the first `arfgate run` makes the tables"
    if present != newest:
        step = "run `arfgate db upgrade`, or the program that wrote it if that is newer"
        raise _WrongError(f"database.url: its tables have version {present}, this program needs {newest}; {step}")
    return f"its tables have the newest version ({newest})"


def _file_of(settings: Settings) -> Path | None:
    """The file of an SQLite database."""
    url = settings.database.url
    file = Path(url.partition(":///")[2].partition("?")[0]) if url.startswith("sqlite") else None
    return None if file is None or file.name == ":memory:" else file


async def _mailbox(box: Mailbox, tokens: TokenSource | None) -> str:
    if box.login != "password" and tokens is None:
        try:
            grant(box)
        except ValueError as error:
            raise _WrongError(str(error)) from error
    found = []
    for access in mailbox_accesses(box, tokens):
        try:
            async with await MailboxConnection.open(access) as connection:
                found.append(f"{len(await connection.uids())} mails in {access.folder}")
        except MailboxError as error:
            key = "junk_folder" if access.folder == box.junk_folder and error.setting == "folder" else error.setting
            where = f' (setting {key} of [[mailboxes]] "{box.name}")' if key else ""
            raise _WrongError(f"{error}{where}") from error
    return f"logged in at {box.host}:{box.port}; {', '.join(found)}"


async def _legal(settings: Settings) -> str:
    staff = settings.legal.staff
    if not staff:
        raise _SkippedError("legal.staff names nobody: matters of the legal lane would stand in the log only")
    if len(staff) == 1:
        raise _WrongError(f"legal.staff names {staff[0]} alone, and two persons have to act; name another")
    return f"{len(staff)} persons see the legal lane"


async def _ways(settings: Settings) -> str:
    """Who is told beside mail, without telling anybody: a call that tries would be taken for one."""
    alarms = [name for name, to in (("mail", settings.alarms.address), ("chat", settings.alarms.webhook)) if to]
    wanted = await _with_channels(settings)
    known = {channel.name for channel in settings.channels}
    if gone := {customer: name for customer, name in wanted.items() if name not in known}:
        customer, name = next(iter(sorted(gone.items())))
        raise _WrongError(
            f"{len(gone)} customers have a channel that [[channels]] does not name, {customer} the channel {name}; add "
            f"it, or say 'arfgate customer delivery {customer} mail'"
        )
    if not alarms:
        raise _SkippedError("neither alarms.address nor alarms.webhook_file is set: alarms stand in the log only")
    return f"alarms by {' and '.join(alarms)}; {len(known)} channels, {len(wanted)} customers are told by one"


async def _with_channels(settings: Settings) -> dict[str, str]:
    """{customer: channel}; nothing where the database is not there or cannot be read, which its own line says."""
    file = _file_of(settings)
    if file is not None and not file.exists():
        return {}
    database = Database(settings.database.url)
    try:
        async with database.reading() as connection:
            present, newest = await connection.run_sync(version)
            return await customers.channels(connection) if present == newest else {}
    except StoreError:
        return {}
    finally:
        await database.close()


async def _rdap(settings: Settings) -> str:
    if not settings.rdap.enabled:
        raise _SkippedError("rdap.enabled is false: no contacts of foreign networks are looked up")
    try:
        by = registries.known(settings)
    except (bootstrap.BootstrapError, OSError) as error:
        raise _WrongError(f"rdap.bootstrap_dir: {error}; give a folder with IANA's files, or none") from error
    try:
        http = HttpClient(
            Resolver(settings.dns.nameservers, settings.dns.port), utc_now, seconds=float(settings.rdap.timeout_seconds)
        )
    except ValueError as error:
        raise _WrongError(f"{error}; configure a nameserver in /etc/resolv.conf") from error
    client = RdapClient(http, MemoryCache(), by, utc_now, settings.rdap.allow_hosts)
    try:
        for ask, subject in _subjects(settings, client):
            answer = await ask(subject)
            if isinstance(answer, Failed) and answer.why in {RdapWhy.NO_REGISTRY, RdapWhy.NOT_PUBLIC}:
                continue
            if isinstance(answer, Failed):
                step = "check that this machine may reach registries by HTTPS, or set rdap.enabled = false"
                raise _WrongError(f"asked about {subject}: {answer.detail}; {step}")
            return f"asked about {subject}, answered by {answer.source}"
    finally:
        await http.aclose()
    raise _WrongError("rdap.bootstrap_dir: its files name no registry that could be asked; use IANA's own, or none")


def _subjects(settings: Settings, client: RdapClient) -> list[tuple[Question, str]]:
    """What may be asked about: ourselves, else a name that is always registered."""
    own = [(client.ip, str(network.network_address)) for network in settings.operator.networks]
    return [*own, (client.domain, settings.operator.domain), (client.domain, _ALWAYS_REGISTERED)]
