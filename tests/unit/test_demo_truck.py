"""The made-up truck: the same for the same seed, in layouts that capture reads, each flaw where it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from deployments import xlsx
from deployments.demo_flaws import KINDS, demo_truck, with_flaws
from deployments.demo_truck import FILES, make_truck, write
from tasks.capture import read_folder
from tasks.cleaning import clean
from tasks.matching import match

EXPECTED = {  # what a flaw leads to: the state of its parcel, and its reason where there is one
    "amount": ("held", "MAT-001"),
    "weight": ("held", "WAY-003"),
    "no_payment": ("held", "PAY-001"),
    "no_waybill": ("held", "WAY-001"),
    "unregistered": ("held", "LIN-003"),
    "cancelled": ("excluded", "ORD-001"),
    "twice": ("ready", ""),
    "two payments": ("held", "PAY-004"),
    "postage": ("ready", ""),
    "rejected by customs": ("ready", ""),
    "inspected by customs": ("ready", ""),
    "customs slow": ("ready", ""),
}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write(demo_truck(60, 7), tmp_path / name) for name in "ab")
    assert [(one / f).read_bytes() for f in FILES] == [(two / f).read_bytes() for f in FILES]


def test_other_seeds_share_no_order_and_no_waybill() -> None:
    one, two = make_truck(50, seed=1), make_truck(50, seed=2)
    assert not set(one.orders()) & set(two.orders())
    assert not set(one.waybills["waybill"]) & set(two.waybills["waybill"])


def test_a_clean_truck_has_no_fault(tmp_path: Path) -> None:
    batch = match(clean(read_folder(write(make_truck(200, 2.5), tmp_path))))
    assert batch.parcels["parcel.state"].value_counts().to_dict() == {"ready": 200}
    assert batch.faults[batch.faults["severity"] != "info"].empty


def test_lines_per_parcel_is_what_was_asked_for() -> None:
    made = make_truck(4000, 2.5)
    assert len(made.lines) / 4000 == pytest.approx(2.5, rel=0.05)
    assert len(make_truck(10, 1).lines) == 10


def test_every_flaw_ends_as_it_should(tmp_path: Path) -> None:
    made = demo_truck(300)
    batch = match(clean(read_folder(write(made, tmp_path))))
    parcels = batch.parcels.set_index("order.order_no")
    for order, kind in made.flaws.items():
        if kind in EXPECTED:
            found = parcels.loc[order, ["parcel.state", "parcel.reason"]].tolist()
            assert tuple(found) == EXPECTED[kind], (kind, found)
    clean_ones = parcels.drop(list(made.flaws))
    assert set(clean_ones["parcel.state"]) == {"ready"}


def test_flaws_are_all_there_and_in_orders_of_their_own() -> None:
    made = demo_truck(300)
    assert sorted(made.flaws.values()) == sorted(k for k, (_, many) in KINDS.items() for _ in range(many))
    assert set(made.flaws) <= set(made.orders())
    assert made.behaviour[0]["match"]["order_no"] in made.flaws


def test_a_truck_too_small_for_the_flaws_is_refused() -> None:
    with pytest.raises(ValueError, match="parcels"):
        with_flaws(make_truck(5))


def test_the_truck_sheet_names_companies_of_its_own(tmp_path: Path) -> None:
    sheet = json.loads((write(make_truck(1), tmp_path) / "truck.json").read_text("utf-8"))
    codes = [p["code"] for p in sheet["parties"].values() if "code" in p]
    assert len(codes) == len(set(codes)) == 6
    assert all(len(code) == 18 for code in codes)


def test_xlsx_reads_back_as_written(tmp_path: Path) -> None:
    rows = [("商品货号", "净重"), ("A<&>1", 0.25), (" b ", 3)]
    xlsx.write(tmp_path / "x.xlsx", rows)
    read = CalamineWorkbook.from_path(tmp_path / "x.xlsx").get_sheet_by_index(0).to_python()
    assert read == [list(rows[0]), ["A<&>1", 0.25], [" b ", 3.0]]
