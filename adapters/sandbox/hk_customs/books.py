"""The books: every document received, refused ones too, and the audit of second receipts."""

from __future__ import annotations

from typing import Any

from adapters.sandbox.hk_customs.store import Store

COLUMNS = (
    "id, at, path, sender, message_id, type, function, reference, ccrn, vehicle, recovery, verdict, code, sha256, size"
)

_SECOND = """
SELECT type, reference, count(*) AS times, count(DISTINCT sha256) AS versions,
       sum(recovery = 0 AND id >
         (SELECT min(id) FROM received AS f WHERE f.type = r.type AND f.reference = r.reference))
       AS unmarked
FROM received AS r WHERE reference <> '' GROUP BY type, reference HAVING count(*) > 1
"""


def page(store: Store, after: int, count: int) -> dict[str, Any]:
    """Book entries after a number, and the number to go on from."""
    sql = f"SELECT {COLUMNS} FROM received WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 our own names
    rows = [{**dict(row), "recovery": bool(row["recovery"])} for row in store.rows(sql, after, count)]
    return {"documents": rows, "next": rows[-1]["id"] if rows else after}


def audit(store: Store) -> dict[str, Any]:
    """References received more than once; `unmarked` counts the later receipts that were no marked recovery."""
    rows = store.rows(_SECOND)
    second = [dict(row) for row in rows]
    return {
        "received": store.value("SELECT count(*) FROM received"),
        "second_receipts": second,
        "unmarked": sum(row["unmarked"] for row in second),
    }
