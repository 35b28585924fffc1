"""Debian's Exim as a relay on loopback that takes mail after a login, keeps it, and writes its main log."""

from __future__ import annotations

import shutil
import smtplib
import subprocess
import tempfile
import time
from pathlib import Path

from servers.needs import exim
from servers.ports import free_port

_CONFIG = """
keep_environment =
exim_path = {program}
spool_directory = {base}/spool
log_file_path = {base}/spool/%slog
log_selector = +incoming_port
primary_hostname = out1.isp.example
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
exim_user = nobody
exim_group = nogroup
queue_only = true
tls_advertise_hosts =
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin authenticators
plain_login:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = yes
  server_set_id = $auth2
  server_advertise_condition = yes
"""


class Exim:
    """`log` is its main log. Whatever it takes stays in its queue."""

    def __init__(self) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="arfgate-exim-"))
        self._base.chmod(0o755)  # it works as nobody
        spool = self._base / "spool"
        spool.mkdir()
        shutil.chown(spool, "nobody", "nogroup")
        self.port, self.log = free_port(), spool / "mainlog"
        program = exim()
        assert program is not None
        config = self._base / "exim.conf"
        config.write_text(_CONFIG.format(program=program, base=self._base, port=self.port))
        self._said = (self._base / "said").open("wb")
        self._process = subprocess.Popen(
            [program, "-C", str(config), "-bdf"], stdout=self._said, stderr=subprocess.STDOUT
        )

    def hand_in(self, mail: str, login: str | None = None) -> None:
        """One mail, accepted: what it accepted is in its log."""
        deadline = time.monotonic() + 20
        while True:
            try:
                client = smtplib.SMTP("127.0.0.1", self.port, "host.example")
                break
            except ConnectionRefusedError:  # it answers once it is up
                said = (self._base / "said").read_text(errors="replace")
                assert self._process.poll() is None, said
                assert time.monotonic() < deadline, said
        with client:
            if login:
                client.login(login, "secret")
            client.sendmail("a@sender.example", ["x@elsewhere.example"], mail)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._said.close()
        shutil.rmtree(self._base, ignore_errors=True)
