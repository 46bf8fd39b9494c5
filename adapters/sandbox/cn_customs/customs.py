"""The customs itself: takes a message, books it, decides, and publishes receipts when their time has come."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import zstandard

from adapters.sandbox import ca
from adapters.sandbox.cn_customs import agenda, docs, effects, envelope, settings
from adapters.sandbox.cn_customs.behaviours import MESSAGE_ACTIONS, Behaviours, Rule
from adapters.sandbox.cn_customs.booking import Booking
from adapters.sandbox.cn_customs.imports import limits
from adapters.sandbox.cn_customs.imports.accounts import Accounts
from adapters.sandbox.cn_customs.incoming import Incoming, Reader
from adapters.sandbox.cn_customs.plan import Plan, instant, moment
from adapters.sandbox.cn_customs.reading import Unreadable, joined
from adapters.sandbox.cn_customs.store import Store
from mappings import clock


@dataclass(frozen=True)
class Outcome:
    """What the sender is told at once, and the misbehaviour that was asked for."""

    body: bytes
    rules: dict[str, Rule] = field(default_factory=dict)


class Customs:
    """One sandbox customs over one store."""

    def __init__(self, home: Path, seed: int = 1, ca_file: Path | None = None) -> None:
        self.store = Store(home / "customs.sqlite")
        self.authority = ca.load(ca_file) if ca_file else ca.make_ca(home)
        self.seed = seed
        self.behaviours = Behaviours(self.store)
        self.read = Reader(self.authority.certificate).read
        self.look_for_callbacks()
        self._open()

    def _open(self) -> None:
        with self.store.transaction():
            limits.open_stock(Accounts(self.store, instant(clock.now())))

    def look_for_callbacks(self) -> None:
        """Whether any company gave a callback: nothing is pushed without."""
        self.pushes = bool(self.store.value("SELECT 1 FROM callback LIMIT 1"))

    def plan(self) -> Plan:
        """A plan that starts now."""
        return Plan(self.store, self.seed, instant(clock.now()))

    def advance(self) -> int:
        """Do what is due by now (inside a transaction); gives the instant."""
        now = instant(clock.now())
        agenda.advance(self.store, self.seed, now)
        return now

    def receive(self, raw: bytes, recovery: bool = False) -> Outcome:
        """Take one posted message, whatever it is."""
        return self.book(self.read(raw, recovery))

    def book(self, incoming: Incoming) -> Outcome:
        """Book it, plan the receipts, answer."""
        with self.store.transaction():
            self.advance()
            rules = self.behaviours.of(self._subjects(incoming), MESSAGE_ACTIONS)
            if "http" not in rules:
                self._book(incoming, rules)
            self.behaviours.save()
        fault = incoming.fault
        code, text = (fault.code, fault.text) if fault else ("0000", "接收成功 accepted")
        return Outcome(envelope.reply(code, text, incoming.envelope), rules)

    def _subjects(self, incoming: Incoming) -> list[dict[str, str]]:
        base = {"type": incoming.envelope.type, "dxp_id": incoming.envelope.sender}
        if incoming.business is None or not self.behaviours.any_for(MESSAGE_ACTIONS, base["type"]):
            return [base]
        documents = incoming.business.documents
        return [
            {**base, "key": key, "order_no": d.head.get("orderNo", ""), "waybill_no": d.head.get("logisticsNo", "")}
            for key, d in zip(joined(documents, incoming.business.declared.key), documents, strict=True)
        ]

    def _book(self, incoming: Incoming, rules: dict[str, Rule]) -> None:
        plan, business = self.plan(), incoming.business
        unreadable = incoming.unreadable
        if "unreadable" in rules and incoming.fault is None:
            unreadable = Unreadable("沙箱按要求视为不可读 told to find it unreadable", incoming.envelope.type)
        outcome = "refused" if incoming.fault else "unreadable" if unreadable else "accepted"
        message_id = self._message(incoming, outcome, plan.now, len(business.documents) if business else 0)
        new: dict[int, docs.Doc] = {}
        if incoming.fault or unreadable or business is None:
            self._unbooked(incoming, message_id, outcome, plan)
            if unreadable:
                head = incoming.envelope
                plan.unreadable(head.sender, head.cop_msg_id, unreadable.type, unreadable.text, head.business)
        else:
            dxp = ",".join(dict.fromkeys([incoming.envelope.sender, *business.subscribers]))
            booking = Booking(self.store, self.behaviours, plan, message_id, business)
            new = {doc.id: doc for doc in booking.book(dxp, incoming.refusal)}
            self._effects(business.declared.type, plan, new)
        plan.write(new)
        waiting = settings.cycle()["waiting"]
        self.store.keep(d for d in new.values() if d.status in waiting and d.current and settings.ring(d.type))

    def _effects(self, type_: str, plan: Plan, new: dict[int, docs.Doc]) -> None:
        again = [(doc.type, doc.key) for doc in new.values() if doc.current and doc.attempt > 1]
        if again:
            self.store.many("UPDATE document SET current = 0 WHERE type = ? AND key = ? AND current = 1", again)
            self.store.recent.clear()
        effect = effects.of(type_)(self.store, plan, new)
        if type_ in settings.inventories():  # what an inventory sets going does not look for it in the book
            effect.run(type_)
            self.store.add_documents(docs.rows(new.values()))
            return
        self.store.add_documents(docs.rows(new.values()))
        before = [(doc.status, doc.status_at, doc.locked) for doc in new.values()]
        effect.run(type_)
        changed = [d for d, was in zip(new.values(), before, strict=True) if (d.status, d.status_at, d.locked) != was]
        self.store.many("UPDATE document SET status = ?, status_at = ?, locked = ?, invt_no = ? WHERE id = ?",
                        [(d.status, d.status_at, d.locked, d.invt_no, d.id) for d in changed])  # fmt: skip

    def _message(self, incoming: Incoming, outcome: str, now: int, documents: int) -> int:
        head, business = incoming.envelope, incoming.business
        return self.store.run(
            "INSERT INTO message (at, sender, cop_msg_id, type, guid, sha256, size, recovery, outcome, code, documents)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            now, head.sender, head.cop_msg_id, head.type, business.guid if business else "",
            hashlib.sha256(incoming.raw).hexdigest(), len(incoming.raw), int(incoming.recovery), outcome,
            incoming.fault.code if incoming.fault else "0000", documents,
        )  # fmt: skip

    def _unbooked(self, incoming: Incoming, message_id: int, outcome: str, plan: Plan) -> None:
        """Documents of a message that was refused as a whole are in the book too; an unreadable one is one row."""
        head, business = incoming.envelope, incoming.business
        found = business.documents if business else []
        keys = joined(found, business.declared.key) if business else []
        given = [(key, d.head["appType"], d.head["guid"]) for key, d in zip(keys, found, strict=True)]
        given = given if business else [("", "", "")]
        ids = self.store.next_ids("document", len(given))
        code = incoming.fault.code if incoming.fault else settings.cycle()["steps"]["unreadable"]["status"]
        rows = [
            docs.Doc(id_, message_id, plan.now, head.type, key, 0, app, guid, head.sender, outcome, code, plan.now)
            for id_, (key, app, guid) in zip(ids, given, strict=True)
        ]
        self.store.add_documents(docs.rows(rows))

    def publish(self) -> int:
        """Make every due receipt message visible, each at an instant of its own; how many there were."""
        now = instant(clock.now())
        if agenda.is_due(self.store, now):
            with self.store.transaction():
                now = self.advance()
        if not self.store.value("SELECT 1 FROM delivery WHERE published IS NULL AND due <= ? LIMIT 1", now):
            return 0
        with self.store.transaction():
            due = self.store.rows("SELECT id FROM delivery WHERE published IS NULL AND due <= ? ORDER BY due, id", now)
            first = max(now, int(self.store.meta("published", "0")) + 1)
            self.store.many(
                "UPDATE delivery SET published = ? WHERE id = ?", [(first + n, row[0]) for n, row in enumerate(due)]
            )
            self.store.set_meta("published", str(first + len(due)))
        return len(due)

    def receipts(self, dxp: str, since: datetime | None, limit: int) -> tuple[list[bytes], datetime | None]:
        """Receipt messages published at or after `since`, and the `since` to ask with next."""
        self.publish()
        start = instant(since) if since else 0
        rows = self.store.rows(
            "SELECT * FROM delivery WHERE dxp = ? AND published >= ? ORDER BY published LIMIT ?", dxp, start, limit
        )
        after = moment(rows[-1]["published"] + 1) if rows else since
        unpack = zstandard.ZstdDecompressor().decompress  # one for all: making it costs as much as it does
        return [_wrapped(row, unpack(row["body"])) for row in rows], after

    def reset(self) -> None:
        """Forget everything but the certificate authority."""
        self.store.reset()
        self._open()
        self.look_for_callbacks()
        self.behaviours.reload()


def wrap(row: Any) -> bytes:
    """A delivery as the DxpMsg that the company gets; the same bytes each time."""
    return _wrapped(row, zstandard.ZstdDecompressor().decompress(row["body"]))


def _wrapped(row: Any, business: bytes) -> bytes:
    at = moment(row["published"])
    return envelope.wrapped(row["type"], row["dxp"], f"HZ{row['published']:020d}", at, business)
