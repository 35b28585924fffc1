"""Debian's FreeRADIUS as an accounting server on loopback that writes a detail file, and its SQL table on demand."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from servers.ports import free_port

_PATH = "/usr/sbin:/usr/bin"
SECRET = "testing123"
_CONFIG = """
prefix = /usr
logdir = {base}
raddbdir = {base}
confdir = {base}
run_dir = {base}
radacctdir = {base}
libdir = /usr/lib/freeradius
pidfile = {base}/pid
client local {{
  ipaddr = 127.0.0.1
  secret = {secret}
}}
modules {{
  detail {{
    filename = {base}/detail
    permissions = 0600
    header = "%t"
  }}
  expr {{
  }}
  {sql}
}}
policy {{
  $INCLUDE /etc/freeradius/3.0/policy.d/accounting
}}
server default {{
  listen {{
    type = acct
    ipaddr = 127.0.0.1
    port = {port}
  }}
  preacct {{
    acct_unique
  }}
  accounting {{
    detail
    {also}
  }}
}}
"""
SQL = Path("/etc/freeradius/3.0/mods-config/sql/main/postgresql")  # of Debian, for root alone
_SQL = """
  sql {{
    dialect = "postgresql"
    driver = "rlm_sql_postgresql"
    server = "127.0.0.1"
    port = {port}
    login = "postgres"
    radius_db = "{name}"
    acct_table1 = "radacct"
    acct_table2 = "radacct"
    client_table = "nas"
    authcheck_table = "radcheck"
    authreply_table = "radreply"
    groupcheck_table = "radgroupcheck"
    groupreply_table = "radgroupreply"
    usergroup_table = "radusergroup"
    postauth_table = "radpostauth"
    group_attribute = "SQL-Group"
    sql_user_name = "%{{User-Name}}"
    pool {{
      start = 1
      min = 1
      max = 2
    }}
    $INCLUDE {folder}/queries.conf
  }}
"""


class FreeRadius:
    """`detail` is the file that it writes. `database` (port, name): a PostgreSQL with its table, which it fills too."""

    def __init__(self, database: tuple[int, str] | None = None) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="arfgate-radius-"))
        self.port = free_port()
        self.detail = self._base / "detail"
        sql = _SQL.format(port=database[0], name=database[1], folder=SQL) if database else ""
        config = _CONFIG.format(base=self._base, secret=SECRET, port=self.port, sql=sql, also="sql" if database else "")
        (self._base / "radiusd.conf").write_text(config)
        self._said = (self._base / "said").open("wb")
        program = shutil.which("freeradius", path=_PATH) or "freeradius"
        self._process = subprocess.Popen(
            [program, "-d", str(self._base), "-f", "-l", "stdout"],
            stdout=self._said, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def account(self, *attributes: str) -> None:
        """One accounting packet, which the server has acknowledged: what it acknowledges is in its file."""
        client = shutil.which("radclient", path=_PATH) or "radclient"
        deadline = time.monotonic() + 20
        while True:  # it answers once it is up
            done = subprocess.run(
                [client, "-r", "1", "-t", "1", f"127.0.0.1:{self.port}", "acct", SECRET],
                input="\n".join(attributes).encode(), capture_output=True, check=False,
            )  # fmt: skip
            if done.returncode == 0:
                return
            said = (self._base / "said").read_text()
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said + done.stderr.decode()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._said.close()
        shutil.rmtree(self._base, ignore_errors=True)
