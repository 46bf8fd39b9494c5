"""The books through the gateway: per company, with what explains them, and no person's number in any answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from adapters import home as homes
from adapters.ledger import parcels, shipments
from deployments import money, services, settings
from deployments.gateway import create_app
from deployments.gateway_page import page
from mappings import clock
from tasks.imports import judge, reserve
from tasks.office import Office
from tests.import_factory import EMS, GUARANTOR, make_import, resident

BUYERS = [resident(31), resident(32)]
STOCK = f"账册编号,备案料号,数量,单位\n{EMS},ITEM95,50,件\n{EMS},ITEM69,60,件\n{EMS},ITEM85,70,件\n"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office with two parcels of a bonded batch reserved in its books."""
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    at = services.office(homes.read())
    (tmp_path / "stock.csv").write_text(STOCK, "utf-8")
    money.top_up(at, GUARANTOR, "5000", "letter 1", "amy")
    money.top_up(at, "OTHER", "7", "letter 2", "amy")
    money.stock_in(at, tmp_path / "stock.csv", arrival=False, actor="amy")
    batch = judge(make_import(2, lines=1, buyers=BUYERS, ems_no=EMS), date(2026, 11, 23))
    ident, _ = shipments.open_shipment(at.ledger, "AGENT", "M1", {"driver": {"name": ""}})
    parcels.sync_parcels(at.ledger, ident, parcels.rows_of(batch))
    assert reserve(at.ledger, ident, batch, clock.now()) == {}
    return at


@pytest.fixture
def client(office: Office) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {settings.tokens(office.home.path)['api']}"
        yield client


def test_a_company_s_guarantee_and_what_explains_it(client: TestClient) -> None:
    everyone = client.get("/books/guarantees").json()
    assert {a["assure_code"]: a["total"] for a in everyone["accounts"]} == {GUARANTOR: "5000", "OTHER": "7"}
    assert everyone["entries"] == []
    told = client.get(f"/books/guarantees/{GUARANTOR}?entries=true").json()
    (account,) = told["accounts"]
    assert Decimal(account["free"]) == Decimal(account["total"]) - Decimal(account["reserved"])
    assert Decimal(account["reserved"]) > 0
    assert sum(Decimal(entry["reserved"]) for entry in told["entries"]) == Decimal(account["reserved"])
    first = told["entries"][0]
    assert (first["application"], first["reference"], first["en"]) == ("letter 1", "amy", "opened or topped up")


def test_stock_of_an_account_book_and_of_one_item(client: TestClient) -> None:
    told = client.get(f"/books/stock/{EMS}").json()
    assert {a["item_record_no"]: a["total"] for a in told["accounts"]} == {
        "ITEM95": "50",
        "ITEM69": "60",
        "ITEM85": "70",
    }
    (one,) = client.get(f"/books/stock/{EMS}?item=ITEM69").json()["accounts"]
    assert (one["ems_no"], one["total"]) == (EMS, "60")


def test_a_buyer_s_quota_shows_the_number_to_nobody(client: TestClient) -> None:
    answer = client.post("/books/quota?entries=true", json={"id_number": f" {BUYERS[0]} "})
    (account,) = answer.json()["accounts"]
    assert account["buyer"] == f"***{BUYERS[0][-4:]}"
    assert Decimal(account["limit"]) - Decimal(account["reserved"]) == Decimal(account["free"])
    assert len(answer.json()["entries"]) == 1
    assert BUYERS[0] not in answer.text
    assert BUYERS[0][6:14] not in answer.text
    assert client.post("/books/quota", json={"id_number": resident(99)}).json() == {"accounts": [], "entries": []}
    assert client.get(f"/books/quota?id_number={BUYERS[0]}").status_code == 405, "not in an address"


def test_what_no_book_has_is_said_and_nobody_reads_without_a_token(client: TestClient) -> None:
    for path in ("/books/guarantees/NOBODY", "/books/stock/NOBODY", f"/books/stock/{EMS}?item=NOTHING"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "没有" in answer.json()["detail"]
    del client.headers["Authorization"]
    for path in ("/books/guarantees", f"/books/guarantees/{GUARANTOR}", f"/books/stock/{EMS}"):
        assert client.get(path).status_code == 401
    assert client.post("/books/quota", json={"id_number": BUYERS[0]}).status_code == 401


def test_a_wrong_body_is_refused_without_its_value(client: TestClient) -> None:
    for body in ({"id_number": ""}, {"id_number": [BUYERS[0]]}, {"number": BUYERS[0]}):
        answer = client.post("/books/quota", json=body)
        assert answer.status_code == 422
        assert BUYERS[0] not in answer.text


def test_the_api_page_describes_the_books(client: TestClient) -> None:
    described = client.app.openapi()  # type: ignore[attr-defined]
    paths = {path for path in described["paths"] if path.startswith("/books")}
    assert paths == {"/books/guarantees", "/books/guarantees/{company}", "/books/stock/{ems_no}", "/books/quota"}
    answer = described["paths"]["/books/quota"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["$ref"].endswith("/Quota")
    assert "证件号码" in described["components"]["schemas"]["Buyer"]["properties"]["id_number"]["description"]
    assert "/books/guarantees/{company}" in page(described)
