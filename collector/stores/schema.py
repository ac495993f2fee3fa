"""The tables, made for their questions: domain and day first.

Times are Unix seconds and days are days since 1970-01-01, both integers: SQLite knows no
time zone, and so nobody has to wonder. Lists are JSON text; nothing is searched inside them.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Alembic needs the names of constraints to change them later.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows in a key that is named INTEGER and nothing else.
_Key = BigInteger().with_variant(Integer, "sqlite")

_HASH_DIGITS = 64

reports = Table(
    "reports",
    metadata,
    Column("id", _Key, primary_key=True),
    # What makes it the same report, and what makes it a rival: design of identity, see ReportKey.
    Column("content_hash", String(_HASH_DIGITS), nullable=False),
    Column("key_digest", String(_HASH_DIGITS), nullable=False),
    # 1 for the one that counts among those of its key.
    Column("counted", SmallInteger, nullable=False),
    Column("foreign_domain", SmallInteger, nullable=False),
    Column("evidence", SmallInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger),
    Column("organization_name", Text),
    Column("organization", Text, nullable=False),
    Column("organization_folded", Text, nullable=False),
    Column("report_id", Text, nullable=False),
    Column("contact_info", Text),
    Column("submitter", Text),
    Column("policy_domains", Text, nullable=False),
    Column("policy_types", Text, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("deviations", Text, nullable=False),
    UniqueConstraint("content_hash"),
    Index(None, "key_digest"),
    Index(None, "day"),
)

policies = Table(
    "policies",
    metadata,
    Column("report", _Key, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("policy_domain", Text),
    Column("policy_type", Text),
    Column("policy_strings", Text, nullable=False),
    Column("mx_hosts", Text, nullable=False),
    Column("successful_sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    PrimaryKeyConstraint("report", "position"),
)

# A detail row carries its policy's domain and type, so that no question needs three tables.
failures = Table(
    "failures",
    metadata,
    Column("report", _Key, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("policy_domain", Text),
    Column("policy_type", Text),
    Column("result_type", Text),
    Column("sending_mta_ip", Text),
    Column("receiving_mx_hostname", Text),
    Column("receiving_mx_helo", Text),
    Column("receiving_ip", Text),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("additional_information", Text),
    Column("failure_reason_code", Text),
    PrimaryKeyConstraint("report", "position"),
)

# What a report tells of a domain by the counting rule; a nameless domain is ''. ``counted`` is 1 where
# the report counts and is about a domain of ours. The indexes hold all that is asked: no table access.
traffic = Table(
    "traffic",
    metadata,
    Column("report", _Key, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("policy_domain", Text, nullable=False),
    Column("judged_domain", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("organization", Text, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("counted", SmallInteger, nullable=False),
    PrimaryKeyConstraint("report", "policy_domain"),
    Index(
        "ix_traffic_policy_domain_day",
        *("policy_domain", "day", "organization", "judged_domain", "sessions", "failed_sessions", "counted"),
    ),
    Index(
        "ix_traffic_day_judged_domain",
        *("day", "judged_domain", "policy_domain", "organization", "sessions", "failed_sessions", "counted"),
    ),
    Index("ix_traffic_judged_domain_day", "judged_domain", "day"),
)

# When a domain was last heard of; asked at every scrape of the metrics.
heard = Table(
    "heard",
    metadata,
    Column("policy_domain", Text, primary_key=True),
    Column("received_at", BigInteger, nullable=False),
)

# Mail that is left in place, and has been read.
remembered = Table(
    "remembered",
    metadata,
    Column("source", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("uid_validity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "folder", "uid_validity", "uid"),
)

# What is being parsed at this moment: one row a source.
flights = Table(
    "flights",
    metadata,
    Column("source", Text, primary_key=True),
    Column("references", Text, nullable=False),
)

# Deliveries that were in flight when the process died, or met a bug.
suspects = Table(
    "suspects",
    metadata,
    Column("source", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    PrimaryKeyConstraint("source", "reference"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("policy_domain", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    # An exact fraction, such as 1/100.
    Column("threshold", Text, nullable=False),
    Column("last_exceeding_day", Integer, nullable=False),
    Column("raised_at", BigInteger, nullable=False),
    Column("cleared_at", BigInteger),
    Column("changes", Integer, nullable=False),
    Index(None, "policy_domain"),
    Index(None, "raised_at"),
)

# Everything that happened to an alert, as it was told.
alert_changes = Table(
    "alert_changes",
    metadata,
    Column("alert_id", Text, ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("notification", Text, nullable=False),
    PrimaryKeyConstraint("alert_id", "number"),
)

# What is owed to whom: state is owed, sent or given-up.
dispatches = Table(
    "dispatches",
    metadata,
    Column("alert_id", Text, ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("last_error", Text),
    PrimaryKeyConstraint("alert_id", "number", "channel"),
    Index(None, "state", "next_attempt_at"),
)
