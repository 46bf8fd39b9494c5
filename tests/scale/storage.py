"""`python -m tests.scale.storage`: bytes a parcel in the ledger, table by table, on SQLite and on PostgreSQL.

A truck is declared by messages that are signed and stored, and answered by the receipts of its whole life (four
documents, two receipts for order, payment and waybill, five for the inventory); nothing is sent. Writes its table into
docs/scale.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from adapters import home as homes
from adapters.cn_ecommerce import envelope
from adapters.ledger import Ledger, messages, shipments
from deployments import demo_truck
from mappings import clock
from mappings.identity import Identities
from tasks.capture import read_folder
from tasks.clearing import intake
from tasks.clearing.declaring import prepare_declarations
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import load_standing
from tasks.office import Office, open_office
from tasks.receipts.receive import keep_push
from tasks.receipts.settle import read_and_settle
from tests.scale.cluster import databases
from tests.unit.customs import key_fields, receipt, stamp
from tests.unit.signing import rsa_keys

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
BEGIN, END = "<!-- written by tests.scale.storage -->", "<!-- end of what tests.scale.storage writes -->"
REPLIES = {  # what customs says of each document, in order
    "CEB303Message": ("CEB304Message", ("2", "120")),
    "CEB403Message": ("CEB404Message", ("2", "120")),
    "CEB505Message": ("CEB506Message", ("2", "120")),
    "CEB603Message": ("CEB604Message", ("2", "120", "399", "800", "899")),
}
A_MESSAGE = 50  # receipts that customs puts into one message: our choice


def fill(office: Office, folder: Path) -> int:
    """A truck's whole life in the ledger; how many parcels."""
    found = read_folder(folder).truck
    assert found is not None
    ident = intake.receive_files(office, intake.folder_files(folder), "", "storage").shipment_id
    intake.work_up(office, ident)
    shipments.approve(office.ledger, ident, "storage")
    prepare_declarations(office, load_standing(office.ledger, ident))
    with office.ledger.begin() as tx:
        tx.execute(sa.text("UPDATE message SET state = 'sent', sent_at = claimed_at"))
    for bodies in replies(office.ledger, ident):
        for body in bodies:
            keep_push(office.ledger, office.authority("cn_ecommerce"), body)
        read_and_settle(office.ledger, office.authority("cn_ecommerce"))
    return len(settle_shipment(office, ident).parcels)


def replies(ledger: Ledger, ident: int) -> Iterator[list[bytes]]:
    """The receipts of the truck's documents, round by round, as envelopes."""
    documents = messages.documents(ledger, ident)
    for turn in range(5):
        made = []
        for kind, (reply, statuses) in REPLIES.items():
            if turn >= len(statuses):
                continue
            mine = [d for d in documents if d.type == kind]
            for first in range(0, len(mine), A_MESSAGE):
                at = stamp(clock.now() + timedelta(seconds=turn))
                rows = [
                    {"returnStatus": statuses[turn], "returnTime": at, **key_fields(kind, d.business_key)}
                    for d in mine[first : first + A_MESSAGE]
                ]
                body = envelope.write(
                    receipt(reply, rows), reply, "DXPEDCCEB0000003", "DXP", Identities().guid(), clock.now()
                )
                made.append(body)
        yield made


def sizes(ledger: Ledger) -> dict[str, int]:
    """Bytes of each table with its indices, largest first."""
    if ledger.engine.dialect.name == "postgresql":
        query = (
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    else:
        query = (
            "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name"
        )
    with ledger.read() as tx:
        found = {str(name): int(size) for name, size in tx.execute(sa.text(query))}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def measured(work: Path, folder: Path, url: str | None) -> tuple[int, dict[str, int]]:
    """Parcels, and bytes by table, in a ledger of its own: what the truck added to an empty one."""
    homes.write(homes.Home(work, ledger=url))
    office = open_office(homes.read(work))
    truck = read_folder(folder).truck
    assert truck is not None
    rsa_keys(work, *(party for party in truck.parties.values() if party.code))
    empty = sizes(office.ledger)
    parcels = fill(office, folder)
    found = {name: size - empty.get(name, 0) for name, size in sizes(office.ledger).items()}
    office.ledger.close()
    return parcels, found


def table(parcels: int, sqlite: dict[str, int], postgres: dict[str, int]) -> str:
    """What goes between the markers."""
    rows = [
        f"| `{name}` | {size / parcels:,.0f} | {postgres.get(name, 0) / parcels:,.0f} |"
        for name, size in sqlite.items()
        if size / parcels >= 1 or postgres.get(name, 0) / parcels >= 1
    ]
    total = f"| **all** | **{sum(sqlite.values()) / parcels:,.0f}** | **{sum(postgres.values()) / parcels:,.0f}** |"
    told = f"One truck of {parcels:,} parcels of 2.5 lines, from files to closed: bytes a parcel, indices included."
    lines = [told, "", "| table | SQLite | PostgreSQL |", "| --- | ---: | ---: |", *rows, total]
    return "\n".join([BEGIN, "", *lines, "", END])


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.storage", description=__doc__)
    parser.add_argument("--parcels", type=int, default=3200)
    parser.add_argument("--no-page", action="store_true", help="write no page")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work, databases() as (_, ledger):
        at = Path(work)
        folder = demo_truck.write(demo_truck.make_truck(given.parcels), at / "truck")
        parcels, sqlite = measured(at / "sqlite", folder, None)
        _, postgres = measured(at / "postgres", folder, ledger)
    made = table(parcels, sqlite, postgres)
    sys.stdout.write(made + "\n")
    if not given.no_page:
        from tests.scale.__main__ import written

        PAGE.write_text(written(PAGE.read_text("utf-8"), made, BEGIN, END), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
