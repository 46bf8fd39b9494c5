"""A dry run of an import: from company files to messages that the schema takes, and nobody named in a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from lxml import etree

from deployments.demo_import import MadeImport, make_import
from deployments.demo_import_files import write
from deployments.demo_import_flaws import demo_import
from mappings.engine import reader, schema
from mappings.engine.spec import load
from tasks import dryrun
from tasks.dryrun import DryRun

TYPES = {
    "9610": ["CEB311Message", "CEB411Message", "CEB511Message", "CEB621Message", "CEB711Message", "CEB513Message"],
    "1210": ["CEB311Message", "CEB411Message", "CEB511Message", "CEB621Message", "CEB513Message"],
}


@pytest.fixture(scope="module", params=["9610", "1210"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[MadeImport, DryRun]:
    made, place = demo_import(120, request.param), tmp_path_factory.mktemp("import")
    return made, dryrun.dry_run(write(made, place / "truck"), place / "home")


def column(run: DryRun, kind: str, segment: str, tag: str) -> list[str]:
    return [v for f in run.files if f.type == kind for v in reader.read(f.body).groups[segment][tag]]


def test_every_message_is_there_and_valid(run: tuple[MadeImport, DryRun]) -> None:
    made, dry = run
    assert list(dict.fromkeys(f.type for f in dry.files)) == TYPES[made.regime]
    ready = int((dry.batch.parcels["parcel.state"] == "ready").sum())
    assert ready > 90
    counts = {kind: sum(f.documents for f in dry.files if f.type == kind) for kind in TYPES[made.regime]}
    signed = sum(kind == "delivered" for kind in made.flaws.values())
    expected = [ready, ready, ready, ready, *([1] if made.regime == "9610" else []), signed]
    assert list(counts.values()) == expected
    for file in dry.files:
        schema.validator(file.type).assertValid(etree.fromstring(file.body))
        assert reader.read(file.body).type == file.type


def test_fixed_values_are_those_of_the_specification(run: tuple[MadeImport, DryRun]) -> None:
    _, dry = run
    fixed = {
        ("CEB311Message", "OrderHead", "orderType"): "I", ("CEB311Message", "OrderHead", "currency"): "142",
        ("CEB311Message", "OrderHead", "buyerIdType"): "1", ("CEB411Message", "PaymentHead", "payerIdType"): "1",
        ("CEB511Message", "LogisticsHead", "packNo"): "1", ("CEB621Message", "InventoryHead", "ieFlag"): "I",
        ("CEB621Message", "InventoryHead", "packNo"): "1", ("CEB621Message", "InventoryList", "currency"): "142",
        ("CEB513Message", "LogisticsStatus", "logisticsStatus"): "S",
    }  # fmt: skip
    assert {key: set(column(dry, *key)) for key in fixed} == {key: {value} for key, value in fixed.items()}


@pytest.mark.parametrize("kind", ["CEB311Message", "CEB411Message", "CEB511Message", "CEB621Message"])
def test_what_a_regime_asks_is_there_and_what_it_does_not_take_is_not(
    run: tuple[MadeImport, DryRun], kind: str
) -> None:
    made, dry = run
    for segment, item in load(kind).walk():
        named = [r for r in ("9610", "1210") if r in item.needed.partition(",")[0]]
        if named:
            values = column(dry, kind, segment.tag, item.tag)
            assert values
            assert all(values) if made.regime in named else not any(values), f"{segment.tag}/{item.tag}"


def test_where_the_goods_come_from(run: tuple[MadeImport, DryRun]) -> None:
    made, dry = run
    countries = set(column(dry, "CEB621Message", "InventoryHead", "country"))
    assert countries == {"110" if made.regime == "9610" else "142"}, "Hong Kong, or China out of a bonded warehouse"
    assert set(column(dry, "CEB621Message", "InventoryHead", "tradeMode")) == {made.regime}


def test_order_and_inventory_agree_line_by_line(run: tuple[MadeImport, DryRun]) -> None:
    """Customs compares number (1320) and content (1322) of the lines."""
    _, dry = run
    same = {
        "gnum": "gnum",
        "qty": "qty",
        "price": "price",
        "totalPrice": "totalPrice",
        "unit": "unit",
        "country": "country",
    }
    for left, right in same.items():
        one, other = (
            column(dry, "CEB311Message", "OrderList", left),
            column(dry, "CEB621Message", "InventoryList", right),
        )
        assert one == other, left
    assert "0" in column(dry, "CEB311Message", "OrderList", "price"), "a gift goes at price 0"


def test_money_adds_up_as_customs_adds_it(run: tuple[MadeImport, DryRun]) -> None:
    _, dry = run
    names = ("goodsValue", "freight", "taxTotal", "discount", "acturalPaid")
    rows = zip(*(map(float, column(dry, "CEB311Message", "OrderHead", name)) for name in names), strict=True)
    assert all(round(goods + freight + taxes - less - paid, 5) == 0 for goods, freight, taxes, less, paid in rows)
    paid = dict(zip(*(column(dry, "CEB311Message", "OrderHead", n) for n in ("orderNo", "acturalPaid")), strict=True))
    orders, amounts = (column(dry, "CEB411Message", "PaymentHead", n) for n in ("orderNo", "amountPaid"))
    assert [paid[order] for order in orders] == amounts


def test_document_numbers_fit_and_are_each_used_once(run: tuple[MadeImport, DryRun]) -> None:
    _, dry = run
    numbers = column(dry, "CEB621Message", "InventoryHead", "copNo")
    numbers += column(dry, "CEB711Message", "DeliveryHead", "copNo")
    assert len(set(numbers)) == len(numbers)
    assert max(map(len, numbers)) <= 20


def test_the_report_names_nobody(run: tuple[MadeImport, DryRun]) -> None:
    made, dry = run
    text = json.dumps(dry.report(), ensure_ascii=False, default=str)
    people = [o["buyer"] for o in made.orders] + [p["payer"] for p in made.payments]
    told = [person[key] for person in people for key in ("name", "idNumber", "phone", "account")]
    told += [o["receiver"]["address"] for o in made.orders]
    assert len(set(told)) > 400
    assert not [value for value in told if value and value in text]
    clear = dryrun.faults_csv(dry).decode("utf-8-sig")
    payer = next(p["payer"] for p in made.payments if made.flaws.get(p["order"]) == "other payer")
    assert payer["idNumber"] in clear, "the sender's own file shows what is wrong"


def without(party: str, made: MadeImport) -> MadeImport:
    del made.truck["companies"][party]
    return made


def no_account_book(made: MadeImport) -> MadeImport:
    made.truck["batch"]["accountBook"] = ""
    return made


@pytest.mark.parametrize(
    ("regime", "change", "field"),
    [
        ("9610", partial(without, "guarantor"), "party.guarantor.code"),
        ("1210", partial(without, "guarantor"), "party.guarantor.code"),
        ("1210", partial(without, "area"), "party.area.code"),
        ("1210", no_account_book, "truck.ems_no"),
    ],
)
def test_what_a_regime_asks_of_the_truck_is_a_fault(
    tmp_path: Path, regime: str, change: Callable[[MadeImport], MadeImport], field: str
) -> None:
    dry = dryrun.dry_run(write(change(make_import(3, regime)), tmp_path / "t"), tmp_path / "home")
    assert set(dry.batch.parcels["parcel.state"]) == {"held"}
    assert field in set(dry.batch.faults["field"][dry.batch.faults["code"] == "CNV-001"])
    assert dry.files == []


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = write(make_import(4, "1210"), tmp_path / "t")
    one, two = (dryrun.dry_run(folder, tmp_path / "home") for _ in range(2))
    assert [(f.name, f.body) for f in one.files] == [(f.name, f.body) for f in two.files]
