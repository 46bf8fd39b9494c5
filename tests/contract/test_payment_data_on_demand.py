"""Announcement 179 over real HTTP: customs (a process) asks the gateway, and takes what we upload."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import requests
import uvicorn

from adapters import home as homes
from adapters.keys import SoftwareKeys
from adapters.ledger import payment_requests as ledger_of
from adapters.ledger import raws
from deployments import settings
from deployments.gateway import create_app
from mappings import clock
from tasks.office import Office, open_office
from tasks.payment_data import answer, desk
from tests.contract.loopback import closed_port
from tests.contract.payment_cases import OTHER, PLATFORM, Sandbox, keep, payment, sandbox

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
LINK = "https://shop.example/item?id=1&s=2"


class Company:
    """Our side: a home with payment files, a gateway, an office; and customs."""

    def __init__(self, office: Office, customs: Sandbox, gateway: str, patch: pytest.MonkeyPatch) -> None:
        self.office, self.customs, self.gateway, self._patch = office, customs, gateway, patch
        self.folder = desk.folder(office)

    def answer(self) -> answer.Standing:
        """Gather and upload, as a run does."""
        answer.prepare_waiting(self.office)
        answer.upload_waiting(self.office)
        return answer.standing(self.office)

    def later(self, **passed: float) -> None:
        """Our clock, some time after the start."""
        self._patch.setenv(clock.VARIABLE, f"{(START + timedelta(**passed)).isoformat()}@1e-09@1790000000")

    def states(self) -> list[str]:
        """The requests' states."""
        return [row.state for row in ledger_of.listing(self.office.ledger)]

    def reasons(self) -> str:
        """Why requests are not answered."""
        return "; ".join(row.reason for row in ledger_of.listing(self.office.ledger))

    def kinds(self) -> list[str]:
        """The kinds of alarms given, in order."""
        rows = [e for r in ledger_of.listing(self.office.ledger) for e in ledger_of.events(self.office.ledger, r.id)]
        return [e.kind for e in rows if e.alarm]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("customs")) as made:
        yield made


@pytest.fixture
def company(served: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv(clock.VARIABLE, f"{START.isoformat()}@1e-09@1790000000")
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    home = homes.Home(tmp_path / "home", authorities={"ann179": served.url})
    served.keys(home.path / "keys", PLATFORM)
    served.behave()
    requests.post(f"{served.url}/admin/reset", timeout=10)
    office = open_office(home)
    server = uvicorn.Server(uvicorn.Config(create_app(home), port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    gateway = f"http://127.0.0.1:{port}/ann179/{settings.tokens(home.path)['push']}"
    requests.put(f"{served.url}/admin/target", json={"url": gateway}, timeout=10).raise_for_status()
    yield Company(office, served, gateway, monkeypatch)
    server.should_exit = True
    thread.join(10)
    office.ledger.close()


def test_customs_asks_and_gets_what_it_can_verify(company: Company) -> None:
    keep(company.folder, payment("O1"))
    asked = company.customs.ask("O1")
    assert (asked["status"], asked["code"]) == (200, "10000")
    assert company.states() == ["asked"]
    assert company.answer().states == {"answered": 1}
    (upload,) = company.customs.uploads()
    assert (upload["code"], upload["signature"], upload["session"]) == ("10000", "good", asked["sessionID"])
    text = unquote_plus(company.customs.body(upload["id"]).decode().partition("=")[2])
    assert '"totalAmount":25.5,"currency":"142","verDept":"3","payType":"1","tradingTime":"20261120101112"' in text
    assert text.endswith('"}') and f'"certNo":"{upload["certificate"]}"' in text
    assert LINK in text and " " not in text.partition('"recpAccount"')[2]
    assert company.answer().states == {"answered": 1}
    assert len(company.customs.uploads()) == 1, "answered once, whatever runs again"
    assert company.customs.get("books/audit")["bad_signatures"] == []


def test_an_sm2_key_signs_as_well(company: Company) -> None:
    for file in (company.office.home.path / "keys").glob("*"):
        file.unlink()
    company.customs.keys(company.office.home.path / "keys", PLATFORM, algorithm="sm2-sm3")
    company.office.keys = SoftwareKeys(company.office.home.path / "keys")
    keep(company.folder, payment("O1"))
    company.customs.misbehave("strict")
    company.customs.ask("O1")
    assert company.answer().states == {"answered": 1}
    assert company.customs.uploads()[0]["signature"] == "good"


def test_all_orders_of_one_payment_are_in_the_list(company: Company) -> None:
    keep(company.folder, payment("O1"), payment("X", "T2"), payment("O2"))
    company.customs.ask("O2")
    company.answer()
    (upload,) = company.customs.uploads()
    assert (upload["orders"], upload["signature"]) == (2, "good")
    body = unquote_plus(company.customs.body(upload["id"]).decode())
    assert '"orderNo":"O1"' in body and '"orderNo":"O2"' in body and '"orderNo":"X"' not in body


def test_asked_again_is_answered_at_once_and_sent_once(company: Company) -> None:
    keep(company.folder, payment("O1"))
    session = company.customs.ask("O1")["sessionID"]
    assert company.customs.ask("O1", sessionID=session)["code"] == "10000"
    company.answer()
    assert company.customs.ask("O1", sessionID=session)["code"] == "10000"
    company.answer()
    assert len(company.customs.uploads()) == 1
    assert company.customs.ask("O1")["sessionID"] != session, "another session is another request"
    company.answer()
    assert len(company.customs.uploads()) == 2


@pytest.mark.parametrize(
    "raw",
    ["", "{", "[]", "null", "1", '"x"', '{"orderNo":"O1"}', '{"orderNo":"O1","sessionID":"S","serviceTime":"x"}',
     '{"orderNo":"","sessionID":"S","serviceTime":1}', '{"orderNo":{"a":1},"sessionID":"S","serviceTime":1}',
     '{"orderNo":"O\\u0000","sessionID":"S","serviceTime":1}', '{"orderNo":"\\ud800","sessionID":"S","serviceTime":1}',
     '{"orderNo":"%s","sessionID":"S","serviceTime":1}' % ("9" * 61), "[" * 100_000, "9" * 5000,
     '{"orderNo":"O1","sessionID":"S","serviceTime":1e999}', "\x00\x01", "<!DOCTYPE x><x/>"],
)  # fmt: skip
def test_junk_is_kept_refused_and_never_an_error_of_ours(company: Company, raw: str) -> None:
    asked = company.customs.ask("O1", raw=raw)
    assert (asked["status"], asked["code"]) == (200, "20000")
    assert company.states() == []
    assert len(raws.parked(company.office.ledger, "ann179")) == 1


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"openReq", b"openReq=%ff%fe", b"&&=&", b"a=1", b"openReq[]=1"])
def test_any_body_gets_an_answer(company: Company, body: bytes) -> None:
    got = requests.post(f"{company.gateway}/platDataOpen", data=body, timeout=10)
    assert (got.status_code, got.json()["code"]) == (200, "20000")
    assert isinstance(got.json()["serviceTime"], int)


def test_only_who_was_told_the_address_may_ask(company: Company) -> None:
    wrong = company.gateway.rpartition("/")[0] + "/guessed/platDataOpen"
    assert requests.post(wrong, data={"openReq": "{}"}, timeout=10).status_code == 401
    assert raws.parked(company.office.ledger, "ann179") == []


def test_a_request_in_other_clothes_is_read(company: Company) -> None:
    bare = '\ufeff{"orderNo":"O1","sessionID":"S1","serviceTime":"1544519952469","more":1}'
    assert requests.post(f"{company.gateway}/platDataOpen", data=bare.encode(), timeout=10).json()["code"] == "10000"
    query = {"openReq": '{"orderNo":"订单2","sessionID":"S1","serviceTime":1544519952469}'}
    assert requests.post(f"{company.gateway}/platDataOpen", params=query, timeout=10).json()["code"] == "10000"
    assert [(r.order_no, r.service_time) for r in ledger_of.listing(company.office.ledger)] == [
        ("O1", "1544519952469"), ("订单2", "1544519952469")]  # fmt: skip


def test_what_is_missing_is_alarmed_by_field_and_sent_when_it_comes(company: Company) -> None:
    company.customs.ask("O1")
    assert len(company.answer().alarmed) == 1
    assert "no payment data" in company.reasons()
    keep(company.folder, payment("O1", account="", goods=[]))
    company.answer()
    assert "recpAccount" in company.reasons() and "goodsInfo" in company.reasons()
    assert company.customs.uploads() == []
    keep(company.folder, payment("O1"), name="payments-2026-12.jsonl")
    at = company.answer()
    assert (at.states, at.alarmed) == ({"answered": 1}, [])


def test_a_bad_value_is_told_by_field_not_by_value(company: Company) -> None:
    keep(company.folder, payment("O1", amount="25.123456", clearing="9", paidAt="yesterday", request="秘密" * 4001))
    company.customs.ask("O1")
    company.answer()
    reason = company.reasons()
    assert all(name in reason for name in ("totalAmount", "verDept", "payment.paid_at", "initalRequest"))
    assert "秘密" not in reason and "yesterday" not in reason


def test_an_order_with_two_payments_needs_a_person(company: Company) -> None:
    keep(company.folder, payment("O1"), payment("O1", "T2"))
    company.customs.ask("O1")
    assert len(company.answer().alarmed) == 1
    assert "several payments" in company.reasons()


def test_rows_of_one_payment_that_differ_are_told(company: Company) -> None:
    keep(company.folder, payment("O1"), payment("O2", amount="1"))
    company.customs.ask("O1")
    company.answer()
    assert "payment.amount" in company.reasons()


@pytest.mark.parametrize("action", ["refuse", "wrong_session"])
def test_a_refusal_is_alarmed_and_answered_anew_when_a_person_says_so(company: Company, action: str) -> None:
    keep(company.folder, payment("O1"))
    session = company.customs.ask("O1")["sessionID"]
    company.customs.misbehave(action, times=1)
    at = company.answer()
    assert (company.states(), len(at.alarmed), company.kinds()) == (["refused"], 1, ["refused"])
    company.answer()
    assert len(company.customs.uploads()) == 1, "what was refused is not sent again by itself"
    assert answer.reopen(company.office, session) == 1
    assert company.answer().states == {"answered": 1}
    (row,) = ledger_of.listing(company.office.ledger)
    assert [(a.attempt, a.state) for a in ledger_of.answers(company.office.ledger, row.id)] == [
        (1, "refused"), (2, "answered")]  # fmt: skip


@pytest.mark.parametrize("action", ["lose_answer", "junk"])
def test_a_lost_answer_is_unknown_then_the_same_bytes_go_marked(company: Company, action: str) -> None:
    keep(company.folder, payment("O1"))
    company.customs.ask("O1")
    company.customs.misbehave(action, times=1)
    company.answer()
    assert (company.states(), company.kinds()) == (["answering"], ["unknown"])
    company.answer()
    assert len(company.customs.uploads()) == 1, "never blindly"
    company.later(minutes=11)
    assert company.answer().states == {"answered": 1}
    first, second = company.customs.uploads()
    assert (first["sha256"], first["recovery"], second["recovery"]) == (second["sha256"], False, True)
    assert company.customs.get("books/audit")["second_receipts"] == []


def test_while_customs_is_down_nothing_is_lost(company: Company) -> None:
    keep(company.folder, payment("O1"))
    company.customs.ask("O1")
    company.customs.misbehave("down", status=429, times=1)
    answer.prepare_waiting(company.office)
    with pytest.raises(answer.AuthorityUnavailable):
        answer.upload_waiting(company.office)
    assert (company.states(), company.kinds()) == (["answering"], [])
    assert company.answer().states == {"answered": 1}


def test_an_unreachable_address_leaves_the_upload_as_it_was(company: Company) -> None:
    keep(company.folder, payment("O1"))
    company.customs.ask("O1")
    answer.prepare_waiting(company.office)
    right = company.office.home.authorities["ann179"]
    company._patch.setenv(clock.VARIABLE, clock.starting(START, 100).variable())  # waits between tries are short
    for wrong, error in ((f"http://127.0.0.1:{closed_port()}", answer.AuthorityUnavailable),
                         ("", answer.ConfigurationError), (f"{right}/nowhere", answer.ConfigurationError)):  # fmt: skip
        company.office.home.authorities["ann179"] = wrong
        with pytest.raises(error):
            answer.upload_waiting(company.office)
    assert company.kinds() == ["not-sent"], "a wrong address needs a person, once"
    company.office.home.authorities["ann179"] = right
    assert answer.upload_waiting(company.office) == {"answered": 1}
    assert [u["recovery"] for u in company.customs.uploads()] == [False]


def test_a_slow_customs_is_waited_for(company: Company) -> None:
    keep(company.folder, payment("O1"))
    company.customs.ask("O1")
    company.customs.misbehave("slow", seconds=1)
    assert company.answer().states == {"answered": 1}


def test_10000_is_no_proof_but_the_books_know(company: Company, served: Sandbox) -> None:
    """The key of a company that customs does not know: accepted, as the live server was seen to do."""
    keep(company.folder, payment("O1", platformCode=OTHER.code))
    served.keys(company.office.home.path / "keys", OTHER)
    (company.folder / "mine.yaml").write_text(
        f"name: payment_archive\nfiles: 'payments*'\nformat: {{type: jsonl}}\nsigner: {PLATFORM.code}\n"
        + _tables(), "utf-8")  # fmt: skip
    company.customs.ask("O1")
    assert company.answer().states == {"answered": 1}
    assert "another company" in company.customs.uploads()[0]["signature"]
    assert len(company.customs.get("books/audit")["bad_signatures"]) == 1
    company.customs.misbehave("strict")
    company.customs.ask("O1")
    assert company.answer().states == {"answered": 1, "refused": 1}


def _tables() -> str:
    shipped = Path("mappings/ann179/sources/payment_archive.yaml")
    text = (Path(__file__).parents[2] / shipped).read_text("utf-8")
    return text[text.index("tables:") :]


def test_no_key_and_a_bad_profile_are_alarmed_too(company: Company) -> None:
    keep(company.folder, payment("O1", platformCode=OTHER.code))
    company.customs.ask("O1")
    assert len(company.answer().alarmed) == 1
    assert "cannot be signed" in company.reasons()
    (company.folder / "bad.yaml").write_text("name: x\nfiles: '*'\nformat: {type: jsonl}\ntables: {other: {}}\n")
    company.answer()
    assert "profiles of the payment files are wrong" in company.reasons()


def test_a_request_that_nobody_could_answer_in_time_is_alarmed(company: Company) -> None:
    company.customs.ask("O1")
    company.later(minutes=61)
    assert [r.order_no for r in answer.standing(company.office).alarmed] == ["O1"]
    assert company.kinds() == ["overdue"]


def test_the_raw_request_and_upload_are_kept_and_erased_after_the_legal_time(company: Company) -> None:
    keep(company.folder, payment("O1"))
    company.customs.ask("O1")
    company.answer()
    company.later(days=3 * 365)
    assert answer.erase_old(company.office) == 0
    company.later(days=3 * 365 + 2)
    assert answer.erase_old(company.office) == 3


@pytest.mark.parametrize("body", [b"", b"{", b"payExInfoStr=", b"payExInfoStr=%7B%7D", b"payExInfoStr=[]", b"\xff",
    b"payExInfoStr=%7B%22a%22%3A1%2C%22a%22%3A2%7D", b"payExInfoStr=" + b"[" * 9000, b"payExInfoStr=%7B%22sessionID%22",
    b'payExInfoStr={"sessionID":"s","payExchangeInfoHead":[],"payExchangeInfoLists":1,"serviceTime":1,"certNo":"1",'
    b'"signValue":"%25"}', b'payExInfoStr={"sessionID":{},"payExchangeInfoHead":{},"payExchangeInfoLists":[1],'
    b'"serviceTime":null,"certNo":[],"signValue":7}'])  # fmt: skip
def test_junk_uploads_are_booked_and_refused(served: Sandbox, body: bytes) -> None:
    before = len(served.uploads())
    got = requests.post(f"{served.url}/ceb2grab/grab/realTimeDataUpload", data=body, timeout=10)
    assert (got.status_code, got.json()["code"]) == (200, "20000")
    assert len(served.uploads()) == before + 1
