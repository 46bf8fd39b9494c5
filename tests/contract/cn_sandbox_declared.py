"""What the tests of applications begin with: a company, exports up to their closing, and what customs answers."""

from __future__ import annotations

import pytest

from tests.contract import cn_sandbox_company as make
from tests.contract.cn_sandbox_company import AGENT
from tests.contract.cn_sandbox_import import heard

DAY = 86400


FULL = {"quota": "0", "guarantee": "1000000", "stock": "10000", "stock_on_hand": "10000"}


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


def answers(company, type_, owner=AGENT, wait=60):
    return [row["returnStatus"] for row in heard(company, wait, owner, type_)]


def exported(company, *numbers, flag="A"):
    """Declare exports up to their closing; their invtNos."""
    documents = [make.inventory(number, statisticsFlag=flag) for number in numbers]
    company.send("CEB303", *map(make.order, numbers))
    company.send("CEB505", *map(make.waybill, numbers))
    company.send("CEB603", *documents)
    found = [row["invtNo"] for row in company.hear(AGENT) if row["returnStatus"] == "399"]
    name = numbers[0]
    company.send("CEB607", make.master(list(numbers), copNo=f"M{name}", billNo=f"B{name}"))
    company.send("CEB507", make.arrival(list(numbers), copNo=f"A{name}", billNo=f"B{name}"))
    company.hear(AGENT)
    company.send("CEB509", make.departure(list(numbers), copNo=f"D{name}", billNo=f"B{name}"))
    assert {row["returnStatus"] for row in company.hear(AGENT)} == {"899"}
    return found
