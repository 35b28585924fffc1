"""Debian's Postfix as a relay on loopback: own addresses go to Maildirs, all others to a next hop or nowhere."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from servers.certificates import make_certificate
from servers.ports import free_port, wait_until_listening

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"

_MAIN = """
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.net
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = {base}/mail.log
maillog_file_prefixes = {base}
alternate_config_directories = {base}/etc
alias_maps =
alias_database =
recipient_delimiter = +
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = texthash:{base}/etc/mailboxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
default_transport = {transport}
relay_transport = {transport}
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_relay_restrictions = permit_mynetworks,reject
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
message_size_limit = 30000000
virtual_mailbox_limit = 0
minimal_backoff_time = 1s
queue_run_delay = 1s
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """SMTP on 127.0.0.1:`port`. `addresses` are delivered below `mail` as ADDRESS/Maildir/ (Dovecot's layout:
    hand in `dovecot.mail` and the same server can be read by IMAP); anything else goes to `next_hop`."""

    host = "127.0.0.1"

    def __init__(
        self,
        addresses: Sequence[str] = ("abuse@example.net", "postmaster@example.net"),
        mail: Path | None = None,
        next_hop: tuple[str, int] | None = None,
    ) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="arfgate-postfix-"))
        self.base.chmod(0o755)
        self.mail = mail or self.base / "mail"
        self.port = free_port()
        certificate = make_certificate(self.base / "ssl")
        self.ca_file = certificate.ca_file
        transport = f"smtp:[{next_hop[0]}]:{next_hop[1]}" if next_hop else "error:5.1.2 no outside delivery"
        for name in ("etc", "queue", "data"):
            (self.base / name).mkdir()
        os.chown(self.base / "data", pwd.getpwnam("postfix").pw_uid, -1)
        if not self.mail.exists():
            self.mail.mkdir()
            os.chown(self.mail, 65534, 65534)
        domains = ", ".join(sorted({address.rpartition("@")[2] for address in addresses}))
        etc = self.base / "etc"
        (etc / "mailboxes").write_text("".join(f"{a} {a}/Maildir/\n" for a in addresses))
        (etc / "master.cf").write_text(_MASTER.format(port=self.port))
        main = _MAIN.format(
            base=self.base,
            domains=domains,
            mail=self.mail,
            transport=transport,
            cert=certificate.cert_file,
            key=certificate.key_file,
        )
        (etc / "main.cf").write_text(main)

    def start(self) -> None:
        self._postfix("start")
        wait_until_listening(self.port)

    def stop(self) -> None:
        self._postfix("stop")

    def rules(self, lines: str) -> str:
        """Restrictions by recipient: lines as "later@example.net 450 4.2.1 not now"."""
        file = self.base / "etc" / "moods"
        file.write_text(lines)
        return f"check_recipient_access texthash:{file}, permit_mynetworks"

    def moody(self, restrictions: str) -> None:
        """Set what it says to recipients, and let it know."""
        with (self.base / "etc" / "main.cf").open("a") as main:
            main.write(f"\nsmtpd_recipient_restrictions = {restrictions}\nsmtpd_error_sleep_time = 0\n")
        self._postfix("reload")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def messages(self, address: str) -> list[bytes]:
        """What was delivered to an own address, not yet read by an IMAP server."""
        folder = self.mail / address / "Maildir" / "new"
        return [file.read_bytes() for file in sorted(folder.iterdir())] if folder.is_dir() else []

    def log(self) -> str:
        file = self.base / "mail.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _postfix(self, verb: str) -> None:
        command = ["postfix", "-c", str(self.base / "etc"), verb]
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
            said = (self.base / "stderr").read_text(errors="replace")
            raise RuntimeError(f"postfix {verb}: {said}\n{self.log()}")
