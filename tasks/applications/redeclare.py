"""Declaring rejected (or cancelled) parcels anew, as the newest files say: the next attempt, with its lineage."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from adapters.ledger import events, parcels
from mappings import faults
from tasks.applications.wanted import STAGE, Wanted
from tasks.clearing import intake
from tasks.clearing.declaring import declare_again
from tasks.clearing.settling import settle_shipment
from tasks.office import Office

FROM = ("rejected", "cancelled")


@dataclass
class Redeclared:
    """Which parcels are declared anew (seq), how many had been asked for before, and the faults of the others."""

    seqs: set[int] = field(default_factory=set)
    known: int = 0
    faults: pd.DataFrame = field(default_factory=lambda: faults.frame([]))


def redeclare(office: Office, shipment_id: int, wanted: Wanted, actor: str) -> Redeclared:
    """Make the chosen parcels (all that were rejected, if none is named) ready again. Raises DataFault."""
    standing = settle_shipment(office, shipment_id)
    rows = parcels.listing(office.ledger, shipment_id)
    named = {key: row for row in rows for key in (row.waybill_no, row.order_no) if key}
    done, told = Redeclared(), list(wanted.faults)
    if not len(wanted.rows) and not wanted.file:
        done.seqs = standing.in_state("rejected")
    for given, row in zip(wanted.rows["given"], wanted.rows["row"], strict=True):
        found, place = named.get(given), wanted.place(int(row), "order_no")
        if found is None:
            told.append({"code": "APP-001", "order_no": given, "value": given, "stage": STAGE, **place})
        elif found.state in FROM:
            done.seqs.add(found.seq)
        elif found.state in ("ready", "declared"):
            done.known += 1
        else:
            said = {"order_no": found.order_no, "waybill_no": found.waybill_no, "value": found.state}
            told.append({"code": "APP-030", "stage": STAGE, **said, **place})
    if done.seqs:
        intake.work_up(office, shipment_id, anew=True)
        declare_again(office, settle_shipment(office, shipment_id), done.seqs)
        events.record(office.ledger, shipment_id, "declared_anew", actor=actor, detail={"parcels": len(done.seqs)})
        settle_shipment(office, shipment_id)
    done.faults = faults.frame(told)
    return done
