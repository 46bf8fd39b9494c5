"""Misbehaviour on demand: rules that say for which documents or messages this customs does what it should not.

A rule: {"match": {"type", "order_no", "waybill_no", "key", "dxp_id", "nth"}, "action", "times", what the action takes}.
All of `match` must fit (globs); `nth` counts the fits before it acts once; `times` null lasts for ever.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from operator import methodcaller
from typing import Any

import orjson

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.store import Store
from mappings.errors import DataFault

DOCUMENT_ACTIONS = frozenset({"reject", "inspect", "detain", "review", "silent", "repeat", "reorder"})
MESSAGE_ACTIONS = frozenset({"lose_answer", "hang", "http", "unreadable"})
REQUEST_ACTIONS = frozenset({"down"})
ACTIONS = DOCUMENT_ACTIONS | MESSAGE_ACTIONS | REQUEST_ACTIONS
MATCHES = frozenset({"type", "order_no", "waybill_no", "key", "dxp_id", "nth"})
Subject = dict[str, str]
Fit = Callable[[str], object]
_SPECIAL = frozenset("*?[")


@dataclass
class Rule:
    """One rule and how often it has fitted and acted."""

    id: int
    body: dict[str, Any]
    seen: int = 0
    used: int = 0
    changed: bool = field(default=False)

    @cached_property
    def globs(self) -> dict[str, Fit]:
        """The tests of `match` by name; a type that is not named is any."""
        match = {"type": "*", **self.body["match"]}
        return {name: _fit(str(glob)) for name, glob in match.items() if name != "nth"}

    @property
    def action(self) -> str:
        return str(self.body["action"])

    def fits(self, subject: Subject) -> bool:
        """Whether every glob of the rule fits, and its turn has come."""
        return all(fit(subject.get(name, "")) for name, fit in self.globs.items()) and self.turn()

    def places(self, columns: dict[str, list[str]]) -> list[int]:
        """Which rows of these columns fit every glob but the type's."""
        fits = [(fit, columns[name]) for name, fit in self.globs.items() if name != "type"]
        found = list(range(len(columns["key"])))
        for fit, values in fits:
            found = [place for place in found if fit(values[place])]
        return found

    def turn(self) -> bool:
        """Count a fit; whether the rule acts on it."""
        self.seen, self.changed = self.seen + 1, True
        times, nth = self.body.get("times"), self.body["match"].get("nth")
        return (nth is None or self.seen == nth) and (times is None or self.used < times)


def _fit(glob: str) -> Fit:
    """Whether a text fits a glob; most of them say how a text ends, which needs no pattern."""
    if glob[:1] == "*" and not _SPECIAL & set(glob[1:]):
        return methodcaller("endswith", glob[1:])
    return re.compile(fnmatch.translate(glob)).match


def checked(body: Any) -> dict[str, Any]:
    """A rule as it may be kept. Raises DataFault."""
    if not isinstance(body, dict) or body.get("action") not in ACTIONS:
        raise DataFault(f"action must be one of {sorted(ACTIONS)}")
    match = body.get("match") or {}
    if not isinstance(match, dict) or not set(match) <= MATCHES:
        raise DataFault(f"match takes {sorted(MATCHES)}")
    numbers = [match.get("nth"), body.get("times"), body.get("seconds"), body.get("after"), body.get("times_each")]
    if any(number is not None and (not isinstance(number, int | float) or number < 0) for number in numbers):
        raise DataFault("nth, times, seconds, after and times_each are numbers of 0 or more")
    status = body.get("status")
    if body["action"] in ("http", "down") and status is not None and status not in range(400, 600):
        raise DataFault("status of http and down is a number from 400 to 599")
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
        self._patterns = [Rule(0, checked(body)) for body in settings.profile()["patterns"]]

    def add(self, bodies: list[Any]) -> list[int]:
        """Keep new rules; gives their ids. Raises DataFault."""
        good = [checked(body) for body in bodies]
        with self._store.transaction():
            ids = [
                self._store.run("INSERT INTO rule (body, seen, used) VALUES (?, 0, 0)", orjson.dumps(b).decode())
                for b in good
            ]
        self.reload()
        return ids

    def remove(self, rule_id: int | None = None) -> None:
        """Forget one rule, or all."""
        with self._store.transaction():
            if rule_id is None:
                self._store.run("DELETE FROM rule")
            else:
                self._store.run("DELETE FROM rule WHERE id = ?", rule_id)
        self.reload()

    def of(self, subjects: list[Subject], actions: frozenset[str]) -> dict[str, Rule]:
        """The first fitting rule of each of these actions for these subjects."""
        found: dict[str, Rule] = {}
        for rule in [*self.rules, *self._patterns]:
            if rule.action in actions and rule.action not in found and any(rule.fits(subject) for subject in subjects):
                rule.used += 1
                found[rule.action] = rule
        return found

    def per_document(self, type_: str, columns: dict[str, list[str]]) -> dict[int, dict[str, Rule]]:
        """The first fitting rule of each document action, by the document's place in its message."""
        found: dict[int, dict[str, Rule]] = {}
        for rule in [*self.rules, *self._patterns]:
            if rule.action in DOCUMENT_ACTIONS and rule.globs["type"](type_):
                for place in rule.places(columns):
                    taken = found.setdefault(place, {})
                    if rule.action not in taken and rule.turn():
                        taken[rule.action] = rule
                        rule.used += 1
        return found

    def fault_of(self, request: str) -> int | None:
        """The HTTP status that a rule answers any request with (down), or one for receipts (http, type "receipts")."""
        if not self.rules:
            return None
        with self._store.transaction():
            found = self.of([{"type": request}], REQUEST_ACTIONS)
            if not found and request == "receipts":
                named = [r for r in self.rules if r.action == "http" and r.body["match"].get("type") == request]
                found = {r.action: r for r in named if r.fits({"type": request})}
                for rule in found.values():
                    rule.used += 1
            self.save()
        for action, rule in found.items():
            return int(rule.body.get("status", 503 if action == "down" else 502))
        return None

    def any_for(self, actions: frozenset[str], type_: str) -> bool:
        """Whether any rule could act on documents of this type: saves asking for each."""
        rules = [*self.rules, *self._patterns]
        return any(r.action in actions and r.globs["type"](type_) for r in rules)

    def save(self) -> None:
        """Keep the counters (inside a transaction)."""
        changed = [rule for rule in self.rules if rule.changed]
        self._store.many("UPDATE rule SET seen = ?, used = ? WHERE id = ?", [(r.seen, r.used, r.id) for r in changed])
        for rule in changed:
            rule.changed = False
