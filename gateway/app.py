"""The composition root: settings in, a House with open doors out. The only place where the real time,
the engine, the mailer and the registry's client are made.

Nothing is global and nothing happens at import. Must never decide anything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from jinja2 import TemplateError

from gateway import channels, content, policy_versions, registries
from gateway.connectors.build import build
from gateway.doors import relays, signer
from gateway.house import House
from gateway.intake.oauth import TokenSource, sources
from gateway.policies import policy
from gateway.settings import Settings, SettingsError
from gateway.store import mailboxes
from gateway.store.database import Database
from gateway.store.rdap_cache import StoredRdapCache
from gateway.workers import ParserWorkers
from notifier.bootstrap_files import BootstrapFiles
from notifier.discover import Finder
from notifier.dns import Resolver
from notifier.http import HttpClient
from notifier.mailers import Mailers
from notifier.rdap import RdapClient
from notifier.texts import Texts, packaged
from notifier.whois import WhoisClient


def utc_now() -> datetime:
    """The real time. Everything else is handed a clock."""
    return datetime.now(UTC)


@asynccontextmanager
async def opened(
    settings: Settings, clock: Callable[[], datetime] = utc_now, resolver: Resolver | None = None
) -> AsyncIterator[House]:
    """The house with its doors open and its schema at the newest version; closed at the end.
    Raises StoreError, PolicyError, SettingsError."""
    policy_versions.editions(settings)  # wrong files are told before anything is opened
    async with AsyncExitStack() as doors:
        database = Database(settings.database.url)
        doors.push_async_callback(database.close)
        await database.migrate()
        limits = settings.limits
        workers = ParserWorkers(
            limits.for_parsing(), limits.parse_seconds, limits.parse_memory_bytes, limits.parse_workers
        )
        doors.callback(workers.close)
        try:
            names = resolver or Resolver(settings.dns.nameservers, settings.dns.port)
            smtp = settings.smtp
            mailer = Mailers(relays(settings), clock, names, smtp.connections, smtp.domain_a_minute)
            sign = signer(settings)
            doors.push_async_callback(mailer.aclose)
            http = _http_of_registries(settings, names, clock, doors)
            rdap = _registries(settings, database, http, clock) if http else None
            connectors = build(settings, names, clock, doors)
            ways = channels.build(settings, names, clock, doors)
            lists = settings.blocklists
            list_names = Resolver(lists.nameservers, lists.port) if lists.nameservers else names
        except (OSError, ValueError) as error:
            raise SettingsError([f"{settings.path}: {error}"]) from error
        book = await policy_versions.open_book(settings, database, clock())
        house = House(
            settings, database, book, clock, workers, mailer, rdap, policy.bystanders(), names,
            connectors=connectors, channels=ways, filters=content.filters(settings, names, clock, doors),
            list_resolver=list_names,
        )  # fmt: skip
        house.logins = _logins(settings, names, clock, doors)
        house.texts = _texts(settings)
        house.signer = sign
        house.contacts = _finder(settings, rdap, names, clock) if rdap else None
        house.bootstrap_files = _bootstrap_files(settings, http, clock)
        async with database.writing() as connection:
            await mailboxes.register(connection, [box.name for box in settings.mailboxes])
        yield house


def _logins(
    settings: Settings, resolver: Resolver, clock: Callable[[], datetime], doors: AsyncExitStack
) -> dict[str, TokenSource]:
    if all(box.login == "password" for box in settings.mailboxes):
        return {}
    http = HttpClient(resolver, clock)
    doors.push_async_callback(http.aclose)
    try:
        return sources(settings.mailboxes, http, clock)
    except ValueError as error:
        raise SettingsError([f"{settings.path}: {error}"]) from error


def _finder(settings: Settings, rdap: RdapClient, names: Resolver, clock: Callable[[], datetime]) -> Finder:
    how = settings.contacts
    whois = WhoisClient(names, clock) if how.whois else None
    return Finder(rdap, names, whois, how.dns_sources, guesses=how.guess)


def _texts(settings: Settings) -> Texts:
    """The operator's own texts over those that come with arfgate; a broken one is told now, not when it is needed."""
    if settings.notices.templates is None:
        return packaged()
    if not settings.notices.templates.is_dir():
        raise SettingsError([f"{settings.path}: notices.templates: {settings.notices.templates} is no folder"])
    texts = Texts(settings.notices.templates)
    try:
        texts.own()
    except TemplateError as error:
        raise SettingsError([f"{settings.path}: notices.templates: {error}"]) from error
    return texts


def _http_of_registries(
    settings: Settings, resolver: Resolver, clock: Callable[[], datetime], doors: AsyncExitStack
) -> HttpClient | None:
    if not settings.rdap.enabled:
        return None
    http = HttpClient(resolver, clock, seconds=float(settings.rdap.timeout_seconds))
    doors.push_async_callback(http.aclose)
    return http


def _registries(settings: Settings, database: Database, http: HttpClient, clock: Callable[[], datetime]) -> RdapClient:
    return RdapClient(http, StoredRdapCache(database), registries.known(settings), clock, settings.rdap.allow_hosts)


def _bootstrap_files(
    settings: Settings, http: HttpClient | None, clock: Callable[[], datetime]
) -> BootstrapFiles | None:
    how = settings.rdap
    if http is None or how.refresh_dir is None:
        return None
    return BootstrapFiles(how.refresh_dir, http, clock, how.refresh_url, how.allow_hosts)
