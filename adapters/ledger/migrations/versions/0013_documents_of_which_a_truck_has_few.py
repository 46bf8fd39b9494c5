"""Documents about a whole truck, and those that follow another, in indices of their own: there are few of them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INDICES = {"ix_document_whole": "parcel_id IS NULL", "ix_document_follows": "previous_id IS NOT NULL"}


def upgrade() -> None:
    """Forward."""
    for name, there in INDICES.items():
        where = sa.text(there)
        op.create_index(name, "document", ["shipment_id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back."""
    for name in INDICES:
        op.drop_index(name, table_name="document")
