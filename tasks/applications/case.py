"""What is known of the parcels of a shipment when something is asked for: columns, one row a parcel.

Read from the ledger alone, so that it serves every procedure. `inventory` is the state of the document that the rule is
about; what a list's receipt said of a parcel (released, under inspection) counts where it is further.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row

from adapters.ledger import applications as ledger
from adapters.ledger import events, parcels, shipments, sources
from mappings import clock
from mappings.applications import Rule, rule
from mappings.canonical.batch import Batch
from mappings.canonical.model import Truck
from mappings.errors import DataFault

SAID_OF_LIST = ("released", "inspection")
RELEASED = "800"
BATCH = "batch"  # the snapshot (tasks/clearing/intake.py)


@dataclass
class Case:
    """One shipment, one rule: `parcels` has id, seq, numbers, state, and what the inventory and other requests say."""

    tx: Connection
    shipment_id: int
    truck: Truck
    rule: Rule
    parcels: pd.DataFrame
    applications: list[Row[Any]]

    @cached_property
    def batch(self) -> Batch:
        """The shipment's latest batch. Raises DataFault where nothing was worked up yet."""
        body = sources.load_snapshot(self.tx, self.shipment_id, BATCH)
        if body is None:
            raise DataFault(
                f"Shipment {self.shipment_id} has no worked-up files yet 车次 {self.shipment_id} 尚无可用数据"
            )
        return Batch.from_bytes(body)

    @cached_property
    def departed(self) -> datetime | None:
        """When the truck left."""
        return events.happened(self.tx, self.shipment_id, "departed")

    def left(self, chosen: pd.DataFrame) -> pd.DataFrame:
        """The goods lines of the chosen parcels with what is left of each: parcel id, seq, gnum, line index, left."""
        batch = self.batch
        seqs = batch.parcels["parcel.seq"].to_numpy()[batch.lines["parcel"].to_numpy()]
        lines = pd.DataFrame({"seq": seqs, "gnum": batch.lines["line.gnum"].astype("int64")})
        lines["whole"] = batch.lines["line.quantity"].astype("int64")
        lines = lines.merge(chosen[["seq", "id"]], on="seq")
        used = ledger.counted(self.tx, self.shipment_id, "return")
        keys = zip(lines["id"].tolist(), lines["gnum"].tolist(), strict=True)
        return lines.assign(left=lines["whole"] - [used.get(key, 0) for key in keys])

    def since(self, chosen: pd.DataFrame) -> list[datetime]:
        """The time that the rule's window counts from, for each chosen parcel."""
        if self.rule.value("clock") == "departed" and self.departed is not None:
            return [self.departed] * len(chosen)
        said = ledger.first_said(self.tx, chosen["about_id"].astype(int).tolist(), RELEASED)
        rows = zip(chosen["about_id"].tolist(), chosen["answered_at"], chosen["state_at"], strict=True)
        return [said.get(about) or answered or state_at for about, answered, state_at in rows]


_COLUMNS = ("id", "seq", "order_no", "waybill_no", "state", "reason", "state_at", "about_id", "inventory", "invt_no",
            "answered_at")  # fmt: skip


def load(tx: Connection, shipment_id: int, kind: str) -> Case:
    """The case of a shipment. Raises ConfigurationError when there is none, Unsupported for a kind it cannot have."""
    truck = Truck.model_validate(shipments.get(tx, shipment_id).truck)
    found = rule(kind, truck.direction)
    inventories = ledger.inventories(tx, shipment_id, found.about)
    rows = [_parcel(row, inventories.get(row.id)) for row in parcels.listing(tx, shipment_id)]
    frame = pd.DataFrame.from_records(rows, columns=list(_COLUMNS))
    frame = frame.astype({"about_id": object, "answered_at": object, "state_at": object})
    return Case(tx, shipment_id, truck, found, frame, ledger.listing(tx, shipment_id))


def _parcel(row: Row[Any], about: Row[Any] | None) -> tuple[Any, ...]:
    own = (row.id, row.seq, row.order_no, row.waybill_no, row.state, row.reason, row.state_at or clock.now())
    if about is None:
        return (*own, None, "", "", None)
    state = row.state if row.state in SAID_OF_LIST else about.state
    return (*own, about.id, state, about.invt_no, about.return_time)
