"""Receipts as they are decided: which status when, in which words, written as receipt messages of at most 100."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import zstandard

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import Doc
from adapters.sandbox.cn_customs.store import Store
from mappings import clock
from mappings.identity import Identities

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEFORE_NUMBER = frozenset({"1", "2", "3", "4"})  # statuses that come before customs gives its number
_INFO_LENGTH = 1000
Group = tuple[str, str, str, int, tuple[int, ...]]  # dxps, declared type, status, time of receipt, of each publication


def instant(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """The instant as an aware time."""
    return _EPOCH + timedelta(microseconds=at)


def return_time(at: int) -> str:
    """returnTime: 17 digits of China's local time."""
    local = moment(at).astimezone(clock.CHINA)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


class Plan:
    """What one request makes this customs say, now and later. `write` keeps it (inside a transaction)."""

    def __init__(self, store: Store, seed: int, now: int) -> None:
        self.now = now
        self._store, self._seed = store, seed
        self._groups: dict[Group, list[tuple[str, str]]] = defaultdict(list)
        self._changed: dict[int, Doc] = {}
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
        row = self._steps[step]
        wait = self._delays.get((step, doc.message_id))
        at = (after if after > self.now else self.now) + (self.delay(step, doc.message_id) if wait is None else wait)
        doc.status, doc.status_at = status or row["status"], at
        self._changed[doc.id] = doc
        if not quiet:
            self._tell(doc, info or row["text"], at)

    def walk(self, doc: Doc, event: str, after: int, info: str = "") -> None:
        """The document passes every step that this event brings for its type; `info` is said with the first."""
        for step in self._chains[doc.type][event]:
            self.say(doc, step, after, info)
            after, info = doc.status_at, ""

    def touch(self, doc: Doc) -> None:
        """The document changed without a receipt."""
        self._changed[doc.id] = doc

    def _tell(self, doc: Doc, info: str, at: int) -> None:
        face = doc.face
        if doc.invt_no and (doc.status in _BEFORE_NUMBER or doc.status.startswith("-")):
            face = face.replace(f">{doc.invt_no}<", "><")
        publish = self._times(doc, at) if doc.quirks else (at,)
        if publish:
            self._groups[doc.dxp, doc.type, doc.status, at, publish].append((face, info))

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
        body = _ceb900(self._guids(2), step["status"], f"{step['text']} {text}", at, (cop_msg_id, type_), original)
        self._deliver([(at, dxp, "CEB900Message", step["status"], 1, body)])

    def _guids(self, count: int) -> list[str]:
        serial = self._store.serials("guids", 1)[0]
        return Identities(random.Random(f"{self._seed}|guids|{serial}").randbytes).guids(count)

    def write(self, new: dict[int, Doc]) -> None:
        """Keep the states of documents that are not `new`, and the receipts."""
        changed = [d for d in self._changed.values() if d.id not in new]
        self._store.many(
            "UPDATE document SET status = ?, status_at = ?, locked = ?, current = ? WHERE id = ?",
            [(d.status, d.status_at, d.locked, d.current, d.id) for d in changed],
        )
        if self._groups:
            self._deliver(self._messages())

    def _messages(self) -> list[tuple[Any, ...]]:
        most = settings.profile()["max_documents"]
        guids = iter(self._guids(sum(len(faces) + len(faces) // most + 1 for faces in self._groups.values())))
        rows = []
        for (receivers, type_, status, at, publish), faces in self._groups.items():
            for start in range(0, len(faces), most):
                part = faces[start : start + most]
                body = _message(type_, next(guids), part, guids, status, at)
                receipt = settings.declared()[type_].receipt.type
                rows += [
                    (due, dxp, receipt, status, len(part), body) for dxp in receivers.split(",") for due in publish
                ]
        return rows

    def _deliver(self, rows: list[tuple[Any, ...]]) -> None:
        pack = zstandard.ZstdCompressor(level=1).compress
        self._store.many(
            "INSERT INTO delivery (due, dxp, type, status, receipts, body) VALUES (?, ?, ?, ?, ?, ?)",
            [(*row[:5], pack(row[5])) for row in rows],
        )


def _message(type_: str, guid: str, faces: list[tuple[str, str]], guids: Any, status: str, at: int) -> bytes:
    receipt = settings.declared()[type_].receipt
    start, end = f"<ceb:{receipt.element}><ceb:guid>", f"</ceb:returnInfo></ceb:{receipt.element}>"
    middle = f"<ceb:returnStatus>{status}</ceb:returnStatus><ceb:returnTime>{return_time(at)}</ceb:returnTime>"
    middle += "<ceb:returnInfo>"
    ends = {info: f"{middle}{escape(info[:_INFO_LENGTH])}{end}" for info in {info for _, info in faces}}
    rows = [f"{start}{next(guids)}</ceb:guid>{face}{ends[info]}" for face, info in faces]
    return _root(receipt.type, guid, "".join(rows))


def _root(type_: str, guid: str, content: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ceb:{type_} xmlns:ceb="{settings.namespace()}" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="{guid}" version="1.0">{content}</ceb:{type_}>'
    ).encode()


def _ceb900(guids: list[str], status: str, info: str, at: int, of: tuple[str, str], original: bytes) -> bytes:
    text = "".join(c for c in original.decode("utf-8", "replace") if c in "\t\n\r" or c >= " ")
    text = "".join(c for c in text if c not in "\ufffe\uffff").replace("]]>", "]]]]><![CDATA[>")
    cop_msg_id, type_ = of
    return _root("CEB900Message", guids[0], (
        f"<ceb:MessageReturn><ceb:guid>{guids[1]}</ceb:guid><ceb:returnStatus>{status}</ceb:returnStatus>"
        f"<ceb:returnInfo>{escape(info[:5000])}</ceb:returnInfo><ceb:returnTime>{return_time(at)}</ceb:returnTime>"
        f"<ceb:oriCopMsgId>{escape(cop_msg_id)}</ceb:oriCopMsgId><ceb:oriMessageType>{escape(type_[:15])}</ceb:oriMessageType>"
        f"<ceb:oriBizMessage><![CDATA[{text}]]></ceb:oriBizMessage></ceb:MessageReturn>"
    ))  # fmt: skip
