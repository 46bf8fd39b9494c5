"""The tables of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "cursor",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("authority", "name", name=op.f("pk_cursor")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "shipment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent_code", sa.Text(), nullable=False),
        sa.Column("master_waybill", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("regime", sa.Text(), server_default="", nullable=False),
        sa.Column("corridor", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("previous_state", sa.Text(), server_default="", nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("held_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("truck", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
        sa.UniqueConstraint("agent_code", "master_waybill", name=op.f("uq_shipment_agent_code_master_waybill")),
    )
    op.create_index(op.f("ix_shipment_label"), "shipment", ["label"], unique=False)
    op.create_table(
        "conversion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("example", sa.LargeBinary(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_conversion_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversion")),
    )
    op.create_index(
        op.f("ix_conversion_shipment_id_authority_message_type"),
        "conversion",
        ["shipment_id", "authority", "message_type"],
        unique=False,
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("once", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_event_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("shipment_id", "once", name=op.f("uq_event_shipment_id_once")),
    )
    op.create_index(op.f("ix_event_shipment_id_at"), "event", ["shipment_id", "at"], unique=False)
    op.create_table(
        "parcel",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("platform_code", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("carrier_code", sa.Text(), server_default="", nullable=False),
        sa.Column("waybill_no", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_parcel_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        sa.UniqueConstraint(
            "platform_code", "order_no", "shipment_id", name=op.f("uq_parcel_platform_code_order_no_shipment_id")
        ),
        sa.UniqueConstraint("shipment_id", "seq", name=op.f("uq_parcel_shipment_id_seq")),
    )
    op.create_index(op.f("ix_parcel_carrier_code_waybill_no"), "parcel", ["carrier_code", "waybill_no"], unique=False)
    op.create_table(
        "raw",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("peer", sa.Text(), server_default="", nullable=False),
        sa.Column("media_type", sa.Text(), server_default="", nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_raw_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw")),
    )
    op.create_index(op.f("ix_raw_authority_direction_state"), "raw", ["authority", "direction", "state"], unique=False)
    op.create_index(op.f("ix_raw_sha256"), "raw", ["sha256"], unique=False)
    op.create_index(op.f("ix_raw_shipment_id"), "raw", ["shipment_id"], unique=False)
    op.create_table(
        "snapshot",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_snapshot_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("shipment_id", "stage", "version", name=op.f("uq_snapshot_shipment_id_stage_version")),
    )
    op.create_table(
        "fault",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parcel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("order_no", sa.Text(), server_default="", nullable=False),
        sa.Column("waybill_no", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), server_default="", nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("other_value", sa.LargeBinary(), nullable=True),
        sa.Column("file", sa.Text(), server_default="", nullable=False),
        sa.Column("sheet", sa.Text(), server_default="", nullable=False),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("column", sa.Text(), server_default="", nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_fault_parcel_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_fault_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault")),
    )
    op.create_index(
        op.f("ix_fault_shipment_id_current_stage"), "fault", ["shipment_id", "current", "stage"], unique=False
    )
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("cop_msg_id", sa.Text(), nullable=False),
        sa.Column("sender_dxp", sa.Text(), server_default="", nullable=False),
        sa.Column("owner_role", sa.Text(), server_default="", nullable=False),
        sa.Column("raw_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("documents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recovery", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("refusal", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_message_raw_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_message_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("cop_msg_id", name=op.f("uq_message_cop_msg_id")),
        sa.UniqueConstraint(
            "shipment_id",
            "authority",
            "type",
            "attempt",
            "seq",
            name=op.f("uq_message_shipment_id_authority_type_attempt_seq"),
        ),
    )
    op.create_index(op.f("ix_message_state"), "message", ["state"], unique=False)
    op.create_table(
        "source_file",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raw_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("profile", sa.Text(), server_default="", nullable=False),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_source_file_raw_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_source_file_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_file")),
        sa.UniqueConstraint(
            "shipment_id", "kind", "sender", "version", name=op.f("uq_source_file_shipment_id_kind_sender_version")
        ),
    )
    op.create_index(op.f("ix_source_file_shipment_id"), "source_file", ["shipment_id"], unique=False)
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parcel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("app_type", sa.Text(), server_default="", nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("previous_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), server_default="0", nullable=False),
        sa.Column("return_status", sa.Text(), server_default="", nullable=False),
        sa.Column("return_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_info", sa.LargeBinary(), nullable=True),
        sa.Column("pre_no", sa.Text(), server_default="", nullable=False),
        sa.Column("invt_no", sa.Text(), server_default="", nullable=False),
        sa.Column("final", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("conflict", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_document_message_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_document_parcel_id")),
        sa.ForeignKeyConstraint(["previous_id"], ["document.id"], name=op.f("fk_document_previous_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_document_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint(
            "authority", "type", "business_key", "attempt", name=op.f("uq_document_authority_type_business_key_attempt")
        ),
    )
    op.create_index(op.f("ix_document_message_id"), "document", ["message_id"], unique=False)
    op.create_index(op.f("ix_document_parcel_id"), "document", ["parcel_id"], unique=False)
    op.create_index(op.f("ix_document_shipment_id"), "document", ["shipment_id"], unique=False)
    op.create_table(
        "listed",
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parcel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_listed_document_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_listed_parcel_id")),
        sa.PrimaryKeyConstraint("document_id", "parcel_id", name=op.f("pk_listed")),
    )
    op.create_index(op.f("ix_listed_parcel_id"), "listed", ["parcel_id"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raw_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("guid", sa.Text(), server_default="", nullable=False),
        sa.Column("declared_guid", sa.Text(), server_default="", nullable=False),
        sa.Column("cop_msg_id", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("return_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("info", sa.LargeBinary(), nullable=True),
        sa.Column("pre_no", sa.Text(), server_default="", nullable=False),
        sa.Column("invt_no", sa.Text(), server_default="", nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_receipt_document_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw.id"], name=op.f("fk_receipt_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint(
            "authority",
            "type",
            "business_key",
            "status",
            "return_time",
            "guid",
            name=op.f("uq_receipt_authority_type_business_key_status_return_time_guid"),
        ),
    )
    op.create_index(op.f("ix_receipt_authority_disposition"), "receipt", ["authority", "disposition"], unique=False)
    op.create_index(op.f("ix_receipt_cop_msg_id"), "receipt", ["cop_msg_id"], unique=False)
    op.create_index(op.f("ix_receipt_document_id"), "receipt", ["document_id"], unique=False)
    op.create_index(op.f("ix_receipt_raw_id"), "receipt", ["raw_id"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_index(op.f("ix_receipt_raw_id"), table_name="receipt")
    op.drop_index(op.f("ix_receipt_document_id"), table_name="receipt")
    op.drop_index(op.f("ix_receipt_cop_msg_id"), table_name="receipt")
    op.drop_index(op.f("ix_receipt_authority_disposition"), table_name="receipt")
    op.drop_table("receipt")
    op.drop_index(op.f("ix_listed_parcel_id"), table_name="listed")
    op.drop_table("listed")
    op.drop_index(op.f("ix_document_shipment_id"), table_name="document")
    op.drop_index(op.f("ix_document_parcel_id"), table_name="document")
    op.drop_index(op.f("ix_document_message_id"), table_name="document")
    op.drop_table("document")
    op.drop_index(op.f("ix_source_file_shipment_id"), table_name="source_file")
    op.drop_table("source_file")
    op.drop_index(op.f("ix_message_state"), table_name="message")
    op.drop_table("message")
    op.drop_index(op.f("ix_fault_shipment_id_current_stage"), table_name="fault")
    op.drop_table("fault")
    op.drop_table("snapshot")
    op.drop_index(op.f("ix_raw_shipment_id"), table_name="raw")
    op.drop_index(op.f("ix_raw_sha256"), table_name="raw")
    op.drop_index(op.f("ix_raw_authority_direction_state"), table_name="raw")
    op.drop_table("raw")
    op.drop_index(op.f("ix_parcel_carrier_code_waybill_no"), table_name="parcel")
    op.drop_table("parcel")
    op.drop_index(op.f("ix_event_shipment_id_at"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_conversion_shipment_id_authority_message_type"), table_name="conversion")
    op.drop_table("conversion")
    op.drop_index(op.f("ix_shipment_label"), table_name="shipment")
    op.drop_table("shipment")
    op.drop_table("lease")
    op.drop_table("cursor")
