"""The sandbox over HTTP: whatever is posted gets an answer; receipts by poll and push; the admin's calls; the page."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from starlette.testclient import TestClient

from adapters.sandbox.cn_customs import settings as data
from adapters.sandbox.cn_customs.app import build
from adapters.sandbox.cn_customs.push import Pusher
from mappings.engine import schema
from tests.contract import cn_sandbox_company as make
from tests.contract.cn_sandbox_company import PLATFORM, YARD, code_of, dxp_of

BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><a>&c;</a>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>"""


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


@pytest.fixture
def http(company):
    with TestClient(build(company.customs)) as client:
        yield client


@contextmanager
def served(app):
    """A real server on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_a_message_is_answered_by_a_dxprep_that_repeats_its_head(http, company):
    sealed = company.sealed("CEB303", make.order("O1"), cop_msg_id="ID-1")
    answer = http.post("/dxp/messages", content=sealed)
    root = etree.fromstring(answer.content)
    assert (answer.status_code, root.tag) == (200, "{http://www.chinaport.gov.cn/dxp}DxpRep")
    assert root.findtext("{*}RecevierId") == dxp_of(PLATFORM)
    assert root.findtext("{*}Response/{*}ResponseCode") == "0000"
    assert root.findtext("{*}Response/{*}OriHead/{*}CopMsgId") == "ID-1"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<dxp:Data>", "<dxp:Data>!", "0001"),
        ("DxpMsg", "DxpOther", "0001"),
        ("<dxp:CopMsgId>", "<dxp:CopMsgId>" + "x" * 300, "0002"),
        ("2026-11-23T12:00:00", "yesterday", "0002"),
        ("DXPEDCCEB0000003", "DXPEDCCEB0000002", "2001"),
        ("DXPEDCCEB0000003", "D" * 17, "0002"),
        (dxp_of(PLATFORM), "DXPSOMEONE", "2999"),
    ],
)
def test_a_faulty_envelope_gets_the_ports_own_code_and_nothing_is_accepted(company, old, new, code):
    sealed = company.sealed("CEB303", make.order("O1")).decode()
    assert old in sealed
    assert company.post(sealed.replace(old, new).encode()) == code
    assert company.hear(PLATFORM) == []
    assert [row["outcome"] for row in company.customs.store.rows("SELECT outcome FROM message")] == ["refused"]


def test_a_transfer_envelope_is_opened_and_empty_data_is_not(company):
    sealed = company.sealed("CEB303", make.order("O1")).decode().split("?>", 1)[1]
    outer = f'<s:DxpMsgSv xmlns:s="http://www.chinaport.gov.cn/dxp" ver="1.0"><s:SvNo/>{sealed}</s:DxpMsgSv>'
    assert company.post(outer.encode()) == "0000"
    assert company.post(make.enveloped(b"", "CEB303", dxp_of(PLATFORM))) == "0002"


@pytest.mark.parametrize(
    ("business", "type_", "words"),
    [
        (b"junk ]]> \x00\xff", "Unknown", "well-formed"),
        (BILLION_LAUGHS, "Unknown", ""),
        (OUTSIDE, "Unknown", "DOCTYPE"),
        (b"<a/>", "Unknown", "unknown message"),
        (make.message("CEB303", [], PLATFORM), "CEB303Message", "schema"),
        (make.message("CEB303", [make.order("O" * 61)], PLATFORM), "CEB303Message", "schema"),
        (make.message("CEB303", [make.order("\ue000")], PLATFORM), "CEB303Message", "U+E000"),
        (make.message("CEB505", [make.waybill("1")], PLATFORM), "CEB505Message", "MsgType"),
    ],
)
def test_an_unreadable_message_gets_a_ceb900(company, business, type_, words):
    assert company.post(make.enveloped(business, "CEB303", dxp_of(PLATFORM), "ID-9")) == "0000"
    (receipt,) = company.hear(PLATFORM)
    assert (receipt["type"], receipt["returnStatus"]) == ("CEB900Message", "-999999")
    assert (receipt["oriCopMsgId"], receipt["oriMessageType"]) == ("ID-9", type_)
    assert words in receipt["returnInfo"]
    assert len(company.customs.store.rows("SELECT * FROM document WHERE outcome = 'unreadable'")) == 1


def test_too_large_a_message_is_said_to_be(http, monkeypatch):
    monkeypatch.setitem(data.profile(), "max_bytes", 1000)
    answer = http.post("/dxp/messages", content=b"x" * 1001)
    assert (answer.status_code, answer.json()["limit"]) == (413, 1000)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["raw", "envelope", "head"]))
def test_any_bytes_get_an_answer(http, junk, place):
    bodies = {
        "raw": junk,
        "envelope": make.enveloped(junk or b"x", "CEB303", "DXPX"),
        "head": b'<DxpMsg xmlns="http://www.chinaport.gov.cn/dxp">' + junk + b"</DxpMsg>",
    }
    answer = http.post("/dxp/messages", content=bodies[place])
    assert answer.status_code == 200
    assert len(code_of(answer.content)) == 4


_CELLS = st.sampled_from(["", " ", "0", "-1", "9" * 40, "1e5", "<x/>", "&amp;", "中", "\t", "1.5", "NaN"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["CEB303", "CEB403", "CEB505", "CEB603", "CEB607", "CEB507", "CEB509"]), st.data())
def test_any_values_in_a_message_get_an_answer(company, type_, draw):
    builders = {"CEB303": make.order, "CEB403": make.payment, "CEB505": make.waybill, "CEB603": make.inventory}
    lists = {"CEB607": make.master, "CEB507": make.arrival, "CEB509": make.departure}
    document = builders[type_]("O1") if type_ in builders else lists[type_](["O1"])
    root = etree.fromstring(make.message(type_, [document], make.OWNERS[type_]))
    cells = [cell for cell in root.iter() if not len(cell)]
    for cell in draw.draw(st.lists(st.sampled_from(cells), max_size=3)):
        cell.text = draw.draw(_CELLS)
    body = make.signed(etree.tostring(root, method="c14n"), make.certificate(company.customs, make.OWNERS[type_]))
    assert company.post(make.enveloped(body, type_, dxp_of(make.OWNERS[type_]))) in {"0000", "2999"}


def test_receipts_are_paged_without_loss_or_repetition(http, company):
    company.send("CEB303", *(make.order(f"O{n}") for n in range(3)))
    company.send("CEB403", make.payment("O1"))
    company.wait(60)
    ask = {"dxpId": dxp_of(PLATFORM), "since": "", "limit": "1"}
    seen = []
    while messages := (answer := http.get("/dxp/receipts", params=ask).json())["messages"]:
        seen += [row["returnStatus"] for message in messages for row in make.rows_of(base64.b64decode(message))]
        ask["since"] = answer["next"]
    assert seen == ["2", "2", "2", "2"]
    assert answer["next"] == ask["since"]
    again = http.get("/dxp/receipts", params={**ask, "since": "", "limit": "9"}).json()["messages"]
    assert (
        again == http.get("/dxp/receipts", params={**ask, "since": "", "limit": "9"}).json()["messages"]
        and len(again) == 2
    )


@pytest.mark.parametrize("ask", [{"since": "yesterday"}, {"since": "2026-11-23T12:00:00"}, {"limit": "many"}])
def test_a_question_that_makes_no_sense_is_refused(http, ask):
    assert http.get("/dxp/receipts", params=ask).status_code == 400


def test_receipts_are_pushed_and_tried_again(company):
    taken, codes = [], [500, 200]

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(codes.pop(0) if codes else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with TestClient(build(company.customs)) as http:
        url = f"http://127.0.0.1:{server.server_port}/"
        assert http.put("/admin/callbacks", json={"dxpId": dxp_of(PLATFORM), "url": url}).status_code == 200
    company.send("CEB303", make.order("O1"))
    company.wait(60)
    pusher = Pusher(company.customs)
    assert [pusher.once(), pusher.once()] == [0, 0]
    company.wait(6)
    assert [pusher.once(), pusher.once()] == [1, 0]
    assert taken[0] == taken[1] and make.rows_of(taken[0])[0]["returnStatus"] == "2"
    server.shutdown()
    server.server_close()
    company.send("CEB303", make.order("O2"))
    company.wait(60)
    assert pusher.once() == 0
    company.customs.store.run("DELETE FROM callback")
    assert pusher.once() == 0


def test_a_certificate_from_the_admin_signs_what_customs_accepts(http, company):
    pem = "-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(make.SPKI).decode() + "-----END PUBLIC KEY-----\n"
    given_ = http.post(
        "/admin/certificates", json={"owner_code": PLATFORM, "name": "平台", "public_key_pem": pem}
    ).json()
    certificate = make.x509.load_pem_x509_certificate(given_["certificate_pem"].encode())
    assert given_["serial"] == f"{certificate.serial_number:x}"
    body = make.signed(make.message("CEB303", [make.order("O1")], PLATFORM), certificate)
    assert company.post(make.enveloped(body, "CEB303", dxp_of(PLATFORM))) == "0000"
    assert make.ends(company, PLATFORM) == {"O1": "2"}
    for wrong in (
        {},
        {"owner_code": "X", "public_key_pem": "?"},
        {"owner_code": "X" * 99, "public_key_pem": pem, "other_codes": 1},
    ):
        assert http.post("/admin/certificates", json=wrong).status_code == 400
    object.__setattr__(company.customs.authority, "key", None)
    assert http.post("/admin/certificates", json={"owner_code": "X", "public_key_pem": pem}).status_code == 409


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("/admin/behaviour", b"{"),
        ("/admin/behaviour", b"[]"),
        ("/admin/behaviour", b"{}"),
        ("/admin/behaviour", b'{"rules": [{"action": "dance"}]}'),
        ("/admin/behaviour", b'{"rules": [{"action": "reject", "match": {"weather": "*"}}]}'),
        ("/admin/behaviour", b'{"rules": [{"action": "reject", "times": -1}]}'),
        ("/admin/behaviour", b'{"rules": [{"action": "http", "status": "often"}]}'),
        ("/admin/events", b'{"kind": "vanished"}'),
        ("/admin/inspections", b"{}"),
        ("/admin/inspections", b'{"order_no": "O1", "result": "777"}'),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(http, call, body):
    answer = http.post(call, content=body)
    assert answer.status_code == 400 and answer.json()["error"]


def test_callbacks_need_an_address(http):
    assert http.put("/admin/callbacks", json={"dxpId": "D", "url": "file:///x"}).status_code == 400
    assert http.put("/admin/callbacks", json={"dxpId": "D", "url": None}).json() == {"dxpId": "D", "url": None}


def test_events_health_and_reset(http, company):
    event = {"master_waybill": "BILL1", "kind": "arrived", "at": "2026-11-23T22:00:00+08:00"}
    assert http.post("/admin/events", json=event).status_code == 200
    (kept,) = http.get("/admin/events").json()["events"]
    assert kept["kind"] == "arrived" and kept["recorded_at"]
    company.send("CEB303", make.order("O1"))
    health = http.get("/admin/health").json()
    assert (health["status"], health["documents"], health["unpublished"]) == ("up", 1, 1)
    http.post("/admin/reset")
    assert http.get("/admin/health").json()["documents"] == 0
    assert company.hear(PLATFORM) == []


def test_the_page_shows_what_was_received_and_loads_nothing(http, company):
    assert "暂无" in http.get("/").text
    company.send("CEB303", make.order("O1"))
    company.send("CEB507", make.arrival([]), signer="NOBODY")
    http.post("/admin/events", json={"kind": "arrived", "billNo": "<b>BILL"})
    company.hear(YARD)
    text = http.get("/").text
    etree.fromstring(text.encode(), etree.HTMLParser())
    assert "CEB303" in text and "-621015" in text and "&lt;b&gt;BILL" in text
    assert "http://" not in text and "src=" not in text and "url(" not in text


def test_the_answer_is_lost_on_a_real_connection_after_accepting(company):
    company.customs.behaviours.add(
        [{"action": "lose_answer", "times": 1}, {"action": "hang", "seconds": 0.01, "match": {"type": "CEB505*"}}]
    )
    first = company.sealed("CEB303", make.order("O1"))
    with served(build(company.customs)) as base:
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{base}/dxp/messages", first, timeout=5)
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{base}/dxp/messages", company.sealed("CEB505", make.waybill("O1")), timeout=5)
        again = requests.post(f"{base}/dxp/messages", first, headers={"X-Tongguan-Recovery": "1"}, timeout=5)
        assert code_of(again.content) == "0000"
        assert requests.get(f"{base}/admin/books/audit", timeout=5).json()["count"] == 0
    assert sorted(s for _, s in company.statuses(PLATFORM)) == ["-304001", "2"]


def test_without_a_connection_to_close_the_answer_is_at_least_no_success(http, company):
    company.customs.behaviours.add([{"action": "lose_answer"}])
    assert http.post("/dxp/messages", content=company.sealed("CEB303", make.order("O1"))).status_code == 599


def test_every_receipt_type_has_a_schema():
    for declared in data.declared().values():
        assert schema.validator(declared.receipt.type) is not None


def test_many_at_once_are_all_booked_once(company):
    sealed = [company.sealed("CEB303", *(make.order(f"O{n}-{m}") for m in range(5))) for n in range(24)]
    with served(build(company.customs)) as base, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: requests.post(f"{base}/dxp/messages", body, timeout=30), sealed * 2))
    assert {code_of(answer.content) for answer in answers} == {"0000"}
    heard = company.statuses(PLATFORM)
    assert len(heard) == 240 and len(set(heard)) == 240
    assert {status for _, status in heard} == {"2", "-304001"}


@pytest.mark.slow
def test_the_process_listens_remembers_and_stops(tmp_path, company):
    command = [sys.executable, "-m", "adapters.sandbox.cn_customs", "--port", "0", "--home", str(tmp_path / "own")]
    sealed = company.sealed("CEB303", make.order("O1"))
    seen = []
    for _ in range(2):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            base = process.stdout.readline().removeprefix("listening on ").strip()
            seen.append(requests.get(f"{base}/admin/health", timeout=10).json()["messages"])
            assert code_of(requests.post(f"{base}/dxp/messages", sealed, timeout=10).content) == "0000"
        finally:
            process.terminate()
            process.wait(10)
    assert seen == [0, 1]


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("<dxp:TransInfo>", "<!-- <Data>AAAA< --><dxp:TransInfo>"),
        lambda text: text.replace("<dxp:Data>", "<dxp:Data>\n  ").replace("</dxp:Data>", "\n</dxp:Data>"),
        lambda text: text.replace("<dxp:Data>", "<dxp:Data><![CDATA[").replace("</dxp:Data>", "]]></dxp:Data>"),
        lambda text: text.replace("<dxp:Data>", "<dxp:Data >"),
    ],
)
def test_data_is_found_however_it_is_written(company, edit):
    text = company.sealed("CEB303", make.order("O1")).decode()
    assert edit(text) != text
    assert company.post(edit(text).encode()) == "0000"
    assert make.ends(company, PLATFORM) == {"O1": "2"}


def test_an_envelope_in_another_encoding_is_read(company):
    text = company.sealed("CEB303", make.order("O1")).decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert company.post(text.encode("utf-16")) == "0000"


def test_numbers_beyond_any_row_are_no_error(http):
    assert http.get("/admin/books", params={"after": 10**30, "limit": -(10**30)}).json() == {"rows": [], "next": None}
    assert http.delete(f"/admin/behaviour/{10**30}").status_code == 200
    assert http.get("/dxp/receipts", params={"limit": 10**30, "since": "9999-12-31T23:59:59Z"}).json()["messages"] == []
