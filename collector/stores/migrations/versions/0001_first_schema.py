"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "alerts",
        sa.Column("alert_id", _Text, nullable=False),
        sa.Column("kind", _Text, nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("policy_domain", _Text, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("sessions", _Text, nullable=False),
        sa.Column("failed_sessions", _Text, nullable=False),
        sa.Column("threshold", _Text, nullable=False),
        sa.Column("last_exceeding_day", sa.Integer(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_policy_domain"), "alerts", ["policy_domain"], unique=False)
    op.create_index(op.f("ix_alerts_raised_at"), "alerts", ["raised_at"], unique=False)
    op.create_table(
        "flights",
        sa.Column("source", _Text, nullable=False),
        sa.Column("references", _Text, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_flights")),
    )
    op.create_table(
        "heard",
        sa.Column("policy_domain", _Text, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("policy_domain", name=op.f("pk_heard")),
    )
    op.create_table(
        "remembered",
        sa.Column("source", _Text, nullable=False),
        sa.Column("folder", _Text, nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "folder", "uid_validity", "uid", name=op.f("pk_remembered")),
    )
    op.create_table(
        "reports",
        sa.Column("id", _Key, autoincrement=False, nullable=False),
        sa.Column("content_hash", _Text, nullable=False),
        sa.Column("key_digest", _Text, nullable=False),
        sa.Column("counted", sa.SmallInteger(), nullable=False),
        sa.Column("foreign_domain", sa.SmallInteger(), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("source", _Text, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=True),
        sa.Column("organization_name", _Text, nullable=True),
        sa.Column("organization", _Text, nullable=False),
        sa.Column("organization_folded", _Text, nullable=False),
        sa.Column("report_id", _Text, nullable=False),
        sa.Column("contact_info", _Text, nullable=True),
        sa.Column("submitter", _Text, nullable=True),
        sa.Column("policy_domains", _Text, nullable=False),
        sa.Column("policy_types", _Text, nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("failed_sessions", sa.BigInteger(), nullable=False),
        sa.Column("deviations", _Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_reports_content_hash")),
    )
    op.create_index(op.f("ix_reports_day"), "reports", ["day"], unique=False)
    op.create_index(op.f("ix_reports_key_digest"), "reports", ["key_digest"], unique=False)
    op.create_table(
        "suspects",
        sa.Column("source", _Text, nullable=False),
        sa.Column("reference", _Text, nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "reference", name=op.f("pk_suspects")),
    )
    op.create_table(
        "alert_changes",
        sa.Column("alert_id", _Text, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("notification", _Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_changes_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alert_id", "number", name=op.f("pk_alert_changes")),
    )
    op.create_table(
        "dispatches",
        sa.Column("alert_id", _Text, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", _Text, nullable=False),
        sa.Column("state", _Text, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", _Text, nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_dispatches_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alert_id", "number", "channel", name=op.f("pk_dispatches")),
    )
    op.create_index(
        op.f("ix_dispatches_state_next_attempt_at"), "dispatches", ["state", "next_attempt_at"], unique=False
    )
    op.create_table(
        "failures",
        sa.Column("report", _Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("policy_domain", _Text, nullable=True),
        sa.Column("policy_type", _Text, nullable=True),
        sa.Column("result_type", _Text, nullable=True),
        sa.Column("sending_mta_ip", _Text, nullable=True),
        sa.Column("receiving_mx_hostname", _Text, nullable=True),
        sa.Column("receiving_mx_helo", _Text, nullable=True),
        sa.Column("receiving_ip", _Text, nullable=True),
        sa.Column("failed_sessions", sa.BigInteger(), nullable=False),
        sa.Column("additional_information", _Text, nullable=True),
        sa.Column("failure_reason_code", _Text, nullable=True),
        sa.ForeignKeyConstraint(
            ["report"], ["reports.id"], name=op.f("fk_failures_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report", "position", name=op.f("pk_failures")),
    )
    op.create_table(
        "policies",
        sa.Column("report", _Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("policy_domain", _Text, nullable=True),
        sa.Column("policy_type", _Text, nullable=True),
        sa.Column("policy_strings", _Text, nullable=False),
        sa.Column("mx_hosts", _Text, nullable=False),
        sa.Column("successful_sessions", sa.BigInteger(), nullable=False),
        sa.Column("failed_sessions", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report"], ["reports.id"], name=op.f("fk_policies_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report", "position", name=op.f("pk_policies")),
    )
    op.create_table(
        "traffic",
        sa.Column("report", _Key, nullable=False),
        sa.Column("policy_domain", _Text, nullable=False),
        sa.Column("judged_domain", _Text, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("organization", _Text, nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("failed_sessions", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report"], ["reports.id"], name=op.f("fk_traffic_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report", "policy_domain", name=op.f("pk_traffic")),
    )
    op.create_index(
        "ix_traffic_day_judged_domain",
        "traffic",
        ["day", "judged_domain", "policy_domain", "organization", "sessions", "failed_sessions", "counted"],
        unique=False,
    )
    op.create_index(
        "ix_traffic_policy_domain_day",
        "traffic",
        ["policy_domain", "day", "organization", "judged_domain", "sessions", "failed_sessions", "counted"],
        unique=False,
    )
