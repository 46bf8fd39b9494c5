"""Rejections become faults in our fields, down to the cell; they are explained again where something changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from adapters.ledger import events, messages, open_ledger, sources
from adapters.ledger import faults as ledger_faults
from mappings import faults
from mappings.canonical.batch import Batch
from mappings.canonical.columns import plain
from tasks.receipts import lookup
from tasks.receipts.explain import explain, stage
from tasks.receipts.places import SNAPSHOT, Places, line_of
from tasks.receipts.receive import accept_push, keep_push
from tasks.receipts.settle import read_and_settle, settle
from tasks.submission.submit import submit
from tests.contract.loopback import REP
from tests.unit.customs import prepared, receipt
from tests.unit.receipts_case import CN, Case, case

__all__ = ["case"]


def test_rejections_become_faults_in_our_fields(case: Case) -> None:
    case.push(case.answer(("2", "2", "2")))
    first, second, third = (d.order_no for d in case.documents())
    info = "[Code:1332;Desc:金额不一致],[OrderHead.goodsValue:561.89,Receipts.charge:97.95]"
    case.push(case.answer(("100", "", ""), minutes=1, returnInfo=info))
    case.push(case.answer(("", "-777123", ""), minutes=1, returnInfo="无此代码"))
    assert case.states() == ["rejected", "failed", "accepted"]
    assert case.faults() == [
        (first, "AUT-1332", "payment.amount", "97.95"),
        (second, "AUT-OTHER", "order.order_no", "[-777123] 无此代码"),
    ]
    frame = ledger_faults.faults(case.ledger, case.id, stage=stage(CN))
    texts = faults.explain(frame.iloc[0].to_dict())
    assert "97.95" in texts["message_zh"]
    assert "561.89" in texts["message_en"]
    assert texts["owner"] == "payment_company"
    assert third


def test_faults_are_written_once_and_go_when_the_cause_goes(case: Case) -> None:
    case.push(case.answer(("100", "", ""), returnInfo="退单"))
    case.push(case.answer(("2", "2", "2"), minutes=1))
    case.poll()
    every = ledger_faults.faults(case.ledger, case.id, current=False, stage=stage(CN))
    assert len(every) == 1


def test_a_fault_points_at_the_cell(case: Case) -> None:
    case.push(case.answer(("100", "", ""), returnInfo="[Code:1332;Desc:x],[OrderHead.goodsValue:1,Receipts.charge:2]"))

    def places(seq: int, field: str, value: str) -> dict[str, object]:
        return {"file": f"{field}.csv", "sheet": "", "row": seq + int(value), "column": "金额"}

    found = explain(case.ledger, CN, case.id, places)
    row = found.iloc[0]
    assert (row.file, row.row, row.column) == ("payment.amount.csv", 3, "金额")
    kept = ledger_faults.faults(case.ledger, case.id, stage=stage(CN))
    assert (kept.iloc[0]["file"], kept.iloc[0]["row"]) == ("payment.amount.csv", 3)


def test_a_duplicate_that_was_no_recovery_is_a_fault(case: Case) -> None:
    case.push(case.answer(("-304001", "", ""), returnInfo="业务主键重复入库失败"))
    assert [code for _, code, _, _ in case.faults()] == ["AUT-DUP"]


def test_a_message_refused_at_the_door_is_explained(case: Case, tmp_path: Path) -> None:
    case.customs.fates = ["refuse"]
    other = open_ledger(tmp_path / "other", f"sqlite:///{tmp_path / 'other.sqlite'}")
    ident, _ = prepared(other)
    submit(other, case.authority, ident, ("CEB303Message",), "w")
    found = explain(other, CN, ident)
    assert set(found["code"]) == {"AUT-DOOR"}
    assert "schema check failed" in found.iloc[0]["value"]
    other.close()


def test_a_format_check_brings_back_a_whole_message_with_an_alarm(case: Case) -> None:
    message = messages.get(case.ledger, case.documents()[0].message_id)
    said = {"oriCopMsgId": message.cop_msg_id, "oriMessageType": "CEB303Message", "returnStatus": "-999999"}
    business = receipt("CEB900Message", [said | {"returnInfo": "报文格式错误"}])
    case.push(business)
    case.push(business)
    hit = [d for d in case.documents() if d.message_id == message.id]
    assert {d.state for d in hit} == {"failed"}
    assert len(case.faults()) == len(hit) == message.documents
    assert {code for _, code, _, _ in case.faults()} == {"AUT-900"}
    alarms = [e for e in events.timeline(case.ledger, case.id) if e.kind == "message_unreadable"]
    assert [a.detail["message_id"] for a in alarms] == [message.id]


def test_a_late_refusal_by_the_platform_counts_for_the_whole_message(case: Case) -> None:
    message = messages.get(case.ledger, case.documents()[0].message_id)
    head = f"<OriHead><CopMsgId>{message.cop_msg_id}</CopMsgId></OriHead></Response>"
    accept_push(case.ledger, case.authority, REP.format(code="2001", text="x").replace("</Response>", head).encode())
    settle(case.ledger, case.authority)
    assert {d.state for d in case.documents() if d.message_id == message.id} == {"failed"}
    nobody = REP.format(code="2001", text="x").encode()
    assert accept_push(case.ledger, case.authority, nobody).unusable == 1


def placed(batch: Batch) -> Batch:
    """The truck with the places that capture leaves behind."""
    parcels, lines = batch.parcels.copy(), batch.lines.copy()
    for frame, table, profile in ((parcels, "payment", "gb18030_payments"), (lines, "line", "online_retail_orders")):
        frame[f"{table}.file"], frame[f"{table}.sheet"], frame[f"{table}.profile"] = f"{table}.csv", "", profile
        frame[f"{table}.row"] = range(2, len(frame) + 2)
    return replace(batch, parcels=parcels, lines=lines)


def test_places_come_from_the_matched_truck(case: Case) -> None:
    info = "[Code:1332;Desc:x],[OrderHead.goodsValue:1,Receipts.charge:2]"
    batch = placed(case.batch)
    sources.save_snapshot(case.ledger, case.id, SNAPSHOT, batch.to_bytes())
    case.push(case.answer(("", "100", ""), returnInfo=info))
    (row,) = ledger_faults.faults(case.ledger, case.id, stage=stage(CN)).to_dict("records")
    assert (row["file"], row["row"], row["column"]) == ("payment.csv", 3, "支付金额")


def test_the_goods_line_is_found_by_its_value(case: Case) -> None:
    batch = placed(case.batch)
    mine = batch.lines[batch.lines["parcel"] == 1]
    value = plain(int(mine["line.price"].iloc[1]))
    assert line_of(batch, 2, "line.price", value) == 2
    assert line_of(batch, 2, "line.item_no", str(mine["line.item_no"].iloc[1])) == 2
    for path, wanted in (
        ("line.price", "0.00001"),
        ("line.price", "cheap"),
        ("order.order_no", "x"),
        ("line.none", "x"),
    ):
        assert line_of(batch, 2, path, wanted) == 1


def test_without_a_truck_there_is_no_place(case: Case) -> None:
    assert Places(case.ledger, case.id)(1, "payment.amount", "") == {}
    sources.save_snapshot(case.ledger, case.id, SNAPSHOT, case.batch.to_bytes())
    assert Places(case.ledger, case.id)(1, "payment.amount", "") == {}


def test_what_a_process_that_died_had_settled_is_explained_by_the_next(case: Case) -> None:
    push = case.customs.say(case.dxp, case.answer(("100", "2", "2"), returnInfo="[Code:1800;Desc:逻辑校验不通过]"))
    keep_push(case.ledger, case.authority, push)
    with mock.patch("tasks.receipts.settle.explain", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        read_and_settle(case.ledger, case.authority)
    assert case.states()[0] == "rejected"
    assert case.faults() == []
    assert read_and_settle(case.ledger, case.authority).shipments == {case.id}
    assert len(case.faults()) == 1
    assert read_and_settle(case.ledger, case.authority).shipments == set(), "told once"


def test_what_is_explained_already_is_looked_up_again_only_where_something_changed(case: Case) -> None:
    asked: list[int] = []

    def again(row: int = 7) -> tuple[list[int], list[int]]:
        """Explains once more, to cells of that row: which were looked for, and which rows are kept."""
        asked.clear()

        def cell(_: Places, seq: int, *__: str) -> dict[str, int]:
            asked.append(seq)
            return {"row": row}

        with mock.patch.object(Places, "__call__", cell):
            explain(case.ledger, CN, case.id)
        return asked.copy(), [int(n) for n in ledger_faults.faults(case.ledger, case.id, stage=stage(CN))["row"]]

    said = case.answer(("100", "100", "2"), returnInfo="[Code:1800;Desc:逻辑校验不通过]")
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, said))
    read_and_settle(case.ledger, case.authority)
    assert again() == ([], [0, 0]), "as it was explained when it was settled"
    ledger_faults.replace_faults(case.ledger, case.id, stage(CN), faults.frame([]))
    assert again() == ([1, 2], [7, 7]), "somebody else has taken them away"
    assert again(8) == ([], [7, 7])
    sources.save_snapshot(case.ledger, case.id, SNAPSHOT, b"another truck")
    assert again(8) == ([1, 2], [8, 8]), "a corrected file has other rows"
    assert again(9) == ([], [8, 8])


def test_one_more_rejection_looks_up_one_more_cell_and_writes_one_more_row(case: Case) -> None:
    """Of thousands turned down one after the other each is located once, and its fault is written once."""
    asked: list[int] = []

    def cell(_: Places, seq: int, *__: str) -> dict[str, object]:
        asked.append(seq)
        return {"file": f"f{seq}.csv", "row": seq}

    def kept(current: bool = True) -> list[tuple[str, int]]:
        frame = ledger_faults.faults(case.ledger, case.id, current=current, stage=stage(CN))
        return [(one["file"], int(one["row"])) for one in frame.to_dict("records")]

    with mock.patch.object(Places, "__call__", cell):
        for place, statuses in enumerate((("", "100", ""), ("", "", "100"), ("100", "", ""))):
            case.push(case.answer(statuses, minutes=place, returnInfo="[Code:1800;Desc:逻辑校验不通过]"))
        assert asked == [2, 3, 1]
        assert kept() == kept(current=False) == [("f2.csv", 2), ("f3.csv", 3), ("f1.csv", 1)]
        case.push(case.answer(("800", "", ""), minutes=9, returnInfo="放行"))
        explain(case.ledger, CN, case.id)
        assert asked == [2, 3, 1], "and none again"


def test_a_file_that_came_again_under_another_name_is_told_of_every_fault(case: Case) -> None:
    """Also where the rows are the same, and one more parcel is turned down afterwards."""
    name = "v1.csv"

    def cell(_: Places, seq: int, *__: str) -> dict[str, object]:
        return {"file": name, "row": seq}

    def kept() -> list[tuple[str, int]]:
        frame = ledger_faults.faults(case.ledger, case.id, stage=stage(CN))
        return [(one["file"], int(one["row"])) for one in frame.to_dict("records")]

    with mock.patch.object(Places, "__call__", cell):
        case.push(case.answer(("", "100", ""), returnInfo="[Code:1800;Desc:逻辑校验不通过]"))
        assert kept() == [("v1.csv", 2)]
        name = "v2.csv"
        sources.save_snapshot(case.ledger, case.id, SNAPSHOT, b"the same truck from other files")
        explain(case.ledger, CN, case.id)
        assert kept() == [("v2.csv", 2)]
        case.push(case.answer(("", "", "100"), minutes=1, returnInfo="[Code:1800;Desc:逻辑校验不通过]"))
        assert kept() == [("v2.csv", 2), ("v2.csv", 3)]


def test_who_explains_what_another_has_explained_meanwhile_looks_again(case: Case) -> None:
    """What it had read may be older: nothing that the other one found is lost."""
    rejected, reads = lookup.rejected, list[int]()
    case.push(case.answer(("100", "100", ""), returnInfo="[Code:1800;Desc:逻辑校验不通过]"))
    both = ledger_faults.faults(case.ledger, case.id, stage=stage(CN))
    ledger_faults.replace_faults(case.ledger, case.id, stage(CN), both[:0])

    def late(*asked: Any) -> Any:
        """The first time it reads but one of the two, and then another process writes both."""
        reads.append(len(reads))
        found = rejected(*asked)
        if len(reads) > 1:
            return found
        ledger_faults.replace_faults(case.ledger, case.id, stage(CN), both)
        return found[:1]

    with mock.patch.object(lookup, "rejected", late):
        found = explain(case.ledger, CN, case.id)
    assert reads == [0, 1]
    assert [row[0] for row in case.faults()] == found["order_no"].tolist() == both["order_no"].tolist()
    assert len(both) == 2
