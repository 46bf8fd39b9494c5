"""A prepared truck, its ledger and its customs, for what is sent and what got lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.ledger import Ledger, messages, open_ledger
from tests.unit.customs import Customs, key_fields, prepared, receipt

TYPES = ("CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message")


ONE = ("CEB303Message",)


@pytest.fixture
def customs() -> Iterator[Customs]:
    made = Customs()
    yield made
    made.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield made
    made.close()


@pytest.fixture
def shipment(ledger: Ledger) -> int:
    return prepared(ledger)[0]


def states(ledger: Ledger, ident: int) -> list[str]:
    return [row.state for row in messages.listing(ledger, ident) if row.type == "CEB303Message"]


def answer(customs: Customs, ledger: Ledger, ident: int, status: str, message_id: int, **more: str) -> None:
    """Customs answers every document of a message."""
    sent = messages.get(ledger, message_id)
    rows = [
        key_fields("CEB303Message", d.business_key) | {"returnStatus": status} | more
        for d in messages.documents(ledger, ident)
        if d.message_id == message_id
    ]
    customs.say(sent.sender_dxp, receipt("CEB304Message", rows))
