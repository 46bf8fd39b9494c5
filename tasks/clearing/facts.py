"""The facts that the procedures' gates and states ask for, by name; which asks for which is in mappings/procedures."""

from __future__ import annotations

from collections.abc import Callable

from adapters.ledger.bills import VOID
from tasks.clearing.standing import Standing


def _on_the_way(s: Standing) -> set[int]:
    """Parcels that are still going, or of which an application made something."""
    return s.alike("going") | s.alike("applied")


def _undecided(s: Standing) -> set[int]:
    """Parcels on the truck whose release is still open."""
    return s.alike("undecided") & (s.on("arrive") or s.alike("undecided"))


def _to_close(s: Standing) -> bool:
    return bool((s.on("depart") & s.in_state("released")) or s.to_depart())


def _unbilled(s: Standing) -> set[int]:
    """Released parcels without a tax bill that stands."""
    return {seq for seq in s.in_state("released", "closed") if not s.bills.get(seq, {}).keys() - {VOID}}


def _to_decide(s: Standing) -> set[int]:
    """Declared parcels that a person has to decide on."""
    return s.waiting() & s.leads.keys()


COMMON: dict[str, Callable[[Standing], object]] = {
    "always": lambda s: True,
    "approved": lambda s: s.shipment.approved_at is not None,
    "is_held": lambda s: s.shipment.held,
    "parcels_ready": lambda s: s.in_state("ready"),
    "nothing_declarable": lambda s: not _on_the_way(s) and not s.applications and bool(s.parcels)
    and not (s.documents and s.waiting()),
    "needs_approval": lambda s: s.shipment.approved_at is None,
    "outcome_unknown": lambda s: any(state == "unknown" for _, state in s.messages),
    "something_to_send": lambda s: any(state in ("prepared", "claimed") for _, state in s.messages)
    or bool(s.in_state("ready") and "departed" not in s.events),
    "only_corrections_left": lambda s: not _on_the_way(s) and bool(s.parcels),
    "applications_open": lambda s: bool(s.applications),
    "declared_something": lambda s: bool(s.leads),
    "list_refused": lambda s: any(s.refused(item) for item in s.lists),
    "arrived": lambda s: "arrived" in s.events,
}  # fmt: skip
EXPORT: dict[str, Callable[[Standing], object]] = {
    "inventories_open": lambda s: bool(s.in_state("declared", "cancelling")) and "arrived" not in s.events,
    "inventories_answered": lambda s: s.answered(),
    "parcels_to_list": lambda s: bool(s.to_list()),
    "not_arrived": lambda s: "arrived" not in s.events,
    "parcels_to_arrive": lambda s: bool(s.to_arrive()),
    "departed": lambda s: "departed" in s.events,
    "not_departed": lambda s: "departed" not in s.events,
    "parcels_to_depart": lambda s: bool(s.to_depart()),
    "inspection_open": lambda s: bool(s.in_state("inspection")) and "departed" not in s.events,
    "release_open": lambda s: bool(_undecided(s)) and "departed" not in s.events,
    "hong_kong_named": lambda s: "hk_agent" in s.truck.parties and bool(s.truck.hk_plate),
    "load_settled": lambda s: not _undecided(s) or s.bundle_time(),
    "hong_kong_late": lambda s: FACTS["hong_kong_named"](s) and s.hong_kong_late() and bool(s.loaded()),
    "crossing_open": lambda s: bool(s.on("depart") or s.to_depart())
    and not (s.crossed_hong_kong() if FACTS["hong_kong_named"](s) else "crossed" in s.events),
    "closure_open": _to_close,
}  # fmt: skip
IMPORT: dict[str, Callable[[Standing], object]] = {
    "answers_open": lambda s: bool(s.in_state("declared", "cancelling")),
    "arrival_open": lambda s: bool(s.alike("undecided")) and "arrived" not in s.events,
    "parcels_came_in": lambda s: bool(s.to_warehouse()),
    "being_inspected": lambda s: bool(s.in_state("inspection")),
    "verdicts_open": lambda s: bool(s.alike("undecided")),
    "deliveries_to_tell": lambda s: bool(s.to_deliver()),
    "reports_due": lambda s: any(s.may(step.name) for step in s.procedure.steps),
    "decisions_open": lambda s: bool(_to_decide(s)),
    "bills_awaited": lambda s: bool(s.procedure.value("await_tax_bills") and _unbilled(s)),
}  # fmt: skip
FACTS: dict[str, Callable[[Standing], object]] = COMMON | EXPORT | IMPORT
