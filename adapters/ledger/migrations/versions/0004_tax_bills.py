"""Electronic tax bills: what an authority opens about a released import inventory."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "bill",
        sa.Column("id", key, nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("tax_no", sa.Text(), nullable=False),
        sa.Column("invt_no", sa.Text(), nullable=False),
        sa.Column("document_id", key, nullable=True),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("rank", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("return_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("final", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("conflict", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("customs_tax", sa.BigInteger(), nullable=True),
        sa.Column("value_added_tax", sa.BigInteger(), nullable=True),
        sa.Column("consumption_tax", sa.BigInteger(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("amounts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duty_no", sa.Text(), server_default="", nullable=False),
        sa.Column("assure_code", sa.Text(), server_default="", nullable=False),
        sa.Column("raw_id", key, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_bill_document_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_bill_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
        sa.UniqueConstraint("authority", "tax_no", name=op.f("uq_bill_authority_tax_no")),
    )
    op.create_index(op.f("ix_bill_invt_no"), "bill", ["invt_no"], unique=False)
    op.create_index(op.f("ix_bill_document_id"), "bill", ["document_id"], unique=False)
    op.create_index(op.f("ix_bill_raw_id"), "bill", ["raw_id"], unique=False)
