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

# SQLite keeps rows by a key that is named INTEGER and nothing else.
_Key = BigInteger().with_variant(Integer, "sqlite")

# PostgreSQL would sort by the language of its cluster; by code point both sort alike, and as Python does.
_Text = Text().with_variant(Text(collation="C"), "postgresql")

reports = Table(
    "reports",
    metadata,
    # Given by whoever adds, who is alone while adding.
    Column("id", _Key, primary_key=True, autoincrement=False),
    # What makes it the same report, and what makes it a rival: design of identity, see ReportKey.
    Column("content_hash", _Text, nullable=False),
    Column("key_digest", _Text, nullable=False),
    # 1 for the one that counts among those of its key.
    Column("counted", SmallInteger, nullable=False),
    Column("foreign_domain", SmallInteger, nullable=False),
    Column("evidence", SmallInteger, nullable=False),
    Column("source", _Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger),
    Column("organization_name", _Text),
    Column("organization", _Text, nullable=False),
    Column("organization_folded", _Text, nullable=False),
    Column("report_id", _Text, nullable=False),
    Column("contact_info", _Text),
    Column("submitter", _Text),
    Column("policy_domains", _Text, nullable=False),
    Column("policy_types", _Text, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("deviations", _Text, nullable=False),
    UniqueConstraint("content_hash"),
    Index(None, "key_digest"),
    Index(None, "day"),
)

policies = Table(
    "policies",
    metadata,
    Column("report", _Key, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("policy_domain", _Text),
    Column("policy_type", _Text),
    Column("policy_strings", _Text, nullable=False),
    Column("mx_hosts", _Text, nullable=False),
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
    Column("policy_domain", _Text),
    Column("policy_type", _Text),
    Column("result_type", _Text),
    Column("sending_mta_ip", _Text),
    Column("receiving_mx_hostname", _Text),
    Column("receiving_mx_helo", _Text),
    Column("receiving_ip", _Text),
    Column("failed_sessions", BigInteger, nullable=False),
    Column("additional_information", _Text),
    Column("failure_reason_code", _Text),
    PrimaryKeyConstraint("report", "position"),
)

# What a report tells of a domain by the counting rule; a nameless domain is ''. ``counted`` is 1 where
# the report counts and is about a domain of ours. The indexes hold all that is asked: no table access.
# ``organization`` is cut, see :func:`collector.stores.columns.index_label`.
traffic = Table(
    "traffic",
    metadata,
    Column("report", _Key, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("policy_domain", _Text, nullable=False),
    Column("judged_domain", _Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("organization", _Text, nullable=False),
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
)

# When a domain was last heard of; asked at every scrape of the metrics.
heard = Table(
    "heard",
    metadata,
    Column("policy_domain", _Text, primary_key=True),
    Column("received_at", BigInteger, nullable=False),
)

# Mail that is left in place, and has been read.
remembered = Table(
    "remembered",
    metadata,
    Column("source", _Text, nullable=False),
    Column("folder", _Text, nullable=False),
    Column("uid_validity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "folder", "uid_validity", "uid"),
)

# What is being parsed at this moment: one row a source.
flights = Table(
    "flights",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("references", _Text, nullable=False),
)

# Deliveries that were in flight when the process died, or met a bug; ``reference`` is JSON.
suspects = Table(
    "suspects",
    metadata,
    Column("source", _Text, nullable=False),
    Column("reference", _Text, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    PrimaryKeyConstraint("source", "reference"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", _Text, primary_key=True),
    Column("kind", _Text, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("policy_domain", _Text, nullable=False),
    Column("day", Integer, nullable=False),
    # Whole numbers as text: a day's sums of forged reports may be beyond 64 bits.
    Column("sessions", _Text, nullable=False),
    Column("failed_sessions", _Text, nullable=False),
    # An exact fraction, such as 1/100.
    Column("threshold", _Text, nullable=False),
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
    Column("alert_id", _Text, ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("notification", _Text, nullable=False),
    PrimaryKeyConstraint("alert_id", "number"),
)

# What is owed to whom: state is owed, sent or given-up.
dispatches = Table(
    "dispatches",
    metadata,
    Column("alert_id", _Text, ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("channel", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("last_error", _Text),
    PrimaryKeyConstraint("alert_id", "number", "channel"),
    Index(None, "state", "next_attempt_at"),
)
