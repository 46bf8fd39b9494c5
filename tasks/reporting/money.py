"""The books that an import draws on, for a screen: its guarantee and its warehouse's stock; no buyer's quota."""

from __future__ import annotations

from adapters.ledger.ledger import Ledger
from tasks.clearing.standing import Standing
from tasks.imports import showing


def books(ledger: Ledger, standing: Standing) -> list[dict[str, str]]:
    """One row an account: what of it is there, reserved, used and free; [] for an export."""
    truck = standing.truck
    guarantor = truck.parties.get("guarantor")
    if truck.direction != "import":
        return []
    found = []
    if guarantor is not None and guarantor.code:
        accounts = showing.guarantee(ledger, guarantor.code)[0]
        found += [("税款担保 guarantee", row["assure_code"], "CNY", row) for row in accounts.to_dict("records")]
    if truck.ems_no:
        accounts = showing.stock(ledger, truck.ems_no)[0]
        found += [("库存 stock", row["item_record_no"], row["unit"], row) for row in accounts.to_dict("records")]
    return [
        {"账簿 book": book, "账户 account": name, "单位 unit": unit, "总额 total": row["total"],
         "预占 reserved": row["reserved"], "已用 taken": row["taken"], "可用 free": row["free"]}
        for book, name, unit, row in found
    ]  # fmt: skip
