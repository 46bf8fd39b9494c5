"""Cancels in the China Customs sandbox: what they give back, what they are refused for."""

from __future__ import annotations

import pytest

from adapters.sandbox.cn_customs import books
from tests.contract import cn_sandbox_company as make
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import AGENT, reviewed
from tests.contract.cn_sandbox_declared import DAY, FULL, answers, company, exported
from tests.contract.cn_sandbox_import import balances, heard, released, stored

__all__ = ["company"]


def test_a_cancel_gives_everything_back_and_frees_the_order(company):
    invt_no = stored(company, "O1", bonded=True)
    company.send("CEB623", imports.cancel("O1", invt_no))
    rows = heard(company, 600)
    assert [(r["type"], r["returnStatus"]) for r in rows] == [("CEB624Message", s) for s in ("2", "120", "399")]
    assert rows[0]["preNo"][0] == "C" and rows[0]["invtNo"] == invt_no
    assert rows[2]["returnInfo"] == "[Code:2300;Desc:审核通过]"
    assert balances(company) == FULL
    assert heard(company, DAY) == [], "nothing more happens to the inventory"
    company.send("CEB621", imports.inventory("O1", bonded=True, copNo="C2"))
    assert answers(company, "CEB622Message")[-1] == "120"


def test_a_cancel_sent_twice_changes_nothing(company):
    invt_no = stored(company, "O1", bonded=True)
    sealed = company.sealed("CEB623", imports.cancel("O1", invt_no))
    for _ in range(2):
        company.post(sealed)
    assert sorted(answers(company, "CEB624Message")) == ["-304001", "120", "2", "399"]
    company.send("CEB623", imports.cancel("O1", invt_no, cop_no="X2"))
    assert answers(company, "CEB624Message") == ["2", "-623009"]
    assert balances(company) == FULL
    assert books.audit(company.customs.store)["count"] == 1


def test_two_cancels_of_one_inventory_under_way(company):
    invt_no = stored(company, "O1")
    company.send("CEB623", imports.cancel("O1", invt_no), imports.cancel("O1", invt_no, cop_no="X2"))
    assert sorted(answers(company, "CEB624Message")) == ["-623009", "120", "2", "2", "399"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"invtNo": "57882026I000000999"}, "-623003"),
        ({"agentCode": "AGENT00002"}, "-623021"),
        ({"appType": "2"}, "-623024"),
    ],
)
def test_a_cancel_that_finds_nothing_or_is_anothers(company, changes, code):
    invt_no = stored(company, "O1")
    owner = str(changes.get("agentCode", AGENT))
    company.send("CEB623", imports.cancel("O1", invt_no, **changes), owner=owner)
    assert answers(company, "CEB624Message", owner)[-1] == code


def test_a_released_inventory_is_not_cancelled(company):
    invt_no = released(company, "O1", bonded=True)
    before = balances(company)
    company.send("CEB623", imports.cancel("O1", invt_no))
    assert answers(company, "CEB624Message") == ["2", "-623005"]
    assert balances(company) == before


def test_an_inventory_before_an_officer_may_be_cancelled(company):
    company.customs.behaviours.add([{"match": {"type": "CEB621Message"}, "action": "review"}])
    invt_no = stored(company, "O1", bonded=True)
    first = next(rows for _ in range(30) if (rows := heard(company, 5)))
    assert first[0]["returnStatus"] == "300"
    company.send("CEB623", imports.cancel("O1", invt_no))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows] == ["2", "120", "399"] and balances(company) == FULL


def test_customs_may_reject_a_cancel_and_the_inventory_goes_on(company):
    company.customs.behaviours.add([{"match": {"type": "CEB623Message"}, "action": "reject", "info": "不同意"}])
    invt_no = stored(company, "O1", bonded=True)
    company.send("CEB623", imports.cancel("O1", invt_no))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows if r["type"] == "CEB624Message"] == ["2", "100"]
    assert [r["returnStatus"] for r in rows if r["type"] == "CEB622Message"] == ["800", "899"]


def test_an_export_is_cancelled_before_its_release(company):
    reviewed(company, "O1")
    invt_no = company.customs.store.value("SELECT invt_no FROM document WHERE type = 'CEB603Message'")
    company.send("CEB605", imports.export_cancel(invt_no))
    assert answers(company, "CEB606Message") == ["2", "120", "399"]
    company.send("CEB607", make.master(["O1"]))
    assert answers(company, "CEB608Message") == ["2", "100"]
    company.send("CEB603", make.inventory("O1", copNo="C2"))
    assert answers(company, "CEB604Message") == ["2", "120", "399"]
    (closed,) = exported(company, "O2")
    company.send("CEB605", imports.export_cancel(closed, cop_no="X2"))
    assert answers(company, "CEB606Message") == ["2", "-623005"]
