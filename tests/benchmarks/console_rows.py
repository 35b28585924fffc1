"""A million cases as SQL in the shape that the pipeline leaves behind, spread over the year before NOW, for both databases.

To `many` cases there are one and a half times as many reports (a few of a flood, all in one open case; the last 15 days
brought what waits in the queue), twice as many notices, five times as many events, a fiftieth as many customers (one of
them holds a tenth of all cases, in 51 accounts) and reporters (30 feeds write most), a fiftieth of the cases is open.
What a report and a mail hold is copied from the one that the house took in itself. Must never run a statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from servers.waiting import NOW

FIRST = 100  # ids below are the house's own
_YEAR = 365 * 86400
LINES = 50  # accounts of the largest customer beside its main one
_FEEDS = 30


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the two databases write differently. `i` is the number of the row in every statement."""

    many: int
    sqlite: bool

    @property
    def customers(self) -> int:
        return max(1000, self.many // 50)

    @property
    def reports(self) -> int:
        return self.many // 2 * 3

    @property
    def no(self) -> str:
        return "0" if self.sqlite else "false"

    @property
    def yes(self) -> str:
        return "1" if self.sqlite else "true"

    def rows(self, count: int) -> str:
        """`FROM` this: i = 0, 1, 2 ..."""
        if self.sqlite:
            more = f"SELECT i + 1 FROM n WHERE i < {count - 1}"
            return f"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL {more}) SELECT i FROM n) AS n"
        return f"(SELECT CAST(generate_series(0, {count - 1}) AS INTEGER) AS i) AS n"

    def at(self, share: str, seconds: str = "0") -> str:
        """The time at this share of the year, 0 to 1, and so many seconds later."""
        epoch = f"{int(NOW.timestamp()) - _YEAR} + {_YEAR}.0 * ({share}) + {seconds}"
        if self.sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%S', {epoch}, 'unixepoch') || '.000000'"
        return f"to_timestamp({epoch})"

    def padded(self, number: str, digits: int = 6) -> str:
        text = f"CAST({number} AS TEXT)"
        if self.sqlite:
            return f"substr('{'0' * digits}' || {text}, -{digits})"
        return f"lpad({text}, {digits}, '0')"

    def hexed(self, number: str, digits: int) -> str:
        return f"printf('%0{digits}x', {number})" if self.sqlite else f"lpad(to_hex({number}), {digits}, '0')"

    def address(self, number: str, net: int = 10) -> str:
        parts = (f"(({number}) / 65536) % 256", f"(({number}) / 256) % 256", f"({number}) % 256")
        return f"'{net}.' || " + " || '.' || ".join(f"CAST({part} AS TEXT)" for part in parts)


def statements(many: int, *, sqlite: bool) -> Iterator[str]:
    """All of them, in an order that foreign keys allow."""
    said = Dialect(many, sqlite)
    for part in (_who, _came, _cases, _claims, _said, _done, _besides):
        yield from part(said)


def _account(d: Dialect, case: str) -> str:
    """A case's account: every twentieth is the largest customer's main one, the next one of its other ones."""
    return (
        f"CASE {case} % 20 WHEN 0 THEN {FIRST} WHEN 1 THEN {FIRST + d.customers} + {case} / 20 % {LINES} "
        f"ELSE {FIRST + 1} + ({case} * 13 + {case} / 17) % {d.customers - 1} END"
    )


def _resource(d: Dialect) -> str:
    """The address of case c of an account, which has four that come again and again."""
    return d.address(f"(account - {FIRST}) * 4 + c / 7 % 4")


def _share(d: Dialect, case: str) -> str:
    return f"({case}) / {d.many}.0"


def _of_cases(d: Dialect, count: int, case: str = "i") -> str:
    """`FROM` this: i, the case c, its account, whether it is open."""
    is_open = f"c >= {d.many - max(d.many // 50, 10)}"
    rows = f"(SELECT i, {case} AS c FROM {d.rows(count)}) AS n"
    return f"(SELECT i, c, {is_open} AS is_open, {_account(d, 'c')} AS account FROM {rows}) AS o"


def _of_reports(d: Dialect) -> str:
    """`FROM` this: i, the case c (NULL: none), account, `waits` in the queue, `unwanted`: held, later rejected. Of three
    reports two open a case each; the third is more about an earlier one, or in none. In the last part of the year a
    third of all is of a flood, or waits."""
    early = d.many // 2 - d.many // 25
    case = (
        f"CASE WHEN i % 3 < 2 THEN i / 3 * 2 + i % 3 WHEN e >= {early} THEN CASE e % 2 WHEN 0 THEN {d.many - 1} END "
        f"WHEN e % 10 < 6 THEN CASE WHEN e > 2500 THEN e * 2 - e * 31 % 5000 ELSE 0 END END"
    )
    rows = f"(SELECT i, i / 3 AS e FROM {d.rows(d.reports)}) AS n"
    kinds = f"""(SELECT i, e, {case} AS c, i % 3 = 2 AND e >= {early} AND e % 2 = 1 AS waits,
        i % 3 = 2 AND e < {early} AND e % 10 = 9 AS unwanted FROM {rows}) AS o"""
    return f"(SELECT i, e, c, waits, unwanted, {_account(d, 'coalesce(c, e)')} AS account FROM {kinds}) AS p"


def _who(d: Dialect) -> Iterator[str]:
    few = d.rows(d.customers)
    key = f"'c' || {d.padded('i')}"
    yield f"""INSERT INTO customers (id, "key", name, parent_id, language, vetted, delivery)
        SELECT {FIRST} + i, {key}, 'Customer ' || CAST(i AS TEXT),
        CASE WHEN i % 10 = 9 THEN {FIRST} + i - 9 END, 'en', {d.no}, 'mail' FROM {few}"""
    yield f"""INSERT INTO accounts (id, customer_id, name) SELECT {FIRST} + i, {FIRST} + i, 'main' FROM {few}"""
    yield f"""INSERT INTO accounts (id, customer_id, name)
        SELECT {FIRST + d.customers} + i, {FIRST}, 'line' || CAST(i AS TEXT) FROM {d.rows(LINES)}"""
    yield f"""INSERT INTO contacts (id, customer_id, address, position, role)
        SELECT {FIRST} + i, {FIRST} + i, 'abuse@' || {key} || '.example', 0, 'abuse' FROM {few}"""
    number = f"{11 << 24} + i"
    yield f"""INSERT INTO assignments (id, account_id, resource, family, first, last, port_first, port_last, valid_from,
        valid_to, block, "use", origin, changed)
        SELECT {FIRST} + i, {FIRST} + i % {d.customers}, {d.address("i", 11)}, 4, {d.hexed(number, 32)},
        {d.hexed(number, 32)}, 0, 65535, {d.at("0")}, CASE WHEN i % 3 = 2 THEN {d.at("0.5")} END,
        '4:' || {d.hexed(number, 8)}, 'exclusive', 'import', 1 FROM {d.rows(d.customers * 3)}"""
    yield f"""INSERT INTO identifiers (id, kind, value, account_id, valid_from, origin, changed)
        SELECT {FIRST} + i, 'login', 'user' || CAST(i AS TEXT), {FIRST} + i, {d.at("0")}, 'import', 1 FROM {few}"""
    yield f"""INSERT INTO reporters (id, "key", kind, name, domain, trust, blocked, first_seen, why)
        SELECT {FIRST} + i, CASE WHEN i < {_FEEDS} THEN 'feed:f' || CAST(i AS TEXT)
        ELSE 'person:u' || CAST(i AS TEXT) || '@reader.example' END,
        CASE WHEN i < {_FEEDS} THEN 'feed' ELSE 'person' END,
        CASE WHEN i < {_FEEDS} THEN 'f' || CAST(i AS TEXT) ELSE 'u' || CAST(i AS TEXT) || '@reader.example' END,
        'reader.example', 'usual', {d.no}, {d.at("0")}, '' FROM {few}"""


def _came(d: Dialect) -> Iterator[str]:
    begun, number = d.at(f"i / {d.reports}.0"), "CAST(i AS TEXT)"
    yield f"""INSERT INTO messages (id, sha256, raw, size, received_at, stored_at, state, tries, kind, format, message_id,
        sender, subject, detail, hold)
        SELECT {FIRST} + i, 'b' || {d.padded("i", 8)}, {_bytes(d)}, 1, {begun}, {begun}, 'filed', 0, 'report', 'arf',
        '<m' || {number} || '@fbl.example>', 'feedback@fbl.example', 'Complaint about a message', '', {d.no}
        FROM {d.rows(d.reports)}"""
    strangers, person = d.address("e % 3001", 12), f"{_FEEDS} + (i * 31 + i / 7) % {d.customers - _FEEDS}"
    yield f"""INSERT INTO reports (id, message_id, position, feedback_type, category, source_ip, arrival_date, received_at,
        verdict, reason, detail, identity, reporter_id, complainant, fingerprint, parsed, would_send, contacts_tries)
        SELECT {FIRST} + i, {FIRST} + i, 0, 'abuse',
        CASE i % 7 WHEN 0 THEN 'fraud' WHEN 1 THEN 'malware' WHEN 2 THEN 'phishing' ELSE 'spam' END,
        CASE WHEN c IS NULL THEN {strangers} ELSE {_resource(d)} END, {begun}, {begun},
        CASE WHEN unwanted THEN CASE WHEN i > {d.reports * 9 // 10} THEN 'held' ELSE 'rejected' END
        WHEN c IS NULL AND NOT waits THEN 'recorded' ELSE 'accepted' END,
        CASE WHEN unwanted THEN 'evidence-missing' ELSE 'feed' END, '', house.identity,
        CASE WHEN i % 10 >= 8 THEN {FIRST} + {person} WHEN i % {_FEEDS} = 0 THEN 1 ELSE {FIRST} + i % {_FEEDS} END,
        'u' || CAST(i / 2 AS TEXT) || '@reader.example', 'f' || {number}, house.parsed, '[]', 0
        FROM {_of_reports(d)}, (SELECT identity, parsed FROM reports WHERE id = 1) AS house"""
    for table in ("messages", "reports"):  # the house's own came first
        yield f"UPDATE {table} SET received_at = {d.at('0')} WHERE id < {FIRST}"
    others, after = d.many // 10, FIRST + d.reports
    verdict = "CASE WHEN i % 20 < 12 THEN 'junk' WHEN i % 20 < 16 THEN 'rejected' WHEN i % 20 = 16 THEN 'review' "
    yield f"""INSERT INTO messages (id, sha256, raw, size, received_at, stored_at, state, tries, kind, message_id, sender,
        subject, verdict, reason, detail, hold)
        SELECT {after} + i, 'c' || {d.padded("i", 8)}, house.raw, 1, {d.at(f"i / {others}.0")},
        {d.at(f"i / {others}.0")}, 'filed', 0, 'unknown', '<o' || {number} || '@fbl.example>', 'x@shop.example',
        'Our offer', {verdict} ELSE 'routed' END, 'nothing-of-ours', '', {d.no}
        FROM {d.rows(others)}, (SELECT raw FROM messages WHERE id = 1) AS house"""


def _bytes(d: Dialect) -> str:
    return "zeroblob(300)" if d.sqlite else "decode(repeat('00', 300), 'hex')"


def _cases(d: Dialect) -> Iterator[str]:
    begun, ended = d.at(_share(d, "c")), d.at(_share(d, "c"), "3600 * (2 + c % 60)")
    yield f"""INSERT INTO cases (id, account_id, cls, state, policy, opened_at, resolved_at, cause, assignee, severity,
        legal_hold)
        SELECT {FIRST} + c, account, CASE c % 3 WHEN 0 THEN 'connection' ELSE 'mail' END,
        CASE WHEN is_open THEN 'open' WHEN c % 5 = 0 THEN 'resolved' WHEN c % 5 = 1 THEN 'dismissed' ELSE 'closed' END,
        'default 1', {begun}, CASE WHEN NOT is_open THEN {ended} END,
        CASE WHEN NOT is_open AND c % 5 > 1 THEN 'compromised' END, CASE c % 4 WHEN 1 THEN 'mara' WHEN 2 THEN 'ivo' END,
        CASE c % 50 WHEN 7 THEN 'high' WHEN 8 THEN 'low' ELSE 'normal' END, {d.no} FROM {_of_cases(d, d.many)}"""
    told, due = (d.at(_share(d, "c"), f"{more}") for more in ("300 + 60 * (c % 50)", str(9 * 86400)))
    state = "CASE c % 10 WHEN 0 THEN 'overdue' WHEN 1 THEN 'answered' WHEN 2 THEN 'unreachable' WHEN 3 THEN 'waiting'"
    for first, count, kind, value, case in (
        (FIRST, d.many, "ip", _resource(d), "i"),
        (FIRST + d.many, d.many // 5, "host", "'host' || CAST(i AS TEXT) || '.example'", "i * 5 + i % 5"),
    ):
        yield f"""INSERT INTO clocks (id, case_id, kind, role, value, state, round, step, contact, notified_at, due_at,
            answered_at, answer_used, resolution, prevention)
            SELECT {first} + i, {FIRST} + c, '{kind}', 'source', {value},
            CASE WHEN is_open THEN {state} ELSE 'running' END ELSE 'resolved' END, CASE WHEN c % 20 = 3 THEN 2 ELSE 1 END,
            0, 0, {told}, CASE WHEN is_open AND c % 10 NOT IN (1, 2, 3) THEN {due} END,
            CASE WHEN NOT is_open THEN {d.at(_share(d, "c"), "3600 * (1 + c % 40)")} END, {d.no}, '', ''
            FROM {_of_cases(d, count, case)}"""


def _claims(d: Dialect) -> Iterator[str]:
    yield f"""INSERT INTO attributions (id, report_id, kind, role, value, reason, account_id, how, candidates, queue,
        decided_by, clock_id)
        SELECT {FIRST} + i, {FIRST} + i, 'ip', 'source',
        CASE WHEN c IS NULL THEN {d.address("e % 3001", 12)} ELSE {_resource(d)} END,
        CASE WHEN waits THEN CASE e % 4 WHEN 1 THEN 'nobody' ELSE 'no-port' END ELSE 'assigned' END,
        CASE WHEN NOT waits THEN account END, '', '[]',
        CASE WHEN waits THEN CASE e % 40 WHEN 1 THEN 'snoozed' ELSE 'waiting' END WHEN c % 25 = 4 THEN 'assigned' END,
        CASE WHEN c % 25 = 4 THEN 'mara' END, {FIRST} + c FROM {_of_reports(d)} WHERE NOT unwanted"""
    yield f"""INSERT INTO held (id, message_id, reason, state, category, identity, received_at, held_at, expires_at)
        SELECT {FIRST} + i, {FIRST} + i, 'evidence-missing',
        CASE WHEN i > {d.reports * 9 // 10} THEN 'waiting' ELSE 'expired' END, 'spam', '{{}}',
        {d.at(f"i / {d.reports}.0")}, {d.at(f"i / {d.reports}.0")}, {d.at(f"i / {d.reports}.0", "604800")}
        FROM {_of_reports(d)} WHERE unwanted"""
    yield f"""INSERT INTO third_parties (id, report_id, subject, address, role, source, decision, at)
        SELECT {FIRST} + i, {FIRST} + i * 5, 'shop.example', 'abuse@host' || CAST(i % 5000 AS TEXT) || '.example',
        'abuse', 'rdap', 'told', {d.at(f"i * 5 / {d.reports}.0")} FROM {d.rows(d.reports // 5)}"""
    yield f"""INSERT INTO marks (id, account_id, "key", kind, state, at, policy, complainant, organisation, known,
        freemail, report_id, case_id, why)
        SELECT {FIRST} + i, account, 'k' || CAST(i AS TEXT), 'complaint', 'open',
        {d.at(_share(d, "i * 2"))}, 'default 1', 'u' || CAST(i AS TEXT), 'reader.example', {d.yes}, {d.no},
        {FIRST} + i * 3, {FIRST} + c, '' FROM {_of_cases(d, d.many // 2, "i * 2")}"""
    yield f"""INSERT INTO strikes (id, account_id, kind, number, at, first_at, complaints, policy, state, why, created_at,
        contact, reason)
        SELECT {FIRST} + i, account, 'strike', 1, {d.at(_share(d, "c"))}, {d.at(_share(d, "c"))}, 3, 'default 1',
        'warned', '', {d.at(_share(d, "c"))}, 0, '' FROM {_of_cases(d, d.many // 500, "i * 500")}"""


def _said(d: Dialect) -> Iterator[str]:
    begun, told = d.at(_share(d, "i")), d.at(_share(d, "i"), "300 + 60 * (i % 50)")
    for n, kind in enumerate(("complaint", "reminder")):
        state = f"CASE WHEN i % 5000 = {n} THEN 'failed' WHEN i % 5000 = {2 + n} THEN 'cancelled' ELSE 'sent' END"
        yield f"""INSERT INTO notices (id, "key", kind, case_id, clock_id, round, "to", language, facts, state, attempts,
            created_at, sent_at, answer, settled)
            SELECT {FIRST} + 2 * i + {n}, 'b{n}/' || {d.padded("i", 8)}, '{kind}', {FIRST} + i, {FIRST} + i, 1,
            'abuse@c' || {d.padded(f"account - {FIRST}")} || '.example', 'en',
            '{{"cls": "mail", "role": "source", "policy": "default 1", "customer": "Customer", "account": "main"}}',
            {state}, 1, {begun}, {told}, '250 2.0.0 Ok: queued', {d.yes} FROM {_of_cases(d, d.many)}"""
    stamp = f"strftime('%Y-%m-%dT%H:%M:%S+00:00', {d.at(f'i * 5 / {d.reports}.0')})" if d.sqlite else (
        f"""to_char({d.at(f"i * 5 / {d.reports}.0")} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')"""
    )  # fmt: skip
    facts = f"""'{{"number": "R-2026-000001", "received_at": "' || {stamp} || '"}}'"""
    yield f"""INSERT INTO notices (id, "key", kind, round, "to", language, facts, state, attempts, created_at, sent_at,
        answer, settled)
        SELECT {FIRST + 2 * d.many} + i, 'c/' || {d.padded("i", 8)}, 'acknowledgement', 1, 'feedback@fbl.example', 'en',
        {facts if d.sqlite else f"CAST({facts} AS JSON)"}, 'sent', 1, {d.at(f"i * 5 / {d.reports}.0", "60")},
        {d.at(f"i * 5 / {d.reports}.0", "60 + i % 900")}, '', {d.yes} FROM {d.rows(d.reports // 5)}"""
    what = (
        ("case opened", "'arfgate'"),
        ("notice sent", "'arfgate'"),
        ("clock notified", "'arfgate'"),
        ("clock answered", "'abuse@c' || CAST(i % 1000 AS TEXT) || '.example'"),
    )
    for n, (name, who) in enumerate(what):
        yield f"""INSERT INTO events (id, at, who, what, why, report_id, case_id, clock_id, data)
            SELECT {FIRST} + 5 * i + {n}, {begun}, {who}, '{name}', 'as the policy says', {FIRST} + i / 2 * 3 + i % 2,
            {FIRST} + i, {FIRST} + i, '{{"round": 1, "state": "running"}}' FROM {d.rows(d.many)}"""
    note = "CASE WHEN i % 2000 = 7 THEN 'alarm' WHEN i % 4 = 0 THEN 'case assigned' ELSE 'note' END"
    yield f"""INSERT INTO events (id, at, who, what, why, case_id, data)
        SELECT {FIRST} + 5 * i + 4, {begun}, CASE WHEN i % 2000 = 7 THEN 'arfgate' WHEN i % 9 = 0 THEN 'mara' ELSE 'ivo'
        END, {note}, 'looked at', {FIRST} + i, '{{}}' FROM {d.rows(d.many)}"""


def _done(d: Dialect) -> Iterator[str]:
    """What was done: a twentieth of the cases, a block list with a fiftieth as many entries in force, once more ended."""
    count, fresh = d.many // 20, f"i >= {d.many // 20 - max(d.many // 1000, 3)}"
    yield f"""INSERT INTO actions (id, "key", kind, state, approval, account_id, case_id, clock_id, target, why, created_at,
        created_by, decided_by, decided_at, told, routed, lifting)
        SELECT {FIRST} + i, 'a/' || CAST(i AS TEXT), 'block-port-25', CASE WHEN {fresh} THEN CASE i % 4 WHEN 0 THEN
        'asked' WHEN 1 THEN 'failed' ELSE 'proposed' END ELSE 'done' END, 'one', account, {FIRST} + c, {FIRST} + c,
        {_resource(d)}, 'the time is up', {d.at(_share(d, "c"))}, 'arfgate', 'mara', {d.at(_share(d, "c"), "3600")},
        'done', {d.yes}, {d.no} FROM {_of_cases(d, count, "i * 20 + 3")}"""
    listed = d.many // 50
    yield f"""INSERT INTO actions (id, "key", kind, state, approval, target, why, created_at, created_by, expires_at, told,
        routed, lifting)
        SELECT {FIRST + count} + i, 'l/' || CAST(i AS TEXT), 'list-foreign',
        CASE WHEN i < {listed} THEN 'undone' ELSE 'done' END, 'none', {d.address("i", 13)}, 'it sends spam to us',
        {d.at(f"i / {2 * listed}.0")}, 'mara', {d.at(f"i / {2 * listed}.0", str(200 * 86400))}, 'silent', {d.yes}, {d.no}
        FROM {d.rows(2 * listed)}"""
    yield f"""INSERT INTO charges (id, "key", account_id, case_id, amount, currency, why, at, who)
        SELECT {FIRST} + i, 'g/' || CAST(i AS TEXT), account, {FIRST} + c, '10.00', 'EUR', 'spam',
        {d.at(_share(d, "c"))}, 'arfgate' FROM {_of_cases(d, d.many // 10, "i * 10 + i % 7")}"""
    yield f"""INSERT INTO answers (id, "key", case_id, way, who, at, text, quoted, resolution, prevention, stopped)
        SELECT {FIRST} + i, 'w/' || CAST(i AS TEXT), {FIRST} + i * 4, 'mail', 'abuse@c.example',
        {d.at(_share(d, "i * 4"), "7200")}, 'We have closed it.', '', '', '', 1 FROM {d.rows(d.many // 4)}"""


def _besides(d: Dialect) -> Iterator[str]:
    """Looks at personal data, opt-outs, matters of the legal lane, volumes of the largest customer, reviews."""
    yield f"""INSERT INTO access_log (id, at, who, path, address)
        SELECT {FIRST} + i, {d.at(f"i / {d.many // 2}.0")}, CASE i % 9 WHEN 0 THEN 'mara' ELSE 'ivo' END,
        '/customers/c' || {d.padded(f"i % {d.customers}")}, '192.0.2.1' FROM {d.rows(d.many // 2)}"""
    yield f"""INSERT INTO opt_outs (id, address, at)
        SELECT {FIRST} + i, 'out' || CAST(i AS TEXT) || '@host.example', {d.at("0.5")}
        FROM {d.rows(max(d.many // 200, 10))}"""
    after = FIRST + d.reports
    yield f"""UPDATE messages SET verdict = 'legal', reason = 'legal', hold = {d.yes}
        WHERE id >= {after} AND (id - {after}) % 200 = 19"""
    yield f"""INSERT INTO legal_matters (id, message_id, kind, why, state, received_at, opened_at)
        SELECT {FIRST} + i, {after} + i * 200 + 19, 'copyright', 'a notice', CASE WHEN i % 10 = 0 THEN 'open' ELSE
        'closed' END, {d.at("0.5")}, {d.at("0.5")} FROM {d.rows(max(d.many // 10 // 200, 1))}"""
    day = f"date({d.at('i / 50 / 365.0')})" if d.sqlite else f"to_char({d.at('i / 50 / 365.0')}, 'YYYY-MM-DD')"
    yield f"""INSERT INTO volumes (id, account_id, campaign, day, sent, added)
        SELECT {FIRST} + i, {FIRST + d.customers} + i % 50, '', {day}, 10000, 10 FROM {d.rows(50 * 365)}"""
    yield f"""INSERT INTO appeals (id, case_id, waiting, state, said, opened_at, opened_by, why)
        SELECT {FIRST} + i, {FIRST} + {d.many - 1} - i * 7, {FIRST} + {d.many - 1} - i * 7, 'open', 'Please look again',
        {d.at("1")}, 'abuse@c.example', '' FROM {d.rows(max(d.many // 50_000, 3))}"""
