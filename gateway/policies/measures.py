"""What a policy lets happen: actions and who approves them, fines, consent records, appeals, retention.

Must never carry anything out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.model import ActionKind, MailboxRole
from gateway.policies.rules import Approval, Days, Mode, Money, Name, Rules

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Requires = Literal["signed", "authenticated"]


class Intake(Rules):
    """What a mailbox asks of a complaint (PAG-1, CON-2)."""

    requires: Requires = "signed"
    """"signed": an authenticated, named sender and the reported mail with its complete header; "authenticated": the
    header may be missing where the report names address and time."""
    acknowledge: bool = True
    """Tell each complainant that the complaint was received (PAG-4)."""
    ask_for_missing: bool = True
    """Tell an authenticated sender what is missing; false: file it silently."""


class Measures(Rules):
    """Who must approve an action, and for how long it holds."""

    approval: Approval = "one"
    """Persons who must agree: "one", "two", or "none" where it happens by itself."""
    approvals: Mapping[ActionKind, Approval] = Field(default_factory=dict)
    """Actions that need another approval, for example suspend-account = "two"."""
    announce: bool = True
    """Tell the customer of an action that waits for approval; false: only once it was carried out."""
    foreign_days: Days = 30
    """Days after which the entry of a foreign address (SES-9) expires."""
    appeal_days: Days | None = 30
    """Days in which a customer may ask for a review of an action (NET-4); absent: at any time."""

    def approval_for(self, kind: ActionKind) -> Approval:
        return self.approvals.get(kind, self.approval)


class Fines(Rules):
    """Charges per complaint held valid (SES-3)."""

    mode: Literal["off", "staff", "auto"] = "off"
    """"staff": a person charges; "auto": closing a case as the customer's fault charges its valid complaints."""
    amount: Money | None = None
    """Amount per complaint, for example "50.00"."""
    currency: Currency = "EUR"
    """ISO 4217 code."""
    classes: tuple[Name, ...] = ()
    """Classes whose complaints are charged; none named: all."""


class ConsentRecords(Rules):
    """Proof of permission, asked for per campaign (SES-1)."""

    ask: bool = False
    """Ask the customer for the campaign's records with each case."""
    classes: tuple[Name, ...] = ("mail",)
    """Classes of cases in which they are asked for."""
    absent_is_no_permission: bool = True
    """Records that do not come in the case's time are noted as no permission."""


class Postmaster(Rules):
    """Whether the customer's postmaster@ is read (SES-8)."""

    ask: bool = False
    """Write to it at onboarding and then yearly; who does not confirm is listed."""
    every_days: Days = 365
    """Days between two such mails."""


class ThirdParties(Rules):
    """Who else is told, by role: "auto", "approve" or "off". RFC 6650 section 5.3 advises against all but abuse."""

    abuse: Mode = "auto"
    """Abuse contacts of foreign source networks and advertised sites."""
    technical: Mode = "off"
    """Technical contacts of offending sites in WHOIS (SES-10)."""
    administrative: Mode = "off"
    """Administrative contacts of offending sites in WHOIS (SES-10)."""
    billing: Mode = "off"
    """Billing contacts of offending sites in WHOIS (SES-10)."""
    postmaster: Mode = "off"
    """postmaster@ of the domains involved (SES-10)."""
    upstream: Mode = "off"
    """Abuse contacts of the providers above the source network (SES-10)."""
    relay: Mode = "off"
    """Abuse contacts of the relays in the trace (SES-10)."""


class Retention(Rules):
    """Days after which data goes; absent: kept until somebody erases it. A legal hold outlasts them."""

    messages_days: Days | None = None
    """Raw mails."""
    reports_days: Days | None = None
    """Reports that no case needs."""
    cases_days: Days | None = None
    """Cases, from their end."""


class Delivery(Rules):
    """Notices to customers that cannot be delivered."""

    undeliverable_after_hours: Annotated[float, Field(gt=0, le=24 * 365)] | None = None
    """Hours after which the time of a customer whom no mail reaches starts all the same; absent: staff decide."""

    @property
    def undeliverable_after(self) -> timedelta | None:
        hours = self.undeliverable_after_hours
        return None if hours is None else timedelta(hours=hours)


def strictest() -> Mapping[MailboxRole, Intake]:
    """Every mailbox as the design has it."""
    return {role: Intake() for role in MailboxRole}
