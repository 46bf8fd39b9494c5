"""Announcement 179's forms, signature and wire: the signed text byte for byte, and what each answer means."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ann179
from adapters.ann179 import envelope, signature
from adapters.ann179.wire import Refused
from adapters.keys import SoftwareKeys
from adapters.sandbox.ann179 import verify
from mappings import clock
from mappings.ann179 import message
from mappings.errors import AuthorityUnavailable, BadSignature, ConfigurationError, DataFault, OutcomeUnknown
from tests.contract.loopback import Server, closed_port, reply, reset
from tests.unit.signing import SELLER, rsa_keys, sm2_holds, sm2_keys

HEAD = {"guid": "9D55BA71-22DE-41F4-8B50-C36C83B3B530", "initalRequest": '原始"请求\\', "note": "",
        "totalAmount": Decimal("100.00")}  # fmt: skip
ORDERS = [{"orderNo": "SO1", "goodsInfo": [{"gname": "a", "itemLink": "http://x/#/?a=1&b=2"}], "recpName": "N"}]
# As transport_signature.md, section 5, writes it: values in quotes, inner quotes as they are, compact JSON.
TEXT = (
    '"sessionID":"ad-1"||"payExchangeInfoHead":"{"guid":"9D55BA71-22DE-41F4-8B50-C36C83B3B530","initalRequest":'
    '"原始\\"请求\\\\","note":"","totalAmount":100}"||"payExchangeInfoLists":"[{"orderNo":"SO1","goodsInfo":'
    '[{"gname":"a","itemLink":"http://x/#/?a=1&b=2"}],"recpName":"N"}]"||"serviceTime":"1544519952469"'
)


def draft() -> envelope.Draft:
    return envelope.Draft("ad-1", envelope.compact(HEAD), envelope.compact(ORDERS), "1544519952469")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SoftwareKeys:
    return rsa_keys(tmp_path_factory.mktemp("rsa"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    made = Server()
    yield made
    made.http.shutdown()


def test_the_signed_text_is_the_one_of_the_reference() -> None:
    assert draft().signed_text() == TEXT


def test_the_payload_has_every_member_in_order_and_the_same_bytes() -> None:
    text = draft().payload(signature.Signed("01691fe9", "c2ln"))
    assert list(json.loads(text)) == [m.tag for m in message.load("payload").segments["payExInfoStr"]]
    assert envelope.compact(HEAD) in text
    assert envelope.compact(ORDERS) in text
    assert '"totalAmount":100}' in text
    assert envelope.posted(envelope.form(draft(), signature.Signed("01691fe9", "c2ln"))) == text
    assert verify.signed_text(verify.slices(text)) == TEXT, "another implementation rebuilds it from the payload"


Json = st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), max_size=4)


@given(Json, st.text(st.characters(codec="utf-8", exclude_categories=("Cc",))),
       st.decimals(0, 10**13, allow_nan=False, places=5))  # fmt: skip
def test_what_is_signed_is_what_is_sent(texts: dict[str, str], session: str, amount: Decimal) -> None:
    made = envelope.Draft(session, envelope.compact({**texts, "totalAmount": amount}), envelope.compact([texts]), "1")
    sent = envelope.posted(envelope.form(made, signature.Signed("1", "c2ln")))
    assert verify.signed_text(verify.slices(sent)) == made.signed_text()
    assert json.loads(made.head, parse_float=Decimal, parse_int=Decimal)["totalAmount"] == amount
    assert "E" not in made.head.rpartition(":")[2]


def test_no_float_is_ever_written() -> None:
    with pytest.raises(TypeError):
        envelope.compact({"totalAmount": 0.1})
    assert [message.plain(Decimal(t)) for t in ("1E+3", "5.00", "0.10", "0", "10")] == ["1000", "5", "0.1", "0", "10"]


def test_an_rsa_signature_is_the_companys_and_is_checked(keys: SoftwareKeys) -> None:
    signed = signature.sign(TEXT, SELLER.code, keys)
    assert signed.certificate_no == keys.certificate(SELLER.code).number
    value = base64.b64decode(signed.value)
    assert signature.holds(keys.certificate(SELLER.code), TEXT.encode(), value)
    assert not signature.holds(keys.certificate(SELLER.code), TEXT.encode() + b" ", value)


def test_an_sm2_signature_holds_for_openssl(tmp_path: Path) -> None:
    found = sm2_keys(tmp_path)
    signed = signature.sign(TEXT, SELLER.code, found)
    public = tmp_path / "public.pem"
    assert public.exists()
    assert sm2_holds(tmp_path, public.read_bytes(), TEXT.encode(), base64.b64decode(signed.value))


def test_a_key_that_is_not_its_certificates_is_stopped_here_because_10000_would_not_tell(keys: SoftwareKeys) -> None:
    class Wrong:
        def certificate(self, code: str) -> object:
            return keys.certificate(code)

        def sign(self, code: str, data: bytes) -> bytes:
            return keys.sign(code, data + b"x")

    with pytest.raises(BadSignature):
        signature.sign(TEXT, SELLER.code, Wrong())  # type: ignore[arg-type]


def test_a_company_without_a_key_is_told(keys: SoftwareKeys) -> None:
    with pytest.raises(ConfigurationError):
        ann179.PaymentDataOnDemand().seal("s", HEAD, ORDERS, "91440400MA00NOBODY", keys)


ANSWERS = [
    (200, '{"code":"10000","message":"上传成功","total":0,"serviceTime":1}', None),
    (200, '{"code":10000,"message":null}', None),
    (200, '{"code":"20000","message":"certNo和signValue不能为空"}', Refused),
    (200, '{"code":"20777"}', Refused),
    (200, "OK", OutcomeUnknown),
    (200, "[]", OutcomeUnknown),
    (200, '{"code":"200"}', OutcomeUnknown),
    (500, '{"code":500,"message":"x"}', OutcomeUnknown),
    (502, "", OutcomeUnknown),
    (429, "", AuthorityUnavailable),
    (302, "", ConfigurationError),
    (404, "", ConfigurationError),
    (413, "too large", Refused),
]


@pytest.mark.parametrize(("status", "body", "error"), ANSWERS, ids=range(len(ANSWERS)))
def test_what_an_answer_means(server: Server, status: int, body: str, error: type[Exception] | None) -> None:
    server.handle = lambda request: reply(request, status, body)
    customs = ann179.PaymentDataOnDemand(server.url)
    if error is None:
        assert customs.send(b"payExInfoStr=1").code == "10000"
    else:
        with pytest.raises(error):
            customs.send(b"payExInfoStr=1", recovery=True)
    path, headers, sent = server.seen[0]
    assert (path, sent, len(server.seen)) == ("/ceb2grab/grab/realTimeDataUpload", b"payExInfoStr=1", 1)
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert ("X-Tongguan-Recovery" in headers) is (error is not None)


def test_a_cut_connection_is_unknown_and_a_refused_one_is_not(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.handle = reset
    with pytest.raises(OutcomeUnknown):
        ann179.PaymentDataOnDemand(server.url).send(b"x")
    monkeypatch.setenv(clock.VARIABLE, clock.starting(clock.now(), 100).variable())
    with pytest.raises(AuthorityUnavailable):
        ann179.PaymentDataOnDemand(f"http://127.0.0.1:{closed_port()}").send(b"x")
    with pytest.raises(ConfigurationError):
        ann179.PaymentDataOnDemand().send(b"x")


ASKED = {"orderNo": "订单+1 &", "sessionID": "s-1", "serviceTime": 1544519952469}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("raw", [True, False])
def test_a_request_is_read_whatever_its_encoding(encoding: str, raw: bool) -> None:
    data = json.dumps(ASKED, ensure_ascii=False).encode(encoding)
    body = data if raw else b"x=1&openReq=" + quote_plus(data).encode()
    asked = ann179.PaymentDataOnDemand().open(body)
    assert asked == envelope.Asked("订单+1 &", "s-1", "1544519952469")


@given(
    st.binary(max_size=200) | st.text(max_size=80).map(lambda t: f"openReq={quote_plus(t, errors='replace')}".encode())
)
def test_junk_is_told_and_nothing_else_happens(body: bytes) -> None:
    with pytest.raises(DataFault):
        ann179.PaymentDataOnDemand().open(body)


def test_the_reply_carries_code_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "2018-12-11T09:19:12.469+00:00@1e-09@1790000000")
    customs = ann179.PaymentDataOnDemand()
    said = customs.reply()
    assert 0 <= said.pop("serviceTime") - 1544519952469 < 1000
    assert said == {"code": "10000", "message": ""}
    assert customs.reply("坏 bad")["code"] == "20000"


def test_the_settings_that_nobody_could_check_say_so() -> None:
    unverified = ann179.profile().unverified()
    assert {"answer_deadline_seconds", "keep_years", "upload_path"} <= set(unverified)
    assert ann179.profile().facts["signed_text"].unverified
