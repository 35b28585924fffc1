"""The tables for SQLAlchemy Core: batches are written and read as plain rows.

The columns are in the modules `rows_*`. Must not be imported outside `gateway.store`.
"""

from sqlalchemy import Table
from sqlmodel import SQLModel

from gateway.store.rows_actions import ActionRow, ApprovalRow, StepRow
from gateway.store.rows_alarms import DueAlarmRow
from gateway.store.rows_answers import AnswerFileRow, AnswerRow
from gateway.store.rows_console import BystanderRow, CannedAnswerRow, SavedViewRow
from gateway.store.rows_content import ContentCheckRow
from gateway.store.rows_dues import AppealRow, ChargeRow, ConsentRow, PostmasterRow, PublicationRow
from gateway.store.rows_figures import CountedDayRow, DayFigureRow, StaleDayRow
from gateway.store.rows_in import (
    AccountRow,
    AssignmentRow,
    AttributionRow,
    ContactRow,
    CustomerRow,
    DeliveryRow,
    MailboxRow,
    MessageRow,
    ReportRow,
)
from gateway.store.rows_legal import LegalActRow, LegalMatterRow
from gateway.store.rows_names import HostAnswerRow, HostQuestionRow
from gateway.store.rows_outcomes import CaseOutcomeRow, OutcomeWishRow
from gateway.store.rows_outside import DeadAddressRow, OutsideContactRow
from gateway.store.rows_policies import PolicyRow
from gateway.store.rows_reporters import ReporterRow
from gateway.store.rows_screening import FloodBucketRow, HeldRow, ReplyTurnRow
from gateway.store.rows_sources import SourceRow, SourceRunRow
from gateway.store.rows_strikes import MarkRow, StrikeRow
from gateway.store.rows_suppression import SuppressionRow
from gateway.store.rows_users import (
    AccessRow,
    AttemptRow,
    RecoveryCodeRow,
    SessionRow,
    SignInLinkRow,
    UserRow,
    UserTokenRow,
)
from gateway.store.rows_watch import ListingRow, WatchedZoneRow
from gateway.store.rows_who import (
    ConfirmationRow,
    IdentifierRow,
    MuteRow,
    RelayMailRow,
    ResponseRow,
    VolumeRow,
)
from gateway.store.rows_work import (
    CaseRow,
    ClockRow,
    EventRow,
    NoticeRow,
    OptOutRow,
    RdapCacheRow,
    SwitchRow,
    ThirdPartyRow,
)


def _table(row: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(row.__tablename__)]


mailboxes = _table(MailboxRow)
messages = _table(MessageRow)
deliveries = _table(DeliveryRow)
reports = _table(ReportRow)
attributions = _table(AttributionRow)
customers = _table(CustomerRow)
accounts = _table(AccountRow)
contacts = _table(ContactRow)
assignments = _table(AssignmentRow)
cases = _table(CaseRow)
clocks = _table(ClockRow)
notices = _table(NoticeRow)
actions = _table(ActionRow)
approvals = _table(ApprovalRow)
action_steps = _table(StepRow)
events = _table(EventRow)
charges = _table(ChargeRow)
consents = _table(ConsentRow)
appeals = _table(AppealRow)
answers = _table(AnswerRow)
outcome_wishes = _table(OutcomeWishRow)
case_outcomes = _table(CaseOutcomeRow)
due_alarms = _table(DueAlarmRow)
answer_files = _table(AnswerFileRow)
postmasters = _table(PostmasterRow)
publications = _table(PublicationRow)
reporters = _table(ReporterRow)
third_parties = _table(ThirdPartyRow)
opt_outs = _table(OptOutRow)
dead_addresses = _table(DeadAddressRow)
outside_contacts = _table(OutsideContactRow)
rdap_cache = _table(RdapCacheRow)
policies = _table(PolicyRow)
marks = _table(MarkRow)
strikes = _table(StrikeRow)
switches = _table(SwitchRow)
held = _table(HeldRow)
reply_turns = _table(ReplyTurnRow)
legal_matters = _table(LegalMatterRow)
legal_acts = _table(LegalActRow)
identifiers = _table(IdentifierRow)
relay_mails = _table(RelayMailRow)
sources = _table(SourceRow)
source_runs = _table(SourceRunRow)
confirmations = _table(ConfirmationRow)
mutes = _table(MuteRow)
volumes = _table(VolumeRow)
responses = _table(ResponseRow)
host_questions = _table(HostQuestionRow)
host_answers = _table(HostAnswerRow)
flood_buckets = _table(FloodBucketRow)
suppressions = _table(SuppressionRow)
watched_zones = _table(WatchedZoneRow)
listings = _table(ListingRow)
content_checks = _table(ContentCheckRow)
saved_views = _table(SavedViewRow)
canned_answers = _table(CannedAnswerRow)
bystanders = _table(BystanderRow)
day_figures = _table(DayFigureRow)
counted_days = _table(CountedDayRow)
stale_days = _table(StaleDayRow)
users = _table(UserRow)
recovery_codes = _table(RecoveryCodeRow)
sessions = _table(SessionRow)
sign_in_links = _table(SignInLinkRow)
user_tokens = _table(UserTokenRow)
sign_in_attempts = _table(AttemptRow)
access_log = _table(AccessRow)
