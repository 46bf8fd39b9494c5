"""Contradicted documents in an index of their own: a truck has hardly any, and is asked for them all the time."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ix_document_conflict"


def upgrade() -> None:
    """Forward."""
    there = {"sqlite": "conflict = 1", "postgresql": "conflict"}[op.get_bind().dialect.name]
    where = sa.text(there)
    op.create_index(NAME, "document", ["shipment_id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back."""
    op.drop_index(NAME, table_name="document")
