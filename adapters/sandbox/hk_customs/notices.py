"""Answers and notices: kept when decided, given out when due, by poll, by push, or when asked for by reference."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

import orjson

from adapters.sandbox.hk_customs.responses import TYPE, Said, write
from adapters.sandbox.hk_customs.store import Row, Store
from mappings import clock
from mappings.errors import DataFault

NAME = "HKCED-SANDBOX"


def _stamp(at: datetime) -> str:
    return f"{at.timestamp():017.6f}"


def _since(text: str) -> tuple[str, int]:
    """A cursor, an ISO instant, or '' for everything. Raises DataFault."""
    if not text:
        return "", 0
    due, dash, number = text.rpartition("_")
    if dash and number.isdigit() and len(number) < 19:
        return due, int(number)
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise DataFault(f"since is neither a cursor nor an ISO instant: {text!r}") from error
    if at.tzinfo is None:
        raise DataFault(f"since has no time zone: {text!r}")
    return _stamp(at), 0


class Notices:
    """What this customs has to say."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.seed = store, seed

    def add(self, said: Said, sender: str, silent: bool, copies: int) -> None:
        """Keep an answer until it is due at `said.at`; a silent one is only given when asked for (in a transaction)."""
        number = f"HK{self.store.serial('notice'):010d}"
        digits = hashlib.sha256(f"{self.seed}|{number}".encode()).hexdigest()[:32].upper()
        guid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        body = write(said, guid, number)
        envelope = {
            "messageId": guid,
            "sender": NAME,
            "receiver": sender,
            "type": TYPE,
            "payload": base64.b64encode(body).decode(),
        }
        subject = "HKRoadACI" if said.subject == "ACI" else "HKRoadBundle"
        for _ in range(copies):
            self.store.insert(
                "notice", due=_stamp(said.at), sender=sender, message_id=said.answered, type=subject,
                reference=said.reference, ccrn=said.ccrn, vehicle=said.vehicle, status=said.status, silent=int(silent),
                body=orjson.dumps(envelope),
            )  # fmt: skip

    def page(self, sender: str, since: str, count: int) -> tuple[list[bytes], str]:
        """What is due for a sender since a cursor, and the next cursor. Raises DataFault."""
        due, number = _since(since)
        rows = self.store.rows(
            "SELECT id, due, body FROM notice WHERE sender = ? AND silent = 0 AND (due, id) > (?, ?) AND due <= ?"
            " ORDER BY due, id LIMIT ?",
            sender, due, number, _stamp(clock.now()), count,
        )  # fmt: skip
        return [row["body"] for row in rows], f"{rows[-1]['due']}_{rows[-1]['id']}" if rows else since

    def about(self, type_: str, reference: str) -> list[bytes]:
        """All that is due about one message, silent or not."""
        rows = self.store.rows(
            "SELECT body FROM notice WHERE type = ? AND reference = ? AND due <= ? ORDER BY due, id",
            type_, reference, _stamp(clock.now()),
        )  # fmt: skip
        return [row["body"] for row in rows]

    def unpushed(self) -> list[Row]:
        """What is due, not pushed yet, and has a callback."""
        return self.store.rows(
            "SELECT n.id, n.body, c.url FROM notice AS n JOIN callback AS c ON c.sender = n.sender"
            " WHERE n.pushed = 0 AND n.silent = 0 AND n.due <= ? ORDER BY n.due, n.id LIMIT 200",
            _stamp(clock.now()),
        )

    def pushed(self, number: int) -> None:
        """This one was taken by its receiver."""
        self.store.run("UPDATE notice SET pushed = 1 WHERE id = ?", number)
