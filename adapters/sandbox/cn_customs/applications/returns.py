"""Returns (625, 213) and the tally of exports sent back (215): rules.md, sections 4 and 7."""

from __future__ import annotations

import orjson

from adapters.sandbox.cn_customs import inspection, settings
from adapters.sandbox.cn_customs.amounts import plain, scaled
from adapters.sandbox.cn_customs.applications.standing import Application, Asked, Refusal
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.plan import DAY, Plan
from adapters.sandbox.cn_customs.store import Store

IMPORT, EXPORT = "CEB625Message", "CEB213Message"
_WINDOWS = {IMPORT: ("import", "800"), EXPORT: ("export", "899")}


class Return(Application):
    """Lines must point to the inventory's, and no more may come back than went, less what came before."""

    def against(self, asked: Asked) -> Refusal | None:
        """The window, then each line."""
        return self._window(asked) or self._lines(asked)

    def _window(self, asked: Asked) -> Refusal | None:
        which = _WINDOWS[asked.doc.type][0]
        days = settings.dated("return_windows")[which]
        if self._plan.now <= self._start(asked) + days * DAY:
            return None
        return "window", f"超过退货期限{days}天],[invtNo:{asked.inventory.invt_no}"

    def _start(self, asked: Asked) -> int:
        """When the inventory was released (imports) or closed (exports)."""
        sql = "SELECT min(at) FROM passed WHERE document_id = ? AND status IN (?, '899')"
        found = self._store.value(sql, asked.inventory.id, _WINDOWS[asked.doc.type][1])
        return int(found or asked.inventory.status_at)

    def _lines(self, asked: Asked) -> Refusal | None:
        given = {goods[0]: goods for goods in asked.declared["goods"]}
        before = sent_back(self._store, asked.inventory.invt_no)
        for gnum, gcode, gname, unit, qty in asked.facts["goods"]:
            original = given.get(gnum)
            if original is None:
                return "lines", f"商品序号与原清单不符],[InvtRefundList.gnum:{gnum}"
            for name, value, wanted in zip(
                ("gcode", "gname", "unit"), (gcode, gname, unit), original[1:4], strict=True
            ):
                if value.strip() != wanted.strip():
                    return (
                        "differs",
                        f"第{gnum}项与原清单不一致],[InvtRefundList.{name}:{value},InventoryList.{name}:{wanted}",
                    )
            left = scaled(original[4]) - before.get(gnum, 0)
            if not 0 < scaled(qty) <= left:
                return "quantity", f"第{gnum}项退货数量超过可退数量],[InvtRefundList.qty:{qty},可退:{plain(left)}"
        return None

    def accept(self, asked: Asked) -> None:
        """Remember the quantities; the books follow with the last receipt."""
        self._store.many(
            "INSERT INTO returned VALUES (?, ?, ?, ?)",
            [(asked.doc.id, asked.inventory.invt_no, goods[0], scaled(goods[4])) for goods in asked.facts["goods"]],
        )
        if asked.doc.type == IMPORT:
            self._import(asked)
            return
        self._plan.walk(asked.doc, "complete", asked.doc.status_at)
        asked.doc.locked = 1
        if not settings.profile()["export_return_waits_for_tally"]:
            release(self._plan, asked.doc, asked.doc.status_at)

    def _import(self, asked: Asked) -> None:
        """Either published life cycle; its last step may wait for the goods (a setting)."""
        request, (*steps, last) = asked.doc, _chain()
        for step in steps:
            self._plan.say(request, step, request.status_at)
        request.locked = 1
        if settings.profile()["import_return_waits_for_goods"]:
            days = settings.dated("return_windows")["import_back"]
            self._plan.due(request, "goods_overdue", self._start(asked) + days * DAY)
            return
        self._plan.say(request, last, request.status_at)
        self._plan.due(asked.inventory, "returned", request.status_at, str(request.id))


def _chain() -> list[str]:
    chain: list[str] = settings.cycle()["chains"][IMPORT][settings.profile()["import_return"]]
    return chain


def goods_back(store: Store, plan: Plan, request: Doc) -> None:
    """The goods of an import return are back in the supervised place: it ends well."""
    store.run("DELETE FROM todo WHERE document_id = ?", request.id)
    plan.say(request, _chain()[-1], plan.now)
    (row,) = store.of_given(["CEB621Message"], [orjson.loads(request.facts)["invt"]])
    plan.due(from_row(row), "returned", request.status_at, str(request.id))


def overdue(store: Store, plan: Plan, request: Doc) -> None:
    """They did not come back in time: it is rejected, and its quantities may be asked for again."""
    store.run("DELETE FROM returned WHERE document_id = ?", request.id)
    plan.state(request, "rejected", plan.now, "[Code:1300;Desc:退货商品未在规定期限内运抵监管场所]")


def sent_back(store: Store, invt_no: str) -> dict[str, int]:
    """What came back of an inventory before, by line number, scaled."""
    rows = store.rows("SELECT gnum, sum(qty) AS qty FROM returned WHERE invt_no = ? GROUP BY gnum", invt_no)
    return {row["gnum"]: row["qty"] for row in rows}


def release(plan: Plan, doc: Doc, at: int) -> None:
    """A return to China is released, inspected first, or stopped."""
    if "detain" in doc.quirks:
        plan.later(doc, inspection.detained(doc.quirks["detain"]), at)
    else:
        plan.later(doc, "inspect" if "inspect" in doc.quirks else "released", at)


class Tally:
    """215: what came back was counted; the request (213) that it names is released."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None:
        self._store, self._plan, self._new = store, plan, new

    def run(self, type_: str) -> None:
        """Let each tally find its request."""
        for doc in [doc for doc in self._new.values() if doc.alive and doc.current]:
            request = self._request(doc)
            if request is None:
                info = f"[Code:1300;Desc:退货申请单不存在或未审结],[coElNo:{orjson.loads(doc.facts)['request']}]"
                self._plan.say(doc, "rejected", doc.status_at, info)
                continue
            self._plan.walk(doc, "complete", doc.status_at)
            doc.locked = 1
            if settings.profile()["export_return_waits_for_tally"] and request.locked == 1:
                release(self._plan, request, doc.status_at)
                request.locked = 3  # tallied: a second tally releases nothing more
                self._plan.touch(request)

    def _request(self, doc: Doc) -> Doc | None:
        wanted = orjson.loads(doc.facts)["request"]
        rows = self._store.standing("waybill_ref", [EXPORT], [doc.waybill_ref])
        found = [request for request in map(from_row, rows) if request.key.split("|", 1)[1] == wanted]
        return next((r for r in found if r.alive and r.locked), None)
