"""Judging an import truck: numbers, limits, taxes; every fault at once, one bad parcel holds itself alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest

from mappings import faults
from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE
from mappings.imports.rates import shipped
from tasks.imports import bill_faults, compare_bill, judge, returned_amounts
from tasks.imports.booking import GUARANTEE, QUOTA, STOCK
from tasks.reporting.faults import explained
from tests.factory import make_batch
from tests.import_factory import COMPANY, DAY, EMS, column, make_import, priced, resident, stated


def codes(batch: Batch) -> dict[int, list[str]]:
    """Fault codes by parcel number."""
    orders = {o: n for n, o in enumerate(batch.parcels["order.order_no"])}
    found: dict[int, list[str]] = {}
    for order, code in zip(batch.faults["order_no"], batch.faults["code"], strict=True):
        found.setdefault(orders[order], []).append(code)
    return found


def changed(batch: Batch, position: int, **values: Any) -> Batch:
    """The batch with other values in one parcel."""
    parcels = batch.parcels.copy()
    for name, value in values.items():
        path = name.replace("__", ".")
        parcels[path] = parcels[path].copy() if path in parcels else pd.Series([""] * len(parcels), dtype="str")
        parcels.loc[position, path] = value
    return replace(batch, parcels=parcels)


def test_a_good_truck_has_taxes_and_no_fault() -> None:
    batch = judge(make_import(5), DAY)
    assert len(batch.faults) == 0
    assert set(batch.parcels["parcel.state"]) == {"ready"}
    sums = batch.lines.groupby("parcel")[["line.tax_vat", "line.tax_consumption", "line.tax_duty"]].sum()
    assert batch.parcels["parcel.tax_total"].tolist() == sums.sum(axis=1).tolist()
    assert batch.parcels["parcel.tax_total"].gt(0).all()
    whole = batch.lines.groupby("parcel")["line.tax_price"].sum().to_numpy()
    paid = batch.parcels["order.goods_value"] + batch.parcels["order.freight"] + batch.parcels["order.insurance"]
    assert whole.tolist() == paid.tolist()
    assert set(batch.lines["line.tax_rate"].str.partition(":")[0]) == {"rates.csv"}
    assert Batch.from_bytes(replace(batch, truck=make_batch(1).truck).to_bytes()).parcels.equals(batch.parcels)


def test_judging_again_changes_nothing() -> None:
    once = judge(make_import(3), DAY)
    again = judge(once, DAY)
    assert again.parcels.equals(once.parcels)
    assert again.lines.equals(once.lines)


def test_an_export_and_a_truck_without_buyers_are_left_alone() -> None:
    export = make_batch(2)
    assert judge(export, DAY) is export
    nobody = make_import(2)
    nobody = replace(nobody, parcels=nobody.parcels.drop(columns="buyer.id_number"))
    assert judge(nobody, DAY) is nobody


WRONG_DIGIT = resident(7)[:-1] + ("1" if resident(7)[-1] != "1" else "2")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"buyer__id_type": "2"}, "BUY-001"),
        ({"buyer__id_number": "99000019900101"}, "BUY-002"),
        ({"buyer__id_number": "99000019900101００１X"}, "BUY-002"),
        ({"buyer__id_number": WRONG_DIGIT}, "BUY-003"),
        ({"buyer__id_number": resident(1, "20270101")}, "BUY-004"),
        ({"buyer__id_number": resident(1, "18500101")}, "BUY-004"),
        ({"buyer__id_number": resident(1, "19900230")}, "BUY-004"),
        ({"order__platform_code": "4404"}, "CMP-001"),
        ({"order__seller_code": COMPANY[:-1] + "A"}, "CMP-002"),
    ],
)
def test_a_wrong_number_has_one_fault(values: dict[str, str], code: str) -> None:
    batch = judge(changed(make_import(3), 1, **values), DAY)
    assert codes(batch) == {1: [code]}
    error = faults.table()[code].severity == "error"
    assert batch.parcels["parcel.state"].tolist() == ["ready", "held" if error else "ready", "ready"]
    assert batch.parcels["parcel.reason"].tolist()[1] == (code if error else "")


@pytest.mark.parametrize("value", [resident(3).lower(), resident(3)])
def test_right_numbers_pass(value: str) -> None:
    batch = changed(make_import(2), 0, buyer__id_number=value, order__platform_code=COMPANY, payment__pay_code="4404TEST01")  # fmt: skip  # noqa: E501
    assert codes(judge(batch, DAY)) == {}


def test_all_faults_of_a_parcel_come_at_once_and_the_first_in_the_table_is_its_reason() -> None:
    batch = changed(stated(make_import(2), by=50 * SCALE), 1, buyer__id_number=WRONG_DIGIT)
    judged = judge(batch, DAY)
    assert codes(judged) == {0: ["TAX-001"], 1: ["BUY-003", "TAX-001"]}
    assert judged.parcels["parcel.reason"].tolist() == ["TAX-001", "BUY-003"]


def test_a_buyers_number_is_masked_on_a_screen_and_clear_in_the_senders_file() -> None:
    found = judge(changed(make_import(2), 1, buyer__id_number=WRONG_DIGIT), DAY).faults
    assert WRONG_DIGIT not in repr(explained(found))
    assert WRONG_DIGIT in repr(explained(found, clear=True))


def test_excluded_and_held_parcels_keep_their_state() -> None:
    batch = changed(stated(make_import(3), by=50 * SCALE), 0, parcel__state="excluded", parcel__reason="ORD-001")
    judged = judge(changed(batch, 1, parcel__state="held", parcel__reason="WAY-001"), DAY)
    assert judged.parcels["parcel.state"].tolist() == ["excluded", "held", "held"]
    assert judged.parcels["parcel.reason"].tolist() == ["ORD-001", "WAY-001", "TAX-001"]
    assert 0 not in codes(judged)


def test_the_single_limit_and_its_one_item() -> None:
    batch = priced(make_import(4, lines=1), 5000, 5001, 26001, 5001)
    two = batch.lines.assign(**{"line.quantity": column([SCALE, SCALE, SCALE, 2 * SCALE])})
    judged = judge(stated(replace(batch, lines=two)), DAY)
    assert codes(judged) == {1: ["LIM-002"], 2: ["LIM-003"], 3: ["LIM-001"]}
    assert judged.parcels["parcel.state"].tolist() == ["ready", "ready", "held", "held"]
    told = judged.faults.set_index("code")
    assert (told.loc["LIM-001", "value"], told.loc["LIM-001", "other_value"]) == ("5001", "5000")
    assert told.loc["LIM-003", "other_value"] == "26000"


def test_over_the_limit_duty_is_levied_and_within_it_is_not() -> None:
    batch = priced(make_import(2, lines=1), 5000, 5001)
    batch = replace(batch, lines=batch.lines.assign(**{"line.hs_code": "8509809000"}))
    judged = judge(stated(batch), DAY)
    assert judged.lines["line.tax_duty"].tolist() == [0, 40_008_000]  # 8 % of 5,001, made-up table
    assert judged.lines["line.tax_vat"].tolist() == [45_500_000, 70_214_000]  # 0.7 x 13 %; 13 % of price and duty


def test_before_2019_the_old_limit_held_and_no_item_passed() -> None:
    judged = judge(priced(make_import(1, lines=1), 2001), date(2018, 12, 31), shipped_since_ever())
    assert codes(judged)[0][0] == "LIM-001"


def shipped_since_ever() -> Any:
    rows = tuple(replace(row, since=date.min) for row in shipped().rows)
    return replace(shipped(), rows=rows)


@pytest.mark.parametrize(("by", "code"), [(0, []), (1000, ["TAX-002"]), (3000, ["TAX-002"]), (-4000, ["TAX-001"])])
def test_the_stated_tax_is_held_against_the_computed(by: int, code: list[str]) -> None:
    """A line has three taxes, each may be off by a cent; what was computed is shown with its row."""
    judged = judge(stated(priced(make_import(1, lines=1), 410), by=by), DAY)
    assert codes(judged).get(0, []) == code
    for row in judged.faults.to_dict("records"):
        assert row["other_value"].startswith("37.31 (1: 410 × rates.csv:")
        said = faults.explain({str(k): v for k, v in row.items()})
        assert row["value"] in said["message_zh"] and "37.31" in said["message_en"]


def test_no_rate_no_quantity_and_another_currency_are_faults_of_the_line() -> None:
    batch = priced(make_import(3, lines=1), 100, 100, 100)
    hs = pd.Series(["0101210010", "2203000000", "9503008900"], dtype="str")
    batch = replace(batch, lines=batch.lines.assign(**{"line.hs_code": hs, "line.gnum": 1}))
    judged = judge(changed(batch, 2, order__currency="USD"), DAY)
    assert codes(judged) == {0: ["TAX-003"], 1: ["TAX-004"], 2: ["TAX-005"]}
    assert judged.faults["other_value"].tolist() == [DAY.isoformat(), "LTR", "CNY"]
    assert judged.parcels["parcel.tax_total"].isna().tolist() == [True, True, False]


def test_second_units_are_found_wherever_the_line_has_them() -> None:
    batch = priced(make_import(3, lines=1), 100, 100, 100)
    units = {"line.unit2": ["LTR", "", ""], "line.unit1": ["KGM", "LTR", "KGM"], "line.unit": ["H87", "H87", "LTR"]}
    amount = {f"line.quantity{n}": column([3 * SCALE] * 3) for n in ("2", "1", "")}
    lines = batch.lines.assign(**{k: pd.Series(v, dtype="str") for k, v in units.items()}, **amount)
    judged = judge(replace(batch, lines=lines.assign(**{"line.hs_code": "2203000000"})), DAY)
    assert judged.lines["line.tax_consumption"].tolist() == [46_000] * 3  # 3 litres at 0.22 yuan, 70 %


def test_a_fault_names_its_cell() -> None:
    batch = stated(make_import(2), by=50 * SCALE)
    place = {"order.file": "orders.csv", "order.sheet": "", "order.row": [3, 4], "order.profile": ""}
    judged = judge(replace(batch, parcels=batch.parcels.assign(**place)), DAY)
    assert judged.faults[["file", "row"]].to_numpy().tolist() == [["orders.csv", 3], ["orders.csv", 4]]


def bill_of(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tax bills that customs would make of a judged batch, as texts."""

    def text(values: pd.Series) -> list[str]:
        return [f"{v / SCALE:.5f}" for v in values]

    heads = pd.DataFrame({"seq": batch.parcels["parcel.seq"]} | {
        tag: text(batch.parcels[f"parcel.tax_{name}"]) for tag, name in
        (("customsTax", "duty"), ("valueAddedTax", "vat"), ("consumptionTax", "consumption"))
    })  # fmt: skip
    lines = pd.DataFrame({
        "seq": batch.parcels["parcel.seq"].to_numpy()[batch.lines["parcel"]],
        "gnum": batch.lines["line.gnum"].astype(str),
        "gcode": batch.lines["line.hs_code"], "taxPrice": text(batch.lines["line.tax_price"]),
        "customsTax": text(batch.lines["line.tax_duty"]), "valueAddedTax": text(batch.lines["line.tax_vat"]),
        "consumptionTax": text(batch.lines["line.tax_consumption"]),
    })  # fmt: skip
    return heads, lines


def test_a_bill_like_ours_has_no_difference() -> None:
    batch = judge(make_import(4), DAY)
    assert compare_bill(batch, *bill_of(batch)).empty


def test_every_difference_of_a_bill_is_said() -> None:
    batch = judge(make_import(3, lines=2), DAY)
    heads, lines = bill_of(batch)
    heads, lines = heads[heads["seq"] != 3], lines[lines["seq"] != 3].reset_index(drop=True)
    vat = float(heads.loc[1, "valueAddedTax"])
    heads.loc[1, "valueAddedTax"] = f"{vat + 0.01:.2f}"
    lines.loc[3, "valueAddedTax"] = "99"
    lines.loc[0, "gcode"] = "0101210010"
    lines = lines.drop(index=1)
    found = compare_bill(batch, heads, lines)
    assert found[["seq", "gnum", "field"]].to_numpy().tolist() == [
        [1, 1, "gcode"], [1, 2, "gnum"], [2, 0, "valueAddedTax"], [2, 2, "valueAddedTax"],
    ]  # fmt: skip
    assert found["billed"].tolist()[2:] == [f"{vat + 0.01:.2f}".rstrip("0"), "99"]
    rate = batch.lines["line.tax_rate"][3]
    assert found["zh"].tolist()[3].startswith("第2项增值税：税单99，计算") and found["zh"].tolist()[3].endswith(
        f"（税率 {rate}）"
    )
    assert found["en"].tolist()[1] == "line 2: goods line: the bill says nothing, computed was 2"
    assert found["en"].tolist()[2].startswith("VAT in all: the bill says ")


def test_the_differences_of_a_bill_are_faults_of_its_parcel() -> None:
    batch = judge(make_import(3, lines=1), DAY)
    heads, lines = bill_of(batch)
    assert len(bill_faults(batch, compare_bill(batch, heads, lines))) == 0
    heads.loc[1, "customsTax"], lines.loc[1, "taxPrice"] = "3", "7"
    (told,) = bill_faults(batch, compare_bill(batch, heads, lines)).to_dict("records")
    assert (told["order_no"], told["severity"]) == (batch.parcels["order.order_no"][1], "warning")
    said = faults.explain({str(k): v for k, v in told.items()})
    assert "关税合计：税单3，计算0；第1项完税总价：税单7" in said["message_zh"]
    assert "duty in all: the bill says 3, computed was 0; line 1: taxable price: the bill says 7" in said["message_en"]


def test_a_partial_return_gives_back_its_part() -> None:
    batch = priced(make_import(1, lines=1, ems_no=EMS), 300)
    batch = replace(batch, lines=batch.lines.assign(**{"line.quantity": column([3 * SCALE])}))
    judged = judge(stated(batch), DAY)
    item = judged.lines["line.item_record_no"][0]
    got = returned_amounts(judged, {(1, 1): SCALE}, {1: 42})
    tax = int(judged.parcels["parcel.tax_total"][0])
    assert got == {(42, QUOTA, ""): 100 * SCALE, (42, GUARANTEE, ""): tax // 3, (42, STOCK, item): SCALE}
    whole = returned_amounts(judged, {(1, 1): 9 * SCALE}, {1: 42})
    assert whole == {(42, QUOTA, ""): 300 * SCALE, (42, GUARANTEE, ""): tax, (42, STOCK, item): 3 * SCALE}
    assert returned_amounts(judged, {(2, 1): SCALE}, {1: 42}) == {}
