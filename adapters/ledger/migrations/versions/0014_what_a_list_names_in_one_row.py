"""What a list names in one row: a text of parcel numbers ("1-318,320") instead of a row a parcel (decision 0033).

A row of the old table may name a parcel of another shipment, of which a summary of a month says something: those stand
in application_line, too, and are taken from there on the way back.
"""

import logging
from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from alembic import op

from adapters.ledger import ranges

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MANY = 1000
log = logging.getLogger(__name__)
OLD = sa.text(
    "SELECT listed.document_id, parcel.seq FROM listed JOIN parcel ON parcel.id = listed.parcel_id "
    "JOIN document ON document.id = listed.document_id AND document.shipment_id = parcel.shipment_id "
    "ORDER BY listed.document_id"
)
LOST = sa.text(
    "SELECT count(*) FROM listed LEFT JOIN parcel ON parcel.id = listed.parcel_id "
    "LEFT JOIN document ON document.id = listed.document_id WHERE parcel.id IS NULL OR document.id IS NULL"
)
NEW = sa.text(
    "SELECT list_document.document_id, document.shipment_id, list_document.seqs FROM list_document "
    "JOIN document ON document.id = list_document.document_id ORDER BY document.shipment_id, list_document.document_id"
)
PARCELS = sa.text("SELECT seq, id FROM parcel WHERE shipment_id = :shipment_id")
SUMMARIES = sa.text(
    "INSERT INTO listed (document_id, parcel_id) "
    "SELECT DISTINCT application.document_id, application_line.parcel_id FROM application "
    "JOIN application_line ON application_line.application_id = application.id "
    "WHERE application.kind = 'summary' AND application.document_id IS NOT NULL ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    """Forward, list by list: a day of a port has millions of the old rows."""
    _alone("listed")
    if lost := op.get_bind().execute(LOST).scalar_one():
        log.warning("%s rows of listed refer to a document or parcel that is gone (tongguan audit named them)", lost)
    members = op.create_table(
        "list_document",
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("seqs", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_list_document_document_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_list_document")),
    )
    rows = _rows(OLD)
    made = (
        {"document_id": ident, "seqs": ranges.written(row.seq for row in named)}
        for ident, named in groupby(rows, lambda row: row.document_id)
    )
    _insert(members, made)
    op.drop_table("listed")


def downgrade() -> None:
    """Back."""
    _alone("list_document")
    listed = op.create_table(
        "listed",
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("parcel_id", KEY, nullable=False),
        *_keys(),
        sa.PrimaryKeyConstraint("document_id", "parcel_id", name=op.f("pk_listed")),
    )
    _insert(listed, _one_by_one())
    op.execute(SUMMARIES)
    op.create_index(op.f("ix_listed_parcel_id"), "listed", ["parcel_id"], unique=False)
    op.drop_table("list_document")


def _alone(table: str) -> None:
    """Nobody writes into the table until it is gone: what was written meanwhile would go with it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")


def _keys() -> list[sa.ForeignKeyConstraint]:
    """PostgreSQL has had none on this table since 0009."""
    if op.get_bind().dialect.name == "postgresql":
        return []
    return [
        sa.ForeignKeyConstraint([f"{other}_id"], [f"{other}.id"], name=op.f(f"fk_listed_{other}_id"))
        for other in ("document", "parcel")
    ]


def _one_by_one() -> Iterator[dict[str, int]]:
    for shipment_id, lists in groupby(_rows(NEW), lambda row: row.shipment_id):
        there = dict(op.get_bind().execute(PARCELS, {"shipment_id": shipment_id}).tuples().all())
        for row in lists:
            named = (there[seq] for seq in ranges.read(row.seqs) if seq in there)
            yield from ({"document_id": row.document_id, "parcel_id": ident} for ident in named)


def _rows(query: sa.TextClause) -> Iterator[sa.Row]:
    """One by one from the server; memory is that of a few thousand."""
    return iter(op.get_bind().execute(query, execution_options={"yield_per": 10 * MANY}))


def _insert(table: sa.Table, rows: Iterator[dict]) -> None:
    many: list[dict] = []
    for row in rows:
        many.append(row)
        if len(many) == MANY:
            op.get_bind().execute(sa.insert(table), many)
            many.clear()
    if many:
        op.get_bind().execute(sa.insert(table), many)
