"""The Hong Kong sandbox's door: junk, broken rules, signatures, push, and the program itself."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from adapters.keys.provider import read_certificate
from adapters.sandbox import ca
from adapters.sandbox.hk_customs import push
from adapters.sandbox.hk_customs.notices import Notices
from adapters.sandbox.hk_customs.store import Store
from mappings import clock
from mappings.canonical.model import Party
from tests.contract.cn_sandbox_company import KEY, SPKI
from tests.contract.hk_sandbox_world import World, serve, world
from tests.contract.loopback import Server, closed_port, reply
from tests.factory import START

XXE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><HKRoadACI>&e;</HKRoadACI>'
BOMB = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY c "&a;&a;&a;&a;">]><b>&c;</b>'


def envelope(payload: bytes | str, **changes: object) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    whole = {"sender": "S", "messageId": "M1", "type": "HKRoadACI", "payload": base64.b64encode(data).decode()}
    return json.dumps(whole | changes).encode()


@pytest.fixture
def hk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch) as made:
        yield made


JUNK = [
    b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"payload": 1}', b'{"sender":"S","messageId":"M","payload":"%%%"}',
    '{"sender":"S","messageId":"M","payload":"é"}'.encode(), envelope(""), envelope("no xml"), envelope(XXE),
    envelope(BOMB),    envelope("<CEB603Message/>"), envelope("<a/>"), envelope(b"\x00\x01"), envelope("<HKRoadACI/>"),
    envelope("<HKRoadACI><Declaration/></HKRoadACI>"), envelope("<HKRoadBundle><Declaration/></HKRoadBundle>"),
    b"<xml/>", b"9" * 5000, envelope("<HKRoadACI>" * 400),
]  # fmt: skip


@pytest.mark.parametrize("raw", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("path", ["/aci", "/bundles"])
def test_junk_is_refused_booked_and_never_an_error_of_ours(hk: World, path: str, raw: bytes) -> None:
    answer = requests.post(hk.url + path, data=raw, timeout=10)
    assert answer.status_code == 422
    assert answer.json()["code"] == "HKR051"
    assert b"hostname" not in answer.content
    [entry] = hk.admin("GET", "books").json()["documents"]
    assert (entry["verdict"], entry["size"]) == ("refused", len(raw))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<hk:QuantityQuantity>3<", "<hk:QuantityQuantity>0<", "HKR001"),
        ("<hk:QuantityQuantity>3<", "<hk:QuantityQuantity>三<", "HKR001"),
        ("<hk:QuantityQuantity>3<", f"<hk:QuantityQuantity>{'9' * 5000}<", "HKR001"),
        ("<hk:Description>Carton</hk:Description>", "", "HKR002"),
        ("<hk:Name>测试家居贸易有限公司</hk:Name>", "", "HKR004"),
        ("<hk:Line>1 Made Up Road, Hong Kong</hk:Line>", "<hk:Line> </hk:Line>", "HKR007"),
        (">20261124<", ">20261324<", "HKR008"),
        (">20261124<", "><", "HKR008"),
        ("<hk:FunctionCode>9<", "<hk:FunctionCode>7<", "HKR040"),
        ("<hk:TypeCode>ACI</hk:TypeCode>", "<hk:TypeCode>TOO LONG</hk:TypeCode>", "HKR050"),
        ("<hk:TypeCode>ACI</hk:TypeCode>", "<hk:Other/>", "HKR050"),
    ],
)
def test_each_of_the_eight_items_and_the_schema_is_checked(hk: World, old: str, new: str, code: str) -> None:
    body = hk.lodge().body.decode()
    assert old in body
    sender = "Test Cargo Filing Limited"
    sent = envelope(body.replace(old, new), sender=sender)
    assert requests.post(f"{hk.url}/aci", data=sent, timeout=10).json()["status"] == "received"
    hk.later(minutes=1)
    assert hk.errors() == [code]


def test_other_prefixes_and_marks_are_read(hk: World) -> None:
    body = hk.lodge().body.decode().replace("<hk:", "<x:").replace("</hk:", "</x:").replace("xmlns:hk=", "xmlns:x=")
    sent = envelope("\ufeff" + body, sender="Test Cargo Filing Limited")
    assert requests.post(f"{hk.url}/aci", data=sent, timeout=10).json()["status"] == "received"
    hk.later(minutes=1)
    assert hk.statuses() == ["CCR"]


def test_a_plate_that_is_none_is_refused(hk: World) -> None:
    ccrn = hk.lodged()
    body = hk.bundle(ccrn).body.decode()
    for number, (old, new) in enumerate([("TT1001", "TOOLONG123"), ("<hk:FunctionCode>9", "<hk:FunctionCode>5")]):
        changed = body.replace(old, new).replace("-B1-", f"-B{number}-")
        sent = envelope(changed, sender="Test Cargo Filing Limited", messageId=f"B{number}")
        requests.post(f"{hk.url}/bundles", data=sent, timeout=10)
    hk.later(minutes=1)
    assert sorted(hk.errors()) == ["HKR030", "HKR040"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/notices?since=yesterday", None), ("GET", "/notices?since=2026-11-23T08:00:00", None),
        ("GET", "/notices?limit=0", None), ("GET", "/aci", None), ("GET", "/admin/books?after=-1", None),
        ("GET", "/notices?since=1_99999999999999999999999", None),
        ("POST", "/admin/events", None), ("POST", "/admin/events", {"kind": "flown"}),
        ("POST", "/admin/events", {"kind": "crossed"}), ("POST", "/admin/events", {"kind": "crossed", "vehicle": 7}),
        ("POST", "/admin/events", {"kind": "crossed", "vehicle": "A", "at": "noon"}),
        ("POST", "/admin/events", {"kind": "crossed", "vehicle": "A", "at": "2026-11-23T08:00:00"}),
        ("POST", "/admin/behaviour", []), ("POST", "/admin/behaviour", {"rules": [{"action": "dance"}]}),
        ("POST", "/admin/behaviour", {"rules": [{"action": "reject", "match": {"colour": "red"}}]}),
        ("POST", "/admin/behaviour", {"rules": [{"action": "reject", "times": -1}]}),
        ("POST", "/admin/behaviour", {"rules": [{"action": "http", "status": 200}]}),
        ("POST", "/admin/behaviour", {"rules": [{"action": "reject", "code": "HKR999"}]}),
        ("PUT", "/admin/callbacks", {"sender": "S", "url": "file:///x"}), ("PUT", "/admin/callbacks", [1]),
    ],
)  # fmt: skip
def test_bad_questions_get_a_4xx(hk: World, method: str, path: str, body: object) -> None:
    answer = requests.request(method, hk.url + path, json=body, timeout=10)
    assert 400 <= answer.status_code < 500
    assert requests.post(f"{hk.url}/admin/behaviour", data=b"{", timeout=10).status_code == 400


def test_notices_since_an_instant_and_in_pages(hk: World) -> None:
    for number in range(3):
        hk.send(hk.lodge(attempt=number + 1))
    between = hk.now
    hk.later(minutes=1)
    name = {"sender": "Test Cargo Filing Limited"}
    first = requests.get(
        f"{hk.url}/notices", params={**name, "since": between.isoformat(), "limit": 2}, timeout=10
    ).json()
    rest = requests.get(f"{hk.url}/notices", params={**name, "since": first["next"], "limit": 2}, timeout=10).json()
    assert [len(first["messages"]), len(rest["messages"])] == [2, 1]
    end = requests.get(f"{hk.url}/notices", params={**name, "since": rest["next"]}, timeout=10).json()
    assert end == {"messages": [], "next": rest["next"]}
    assert requests.get(f"{hk.url}/notices", params={"sender": "Another"}, timeout=10).json()["messages"] == []


def test_rules_pick_their_turn_and_can_be_cleared(hk: World) -> None:
    hk.rule("reject", type="HKRoadACI", nth=2)
    for number in range(3):
        hk.send(hk.lodge(attempt=number + 1))
    hk.later(minutes=1)
    assert sorted(hk.statuses()) == ["CCR", "CCR", "REJ"]
    hk.rule("reject")
    assert hk.admin("DELETE", "behaviour").json() == {"rules": []}
    hk.send(hk.lodge(attempt=4))
    hk.later(minutes=1)
    assert hk.statuses() == ["CCR"]
    assert hk.admin("GET", "health").json()["status"] == "up"


def test_a_message_too_large_is_refused(hk: World) -> None:
    assert requests.post(f"{hk.url}/aci", data=b" " * 1_100_000, timeout=10).status_code == 413


class Keys:
    """One company's key, certified by the sandbox's authority."""

    def __init__(self, pem: str) -> None:
        self.pem = pem

    def certificate(self, company_code: str) -> object:
        return read_certificate(self.pem.encode())

    def sign(self, company_code: str, data: bytes) -> bytes:
        return KEY.sign(data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303


def test_a_signature_given_has_to_hold_and_to_be_the_senders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(START).variable())
    authority, stranger = ca.make_ca(tmp_path / "ca"), ca.make_ca(tmp_path / "other")
    agent = Party(name="Test Cargo Filing Limited", code="HKAGENT01")
    with serve(tmp_path, issuer=authority.certificate) as url:
        hk = World(url, monkeypatch)
        message = hk.lodge()

        def code(keys: Keys, change: bytes = b"", to: bytes = b"") -> str:
            sealed = hk.road.seal(message, agent, keys).replace(change, to)  # type: ignore[arg-type]
            answer = requests.post(f"{url}/aci", data=sealed, timeout=10).json()
            return str(answer.get("code") or answer["status"])

        mine = Keys(ca.issue(authority, "HKAGENT01", SPKI))
        assert code(Keys(ca.issue(authority, "ANOTHER01", SPKI))) == "HKR052"
        assert code(Keys(ca.issue(stranger, "HKAGENT01", SPKI))) == "HKR052"
        assert code(mine, b'"value":"', b'"value":"AAAA') == "HKR052"
        assert code(mine, b"rsa-sha1", b"rot13") == "HKR052"
        assert code(mine, b'"certificate":"', b'"certificate":"MM') == "HKR052"
        assert code(mine, b'"algorithm"', b'"other"') == "HKR052"
        assert code(mine) == "received"


def test_notices_are_pushed_until_they_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, there, counting = Server(), threading.Event(), iter(range(100))

    def answer(request: BaseHTTPRequestHandler) -> None:
        reply(request, 500 if next(counting) == 0 else 200, "")
        if len(taken.seen) > 1:
            there.set()

    taken.handle = answer
    with world(tmp_path, monkeypatch) as hk:
        hk.admin("PUT", "callbacks", sender="Test Cargo Filing Limited", url=taken.url).raise_for_status()
        hk.send(hk.lodge())
        hk.later(minutes=1)
        assert there.wait(20)
        [row] = hk.road.receipts(hk.road.open(taken.seen[-1][2]).business)
        assert row.status == "CCR"
        assert taken.seen[0][2] == taken.seen[1][2]
    notices = Notices(Store(tmp_path / "hk_customs.db"), 1)
    assert push.Pusher(notices).once() == 0


def test_a_callback_where_nobody_listens_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch) as hk:
        url = f"http://127.0.0.1:{closed_port()}"
        hk.admin("PUT", "callbacks", dxpId="Test Cargo Filing Limited", url=url).raise_for_status()
        hk.send(hk.lodge())
        hk.later(minutes=1)
        assert hk.statuses() == ["CCR"]
        hk.admin("PUT", "callbacks", sender="Test Cargo Filing Limited", url=None).raise_for_status()
        assert push.Pusher(Notices(Store(tmp_path / "hk_customs.db"), 1)).once() == 0


@pytest.mark.slow
def test_the_program_serves_says_where_and_stops_clean(tmp_path: Path) -> None:
    authority = ca.make_ca(tmp_path / "ca")
    command = [sys.executable, "-m", "adapters.sandbox.hk_customs", "--home", str(tmp_path), "--seed", "5", "--ca"]
    process = subprocess.Popen([*command, str(tmp_path / "ca" / "ca.pem")], stdout=subprocess.PIPE, env=os.environ)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        answer = None
        for _ in range(100):
            try:
                answer = requests.get(f"{url}/admin/health", timeout=5).json()
                break
            except requests.ConnectionError:
                clock.clock().sleep(0.1)
        assert answer is not None
        assert answer["seed"] == 5
        assert authority.certificate is not None
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, -signal.SIGINT, 130)
