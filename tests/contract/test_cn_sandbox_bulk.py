"""Booking all at once, and what is kept at hand, change no book and no receipt; nor does an error or a restart."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from starlette.testclient import TestClient

from adapters.sandbox.cn_customs import store as stores
from adapters.sandbox.cn_customs.app import build
from adapters.sandbox.cn_customs.customs import Customs
from adapters.sandbox.cn_customs.earlier import Earlier
from adapters.sandbox.cn_customs.matching import Match
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.reading import _plainly
from mappings import clock
from tests.contract import cn_sandbox_company as make
from tests.contract.cn_sandbox_company import PLATFORM, declare, dxp_of, ends

GUID = re.compile(rb"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
AFTER_THE_CERTIFICATES = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
RULES = [
    {"match": {"type": "CEB603Message", "order_no": "R*"}, "action": "reject"},
    {"match": {"order_no": "D*"}, "action": "repeat"},
    {"match": {"order_no": "L*"}, "action": "silent", "seconds": 20},
]


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path / "first", monkeypatch) as company:
        yield company


def truck(company) -> list[bytes]:
    """Messages that meet nothing, and some that meet much: twice, changed, saved, without its like, refused."""
    plain = [f"{letter}{n}" for letter in "ORDL" for n in range(4)] + ["Q-X100", "Q-X500"]
    sent = [company.sealed("CEB303", *map(make.order, plain)), company.sealed("CEB403", *map(make.payment, plain[3:]))]
    sent += [company.sealed("CEB603", *map(make.inventory, plain[:5]))]  # before their waybills
    sent += [company.sealed("CEB505", *map(make.waybill, plain)), company.sealed("CEB403", make.payment("O0"))]
    odd = [make.inventory("O5", qty="3"), make.inventory("O6", ieFlag="I"), make.inventory("O7", netWeight="9")]
    sent += [company.sealed("CEB603", *map(make.inventory, plain[4:]), *odd)]
    orders = [make.order("O5"), make.order("O5", appType="2"), make.order("O6", appStatus="1"), make.order("O7")]
    sent += [company.sealed("CEB303", *orders, make.order("O9", appType="3"), make.order("O&amp;1"))]
    sent += [company.sealed("CEB505", *map(make.waybill, ["O5", "O6", "O7", "O7"])), sent[0]]
    sent += [company.sealed("CEB303", make.order("N1"), signer=make.CARRIER)]
    return sent


def booked(home: Path, sent: list[bytes], monkeypatch, restart: bool = False) -> dict[str, list[tuple[object, ...]]]:
    """The books of a new customs, of the same authority, after these messages; the clock stands still in between."""
    home.mkdir()
    for file in ("ca.pem", "ca.key"):
        shutil.copy(home.parent / "first" / file, home / file)
    customs, at = Customs(home), AFTER_THE_CERTIFICATES
    customs.behaviours.add(RULES)
    for message in sent:
        monkeypatch.setenv(clock.VARIABLE, clock.Clock(at, 1e-9, time.time()).variable())
        customs.receive(message)
        at += timedelta(seconds=7)
        if restart:
            customs.store.close()
            customs = Customs(home)
    unpack = zstandard.ZstdDecompressor().decompress
    sql = {"document": "SELECT * FROM document", "rule": "SELECT * FROM rule"}
    found = {table: [tuple(row) for row in customs.store.rows(query)] for table, query in sql.items()}
    said = customs.store.rows("SELECT due, dxp, type, status, receipts, body FROM delivery")
    delivered = sorted((*row[:5], GUID.sub(b"", unpack(row[5]))) for row in said)
    customs.store.close()
    return {**found, "delivery": delivered}


def test_all_at_once_and_one_by_one_are_the_same(company, tmp_path, monkeypatch):
    sent = truck(company)
    at_once = booked(tmp_path / "at_once", sent, monkeypatch)
    taken: list[int] = []
    meets_nothing = Earlier.meets_nothing
    monkeypatch.setattr(Earlier, "meets_nothing", lambda own, docs: taken.append(meets_nothing(own, docs)))
    assert booked(tmp_path / "one_by_one", sent, monkeypatch) == at_once
    assert {True, False} == set(taken), "both ways were seen"
    outcomes = {row[stores.DOCUMENT.index("outcome")] for row in at_once["document"]}
    assert outcomes == {"accepted", "saved", "duplicate", "refused"}
    assert {"100", "120", "399", "2"} <= {row[stores.DOCUMENT.index("status")] for row in at_once["document"]}


def test_what_is_at_hand_tells_what_the_book_tells(company, tmp_path, monkeypatch):
    sent = truck(company)
    kept = booked(tmp_path / "kept", sent, monkeypatch)
    monkeypatch.setattr(stores, "RECENT", 0)
    assert booked(tmp_path / "forgotten", sent, monkeypatch) == kept
    monkeypatch.undo()
    assert booked(tmp_path / "restarted", sent, monkeypatch, restart=True) == kept


def test_an_error_leaves_nothing_at_hand_that_the_book_has_not(company, monkeypatch):
    company.send("CEB303", make.order("O1"))
    company.send("CEB505", make.waybill("O1"))
    assert len(company.customs.store.recent) == 2
    sealed = company.sealed("CEB603", make.inventory("O1"))

    def fails(*_):
        raise RuntimeError("told to fail")

    with monkeypatch.context() as broken:
        broken.setattr(Plan, "write", fails)
        with pytest.raises(RuntimeError):
            company.customs.receive(sealed)
    assert company.customs.store.recent == {}
    assert company.post(sealed) == "0000"
    assert ends(company) == {"O1": "399"}


def test_a_document_leaves_once_it_moved_on_or_another_stands_for_its_key(company):
    company.send("CEB303", make.order("O1"), make.order("O2"))
    assert len(company.customs.store.recent) == 2
    company.wait(60)
    company.send("CEB303", make.order("O2", appType="2"))
    assert [doc.app_type for doc in company.customs.store.recent.values()] == ["2"]
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1"))
    assert [doc.order_ref.split("|")[1] for doc in company.customs.store.recent.values()] == ["O2"]


def test_rings_that_share_a_document_are_settled_one_after_the_other(company):
    """Two inventories that name one waybill: the second is compared after the first moved it."""
    company.send("CEB303", make.order("O1"), make.order("O2"))
    company.send("CEB505", make.waybill("O1"))
    settled: list[int] = []
    settle = Match._settle
    Match._settle = lambda own, rings: (settled.append(len(rings)), settle(own, rings))[1]  # type: ignore[method-assign]
    try:
        company.send("CEB603", make.inventory("O1"), make.inventory("O2", logisticsNo="WO1"))
    finally:
        Match._settle = settle  # type: ignore[method-assign]
    assert settled == [1, 1]
    assert [status for _, status in company.statuses(make.CARRIER)] == ["2", "120"]


def test_messages_of_a_company_are_read_by_pattern(company):
    """The other tests of this customs go the way that a declaration of the product goes."""
    for type_, document in (("CEB303", make.order("O1")), ("CEB603", make.inventory("O1"))):
        body = make.message(type_, [document], PLATFORM)
        assert _plainly(body, f"{type_}Message") is not None


def test_first_messages_in_many_threads_at_once():
    """libxml2 makes its built-in types with the first schema: several at once broke it."""
    program = (
        "import threading\n"
        "from adapters.sandbox.cn_customs import reading, settings\n"
        "barrier, made = threading.Barrier(8), []\n"
        "def first():\n"
        "    barrier.wait()\n"
        "    made.append(reading._mine('schema', 'CEB603Message', reading._validator))\n"
        "threads = [threading.Thread(target=first) for _ in range(8)]\n"
        "[t.start() for t in threads], [t.join() for t in threads]\n"
        "raise SystemExit(len(made) != 8)\n"
    )
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_the_frequent_calls_answer_as_routed_ones(company):
    declare(company, "O1")
    company.wait(60)
    with TestClient(build(company.customs)) as http:
        assert http.get("/dxp/messages").status_code == 405
        assert http.get("/dxp/receipts").json() == {"messages": [], "next": ""}
        asked = {"dxpId": dxp_of(PLATFORM), "limit": "1"}
        first = http.get("/dxp/receipts", params=asked)
        assert first.headers["content-type"] == "application/json" and len(first.json()["messages"]) == 1
        again = http.get("/dxp/receipts", params={**asked, "since": first.json()["next"]}).json()
        assert again["messages"] and again["messages"] != first.json()["messages"]
        assert http.get("/dxp/receipts", params={"limit": "x"}).status_code == 400


def test_nothing_is_looked_up_for_pushing_until_a_company_wants_it(company):
    assert company.customs.pushes is False
    with TestClient(build(company.customs)) as http:
        for url, wanted in (("http://127.0.0.1:9/", True), (None, False), ("http://127.0.0.1:9/", True)):
            http.put("/admin/callbacks", json={"dxpId": dxp_of(PLATFORM), "url": url})
            assert company.customs.pushes is wanted
        http.post("/admin/reset")
        assert company.customs.pushes is False
