"""The sandbox told to misbehave, and what its books then say."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from adapters.sandbox.cn_customs import books, decisions
from adapters.sandbox.cn_customs.app import build
from tests.contract import cn_sandbox_company as make
from tests.contract.cn_sandbox_company import AGENT, PLATFORM, ends, reviewed


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


@pytest.fixture
def http(company):
    with TestClient(build(company.customs)) as client:
        yield client


def told(company, **rule) -> int:
    return company.customs.behaviours.add([rule])[0]


def arrive(company, *numbers: str) -> None:
    company.send("CEB607", make.master(list(numbers)))
    company.send("CEB507", make.arrival(list(numbers)))


def test_reject_with_a_code_by_order_number_once(company):
    told(
        company,
        action="reject",
        match={"type": "CEB303Message", "order_no": "O1*"},
        code="1301",
        info="系统异常",
        times=1,
    )
    company.send("CEB303", make.order("O10"), make.order("O11"), make.order("O2"))
    heard = [
        (r["orderNo"], r["returnStatus"], r["returnInfo"]) for r in company.hear(PLATFORM) if r["returnStatus"] == "100"
    ]
    assert heard == [("O10", "100", "[Code:1301;Desc:系统异常]")]


def test_reject_with_another_status_and_whole_text(company):
    told(company, action="reject", match={"key": "*|O1"}, status="-451", text="申报失败")
    company.send("CEB303", make.order("O1"))
    assert [(r["returnStatus"], r["returnInfo"]) for r in company.hear(PLATFORM)][-1] == ("-451", "申报失败")


def test_the_nth_fit_is_meant(company):
    told(company, action="reject", match={"waybill_no": "W*", "nth": 2})
    for number in ("O1", "O2", "O3"):
        company.send("CEB505", make.waybill(number))
    assert ends(company, make.CARRIER) == {"WO1": "2", "WO2": "100", "WO3": "2"}


def test_inspection_then_release_and_inspection_that_waits_for_its_result(company):
    told(company, action="inspect", match={"order_no": "O1"}, result="800", after=900)
    told(company, action="inspect", match={"order_no": "O2"}, result=None)
    reviewed(company, "O1", "O2", "O3")
    arrive(company, "O1", "O2", "O3")
    heard = [(r["orderNo"], r["returnStatus"]) for r in company.hear(AGENT) if "orderNo" in r]
    assert sorted(heard) == [("O1", "500"), ("O1", "800"), ("O2", "500"), ("O3", "800")]
    assert decisions.inspected(company.customs, "599", order_no="O2") == 1
    assert decisions.inspected(company.customs, "800", order_no="O2") == 0
    assert [s for _, s in company.statuses(AGENT)] == ["599"]


def test_an_inspection_is_ended_by_inventory_number_over_http(http, company):
    told(company, action="inspect", match={"order_no": "O1"}, result=None)
    reviewed(company, "O1")
    arrive(company, "O1")
    invt_no = company.hear(AGENT)[-1]["invtNo"]
    assert http.post("/admin/inspections", json={"invt_no": invt_no, "result": "800"}).json() == {"inspected": 1}
    assert ends(company) == {"O1": "800"}


@pytest.mark.parametrize("status", ["501", "502", "503", "599"])
def test_detention(company, status):
    told(company, action="detain", match={"order_no": "O1"}, status=status)
    reviewed(company, "O1")
    arrive(company, "O1")
    assert ends(company)["O1"] == status


def test_silence_and_late_speech(company):
    told(company, action="silent", match={"order_no": "O1"})
    told(company, action="silent", match={"order_no": "O2"}, seconds=7200)
    company.send("CEB303", make.order("O1"), make.order("O2"))
    assert company.hear(PLATFORM, wait=7000) == []
    assert ends(company, PLATFORM) == {"O2": "2"}


def test_repeated_receipts_are_the_same_receipts_again(company):
    told(company, action="repeat", match={"order_no": "O1"}, times_each=3)
    company.send("CEB303", make.order("O1"))
    heard = company.hear(PLATFORM)
    assert len(heard) == 3 and heard[0] == heard[1] == heard[2]


def test_reordered_receipts_come_late_with_their_true_time(company):
    told(company, action="reorder", match={"type": "CEB603Message"})
    make.declare(company, "O1")
    heard = company.hear(AGENT)
    assert [r["returnStatus"] for r in heard] == ["120", "399", "2"]
    assert heard[2]["returnTime"] < heard[0]["returnTime"]


def test_order_numbers_alone_make_it_act_up(company):
    reviewed(company, "A-X500", "A-X501", "A")
    make.declare(company, "A-X100", "A-X000")
    assert ends(company) == {"A-X100": "100"}
    arrive(company, "A-X500", "A-X501", "A")
    found = ends(company)
    assert {k: found[k] for k in ("A-X500", "A-X501", "A")} == {"A-X500": "800", "A-X501": "501", "A": "800"}


def test_told_to_find_a_message_unreadable(company):
    told(company, action="unreadable", match={"type": "CEB303Message"}, times=1)
    company.send("CEB303", make.order("O1"))
    assert company.hear(PLATFORM)[0]["type"] == "CEB900Message"
    company.send("CEB303", make.order("O1"))
    assert ends(company, PLATFORM) == {"O1": "2"}


def test_502_accepts_nothing_and_being_down_refuses_every_request(http, company):
    told(company, action="http", match={"order_no": "O1"}, times=1)
    sealed = company.sealed("CEB303", make.order("O1"))
    assert http.post("/dxp/messages", content=sealed).status_code == 502
    assert books.health(company.customs.store)["messages"] == 0
    assert http.post("/dxp/messages", content=sealed).status_code == 200
    told(company, action="http", match={"type": "receipts"}, times=1)
    assert [http.get("/dxp/receipts").status_code for _ in range(2)] == [502, 200]
    rule = told(company, action="down")
    assert http.get("/dxp/receipts").status_code == http.post("/dxp/messages", content=sealed).status_code == 503
    assert http.get("/admin/health").status_code == 200
    assert http.get("/admin/behaviour").json()["rules"][-1]["used"] == 2
    http.delete(f"/admin/behaviour/{rule}")
    assert http.get("/dxp/receipts").status_code == 200
    http.delete("/admin/behaviour")
    assert http.get("/admin/behaviour").json() == {"rules": []}


def test_rules_and_their_counts_survive_a_restart(company, tmp_path):
    told(company, action="reject", match={"order_no": "O*"}, times=1)
    company.send("CEB303", make.order("O1"))
    company.customs.store.close()
    company.customs = make.new(tmp_path)
    company.send("CEB303", make.order("O2"))
    assert ends(company, PLATFORM) == {"O1": "100", "O2": "2"}


def audit(company) -> tuple[int, int]:
    found = books.audit(company.customs.store)
    return found["count"], found["marked_recovery"]


def test_a_second_receipt_is_in_the_books_unless_it_was_marked(http, company):
    sealed = company.sealed("CEB303", make.order("O1"))
    company.post(sealed)
    assert audit(company) == (0, 0)
    company.post(sealed, recovery=True)
    assert audit(company) == (0, 1)
    assert sorted(s for _, s in company.statuses(PLATFORM)) == ["-304001", "2"]
    company.post(sealed)
    assert audit(company) == (1, 1)
    (second,) = http.get("/admin/books/audit").json()["second_receipts"]
    assert (second["type"], second["key"]) == ("CEB303Message", "PLATFORM01|SELLER0001|O1")


def test_changes_and_redeclarations_are_no_second_receipts(company):
    company.send("CEB603", make.inventory("O1", netWeight="9"))
    company.hear(AGENT)
    company.send("CEB603", make.inventory("O1"))
    company.hear(AGENT)
    company.send("CEB603", make.inventory("O1", appType="2"))
    assert audit(company) == (0, 0)


def test_the_books_hold_everything_in_pages(http, company):
    company.send("CEB303", make.order("O1"), make.order("O2"))
    company.post(b"junk")
    company.send("CEB303", make.order("O1"), owner="OTHER")
    company.post(company.sealed("CEB303", make.order("O1")), recovery=True)
    first = http.get("/admin/books", params={"limit": 2}).json()
    assert [(r["outcome"], r["attempt"], r["recovery"]) for r in first["rows"]] == [("accepted", 1, False)] * 2
    rest = http.get("/admin/books", params={"after": first["next"]}).json()
    assert [r["outcome"] for r in rest["rows"]] == ["refused", "duplicate", "duplicate"]
    assert rest["rows"][-1]["recovery"] and rest["rows"][-1]["attempt"] == 3 and rest["next"] is None
    by_key = http.get("/admin/books", params={"key": "PLATFORM01|SELLER0001|O2", "type": "CEB303Message"}).json()[
        "rows"
    ]
    assert len(by_key) == 1 and by_key[0]["order_ref"] == "SELLER0001|O2"


def test_a_marked_resend_changes_nothing_even_of_a_change_or_after_a_rejection(company):
    company.send("CEB303", make.order("O1"))
    company.hear(PLATFORM)
    change = company.sealed("CEB303", make.order("O1", appType="2"))
    company.post(change)
    company.post(change, recovery=True)
    assert sorted(s for _, s in company.statuses(PLATFORM)) == ["-304001", "2"]
    rejected = company.sealed("CEB603", make.inventory("O1", netWeight="9"))
    company.post(rejected)
    company.hear(AGENT)
    company.post(rejected, recovery=True)
    assert ends(company) == {"O1": "-304001"}
    company.post(change)
    assert audit(company) == (1, 2)


def test_a_second_inventory_of_an_order_is_a_second_receipt(company):
    company.send("CEB603", make.inventory("O1"))
    company.send("CEB603", make.inventory("O1", copNo="C2"))
    assert audit(company) == (1, 0)
