"""Submission, recovery and receipts do the same on every database that the ledger runs on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.ledger import Ledger, events, messages
from adapters.ledger import faults as ledger_faults
from tasks.receipts.explain import stage
from tasks.receipts.receive import accept_push, receive
from tasks.receipts.settle import settle
from tasks.submission.recover import recover
from tasks.submission.submit import submit
from tests.unit.customs import Customs, key_fields, prepared, receipt

CN, ORDER, PAYMENT = "cn_ecommerce", "CEB303Message", "CEB403Message"


@pytest.fixture
def customs() -> Iterator[Customs]:
    made = Customs()
    yield made
    made.close()


def test_lost_found_rejected_and_come_back(ledger: Ledger, customs: Customs) -> None:
    ident, batch = prepared(ledger, 4)
    customs.fates = ["lose"]
    authority = customs.authority(unknown_deadline_seconds=0)
    assert submit(ledger, authority, ident, (ORDER, PAYMENT), "w").counts == {"unknown": 1, "sent": 3}
    assert recover(ledger, authority, "w", ident).counts == {"sent": 1}
    assert [marked for _, marked in customs.received] == [False, False, False, False, True]

    payments = messages.documents(ledger, ident, CN, PAYMENT)
    rows = [key_fields(PAYMENT, d.business_key) | {"payNo": "", "returnStatus": "120"} for d in payments]
    customs.say("D", receipt("CEB404Message", rows))
    first, *_, last = messages.documents(ledger, ident, CN, ORDER)
    info = "[Code:1332;Desc:金额不一致],[OrderHead.goodsValue:1,Receipts.charge:2]"
    said = key_fields(ORDER, first.business_key) | {"returnStatus": "100", "returnInfo": info}
    customs.say("D", receipt("CEB304Message", [said]))
    sent = messages.get(ledger, last.message_id)
    back = {"oriCopMsgId": sent.cop_msg_id, "oriMessageType": ORDER, "returnStatus": "-999999", "returnInfo": "格式"}
    assert receive(ledger, authority, ["D"]).receipts == 5
    accept_push(ledger, authority, customs.say("D", receipt("CEB900Message", [back])))
    for _ in range(2):
        settle(ledger, authority)

    assert {d.state for d in messages.documents(ledger, ident, CN, PAYMENT)} == {"stored"}
    assert [d.state for d in messages.documents(ledger, ident, CN, ORDER)] == [
        "rejected",
        "prepared",
        "failed",
        "failed",
    ]
    found = ledger_faults.faults(ledger, ident, current=False, stage=stage(CN))
    assert found["code"].tolist() == ["AUT-1332", "AUT-900", "AUT-900"]
    assert [e.kind for e in events.timeline(ledger, ident)].count("message_unreadable") == 1
    assert batch.truck.parties["platform"].dxp_id == sent.sender_dxp
