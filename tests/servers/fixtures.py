"""Fixtures that start the real servers. Session-scoped where tests cannot disturb each other there
(own users, own databases), else one for each test. All listen on loopback and leave nothing behind."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.store.database import Database
from servers.background import BackgroundLoop
from servers.cut_proxy import CutProxy
from servers.dovecot import Dovecot
from servers.hook import HookServer
from servers.name_server import NameServer
from servers.needs import require
from servers.oauth import OAuthServer
from servers.postfix import Postfix
from servers.postgres import Postgres
from servers.pymap_server import PymapServer
from servers.rbldnsd import Rbldnsd
from servers.receiver import SmtpReceiver
from servers.sink import SmtpSink
from servers.spamd import Spamd


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            require(name)


@pytest.fixture(scope="session")
def background() -> Iterator[BackgroundLoop]:
    """The loop of the servers that run in this process."""
    loop = BackgroundLoop()
    yield loop
    loop.close()


@pytest.fixture
def name_server(background: BackgroundLoop) -> Iterator[NameServer]:
    """The zones of senders: empty, `txt` and `zone` put records in."""
    server = NameServer(background)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One for the session: take `dovecot.new_user()` names, and do not stop it (that is `own_dovecot`)."""
    require("dovecot")
    yield from _dovecot(Dovecot())


@pytest.fixture
def own_dovecot() -> Iterator[Dovecot]:
    """One for this test alone, that may be stopped and started."""
    require("dovecot")
    yield from _dovecot(Dovecot())


@pytest.fixture(scope="session")
def expired_dovecot() -> Iterator[Dovecot]:
    """Its certificate ran out yesterday."""
    require("dovecot")
    yield from _dovecot(Dovecot(expired=True))


@pytest.fixture
def oauth_server() -> Iterator[OAuthServer]:
    """Gives tokens and tells whose they are."""
    server = OAuthServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def oauth_dovecot(oauth_server: OAuthServer) -> Iterator[Dovecot]:
    """Takes the tokens of `oauth_server` (XOAUTH2), and passwords too."""
    require("dovecot")
    yield from _dovecot(Dovecot(introspection=oauth_server.introspection_url))


def _dovecot(server: Dovecot) -> Iterator[Dovecot]:
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def pymap_server(background: BackgroundLoop) -> Iterator[PymapServer]:
    """Empty: `add_user`, then `deliver`."""
    require("pymap")
    server = PymapServer(background)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def smtp_receiver() -> Iterator[SmtpReceiver]:
    require("aiosmtpd")
    server = SmtpReceiver()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    require("smtp-sink")
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def hook(background: BackgroundLoop) -> Iterator[HookServer]:
    """Keeps what is posted to it."""
    server = HookServer(background)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def make_rbldnsd() -> Iterator[Callable[..., Rbldnsd]]:
    """`make_rbldnsd(["zone:ip4set:file"])` starts one; files that are missing are made, empty."""
    require("rbldnsd")
    started: list[Rbldnsd] = []

    def make(zones: list[str]) -> Rbldnsd:
        server = Rbldnsd(zones)
        started.append(server)
        server.start()
        return server

    yield make
    for server in started:
        server.remove()


@pytest.fixture(scope="session")
def spamd() -> Iterator[Spamd]:
    require("spamd")
    server = Spamd()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def make_postfix() -> Iterator[Callable[..., Postfix]]:
    """`make_postfix(addresses=..., mail=..., next_hop=(host, port))` starts one; arguments as `Postfix` takes them."""
    require("postfix")
    started: list[Postfix] = []

    def make(**arguments: object) -> Postfix:
        server = Postfix(**arguments)  # type: ignore[arg-type]
        started.append(server)
        server.start()
        return server

    yield make
    for server in started:
        server.remove()


@pytest.fixture
def postfix(make_postfix: Callable[..., Postfix]) -> Postfix:
    """Delivers abuse@ and postmaster@example.net to Maildirs, and nothing else."""
    return make_postfix()


@pytest.fixture
def cut_proxy(background: BackgroundLoop) -> Iterator[Callable[[int], CutProxy]]:
    """`cut_proxy(port)` puts a proxy before that loopback port."""
    started: list[CutProxy] = []

    def before(target_port: int, target_host: str = "127.0.0.1") -> CutProxy:
        proxy = CutProxy(background, target_host, target_port)
        proxy.start()
        started.append(proxy)
        return proxy

    yield before
    for proxy in started:
        proxy.stop()


@pytest.fixture(scope="session")
def postgres(background: BackgroundLoop) -> Iterator[Postgres]:
    require("postgresql")
    server = Postgres(background)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating takes longer than most of the tests."""
    path = tmp_path_factory.mktemp("template") / "arfgate.sqlite"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


async def _migrate(url: str) -> None:
    made = Database(url)
    await made.migrate()
    await made.close()


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A database that holds nothing yet, as SQLAlchemy's async URL, for tests where its kind says nothing."""
    return f"sqlite+aiosqlite:///{shutil.copy(migrated_file, tmp_path / 'arfgate.db')}"


@pytest.fixture(scope="session")
def kept_database(postgres: Postgres) -> str:
    """A migrated PostgreSQL database: making one takes longer than most of the tests."""
    url = postgres.create()
    asyncio.run(_migrate(url))
    return url


@pytest.fixture
def postgres_url(postgres: Postgres, kept_database: str) -> Iterator[str]:
    yield kept_database
    postgres.empty(kept_database)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))], ids=["sqlite", "postgresql"]
)
def database_url(request: pytest.FixtureRequest) -> str:
    """A database that holds nothing yet: every test that uses it runs on both kinds."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))], ids=["sqlite", "postgresql"]
)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create()
    yield url
    server.drop(url)
