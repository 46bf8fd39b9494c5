"""On PostgreSQL no foreign keys on parcels and rows of the pool either, which come by the thousand (decision 0021)."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEYS = {"parcel": {"shipment_id": "shipment"}, "pool_row": {"pool_file_id": "pool_file", "last_file_id": "pool_file"}}


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
