"""The tables of the naive reference: the columns that arfgate has for such mails, under the same names."""

SCHEMA = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
CREATE TABLE messages (id INTEGER PRIMARY KEY, sha256 TEXT UNIQUE, raw BLOB, size INT, mailbox TEXT, received_at TEXT,
  stored_at TEXT, state TEXT, kind TEXT, format TEXT, message_id TEXT, sender TEXT, subject TEXT);
CREATE TABLE deliveries (id INTEGER PRIMARY KEY, message_id INT REFERENCES messages, folder TEXT, uidvalidity INT,
  uid INT, internal_date TEXT, disposed_at TEXT, UNIQUE (uidvalidity, uid));
CREATE TABLE reporters (id INTEGER PRIMARY KEY, key TEXT UNIQUE, domain TEXT, trust TEXT, blocked INT, first_seen TEXT);
CREATE TABLE reports (id INTEGER PRIMARY KEY, message_id INT REFERENCES messages, feedback_type TEXT, category TEXT,
  source_ip TEXT, arrival_date TEXT, received_at TEXT, verdict TEXT, reason TEXT, detail TEXT, identity TEXT,
  reporter_id INT REFERENCES reporters, complainant TEXT, fingerprint TEXT, outer_id TEXT, parsed TEXT);
CREATE INDEX reports_fingerprint ON reports (fingerprint);
CREATE INDEX reports_source ON reports (source_ip);
CREATE TABLE attributions (id INTEGER PRIMARY KEY, report_id INT REFERENCES reports, kind TEXT, role TEXT, value TEXT,
  reason TEXT, customer TEXT, how TEXT, confidence REAL, clock_id INT, UNIQUE (report_id, value));
CREATE TABLE host_questions (id INTEGER PRIMARY KEY, report_id INT REFERENCES reports, state TEXT, next_at TEXT);
CREATE TABLE cases (id INTEGER PRIMARY KEY, current TEXT UNIQUE, customer TEXT, cls TEXT, policy TEXT, state TEXT,
  opened_at TEXT);
CREATE TABLE clocks (id INTEGER PRIMARY KEY, case_id INT REFERENCES cases, value TEXT, state TEXT, notified_at TEXT,
  due_at TEXT, next_at TEXT, UNIQUE (case_id, value));
CREATE INDEX clocks_next ON clocks (next_at);
CREATE TABLE notices (id INTEGER PRIMARY KEY, key TEXT UNIQUE, kind TEXT, case_id INT, clock_id INT, "to" TEXT,
  language TEXT, facts TEXT, evidence TEXT, state TEXT, mail_id TEXT, created_at TEXT, sent_at TEXT, answer TEXT);
CREATE INDEX notices_due ON notices (state);
CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT, who TEXT, what TEXT, why TEXT, report_id INT, case_id INT,
  data TEXT);
CREATE INDEX events_case ON events (case_id, id);
"""
