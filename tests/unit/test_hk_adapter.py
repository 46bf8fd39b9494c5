"""Hong Kong's adapter: envelope, answers made into receipts, and what each failure of the wire means."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import OutMessageLike
from adapters.hk_road import HongKongRoad, envelope, profile, receipts, sender
from adapters.sandbox.hk_customs.responses import Said, write
from mappings import clock
from mappings.canonical.model import Party
from mappings.engine import codes, explain
from mappings.errors import (
    AuthorityRejected,
    AuthorityUnavailable,
    ConfigurationError,
    DataFault,
    OutcomeUnknown,
    TongguanError,
    Unsupported,
)
from mappings.hk_road.tables import field_at
from mappings.identity import seeded
from tasks import hongkong
from tests.contract.loopback import Server, reply, reset
from tests.factory import START, make_truck

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
AGENT = Party(name="Test Cargo Filing Limited")
GUID = "00000000-0000-0000-0000-000000000001"


class Signer:
    """A key provider that shows what it was asked."""

    def certificate(self, company_code: str) -> Any:
        from adapters.keys.provider import Certificate

        return Certificate("01", company_code.encode(), "rsa-sha1", (company_code,))

    def sign(self, company_code: str, data: bytes) -> bytes:
        return company_code.encode() + str(len(data)).encode()


def said(**changes: Any) -> Said:
    values: dict[str, Any] = {
        "kind": "answer",
        "status": "CCR",
        "subject": "ACI",
        "at": AT,
        "reference": "MW1-A2",
        "ccrn": "C1",
    }
    return Said(**values | changes)


def row(**changes: Any) -> Any:
    [found] = receipts.rows(write(said(**changes), GUID, "HK1"))
    return found


def message() -> OutMessageLike:
    return hongkong.bundle(make_truck(), "C1", seeded(1))


def test_an_answer_to_a_lodging() -> None:
    found = row(answered=GUID)
    assert (found.type, found.business_key, found.status) == ("HKRoadACI", "ACI|MW1", "CCR")
    assert (found.pre_no, found.guid, found.declared_guid, found.problem) == ("C1", GUID, GUID, "")
    assert found.return_time == AT
    assert "CCRN issued" in found.info


def test_a_bundle_answers_by_ccrn_and_vehicle_and_says_from_when_it_may_cross() -> None:
    bound = said(status="BND", subject="BND", vehicle="TT1", earliest=AT)
    body = write(bound, GUID, "HK1")
    [found] = receipts.rows(body)
    assert found.business_key == "BND|C1|TT1"
    assert "earliest permitted crossing 2026-11-23T14:00:00" in found.info
    assert receipts.earliest(body) == AT
    assert receipts.earliest(write(said(), GUID, "HK1")) is None


def test_a_refusal_lists_every_error_in_both_languages_with_its_field() -> None:
    body = write(said(kind="refusal", status="REJ", ccrn="", errors=("HKR005", "HKR010"), text="see"), GUID, "HK1")
    assert explain.check(body) == []
    [found] = receipts.rows(body)
    assert "[HKR005] 發貨人地址欠缺 consignor address is missing; [HKR010]" in found.info
    assert found.info.endswith("; see")
    assert [(r.code, r.field) for r in receipts.refusals(body)] == [
        ("HKR005", "party.seller.address"),
        ("HKR010", "truck.planned.crossing"),
    ]


def test_an_error_that_we_do_not_know_keeps_the_authoritys_words() -> None:
    body = write(said(kind="refusal", status="REJ", errors=("HKR005",)), GUID, "HK1")
    strange = body.replace(b"HKR005", b"ZZ9").replace(
        "發貨人地址欠缺 consignor address is missing".encode(), b"strange"
    )
    [found], [refusal] = receipts.rows(strange), receipts.refusals(strange)
    assert "[ZZ9] strange" in found.info
    assert (refusal.code, refusal.text_en, refusal.field) == ("ZZ9", "strange", "party.seller.address")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"status": "XXX"}, "Unknown status"),
        ({"subject": "QQQ"}, "does not name"),
        ({"reference": ""}, "does not name"),
        ({"subject": "BND", "vehicle": ""}, "does not name"),
        ({"subject": "BND", "ccrn": "", "vehicle": "TT1"}, "does not name"),
    ],
)
def test_what_cannot_be_applied_says_why(changes: dict[str, Any], problem: str) -> None:
    assert problem in row(**changes).problem


def test_an_answer_without_a_readable_time_says_so() -> None:
    body = write(said(), GUID, "HK1").replace(b"2026-11-23T14:00:00.000+08:00", b"soon")
    [found] = receipts.rows(body)
    assert found.return_time is None
    assert "no time" in found.problem


def test_only_answers_are_receipts() -> None:
    with pytest.raises(Unsupported):
        receipts.rows(message().body)
    with pytest.raises(DataFault):
        receipts.rows(write(said(), GUID, "HK1").replace(b"Declaration>", b"Else>"))


def test_every_status_reads_as_itself() -> None:
    for status in codes.load("hk_road", "status").codes:
        assert row(status=status, vehicle="T").problem == ""


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_junk_is_always_one_of_our_errors(raw: bytes) -> None:
    for read in (HongKongRoad().open, receipts.rows, envelope.reference):
        with pytest.raises(TongguanError):
            read(raw)


def test_sealing_gives_the_same_bytes_and_opens_again() -> None:
    road, out = HongKongRoad(), message()
    sealed = road.seal(out, AGENT, Signer())
    assert sealed == road.seal(out, AGENT, Signer())
    opened = road.open(sealed)
    assert (opened.business, opened.type, opened.peer, opened.cop_msg_id) == (out.body, out.type, AGENT.name, out.guid)
    assert json.loads(sealed)["signature"] is None
    assert envelope.reference(sealed)[0] == "HKRoadBundle"
    assert road.open(b"\xef\xbb\xbf" + out.body).type == "HKRoadBundle"


def test_a_party_with_a_code_signs_the_message() -> None:
    out = message()
    signature = json.loads(HongKongRoad().seal(out, Party(name="A", code="HK1"), Signer()))["signature"]
    assert base64.b64decode(signature["value"]) == b"HK1" + str(len(out.body)).encode()
    assert signature["algorithm"] == "rsa-sha1"


def test_who_sends_is_known_by_code_then_dxp_id_then_name() -> None:
    assert [sender(Party(name="N", code=c, dxp_id=d)) for c, d in (("C", "D"), ("", "D"), ("", ""))] == ["C", "D", "N"]
    with pytest.raises(ConfigurationError):
        sender(Party(name=""))


def test_the_profile_says_what_nobody_could_verify() -> None:
    found = profile()
    assert found.capabilities["query_by_reference"]
    assert {"wire", "signature"} <= found.unverified().keys()
    assert {"message_format", "ccrn_length"} <= {name for name, fact in found.facts.items() if fact.unverified}
    assert all(setting.source for setting in found.settings.values())


def test_other_messages_are_not_for_hong_kong() -> None:
    class Other:
        type, guid, body = "CEB603Message", GUID, b""

    with pytest.raises(Unsupported):
        HongKongRoad().seal(Other(), AGENT, Signer())
    with pytest.raises(Unsupported):
        HongKongRoad("http://127.0.0.1:1").send(b'{"type": "CEB603Message", "payload": ""}', "x")


@pytest.fixture
def road(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HongKongRoad, Server]]:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(START, 1000).variable())
    server = Server()
    yield HongKongRoad(server.url), server
    server.http.shutdown()


def says(status: int, body: Any) -> Callable[..., None]:
    return lambda request: reply(request, status, body if isinstance(body, str) else json.dumps(body))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"status": "odd"}, OutcomeUnknown), (200, "junk", OutcomeUnknown), (200, [1], OutcomeUnknown),
        (500, "", OutcomeUnknown), (502, "<html>", OutcomeUnknown), (429, "", AuthorityUnavailable),
        (302, "", ConfigurationError), (404, "gone", ConfigurationError), (401, "", ConfigurationError),
        (408, "", AuthorityUnavailable), (400, "odd", AuthorityRejected),
        (403, {"status": "refused", "code": "HKR021", "text": "no"}, AuthorityRejected),
        (422, {"status": "refused", "code": "HKR050", "text": "no"}, AuthorityRejected),
    ],
)  # fmt: skip
def test_what_an_answer_means(
    road: tuple[HongKongRoad, Server], status: int, body: Any, error: type[Exception]
) -> None:
    authority, server = road
    server.handle = says(status, body)
    with pytest.raises(error) as caught:
        authority.send(authority.seal(message(), AGENT, Signer()), GUID)
    assert len(server.seen) == 1
    assert caught.value.raw == (body if isinstance(body, str) else json.dumps(body)).encode(), "kept, whatever it says"


def test_an_authority_that_only_says_502_is_left_alone_for_a_while(road: tuple[HongKongRoad, Server]) -> None:
    authority, server = road
    server.handle = says(502, "")
    authority.wire.breaker.pause = timedelta(days=3650)
    sealed, times = authority.seal(message(), AGENT, Signer()), profile().value("breaker_failures")
    for _ in range(times):
        with pytest.raises(OutcomeUnknown):
            authority.send(sealed, GUID)
    with pytest.raises(AuthorityUnavailable):
        authority.send(sealed, GUID)
    assert len(server.seen) == times


def test_a_connection_that_breaks_leaves_the_outcome_unknown(road: tuple[HongKongRoad, Server]) -> None:
    authority, server = road
    server.handle = reset
    sealed = authority.seal(message(), AGENT, Signer())
    with pytest.raises(OutcomeUnknown):
        authority.send(sealed, GUID)
    assert len(server.seen) == 1
    with pytest.raises(AuthorityUnavailable):
        authority.ask(sealed)
    assert len(server.seen) == 1 + profile().value("connect_attempts")


def test_a_resend_is_marked_and_goes_to_its_own_path(road: tuple[HongKongRoad, Server]) -> None:
    authority, server = road
    server.handle = says(200, {"status": "duplicate", "text": "before"})
    answer = authority.send(authority.seal(message(), AGENT, Signer()), GUID, recovery=True)
    assert (answer.code, answer.duplicate) == ("duplicate", True)
    path, headers, _ = server.seen[0]
    assert (path, headers["X-Tongguan-Recovery"]) == ("/bundles", "1")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, "", AuthorityUnavailable), (429, "", AuthorityUnavailable), (400, "", ConfigurationError),
        (200, "junk", AuthorityUnavailable), (200, {"messages": "%"}, AuthorityUnavailable),
    ],
)  # fmt: skip
def test_a_poll_that_fails_is_tried_again_later(
    road: tuple[HongKongRoad, Server], status: int, body: Any, error: type[Exception]
) -> None:
    authority, server = road
    server.handle = says(status, body)
    with pytest.raises(error):
        authority.poll("S", "")


def test_one_bad_notice_holds_up_no_other(road: tuple[HongKongRoad, Server]) -> None:
    authority, server = road
    server.handle = says(200, {"messages": ["%", base64.b64encode(b"<a/>").decode(), 1], "next": "3"})
    polled = authority.poll("S", "")
    assert (polled.messages, polled.next) == ([b"%", b"<a/>", b"1"], "3")


def test_a_question_without_a_clear_answer_is_no_answer(road: tuple[HongKongRoad, Server]) -> None:
    authority, server = road
    sealed = authority.seal(message(), AGENT, Signer())
    server.handle = says(200, {"messages": []})
    with pytest.raises(AuthorityUnavailable):
        authority.ask(sealed)
    server.handle = says(200, {"found": False})
    assert authority.ask(sealed) is None
    assert "reference=HZMB0099000001-B1-" in server.seen[-1][0]


def test_a_wrong_address_is_a_matter_of_configuration() -> None:
    for address in ("nowhere", "ftp://nowhere"):
        with pytest.raises(ConfigurationError):
            HongKongRoad(address).poll("S", "")


def test_pointers_are_found_both_ways() -> None:
    assert field_at("15A", "T006") == "truck.hk_plate"
