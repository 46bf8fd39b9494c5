"""What a person at customs decides: the result of an inspection, and that returned goods came back."""

from __future__ import annotations

from adapters.sandbox.cn_customs import docs, effects, inspection
from adapters.sandbox.cn_customs.applications import returns
from adapters.sandbox.cn_customs.customs import Customs
from mappings.errors import DataFault

# what an admin's call names a document by -> column and pattern
_BY = {"invt_no": ("invt_no", "{}"), "order_no": ("order_ref", "%|{}"), "cop_no": ("key", "%|{}")}


def inspected(customs: Customs, result: str, **named: str) -> int:
    """The result for documents that wait for it (500, 600); how many it fits. Raises DataFault."""
    if result not in inspection.RESULTS:
        raise DataFault(f"result must be one of {sorted(inspection.RESULTS)}")
    given = next(((name, value) for name, value in named.items() if value), None)
    if given is None:
        raise DataFault(f"one of {', '.join(_BY)} is needed")
    (column, pattern), store = _BY[given[0]], customs.store
    types, waiting = effects.inspected_types(), inspection.WAITING
    marks, states = (", ".join("?" * len(values)) for values in (types, waiting))
    with store.transaction():
        customs.advance()
        plan = customs.plan()
        rows = store.rows(
            f"SELECT * FROM document WHERE {column} LIKE ? AND type IN ({marks}) AND status IN ({states})"  # noqa: S608
            " AND current = 1 AND status_at <= ?", pattern.format(given[1]), *types, *waiting, plan.now,
        )  # fmt: skip
        for doc in map(docs.from_row, rows):
            store.run("DELETE FROM todo WHERE document_id = ?", doc.id)
            effects.result(plan, doc, inspection.RESULTS[result])
        plan.write({})
        customs.advance()
    return len(rows)


def goods_back(customs: Customs, cop_no: str) -> int:
    """The goods of an import return came back to the supervised place; how many returns waited for them."""
    with customs.store.transaction():
        customs.advance()
        plan = customs.plan()
        rows = customs.store.rows(
            "SELECT d.* FROM document AS d JOIN todo AS t ON t.document_id = d.id AND t.step = 'goods_overdue'"
            " WHERE d.type = ? AND d.key LIKE ?", returns.IMPORT, f"%|{cop_no}",
        )  # fmt: skip
        for row in rows:
            returns.goods_back(customs.store, plan, docs.from_row(row))
        plan.write({})
    return len(rows)
