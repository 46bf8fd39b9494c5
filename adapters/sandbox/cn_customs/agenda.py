"""What happens to documents as time goes on, unless something comes in between (a cancel takes it off the agenda).

Everything due is done in order before anything else is booked or published, at its own instant.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.applications import returns
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.imports.crossing import Crossing
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.store import Store


def is_due(store: Store, now: int) -> bool:
    """Whether anything is to be done by now."""
    return store.value("SELECT 1 FROM todo WHERE due <= ? LIMIT 1", now) is not None


def advance(store: Store, seed: int, now: int) -> None:
    """Do all that is due by now (inside a transaction)."""
    while (due := store.value("SELECT min(due) FROM todo WHERE due <= ?", now)) is not None:
        rows = store.rows(
            "SELECT d.*, t.step, t.info AS said FROM todo AS t JOIN document AS d ON d.id = t.document_id"
            " WHERE t.due = ? ORDER BY t.id", due
        )  # fmt: skip
        store.run("DELETE FROM todo WHERE due = ?", due)
        plan = Plan(store, seed, due)
        crossing = Crossing(store, plan)
        for row in rows:
            *cells, step, said = row
            _do(store, plan, crossing, from_row(cells), step, said)
        plan.write({})


def _do(store: Store, plan: Plan, crossing: Crossing, doc: Doc, step: str, said: str) -> None:
    doc = plan.held(doc)
    if step in settings.cycle()["steps"]:
        plan.state(doc, step, plan.now, said)
    if step in _AFTER:
        _AFTER[step](store, crossing, doc, said, plan)


def _cancelled(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    doc.status, doc.locked = "cancelled", 1
    plan.touch(doc)
    crossing.undone(doc, plan.now)


def _returned(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    request = from_row(store.rows("SELECT * FROM document WHERE id = ?", int(said))[0])
    crossing.returned(doc, request, plan.now)


def _result(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    crossing.inspecting(doc, plan.now)


def _release(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    if doc.type == "CEB621Message":
        crossing.released(doc, plan.now)


def _summed(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    crossing.summed(doc, plan.now, said)


def _undone(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    if doc.type == "CEB621Message":
        crossing.undone(doc, plan.now)


def _officer(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    crossing.go_on(doc, plan.now)


def _overdue(store: Store, crossing: Crossing, doc: Doc, said: str, plan: Plan) -> None:
    returns.overdue(store, plan, doc)


_AFTER: dict[str, Callable[[Store, Crossing, Doc, str, Plan], None]] = {
    "officer": _officer,
    "inspect": _result,
    "released": _release,
    "sent_back": _undone,
    "tax_summed": _summed,
    "cancelled": _cancelled,
    "returned": _returned,
    "goods_overdue": _overdue,
}
