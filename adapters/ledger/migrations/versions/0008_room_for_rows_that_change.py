"""Room in the pages of documents and parcels: on PostgreSQL a changed row then stays in its page, and in its indices.

PostgreSQL writes a changed row anew; where its page is full, every index learns of the new place, although none of the
columns that change is in any. Documents change with every receipt, parcels with every step.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("document", "parcel")


def upgrade() -> None:
    """Forward; for what is written from now on."""
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def downgrade() -> None:
    """Back."""
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
