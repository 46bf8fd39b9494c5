"""The sandbox of announcement 179 by itself: what it verifies, what its admin may say, and that nothing upsets it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from fastapi.testclient import TestClient

from adapters.ann179 import envelope, signature
from adapters.keys import SoftwareKeys
from adapters.sandbox import ca
from adapters.sandbox.ann179.app import create
from adapters.sandbox.ann179.customs import Customs
from adapters.sandbox.ann179.store import Store
from mappings.identity import seeded
from tests.unit.signing import SELLER, rsa_keys

UPLOAD = "/ceb2grab/grab/realTimeDataUpload"
HEAD: dict[str, Any] = {
    "guid": "9D55BA71-22DE-41F4-8B50-C36C83B3B530", "initalRequest": "a", "initalResponse": "b", "ebpCode": SELLER.code,
    "payCode": "P", "payTransactionId": "T", "totalAmount": Decimal(100), "currency": "142", "verDept": "3",
    "payType": "1", "tradingTime": "20261123101112", "note": "",
}  # fmt: skip
GOODS = [{"gname": "杯", "itemLink": "http://x/1"}]
ORDER: dict[str, Any] = {"orderNo": "O1", "goodsInfo": GOODS, "recpAccount": "A", "recpCode": "", "recpName": "N"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SoftwareKeys:
    return rsa_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def there(tmp_path: Path, keys: SoftwareKeys) -> Iterator[TestClient]:
    """A customs that has asked for O1 in the session S, and knows the platform's certificate."""
    store = Store(tmp_path / "ann179.db")
    customs = Customs(store, "http://127.0.0.1:9", seeded(1))
    customs.trust(keys.certificate(SELLER.code).der)
    customs.ask("O1", "S")
    with TestClient(create(customs, ca.make_ca(tmp_path)), raise_server_exceptions=False) as client:
        yield client
    store.close()


def payload(keys: SoftwareKeys, head: dict[str, Any] | None = None, orders: Any = None, session: str = "S") -> str:
    """A good upload, or one with another head or list, signed as it is."""
    lists = envelope.compact([ORDER] if orders is None else orders)
    draft = envelope.Draft(session, envelope.compact(HEAD if head is None else head), lists, "1544519952469")
    return draft.payload(signature.sign(draft.signed_text(), SELLER.code, keys))


def sent(there: TestClient, text: str) -> tuple[str, str, str]:
    """Code and message of the answer, and what the books say of the signature."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    got = there.post(UPLOAD, content=f"payExInfoStr={quote_plus(text)}", headers=form)
    assert got.status_code == 200, got.text
    return got.json()["code"], got.json()["message"], there.get("/admin/books").json()["documents"][-1]["signature"]


def test_a_good_upload_is_verified(there: TestClient, keys: SoftwareKeys) -> None:
    assert sent(there, payload(keys)) == ("10000", "上传成功", "good")


@pytest.mark.parametrize(
    ("old", "new"),
    [('"totalAmount":100,', '"totalAmount":100.0,'), ('"totalAmount":100,', '"totalAmount":1E+2,'),
     ('"note":""', '"note": ""'), ("杯", "碗"), ("1544519952469", "1544519952470")],
)  # fmt: skip
def test_another_number_format_or_one_space_breaks_the_signature(
    there: TestClient, keys: SoftwareKeys, old: str, new: str
) -> None:
    changed = payload(keys).replace(old, new)
    code, _, said = sent(there, changed)
    assert (code, "does not fit" in said) == ("10000", True), "accepted all the same: 10000 is no proof"
    assert len(there.get("/admin/books/audit").json()["bad_signatures"]) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"certNo": ""}, "certNo"), ({"signValue": ""}, "signValue"), ({"sessionID": "other"}, "sessionID不存在"),
     ({"payExchangeInfoLists": []}, "payExchangeInfoLists"), ({"payExchangeInfoHead": 1}, "payExchangeInfoHead"),
     ({"more": 1}, "members must be"), ({"certNo": "\ud800"}, ""), ({"sessionID": "\ud800"}, "sessionID不存在"),
     ({"payExchangeInfoLists": [{**ORDER, "orderNo": "O2"}]}, "orderNo"),
     ({"payExchangeInfoLists": [{**ORDER, "goodsInfo": 1}]}, "goodsInfo"),
     ({"payExchangeInfoLists": [{**ORDER, "goodsInfo": [1]}]}, "goodsInfo"),
     ({"payExchangeInfoLists": [7]}, "payExchangeInfoLists"),
     ({"payExchangeInfoHead": {**HEAD, "totalAmount": "100"}}, "totalAmount"),
     ({"payExchangeInfoHead": {**HEAD, "totalAmount": 1, "currency": "CNY"}}, "currency"),
     ({"payExchangeInfoHead": dict(reversed({**HEAD, "totalAmount": 1}.items()))}, "payExchangeInfoHead")],
)  # fmt: skip
def test_what_breaks_the_rules_is_refused_and_booked(
    there: TestClient, keys: SoftwareKeys, changes: dict[str, Any], said: str
) -> None:
    whole = {**json.loads(payload(keys)), **changes}
    code, message, _ = sent(there, json.dumps(whole))
    if said:
        assert code == "20000"
        assert said in message
    assert len(there.get("/admin/books").json()["documents"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "requests", b"{"), ("POST", "requests", b"[]"), ("POST", "requests", b"{}"),
     ("POST", "requests", b'{"orderNo":1}'), ("POST", "behaviour", b"{}"), ("PUT", "target", b'{"url":"ftp://x"}'),
     ("POST", "behaviour", b'{"rules":[{"action":"dance"}]}'), ("POST", "behaviour", b'{"rules":[1]}'),
     ("POST", "behaviour", b'{"rules":[{"action":"down","match":{"x":1}}]}'),
     ("POST", "behaviour", b'{"rules":[{"action":"down","status":200}]}'),
     ("POST", "behaviour", b'{"rules":[{"action":"slow","seconds":-1}]}'),
     ("POST", "certificates", b"{}"), ("POST", "certificates", b'{"certificate_pem":"AAAA"}'),
     ("POST", "certificates", b'{"public_key_pem":"!","other_codes":5}')],
)  # fmt: skip
def test_an_admin_who_errs_is_told(there: TestClient, method: str, path: str, body: bytes) -> None:
    assert there.request(method, f"/admin/{path}", content=body).status_code == 400


def test_a_platform_that_does_not_answer_is_noted(there: TestClient) -> None:
    (asked,) = there.get("/admin/requests").json()["requests"]
    assert (asked["status"], asked["code"]) == (0, "")
    assert there.get("/admin/books/99").status_code == 404


def test_without_a_target_nothing_is_asked(tmp_path: Path) -> None:
    with TestClient(create(Customs(Store(tmp_path / "x.db")), ca.make_ca(tmp_path))) as client:
        assert client.post("/admin/requests", json={"orderNo": "O1"}).status_code == 400


def test_too_large_is_refused(there: TestClient) -> None:
    got = there.post(UPLOAD, content=b"x" * 10_485_761)
    assert (got.status_code, got.json()["code"]) == (200, "20000")
