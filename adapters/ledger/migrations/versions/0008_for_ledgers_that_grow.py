"""For ledgers that grow: indices of open and of ended shipments; on PostgreSQL, room for rows that change.

PostgreSQL writes a changed row anew; where its page is full, every index learns of the new place, although none of the
columns that change is in any. Documents change with every receipt, parcels with every step.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("document", "parcel")
OPEN = sa.text("state != 'closed'")
ENDED = sa.text("state = 'closed'")


def upgrade() -> None:
    """Forward; room is left in what is written from now on."""
    op.create_index("ix_shipment_open", "shipment", ["id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_shipment_ended", "shipment", ["updated_at"], sqlite_where=ENDED, postgresql_where=ENDED)
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def downgrade() -> None:
    """Back."""
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    op.drop_index("ix_shipment_ended", table_name="shipment")
    op.drop_index("ix_shipment_open", table_name="shipment")
