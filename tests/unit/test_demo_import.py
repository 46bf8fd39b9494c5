"""The made-up import: the same for the same seed, in layouts that capture reads, each flaw where it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.demo_import import make_import
from deployments.demo_import_files import write
from deployments.demo_import_flaws import KINDS, demo_import, with_flaws
from mappings.canonical.batch import Batch
from mappings.rules import asked
from tasks import matching

EXPECTED = {  # what a flaw leads to: the state of its parcel, its reason, and the faults that its order has
    "amount": ("held", "MAT-101", {"MAT-101"}),
    "arithmetic": ("held", "MAT-107", {"MAT-107"}),
    "other payer": ("held", "MAT-102", {"MAT-102", "MAT-103"}),
    "payer's name": ("held", "MAT-102", {"MAT-102"}),
    "no identity number": ("held", "VAL-004", {"VAL-004"}),
    "currency": ("held", "MAT-002", {"IMV-001", "MAT-002"}),
    "line count": ("held", "MAT-106", {"MAT-106"}),
    "line total": ("held", "LIN-004", {"LIN-004"}),
    "receiver": ("held", "MAT-105", {"MAT-105"}),
    "two pieces": ("held", "IMV-003", {"IMV-003"}),
    "no payment": ("held", "PAY-001", {"PAY-001"}),
    "no waybill": ("held", "WAY-001", {"WAY-001"}),
    "cancelled": ("excluded", "ORD-001", {"ORD-001"}),
    "gift": ("ready", "", {"LIN-012"}),
    "delivered": ("ready", "", set()),
    "payment company": ("held", "MAT-003", {"MAT-003"}),
}


@pytest.fixture(scope="module", params=["9610", "1210"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Batch]:
    truck = demo_import(300, request.param)
    return truck.flaws, matching.prepare(write(truck, tmp_path_factory.mktemp("import")))


@pytest.mark.parametrize("regime", ["9610", "1210"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, regime: str) -> None:
    one, two = (write(demo_import(60, regime, 7), tmp_path / name) for name in "ab")
    files = sorted(path.name for path in one.iterdir())
    assert len(files) == 5
    assert [(one / f).read_bytes() for f in files] == [(two / f).read_bytes() for f in files]


@pytest.mark.parametrize("regime", ["9610", "1210"])
def test_a_clean_import_has_no_fault(tmp_path: Path, regime: str) -> None:
    batch = matching.prepare(write(make_import(150, regime), tmp_path))
    assert batch.parcels["parcel.state"].value_counts().to_dict() == {"ready": 150}
    assert batch.faults.empty
    assert (batch.truck.direction, batch.truck.regime) == ("import", regime)


def test_every_flaw_ends_as_it_should_and_names_its_cause(made: tuple[dict[str, str], Batch]) -> None:
    flaws, batch = made
    parcels = batch.parcels.set_index("order.order_no")
    for order, kind in flaws.items():
        if kind in EXPECTED:
            state, reason, codes = EXPECTED[kind]
            assert tuple(parcels.loc[order, ["parcel.state", "parcel.reason"]]) == (state, reason), kind
            assert set(batch.faults["code"][batch.faults["order_no"] == order]) == codes, kind
    assert set(parcels.drop(list(flaws))["parcel.state"]) == {"ready"}


def test_a_difference_names_both_values_and_both_places(made: tuple[dict[str, str], Batch]) -> None:
    flaws, batch = made
    order = next(o for o, kind in flaws.items() if kind == "other payer")
    parcel = batch.parcels[batch.parcels["order.order_no"] == order].iloc[0]
    fault = batch.faults[(batch.faults["order_no"] == order) & (batch.faults["code"] == "MAT-103")].iloc[0]
    assert (fault["value"], fault["other_value"]) == (parcel["payment.payer_id_number"], parcel["buyer.id_number"])
    assert (fault["file"], fault["column"], fault["row"]) == (
        "payment_report.csv", "支付人证件号码", parcel["payment.row"]
    )  # fmt: skip
    assert fault["other_place"] == f"shop_orders.json:{parcel['buyer.row']}"


def test_what_customs_compares_has_customs_code() -> None:
    codes = {rule.left: rule.authority_code for rule in asked("import", "9610").equal}
    assert codes["payment.amount"] == "1332"
    assert codes["payment.payer_name"] == codes["payment.payer_id_number"] == "1327"


def test_flaws_are_all_there_and_a_truck_too_small_is_refused() -> None:
    flaws = demo_import(300).flaws
    assert sorted(flaws.values()) == sorted(k for k, (_, many) in KINDS.items() for _ in range(many))
    with pytest.raises(ValueError, match="parcels"):
        with_flaws(make_import(5))
