"""Life cycles of the China Customs sandbox, as receipts.md sections 2 to 4 give them."""

from __future__ import annotations

import pytest

from tests.contract import cn_sandbox_company as make
from tests.contract.cn_sandbox_company import AGENT, CARRIER, PLATFORM, YARD, Company


@pytest.fixture
def company(tmp_path, monkeypatch):
    customs = make.new(tmp_path)
    company = Company(customs, monkeypatch)
    company.wait(0)
    yield company
    customs.store.close()


def declare(company: Company, *numbers: str, payments: bool = True) -> None:
    assert company.send("CEB303", *map(make.order, numbers)) == "0000"
    if payments:
        assert company.send("CEB403", *map(make.payment, numbers)) == "0000"
    assert company.send("CEB505", *map(make.waybill, numbers)) == "0000"
    assert company.send("CEB603", *map(make.inventory, numbers)) == "0000"


def test_order_payment_waybill_and_inventory_reach_their_ends(company):
    declare(company, "O1", "O2")
    heard = company.hear(PLATFORM)
    assert [(r["type"], r["orderNo"], r["returnStatus"]) for r in heard if r["type"] == "CEB304Message"] == [
        ("CEB304Message", "O1", "2"), ("CEB304Message", "O2", "2"), ("CEB304Message", "O1", "120"), ("CEB304Message", "O2", "120"),
    ]  # fmt: skip
    assert [r["returnStatus"] for r in heard if r["type"] == "CEB404Message"] == ["2", "2", "120", "120"]
    assert [status for _, status in company.statuses(CARRIER)] == ["2", "2", "120", "120"]
    inventory = [r for r in company.hear(AGENT) if r["orderNo"] == "O1"]
    assert [r["returnStatus"] for r in inventory] == ["2", "120", "399"]
    assert [bool(r["invtNo"]) for r in inventory] == [False, True, True]
    assert inventory[2]["invtNo"].startswith("5788") and len(inventory[2]["invtNo"]) == 18
    assert len(inventory[0]["preNo"]) == 18 and all(len(r["returnTime"]) == 17 for r in inventory)
    assert [r["returnTime"] for r in inventory] == sorted(r["returnTime"] for r in inventory)
