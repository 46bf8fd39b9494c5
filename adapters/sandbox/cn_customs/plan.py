"""Receipts as they are decided: which status when, in which words, written as receipt messages of at most 100."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import orjson
import zstandard

from adapters.sandbox.cn_customs import receipts, settings
from adapters.sandbox.cn_customs.docs import Doc, early
from adapters.sandbox.cn_customs.receipts import instant, moment, return_time
from adapters.sandbox.cn_customs.store import Store
from mappings.identity import Identities

SECOND = 1_000_000
_BEFORE_NUMBER = frozenset({"1", "2", "3", "4"})  # statuses that come before customs gives its number
DAY = 86_400 * SECOND
_SILENT: Iterable[str] = repeat("")  # no words but the step's own
_KEPT = frozenset({"800", "899"})  # statuses of an inventory whose time later windows are counted from
__all__ = ["DAY", "SECOND", "Plan", "instant", "moment", "return_time"]
Group = tuple[
    str, str, str, int, tuple[int, ...]
]  # dxps, declared or own type, status, time of receipt, of publications


class Plan:
    """What one request makes this customs say, now and later. `write` keeps it (inside a transaction)."""

    def __init__(self, store: Store, seed: int, now: int) -> None:
        self.now = now
        self._store, self._seed = store, seed
        self._groups: dict[Group, list[tuple[str, str]]] = defaultdict(list)
        self._changed: dict[int, Doc] = {}
        self._passed: list[tuple[int, str, int]] = []
        self._todo: list[tuple[int, int, str, str]] = []
        self._delays: dict[tuple[str, object], int] = {}
        self._chains: dict[str, dict[str, list[str]]] = settings.cycle()["chains"]
        self._steps: dict[str, dict[str, Any]] = settings.cycle()["steps"]

    def delay(self, step: str, salt: object) -> int:
        """How long this step takes, the same for all documents with the same salt (their message)."""
        if (step, salt) not in self._delays:
            low, high = settings.cycle()["steps"][step]["delay"]
            self._delays[step, salt] = self.jitter(low, high, f"{salt}|{step}")
        return self._delays[step, salt]

    def jitter(self, low: float, high: float, salt: str) -> int:
        """Seeded microseconds between two numbers of seconds."""
        return int(random.Random(f"{self._seed}|{salt}").uniform(low, high) * SECOND)

    def say(self, doc: Doc, step: str, after: int, info: str = "", status: str = "", quiet: bool = False) -> None:
        """The document passes a step some time after `after`; the company hears of it unless told otherwise."""
        at = max(after, self.now) + self.delay(step, doc.message_id)
        self.state(doc, step, at, info, status, quiet)

    def state(self, doc: Doc, step: str, at: int, info: str = "", status: str = "", quiet: bool = False) -> None:
        """The document passes a step at this very instant."""
        row = self._steps[step]
        doc.status, doc.status_at = status or row["status"], at
        self._changed[doc.id] = doc
        if doc.status in _KEPT:
            self._passed.append((doc.id, doc.status, at))
        if not quiet:
            self._tell(doc, info or row["text"], at)

    def walk(self, doc: Doc, event: str, after: int, info: str = "") -> None:
        """The document passes every step that this event brings for its type; `info` is said with the first."""
        for step in self._chains[doc.type][event]:
            self.say(doc, step, after, info)
            after, info = doc.status_at, ""

    def walk_all(self, docs: list[Doc], event: str, after: Iterable[int], infos: Iterable[str] = _SILENT) -> None:
        """The same for many documents of one type, each with what it starts after and what is said of it first."""
        for step in self._chains[docs[0].type][event] if docs else ():
            self._say_all(docs, step, after, infos)
            after, infos = [doc.status_at for doc in docs], _SILENT

    def _say_all(self, docs: list[Doc], step: str, after: Iterable[int], infos: Iterable[str]) -> None:
        row, met, at = self._steps[step], (-1, -1, ""), 0
        if row["status"] in _KEPT or any(doc.quirks for doc in docs):
            for doc, start, info in zip(docs, after, infos, strict=False):
                self.say(doc, step, start, info)
            return
        status, text, type_ = row["status"], row["text"], docs[0].type
        declared, early_ = settings.declared()[type_], status in _BEFORE_NUMBER
        numbered = early_ and bool(declared.numbers.get("given"))
        told: list[tuple[str, str]] = []
        for doc, start, info in zip(docs, after, infos, strict=False):
            if (doc.message_id, start, doc.dxp) != met:  # mostly all documents have it in common
                met = doc.message_id, start, doc.dxp
                at = max(start, self.now) + self.delay(step, doc.message_id)
                told = self._groups[doc.dxp, type_, status, at, (at,)]
            doc.status, doc.status_at = status, at
            self._changed[doc.id] = doc
            told.append((early(declared, doc.face, doc.invt_no) if numbered else doc.face, info or text))

    def later(self, doc: Doc, step: str, after: int, info: str = "") -> None:
        """The document will pass a step, unless something comes in between: see agenda.py."""
        self.due(doc, step, max(after, self.now) + self.delay(step, doc.message_id), info)

    def due(self, doc: Doc, step: str, at: int, info: str = "") -> None:
        """The same at a given instant."""
        self._todo.append((at, doc.id, step, info))

    def held(self, doc: Doc) -> Doc:
        """The document as this plan changed it already, else as given."""
        return self._changed.get(doc.id, doc)

    def touch(self, doc: Doc) -> None:
        """The document changed without a receipt."""
        self._changed[doc.id] = doc

    def _tell(self, doc: Doc, info: str, at: int) -> None:
        face = doc.face
        if doc.status in _BEFORE_NUMBER or doc.status.startswith("-"):
            face = early(settings.declared()[doc.type], face, doc.invt_no)
        publish = self._times(doc, at) if doc.quirks else (at,)
        if publish:
            self._groups[doc.dxp, doc.type, doc.status, at, publish].append((face, info))

    def tell(self, doc: Doc, type_: str, status: str, at: int, part: tuple[str, str]) -> None:
        """A message of another type about the document: the text before its guid, and after it."""
        for publish in self._times(doc, at):
            self._groups[doc.dxp, type_, status, at, (publish,)].append(part)

    def _times(self, doc: Doc, at: int) -> tuple[int, ...]:
        quirks, cycle = doc.quirks, settings.cycle()
        if "silent" in quirks:
            seconds = quirks["silent"].get("seconds")
            return () if seconds is None else (at + int(seconds * SECOND),)
        if "reorder" in quirks and doc.status == "2":
            at += cycle["reorder_seconds"] * SECOND
        times = int(quirks["repeat"].get("times_each", 2)) if "repeat" in quirks else 1
        return tuple(at + n * cycle["repeat_seconds"] * SECOND for n in range(times))

    def unreadable(self, dxp: str, cop_msg_id: str, type_: str, text: str, original: bytes) -> None:
        """CEB900 to the sender (receipts.md, section 5)."""
        step = settings.cycle()["steps"]["unreadable"]
        at = self.now + self.delay("unreadable", cop_msg_id)
        body = receipts.ceb900(
            self._guids(2), step["status"], f"{step['text']} {text}", at, (cop_msg_id, type_), original
        )
        self._deliver([(at, dxp, "CEB900Message", step["status"], 1, body)])

    def _guids(self, count: int) -> list[str]:
        serial = self._store.serials("guids", 1)[0]
        return Identities(random.Random(f"{self._seed}|guids|{serial}").randbytes).guids(count)

    def write(self, new: dict[int, Doc]) -> None:
        """Keep the states of documents that are not `new`, and the receipts."""
        changed = [d for d in self._changed.values() if d.id not in new]
        for doc in changed:
            self._store.recent.pop(doc.id, None)
        states: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        for doc in changed:
            states[doc.status, doc.status_at, doc.locked].append(doc.id)
        self._store.many(
            "UPDATE document SET status = ?, status_at = ?, locked = ? WHERE id IN (SELECT value FROM json_each(?))",
            [(*state, orjson.dumps(ids).decode()) for state, ids in states.items()],
        )
        self._store.many("INSERT OR REPLACE INTO passed VALUES (?, ?, ?)", self._passed)
        self._store.many("INSERT INTO todo (due, document_id, step, info) VALUES (?, ?, ?, ?)", self._todo)
        if self._groups:
            self._deliver(self._messages())

    def _messages(self) -> list[tuple[Any, ...]]:
        most = settings.profile()["max_documents"]
        guids = iter(self._guids(sum(len(faces) + len(faces) // most + 1 for faces in self._groups.values())))
        rows = []
        for (receivers, type_, status, at, publish), faces in self._groups.items():
            for start in range(0, len(faces), most):
                part = faces[start : start + most]
                receipt, body = self._body(type_, status, at, part, guids)
                rows += [
                    (due, dxp, receipt, status, len(part), body) for dxp in receivers.split(",") for due in publish
                ]
        return rows

    def _body(self, type_: str, status: str, at: int, part: list[tuple[str, str]], guids: Any) -> tuple[str, bytes]:
        if type_ in settings.declared():
            body = receipts.message(type_, next(guids), part, guids, status, at)
            return settings.declared()[type_].receipt.type, body
        return type_, receipts.notice(type_, next(guids), part, guids, settings.cycle()["notices"][type_])

    def _deliver(self, rows: list[tuple[Any, ...]]) -> None:
        packed: dict[int, bytes] = {}  # a body that goes out more than once is packed once
        pack = zstandard.ZstdCompressor(level=-1).compress
        for row in rows:
            packed[id(row[5])] = packed.get(id(row[5])) or pack(row[5])
        self._store.many(
            "INSERT INTO delivery (due, dxp, type, status, receipts, body) VALUES (?, ?, ?, ?, ?, ?)",
            [(*row[:5], packed[id(row[5])]) for row in rows],
        )
