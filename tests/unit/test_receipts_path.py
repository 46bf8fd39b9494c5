"""Receipts by poll and push, over real HTTP into a real ledger: one idempotent path, raw first, faults explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest

from adapters.cn_ecommerce import ChinaEcommerce
from adapters.contract import Polled
from adapters.ledger import Ledger, events, leases, messages, open_ledger, raws, sources
from adapters.ledger import faults as ledger_faults
from adapters.ledger import receipts as ledger_receipts
from mappings import clock, faults
from mappings.canonical.batch import Batch
from mappings.canonical.columns import plain
from mappings.errors import AuthorityUnavailable
from tasks.receipts import alarm
from tasks.receipts.explain import explain, stage
from tasks.receipts.places import SNAPSHOT, Places, line_of
from tasks.receipts.receive import PAGES, PUSH, accept_push, fetch, keep_push, overlapped, receive
from tasks.receipts.settle import read_and_settle, read_stored, settle
from tasks.submission.submit import submit
from tests.contract.loopback import REP
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


def test_polled_receipts_move_documents_and_repeat_without_effect(case: Case) -> None:
    for statuses in (("2", "2", "2"), ("3", "3", ""), ("120", "", "")):
        case.customs.say(case.dxp, case.answer(statuses))
    first = receive(case.ledger, case.authority, [case.dxp])
    assert (first.raw, first.receipts, first.parked) == (3, 6, {})
    settle(case.ledger, case.authority)
    assert case.states() == ["stored", "at_customs", "accepted"]
    again = receive(case.ledger, case.authority, [case.dxp])
    assert (again.raw, again.receipts) == (0, 0)
    case.customs.queued.append(case.customs.queued[0])
    assert receive(case.ledger, case.authority, [case.dxp]).raw == 0
    assert len(raws.unread(case.ledger, CN)) == 0


def test_push_and_poll_are_one_path(case: Case) -> None:
    pushed = case.customs.say(case.dxp, case.answer(("2", "2", "2")))
    done = accept_push(case.ledger, case.authority, pushed, "customs")
    assert (done.raw, done.receipts) == (1, 3)
    assert receive(case.ledger, case.authority, [case.dxp]).raw == 0
    case.poll()
    assert case.states() == ["accepted"] * 3


def test_the_same_receipts_in_another_envelope_count_once(case: Case) -> None:
    business = case.answer(("2", "2", "2"))
    assert accept_push(case.ledger, case.authority, case.customs.say(case.dxp, business)).receipts == 3
    assert accept_push(case.ledger, case.authority, case.customs.say(case.dxp, business)).receipts == 0


def test_out_of_order_and_late_receipts_never_move_back(case: Case) -> None:
    case.push(case.answer(("120", "120", ""), minutes=2))
    case.push(case.answer(("2", "3", ""), minutes=1))
    assert case.states() == ["stored", "stored", "prepared"]


def test_unreadable_messages_are_kept_and_parked_with_a_reason(case: Case) -> None:
    junk = {
        b"": "empty", b"junk": "XML", b"<!DOCTYPE a><a/>": "DOCTYPE", b"<a/>": "no DXP envelope", b"\xff\xfe\x00": "",
        case.customs.say(case.dxp, b"<CEB303Message/>"): "", case.customs.say(case.dxp, b"\x00\x01"): "",
    }  # fmt: skip
    for body in junk:
        done = accept_push(case.ledger, case.authority, body)
        assert (done.raw, done.receipts, len(done.parked)) == (1, 0, 1)
    parked = raws.parked(case.ledger, CN)
    assert [raws.body(case.ledger, ident) for ident in parked] == list(junk)
    assert all(raws.head(case.ledger, ident).reason for ident in parked)
    untold = alarm.untold_parked(case.ledger)
    assert [row.id for row in untold] == parked
    alarm.tell_parked(case.ledger, untold)
    assert alarm.untold_parked(case.ledger) == [], "told once"
    accept_push(case.ledger, case.authority, b"more junk")
    assert [row.id for row in alarm.untold_parked(case.ledger)] == [max(raws.parked(case.ledger, CN))]
    case.push(case.answer(("2", "2", "2")))
    assert case.states() == ["accepted"] * 3


def test_one_bad_item_of_a_page_is_parked_and_the_cursor_moves(case: Case) -> None:
    case.customs.spoiled = ["no base64!"]
    case.customs.say(case.dxp, case.answer(("2", "2", "2")))
    done = receive(case.ledger, case.authority, [case.dxp])
    settle(case.ledger, case.authority)
    assert case.states() == ["accepted"] * 3
    assert (done.raw, list(done.parked)) == (2, raws.parked(case.ledger, CN))
    assert [raws.body(case.ledger, ident) for ident in done.parked] == [b"no base64!"]
    assert receive(case.ledger, case.authority, [case.dxp]).raw == 0
    assert leases.get_cursor(case.ledger, CN, f"receipts:{case.dxp}") == "1"


def test_a_page_that_cannot_be_read_at_all_is_kept_and_is_no_hearing(case: Case) -> None:
    case.customs.page = "<html>maintenance</html>"
    for _ in range(2):
        with pytest.raises(AuthorityUnavailable, match="unreadable"):
            receive(case.ledger, case.authority, [case.dxp])
    (kept,) = raws.parked(case.ledger, CN)
    assert raws.body(case.ledger, kept) == b"<html>maintenance</html>"


def test_one_bad_row_does_not_stop_the_others(case: Case) -> None:
    business = case.answer(("2", "2", "2")).replace(b"<ceb:returnStatus>2<", b"<ceb:returnStatus>??<", 1)
    done = accept_push(case.ledger, case.authority, case.customs.say(case.dxp, business))
    assert (done.receipts, done.unusable, done.parked) == (3, 1, {})
    settle(case.ledger, case.authority)
    assert sorted(case.states()) == ["accepted", "accepted", "prepared"]
    assert ledger_receipts.counts(case.ledger, CN)["unusable"] == 1


def test_what_a_dead_process_had_stored_is_read_later(case: Case) -> None:
    body = case.customs.say(case.dxp, case.answer(("2", "2", "2")))
    raws.store_raw(case.ledger, "in", CN, "push", "customs", body)
    done = receive(case.ledger, case.authority, [])
    assert (done.raw, done.receipts) == (0, 3)


def test_what_was_fetched_before_a_failure_is_read(case: Case) -> None:
    case.customs.say(case.dxp, case.answer(("2", "2", "2")))
    case.authority.profile = case.customs.authority(connect_attempts=1).profile
    case.authority.wire.profile = case.authority.profile
    pages = iter([case.authority.poll(case.dxp, "")])

    class Failing(ChinaEcommerce):
        def poll(self, dxp_id: str, since: str) -> object:  # type: ignore[override]
            page = next(pages, None)
            if page is None:
                raise AuthorityUnavailable("down")
            return page

    with pytest.raises(AuthorityUnavailable):
        receive(case.ledger, Failing(case.customs.url), [case.dxp])
    assert ledger_receipts.counts(case.ledger, CN) == {"new": 3}


def test_unknown_documents_and_statuses_are_parked_and_visible(case: Case) -> None:
    stranger = {"ebpCode": "X", "ebcCode": "Y", "orderNo": "Z", "returnStatus": "2"}
    case.push(receipt("CEB304Message", [stranger]))
    case.push(case.answer(("77", "", "")))
    assert ledger_receipts.counts(case.ledger, CN) == {"parked": 2}


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


def test_a_payment_receipt_without_payment_number_finds_its_only_document(case: Case) -> None:
    business = case.answer(("120", "120", "120"), "CEB403Message", payNo="")
    case.push(business)
    assert case.states("CEB403Message") == ["stored"] * 3


@pytest.mark.parametrize(
    ("cursor", "last", "since"),
    [
        ("2026-11-23T08:00:00+08:00", "2026-11-23T00:00:30+00:00", "2026-11-22T23:58:30+00:00"),  # polled 30 s later
        ("2026-11-23T08:00:00+08:00", "2026-11-23T00:05:00+00:00", "2026-11-23T08:00:00+08:00"),  # long since polled
        ("2026-11-23T08:00:00+08:00", "", "2026-11-23T08:00:00+08:00"),
        ("17", "2026-11-23T00:05:00+00:00", "17"),
        ("", "", ""),
    ],
)
def test_a_poll_looks_back_as_far_as_something_may_have_come_late(cursor: str, last: str, since: str) -> None:
    assert overlapped(cursor, last, 120) == since


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


def test_a_slice_that_fails_leaves_its_messages_unread(case: Case) -> None:
    """Receipts, their effect and the mark that they were read are one transaction."""
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, case.answer(("2", "2", "2"))))
    with mock.patch("tasks.receipts.receive.raws.mark_all_read", side_effect=RuntimeError), pytest.raises(RuntimeError):
        read_and_settle(case.ledger, case.authority)
    assert case.states() == ["prepared"] * 3
    assert ledger_receipts.counts(case.ledger, CN) == {}
    read_and_settle(case.ledger, case.authority)
    assert case.states() == ["accepted"] * 3


def test_a_push_is_read_before_what_was_fetched_and_leaves_that_alone(case: Case) -> None:
    case.customs.say(case.dxp, case.answer(("2", "2", "2")))
    fetch(case.ledger, case.authority, [case.dxp])
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, case.answer(("3", "", ""))))
    read_and_settle(case.ledger, case.authority, channel=PUSH)
    assert case.states() == ["at_customs", "prepared", "prepared"]
    assert len(raws.unread(case.ledger, CN)) == 1
    read_and_settle(case.ledger, case.authority)
    assert case.states() == ["at_customs", "accepted", "accepted"]
    assert raws.unread(case.ledger, CN) == []


def test_what_was_only_read_is_taken_on_by_who_settles_next(case: Case) -> None:
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, case.answer(("2", "2", "2"))))
    assert read_stored(case.ledger, case.authority).shipments == {case.id}
    assert read_and_settle(case.ledger, case.authority).shipments == {case.id}
    assert read_and_settle(case.ledger, case.authority).shipments == set()


def test_a_push_takes_on_no_truck_that_waits_for_its_turn(case: Case) -> None:
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, case.answer(("2", "2", "2"))))
    assert read_and_settle(case.ledger, case.authority, which=lambda _: set()).shipments == set()
    assert read_and_settle(case.ledger, case.authority, channel=PUSH).shipments == set()
    said = case.answer(("100", "", ""), minutes=1, returnInfo="[Code:1800;Desc:x]")
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, said))
    assert read_and_settle(case.ledger, case.authority, channel=PUSH).shipments == {case.id}, "this one it concerns"
    assert read_and_settle(case.ledger, case.authority).shipments == set()


def test_while_more_and_more_comes_what_has_come_is_read_meanwhile(case: Case) -> None:
    for minute in range(10):
        case.customs.say(case.dxp, case.answer(("2", "2", "2"), minutes=minute))
    seen = list[int]()

    def look() -> bool:
        seen.append(len(raws.unread(case.ledger, CN)))
        return True

    fetch(case.ledger, case.authority, [case.dxp], look)
    assert seen == [2 * PAGES], "customs gives two messages a page here"
    assert len(raws.unread(case.ledger, CN)) == 10


def test_companies_take_turns_who_was_heard_longest_ago_is_first(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company to whom more comes all the time holds up no other, in this hearing or in the next."""
    asked: list[str] = []
    at = clock.now()

    def poll(dxp_id: str, since: str) -> Polled:
        asked.append(dxp_id)
        number = int(since or 0) + 1
        return Polled([f"<{dxp_id}-{number}/>".encode()], str(number) if dxp_id == "busy" or number < 2 else since)

    monkeypatch.setattr(case.authority, "poll", poll)
    rounds = iter(range(3))
    fetch(case.ledger, case.authority, ["busy", "quiet"], lambda: next(rounds) < 2)
    assert asked == ["busy"] * PAGES + ["quiet"] * 2 + ["busy"] * (2 * PAGES)
    asked.clear()
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=1))
    fetch(case.ledger, case.authority, ["busy", "third", "quiet"], lambda: False)
    assert asked == ["third"] * 2 + ["busy"] * PAGES, "the third had never been heard"
    asked.clear()
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=2))
    fetch(case.ledger, case.authority, ["busy", "third", "quiet"], lambda: False)
    assert asked[0] == "quiet", "it had no turn last time"


def test_who_stops_fetching_leaves_the_rest_to_who_fetches_next(case: Case) -> None:
    for minute in range(10):
        case.customs.say(case.dxp, case.answer(("2", "2", "2"), minutes=minute))
    assert fetch(case.ledger, case.authority, [case.dxp], lambda: False) == 2 * PAGES
    assert fetch(case.ledger, case.authority, [case.dxp], lambda: False) == 10 - 2 * PAGES
    assert len(raws.unread(case.ledger, CN)) == 10
