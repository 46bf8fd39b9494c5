"""Applications after a declaration: cancel, return, tally, summary, and the goods and inventories that they name."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _key() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "application",
        sa.Column("id", _key(), nullable=False),
        sa.Column("shipment_id", _key(), nullable=False),
        sa.Column("parcel_id", _key(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), server_default="1", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("request", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("was", sa.Text(), server_default="", nullable=False),
        sa.Column("was_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("about_id", _key(), nullable=True),
        sa.Column("document_id", _key(), nullable=True),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["about_id"], ["document.id"], name=op.f("fk_application_about_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_application_document_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_application_parcel_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_application_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint(
            "shipment_id", "kind", "number", "part", name=op.f("uq_application_shipment_id_kind_number_part")
        ),
    )
    for column in ("shipment_id", "parcel_id", "state", "document_id"):
        op.create_index(op.f(f"ix_application_{column}"), "application", [column], unique=False)
    op.create_table(
        "application_line",
        sa.Column("id", _key(), nullable=False),
        sa.Column("application_id", _key(), nullable=False),
        sa.Column("parcel_id", _key(), nullable=False),
        sa.Column("gnum", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quantity", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_line_application_id")
        ),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_application_line_parcel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_line")),
        sa.UniqueConstraint(
            "application_id", "parcel_id", "gnum", name=op.f("uq_application_line_application_id_parcel_id_gnum")
        ),
    )
    for column in ("application_id", "parcel_id"):
        op.create_index(op.f(f"ix_application_line_{column}"), "application_line", [column], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_table("application_line")
    op.drop_table("application")
