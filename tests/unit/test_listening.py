"""To which addresses an authority is listened to, by a process that goes on: closed trucks are asked about once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from adapters.ledger import parcels, shipments
from adapters.ledger.tables import shipment
from mappings import clock
from tasks.clearing import listening
from tasks.clearing.listening import Listening
from tests.unit.desk import Desk

CN = "cn_ecommerce"


@pytest.fixture
def closed(desk: Desk) -> Desk:
    """A truck whose messages have left, closed an hour ago, with every parcel at its end."""
    desk.take_in()
    desk.prepare("declare")
    stand(desk, "closed")
    with desk.ledger.begin() as tx:
        hour = clock.now() - timedelta(hours=1)
        tx.execute(update(shipment).values(state="closed", closed_at=hour, updated_at=hour))
    return desk


def stand(desk: Desk, state: str, seqs: tuple[int, ...] = ()) -> None:
    """These parcels (all, if none) are in a state."""
    mine = seqs or tuple(row.seq for row in desk.rows())
    parcels.set_parcel_states(desk.ledger, desk.id, dict.fromkeys(mine, (state, "")))


@contextmanager
def asked(desk: Desk) -> Iterator[list[str]]:
    """The statements that the ledger is given inside the block."""
    said: list[str] = []

    def hear(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(desk.ledger.engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(desk.ledger.engine, "before_cursor_execute", hear)


def test_an_open_truck_is_listened_to_and_a_closed_one_with_nothing_left_is_not(closed: Desk) -> None:
    heard = Listening()
    assert heard.senders(closed.ledger) == {}
    shipments.set_state(closed.ledger, closed.id, "awaiting_receipts")
    sender = closed.standing().truck.parties["agent"].dxp_id
    assert sender in heard.senders(closed.ledger)[CN]
    assert list(heard.senders(closed.ledger)) == [CN], "nothing was sent to Hong Kong"
    shipments.set_state(closed.ledger, closed.id, "closed")
    assert heard.senders(closed.ledger) == {}


@pytest.mark.parametrize("state", listening.UNHEARD)
def test_a_parcel_left_behind_is_heard_until_its_end(closed: Desk, state: str) -> None:
    sender = closed.standing().truck.parties["agent"].dxp_id
    heard = Listening()
    assert heard.senders(closed.ledger) == {}
    stand(closed, state, (1,))
    assert sender in heard.senders(closed.ledger)[CN], "declared anew, though its truck is closed"
    for _ in range(3):
        assert sender in heard.senders(closed.ledger)[CN]
    stand(closed, "released", (1,))
    assert heard.senders(closed.ledger) == {}


def test_closed_trucks_that_do_not_change_are_not_asked_about_again(closed: Desk) -> None:
    heard = Listening()
    with asked(closed) as first:
        heard.senders(closed.ledger)
    with asked(closed) as later:
        assert heard.senders(closed.ledger) == {}
    assert any("parcel" in statement for statement in first)
    assert not any("parcel" in statement for statement in later)
    shipments.set_state(closed.ledger, closed.id, "awaiting_receipts")
    shipments.set_state(closed.ledger, closed.id, "closed")
    with asked(closed) as changed:
        heard.senders(closed.ledger)
    with asked(closed) as later:
        assert heard.senders(closed.ledger) == {}
    assert any("parcel" in statement for statement in changed)
    assert not any("parcel" in statement for statement in later), "though it has changed just now"


def test_a_question_that_came_to_nothing_is_asked_again(closed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = closed.standing().truck.parties["agent"].dxp_id
    heard = Listening()
    assert heard.senders(closed.ledger) == {}
    stand(closed, "inspection", (1,))
    with monkeypatch.context() as patch:
        patch.setattr(Listening, "_note", broken)
        with pytest.raises(ConnectionError):
            heard.senders(closed.ledger)
    assert sender in heard.senders(closed.ledger)[CN]


def broken(*_: Any) -> None:
    raise ConnectionError
