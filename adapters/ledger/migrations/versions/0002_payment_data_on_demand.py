"""Payment data on demand (announcement 179): requests, answers and what happened to them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "payment_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("service_time", sa.Text(), server_default="", nullable=False),
        sa.Column("raw_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("asked", sa.Integer(), server_default="1", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_payment_request_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_request")),
        sa.UniqueConstraint("session_id", "order_no", name=op.f("uq_payment_request_session_id_order_no")),
    )
    op.create_index(op.f("ix_payment_request_raw_id"), "payment_request", ["raw_id"], unique=False)
    op.create_index(op.f("ix_payment_request_state"), "payment_request", ["state"], unique=False)
    op.create_table(
        "payment_answer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("raw_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_code", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recovery", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("reply_raw_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_payment_answer_raw_id")),
        sa.ForeignKeyConstraint(["reply_raw_id"], ["raw.id"], name=op.f("fk_payment_answer_reply_raw_id")),
        sa.ForeignKeyConstraint(["request_id"], ["payment_request.id"], name=op.f("fk_payment_answer_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_answer")),
        sa.UniqueConstraint("request_id", "attempt", name=op.f("uq_payment_answer_request_id_attempt")),
    )
    op.create_index(op.f("ix_payment_answer_raw_id"), "payment_answer", ["raw_id"], unique=False)
    op.create_index(op.f("ix_payment_answer_reply_raw_id"), "payment_answer", ["reply_raw_id"], unique=False)
    op.create_index(op.f("ix_payment_answer_state"), "payment_answer", ["state"], unique=False)
    op.create_table(
        "payment_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("once", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["payment_request.id"], name=op.f("fk_payment_event_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_event")),
        sa.UniqueConstraint("request_id", "once", name=op.f("uq_payment_event_request_id_once")),
    )
    op.create_index(op.f("ix_payment_event_request_id_at"), "payment_event", ["request_id", "at"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_index(op.f("ix_payment_event_request_id_at"), table_name="payment_event")
    op.drop_table("payment_event")
    op.drop_index(op.f("ix_payment_answer_state"), table_name="payment_answer")
    op.drop_index(op.f("ix_payment_answer_reply_raw_id"), table_name="payment_answer")
    op.drop_index(op.f("ix_payment_answer_raw_id"), table_name="payment_answer")
    op.drop_table("payment_answer")
    op.drop_index(op.f("ix_payment_request_state"), table_name="payment_request")
    op.drop_index(op.f("ix_payment_request_raw_id"), table_name="payment_request")
    op.drop_table("payment_request")
