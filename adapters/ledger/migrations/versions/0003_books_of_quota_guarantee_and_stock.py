"""Books of quota, guarantee and stock: accounts and their entries."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "book_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), server_default="", nullable=False),
        sa.Column("unit", sa.Text(), server_default="", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_account")),
        sa.UniqueConstraint("book", "holder", "item", name=op.f("uq_book_account_book_holder_item")),
    )
    op.create_table(
        "book_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parcel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("application", sa.Text(), server_default="", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["book_account.id"], name=op.f("fk_book_entry_account_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_book_entry_parcel_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_book_entry_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_entry")),
        sa.UniqueConstraint("account_id", "once", name=op.f("uq_book_entry_account_id_once")),
    )
    op.create_index(op.f("ix_book_entry_parcel_id"), "book_entry", ["parcel_id"], unique=False)
    op.create_index(op.f("ix_book_entry_shipment_id"), "book_entry", ["shipment_id"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_index(op.f("ix_book_entry_shipment_id"), table_name="book_entry")
    op.drop_index(op.f("ix_book_entry_parcel_id"), table_name="book_entry")
    op.drop_table("book_entry")
    op.drop_table("book_account")
