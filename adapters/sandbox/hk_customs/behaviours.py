"""Misbehaviour on demand: rules that say for which messages, or vehicles at the control point, this customs acts up.

A rule: {"match": {"type", "reference", "ccrn", "vehicle", "sender", "nth"}, "action", "times", what the action takes}.
All of `match` must fit (globs; type is a message type, "notice" or "control_point"); `nth` picks one fit; `times`
null is for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import orjson

from adapters.sandbox.hk_customs import settings
from adapters.sandbox.hk_customs.store import Store
from mappings.engine import codes
from mappings.errors import DataFault

ACTIONS = frozenset({"reject", "silent", "repeat", "lose_answer", "http", "down", "inspect", "detain"})
MATCHES = frozenset({"type", "reference", "ccrn", "vehicle", "sender", "nth"})
Subject = dict[str, str]


@dataclass
class Rule:
    """One rule and how often it has fitted and acted."""

    id: int
    body: dict[str, Any]
    seen: int = 0
    used: int = 0

    def fits(self, subject: Subject) -> bool:
        """Whether every glob of the rule fits, and its turn has come."""
        match = self.body["match"]
        if not all(fnmatchcase(subject.get(name, ""), str(glob)) for name, glob in match.items() if name != "nth"):
            return False
        self.seen += 1
        nth, times = match.get("nth"), self.body.get("times")
        return (nth is None or self.seen == nth) and (times is None or self.used < times)


def checked(body: Any) -> dict[str, Any]:
    """A rule as it may be kept. Raises DataFault."""
    if not isinstance(body, dict) or body.get("action") not in ACTIONS:
        raise DataFault(f"action must be one of {sorted(ACTIONS)}")
    match = body.get("match") or {}
    if not isinstance(match, dict) or not set(match) <= MATCHES:
        raise DataFault(f"match takes {sorted(MATCHES)}")
    numbers = [match.get("nth"), body.get("times"), body.get("status"), body.get("times_each")]
    if any(n is not None and (not isinstance(n, int) or isinstance(n, bool) or n < 0) for n in numbers):
        raise DataFault("nth, times, status and times_each are whole numbers of 0 or more")
    if not 400 <= int(body.get("status") or 502) <= 599:
        raise DataFault("status is an HTTP status from 400 to 599")
    if str(body.get("code") or "HKR090") not in codes.load("hk_road", "error").codes:
        raise DataFault(f"{body['code']!r} is no error code of this customs")
    return {**body, "match": match}


class Behaviours:
    """The rules in force: the admin's, which are kept in the store, then the patterns of profile.yaml."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reload()

    def reload(self) -> None:
        """Read the kept rules again."""
        kept = self._store.rows("SELECT * FROM rule ORDER BY id")
        self.rules = [Rule(row["id"], orjson.loads(row["body"]), row["seen"], row["used"]) for row in kept]
        self.patterns = [Rule(0, checked(body)) for body in settings.profile()["patterns"]]

    def add(self, bodies: list[Any]) -> list[int]:
        """Keep new rules; gives their ids. Raises DataFault."""
        good = [checked(body) for body in bodies]
        with self._store.transaction():
            ids = [self._store.insert("rule", body=orjson.dumps(b).decode(), seen=0, used=0) for b in good]
        self.reload()
        return ids

    def clear(self) -> None:
        """Forget the admin's rules."""
        with self._store.transaction():
            self._store.run("DELETE FROM rule")
        self.reload()

    def find(self, subject: Subject, *actions: str) -> dict[str, Any] | None:
        """The first fitting rule of one of these actions, counted as used; None if there is none."""
        for rule in [*self.rules, *self.patterns]:
            if rule.body["action"] in actions and rule.fits(subject):
                rule.used += 1
                self._save(rule)
                return rule.body
            self._save(rule)
        return None

    def _save(self, rule: Rule) -> None:
        if rule.id:
            self._store.run("UPDATE rule SET seen = ?, used = ? WHERE id = ?", rule.seen, rule.used, rule.id)
