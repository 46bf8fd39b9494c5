"""Lenient in (issue 3, point 6): the same receipt in every form that was ever seen, and answers that come late."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.cn_ecommerce import ChinaEcommerce, envelope, wire
from adapters.ledger import Ledger, messages, raws
from adapters.ledger import receipts as ledger_receipts
from mappings import clock
from tasks.receipts.receive import receive
from tasks.receipts.settle import settle
from tasks.submission.submit import submit
from tests.unit.customs import Customs, key_fields, prepared, receipt

CN, TYPE, ANSWER = "cn_ecommerce", "CEB603Message", "CEB604Message"
DXP = "DXPENT0000000009"
Form = Callable[[bytes], bytes]


def terminal(business: bytes) -> bytes:
    return envelope.write(business, ANSWER, "DXPEDCCEB0000003", DXP, "HZ1", clock.now())


def prefixed(business: bytes) -> bytes:
    text = terminal(business).decode()
    return re.sub(r"<(/?)(\w)", r"<\1dxp:\2", text.replace("xmlns=", "xmlns:dxp=")).encode()


FORMS: dict[str, Form] = {
    "bare": lambda b: b,
    "default namespace": lambda b: b.replace(b"ceb:", b"").replace(b"xmlns:ceb", b"xmlns"),
    "another prefix": lambda b: b.replace(b"ceb:", b"n1:").replace(b"xmlns:ceb", b"xmlns:n1"),
    "byte order mark": lambda b: b"\xef\xbb\xbf" + b,
    "utf-16": lambda b: b.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
    "gb2312": lambda b: b.decode().replace("UTF-8", "gb2312").encode("gb18030"),
    "gb2312 that says utf-8": lambda b: b.decode().encode("gb18030"),
    "white space before": lambda b: b"\r\n  " + b,
    "extra elements": lambda b: b.replace(b"<ceb:preNo>", b"<ceb:orderNo2>x</ceb:orderNo2><ceb:preNo>"),
    "terminal": terminal,
    "terminal with prefix": prefixed,
    "transfer": lambda b: envelope.transfer(terminal(b), "00000002", "46000002", 1, clock.now()),
    "gb2312 in a terminal": lambda b: terminal(b.decode().replace("UTF-8", "gb2312").encode("gb18030")),
    "mark in a terminal": lambda b: b"\xef\xbb\xbf" + terminal(b"\xef\xbb\xbf" + b),
}


class Desk:
    """A truck that was sent, and the folder of the E-Port client that brings its receipts."""

    def __init__(self, ledger: Ledger, customs: Customs, place: Path) -> None:
        self.ledger, self.place = ledger, place
        self.id, _ = prepared(ledger, 2)
        submit(ledger, customs.authority(), self.id, [TYPE], "w")
        for name in ("send", "receive"):
            (place / name).mkdir(parents=True)
        self.authority = ChinaEcommerce(channel={"kind": "folder", "path": str(place), "quiet_seconds": 0,
                                                 "whole_seconds": 0})  # fmt: skip

    def documents(self) -> list:  # type: ignore[type-arg]
        return messages.documents(self.ledger, self.id, CN, TYPE)

    def said(self, **fields: str) -> bytes:
        return receipt(ANSWER, [key_fields(TYPE, d.business_key) | fields for d in self.documents()])

    def hear(self, *raw: bytes) -> None:
        for number, body in enumerate(raw):
            (self.place / "receive" / f"{number}.xml").write_bytes(body)
        receive(self.ledger, self.authority, [DXP])
        settle(self.ledger, self.authority)


@pytest.fixture
def desk(ledger: Ledger, tmp_path: Path) -> Iterator[Desk]:
    customs = Customs()
    yield Desk(ledger, customs, tmp_path / "client")
    customs.close()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(desk: Desk, form: str) -> None:
    said = {"returnStatus": "120", "returnInfo": "[Code:1800;Desc:逻辑校验通过]", "preNo": "B20261123000000001"}
    desk.hear(FORMS[form](desk.said(**said)))
    found = [(d.state, d.return_status, d.return_info, d.pre_no) for d in desk.documents()]
    assert found == [("stored", "120", said["returnInfo"], said["preNo"])] * 2
    assert raws.parked(desk.ledger, CN) == []


@pytest.mark.parametrize("status", ["-451", "-301020", "-999999", "-1", "-2147483649"])
def test_a_processing_error_that_no_table_names_is_a_failure(desk: Desk, status: str) -> None:
    desk.hear(desk.said(returnStatus=status, returnInfo="申报失败"))
    assert {(d.state, d.return_status) for d in desk.documents()} == {("failed", status)}


@pytest.mark.parametrize("status", ["99", "1234567890"])
def test_a_status_that_nobody_knows_is_parked_and_moves_nothing(desk: Desk, status: str) -> None:
    desk.hear(desk.said(returnStatus=status))
    assert ledger_receipts.counts(desk.ledger, CN) == {"parked": 2}
    assert {d.return_status for d in desk.documents()} & {status} == set()


def test_a_receipt_for_a_document_that_we_do_not_know_is_parked(desk: Desk) -> None:
    stranger = {"agentCode": "SOMEBODY", "copNo": "ELSE", "returnStatus": "800"}
    desk.hear(receipt(ANSWER, [stranger]))
    assert ledger_receipts.counts(desk.ledger, CN) == {"parked": 1}
    assert raws.parked(desk.ledger, CN) == [], "the message itself was read"


@pytest.mark.parametrize(("code", "text"), [("0000", "接收成功"), ("2999", "报文重复 CopMsgId")])
def test_a_late_answer_that_it_was_taken_is_no_refusal(desk: Desk, code: str, text: str) -> None:
    message = messages.get(desk.ledger, desk.documents()[0].message_id)
    before = [d.state for d in desk.documents()]
    desk.hear(envelope.refusal(code, text, DXP, TYPE, message.cop_msg_id, clock.now()))
    assert [d.state for d in desk.documents()] == before
    assert raws.parked(desk.ledger, CN) == []
    desk.hear(envelope.refusal("1004", "签名与数据不符", DXP, TYPE, message.cop_msg_id, clock.now()))
    assert {d.state for d in desk.documents()} == {"failed"}


def test_a_doctype_is_kept_and_parked(desk: Desk) -> None:
    desk.hear(desk.said().replace(b"<ceb:CEB604", b"<!DOCTYPE x><ceb:CEB604", 1))
    assert len(raws.parked(desk.ledger, CN)) == 1
    assert wire.reply(b"<!DOCTYPE x><DxpRep/>") is None
