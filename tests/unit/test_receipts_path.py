"""Receipts by poll and push, over real HTTP into a real ledger: one idempotent path, raw first."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest

from adapters.cn_ecommerce import ChinaEcommerce
from adapters.contract import Polled
from adapters.ledger import leases, raws
from adapters.ledger import receipts as ledger_receipts
from adapters.ledger.faults import faults
from mappings import clock
from mappings.errors import AuthorityUnavailable
from tasks.receipts import alarm
from tasks.receipts.due import unexplained
from tasks.receipts.explain import explain, stage
from tasks.receipts.receive import PAGES, PUSH, accept_push, fetch, keep_push, overlapped, receive
from tasks.receipts.settle import read_and_settle, read_stored, settle
from tests.unit.customs import receipt
from tests.unit.receipts_case import CN, Case, case

__all__ = ["case"]


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


def test_a_slice_that_fails_leaves_its_messages_unread(case: Case) -> None:
    """Receipts, their effect and the mark that they were read are one transaction."""
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, case.answer(("2", "2", "2"))))
    with mock.patch("tasks.receipts.reading.raws.mark_all_read", side_effect=RuntimeError), pytest.raises(RuntimeError):
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


def test_what_was_only_read_is_explained_by_who_settles_next(case: Case) -> None:
    said = case.answer(("100", "2", "2"), returnInfo="[Code:1800;Desc:x]")
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, said))
    assert read_stored(case.ledger, case.authority).shipments == {case.id}
    assert read_and_settle(case.ledger, case.authority).shipments == {case.id}
    assert read_and_settle(case.ledger, case.authority).shipments == set()


def test_a_push_takes_on_no_truck_that_waits_for_its_turn(case: Case) -> None:
    said = case.answer(("100", "2", "2"), returnInfo="[Code:1800;Desc:x]")
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, said))
    read_and_settle(case.ledger, case.authority, which=lambda _: set())
    assert read_and_settle(case.ledger, case.authority, channel=PUSH).shipments == set()
    assert unexplained(case.ledger, CN).keys() == {case.id}
    keep_push(case.ledger, case.authority, case.customs.say(case.dxp, case.answer(("", "3", ""), minutes=1)))
    assert read_and_settle(case.ledger, case.authority, channel=PUSH).shipments == {case.id}, "this one it concerns"
    assert unexplained(case.ledger, CN) == {}
    assert read_and_settle(case.ledger, case.authority).shipments == set()


def test_only_what_may_be_a_fault_is_to_be_explained(case: Case) -> None:
    def hear(statuses: tuple[str, str, str], minutes: int, **more: str) -> int:
        said = case.answer(statuses, minutes=minutes, **more)
        keep_push(case.ledger, case.authority, case.customs.say(case.dxp, said))
        with mock.patch("tasks.receipts.settle.explain", side_effect=explain) as asked:
            assert read_and_settle(case.ledger, case.authority).shipments == {case.id}
        return asked.call_count

    assert [hear(("2", "2", "2"), 0), hear(("3", "3", "3"), 1)] == [0, 0], "the usual case"
    assert hear(("100", "120", "120"), 2, returnInfo="[Code:1800;Desc:x]") == 1
    assert len(faults(case.ledger, case.id, stage=stage(CN))) == 1
    again = case.customs.say(case.dxp, case.answer(("", "", "100"), minutes=1))
    keep_push(case.ledger, case.authority, again)
    with mock.patch("tasks.receipts.settle.explain", side_effect=explain) as asked:
        read_and_settle(case.ledger, case.authority)
    assert asked.call_count == 1, "what comes late may contradict"


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
