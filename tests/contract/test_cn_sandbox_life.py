"""Life cycles of the China Customs sandbox, as receipts.md sections 2 to 4 give them."""

from __future__ import annotations

import pytest

from tests.contract import cn_sandbox_company as make
from tests.contract.cn_sandbox_company import AGENT, CARRIER, PLATFORM, YARD, Company, declare, ends, reviewed


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


def test_order_payment_waybill_and_inventory_reach_their_ends(company):
    declare(company, "O1", "O2")
    heard = company.hear(PLATFORM)
    orders = [(r["orderNo"], r["returnStatus"]) for r in heard if r["type"] == "CEB304Message"]
    assert orders == [("O1", "2"), ("O2", "2"), ("O1", "120"), ("O2", "120")]
    assert [r["returnStatus"] for r in heard if r["type"] == "CEB404Message"] == ["2", "2", "120", "120"]
    assert [status for _, status in company.statuses(CARRIER)] == ["2", "2", "120", "120"]
    inventory = [r for r in company.hear(AGENT) if r["orderNo"] == "O1"]
    assert [r["returnStatus"] for r in inventory] == ["2", "120", "399"]
    assert [bool(r["invtNo"]) for r in inventory] == [False, True, True]
    assert inventory[2]["invtNo"].startswith("57882026E")
    assert len(inventory[2]["invtNo"]) == len(inventory[0]["preNo"]) == 18
    assert all(len(r["returnTime"]) == 17 for r in inventory)
    assert [r["returnTime"] for r in inventory] == sorted(r["returnTime"] for r in inventory)


def test_the_first_receipt_names_the_declared_guid_and_bears_its_own(company):
    document = make.order("O1")
    guid = document.split("<ceb:guid>")[1][:36]
    company.send("CEB303", document)
    (receipt,) = company.hear(PLATFORM)
    assert receipt["returnInfo"] == f"新增申报成功[{guid}]"
    assert receipt["guid"] != guid


def test_nothing_is_said_before_its_time(company):
    company.send("CEB303", make.order("O1"))
    assert company.hear(PLATFORM, wait=5) == []
    assert [r["returnStatus"] for r in company.hear(PLATFORM, wait=11)] == ["2"]


def test_the_match_runs_when_the_last_document_arrives_in_any_order(company):
    company.send("CEB603", make.inventory("O1"))
    company.send("CEB505", make.waybill("O1"))
    assert ends(company) == {"O1": "2"}
    company.send("CEB303", make.order("O1"))
    assert ends(company) == {"O1": "399"}
    assert ends(company, CARRIER) == {"WO1": "120"}


def test_a_missing_payment_is_a_warning_and_a_late_one_is_stored(company):
    company.send("CEB303", make.order("O1"))
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1"))
    heard = company.hear(AGENT)
    assert "支付信息不存在" in heard[0]["returnInfo"]
    assert [r["returnStatus"] for r in heard] == ["2", "120", "399"]
    company.hear(PLATFORM)
    company.send("CEB403", make.payment("O1"))
    assert [s for _, s in company.statuses(PLATFORM)] == ["2", "120"]
    company.send("CEB403", make.payment("O1", charge="99", payNo="P9"))
    late = company.hear(PLATFORM)
    assert [r["returnStatus"] for r in late] == ["2", "100"]
    assert late[1]["returnInfo"].startswith("[Code:1332;") and "Receipts.charge:99" in late[1]["returnInfo"]


@pytest.mark.parametrize(
    ("order", "payment", "inventory", "code"),
    [
        ({"lines": 2}, {"charge": "45"}, {}, "1320"),
        ({}, {}, {"qty": "1"}, "1322"),
        ({"price": "11"}, {"charge": "27"}, {}, "1322"),
        ({}, {"charge": "24.99"}, {}, "1332"),
        ({}, {"currency": "142"}, {}, "1332"),
        ({}, {}, {"ebpCode": "OTHER"}, "1300"),
        ({}, {}, {"line": {"itemName": "另一个"}}, "1322"),
    ],
)
def test_what_does_not_fit_together_is_rejected_with_customs_own_code(company, order, payment, inventory, code):
    company.send("CEB403", make.payment("O1", **payment))
    company.send("CEB303", make.order("O1", **order))
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1", **inventory))
    heard = company.hear(AGENT)
    assert [r["returnStatus"] for r in heard] == ["2", "100"]
    assert heard[1]["returnInfo"].startswith(f"[Code:{code};Desc:")


def test_two_payments_may_add_up_to_the_order(company):
    company.send("CEB403", make.payment("O1", charge="20"), make.payment("O1", charge="5", payNo="P2"))
    declared = [("CEB303", make.order("O1")), ("CEB505", make.waybill("O1")), ("CEB603", make.inventory("O1"))]
    for type_, document in declared:
        company.send(type_, document)
    assert ends(company) == {"O1": "399"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"grossWeight": "0"}, "毛重"),
        ({"netWeight": "0"}, "净重"),
        ({"netWeight": "1.3"}, "净重不能大于毛重"),
        ({"price": "0"}, "单价"),
        ({"line": {"totalPrice": "0"}}, "总价必须大于0"),
        ({"line": {"totalPrice": "30"}}, "总价不等于"),
        ({"line": {"unit1": "007", "qty1": "1"}}, "数量必须一致"),
        ({"line": {"unit2": "035"}}, "第二单位"),
        ({"lines": 2, "line": {"gnum": "1"}}, "序号重复"),
    ],
)
def test_an_inventory_that_is_wrong_in_itself_is_rejected(company, fault, words):
    company.send("CEB603", make.inventory("O1", **fault))
    heard = company.hear(AGENT)
    assert [r["returnStatus"] for r in heard] == ["2", "100"]
    assert words in heard[1]["returnInfo"] and heard[1]["returnInfo"].startswith("[Code:1300;")


def test_a_rejected_inventory_may_be_declared_anew_and_a_standing_one_not(company):
    company.send("CEB603", make.inventory("O1", netWeight="9"))
    assert ends(company) == {"O1": "100"}
    company.send("CEB303", make.order("O1"))
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1", copNo="C2"))
    assert ends(company) == {"O1": "399"}
    company.send("CEB603", make.inventory("O1", copNo="C3"))
    heard = company.hear(AGENT)
    assert [(r["returnStatus"], r["copNo"]) for r in heard] == [("-304001", "C3")]
    assert heard[0]["returnInfo"] == f"处理失败，业务主键重复入库失败，报文业务主键[{AGENT}|C3]"


def test_a_rejection_that_was_not_said_yet_does_not_free_the_key(company):
    company.send("CEB603", make.inventory("O1", netWeight="9"))
    company.send("CEB603", make.inventory("O1"))
    assert sorted(s for _, s in company.statuses(AGENT)) == ["-304001", "100", "2"]


def test_the_same_key_twice_in_one_message_is_a_duplicate(company):
    company.send("CEB303", make.order("O1"), make.order("O1"))
    assert sorted(s for _, s in company.statuses(PLATFORM)) == ["-304001", "2"]


def test_saved_only_is_kept_and_then_declared(company):
    company.send("CEB303", make.order("O1", appStatus="1"))
    (saved,) = company.hear(PLATFORM)
    assert (saved["returnStatus"], saved["returnInfo"]) == ("1", "暂存")
    company.send("CEB303", make.order("O1"))
    assert ends(company, PLATFORM) == {"O1": "2"}


def test_change_and_delete_need_something_that_may_still_change(company):
    company.send("CEB303", make.order("O1", appType="2"))
    assert ends(company, PLATFORM) == {"O1": "-301009"}
    company.send("CEB303", make.order("O1"))
    company.hear(PLATFORM)
    company.send("CEB303", make.order("O1", appType="2", freight="6"))
    (changed,) = company.hear(PLATFORM)
    assert changed["returnInfo"].startswith("变更申报成功[")
    company.send("CEB303", make.order("O1", appType="3"))
    assert [s for _, s in company.statuses(PLATFORM)] == ["2", "120"]
    company.send("CEB303", make.order("O1", appType="2"))
    assert ends(company, PLATFORM) == {"O1": "-301009"}
    reviewed(company, "O1")
    company.send("CEB303", make.order("O1", appType="3"))
    assert ends(company, PLATFORM) == {"O1": "-301011"}
    company.send("CEB603", make.inventory("O1", appType="2"))
    assert ends(company) == {"O1": "-621012"}
    company.send("CEB303", make.order("O9", appType="7"))
    assert ends(company, PLATFORM) == {"O9": "-301009"}


def test_a_changed_order_is_the_one_that_is_compared(company):
    company.send("CEB303", make.order("O1", price="11"))
    company.hear(PLATFORM)
    company.send("CEB303", make.order("O1", appType="2"))
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1"))
    assert ends(company) == {"O1": "399"}


def test_from_master_list_over_arrival_to_departure(company):
    reviewed(company, "O1", "O2")
    company.send("CEB607", make.master(["O1", "O2"]))
    assert company.statuses(AGENT) == [("M1", "2"), ("M1", "399")]
    company.send("CEB507", make.arrival(["O1", "O2"]))
    assert company.statuses(YARD) == [("A1", "2"), ("A1", "399")]
    assert company.statuses(AGENT) == [("O1", "800"), ("O2", "800")]
    company.send("CEB509", make.departure(["O1", "O2"]))
    assert company.statuses(CARRIER) == [("D1", "2"), ("D1", "399")]
    heard = company.hear(AGENT)
    assert [r["returnStatus"] for r in heard] == ["899", "899"]


def test_an_arrival_before_the_master_list_releases_when_the_list_comes(company):
    reviewed(company, "O1")
    company.send("CEB507", make.arrival([]))
    assert ends(company) == {}
    company.send("CEB607", make.master(["O1"]))
    assert ends(company) == {"M1": "399", "O1": "800"}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_split_list_acts_when_all_its_parts_are_there(company, order):
    reviewed(company, "O1", "O2")
    first, last = order
    company.send("CEB607", make.master([f"O{first}"], part=first, parts=2))
    assert company.statuses(AGENT) == [("M1", "2")]
    company.send("CEB607", make.master([f"O{last}"], part=last, parts=2))
    assert [s for _, s in company.statuses(AGENT)] == ["2", "399", "399"]


def test_a_part_beyond_the_count_is_rejected(company):
    company.send("CEB507", make.arrival([], part=3, parts=2))
    assert ends(company, YARD) == {"A1": "100"}


def test_a_master_list_with_an_unreviewed_parcel_and_a_departure_with_an_unreleased_one_are_rejected(company):
    reviewed(company, "O1")
    company.send("CEB607", make.master(["O1", "O9"]))
    heard = company.hear(AGENT)
    assert heard[-1]["returnStatus"] == "100" and "logisticsNo:WO9" in heard[-1]["returnInfo"]
    company.send("CEB607", make.master(["O1"]))
    assert ends(company) == {"M1": "399"}
    company.send("CEB509", make.departure(["O1"]))
    heard = company.hear(CARRIER)
    assert heard[-1]["returnStatus"] == "100" and "logisticsNo:WO1" in heard[-1]["returnInfo"]


def test_release_may_be_said_of_the_master_list(company, monkeypatch):
    from adapters.sandbox.cn_customs import settings

    monkeypatch.setitem(settings.profile(), "release_by", "master")
    reviewed(company, "O1")
    company.send("CEB607", make.master(["O1"]))
    company.send("CEB507", make.arrival(["O1"]))
    heard = company.hear(AGENT)
    assert [(r["type"], r["returnStatus"]) for r in heard][-1] == ("CEB608Message", "800")
    assert not [r for r in heard if r["type"] == "CEB604Message"]
    company.send("CEB509", make.departure(["O1"]))
    assert ends(company) == {"O1": "899"}


def test_subscribers_hear_the_receipts_too(company):
    body = make.message("CEB303", [make.order("O1")], PLATFORM, subscribe="DXPOTHER")
    sealed = make.enveloped(
        make.signed(body, make.certificate(company.customs, PLATFORM)), "CEB303", make.dxp_of(PLATFORM)
    )
    company.post(sealed)
    assert ends(company, PLATFORM) == {"O1": "2"}
    assert ends(company, "OTHER") == {"O1": "2"}


def test_it_remembers_across_a_restart(company, tmp_path, monkeypatch):
    company.send("CEB303", make.order("O1"))
    company.send("CEB505", make.waybill("O1"))
    company.customs.store.close()
    company.customs = make.new(tmp_path)
    company.send("CEB603", make.inventory("O1"))
    assert ends(company) == {"O1": "399"}
    company.send("CEB303", make.order("O1"))
    assert sorted(s for _, s in company.statuses(PLATFORM)) == ["-304001", "120", "2"]
    company.customs.store.close()


def test_the_same_seed_gives_the_same_receipts(tmp_path, monkeypatch):
    times = []
    for run in ("a", "b"):
        customs = make.new(tmp_path / run, seed=7)
        company = Company(customs, monkeypatch)
        monkeypatch.setenv("TONGGUAN_CLOCK", "2026-11-23T08:00:00+08:00@0.0001@1790000000")
        company.send("CEB303", make.order("O1"))
        times.append([(row["due"] // 1_000_000) for row in customs.store.rows("SELECT due FROM delivery")])
        customs.store.close()
    assert times[0] == times[1]


def test_life_cycles_are_data(company, monkeypatch):
    from adapters.sandbox.cn_customs import settings

    chains = settings.cycle()["chains"]
    monkeypatch.setitem(chains, "CEB607Message", {**chains["CEB607Message"], "complete": ["stored"]})
    reviewed(company, "O1")
    company.send("CEB607", make.master(["O1"]))
    assert company.statuses(AGENT) == [("M1", "2"), ("M1", "120")]


def test_numbers_written_in_another_way_still_agree(company):
    company.send("CEB303", make.order("O1", qty="2", price="10"))
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1", qty="2.000", price="10.00000"))
    assert ends(company) == {"O1": "399"}


def test_a_gift_line_passes_where_the_setting_allows_it(company, monkeypatch):
    from adapters.sandbox.cn_customs import settings

    company.send("CEB603", make.inventory("O1", price="0"))
    assert ends(company) == {"O1": "100"}
    monkeypatch.setitem(settings.profile(), "zero_price", "allowed")
    company.send("CEB603", make.inventory("O1", price="0"))
    assert ends(company) == {"O1": "2"}
