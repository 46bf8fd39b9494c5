"""The wire to China Customs, over real HTTP on loopback: what was never sent is told from what may have arrived."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from adapters.cn_ecommerce import ChinaEcommerce, profile
from adapters.cn_ecommerce.wire import Wire
from adapters.contract import Profile
from adapters.guard import Breaker, RateLimit
from adapters.reach import never_sent
from mappings import clock
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, OutcomeUnknown
from tests.contract.loopback import REP, Handle, Server, closed_port, reply, reset


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def quick(**values: object) -> Profile:
    """The real profile with these settings changed, and no waiting."""
    values = {"connect_wait_seconds": 0, "read_timeout_seconds": 0.2, "messages_per_second": 100000} | values
    settings = dict(profile().settings)
    for name, value in values.items():
        settings[name] = settings[name].model_copy(update={"value": value})
    return profile().model_copy(update={"settings": settings})


def test_an_accepted_message(server: Server) -> None:
    answer = ChinaEcommerce(server.url).send(b"<DxpMsg/>", "ID-1")
    assert (answer.code, answer.duplicate) == ("0000", False)
    path, headers, body = server.seen[0]
    assert (path, body) == ("/dxp/messages", b"<DxpMsg/>")
    assert headers["Content-Type"].startswith("application/xml")
    assert "X-Tongguan-Recovery" not in headers


def test_a_recovery_is_marked(server: Server) -> None:
    Wire(server.url, quick()).post(b"<DxpMsg/>", recovery=True)
    assert server.seen[0][1]["X-Tongguan-Recovery"] == "1"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, REP.format(code="1004", text="x"), AuthorityRejected),
        (400, REP.format(code="0002", text="x"), AuthorityRejected),
        (200, REP.format(code="4711", text="x"), AuthorityRejected),
        (200, REP.format(code="3001", text="x"), OutcomeUnknown),
        (200, "not XML", OutcomeUnknown),
        (200, "<DxpRep/>", OutcomeUnknown),
        (200, "", OutcomeUnknown),
        (500, "", OutcomeUnknown),
        (502, "<html/>", OutcomeUnknown),
        (503, "", OutcomeUnknown),
        (504, "", OutcomeUnknown),
        (413, "too large", AuthorityRejected),
        (401, "", ConfigurationError),
        (404, "", ConfigurationError),
        (400, "", AuthorityRejected),
        (429, "", AuthorityUnavailable),
        (408, "", AuthorityUnavailable),
        (302, "", ConfigurationError),
    ],
)
def test_answers_mean_what_they_say(server: Server, status: int, body: str, error: type[Exception]) -> None:
    server.handle = lambda request: reply(request, status, body, Location="/elsewhere")
    with pytest.raises(error):
        Wire(server.url, quick(connect_attempts=1)).post(b"<DxpMsg/>")
    assert len(server.seen) == 1


def test_a_rejection_is_said_in_both_languages_with_its_code(server: Server) -> None:
    server.handle = lambda request: reply(request, 200, REP.format(code="1004", text="证书 A"))
    with pytest.raises(AuthorityRejected, match="签名与数据不符 / signature does not fit the data: 证书 A") as caught:
        Wire(server.url, quick()).post(b"<DxpMsg/>")
    assert caught.value.code == "1004"


def test_a_duplicate_answer_proves_that_the_first_arrived(server: Server) -> None:
    server.handle = lambda request: reply(request, 200, REP.format(code="2999", text="报文重复 CopMsgId"))
    assert Wire(server.url, quick()).post(b"<DxpMsg/>", recovery=True).duplicate


def test_a_refused_connection_is_tried_again_within_seconds_and_then_given_up() -> None:
    sleeps: list[float] = []
    wire = Wire(f"http://127.0.0.1:{closed_port()}", quick(connect_attempts=3))
    original = wire.session.send
    wire.session.send = lambda *a, **k: (sleeps.append(1), original(*a, **k))[1]  # type: ignore[method-assign]
    with pytest.raises(AuthorityUnavailable):
        wire.post(b"<DxpMsg/>")
    assert len(sleeps) == 3


def test_a_server_that_comes_up_in_time_gets_the_message_once(server: Server) -> None:
    wire = Wire(server.url, quick(connect_attempts=3))
    send, calls = wire.session.send, []

    def flaky(request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        calls.append(request)
        if len(calls) == 1:
            request.url = f"http://127.0.0.1:{closed_port()}/x"
        return send(request, **kwargs)  # type: ignore[arg-type]

    wire.session.send = flaky  # type: ignore[method-assign]
    assert wire.post(b"<DxpMsg/>").code == "0000"
    assert (len(calls), len(server.seen)) == (2, 1)


@pytest.mark.parametrize("url", ["http://no-such-host.invalid", "http://127.0.0.1:1"])
def test_no_such_host_is_unavailable(url: str) -> None:
    with pytest.raises(AuthorityUnavailable):
        Wire(url, quick(connect_attempts=1)).post(b"<DxpMsg/>")


@pytest.mark.parametrize("fate", [reset, lambda request: time.sleep(1)], ids=["reset", "silence"])
def test_a_lost_answer_is_unknown_and_never_resent(server: Server, fate: Handle) -> None:
    server.handle = fate
    with pytest.raises(OutcomeUnknown):
        Wire(server.url, quick()).post(b"<DxpMsg/>")
    assert len(server.seen) == 1
    with pytest.raises(AuthorityUnavailable):
        Wire(server.url, quick(connect_attempts=1)).get("D", "")


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://"])
def test_a_wrong_address_is_a_matter_of_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Wire(url, quick()).post(b"<DxpMsg/>")


def test_only_a_connection_that_never_was_is_never_sent() -> None:
    assert never_sent(requests.ConnectTimeout())
    assert never_sent(requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused"))))  # type: ignore[arg-type]
    assert not never_sent(requests.ConnectionError(ProtocolError("Connection aborted", ConnectionResetError())))
    assert not never_sent(requests.ReadTimeout())
    assert not never_sent(requests.ConnectionError())


def test_receipts_come_by_page(server: Server) -> None:
    page = {"messages": [base64.b64encode(b"<a/>").decode()], "next": "2026-11-23T08:00:00+08:00"}
    server.handle = lambda request: reply(request, 200, json.dumps(page))
    polled = ChinaEcommerce(server.url).poll("DXPENT1", "2026-11-23T00:00:00+00:00")
    assert (polled.messages, polled.next) == ([b"<a/>"], "2026-11-23T08:00:00+08:00")
    assert "since=2026-11-23T00%3A00%3A00%2B00%3A00" in server.seen[0][0]
    assert "dxpId=DXPENT1" in server.seen[0][0]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (502, "", AuthorityUnavailable),
        (429, "", AuthorityUnavailable),
        (400, "bad since", ConfigurationError),
        (200, "not JSON", AuthorityUnavailable),
        (200, "[]", AuthorityUnavailable),
        (200, '{"messages": "YQ=="}', AuthorityUnavailable),
    ],
)
def test_a_poll_that_brings_nothing_readable(server: Server, status: int, body: str, error: type[Exception]) -> None:
    server.handle = lambda request: reply(request, status, body)
    with pytest.raises(error) as raised:
        Wire(server.url, quick(connect_attempts=1)).get("D", "")
    assert raised.value.raw == (body.encode() if status == 200 else b""), "what is no page can be kept"  # type: ignore[attr-defined]


def test_one_bad_item_of_a_page_comes_as_it_is_and_holds_up_no_other(server: Server) -> None:
    good = base64.encodebytes(b"<a/>" * 30).decode()
    page = {"messages": ["a", good, 5, "YQ=", {"b": "é"}], "next": "7"}
    server.handle = lambda request: reply(request, 200, json.dumps(page))
    polled = ChinaEcommerce(server.url).poll("D", "")
    assert polled.messages == [b"a", b"<a/>" * 30, b"5", b"YQ=", '{"b": "é"}'.encode()]
    assert polled.next == "7"


def test_the_breaker_opens_and_closes_on_the_shared_clock(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    at = clock.now()
    monkeypatch.setenv(clock.VARIABLE, f"{at.isoformat()}@0.000001@{time.time()!r}")
    breaker = Breaker("cn", 2, 30)
    breaker.failed()
    breaker.check()
    breaker.failed()
    with pytest.raises(AuthorityUnavailable, match="2 times"):
        breaker.check()
    monkeypatch.setenv(clock.VARIABLE, f"{at.isoformat()}@1000000@{time.time() - 1!r}")
    breaker.check()
    breaker.passed()
    breaker.failed()
    breaker.check()


def test_an_open_breaker_keeps_the_wire_quiet(server: Server) -> None:
    server.handle = lambda request: reply(request, 503, "")
    wire = Wire(server.url, quick(breaker_failures=2, connect_attempts=1, breaker_pause_seconds=3600))
    for _ in range(4):
        with pytest.raises((AuthorityUnavailable, OutcomeUnknown)):
            wire.post(b"<DxpMsg/>")
    assert len(server.seen) == 2


def test_the_rate_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = clock.now()  # it stands still: a machine under load would take its own time between the calls
    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.setattr(clock.Clock, "sleep", lambda _, seconds: slept.append(seconds))
    limit = RateLimit(10)
    for _ in range(3):
        limit.wait()
    assert slept == [pytest.approx(0.1), pytest.approx(0.2)]


def test_without_an_address_nothing_is_sent() -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        ChinaEcommerce().send(b"", "")
