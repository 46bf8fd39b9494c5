"""An import inventory from its match to its closing, and back: what it reserves, its release, what it gives back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import number, scaled
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.facts import Facts
from adapters.sandbox.cn_customs.imports import bills, limits, taxes
from adapters.sandbox.cn_customs.imports.accounts import Accounts
from adapters.sandbox.cn_customs.inspection import detained, inspected
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.receipts import local
from adapters.sandbox.cn_customs.store import Store

INVENTORY = "CEB621Message"


class Crossing:
    """Moves import inventories and their books (inside a transaction)."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store, self._plan = store, plan
        self._accounts = Accounts(store, plan.now)
        self.bills = bills.Bills(store, plan)

    def reserve(self, doc: Doc, facts: Facts) -> tuple[str, str]:
        """Book quota, stock and guarantee, or nothing: text and status of the first refusal, or two ''."""
        day, due = self._day(doc), self._taxes(doc, facts)
        limits.open_guarantee(self._accounts, facts["assureCode"])
        refusals = (
            limits.quota(self._accounts, facts, day),
            limits.stock(self._accounts, facts),
            limits.guarantee(self._accounts, facts, sum(line.total for line in due)),
        )
        refusal = next((found for found in refusals if found[0]), limits.FINE)
        if not refusal[0]:
            self._book(doc, facts, f"{day:%Y}", sum(line.total for line in due))
        return refusal

    def _book(self, doc: Doc, facts: Facts, year: str, due: int) -> None:
        account, cause = limits.quota_account(facts["buyerIdNumber"], year), doc.invt_no
        self._store.run("INSERT OR IGNORE INTO buyer VALUES (?, ?)", account, f"{facts['shown']} {year}")
        self._accounts.post("quota", account, "bought", limits.value(facts), cause)
        self._accounts.post("guarantee", facts["assureCode"], "reserved", -due, cause)
        for record, quantity in limits.wanted(facts).items():
            self._accounts.post("stock", record, "reserved", -quantity, cause)

    def _taxes(self, doc: Doc, facts: Facts, kept: dict[str, Decimal] | None = None) -> list[taxes.Line]:
        return taxes.lines(self._store, facts, (day := self._day(doc)), limits.over_single(facts, day), kept)

    def _day(self, doc: Doc) -> date:
        return local(doc.at).date()

    def stored(self, doc: Doc, base: int) -> None:
        """The inventory is stored, and goes on unless its regime waits for the goods to come in."""
        self._plan.walk(doc, "matched", base)
        here = self._store.value("SELECT at FROM warehoused WHERE waybill_ref = ?", doc.waybill_ref)
        if here is not None or doc.loaded()["tradeMode"] not in settings.profile()["import_waits"]:
            self._start(doc, max(doc.status_at, here or 0))

    def arrived(self, refs: list[str], at: int) -> None:
        """Goods came into the supervised place: those of stored inventories go on."""
        new = {ref for ref in refs if not self._store.value("SELECT 1 FROM warehoused WHERE waybill_ref = ?", ref)}
        self._store.many("INSERT OR IGNORE INTO warehoused VALUES (?, ?)", [(ref, at) for ref in new])
        for doc in map(from_row, self._store.standing("waybill_ref", [INVENTORY], new)):
            waits = doc.loaded()["tradeMode"] in settings.profile()["import_waits"] if doc.status == "120" else False
            if waits and doc.locked == 1:
                self._start(doc, max(doc.status_at, at))

    def _start(self, doc: Doc, after: int) -> None:
        if "detain" in doc.quirks:
            self._plan.later(doc, detained(doc.quirks["detain"]), after)
        elif "review" in doc.quirks:
            self._plan.later(doc, "officer", after)
        else:
            self.go_on(doc, after)

    def go_on(self, doc: Doc, after: int) -> None:
        """Inspected first where that was asked for, else released."""
        self._plan.later(doc, "inspect" if "inspect" in doc.quirks else "released", after)

    def inspecting(self, doc: Doc, at: int) -> None:
        """The result comes by itself, or waits for a person."""
        step, due = inspected(self._plan, doc, at)
        if step:
            self._plan.due(doc, step, due)

    def released(self, doc: Doc, at: int) -> None:
        """The goods leave the warehouse, the tax bill is made, closing follows."""
        facts = doc.loaded()
        for record, quantity in limits.wanted(facts).items():
            self._accounts.post("stock_on_hand", record, "out", -quantity, doc.invt_no)
        self.bills.make(doc, facts, self._taxes(doc, facts), at)
        self._plan.later(doc, "closed", at)

    def summed(self, doc: Doc, at: int, tax_no: str) -> None:
        """The company pays the summed bill: the guarantee is whole again."""
        bill = self.bills.live(doc.invt_no)
        if bill is None or bill["tax_no"] != tax_no:
            return
        facts = doc.loaded()
        self.bills.change(doc, facts, bill, bills.SUMMED, at)
        self._accounts.post("guarantee", facts["assureCode"], "settled", bills.total(bill), doc.invt_no, tax_no)

    def undone(self, doc: Doc, at: int) -> None:
        """Cancelled, or sent back out by customs: everything is given back, a bill is void."""
        bill = self.bills.live(doc.invt_no)
        if bill is not None:
            self.bills.change(doc, doc.loaded(), bill, bills.VOID, at)
        self._accounts.undo(doc.invt_no, "given_back")

    def returned(self, doc: Doc, request: Doc, at: int) -> None:
        """What a return gives back: quota and stock of its quantities, and the taxes on them."""
        facts, ref = doc.loaded(), request.key
        before = self._returned(doc.invt_no, request.id)
        now = self._returned(doc.invt_no, request.id, upto=True)
        account = limits.quota_account(facts["buyerIdNumber"], f"{local(doc.at):%Y}")
        value = sum(
            _value(goods, now.get(goods[0], 0)) - _value(goods, before.get(goods[0], 0)) for goods in facts["goods"]
        )
        self._accounts.post("quota", account, "given_back", -value, doc.invt_no, ref)
        for goods in facts["goods"] if facts["emsNo"] else ():
            quantity = now.get(goods[0], 0) - before.get(goods[0], 0)
            record = limits.stock_account(facts["emsNo"], goods[6])
            for book in ("stock", "stock_on_hand") if quantity else ():
                self._accounts.post(book, record, "given_back", quantity, doc.invt_no, f"{ref}#{goods[0]}")
        self._bill_of_rest(doc, facts, now, ref, at)

    def _bill_of_rest(self, doc: Doc, facts: Facts, sent_back: dict[str, int], ref: str, at: int) -> None:
        bill = self.bills.live(doc.invt_no)
        if bill is None:
            return
        self.bills.change(doc, facts, bill, bills.VOID, at)
        kept = {g[0]: 1 - Decimal(sent_back.get(g[0], 0)) / scaled(number(g[4])) for g in facts["goods"]}
        rest = self._taxes(doc, facts, kept)
        if rest:
            self.bills.make(doc, facts, rest, at)
        freed = bills.total(bill) - sum(line.total for line in rest)
        self._accounts.post("guarantee", facts["assureCode"], "given_back", freed, doc.invt_no, ref)

    def _returned(self, invt_no: str, request: int, upto: bool = False) -> dict[str, int]:
        """Quantities sent back by requests before this one (or by it too), by line number."""
        rows = self._store.rows(
            "SELECT gnum, sum(qty) AS qty FROM returned WHERE invt_no = ? AND document_id < ? GROUP BY gnum",
            invt_no, request + int(upto),
        )  # fmt: skip
        return {row["gnum"]: row["qty"] for row in rows}


def _value(goods: list[str], quantity: int) -> int:
    """The part of a line's value that falls on a quantity: the whole for the whole."""
    return int((scaled(goods[5]) * Decimal(quantity) / scaled(goods[4])).to_integral_value()) if quantity else 0
