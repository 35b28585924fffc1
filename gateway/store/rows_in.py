"""What came in and who is who: mailboxes, messages, reports, customers and what they hold.

One class a table, columns in the field's standard terms, no behaviour. `table=True` does not
validate: rows are made from values that were checked before. Unique keys are what makes
every step safe to run again; each says what it protects. Times are aware UTC; JSON columns
hold plain values for people, never what a decision rests on alone. Must not be imported
outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

JsonDict = dict[str, Any]


class MailboxRow(SQLModel, table=True):
    """What is known of a mailbox of the settings: how far it was read, and whether it is live."""

    __tablename__ = "mailboxes"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    mode: str = "observe"
    live_since: datetime | None = None
    folder_state: JsonDict = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )  # folder -> {uidvalidity, last_uid}
    read_to: datetime | None = None  # everything delivered before this instant is stored
    failures: int = 0
    error: str | None = None
    lease_node: str | None = None
    lease_until: datetime | None = None


class MessageRow(SQLModel, table=True):
    """The bytes we received, once, whatever happens to them later."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_waiting", "state", "id"),
        Index("messages_outer_id", "message_id"),
        # the trays of the console; a message with reports has no verdict of its own
        Index(
            "messages_verdict",
            "verdict",
            "id",
            sqlite_where=text("verdict IS NOT NULL"),
            postgresql_where=text("verdict IS NOT NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True)  # a message is its bytes
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    size: int
    mailbox: str | None = None  # name of the mailbox that brought it first; None: ingested from a file
    received_at: datetime  # INTERNALDATE; files: time of ingest
    stored_at: datetime
    state: str = "stored"  # stored | filed | observed
    tries: int = 0  # times that working on it failed or died
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    kind: str | None = None
    format: str | None = None
    message_id: str | None = None
    sender: str | None = None
    subject: str | None = None
    verdict: str | None = None  # of the message, where it holds no report
    reason: str | None = None
    detail: str = ""
    error: str | None = None
    hold: bool = False  # preserved for the legal lane: nothing may delete it
    written_by: str | None = None  # the address that was given on a page of ours; None: it came by mail
    confirmed_at: datetime | None = None  # when whoever reads that address opened the link that was mailed there
    stated: str | None = None  # the category that its sender chose there
    cleared: str | None = None  # staff's word, for when it is worked on again: "held", "legal" (see `model.Cleared`)


class DeliveryRow(SQLModel, table=True):
    """Where a message lies in a mailbox. Not fetched twice, and moved once."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "folder", "uidvalidity", "uid"),
        Index("deliveries_waiting", "mailbox_id", "disposed_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id", index=True)
    mailbox_id: int = Field(foreign_key="mailboxes.id")
    folder: str
    uidvalidity: int = Field(sa_column=Column(BigInteger, nullable=False))  # 32 bits without a sign, RFC 3501
    uid: int = Field(sa_column=Column(BigInteger, nullable=False))
    internal_date: datetime
    disposed_at: datetime | None = None  # moved, deleted or (setting keep) left for good


class ReportRow(SQLModel, table=True):
    """One report of a message, what screening made of it, and the contract's JSON for people."""

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index("reports_contacts", "contacts_state", "contacts_next_at"),
        Index("reports_verdict", "verdict", "message_id"),
        Index("reports_reporter", "reporter_id", "id"),
        Index("reports_received", "received_at", "category", "id"),  # statistics and whatever asks for a period
    )
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id")
    position: int  # in the message, from 0
    feedback_type: str | None = None
    category: str
    source_ip: str | None = Field(default=None, index=True)
    source_port: int | None = None
    arrival_date: datetime | None = None
    received_at: datetime
    verdict: str
    reason: str
    detail: str = ""
    identity: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    reporter_id: int | None = Field(default=None, foreign_key="reporters.id")
    judgement: str | None = None  # None: nobody said otherwise | disputed | false | right
    complainant: str | None = Field(default=None, index=True)
    fingerprint: str = Field(index=True)
    outer_id: str | None = None  # Message-ID of the mail that brought it: twins share it
    parsed: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    would_send: list[Any] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )  # observe mode: [{kind, to}]
    campaign: str | None = Field(default=None, index=True)  # which mailing it was, where the reported mail says so
    contacts_state: str | None = None  # None: not asked | wanted | found | failed
    contacts_next_at: datetime | None = None
    contacts_tries: int = 0


class AttributionRow(SQLModel, table=True):
    """Whose resource it was; without an account it is an entry of the unmatched queue."""

    __tablename__ = "attributions"
    __table_args__ = (
        UniqueConstraint("report_id", "kind", "role", "value"),
        Index("attributions_queue", "queue", "id"),
        Index("attributions_clock", "clock_id", "report_id"),
        Index("attributions_account", "account_id", "report_id"),  # a customer's complaints, the latest ones alone
        # the page of the queue: what waits, put together by what is alike
        Index(
            "attributions_waiting",
            "value",
            "reason",
            "kind",
            "role",
            "report_id",
            sqlite_where=text("queue = 'waiting'"),
            postgresql_where=text("queue = 'waiting'"),
        ),
        Index("attributions_value", "value", "report_id"),  # what else was said about a resource, the latest first
    )
    id: int | None = Field(default=None, primary_key=True)
    report_id: int = Field(foreign_key="reports.id")
    kind: str
    role: str
    value: str
    reason: str
    account_id: int | None = Field(default=None, foreign_key="accounts.id")
    how: str = ""
    candidates: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))  # [{account_id, why}]
    confidence: float | None = None  # 0..1, of what was placed by itself
    queue: str | None = None  # None: was placed by itself; else `store.queue`
    snoozed_until: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    before: JsonDict | None = Field(default=None, sa_column=Column(JSON))  # what a decision replaced, to undo it
    muted_by: int | None = None  # the mute rule under which it was counted and not forwarded
    clock_id: int | None = Field(default=None, foreign_key="clocks.id")


class CustomerRow(SQLModel, table=True):
    __tablename__ = "customers"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    name: str
    parent_id: int | None = Field(default=None, foreign_key="customers.id", index=True)
    language: str = "en"
    vetted: bool = False
    policy: str | None = None  # name of its own policy; None: the default
    delivery: str = "mail"  # mail | arf | xarf | digest | portal: how the customer wants to be told


class AccountRow(SQLModel, table=True):
    """A customer without named accounts has one called `main`."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("customer_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customers.id")
    name: str = "main"


class ContactRow(SQLModel, table=True):
    """A customer's addresses, in the order in which they are tried."""

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("customer_id", "address"),)
    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customers.id")
    address: str
    position: int
    role: str = "abuse"  # abuse | technical | owner | billing: the last is never told of complaints
    language: str | None = None  # None: the customer's


class AssignmentRow(SQLModel, table=True):
    """A resource held by an account for a time: [valid_from, valid_to). Range bounds as 32 hex digits."""

    __tablename__ = "assignments"
    __table_args__ = (
        UniqueConstraint("resource", "port_first", "port_last", "valid_from", "account_id"),
        UniqueConstraint("origin", "ref"),
        Index("assignments_block", "block", "valid_from"),
    )
    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id", index=True)
    resource: str
    family: int  # 4 | 6 | 0 for a name: a host, a mailbox, `tel:` and a number
    first: str
    last: str
    port_first: int = 0  # the whole address is 0..65535: a NULL would not be unique
    port_last: int = 65535
    valid_from: datetime
    valid_to: datetime | None = None
    block: str = ""  # family and the hex digits that first and last have in common: an address has few such blocks
    use: str = "exclusive"  # exclusive | shared | protected
    origin: str = "import"  # import | rule | manual | name of a source
    ref: str | None = None  # the source's own key: a session, a lease
    changed: int = Field(default=0, index=True)  # version of the assignments with which it was written last
