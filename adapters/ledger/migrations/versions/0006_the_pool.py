"""The pool: rows of files that belong to no single truck, joined to trucks by order number."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "pool_file",
        sa.Column("id", key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in
          ("platform_code", "kind", "profile", "sender")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("layout", sa.LargeBinary(), nullable=True),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("faults", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_file")),
        sa.UniqueConstraint("sha256", "platform_code", name=op.f("uq_pool_file_sha256_platform_code")),
    )  # fmt: skip
    op.create_table(
        "pool_piece",
        sa.Column("id", key, nullable=False),
        sa.Column("pool_file_id", key, nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("raw_id", key, nullable=False),
        sa.ForeignKeyConstraint(["pool_file_id"], ["pool_file.id"], name=op.f("fk_pool_piece_pool_file_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_pool_piece_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_piece")),
        sa.UniqueConstraint("pool_file_id", "number", name=op.f("uq_pool_piece_pool_file_id_number")),
    )
    op.create_index(op.f("ix_pool_piece_raw_id"), "pool_piece", ["raw_id"], unique=False)
    op.create_table(
        "pool_row",
        sa.Column("id", key, nullable=False),
        sa.Column("pool_file_id", key, nullable=False),
        sa.Column("last_file_id", key, nullable=False),
        sa.Column("platform_code", sa.Text(), server_default="", nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("keyed_by", "key", "digest")),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pool_file_id"], ["pool_file.id"], name=op.f("fk_pool_row_pool_file_id")),
        sa.ForeignKeyConstraint(["last_file_id"], ["pool_file.id"], name=op.f("fk_pool_row_last_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_row")),
    )
    op.create_index(op.f("ix_pool_row_pool_file_id"), "pool_row", ["pool_file_id"], unique=False)
    op.create_index(op.f("ix_pool_row_key_keyed_by"), "pool_row", ["key", "keyed_by"], unique=False)
    op.create_table(
        "pool_seen",
        sa.Column("id", key, nullable=False),
        sa.Column("pool_file_id", key, nullable=False),
        sa.Column("pool_row_id", key, nullable=False),
        sa.ForeignKeyConstraint(["pool_file_id"], ["pool_file.id"], name=op.f("fk_pool_seen_pool_file_id")),
        sa.ForeignKeyConstraint(["pool_row_id"], ["pool_row.id"], name=op.f("fk_pool_seen_pool_row_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_seen")),
        sa.UniqueConstraint("pool_file_id", "pool_row_id", name=op.f("uq_pool_seen_pool_file_id_pool_row_id")),
    )
    op.create_index(op.f("ix_pool_seen_pool_row_id"), "pool_seen", ["pool_row_id"], unique=False)
