"""Settings as the doors want them: what a mailbox connection, a mailer and a registry client are made from.

Pure, and the only place that knows both vocabularies. Must never open anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gateway.intake.connect import MailboxAccess
from gateway.intake.oauth import TokenSource
from gateway.mailbox_sections import Mailbox
from gateway.sections import Smtp
from gateway.settings import Settings
from notifier.signing import Signer
from notifier.smtp import SmtpSettings


def mailbox_accesses(box: Mailbox, tokens: TokenSource | None) -> tuple[MailboxAccess, ...]:
    """One for each folder that is read: the inbox, and the junk folder if there is one. `tokens`: where we log in
    with one (`oauth.sources`)."""
    inbox = MailboxAccess(
        name=box.name,
        host=box.host,
        port=box.port,
        user=box.user,
        password=box.password.get_secret_value() if box.password else "",
        tokens=tokens,
        security=box.security,
        verify=box.verify,
        ca_file=box.ca_file,
        folder=box.folder,
        processed=box.processed,
        failed=box.failed,
        timeout=float(box.timeout_seconds),
    )
    return (inbox,) if box.junk_folder is None else (inbox, replace(inbox, folder=box.junk_folder))


def smtp_settings(settings: Settings) -> SmtpSettings:
    """How mail leaves, for a Mailer."""
    smtp = settings.smtp
    relay = smtp.mode == "relay"
    return SmtpSettings(
        mode=smtp.mode,
        host=smtp.host,
        port=smtp.port if relay else smtp.direct_port,
        tls=_tls(smtp),
        verify=smtp.verify,
        ca_file=smtp.ca_file,
        username=(smtp.user or "") if relay else "",
        password=smtp.password.get_secret_value() if relay and smtp.password else "",
        hello=settings.operator.domain,
        connect_seconds=float(smtp.timeout_seconds),
        answer_seconds=4.0 * smtp.timeout_seconds,
        total_seconds=10.0 * smtp.timeout_seconds,
    )


def relays(settings: Settings) -> list[SmtpSettings]:
    """All ways on which mail leaves, the preferred one first."""
    first = smtp_settings(settings)
    if first.mode == "direct":
        return [first]
    places = (place.rpartition(":") for place in settings.smtp.fallbacks)
    return [first, *(replace(first, host=host.strip("[]"), port=int(port)) for host, _, port in places)]


def signer(settings: Settings) -> Signer | None:
    """Who signs our mail, if we do. Raises ValueError and OSError."""
    smtp = settings.smtp
    if smtp.dkim_selector is None and smtp.dkim_key_file is None:
        return None
    if smtp.dkim_selector is None or smtp.dkim_key_file is None:
        raise ValueError("smtp.dkim_selector and smtp.dkim_key_file belong together; give both or none")
    return Signer(settings.operator.domain, smtp.dkim_selector, smtp.dkim_key_file.read_bytes())


def _tls(smtp: Smtp) -> Literal["none", "starttls", "implicit"]:
    """In direct mode TLS is used where it is offered, unless "none" was written (unwritten, it is the relay's)."""
    if smtp.mode == "direct":
        return "none" if smtp.security == "none" and "security" in smtp.model_fields_set else "starttls"
    return "implicit" if smtp.security == "tls" else smtp.security
