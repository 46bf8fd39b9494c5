"""Master waybill list (607), arrival (507) and departure (509): they act when all parts are there (receipts.md, 3)."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.sandbox.cn_customs import inspection, settings
from adapters.sandbox.cn_customs.docs import CANCELLING, Doc, from_row
from adapters.sandbox.cn_customs.parts import Parts
from adapters.sandbox.cn_customs.plan import Plan

MASTER, ARRIVAL, DEPARTURE, INVENTORY = "CEB607Message", "CEB507Message", "CEB509Message", "CEB603Message"
TYPES = frozenset({MASTER, ARRIVAL, DEPARTURE})
_NAMED = 5  # how many parcels a rejection names


def release(plan: Plan, doc: Doc, at: int, quiet: bool = False) -> None:
    """An arrived parcel is released, inspected first, or detained."""
    if "detain" in doc.quirks:
        plan.say(doc, inspection.detained(doc.quirks["detain"]), at)
    elif "inspect" in doc.quirks:
        plan.say(doc, "inspect", at)
        step, due = inspection.inspected(plan, doc, doc.status_at)
        if step:
            plan.state(doc, step, due)
    else:
        plan.say(doc, "released", at, quiet=quiet)


class Lists(Parts):
    """Acts on the list documents of one message (inside a transaction)."""

    def act(self, type_: str, parts: list[Doc]) -> None:
        """All parts are there."""
        _ACTIONS[type_](self, parts)

    def _inventories(self, refs: Iterable[str]) -> dict[str, Doc]:
        rows = self._store.standing("waybill_ref", [INVENTORY], refs)
        return {doc.waybill_ref: doc for doc in map(from_row, rows) if doc.alive and doc.locked != CANCELLING}

    def _missing(self, refs: list[str], statuses: list[str]) -> list[str]:
        """The waybills in the list of which no inventory has one of these statuses."""
        rows = self._store.brief("waybill_ref", INVENTORY, refs)
        good = {row["waybill_ref"] for row in rows if row["status"] in statuses and row["locked"] != CANCELLING}
        return [ref.split("|", 1)[1] for ref in refs if ref not in good]

    def _master(self, parts: list[Doc]) -> None:
        refs = self.named(parts)
        missing = self._missing(refs, settings.cycle()["consolidates"])
        if missing:
            self.reject(parts, _naming("运单无已审结的清单", missing))
            return
        at, bill = self.complete(parts), _bill(parts[0])
        self._store.many(
            "INSERT INTO consolidated (waybill_ref, bill, grp, master_at) VALUES (?, ?, ?, ?) ON CONFLICT (waybill_ref)"
            " DO UPDATE SET bill = excluded.bill, grp = excluded.grp, master_at = excluded.master_at",
            [(ref, bill, parts[0].grp, at) for ref in refs],
        )
        self._release(bill)

    def _arrival(self, parts: list[Doc]) -> None:
        at, bill = self.complete(parts), _bill(parts[0])
        refs = self.named(parts)
        if refs:
            self._store.many(
                "INSERT INTO consolidated (waybill_ref, bill, arrived_at) VALUES (?, ?, ?)"
                " ON CONFLICT (waybill_ref) DO UPDATE SET arrived_at = excluded.arrived_at",
                [(ref, bill, at) for ref in refs],
            )
        else:
            self._store.run("INSERT OR IGNORE INTO arrived VALUES (?, ?)", bill, at)
        self._release(bill)

    def _release(self, bill: str) -> None:
        rows = self._store.rows(
            "SELECT c.waybill_ref, c.grp, max(c.master_at, coalesce(c.arrived_at, a.at)) FROM consolidated AS c"
            " LEFT JOIN arrived AS a ON a.bill = c.bill"
            " WHERE c.bill = ? AND c.master_at > 0 AND coalesce(c.arrived_at, a.at) > 0",
            bill,
        )
        times = {row[0]: row[2] for row in rows}
        how = settings.profile()["release_by"]
        ready = [doc for doc in self._inventories(times).values() if doc.status in settings.cycle()["releases_from"]]
        for doc in ready:
            release(self._plan, doc, max(times[doc.waybill_ref], doc.status_at), quiet=how == "master")
        if ready and how != "inventory":
            for group in {row[1] for row in rows}:
                self._release_master(group, max(times.values()))

    def _release_master(self, group: str, at: int) -> None:
        rows = self._store.rows("SELECT * FROM document WHERE type = ? AND grp = ? AND current = 1", MASTER, group)
        for doc in (self._new.get(row["id"]) or from_row(row) for row in rows):
            self._plan.say(doc, "released", at)

    def _departure(self, parts: list[Doc]) -> None:
        refs = self.named(parts)
        missing = self._missing(refs, settings.cycle()["departs_from"])
        if missing:
            self.reject(parts, _naming("运单的清单未放行", missing))
            return
        at = self.complete(parts)
        for doc in self._inventories(refs).values():
            self._plan.say(doc, "closed", max(at, doc.status_at))


def _bill(doc: Doc) -> str:
    """Carrier and bill number, which arrival and master list have in common."""
    return str(doc.facts)


def _naming(text: str, waybills: list[str]) -> str:
    more = f"等{len(waybills)}票" if len(waybills) > _NAMED else ""
    return f"[Code:1300;Desc:{text}{more}],[logisticsNo:{','.join(waybills[:_NAMED])}]"


_ACTIONS = {MASTER: Lists._master, ARRIVAL: Lists._arrival, DEPARTURE: Lists._departure}
