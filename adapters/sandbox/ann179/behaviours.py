"""Misbehaviour on demand: {"match": {"order_no", "session"} (globs), "action", "times", what the action takes}.

wrong_session: the session is said to be unknown. refuse: code 20000 (or `code`) with `text`. down: HTTP `status` (503),
nothing is kept. slow: the answer takes `seconds` of the shared clock. lose_answer: kept, and HTTP 502 with no
answer. junk: kept, and an answer that is no JSON. strict: a signature that does not hold is refused.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import orjson

from adapters.sandbox.ann179.store import Store
from mappings.errors import DataFault

ACTIONS = frozenset({"wrong_session", "refuse", "down", "slow", "lose_answer", "junk", "strict"})
MATCHES = frozenset({"order_no", "session"})


def checked(body: Any) -> dict[str, Any]:
    """A rule as it may be kept. Raises DataFault."""
    if not isinstance(body, dict) or body.get("action") not in ACTIONS:
        raise DataFault(f"action must be one of {sorted(ACTIONS)}")
    match = body.get("match") or {}
    if not isinstance(match, dict) or not set(match) <= MATCHES:
        raise DataFault(f"match takes {sorted(MATCHES)}")
    numbers = {name: body.get(name) for name in ("times", "status", "seconds")}
    if any(n is not None and (not isinstance(n, int) or isinstance(n, bool) or n < 0) for n in numbers.values()):
        raise DataFault("times, status and seconds are whole numbers of 0 or more")
    if not 400 <= (numbers["status"] or 503) <= 599:
        raise DataFault("status is an HTTP status from 400 to 599")
    return {**body, "match": match}


def add(store: Store, bodies: list[Any]) -> list[int]:
    """Keep new rules; gives their ids. Raises DataFault."""
    good = [checked(body) for body in bodies]
    return [store.insert("rule", body=orjson.dumps(body).decode(), seen=0, used=0) for body in good]


def find(store: Store, session: str, order_no: str, *actions: str) -> dict[str, Any] | None:
    """The first fitting rule of one of these actions, counted as used; None if there is none."""
    subject = {"session": session, "order_no": order_no}
    for row in store.rows("SELECT * FROM rule ORDER BY id"):
        body: dict[str, Any] = orjson.loads(row["body"])
        fits = all(fnmatchcase(subject[name], str(glob)) for name, glob in body["match"].items())
        left = body.get("times") is None or row["used"] < body["times"]
        if body["action"] in actions and fits and left:
            store.run("UPDATE rule SET used = used + 1 WHERE id = ?", row["id"])
            return body
    return None
