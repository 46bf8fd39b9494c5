"""The pool: a day's files are taken in once, and each truck joins its own rows of them through the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapters.ledger import faults, parcels, pool, shipments
from deployments import demo_truck
from mappings import clock
from mappings.errors import ConfigurationError, DataFault
from tasks import inbox
from tasks.clearing import intake
from tasks.clearing.alone import held
from tasks.clearing.declaring import load_batch
from tasks.pool import take_in
from tasks.pool.take_in import Taken
from tests.unit.desk import Desk, files, truck

OWN = ("truck.json", "waybills.jsonl")
DAY = ("goods_master.xlsx", "orders.csv", "payments.csv")


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """The day's files of a truck's six parcels."""
    return demo_truck.write(truck(), tmp_path / "day")


def take(desk: Desk, folder: Path, *names: str, platform: str = "") -> list[Taken]:
    return [take_in.take_file(desk.office, folder / name, platform) for name in names or DAY]


def deliver(desk: Desk, *names: str) -> int:
    desk.id = intake.receive_files(desk.office, files(truck(), *(names or OWN)), "", "carrier").shipment_id
    intake.work_up(desk.office, desk.id)
    return desk.id


def limits(desk: Desk, tmp_path: Path, **values: int) -> None:
    """The home's own bounds."""
    own = tmp_path / "profiles"
    own.mkdir(exist_ok=True)
    rule = {"rows_at_once": 20000, "piece_bytes": 4194304, "whole_bytes": 67108864, "faults_kept": 200, **values}
    lines = "".join(f"    {name}: {value}\n" for name, value in rule.items())
    (own / "bounds.yaml").write_text(f"pool:\n  - since: 2016-01-01\n{lines}")
    desk.office.home = replace(desk.office.home, profiles=own)


def codes(desk: Desk) -> dict[str, int]:
    return faults.faults(desk.ledger, desk.id)["code"].value_counts().to_dict()


def same(one: pd.DataFrame, two: pd.DataFrame) -> bool:
    plain = [frame.astype({c: "str" for c in frame if frame[c].dtype == "category"}) for frame in (one, two)]
    return plain[0].equals(plain[1][list(plain[0])])


def test_a_truck_from_the_pool_is_the_truck_from_its_own_files(desk: Desk, day: Path) -> None:
    whole = intake.to_batch(intake._read(files(truck()), desk.office), desk.office.home)[0]
    take(desk, day)
    made = load_batch(desk.ledger, deliver(desk))
    assert desk.counts() == {"ready": 6}
    assert same(whole.parcels, made.parcels)
    assert same(whole.lines, made.lines)
    assert codes(desk) == {}


def test_rows_in_many_pieces_are_the_same_rows(desk: Desk, day: Path, tmp_path: Path) -> None:
    whole = intake.to_batch(intake._read(files(truck()), desk.office), desk.office.home)[0]
    limits(desk, tmp_path, rows_at_once=2, piece_bytes=97)
    take(desk, day)
    made = load_batch(desk.ledger, deliver(desk))
    assert same(whole.parcels, made.parcels)
    assert same(whole.lines, made.lines)


def test_a_waybill_whose_order_is_nowhere_waits_and_rejoins(desk: Desk, day: Path) -> None:
    take(desk, day, "goods_master.xlsx")
    deliver(desk)
    assert desk.counts() == {"held": 6}
    assert {row.reason for row in desk.rows()} == {"POOL-001"}
    assert all(row.waybill_no for row in desk.rows())
    told = faults.faults(desk.ledger, desk.id)
    rest = told[told["order_no"] == ""]
    assert set(zip(rest["code"], rest["severity"], strict=True)) == {("CAP-002", "warning")}
    told = told[told["order_no"] != ""]
    assert (set(told["code"]), set(told["file"])) == ({"POOL-001"}, {"waybills.jsonl"})
    assert told["row"].tolist() == [1, 2, 3, 4, 5, 6]
    before = len(intake.deliveries_of(desk.office, desk.id))
    assert take(desk, day, "orders.csv", "payments.csv")[0].shipments == [desk.id]
    assert len(intake.deliveries_of(desk.office, desk.id)) == before + 2, "its pulse sees a delivery"
    assert intake.work_up(desk.office, desk.id) is not None
    assert (desk.counts(), codes(desk)) == ({"ready": 6}, {})
    assert intake.work_up(desk.office, desk.id) is None


def test_some_orders_in_the_pool_and_some_nowhere(desk: Desk, day: Path) -> None:
    rows = (day / "orders.csv").read_text("utf-8").splitlines(keepends=True)
    late = truck().orders()[-1]
    (day / "orders.csv").write_text("".join(row for row in rows if not row.startswith(late)), "utf-8")
    take(desk, day)
    deliver(desk)
    assert desk.counts() == {"ready": 5, "held": 1}
    assert codes(desk) == {"POOL-001": 1}, "its payment alone is no second fault"
    (day / "rest.csv").write_text("".join([rows[0], *(row for row in rows if row.startswith(late))]), "utf-8")
    take(desk, day, "rest.csv")
    intake.work_up(desk.office, desk.id)
    assert (desk.counts(), codes(desk)) == ({"ready": 6}, {})


def test_the_trucks_own_rows_go_before_the_pools(desk: Desk, day: Path) -> None:
    text = (day / "orders.csv").read_text("utf-8")
    (day / "orders.csv").write_text(text.replace("United Kingdom", "France"), "utf-8")
    take(desk, day)
    deliver(desk, *OWN, *DAY)
    whole = intake.to_batch(intake._read(files(truck()), desk.office), desk.office.home)[0]
    assert same(whole.parcels, load_batch(desk.ledger, desk.id).parcels)


def test_the_same_file_again_is_nothing_and_the_same_rows_are_no_new_version(desk: Desk, day: Path) -> None:
    take(desk, day)
    deliver(desk)
    again = take(desk, day)
    assert [(one.new, one.shipments) for one in again] == [(False, [])] * 3
    with (day / "orders.csv").open("a") as file:
        file.write("\n")
    more = take(desk, day, "orders.csv")[0]
    assert (more.new, more.unchanged, more.shipments) == (True, 6, [])
    assert intake.work_up(desk.office, desk.id) is None
    assert desk.counts() == {"ready": 6}


def changed(day: Path) -> str:
    """Another file of the day in which one order has another price; which order."""
    rows = (day / "orders.csv").read_text("utf-8").splitlines(keepends=True)
    order = rows[1].split(",")[0]
    cells = rows[1].split(",")
    cells[3] = str(int(cells[3]) + 1)
    (day / "orders.csv").write_text("".join([rows[0], ",".join(cells), *rows[2:]]), "utf-8")
    return order


def test_a_changed_row_is_a_new_version(desk: Desk, day: Path) -> None:
    take(desk, day)
    deliver(desk)
    order = changed(day)
    assert take(desk, day, "orders.csv")[0].shipments == [desk.id]
    intake.work_up(desk.office, desk.id)
    assert desk.counts() == {"ready": 5, "held": 1}
    told = faults.faults(desk.ledger, desk.id)
    assert set(zip(told["order_no"], told["code"], strict=True)) >= {(order, "MAT-001")}
    rows = pool.rows_of(desk.ledger, pool.ORDER, [order], "")
    assert len({row.last_file_id for row in rows}) == 3, "payment, old order, new order"


def test_a_changed_row_of_a_declared_parcel_is_a_fault(desk: Desk, day: Path) -> None:
    take(desk, day)
    deliver(desk)
    shipments.approve(desk.ledger, desk.id, "tester")
    desk.prepare("declare")
    order = changed(day)
    take(desk, day, "orders.csv")
    intake.work_up(desk.office, desk.id)
    told = faults.faults(desk.ledger, desk.id)
    assert ("CHG-001", order) in set(zip(told["code"], told["order_no"], strict=True))
    assert desk.counts() == {"declared": 6}


def test_back_to_the_first_version(desk: Desk, day: Path) -> None:
    first = (day / "orders.csv").read_text("utf-8")
    take(desk, day)
    deliver(desk)
    changed(day)
    take(desk, day, "orders.csv")
    intake.work_up(desk.office, desk.id)
    (day / "orders.csv").write_text(first + "\n", "utf-8")
    assert take(desk, day, "orders.csv")[0].shipments == [desk.id], "it says otherwise than the file before"
    intake.work_up(desk.office, desk.id)
    assert desk.counts() == {"ready": 6}


def test_rows_of_another_platform_are_not_joined(desk: Desk, day: Path) -> None:
    take(desk, day, "goods_master.xlsx")
    take(desk, day, "orders.csv", "payments.csv", platform="ANOTHER")
    deliver(desk)
    assert desk.counts() == {"held": 6}
    take(desk, day, "orders.csv", "payments.csv", platform=truck().truck["parties"]["platform"]["code"])
    intake.work_up(desk.office, desk.id)
    assert desk.counts() == {"ready": 6}


def test_a_reader_that_died_goes_on_where_it_stood(
    desk: Desk, day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(desk, tmp_path, rows_at_once=3)
    calls, add = list[int](), pool.add

    def dying(*args: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return add(*args)

    monkeypatch.setattr(pool, "add", dying)
    with pytest.raises(KeyboardInterrupt):
        take(desk, day, "orders.csv")
    monkeypatch.undo()
    assert pool.rows_of(desk.ledger, pool.ORDER, truck().orders(), "") == [], "nothing holds before all is read"
    take(desk, day)
    deliver(desk)
    whole = intake.to_batch(intake._read(files(truck()), desk.office), desk.office.home)[0]
    assert same(whole.lines, load_batch(desk.ledger, desk.id).lines)


def test_an_order_that_stands_in_two_places_of_a_file_is_one(desk: Desk, day: Path, tmp_path: Path) -> None:
    limits(desk, tmp_path, rows_at_once=2)
    rows = (day / "orders.csv").read_text("utf-8").splitlines(keepends=True)
    (day / "orders.csv").write_text("".join([rows[0], *rows[2:], rows[1]]), "utf-8")
    for ending in ("", "\n"):  # the second time nothing is new
        with (day / "orders.csv").open("a") as file:
            file.write(ending)
        take(desk, day)
        deliver(desk)
        intake.work_up(desk.office, desk.id)
        assert desk.counts() == {"ready": 6}
        assert len(load_batch(desk.ledger, desk.id).lines) == len(rows) - 1


def test_rows_without_a_number_and_of_another_width_are_told(desk: Desk, day: Path) -> None:
    with (day / "orders.csv").open("a") as file:
        file.write(",20001,NAME,1,2026-11-22T10:00:00,1.00,1,France\nA,B\n")
    taken = take(desk, day, "orders.csv")[0]
    assert taken.faults == {"POOL-002": 1, "CAP-008": 1}
    last = len((day / "orders.csv").read_text("utf-8").splitlines())
    assert sorted(fault["row"] for fault in taken.examples) == [last - 1, last]
    assert pool.file(desk.ledger, taken.file_id).faults["counts"] == taken.faults


def test_json_lines_of_the_pool(desk: Desk, day: Path, tmp_path: Path) -> None:
    own = tmp_path / "profiles"
    own.mkdir()
    (own / "paid.yaml").write_text(
        "name: paid\nsender: payment_company\nformat: {type: jsonl}\ntimezone: Europe/London\ntables:\n  payment:\n"
        "    fields:\n      order_no: o\n      pay_no: n\n      amount: a\n      currency: {constant: GBP}\n"
        "      paid_at: {from: t, format: iso}\n      payer_name: p\n", "utf-8")  # fmt: skip
    desk.office.home = replace(desk.office.home, profiles=own)
    frame = truck().payments
    (day / "paid.jsonl").write_text("".join(
        json.dumps({"o": r.order, "n": r.pay_no, "a": f"{r.pence / 100:.2f}", "t": "2026-11-22T10:00", "p": r.payer})
        + "\n" for r in frame.itertuples()) + "{broken\n", "utf-8")  # fmt: skip
    taken = take(desk, day, "goods_master.xlsx", "orders.csv", "paid.jsonl")[2]
    assert (taken.rows, taken.faults) == (6, {"CAP-009": 1})
    assert taken.examples[0]["row"] == 7
    deliver(desk)
    assert desk.counts() == {"ready": 6}
    (own / "paid.yaml").unlink()
    with pytest.raises(ConfigurationError, match="No profile 'paid'"):
        intake.work_up(desk.office, desk.id, anew=True)


@pytest.mark.parametrize(("name", "code"), [("waybills.jsonl", "POOL-003"), ("truck.json", "POOL-003")])
def test_a_trucks_own_file_is_not_for_the_pool(desk: Desk, day: Path, name: str, code: str) -> None:
    with pytest.raises(DataFault) as caught:
        take(desk, day, name)
    assert [fault["code"] for fault in caught.value.faults] == [code]


def test_what_cannot_be_read_leaves_nothing_and_may_be_tried_again(desk: Desk, day: Path, tmp_path: Path) -> None:
    good = (day / "payments.csv").read_bytes()
    (day / "payments.csv").write_bytes(good + b"\xff\xff\xff\n")
    for _ in range(2):
        with pytest.raises(DataFault) as caught:
            take(desk, day, "payments.csv")
        assert [(f["code"], f["row"]) for f in caught.value.faults] == [("CAP-006", 8)]
    assert pool.files(desk.ledger)[0].state == pool.REFUSED
    (day / "empty.csv").write_bytes(b"")
    with pytest.raises(DataFault, match="empty"):
        take(desk, day, "empty.csv")
    (day / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataFault) as caught:
        take(desk, day, "other.csv")
    assert [f["code"] for f in caught.value.faults] == ["CAP-001"]


def test_a_form_that_is_read_whole_has_a_bound(desk: Desk, day: Path, tmp_path: Path) -> None:
    limits(desk, tmp_path, whole_bytes=1000)
    with pytest.raises(DataFault) as caught:
        take(desk, day, "goods_master.xlsx")
    assert [f["code"] for f in caught.value.faults] == ["POOL-004"]
    assert take(desk, day, "orders.csv")[0].rows > 6, "CSV is read piece by piece"


def test_two_readers_of_one_file_are_kept_apart(desk: Desk, day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(clock.now(), 1.0).variable())
    path = day / "orders.csv"
    digest, size = take_in._digest(path)
    row, _ = pool.open_file(desk.ledger, path.name, digest, size, "")
    other = replace(desk.office, worker="elsewhere:1")
    with held(other, f"pool:{row.id}"), pytest.raises(ConfigurationError, match="Another process"):
        take_in.take_file(desk.office, path)


def test_a_truck_of_too_many_parcels_is_refused(desk: Desk, tmp_path: Path) -> None:
    own = tmp_path / "profiles"
    own.mkdir()
    (own / "bounds.yaml").write_text("parcels_per_truck:\n  - {since: 2016-01-01, most: 5}\n")
    desk.office.home = replace(desk.office.home, profiles=own)
    with pytest.raises(DataFault, match=r"6 parcels, and at most 5 .* split its waybills"):
        deliver(desk, *OWN, *DAY)
    assert shipments.listing(desk.ledger) == []


def test_the_inbox_takes_its_pool_folder_and_starts_trucks_without_orders(
    desk: Desk, day: Path, tmp_path: Path
) -> None:
    box = tmp_path / "box"
    demo = demo_truck.write(truck(), box / "truck1")
    for name in DAY:
        (demo / name).unlink()
    theirs = box / "pool" / truck().truck["parties"]["platform"]["code"]
    theirs.mkdir(parents=True)
    assert [inbox.look(str(box)).ready for _ in range(2)] == [[], []], "the pool is not used: it is not complete"
    for name in DAY:
        (theirs / name).write_bytes((day / name).read_bytes())
    (box / "pool" / "bad.csv").write_text("a,b\n1,2\n")
    assert {w.reason for w in inbox.take_pool(str(box))} == {inbox.ARRIVING}
    assert [w.folder.name for w in inbox.take_pool(str(box))] == ["bad.csv"]
    assert inbox.take_pool(str(box)) == []
    assert [folder.name for folder in inbox.look(str(box)).ready] == ["truck1"]
    assert {file.platform_code for file in pool.files(desk.ledger)} == {theirs.name, ""}


def test_parcels_of_the_pool_go_with_their_person(desk: Desk, day: Path) -> None:
    take(desk, day)
    orders = truck().orders()
    assert pool.forget(desk.ledger, orders[:2]) == 4, "order and payment of each"
    deliver(desk)
    assert {row.reason for row in parcels.listing(desk.ledger, desk.id) if row.state == "held"} == {"POOL-001"}
    assert desk.counts() == {"ready": 4, "held": 2}
