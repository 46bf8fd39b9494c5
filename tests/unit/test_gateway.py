"""The gateway: who may call, a shipment as JSON, events, corrections, pushes; errors in both languages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from adapters import home as homes
from adapters.ledger import raws
from deployments import services, settings
from deployments.gateway import create_app
from tests.unit.prefect_double import PrefectServer
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]

SHIPMENT: dict[str, Any] = {
    "truck": {
        "master_waybill": "HZMBAPI0000001", "batch_no": "1", "customs_office": "5788", "exit_port": "5788",
        "port_of_destination": "HKG", "mainland_plate": "粤ZX777港",
        "planned": {
            "arrival_at_yard": "2026-11-23T22:00:00+08:00", "departure": "2026-11-24T06:30:00+08:00",
            "crossing": "2026-11-24T07:10:00+08:00",
        },
        "parties": {"agent": {"code": "91440400MA00AGENT0", "name": "示例报关"}},
    },
    "parcels": [
        {
            "order": {"order_no": "API1", "currency": "GBP", "goods_value": "10.50"},
            "payments": [
                {"order_no": "API1", "pay_no": "P1", "amount": "10.50", "currency": "GBP", "payer_name": "Nemo"}
            ],
            "lines": [{"order_no": "API1", "item_no": "1", "currency": "GBP", "quantity": "1", "price": "10.50",
                       "total_price": "10.50"}],
        }
    ],
}  # fmt: skip


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    """A caller with the api token."""
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {settings.tokens(home)['api']}"
        yield client


def test_health_needs_no_token_and_all_else_does(client: TestClient) -> None:
    del client.headers["Authorization"]
    assert client.get("/health").json() == {"status": "up", "mode": "sandbox"}
    refused = client.get("/shipments")
    assert refused.status_code == 401
    assert "令牌" in refused.json()["detail"]
    assert client.get("/shipments", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/authorities/cn_ecommerce/push", content=b"x").status_code == 401
    assert client.post("/shipments", json=SHIPMENT).status_code == 401


def test_a_shipment_as_json_is_taken_in_and_woken(client: TestClient, prefect: PrefectServer) -> None:
    made = client.post("/shipments?approved=true", json=SHIPMENT)
    assert made.status_code == 201, made.text
    ident = made.json()["shipment"]
    assert made.headers["location"] == f"/shipments/{ident}"
    assert prefect.runs[0]["parameters"] == {"shipment": str(ident)}
    assert prefect.base in made.json()["run"]
    found = client.get("/shipments/HZMBAPI0000001").json()
    assert found["id"] == ident
    assert "approved" in [e["kind"] for e in found["timeline"]]
    assert client.post("/shipments", json=SHIPMENT).json()["shipment"] == ident
    assert [s["id"] for s in client.get("/shipments").json()] == [ident]
    assert client.put(f"/shipments/{ident}/corrections", json=SHIPMENT).json() == {"shipment": ident}


def test_what_is_wrong_with_a_shipment_is_told_without_its_values(client: TestClient) -> None:
    bad = json.loads(json.dumps(SHIPMENT))
    bad["parcels"][0]["payments"][0]["amount"] = "Nemo's secret"
    answer = client.post("/shipments", json=bad)
    assert answer.status_code == 422
    assert answer.json()["detail"]["faults"] == ["parcels.0.payments.0.amount: Input should be a valid decimal"]
    assert "secret" not in answer.text
    assert client.post("/shipments", content=b"{").status_code == 422


def test_events_are_taken_once(client: TestClient, captured: int) -> None:
    path = f"/shipments/{captured}/events"
    assert client.post(path, json={"kind": "arrived", "at": "2026-11-23T22:00:00+08:00"}).json()["changed"] is True
    assert client.post(path, json={"kind": "arrived"}).json()["changed"] is False
    assert client.post(path, json={"kind": "vanished"}).status_code == 422
    assert client.post(path, json={"kind": "crossed", "at": "2026-11-23T22:00:00"}).status_code == 422


def test_decisions_carry_who_and_why(client: TestClient, captured: int) -> None:
    for call in ("hold", "resume", "approve"):
        assert client.post(f"/shipments/{captured}/{call}", json={"by": "Li", "reason": "x"}).json()["changed"] is True
    assert client.post(f"/shipments/{captured}/hold").json()["changed"] is True
    actors = {e["kind"]: e["actor"] for e in client.get(f"/shipments/{captured}").json()["timeline"]}
    assert actors["approved"] == "Li"


def test_a_file_in_the_senders_layout_is_a_new_version(client: TestClient, captured: int, truck: Path) -> None:
    body = (truck / "payments.csv").read_bytes() + b"\r\n"
    assert client.put(f"/shipments/{captured}/files/payments.csv", content=body).json() == {"shipment": captured}
    received = [e for e in client.get(f"/shipments/{captured}").json()["timeline"] if e["kind"] == "received"]
    assert len(received) == 2


def test_a_shipment_that_there_is_not_is_404(client: TestClient) -> None:
    for method, path in (("get", ""), ("post", "/hold"), ("put", "/files/a.csv")):
        answer = client.request(method, f"/shipments/nowhere{path}", content=b"")
        assert answer.status_code == 404
        assert "找不到货运" in answer.json()["detail"]


def test_a_push_is_kept_even_when_nobody_can_read_it(client: TestClient, home: Path) -> None:
    token = settings.tokens(home)["push"]
    answer = client.post(f"/authorities/cn_ecommerce/push?token={token}", content=b"not xml at all")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"kept": 1}
    office = services.office(homes.read())
    parked = raws.parked(office.ledger, "cn_ecommerce")
    assert [raws.body(office.ledger, ident) for ident in parked] == [b"not xml at all"]


def test_an_authority_that_there_is_not_is_said_so_in_both_languages(client: TestClient, home: Path) -> None:
    answer = client.post(f"/authorities/nowhere/push?token={settings.tokens(home)['push']}", content=b"x")
    assert answer.status_code == 500
    assert answer.json()["title_zh"] == "配置有误，请修正设置"


@pytest.mark.parametrize("call", ["/shipments", "/shipments/1/events", "/shipments/1/approve", "/books/quota"])
def test_a_body_without_end_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    monkeypatch.setattr("deployments.gateway.MAX_BYTES", 10)
    answer = client.post(call, content=b"x" * 11)
    assert (answer.status_code, "超过 10 字节" in answer.text) == (413, True)
    assert client.post(call, content=b"x" * 10).status_code != 413


@pytest.mark.parametrize("call", ["/shipments", "/shipments/1/events"])
@pytest.mark.parametrize(
    ("told", "pieces", "read"), [("", [6, 5, 5], 2), ("", [6, 4], 2), ("11", [6, 5], 0), ("never", [11], 1)]
)
def test_a_body_in_pieces_is_read_no_further_than_it_may_be(
    client: TestClient, home: Path, monkeypatch: pytest.MonkeyPatch, call: str, told: str, pieces: list[int], read: int
) -> None:
    monkeypatch.setattr("deployments.gateway.MAX_BYTES", 10)
    headers = [(b"authorization", f"Bearer {settings.tokens(home)['api']}".encode())]
    headers += [(b"content-length", told.encode())] if told else []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": call,
        "raw_path": call.encode(), "query_string": b"", "root_path": "", "scheme": "http", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    coming, said = iter(pieces), list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        taken.append(size := next(coming))
        return {"type": "http.request", "body": b"x" * size, "more_body": len(taken) < len(pieces)}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(dict(message))

    taken: list[int] = []
    asyncio.run(create_app()(scope, receive, send))
    assert len(taken) == read
    assert (said[0]["status"] == 413) == (sum(pieces) > 10)


def test_its_page_names_every_call_and_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    answered = client.get("/docs")
    assert (answered.status_code, answered.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = answered.text
    described = client.get("/openapi.json").json()["paths"]
    calls = [(verb.upper(), path) for path, verbs in described.items() for verb in verbs]
    assert len(calls) >= 12
    assert all(f"<b>{verb}</b>{path}</h3>" in text for verb, path in calls)
    assert "arrived | departed | crossed" in text
    assert "src=" not in text
    assert not re.search(r"(src|href|url)\s*[=(]\s*[\"']?(https?:)?//", text)
