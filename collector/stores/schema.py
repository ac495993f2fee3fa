"""The tables of the store, made for its questions: by domain first, then by day.

Children of a report are numbered within it, so that a batch is written without asking the
database for keys. On SQLite their tables are ordered by that key (``WITHOUT ROWID``), which
spares a second tree for each.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
)

from collector.stores.types import Lossless, PlainText, Share, TextList, UtcTime

# Constraints of the same name on both engines, so that a migration can speak of them.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

# On SQLite only an INTEGER key is the row's own number.
_Number = BigInteger().with_variant(Integer, "sqlite")

# ``counted`` marks the one of several versions that counts, ``organization`` names who reports even
# where the report does not, and ``organization_folded`` is what it is compared and ordered by.
reports = Table(
    "reports",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=False),
    Column("content_hash", PlainText, nullable=False, unique=True),
    Column("key_digest", PlainText, nullable=False, index=True),
    Column("counted", Boolean, nullable=False),
    Column("is_foreign", Boolean, nullable=False),
    Column("evidence", SmallInteger, nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("start_at", UtcTime, nullable=False),
    Column("end_at", UtcTime),
    Column("organization_name", PlainText),
    Column("organization_folded", PlainText, nullable=False),
    Column("report_id", PlainText, nullable=False),
    Column("contact_info", PlainText),
    Column("policy_domains", TextList, nullable=False),
    Column("policy_types", TextList, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("deviations", TextList, nullable=False),
    Column("source", PlainText, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("mail_from", PlainText),
    Column("mail_subject", PlainText),
    Column("mail_message_id", PlainText),
    Column("mail_report_domain", PlainText),
    Column("mail_report_submitter", PlainText),
)

policies = Table(
    "policies",
    metadata,
    Column("report", _Number, ForeignKey("reports.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("policy_type", PlainText),
    Column("policy_domain", PlainText),
    Column("policy_strings", TextList, nullable=False),
    Column("mx_hosts", TextList, nullable=False),
    Column("successful_sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

failures = Table(
    "failures",
    metadata,
    Column("report", _Number, primary_key=True, autoincrement=False),
    Column("policy", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("result_type", PlainText),
    Column("sending_mta_ip", PlainText),
    Column("receiving_mx_hostname", PlainText),
    Column("receiving_mx_helo", PlainText),
    Column("receiving_ip", PlainText),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("additional_information", PlainText),
    Column("failure_reason_code", PlainText),
    ForeignKeyConstraint(["report", "policy"], ["policies.report", "policies.position"]),
    sqlite_with_rowid=False,
)

# What each report tells of each policy domain, by the counting rule. ``counts`` is true for a report
# that counts and is not foreign; it and the names are repeated here so that the indexes answer alone.
traffic = Table(
    "traffic",
    metadata,
    Column("report", _Number, ForeignKey("reports.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("policy_domain", PlainText),
    Column("judged_domain", PlainText),
    Column("day", Date, nullable=False),
    Column("organization", PlainText, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Answers the summary, and finds the reports about a domain; holds all that these ask of the table.
Index(
    "ix_traffic_policy_domain",
    traffic.c.policy_domain,
    traffic.c.day,
    traffic.c.counts,
    traffic.c.judged_domain,
    traffic.c.organization,
    traffic.c.sessions,
    traffic.c.failed_sessions,
    traffic.c.received_at,
    traffic.c.report,
)

# Answers evaluation: a domain's days with the MX hosts judged within it.
Index(
    "ix_traffic_judged_domain",
    traffic.c.judged_domain,
    traffic.c.day,
    traffic.c.policy_domain,
    traffic.c.organization,
    traffic.c.sessions,
    traffic.c.failed_sessions,
    traffic.c.report,
    sqlite_where=traffic.c.counts,
    postgresql_where=traffic.c.counts,
)

# Finds the domains that failed lately, without a look at all that went well.
Index(
    "ix_traffic_failed",
    traffic.c.day,
    traffic.c.judged_domain,
    sqlite_where=traffic.c.counts & (traffic.c.failed_sessions > 0),
    postgresql_where=traffic.c.counts & (traffic.c.failed_sessions > 0),
)

remembered_uids = Table(
    "remembered_uids",
    metadata,
    Column("source", PlainText, primary_key=True),
    Column("folder", PlainText, primary_key=True),
    Column("uid_validity", BigInteger, primary_key=True, autoincrement=False),
    Column("uid", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

flights = Table(
    "flights",
    metadata,
    Column("source", PlainText, primary_key=True),
    Column("reference", Lossless, primary_key=True),
    sqlite_with_rowid=False,
)

suspects = Table(
    "suspects",
    metadata,
    Column("source", PlainText, primary_key=True),
    Column("reference", Lossless, primary_key=True),
    Column("deaths", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# An alert as it is after its latest change.
alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", PlainText, primary_key=True),
    Column("kind", PlainText, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("policy_domain", PlainText, nullable=False),
    Column("day", Date, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("threshold", Share, nullable=False),
    Column("last_exceeding_day", Date, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    Column("cleared_at", UtcTime),
    Column("changes", Integer, nullable=False),
)

# ``notification`` is the whole change with its causes, as JSON: told again, it says the same.
alert_changes = Table(
    "alert_changes",
    metadata,
    Column("alert_id", PlainText, ForeignKey("alerts.alert_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", PlainText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("notification", PlainText, nullable=False),
)

# ``state`` is owed, sent or given-up; ``attempts`` counts the failed ones.
dispatches = Table(
    "dispatches",
    metadata,
    Column("alert_id", PlainText, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("channel", PlainText, primary_key=True),
    Column("state", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("last_error", PlainText),
    Column("settled_at", UtcTime),
    ForeignKeyConstraint(["alert_id", "number"], ["alert_changes.alert_id", "alert_changes.number"]),
)
Index("ix_dispatches_state", dispatches.c.state, dispatches.c.next_attempt_at)
