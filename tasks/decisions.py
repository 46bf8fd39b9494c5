"""What a person decides: approving a declaration, and what becomes of parcels that wait. No personal data is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence

from adapters.ledger import events, parcels, shipments
from adapters.ledger.faults import faults
from mappings.canonical.columns import unscaled
from mappings.errors import DataFault
from tasks.applications.asking import ask
from tasks.applications.wanted import of_text
from tasks.clearing import intake
from tasks.clearing.declaring import declare_again, load_batch, part_of
from tasks.clearing.identity import GIVEN_UP
from tasks.clearing.movement import list_anew
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing
from tasks.office import Office, office
from tasks.reporting.faults import explained
from tasks.reporting.people import people
from tasks.reporting.summary import counts, summary

WAITING = ("held", "rejected", "waiting_cancel", "detained")
MOST = 40


def _standing(reference: str) -> tuple[Office, Standing]:
    here = office()
    row = shipments.find(here.ledger, reference)
    if row is None:
        raise DataFault(f"No shipment {reference!r} 没有该车次")
    return here, settle_shipment(here, row.id)


def approval_question(reference: str) -> str | None:
    """What a person is asked before declaring, as Markdown; None when nothing waits for approval."""
    here, standing = _standing(reference)
    ready = standing.in_state("ready")
    if standing.shipment.approved_at is not None or not ready:
        return None
    batch = part_of(load_batch(here.ledger, standing.id), ready)
    kilograms = unscaled(int(batch.parcels["waybill.gross_weight"].sum()))
    text = (
        f"**{standing.truck.mainland_plate}** {standing.truck.master_waybill}\n\n"
        f"将申报 to be declared: **{len(ready)}** 个包裹 parcels, "
        f"{len(batch.lines)} 项商品 lines, {kilograms:,.1f} kg\n\n"
    )
    return text + summary(standing, faults(here.ledger, standing.id)).partition("\n\n")[2]  # its heading is said above


def decide(reference: str, answer: str, name: str, note: str) -> None:
    """Write down the decision: approved, or held with its note."""
    here, standing = _standing(reference)
    actor = name or "operator"
    if answer == "declare":
        shipments.approve(here.ledger, standing.id, actor)
    else:
        shipments.hold(here.ledger, standing.id, note or "not approved 未批准", actor)
    settle_shipment(here, standing.id)


def correction_question(reference: str) -> str | None:
    """Which parcels wait for a correction and why, as Markdown; None when none does."""
    here, standing = _standing(reference)
    waiting = standing.in_state(*WAITING)
    if not waiting and not standing.fact("list_refused"):
        return None
    orders = {row.order_no for row in parcels.listing(here.ledger, standing.id) if row.seq in waiting}
    found = faults(here.ledger, standing.id)
    found = found[(found["severity"] == "error") & found["order_no"].isin(orders)]
    names = standing.table["states"]
    told = (f"{count} {names[state]['zh']} {names[state]['en']}" for state, count in counts(standing).items())
    lines = [f"**{standing.truck.mainland_plate}** {standing.truck.master_waybill}: {' · '.join(told)}", ""]
    shown = explained(found.head(MOST), people=people(here.ledger, standing.id, found))
    rows = [  # a list and no table: the form is narrow, and a list's lines are broken where a table's are cut
        f"- **{r['parcel']}** {r['message_zh']}{r['remedy_zh']}\n  {r['message_en']} {r['remedy_en']}" for r in shown
    ]
    more = [f"\n… {len(found) - MOST} more 更多"] if len(found) > MOST else []
    return "\n".join([*lines, *rows, *more, *_refused_lists(standing)])


def _refused_lists(standing: Standing) -> list[str]:
    """Lists that were turned down, for whom `list anew` is the answer."""
    refused = [item for item in standing.lists if standing.refused(item)]
    return [
        f"\n{item.type.removesuffix('Message')}: 被退回 turned down, {len(item.seqs)} 个包裹 parcels (list anew)"
        for item in refused
    ]


def correct(reference: str, orders: Sequence[str], action: str, field: str, value: str, note: str) -> int:
    """Carry out a person's answer for the named orders (all that wait, if none). Returns how many parcels."""
    here, standing = _standing(reference)
    rows = {row.order_no: row.seq for row in parcels.listing(here.ledger, standing.id)}
    unknown = [order for order in orders if order not in rows]
    if unknown:
        raise DataFault(f"Orders not on this truck 车次中没有这些订单: {', '.join(unknown[:10])}")
    chosen = {rows[o] for o in orders} or standing.in_state(*WAITING)
    done = {
        "declare again": lambda: again(here, standing, chosen),
        "give up": lambda: give_up(here, standing, chosen),
        "list anew": lambda: sum(list_anew(here, standing, kind) for kind in standing.procedure.lists),
        "ask for a cancel": lambda: ask_for_cancel(here, standing, orders),
        "correct a value": lambda: correct_value(here, standing, orders, field, value),
    }[action]()
    detail = {"action": action, "parcels": done, "field": field, "note": note}
    events.record(here.ledger, standing.id, "correction", actor="operator", detail=detail)
    settle_shipment(here, standing.id)
    return done


def again(here: Office, standing: Standing, seqs: set[int]) -> int:
    """Declare rejected parcels anew: as the newest files say, which may differ from what was declared."""
    chosen = standing.in_state("rejected") & seqs
    intake.work_up(here, standing.id, anew=True)
    declare_again(here, settle_shipment(here, standing.id), chosen)
    return len(chosen)


def give_up(here: Office, standing: Standing, seqs: set[int]) -> int:
    """Parcels that will not be declared any more: excluded, with the reason that a person said so.

    One whose inventory customs still has (its order was turned down, say) waits for the cancel that it needs.
    """
    chosen = standing.in_state("held", "rejected") & seqs
    inventories = standing.leads
    there = {seq for seq in chosen if seq in inventories and inventories[seq].state not in standing.table["dead"]}
    states = dict.fromkeys(chosen, ("excluded", GIVEN_UP)) | dict.fromkeys(there, ("waiting_cancel", GIVEN_UP))
    return parcels.set_parcel_states(here.ledger, standing.id, states)


def ask_for_cancel(here: Office, standing: Standing, orders: Sequence[str]) -> int:
    """Ask to cancel the inventories of the named orders (all that wait for it, if none); a person approves that then.

    Returns how many are asked for. Raises DataFault where customs cannot be asked for any of them.
    """
    asked = ask(here, standing.id, "cancel", of_text(" ".join(orders), "wrong_data"), "operator")
    if not asked.ids and len(asked.faults):
        raise DataFault("Nothing can be cancelled 没有可撤销的清单", [*asked.faults.to_dict("records")])
    return len(asked.ids)


def correct_value(here: Office, standing: Standing, orders: Sequence[str], field: str, value: str) -> int:
    """A new value of one canonical field for the named orders, taken in like any other delivery."""
    if not orders or not field or not value:
        raise DataFault("Name orders, field and value 请填写订单、字段和新值")
    lines = [json.dumps({"order_no": o, "field": field, "value": value}, ensure_ascii=False) for o in orders]
    body = ("\n".join(lines) + "\n").encode()
    intake.receive_files(
        here,
        [(intake.own_name(intake.CORRECTIONS, f"{here.identities.guid()}.jsonl"), body)],
        str(standing.id),
        "operator",
    )
    intake.work_up(here, standing.id)
    return len(orders)
