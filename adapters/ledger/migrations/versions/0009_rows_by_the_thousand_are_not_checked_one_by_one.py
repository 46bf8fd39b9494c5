"""On PostgreSQL no foreign keys on rows that come by the thousand (decision 0021): the audit looks for what is lost.

PostgreSQL looks up, and locks, what each new row refers to by itself: a half of what a document cost, a third of a
receipt. SQLite does it on the way and goes on doing it.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEYS = {
    "document": {"message_id": "message", "shipment_id": "shipment", "parcel_id": "parcel", "previous_id": "document"},
    "receipt": {"raw_id": "raw", "document_id": "document"},
    "listed": {"document_id": "document", "parcel_id": "parcel"},
}


def upgrade() -> None:
    """Forward."""
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in KEYS.items():
            for column in columns:
                op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")


def downgrade() -> None:
    """Back: fails where something refers to what is not there."""
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in KEYS.items():
            for column, other in columns.items():
                op.create_foreign_key(f"fk_{table}_{column}", table, other, [column], ["id"])
