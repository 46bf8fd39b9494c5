"""What the command and the gateway ask about applications: cancel, return, tally, summary, declaring anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.ledger import applications as ledger
from tasks.applications import outcomes, summaries
from tasks.applications.asking import Asked, ask
from tasks.applications.redeclare import redeclare
from tasks.applications.wanted import Wanted, of_file, of_records, of_text
from tasks.clearing.settling import settle_shipment
from tasks.office import Office

__all__ = ["Wanted", "of_file", "of_path", "of_records", "of_text"]


def of_path(path: Path, reason: str, request: str = "") -> Wanted:
    """The chosen parcels of a file."""
    return of_file(path.name, path.read_bytes(), reason, request)


def _told(at: Office, shipment_id: int, asked: Asked) -> dict[str, Any]:
    """What came of a request, for a program or a screen: no person, no reason of anybody's own."""
    settle_shipment(at, shipment_id)
    return {
        "shipment": shipment_id,
        "kind": asked.kind,
        "applications": [outcomes.record(row) for row in outcomes.rows_of(at, asked)],
        "new": len(asked.new),
        "already_done": asked.done,
        "refused": outcomes.refused(asked.faults),
    }


def request(
    at: Office, shipment_id: int, kind: str, wanted: Wanted, actor: str, approved: bool = False,
    detail: Mapping[str, str] | None = None, after: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Ask for something for the chosen parcels, and approve it where the call says so. Raises DataFault."""
    told = {name: value for name, value in (detail or {}).items() if value}
    asked = ask(at, shipment_id, kind, wanted, actor, told, after)
    if approved:
        ledger.approve(at.ledger, asked.ids, actor)
    return _told(at, shipment_id, asked)


def approve(at: Office, ids: list[int], actor: str) -> int:
    """Note the approval of these applications. Returns how many were waiting for it."""
    done = int(ledger.approve(at.ledger, ids, actor))
    for ident in {row.shipment_id for row in ledger.by_ids(at.ledger, ids)}:
        settle_shipment(at, ident)
    return done


def withdraw(at: Office, shipment_id: int, actor: str) -> int:
    """Take back all that was not sent yet. Returns how many."""
    rows = ledger.listing(at.ledger, shipment_id, states=(ledger.ASKED, ledger.APPROVED))
    done = int(ledger.withdraw(at.ledger, [row.id for row in rows], actor))
    settle_shipment(at, shipment_id)
    return done


def approve_all(at: Office, shipment_id: int, actor: str) -> int:
    """Note the approval of all that waits for it."""
    return approve(at, [row.id for row in ledger.listing(at.ledger, shipment_id, states=(ledger.ASKED,))], actor)


def summarise(at: Office, month: str, actor: str, declarant: str = "", approved: bool = False) -> list[dict[str, Any]]:
    """Ask for the summaries of a month (last month where none is named); one answer a shipment that holds one."""
    found = summaries.ask_summaries(at, month or summaries.last_month(), actor, declarant)
    for asked in found.values():
        if approved:
            ledger.approve(at.ledger, asked.ids, actor)
    return [_told(at, ident, asked) for ident, asked in found.items()]


def anew(at: Office, shipment_id: int, wanted: Wanted, actor: str) -> dict[str, Any]:
    """Declare rejected or cancelled parcels anew."""
    done = redeclare(at, shipment_id, wanted, actor)
    refused = outcomes.refused(done.faults)
    return {"shipment": shipment_id, "parcels": len(done.seqs), "known": done.known, "refused": refused}


def listing(at: Office, shipment_id: int) -> list[dict[str, Any]]:
    """Every application of a shipment, oldest first."""
    return [outcomes.record(row) for row in ledger.listing(at.ledger, shipment_id)]


def counts(at: Office, shipment_id: int) -> dict[str, dict[str, int]]:
    """How many applications of each kind are in each state."""
    found: dict[str, dict[str, int]] = {}
    for row in ledger.listing(at.ledger, shipment_id):
        mine = found.setdefault(row.kind, {})
        mine[row.state] = mine.get(row.state, 0) + 1
    return found
