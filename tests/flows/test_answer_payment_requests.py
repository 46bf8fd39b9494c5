"""The flow that answers requests for payment data: named ends, an artifact, nothing of a payment in Prefect."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

from adapters import home as homes
from adapters.keys import make_keys, sandbox_issuer
from adapters.ledger import payment_requests as ledger_of
from flows.answer_payment_requests import answer_payment_requests
from mappings import clock
from tasks import office as offices
from tasks.office import Office
from tasks.payment_data import receive, stages
from tests.contract.loopback import closed_port
from tests.contract.payment_cases import PLATFORM, Sandbox, keep, payment, sandbox

SECRET = "秘密付款人"


@pytest.fixture(scope="module")
def customs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("customs"), "http://127.0.0.1:9") as made:
        yield made


@pytest.fixture
def office(customs: Sandbox, prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    homes.write(homes.Home(tmp_path / "home", authorities={"ann179": customs.url}))
    make_keys([PLATFORM], tmp_path / "home" / "keys", sandbox_issuer(customs.url))
    offices.office.cache_clear()
    yield offices.office()
    offices.office().ledger.close()
    offices.office.cache_clear()


def ask(customs: Sandbox, office: Office, order: str) -> str:
    """Customs notes its request; our gateway is elsewhere tested."""
    session = str(customs.ask(order)["sessionID"])
    body = json.dumps({"orderNo": order, "sessionID": session, "serviceTime": 1}).encode()
    assert receive.take_request(office, body)["code"] == "10000"
    return session


def test_a_run_answers_alarms_and_answers_anew(customs: Sandbox, office: Office) -> None:
    assert answer_payment_requests(return_state=True).name == "All answered"
    session = ask(customs, office, "O1")
    lacking = answer_payment_requests(return_state=True)
    assert (lacking.is_failed(), lacking.name) == (True, "Payment data needs a person")
    keep(office.home.path / "payment_data", payment("O1", request=SECRET))
    customs.misbehave("refuse", times=1)
    assert answer_payment_requests(return_state=True).is_failed()
    assert answer_payment_requests(return_state=True).is_failed(), "what was refused waits for a person"
    assert answer_payment_requests(again=session, return_state=True).name == "All answered"
    assert [u["code"] for u in customs.uploads()] == ["20000", "10000"]
    assert customs.uploads()[1]["signature"] == "good"
    _nothing_of_a_payment_in_prefect()


def test_customs_that_cannot_be_reached_is_told(
    customs: Sandbox, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(clock.now(), 50).variable())
    monkeypatch.setattr(stages.upload, "retry_delay_seconds", [0, 0])
    office.home.authorities["ann179"] = f"http://127.0.0.1:{closed_port()}"
    keep(office.home.path / "payment_data", payment("O1"))
    ask(customs, office, "O1")
    ended = answer_payment_requests(return_state=True)
    assert ended.name == "Authority unavailable"
    assert ("not-sent", False) in [(e.kind, e.alarm) for e in ledger_of.events(office.ledger, 1)]
    office.home.authorities["ann179"] = customs.url
    assert answer_payment_requests(return_state=True).name == "All answered"


def _nothing_of_a_payment_in_prefect() -> None:
    file = Path(str(PREFECT_API_DATABASE_CONNECTION_URL.value()).partition("///")[2])
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        dump = "\n".join(database.iterdump())
    assert "answer-payment-requests" in dump
    assert not any(word in dump for word in (SECRET, json.dumps(SECRET)[1:-1], "ACC-0001", "示例收款公司"))
