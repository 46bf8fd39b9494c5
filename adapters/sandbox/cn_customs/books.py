"""What the books say to a person or an audit: every document received, and second receipts that nobody marked."""

from __future__ import annotations

from typing import Any

from adapters.sandbox.cn_customs.plan import moment
from adapters.sandbox.cn_customs.store import Row, Store

_COLUMNS = (
    "d.id, d.at, d.type, d.key, d.attempt, d.app_type, d.guid, m.guid AS message_guid, m.cop_msg_id, m.sender,"
    " m.recovery, m.sha256, d.outcome, d.status, d.status_at, d.pre_no, d.invt_no, d.order_ref, d.waybill_ref"
)
# A second receipt: a document that met one which stood for its key, or its order's inventory, or itself (by guid).
_SECOND = "FROM document AS d JOIN message AS m ON m.id = d.message_id WHERE d.outcome = 'duplicate' AND m.recovery = ?"
_FIRST = (
    "coalesce((SELECT max(f.id) FROM document AS f WHERE f.type = d.type AND f.key = d.key AND f.id < d.id"
    " AND f.outcome <> 'duplicate'), (SELECT max(f.id) FROM document AS f WHERE f.type = d.type"
    " AND f.order_ref = d.order_ref AND f.current = 1 AND f.order_ref <> '')) AS first"
)
_COUNTS = ("message", "document", "delivery")


def _shown(row: Row) -> dict[str, Any]:
    times = {name: moment(row[name]).isoformat() for name in ("at", "status_at")}
    return {**dict(row), **times, "recovery": bool(row["recovery"])}


def page(store: Store, after: int, limit: int, type_: str = "", key: str = "") -> dict[str, Any]:
    """The documents received after row `after`, oldest first; `next` is where to go on, None at the end."""
    rows = store.seen(
        f"SELECT {_COLUMNS} FROM document AS d JOIN message AS m ON m.id = d.message_id WHERE d.id > ?"  # noqa: S608 our own names
        " AND (? = '' OR d.type = ?) AND (? = '' OR d.key = ?) ORDER BY d.id LIMIT ?",
        after, type_, type_, key, key, limit,
    )  # fmt: skip
    return {"rows": [_shown(row) for row in rows], "next": rows[-1]["id"] if len(rows) == limit else None}


def audit(store: Store) -> dict[str, Any]:
    """Second receipts of one document that were no marked recovery, change or re-declaration."""
    rows = store.seen(
        f"SELECT d.type, d.key, {_FIRST}, d.id AS second, d.at AS second_at {_SECOND} ORDER BY d.id LIMIT 1000", 0
    )
    count, marked = (store.seen(f"SELECT count(*) {_SECOND}", mark)[0][0] for mark in (0, 1))
    seconds = [{**dict(row), "second_at": moment(row["second_at"]).isoformat()} for row in rows]
    return {"second_receipts": seconds, "count": count, "marked_recovery": marked}


def health(store: Store) -> dict[str, Any]:
    """That it is up, and how much it holds."""
    counts = {f"{table}s": store.seen(f"SELECT count(*) FROM {table}")[0][0] for table in _COUNTS}  # noqa: S608
    return {
        "status": "up",
        **counts,
        "unpublished": store.seen("SELECT count(*) FROM delivery WHERE published IS NULL")[0][0],
    }


def summary(store: Store) -> dict[str, Any]:
    """What the page for people shows."""
    states = store.seen(
        "SELECT type, outcome, status, count(*) AS documents FROM document GROUP BY type, outcome, status"
        " ORDER BY type, documents DESC"
    )
    deliveries = store.seen(
        "SELECT published, dxp, type, status, receipts FROM delivery WHERE published IS NOT NULL"
        " ORDER BY published DESC LIMIT 30"
    )
    events = store.seen("SELECT at, body FROM event ORDER BY id DESC LIMIT 10")
    return {
        **health(store),
        "states": states,
        "deliveries": deliveries,
        "events": events,
        "audit": audit(store)["count"],
    }
