"""What this customs does with a message: book it, decide, and say so later (hk.md 3, state machine to implement)."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson
from cryptography import x509

from adapters.sandbox.hk_customs import checks, reading, settings
from adapters.sandbox.hk_customs.behaviours import Behaviours
from adapters.sandbox.hk_customs.notices import Notices
from adapters.sandbox.hk_customs.reading import Arrived, Unreadable
from adapters.sandbox.hk_customs.responses import Said
from adapters.sandbox.hk_customs.store import Row, Store
from mappings import clock
from mappings.engine import codes
from mappings.hk_road.tables import limit

STATES = {  # function -> (status said, state kept)
    "HKRoadACI": {"9": ("CCR", "ccrn_issued"), "5": ("AMD", "amended"), "1": ("CAN", "cancelled")},
    "HKRoadBundle": {"9": ("BND", "bundled"), "1": ("UNB", "unbundled")},
}
SUBJECTS = {"HKRoadACI": "ACI", "HKRoadBundle": "BND"}
GATEWAY = ("down", "http")


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: its status and, unless the answer is lost, its content."""

    status: int
    content: dict[str, Any] | None


class RoadCustoms:
    """The road cargo system over one store."""

    def __init__(self, store: Store, seed: int = 0, issuer: x509.Certificate | None = None) -> None:
        self.store, self.seed, self.issuer = store, seed, issuer
        self.behaviours = Behaviours(store)
        self.notices = Notices(store, seed)
        self._one_at_a_time = threading.Lock()

    def receive(self, path: str, raw: bytes, recovery: bool) -> Reply:
        """Take a message: every one is in the books, refused ones too; only a dead gateway keeps none."""
        with self._one_at_a_time:
            try:
                arrived = reading.read(path, raw, self.issuer)
            except Unreadable as error:
                self._book(path, raw, None, recovery, "refused", error.code)
                text = f"{codes.load('hk_road', 'error').codes[error.code].name_en}: {error}"
                return Reply(422, {"status": "refused", "code": error.code, "text": text})
            subject = _subject(arrived)
            gateway = self.behaviours.find(subject, *GATEWAY)
            if gateway:
                return Reply(503 if gateway["action"] == "down" else int(gateway.get("status") or 502), None)
            with self.store.transaction():
                reply = self._take(path, raw, arrived, recovery, subject)
            if self.behaviours.find(subject, "lose_answer"):
                return Reply(504, None)
            return reply

    def _take(self, path: str, raw: bytes, arrived: Arrived, recovery: bool, subject: dict[str, str]) -> Reply:
        before = self.store.row("SELECT verdict FROM received WHERE message_id = ?", arrived.message_id)
        if before:
            self._book(path, raw, arrived, recovery, "duplicate", "")
            return Reply(
                200, {"status": "duplicate", "messageId": arrived.message_id, "text": "received before 曾收到"}
            )
        now = clock.now()
        rejected = self.behaviours.find(subject, "reject")
        errors = [str(rejected.get("code") or "HKR090")] if rejected else self._errors(arrived, now)
        self._book(path, raw, arrived, recovery, "not accepted" if errors else "accepted", ",".join(errors))
        self._answer(arrived, errors, now, subject)
        return Reply(200, {"status": "received", "messageId": arrived.message_id})

    def _errors(self, arrived: Arrived, now: datetime) -> list[str]:
        known = bool(
            self.store.value("SELECT 1 FROM received WHERE type = ? AND reference = ?", arrived.type, arrived.reference)
        )
        standing, current = self.consignment(arrived.ccrn), self.bundle(arrived.ccrn)
        if arrived.type == "HKRoadBundle":
            return checks.bundle(arrived, standing, current, known)
        return checks.aci(arrived, standing, current["state"] if current else "", known, now)

    def _answer(self, arrived: Arrived, errors: list[str], now: datetime, subject: dict[str, str]) -> None:
        low, high = settings.profile()["answer_seconds"]
        due = now + timedelta(seconds=Random(f"{self.seed}|{arrived.reference}").uniform(low, high))
        ccrn, earliest = arrived.ccrn, None
        if not errors:
            ccrn, earliest = self._keep(arrived, due)
        status = "REJ" if errors else STATES[arrived.type][arrived.function][0]
        said = Said(
            kind="refusal" if errors else "answer",
            status=status,
            subject=SUBJECTS[arrived.type],
            at=due,
            reference=arrived.reference,
            ccrn=ccrn,
            vehicle=arrived.vehicle,
            answered=arrived.message_id,
            errors=tuple(errors),
            earliest=earliest,
        )
        self._say(said, arrived.sender, subject)

    def _keep(self, arrived: Arrived, at: datetime) -> tuple[str, datetime | None]:
        """The new state of consignment or bundle; gives its CCRN and, once bundled, the earliest permitted crossing."""
        state = STATES[arrived.type][arrived.function][1]
        if arrived.type == "HKRoadBundle":
            return arrived.ccrn, self._keep_bundle(arrived, state, at)
        items = orjson.dumps({k: v for k, v in arrived.values.items() if v}).decode()
        if arrived.function == checks.NEW:
            ccrn = f"CCRN{self.store.serial('ccrn'):010d}"
            self.store.insert(
                "consignment", ccrn=ccrn, reference=arrived.reference, latest=arrived.reference, sender=arrived.sender,
                state=state, changed_at=at.isoformat(), items=items,
            )  # fmt: skip
            return ccrn, None
        self.store.run(
            "UPDATE consignment SET state = ?, changed_at = ?, items = ?, latest = ? WHERE ccrn = ?",
            state, at.isoformat(), items, arrived.reference, arrived.ccrn,
        )  # fmt: skip
        return arrived.ccrn, None

    def _keep_bundle(self, arrived: Arrived, state: str, at: datetime) -> datetime | None:
        lodged = datetime.fromisoformat(
            self.store.value("SELECT changed_at FROM consignment WHERE ccrn = ?", arrived.ccrn)
        )
        bundled = arrived.function == checks.BUNDLE
        earliest = (
            max(at + limit("bundle_latest", at.date()), lodged + limit("aci_latest", at.date())) if bundled else None
        )
        self.store.insert(
            "bundle", ccrn=arrived.ccrn, vehicle=arrived.vehicle, sender=arrived.sender, state=state, at=at.isoformat(),
            earliest=earliest.isoformat() if earliest else "", reference=arrived.reference,
            message_id=arrived.message_id,
        )  # fmt: skip
        return earliest

    def _say(self, said: Said, sender: str, subject: dict[str, str]) -> None:
        silent = self.behaviours.find(subject, "silent") is not None
        repeat = self.behaviours.find(subject, "repeat")
        self.notices.add(said, sender, silent, int(repeat.get("times_each") or 2) if repeat else 1)

    def consignment(self, ccrn: str) -> Row | None:
        """The consignment with this CCRN."""
        return self.store.row("SELECT * FROM consignment WHERE ccrn = ?", ccrn)

    def bundle(self, ccrn: str) -> Row | None:
        """A consignment's latest bundle."""
        return self.store.row("SELECT * FROM bundle WHERE ccrn = ? ORDER BY id DESC LIMIT 1", ccrn)

    def say(self, bundle: Row, status: str, at: datetime, text: str = "") -> None:
        """Notice of something that happened to a bundle (inside a transaction)."""
        state = codes.load("hk_road", "status").codes[status].canonical
        self.store.run("UPDATE bundle SET state = ? WHERE id = ?", state, bundle["id"])
        said = Said(
            kind="notice",
            status=status,
            subject="BND",
            at=at,
            reference=bundle["reference"],
            ccrn=bundle["ccrn"],
            vehicle=bundle["vehicle"],
            answered=bundle["message_id"],
            text=text,
        )
        names = ("reference", "ccrn", "vehicle", "sender")
        self._say(said, bundle["sender"], {"type": "notice", **{name: bundle[name] for name in names}})

    def _book(self, path: str, raw: bytes, arrived: Arrived | None, recovery: bool, verdict: str, code: str) -> None:
        self.store.insert(
            "received",
            at=clock.now().isoformat(),
            path=path,
            sender=arrived.sender if arrived else "",
            message_id=arrived.message_id if arrived else "",
            type=arrived.type if arrived else "",
            function=arrived.function if arrived else "",
            reference=arrived.reference if arrived else "",
            ccrn=arrived.ccrn if arrived else "",
            vehicle=arrived.vehicle if arrived else "",
            recovery=int(recovery),
            verdict=verdict,
            code=code,
            sha256=hashlib.sha256(raw).hexdigest(),
            size=len(raw),
            body=raw,
        )


def _subject(arrived: Arrived) -> dict[str, str]:
    return {
        "type": arrived.type,
        "reference": arrived.reference,
        "ccrn": arrived.ccrn,
        "vehicle": arrived.vehicle,
        "sender": arrived.sender,
    }
