"""Ordinary receipts in fewer indices: those that wait, and those about a whole message, have one of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WHOLE = sa.text("cop_msg_id != ''")
WAITING = sa.text("disposition = 'new' OR disposition = 'parked'")


def upgrade() -> None:
    """Forward."""
    op.drop_index(op.f("ix_receipt_raw_id"), table_name="receipt")
    op.drop_index(op.f("ix_receipt_cop_msg_id"), table_name="receipt")
    op.drop_index(op.f("ix_receipt_authority_disposition"), table_name="receipt")
    op.create_index("ix_receipt_whole", "receipt", ["cop_msg_id"], sqlite_where=WHOLE, postgresql_where=WHOLE)
    op.create_index("ix_receipt_waiting", "receipt", ["authority"], sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    """Back."""
    op.drop_index("ix_receipt_waiting", table_name="receipt")
    op.drop_index("ix_receipt_whole", table_name="receipt")
    op.create_index(op.f("ix_receipt_authority_disposition"), "receipt", ["authority", "disposition"], unique=False)
    op.create_index(op.f("ix_receipt_cop_msg_id"), "receipt", ["cop_msg_id"], unique=False)
    op.create_index(op.f("ix_receipt_raw_id"), "receipt", ["raw_id"], unique=False)
