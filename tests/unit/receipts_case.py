"""A truck that is sent, its customs, and what both say: over real HTTP into a real ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.ledger import Ledger, messages, open_ledger
from adapters.ledger import faults as ledger_faults
from mappings import clock
from tasks.receipts.explain import stage
from tasks.receipts.receive import accept_push, fetch, keep_push, receive
from tasks.receipts.settle import read_and_settle, settle
from tasks.submission.submit import submit
from tests.unit.customs import Customs, key_fields, prepared, receipt, stamp

TYPES = ("CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message")


ANSWERS = dict(zip(TYPES, ("CEB304Message", "CEB404Message", "CEB506Message", "CEB604Message"), strict=True))


CN = "cn_ecommerce"


class Case:
    """A truck that is sent, its customs, and what both say."""

    def __init__(self, ledger: Ledger, customs: Customs, at_once: bool = False) -> None:
        self.at_once = at_once
        self.ledger, self.customs, self.authority = ledger, customs, customs.authority()
        self.id, self.batch = prepared(ledger)
        submit(ledger, self.authority, self.id, TYPES, "w")
        self.dxp = self.batch.truck.parties["platform"].dxp_id

    def documents(self, type_: str = "CEB303Message") -> list:  # type: ignore[type-arg]
        return messages.documents(self.ledger, self.id, CN, type_)

    def states(self, type_: str = "CEB303Message") -> list[str]:
        return [d.state for d in self.documents(type_)]

    def answer(self, statuses: Sequence[str], type_: str = "CEB303Message", minutes: float = 0, **more: str) -> bytes:
        """A receipt message with one status for each document of that type."""
        at = stamp(clock.now() + timedelta(minutes=minutes))
        rows = [
            key_fields(type_, d.business_key) | {"returnStatus": status, "returnTime": at} | more
            for d, status in zip(self.documents(type_), statuses, strict=False)
            if status
        ]
        return receipt(ANSWERS[type_], rows)

    def poll(self) -> None:
        if self.at_once:
            fetch(self.ledger, self.authority, [self.dxp])
            read_and_settle(self.ledger, self.authority)
            return
        receive(self.ledger, self.authority, [self.dxp])
        settle(self.ledger, self.authority)

    def push(self, business: bytes) -> None:
        if self.at_once:
            keep_push(self.ledger, self.authority, self.customs.say(self.dxp, business))
            read_and_settle(self.ledger, self.authority)
            return
        accept_push(self.ledger, self.authority, self.customs.say(self.dxp, business))
        settle(self.ledger, self.authority)

    def faults(self) -> list[tuple[str, str, str, str]]:
        frame = ledger_faults.faults(self.ledger, self.id, stage=stage(CN))
        return list(frame[["order_no", "code", "field", "value"]].itertuples(index=False, name=None))


@pytest.fixture(params=["kept, then settled", "settled as they are kept"])
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    customs = Customs()
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield Case(ledger, customs, request.param == "settled as they are kept")
    customs.close()
    ledger.close()
