"""Master waybill list (607), arrival (507) and departure (509): they act when all parts are there (receipts.md, 3)."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.plan import SECOND, Plan
from adapters.sandbox.cn_customs.store import Store

MASTER, ARRIVAL, DEPARTURE, INVENTORY = "CEB607Message", "CEB507Message", "CEB509Message", "CEB603Message"
TYPES = frozenset({MASTER, ARRIVAL, DEPARTURE})
DETENTIONS = {"501": "detained", "502": "detained_smuggling", "503": "detained_legal", "599": "detained_other"}
RESULTS = {"800": "released", **DETENTIONS}
_NAMED = 5  # how many parcels a rejection names


def release(plan: Plan, doc: Doc, at: int, quiet: bool = False) -> None:
    """An arrived parcel is released, inspected first, or detained."""
    if "detain" in doc.quirks:
        plan.say(doc, DETENTIONS.get(str(doc.quirks["detain"].get("status", "501")), "detained"), at)
    elif "inspect" in doc.quirks:
        plan.say(doc, "inspect", at)
        inspect = doc.quirks["inspect"]
        if inspect.get("result", "800") is not None:
            result(plan, doc, str(inspect.get("result", "800")), inspect.get("after"))
    else:
        plan.say(doc, "released", at, quiet=quiet)


def result(plan: Plan, doc: Doc, status: str, after: float | None = None) -> None:
    """The outcome of an inspection."""
    low, high = settings.cycle()["inspection"]["seconds"]
    wait = plan.jitter(low, high, f"{doc.key}|inspection") if after is None else int(after * SECOND)
    plan.say(doc, RESULTS.get(status, "released"), max(doc.status_at, plan.now) + wait)


class Lists:
    """Acts on the list documents of one message (inside a transaction)."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None:
        self._store, self._plan, self._new = store, plan, new

    def run(self, type_: str) -> None:
        """Let each document whose parts are now all there take effect."""
        for group in {doc.grp: doc for doc in self._new.values() if doc.alive and doc.current}.values():
            parts = self._parts(type_, group)
            if len({doc.part for doc in parts}) == group.parts:
                _ACTIONS[type_](self, parts)

    def _parts(self, type_: str, group: Doc) -> list[Doc]:
        rows = self._store.rows("SELECT * FROM document WHERE type = ? AND grp = ? AND current = 1", type_, group.grp)
        docs = [self._new.get(row["id"]) or from_row(row) for row in rows]
        return [doc for doc in docs if doc.alive and doc.parts == group.parts]

    def _waybills(self, parts: list[Doc]) -> list[str]:
        marks = ", ".join("?" * len(parts))
        sql = f"SELECT waybill_ref FROM listed WHERE document_id IN ({marks})"  # noqa: S608 only question marks
        return [row[0] for row in self._store.rows(sql, *(doc.id for doc in parts))]

    def _inventories(self, refs: Iterable[str]) -> dict[str, Doc]:
        rows = self._store.standing("waybill_ref", [INVENTORY], refs)
        return {doc.waybill_ref: doc for doc in map(from_row, rows) if doc.alive}

    def _missing(self, refs: list[str], statuses: list[str]) -> list[str]:
        """The waybills in the list of which no inventory has one of these statuses."""
        rows = self._store.brief("waybill_ref", INVENTORY, refs)
        good = {row["waybill_ref"] for row in rows if row["status"] in statuses}
        return [ref.split("|", 1)[1] for ref in refs if ref not in good]

    def _complete(self, parts: list[Doc]) -> int:
        """All parts pass; gives the instant of the last."""
        base = max(doc.status_at for doc in parts)
        for doc in parts:
            self._plan.walk(doc, "complete", base)
            doc.locked = 1
        return max(doc.status_at for doc in parts)

    def _reject(self, parts: list[Doc], info: str) -> None:
        base = max(doc.status_at for doc in parts)
        for doc in parts:
            self._plan.say(doc, "rejected", base, info)

    def _master(self, parts: list[Doc]) -> None:
        refs = self._waybills(parts)
        missing = self._missing(refs, settings.cycle()["consolidates"])
        if missing:
            self._reject(parts, _naming("运单无已审结的清单", missing))
            return
        at, bill = self._complete(parts), _bill(parts[0])
        self._store.many(
            "INSERT INTO consolidated (waybill_ref, bill, grp, master_at) VALUES (?, ?, ?, ?) ON CONFLICT (waybill_ref)"
            " DO UPDATE SET bill = excluded.bill, grp = excluded.grp, master_at = excluded.master_at",
            [(ref, bill, parts[0].grp, at) for ref in refs],
        )
        self._release(bill)

    def _arrival(self, parts: list[Doc]) -> None:
        at, bill = self._complete(parts), _bill(parts[0])
        refs = self._waybills(parts)
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
        refs = self._waybills(parts)
        missing = self._missing(refs, settings.cycle()["departs_from"])
        if missing:
            self._reject(parts, _naming("运单的清单未放行", missing))
            return
        at = self._complete(parts)
        for doc in self._inventories(refs).values():
            self._plan.say(doc, "closed", max(at, doc.status_at))


def _bill(doc: Doc) -> str:
    """Carrier and bill number, which arrival and master list have in common."""
    return str(doc.facts)


def _naming(text: str, waybills: list[str]) -> str:
    more = f"等{len(waybills)}票" if len(waybills) > _NAMED else ""
    return f"[Code:1300;Desc:{text}{more}],[logisticsNo:{','.join(waybills[:_NAMED])}]"


_ACTIONS = {MASTER: Lists._master, ARRIVAL: Lists._arrival, DEPARTURE: Lists._departure}
