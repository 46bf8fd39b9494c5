"""The sandbox's other doors: same customs, same books, whatever way a message comes; refusals and receipts by each."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from adapters.cn_ecommerce import envelope
from adapters.sandbox.cn_customs.app import build
from adapters.sandbox.cn_customs.doors import client
from adapters.sandbox.cn_customs.doors.amqp import Queues
from adapters.sandbox.cn_customs.doors.folder import Folders
from mappings.errors import ConfigurationError
from tests.channels.broker import ADDRESS, Broker, Proxy, started
from tests.contract import cn_sandbox_company as make
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import AGENT, PLATFORM, Company, dxp_of

DXP = dxp_of(PLATFORM)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    with make.company(tmp_path / "customs", monkeypatch) as found:
        yield found


def bare(company: Company, number: str = "O1") -> bytes:
    """A signed business message."""
    return envelope.open_message(company.sealed("CEB303", make.order(number))).business


def books(company: Company) -> list[tuple[str, str, int]]:
    rows = company.customs.store.rows("SELECT cop_msg_id, outcome, recovery FROM message ORDER BY id")
    return [tuple(row) for row in rows]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "clients" / DXP / "send").mkdir(parents=True)
    return tmp_path / "clients" / DXP


def names(folder: Path) -> list[str]:
    return sorted(f.name for f in folder.iterdir()) if folder.is_dir() else []


def test_a_file_goes_through_and_its_receipts_come_back(company: Company, place: Path) -> None:
    door, body = Folders(company.customs, place.parent), bare(company)
    (place / "send" / ".draft.xml.tmp").write_bytes(b"half")
    (place / "send" / "CEB303MessageX_M1.xml").write_bytes(body)
    (place / "send" / "CEB303MessageX_M2_R.xml").write_bytes(body)
    door.once()
    guid = envelope.parse(body).get("guid")
    assert books(company) == [(guid, "accepted", 0), (guid, "accepted", 1)]
    assert names(place / "sent") == ["CEB303MessageX_M1.xml", "CEB303MessageX_M2_R.xml"]
    assert names(place / "send") == [".draft.xml.tmp"]
    company.wait(3600)
    door.once()
    found = names(place / "receive")
    assert found
    assert all(name.startswith("CEB304Message") and name.endswith(".xml") for name in found)
    assert envelope.open_message((place / "receive" / found[0]).read_bytes()).type == "CEB304Message"
    door.once()
    assert names(place / "receive") == found, "each once"


def test_a_client_that_died_before_moving_a_file_knows_that_it_passed_it_on(company: Company, place: Path) -> None:
    door, body = Folders(company.customs, place.parent), bare(company)
    for _ in range(2):
        (place / "send" / "a.xml").write_bytes(body)
        door.once()
    assert len(books(company)) == 1


def test_a_refused_file_is_in_failed_with_the_answer_beside_it(company: Company, place: Path) -> None:
    (place / "send" / "junk.xml").write_bytes(b"no message")
    Folders(company.customs, place.parent).once()
    assert names(place / "failed") == ["junk.rep.xml", "junk.xml"]
    assert envelope.open_message((place / "failed" / "junk.rep.xml").read_bytes()).kind == "refusal"


def test_a_customs_that_is_down_leaves_the_file(company: Company, place: Path) -> None:
    company.customs.behaviours.add([{"match": {}, "action": "http", "times": 1}])
    (place / "send" / "a.xml").write_bytes(bare(company))
    door = Folders(company.customs, place.parent)
    door.once()
    assert (names(place / "send"), books(company)) == (["a.xml"], [])
    door.once()
    assert names(place / "sent") == ["a.xml"]


def post(http: TestClient, data: bytes, ident: str = "ID-1", **headers: str) -> str:
    message = {"MessageHead": {"MessageId": ident}, "MessageBody": {"data": base64.b64encode(data).decode()}}
    return http.post("/cebcmsg", content=json.dumps({"Message": message}), headers=headers).text


def test_a_local_port_says_ok_or_a_map(company: Company) -> None:
    with TestClient(build(company.customs)) as http:
        assert post(http, bare(company)) == "OK"
        assert post(http, bare(company, "O2"), "ID-2", **{"X-Tongguan-Recovery": "1"}) == "OK"
        assert post(http, b"junk").startswith("{code=0002, message=")
        assert http.post("/cebcmsg", content=b"{}").text.startswith("{code=0001, message=")
        company.customs.behaviours.add([{"match": {}, "action": "http", "status": 503, "times": 1}])
        assert post(http, bare(company, "O3")) == "told to fail"
        assert [row[:2] for row in books(company)] == [("ID-1", "accepted"), ("ID-2", "accepted"), ("ID-1", "refused")]
        assert [row[2] for row in books(company)] == [0, 1, 0]
        company.wait(3600)
        asked = {"dxpid": DXP, "qryid": "20200101000000"}
        text = http.get("/ceb304msg", params=asked).text
        assert text.startswith("[{org_id=1, ")
        assert "ebpcode=PLATFORM01" in text
        assert "orderno=O1" in text
        assert http.get("/ceb604msg", params=asked).text == "[]"
        assert http.get("/ceb304msg", params={**asked, "qryid": "20991231000000"}).text == "[]"
        assert http.get("/ceb304msg", params={"dxpid": DXP, "qryid": "soon"}).status_code == 400


def test_what_the_client_wraps_is_an_envelope(company: Company) -> None:
    business = bare(company)
    wrapped = client.enveloped(business)
    assert client.is_enveloped(wrapped)
    assert not client.is_enveloped(business)
    opened = envelope.open_message(wrapped)
    assert (opened.business, opened.peer, opened.type) == (business, DXP, "CEB303Message")
    assert envelope.open_message(client.transferred(wrapped, 1_700_000_000_000_000)).business == business


@pytest.fixture
def broker() -> Iterator[Broker]:
    yield from started()


def queues(company: Company, broker: Broker, address: str = ADDRESS) -> Queues:
    broker.inbox(DXP)
    return Queues(company.customs, address, broker.out, broker.receipt_queue)


@pytest.mark.server
def test_queues_bring_messages_in_and_receipts_and_refusals_out(company: Company, broker: Broker) -> None:
    door = queues(company, broker)
    door.once()
    wrong = company.sealed("CEB303", make.order("O9"), cop_msg_id="ID-9").replace(b"DXPEDCCEB0000003", b"NOBODY")
    broker.put(broker.out, company.sealed("CEB303", make.order("O1"), cop_msg_id="ID-1"), wrong, b"junk")
    door.once()
    assert [row[:2] for row in books(company)] == [("ID-1", "accepted"), ("ID-9", "refused"), ("", "refused")]
    ((_, said),) = broker.taken(broker.inbox(DXP))
    refused = envelope.open_message(said)
    assert (refused.kind, refused.code, refused.cop_msg_id) == ("refusal", "2001", "ID-9")
    company.wait(3600)
    door.once()
    receipts = broker.taken(broker.inbox(DXP))
    assert receipts
    assert {properties.delivery_mode for properties, _ in receipts} == {2}
    assert all(envelope.name(envelope.parse(body)) == "DxpMsgSv" for _, body in receipts)
    assert {envelope.open_message(body).type for _, body in receipts} == {"CEB304Message"}
    door.close()


@pytest.mark.server
def test_queues_carry_imports_and_what_customs_says_unasked(company: Company, broker: Broker) -> None:
    agent = dxp_of(AGENT)
    broker.inbox(agent)
    door = queues(company, broker)
    door.once()
    for type_, document in (("CEB311", imports.order), ("CEB411", imports.payment), ("CEB511", imports.waybill)):
        company.send(type_, document("O1"))
    broker.put(broker.out, company.sealed("CEB621", imports.inventory("O1", bonded=True)))
    door.once()
    company.wait(900)
    door.once()
    receipts = [envelope.open_message(body).type for _, body in broker.taken(broker.inbox(agent))]
    assert receipts == ["CEB622Message"] * 4 + ["CEB816Message", "CEB622Message"]
    door.close()


@pytest.mark.server
def test_what_the_broker_delivers_again_is_no_second_sending(
    company: Company, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy()
    door, sealed = queues(company, broker, proxy.address), company.sealed("CEB303", make.order("O1"))
    door.once()
    broker.put(broker.out, sealed)
    book = company.customs.book
    monkeypatch.setattr(company.customs, "book", lambda incoming: (book(incoming), proxy.cut())[0])
    with pytest.raises(OSError, match="the line broke"):
        door.once()
    monkeypatch.setattr(company.customs, "book", book)
    door.once()
    assert len(books(company)) == 1
    assert broker.count(broker.out) == 0
    broker.put(broker.out, sealed)
    door.once()
    assert len(books(company)) == 2, "but the company's own second sending is in the books"
    door.close()
    proxy.close()


@pytest.mark.server
def test_a_customs_that_is_down_leaves_the_message_in_its_queue(company: Company, broker: Broker) -> None:
    company.customs.behaviours.add([{"match": {}, "action": "http", "times": 1}])
    door = queues(company, broker)
    door.once()
    broker.put(broker.out, company.sealed("CEB303", make.order("O1")))
    door.once()
    assert books(company) == []
    door.once()
    assert len(books(company)) == 1
    door.close()


def test_an_address_that_is_none(company: Company) -> None:
    with pytest.raises(ConfigurationError):
        Queues(company.customs, "amqp://h:nonsense/", "OUT")
