"""Debian's Dovecot on loopback: any user name, one password, Maildir, IMAP with and without TLS.

Users need no list: everybody whose password is `PASSWORD` is let in. Mail is delivered the way
a mail server does it, by a file in Maildir/new.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from servers.certificates import make_certificate
from servers.ports import free_port, wait_until_listening

PASSWORD = "secret"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"

_CONFIG = """
base_dir = {run}
state_dir = {base}/state
log_path = {base}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login{mechanisms}
auth_verbose = yes
auth_failure_delay = 0
mail_fsync = never
{oauth}passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={mail}/%u allow_all_users=yes
}}
mail_location = maildir:~/Maildir
maildir_very_dirty_syncs = no
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Processed {{
    auto = create
  }}
  mailbox Failed {{
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
imap_idle_notify_interval = 2 mins
"""
_OAUTH = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {base}/oauth2.conf.ext
}}
"""
_INTROSPECTION = """\
introspection_mode = post
introspection_url = {url}
username_attribute = username
active_attribute = active
active_value = true
timeout_msecs = 5000
"""


class Dovecot:
    """A running server. `port` speaks plain IMAP (and STARTTLS), `tls_port` implicit TLS, both on 127.0.0.1."""

    password = PASSWORD
    host = "127.0.0.1"

    def __init__(self, *, expired: bool = False, introspection: str | None = None) -> None:
        """`introspection`: address of an OAuth 2 server (RFC 7662) that tells whose a token is; enables XOAUTH2."""
        # not pytest's tmp_path: that is 0700, and Dovecot's login processes are other users
        self.base = Path(tempfile.mkdtemp(prefix="arfgate-dovecot-"))
        self.base.chmod(0o755)
        self.mail = self.base / "mail"
        self.port, self.tls_port = free_port(), free_port()
        certificate = make_certificate(self.base / "ssl", expired=expired)
        self.ca_file = certificate.ca_file
        self._config = self.base / "dovecot.conf"
        if introspection:
            (self.base / "oauth2.conf.ext").write_text(_INTROSPECTION.format(url=introspection))
        self._config.write_text(
            _CONFIG.format(
                base=self.base,
                run=self.base / "run",
                mail=self.mail,
                cert=certificate.cert_file,
                key=certificate.key_file,
                password=PASSWORD,
                mechanisms=" xoauth2" if introspection else "",
                oauth=_OAUTH.format(base=self.base) if introspection else "",
                port=self.port,
                tls_port=self.tls_port,
            )
        )
        self._owner = pwd.getpwnam("nobody")
        self._serial = itertools.count(1)
        self._users = itertools.count(1)
        self._own(self.mail)

    def start(self) -> None:
        self._run("dovecot", "-c", str(self._config))
        wait_until_listening(self.port)
        wait_until_listening(self.tls_port)

    def stop(self) -> None:
        """End the server and all of its processes, keep the mail: `start` brings it back."""
        pid_file = self.base / "run" / "master.pid"
        if not pid_file.exists():
            return
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
        deadline = time.monotonic() + 10
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)  # a foreign process ends: there is no event to await

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def new_user(self, local: str = "abuse") -> str:
        """A mailbox name that no other test has."""
        return f"{local}-{next(self._users)}@example.net"

    def deliver(self, user: str, raw: bytes, internal_date: datetime | None = None, folder: str = "INBOX") -> None:
        self.deliver_all(user, [raw], internal_date, folder)

    def deliver_all(
        self, user: str, raws: Iterable[bytes], internal_date: datetime | None = None, folder: str = "INBOX"
    ) -> None:
        """One file in Maildir/new for each; UIDs come in this order; `internal_date` (aware) is its mtime."""
        target = self._folder(user, folder)
        for part in ("tmp", "new", "cur"):
            self._own(target / part)
        for raw in raws:
            name = f"{1_700_000_000 + next(self._serial)}.M1P1.example"
            file = target / "tmp" / name
            file.write_bytes(raw)
            os.chown(file, self._owner.pw_uid, self._owner.pw_gid)
            if internal_date is not None:
                os.utime(file, (internal_date.timestamp(),) * 2)
            file.rename(target / "new" / name)

    def count(self, user: str, folder: str = "INBOX") -> int:
        return len(self._files(user, folder))

    def messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The bytes of every message in the folder, oldest delivery first."""
        for _ in range(20):
            try:
                return [file.read_bytes() for file in self._files(user, folder)]
            except FileNotFoundError:
                continue  # Dovecot moved one from new to cur meanwhile
        raise RuntimeError(f"{user} {folder} changes too fast to be read")

    def restore(self, user: str) -> None:
        """As after a backup came back: the same mail, and another UIDVALIDITY."""
        for file in (self._folder(user, "INBOX")).glob("dovecot*"):
            file.unlink()
        uidlist = self._folder(user, "INBOX") / "dovecot-uidlist"
        uidlist.write_text(f"3 V{2_000_000_000 + next(self._serial)} N1\n")
        os.chown(uidlist, self._owner.pw_uid, self._owner.pw_gid)

    def kick(self, user: str) -> None:
        """Throw the user's clients out: they get a BYE, then the connection ends."""
        self._run("doveadm", "-c", str(self._config), "kick", user)

    def log(self) -> str:
        file = self.base / "dovecot.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _folder(self, user: str, folder: str) -> Path:
        maildir = self.mail / user / "Maildir"
        return maildir if folder == "INBOX" else maildir / ("." + folder.replace("/", "."))

    def _files(self, user: str, folder: str) -> list[Path]:
        target = self._folder(user, folder)
        files = [f for part in ("new", "cur") if (target / part).is_dir() for f in (target / part).iterdir()]
        return sorted(files, key=lambda f: f.name)

    def _own(self, folder: Path) -> None:
        for part in reversed([folder, *folder.parents]):
            if part.is_relative_to(self.mail) and not part.exists():
                part.mkdir()
                os.chown(part, self._owner.pw_uid, self._owner.pw_gid)

    def _run(self, *command: str) -> None:
        # to a file, not a pipe: the server's processes inherit it and would hold the pipe open
        with (self.base / "stderr").open("w+b") as errors:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                check=False,
                env={**os.environ, "PATH": _PATH},
                timeout=30,
            )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {(self.base / 'stderr').read_text(errors='replace')}")
