"""What documents make of parcels and of the shipment by the tables that its procedure names."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from adapters.ledger import applications as asked_for
from adapters.ledger import parcels, shipments
from adapters.ledger.touches import HEARD
from mappings import clock
from mappings.applications import MAY, rules
from tasks import imports
from tasks.applications import settling as applications
from tasks.clearing import billing, identity
from tasks.clearing.documents import States
from tasks.clearing.standing import ListDocument, Standing, load_standing
from tasks.office import Office

LEFT_BEHIND, CANCELLED = "left_behind", "cancelled"
WAITS, BY_CHANGE = "waiting_cancel", "CHG-003"  # an inventory must be cancelled, since its content changed


class _Leads:
    """What parcels' own documents say of them: state and reason; None where they say nothing.

    Made once for all parcels of a truck: they are thousands, asked each time that the truck is settled.
    """

    def __init__(self, standing: Standing) -> None:
        table, lead = standing.table, standing.procedure.lead
        self._standing, self._leads = standing, standing.leads
        self._before, self._stops, self._stopped = (table["stops"][name] for name in ("before", "states", "parcel"))
        self._said = {
            document: (state, lead if state in ("rejected", "detained") else "")
            for document, state in table["lead"].items()
        }

    def __call__(self, seq: int) -> tuple[str, str] | None:
        """Of the parcel with this number."""
        document = self._leads.get(seq)
        if document is None:
            return None
        said = self._said[document.state]
        if said[0] in self._before:
            for kind, stopping in self._others:
                if seq in stopping:
                    return self._stopped, kind
        return said

    @cached_property
    def _others(self) -> list[tuple[str, set[int | None]]]:
        """The parcels that a supporting document of each type stops: asked for only while the leading one lets it."""
        supporting = [(kind, self._standing.documents.get(kind, {})) for kind in self._standing.procedure.supporting]
        return [(kind, {seq for seq, d in found.items() if d.state in self._stops}) for kind, found in supporting]


def _waits(standing: Standing, seq: int, reason: str, leads: _Leads) -> tuple[str, str] | None:
    """What a parcel that waits for a cancel becomes where no cancel is needed, or none can come; None: it waits on.

    Rejected, its inventory needs none: it is declared anew (given up, it is not). Not answered, and without its order,
    payment or waybill, it never will be: a person has to look at that first.
    """
    lead = standing.leads.get(seq)
    if lead is None or lead.state == CANCELLED:
        return None
    if lead.state in standing.table["dead"]:
        return ("ready", "") if reason == BY_CHANGE else ("excluded", reason)
    said = leads(seq)
    cancel = rules()["cancel", standing.truck.direction]
    stopped = said is not None and said[0] == standing.table["stops"]["parcel"]
    return said if stopped and reason == BY_CHANGE and cancel.verdict(lead.state) != MAY else None


def _said_of_list(state: str, lists: list[ListDocument], rules: dict[str, dict[str, Any]]) -> str:
    for item in lists:
        rule = rules.get(item.state)
        if rule and state in rule["from"]:
            state = rule["to"]
    return state


def parcel_states(standing: Standing) -> dict[int, tuple[str, str]]:
    """The state and reason that every parcel has now, where its documents say so.

    What was decided after a rejection (held for a new fault, given up) is not undone by the rejection.
    """
    found = {}
    by_parcel: dict[int, list[ListDocument]] = {}
    rules, master = standing.table["list"], standing.procedure.list_of("list")
    for item in standing.lists:
        if item.type == master and item.state in rules:
            for seq in item.seqs:
                by_parcel.setdefault(seq, []).append(item)
    leads = _Leads(standing)
    for seq, (state, reason) in standing.parcels.items():
        if state == WAITS and (freed := _waits(standing, seq, reason, leads)):
            found[seq] = freed
        if state in ("ready", WAITS, CANCELLED):
            continue
        lead = leads(seq)
        if lead is None or (lead[0] == "rejected" and state in ("held", "excluded")):
            continue
        found[seq] = (_said_of_list(lead[0], by_parcel[seq], rules), lead[1]) if seq in by_parcel else lead
    if "departed" in standing.events:
        after = standing.with_parcels(found)  # by what they are now
        found |= {seq: (after.parcels[seq][0], LEFT_BEHIND) for seq in after.left_behind()}
    return found


def _books(tx: Connection, shipment_id: int, states: dict[int, tuple[str, str]], anew: bool) -> None:
    """What the states and tax bills of an import do to its books; first of all, as it takes the shipment's lock."""
    imports.settle(tx, shipment_id, {seq: state for seq, (state, _) in states.items()}, clock.now())
    billing.settle(tx, shipment_id, anew)


def settle_shipment(office: Office, shipment_id: int, by: str = "") -> Standing:
    """Bring parcels and shipment to what their documents and events say. Returns where the shipment stands then.

    Who looks `by` a name (touches.BY) finds that name at what this has changed.
    """
    with office.ledger.begin() as tx:
        standing = load_standing(tx, shipment_id)
        # before anything is written, as it may settle receipts anew, alone
        applied = bool(standing.applied_for) and applications.settle(tx, shipment_id) > 0
        rejoined = ("held", identity.ELSEWHERE) in standing.parcels.values() and identity.rejoin(tx, shipment_id)
        if applied or rejoined:
            standing = load_standing(tx, shipment_id)
        found, here = _found(tx, standing), standing.shipment
        if standing.truck.direction == "import":
            _books(tx, shipment_id, standing.parcels | found, applied)
        if changed := _differing(standing, found):
            # whatever else it follows from has said so
            parcels.set_parcel_states(tx, shipment_id, changed, by or HEARD)
            standing = standing.with_parcels(changed)
        row, state = shipments.newer(tx, here), standing.state()  # others may have written it meanwhile
        if standing.parcels and state != row.state:
            counts = {name: len(seqs) for name, seqs in sorted(standing.by_state.items())}
            shipments.set_state(tx, shipment_id, state, detail={"parcels": counts}, said=by)
            row = shipments.get(tx, shipment_id)
        return standing if row is here else replace(standing, shipment=row)


def _found(tx: Connection, standing: Standing) -> dict[int, tuple[str, str]]:
    """The states that documents and applications give to parcels."""
    found = parcel_states(standing)
    # by now somebody may have applied
    if standing.applied_for or (_differing(standing, found) and asked_for.counts(tx, standing.id)):
        found |= applications.parcel_states(tx, standing.id)
    return found


def _differing(standing: Standing, found: States) -> States:
    """Those states and reasons that the parcels do not have already."""
    if found.items() <= standing.parcels.items():  # as nearly always
        return {}
    return {seq: said for seq, said in found.items() if standing.parcels.get(seq) != said}
