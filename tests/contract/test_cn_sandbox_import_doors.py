"""The sandbox's doors serve imports, applications and what customs says unasked: local port, folders, HTTP, push."""

from __future__ import annotations

import base64
import json
import re

import pytest
from fastapi.testclient import TestClient
from lxml import etree

from adapters.sandbox.cn_customs import books
from adapters.sandbox.cn_customs.app import build
from adapters.sandbox.cn_customs.doors import client
from adapters.sandbox.cn_customs.doors.folder import Folders
from tests.contract import cn_sandbox_company as make
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import AGENT, PLATFORM, dxp_of
from tests.contract.cn_sandbox_import import released, stored


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path / "customs", monkeypatch) as company:
        yield company


@pytest.fixture
def web(company):
    with TestClient(build(company.customs)) as found:
        yield found


def bare(company, type_, document):
    return base64.b64decode(etree.fromstring(company.sealed(type_, document)).findtext("{*}Data"))


def maps(text):
    """The receipts in a local port's answer."""
    return [dict(re.findall(r"(\w+)=([^,}]*)", part)) for part in re.findall(r"{([^}]*)}", text)]


def asked(web, number, dxp):
    answer = web.get(f"/ceb{number}msg", params={"dxpid": dxp, "qryid": "20260101000000"})
    assert answer.status_code == 200
    return maps(answer.text)


def test_the_local_port_takes_an_import_order_and_gives_its_receipts(company, web):
    body = {
        "Message": {
            "MessageHead": {"MessageId": make.guid(), "MessageType": "CEB311Message"},
            "MessageBody": {"data": base64.b64encode(bare(company, "CEB311", imports.order("O1"))).decode()},
        }
    }
    assert web.post("/cebcmsg", content=json.dumps(body)).text == "OK"
    company.wait(60)
    found = asked(web, "312", dxp_of(PLATFORM))
    assert [(row["orderno"], row["returnstatus"]) for row in found] == [("O1", "2"), ("O1", "3"), ("O1", "120")]


def test_the_local_port_gives_tax_bills_and_summary_results(company, web):
    invt_no = released(company, "O1", bonded=True)
    company.wait(31 * 86400)
    (bill,) = asked(web, "816", dxp_of(AGENT))
    assert (bill["invtno"], bill["valueaddedtax"], bill["status"]) == (invt_no, "19.11", "1")
    (changed,) = asked(web, "818", dxp_of(AGENT))
    assert (changed["taxno"], changed["status"]) == (bill["taxno"], "2")
    assert [row["invtno"] for row in asked(web, "622", dxp_of(AGENT)) if row["returnstatus"] == "899"] == [invt_no]


def test_folders_take_an_inventory_and_put_out_receipts_and_tax_bills(company, tmp_path):
    home = tmp_path / "clients" / dxp_of(AGENT)
    (home / "send").mkdir(parents=True)
    door = Folders(company.customs, home.parent)
    for type_, document in [("CEB311", imports.order("O1")), ("CEB411", imports.payment("O1")),
                            ("CEB511", imports.waybill("O1"))]:  # fmt: skip
        company.send(type_, document)
    (home / "send" / "a.xml").write_bytes(bare(company, "CEB621", imports.inventory("O1", bonded=True)))
    door.once()
    assert [file.name for file in (home / "sent").iterdir()] == ["a.xml"]
    company.wait(900)
    door.once()
    names = sorted(file.name[:10] for file in (home / "receive").iterdir())
    assert names == ["CEB622Mess"] * 5 + ["CEB816Mess"]
    for file in (home / "receive").iterdir():
        assert client.is_enveloped(file.read_bytes()) is False


def test_receipts_over_http_page_through_all_types_in_order(company, web):
    stored(company, "O1", bonded=True)
    company.wait(900)
    types, since = [], ""
    while True:
        found = web.get("/dxp/receipts", params={"dxpId": dxp_of(AGENT), "since": since, "limit": 1}).json()
        if not found["messages"]:
            break
        (raw,), since = found["messages"], found["next"]
        types.append(etree.fromstring(base64.b64decode(raw)).findtext("{*}TransInfo/{*}MsgType")[:6])
    assert types == ["CEB622"] * 4 + ["CEB816", "CEB622"]


def test_refused_documents_of_new_types_are_in_the_books(company):
    company.post(company.sealed("CEB623", imports.cancel("O1", "none"), signer=PLATFORM))
    company.send("CEB625", imports.refund("O1", "none"))
    company.send("CEB711", imports.warehouse(["O1"], copNo=None))
    kept = [(row["type"], row["outcome"]) for row in books.page(company.customs.store, 0, 100)["rows"]]
    assert kept == [("CEB623Message", "refused"), ("CEB625Message", "accepted"), ("CEB711Message", "unreadable")]
