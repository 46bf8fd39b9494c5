"""Ordinary receipts of one message in one row; those that are rows already stay what they are (decision 0024)."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "story",
        *(sa.Column(name, key, nullable=False) for name in ("id", "shipment_id", "raw_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("authority", "type")),
        *(sa.Column(name, key, nullable=False) for name in ("first_id", "last_id")),
        sa.Column("receipts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_story_shipment_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_story_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story")),
    )
    op.create_index(op.f("ix_story_shipment_id"), "story", ["shipment_id"], unique=False)


def downgrade() -> None:
    """Back. Raises where receipts would be lost: what is told is sealed, and no migration can open it."""
    there = op.get_bind().execute(sa.text("SELECT count(*) FROM story")).scalar_one()
    if there:
        raise RuntimeError(f"The table story holds {there} rows of receipts, which a ledger before 0011 cannot keep.")
    op.drop_table("story")
