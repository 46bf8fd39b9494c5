"""Electronic tax bills: 816 when one is made, 818 when it is summed or void (rules.md, section 6)."""

from __future__ import annotations

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import plain
from adapters.sandbox.cn_customs.docs import Doc
from adapters.sandbox.cn_customs.facts import Facts
from adapters.sandbox.cn_customs.imports.taxes import Line
from adapters.sandbox.cn_customs.plan import DAY, Plan
from adapters.sandbox.cn_customs.receipts import cells, return_time
from adapters.sandbox.cn_customs.store import Row, Store

MADE, SUMMED, VOID = "1", "2", "3"


class Bills:
    """The bills of inventories (inside a transaction)."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store, self._plan = store, plan

    def live(self, invt_no: str) -> Row | None:
        """The bill of an inventory that is neither summed nor void."""
        found = self._store.rows("SELECT * FROM bill WHERE invt_no = ? AND status = ?", invt_no, MADE)
        return found[0] if found else None

    def make(self, doc: Doc, facts: Facts, lines: list[Line], after: int) -> None:
        """A new bill, told by 816, to be summed when its days are over."""
        number = 1 + int(self._store.value("SELECT count(*) FROM bill WHERE invt_no = ?", doc.invt_no))
        tax_no, at = f"T{doc.invt_no}{number:02d}", after + self._delay(doc)
        sums = [sum(values) for values in zip(*((r.duty, r.vat, r.consumption) for r in lines), strict=True)]
        self._store.run(
            "INSERT INTO bill VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", tax_no, doc.invt_no, doc.id, at, MADE, at, *sums
        )
        self._plan.tell(doc, "CEB816Message", MADE, at, _made(doc, facts, tax_no, sums, lines, at))
        self._plan.due(doc, "tax_summed", after + settings.profile()["tax"]["summed_after_days"] * DAY, tax_no)

    def change(self, doc: Doc, facts: Facts, bill: Row, status: str, at: int) -> None:
        """Summed or void, told by 818."""
        self._store.run("UPDATE bill SET status = ?, status_at = ? WHERE tax_no = ?", status, at, bill["tax_no"])
        paid = f"D{bill['tax_no']}" if status == SUMMED else None
        after = cells({
            "returnTime": return_time(at), "invtNo": bill["invt_no"], "taxNo": bill["tax_no"], "status": status,
            "entDutyNo": paid, "assureCode": facts["assureCode"],
        })  # fmt: skip
        part = ("<Tax><TaxHeadStatus><guid>", f"</guid>{after}</TaxHeadStatus></Tax>")
        self._plan.tell(doc, "CEB818Message", status, at, part)

    def _delay(self, doc: Doc) -> int:
        low, high = settings.cycle()["notice_delays"]["tax"]
        return self._plan.jitter(low, high, f"{doc.message_id}|tax")


def total(bill: Row) -> int:
    """All taxes of a bill, scaled."""
    return int(bill["duty"] + bill["vat"] + bill["consumption"])


def _taxes(duty: int, vat: int, consumption: int) -> dict[str, object]:
    return {"customsTax": plain(duty), "valueAddedTax": plain(vat), "consumptionTax": plain(consumption)}


def _made(doc: Doc, facts: Facts, tax_no: str, sums: list[int], lines: list[Line], at: int) -> tuple[str, str]:
    head: dict[str, object] = {"returnTime": return_time(at), "invtNo": doc.invt_no, "taxNo": tax_no, **_taxes(*sums)}
    head |= {"status": MADE}
    head |= {name: facts[name] for name in ("assureCode", "ebcCode", "logisticsCode", "agentCode", "customsCode")}
    if settings.profile()["tax"]["order_and_waybill"]:
        head |= {"orderNo": facts["orderNo"], "logisticsNo": facts["logisticsNo"]}
    rows = "".join(
        "<TaxListRd>"
        + cells({"gnum": r.gnum, "gcode": r.gcode, "taxPrice": plain(r.price), **_taxes(r.duty, r.vat, r.consumption)})
        + "</TaxListRd>"
        for r in lines
    )
    return "<Tax><TaxHeadRd><guid>", f"</guid>{cells(head)}</TaxHeadRd>{rows}</Tax>"
