"""What the arrows of the pipeline share: one value, made once by `app`, handed to each.

Holds settings and open doors (database, workers, mailer, resolver of contacts) and the
look-up index over the assignments, swapped whole when they change. Must never decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import tokens
from gateway.attribution.hosts import HostIndex
from gateway.attribution.network import Leases, Network
from gateway.attribution.prefixes import PrefixIndex
from gateway.attribution_sections import LEASE_KINDS
from gateway.casework.cases import Terms
from gateway.casework.clocks import Proposal
from gateway.casework.desk import Party
from gateway.casework.mutes import Mute
from gateway.channels import Door
from gateway.connectors.checks.contract import Check
from gateway.connectors.contract import Connector
from gateway.holdings import Holdings
from gateway.intake.oauth import TokenSource
from gateway.model import ActionKind, Case, Clock, MailboxRole
from gateway.policies.book import Book
from gateway.policies.policy import ClassRule, Policy
from gateway.screening import registry
from gateway.screening.identity import Border, Feed
from gateway.screening.reporters import ReporterKind, Standing
from gateway.settings import Settings
from gateway.store import reporters
from gateway.store.database import Database
from gateway.workers import ParserWorkers
from notifier.bootstrap_files import BootstrapFiles
from notifier.discover import Finder
from notifier.dns import Resolver
from notifier.mailers import Mailers
from notifier.rdap import RdapClient
from notifier.redact import Redactor
from notifier.signing import Signer
from notifier.texts import Texts, packaged


@dataclass
class House:
    """`clock` gives the time (aware UTC) to every decision; nothing else may ask for it."""

    settings: Settings
    database: Database
    book: Book
    clock: Callable[[], datetime]
    workers: ParserWorkers
    mailer: Mailers
    rdap: RdapClient | None
    bystanders: frozenset[str]
    resolver: Resolver
    connectors: Mapping[str, Connector] = field(default_factory=dict)  # by name; none: staff are asked
    channels: Mapping[str, Door] = field(default_factory=dict)  # ways out beside mail, by name
    filters: tuple[Check, ...] = ()  # content filters that are shown reported mail
    list_resolver: Resolver | None = None  # for block lists, where they need one of their own
    contacts: Finder | None = None
    bootstrap_files: BootstrapFiles | None = None  # which IANA keeps and we fetch
    signer: Signer | None = None
    texts: Texts = field(default_factory=packaged)
    policies_told: bool = field(default=False, init=False)  # every customer was told of the versions that hold
    logins: dict[str, TokenSource] = field(default_factory=dict)  # of the mailboxes that are opened with a token
    stopping: bool = field(default=False, init=False)  # what is in hand is finished, nothing new is begun
    standings: Mapping[str, Standing] = field(default_factory=dict, init=False)  # staff's word about reporters
    _border: Border | None = field(default=None, init=False)
    working: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)  # a batch of messages is in hand
    holdings: Holdings = field(init=False)
    mutes: tuple[Mute, ...] = field(default=(), init=False)  # as of the last batch

    def __post_init__(self) -> None:
        operator, how = self.settings.operator, self.settings.attribution
        self.holdings = Holdings(
            Network(
                PrefixIndex(), HostIndex(), tuple(operator.networks), tuple(operator.relays), tuple(how.protected),
                confirm_first=how.confirm_first, bystanders=self.bystanders, cfbl_key=self.key("cfbl"),
                leases=_leases(self.settings),
            )
        )  # fmt: skip

    @property
    def node(self) -> str:
        return self.settings.node

    @property
    def policy(self) -> Policy:
        """The default: what holds before anybody knows whose resource it was."""
        return self.book.default

    @property
    def bounce_grace(self) -> timedelta:
        """None when we speak to the recipient's server ourselves: its acceptance is final enough."""
        smtp = self.settings.smtp
        return timedelta(minutes=smtp.bounce_grace_minutes if smtp.mode == "relay" else 0)

    def policy_for(self, party: Party) -> Policy:
        """What holds for a customer from now on."""
        return self.book.of_customer(party.policy)

    def policy_of(self, what: Case | Clock) -> Policy:
        """The version that a case runs under."""
        return self.book.of_label(what.policy)

    def rule(self, clock: Clock) -> ClassRule:
        """The rule of its case's class, under its case's policy."""
        return self.policy_of(clock).rule(clock.case_key[1])

    def given_up_at(self, clock: Clock) -> datetime | None:
        """When the time of a customer whom nobody can tell from now on starts all the same; None: staff decide."""
        after = self.policy_of(clock).delivery.undeliverable_after
        return None if after is None else self.clock() + after

    def terms(self, policy: Policy, cls: str) -> Terms:
        """Under which terms a complaint of this class is filed."""
        rule = policy.rule(cls)
        return Terms(
            policy=policy.label,
            reopen=policy.reopen_limit,
            give_up=policy.delivery.undeliverable_after,
            on_repeat=proposals(policy, rule.on_repeat),
            before_notice=proposals(policy, rule.before_notice),
        )

    def overdue_actions(self, clock: Clock) -> tuple[Proposal, ...]:
        """What the policy wants done to a resource whose time is up."""
        return proposals(self.policy_of(clock), self.rule(clock).overdue)

    def consequence(self, clock: Clock) -> dict[str, object]:
        """The policy's terms, as notices tell them: the full time in hours and what follows it."""
        rule = self.rule(clock)
        terms: dict[str, object] = {"hours": f"{rule.hours:g}"}
        if rule.overdue:
            approval = self.policy_of(clock).actions.approval_for(rule.overdue[0])
            terms |= {"action": rule.overdue[0].value, "action_approval": approval != "none"}
        return terms

    def serves(self, connector: Connector) -> bool:
        """Whether this node may use it: files and commands belong to one machine."""
        node = next((c.node for c in self.settings.connectors if c.name == connector.name), None)
        return node is None or node == self.node

    def key(self, purpose: str) -> bytes:
        """The HMAC key for one purpose (notice, redaction, message-id)."""
        return tokens.derive(self.settings.secret_key.get_secret_value(), purpose)

    def redactor(self) -> Redactor:
        return Redactor(self.key("redaction"))

    @cached_property
    def public_domains(self) -> frozenset[str]:
        """Domains of so many people that they name none of them: large providers and the operator."""
        return self.bystanders | set(self.settings.operator.own_domains)

    def border(self) -> Border:
        """What screening may believe: our border's name and the registered feeds."""
        if self._border is None:
            own = [{name: getattr(feed, name) for name in feed.model_fields_set} for feed in self.settings.feeds]
            feeds = registry.registered(own, with_known=self.settings.screening.known_feeds)
            feeds = tuple(self._with_alias(feed) for feed in feeds)
            self._border = Border(frozenset(self.settings.operator.authserv_ids), feeds)
        return self._border

    def _with_alias(self, feed: Feed) -> Feed:
        found = self.standings.get(f"{ReporterKind.FEED.value}:{feed.name}")
        return replace(feed, aliases=feed.aliases | {found.alias}) if found and found.alias else feed

    async def know_reporters(self, connection: AsyncConnection) -> None:
        """What staff decided about reporters, as of now."""
        known = await reporters.standings(connection, self.clock())
        if {s.key: s.alias for s in known.values()} != {s.key: s.alias for s in self.standings.values()}:
            self._border = None
        self.standings = known

    def asks_for_header(self, mailbox: str | None) -> bool:
        """Whether the mailbox (None: files) wants the reported mail's header where address and time are named."""
        role = next((box.role for box in self.settings.mailboxes if box.name == mailbox), MailboxRole.ABUSE)
        intake = self.policy.intake.get(role)
        return intake is None or intake.requires == "signed"

    async def network(self, connection: AsyncConnection) -> Network:
        """Who held what, when, by all that is committed."""
        return await self.holdings.network(connection)


def proposals(policy: Policy, kinds: Iterable[ActionKind]) -> tuple[Proposal, ...]:
    """These actions with the approval that the policy asks for each."""
    return tuple(Proposal(kind, policy.actions.approval_for(kind)) for kind in kinds)


def _leases(settings: Settings) -> tuple[Leases, ...]:
    """The systems that lease addresses, as attribution numbers them."""
    return tuple(Leases(source.name) for source in settings.sources if source.kind in LEASE_KINDS)
