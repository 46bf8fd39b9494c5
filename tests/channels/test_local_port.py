"""The local port's channel: its published forms, and answers that are not JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from adapters.cn_ecommerce import ChinaEcommerce, javamap
from adapters.cn_ecommerce.channels import Head
from adapters.cn_ecommerce.channels.local_port import LocalPort
from adapters.cn_ecommerce.channels.settings import LocalPortSettings
from adapters.contract import ReceiptRow
from adapters.ledger import Ledger, raws, receipts
from adapters.ledger.tables import document
from mappings import clock
from mappings.errors import (
    AuthorityRejected,
    AuthorityUnavailable,
    ConfigurationError,
    DataFault,
    OutcomeUnknown,
    Unsupported,
)
from tasks.receipts.lookup import complete_keys
from tests.contract.loopback import REP, Server, reply, reset
from tests.unit import customs

AT = clock.now().replace(2026, 11, 23, 8, 43, 57, 0)
HEAD = Head("CEB303Message", "DXPENT1", "DXPEDCCEB0000003", "GUID-1", AT)
BUSINESS = (
    b'<ceb:CEB303Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" guid="GUID-1"><ceb:BaseTransfer>'
    b"<ceb:dxpId>DXPENT1</ceb:dxpId></ceb:BaseTransfer></ceb:CEB303Message>"
)
DECLARED = "4c8b9bd0-0e46-4bd2-9f4f-7e2b2f7f8d10"
# After the published answer of the Haikou port: names, their order, both times; the values are made up.
PUBLISHED = (
    "[{org_id=1, instm=1795423437000, agentcode=A, re_elist_guid_cus=9422f96b, returnstatus=2, ebpcode=P, "
    "preno=B20261123000000001, returntime2=20261123164357, ebccode=S, createtime=20261123164351, trans_dxpid=DXPENT1, "
    f"returninfo=清单新增申报成功[{DECLARED}][电商企业编码：S订单编号：O_1], returntime=1795423437000, "
    f"re_elist_guid={DECLARED}, customscode=5788, orderno=O_1}}, "
    "{org_id=1, returnstatus=100, returninfo=[Code:1313;Desc:订购人购买超过年度限额,x, totalPrice：26,114.44 > "
    "limitPrice: 26,000;],[OrderHead.orderNo:O_1,PaymentHead.amountPaid3197.95], returntime=1795423447000, "
    "re_elist_guid=4e7a2dab, orderno=O_1, invtno=null}]"
)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def port(server: Server, **more: object) -> LocalPort:
    settings = LocalPortSettings.model_validate({"url": server.url, **more})
    return LocalPort(settings, customs.quick(connect_attempts=1))


def rows(text: str, asked: str = "CEB304Message") -> list[ReceiptRow]:
    return javamap.rows(javamap.kept(asked, "D", text.encode()))


def test_the_published_post(server: Server) -> None:
    server.handle = lambda request: reply(request, 200, "OK")
    ours = port(server)
    sealed = ours.wrap(BUSINESS, HEAD)
    assert ours.send(sealed, "GUID-1").code == "OK"
    path, headers, body = server.seen[0]
    assert (path, body) == ("/cebcmsg", sealed)
    assert headers["Content-Type"].startswith("application/json")
    message = json.loads(body)["Message"]
    assert list(message["MessageHead"].items()) == [
        ("MessageId", "GUID-1"), ("MessageType", "CEB303Message.xml"), ("SenderID", "SHOP"), ("ReceiverID", "PORT"),
        ("SendTime", "2026-11-23 16:43:57"), ("Version", "1.0"),
    ]  # fmt: skip
    assert base64.b64decode(message["MessageBody"]["data"]) == BUSINESS
    ours.send(sealed, "GUID-1", recovery=True)
    assert server.seen[1][2] == sealed
    assert server.seen[1][1]["X-Tongguan-Recovery"] == "1"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, "{code=0002, message=不能通过schema验证}", AuthorityRejected),
        (200, '{"code": "1004", "message": "x"}', AuthorityRejected),
        (200, REP.format(code="0002", text="x"), AuthorityRejected),
        (200, "{code=3001, message=系统错误}", OutcomeUnknown),
        (200, "<html>hello</html>", OutcomeUnknown),
        (200, "", OutcomeUnknown),
        (200, "MAYBE", OutcomeUnknown),
        (500, "OK", OutcomeUnknown),
        (404, "", ConfigurationError),
        (429, "", AuthorityUnavailable),
    ],
)
def test_answers_that_are_not_json_mean_what_they_say(
    server: Server, status: int, body: str, error: type[Exception]
) -> None:
    server.handle = lambda request: reply(request, status, body)
    with pytest.raises(error):
        port(server).send(b"{}", "I")


@pytest.mark.parametrize("body", ["OK", "ok\r\n", '"OK"', "\ufeffOK", "{code=0000}", "{code=2999, message=报文重复}"])
def test_answers_that_mean_accepted(server: Server, body: str) -> None:
    server.handle = lambda request: reply(request, 200, body)
    assert port(server).send(b"{}", "I").duplicate == ("重复" in body)


def test_a_lost_answer_is_unknown(server: Server) -> None:
    server.handle = reset
    with pytest.raises(OutcomeUnknown):
        port(server).send(b"{}", "I")


def test_receipts_are_asked_type_by_type_in_chinas_time(server: Server) -> None:
    def answer(request: object) -> None:
        asked = urlsplit(request.path)  # type: ignore[attr-defined]
        reply(request, 200, PUBLISHED if asked.path == "/ceb304msg" else "[]")  # type: ignore[arg-type]

    server.handle = answer
    page = port(server).poll("DXPENT1", "2026-11-23T08:00:00+00:00")
    assert len(page.messages) == 1
    assert page.channel == "local_port"
    assert page.next > "2026"
    asked = [urlsplit(path) for path, _, _ in server.seen]
    assert {"/ceb304msg", "/ceb404msg", "/ceb506msg", "/ceb604msg", "/ceb900msg"} <= {a.path for a in asked}
    assert {parse_qs(a.query)["dxpid"][0] for a in asked} == {"DXPENT1"}
    assert port(server, receipts=["CEB312Message"]).poll("D", "no instant").messages == []
    assert len(parse_qs(urlsplit(server.seen[-1][0]).query)["qryid"][0]) == 14


@pytest.mark.parametrize(("status", "error"), [(502, AuthorityUnavailable), (404, ConfigurationError)])
def test_a_port_that_gives_no_receipts(server: Server, status: int, error: type[Exception]) -> None:
    server.handle = lambda request: reply(request, status, "")
    with pytest.raises(error):
        port(server).poll("D", "")


def test_java_map_text_is_read_with_all_that_stands_in_its_values() -> None:
    first, second = rows(PUBLISHED)
    assert (first.business_key, first.status) == ("P|S|O_1", "2")
    assert (first.declared_guid, first.problem) == (DECLARED.upper(), "")
    assert first.return_time == AT
    assert second.info.endswith("limitPrice: 26,000;],[OrderHead.orderNo:O_1,PaymentHead.amountPaid3197.95]")
    assert (second.business_key, second.invt_no, second.problem) == ("||O_1", "", "")
    inventory, _ = rows(PUBLISHED, "CEB604Message")
    assert (inventory.business_key, inventory.pre_no, inventory.problem) == ("A|", "B20261123000000001", "")
    assert second.return_time is not None
    assert second.return_time > AT


def test_real_json_is_read_as_well() -> None:
    (row,) = rows(
        '[{"ebpcode": "P", "ebccode": "S", "orderno": "O", "returnstatus": 2, "returntime2": "20261123164357"}]'
    )
    assert (row.business_key, row.status, row.return_time) == ("P|S|O", "2", AT)


@pytest.mark.parametrize("strange", [r"\ud83d", r"\u0000"])
def test_what_no_database_can_hold_is_replaced(strange: str, ledger: Ledger) -> None:
    """JSON can say half a surrogate: kept as it is, it would hold up all receipts behind it."""
    said = (
        f'[{{"ebpcode": "P", "ebccode": "{strange}", "orderno": "O", "returnstatus": 2, "returninfo": "a{strange}b"}}]'
    )
    (row,) = rows(said)
    assert (row.business_key, row.info) == ("P|\ufffd|O", "a\ufffdb")
    raw = raws.store_raw(ledger, "in", row.authority, "http", "port", said.encode())
    assert receipts.add_receipts(ledger, raw, [row]) == 1


def test_an_unreadable_message_comes_by_this_way_too() -> None:
    text = "[{returnstatus=-1, returntime2=20261123164357, oricopmsgid=COP-1, orimessagetype=CEB303Message}]"
    (row,) = rows(text, "CEB900Message")
    assert (row.cop_msg_id, row.type, row.status) == ("COP-1", "CEB303Message", "-1")


@pytest.mark.parametrize("text", ["no map", "<html/>", "[", "{}x", "[1, 2]", "\x00"])
def test_what_is_no_map_is_a_fault(text: str) -> None:
    with pytest.raises(DataFault):
        rows(text)


def test_what_was_asked_must_be_a_receipt() -> None:
    with pytest.raises(Unsupported):
        rows(PUBLISHED, "CEB303Message")


@pytest.mark.parametrize(
    "raw", [b'{"Message":', b'{"Message":{}}', b'{"Message":{"MessageHead":{},"MessageBody":{"data":"?"}}}',
            b'{"asked":', b'{"asked":1,"dxpId":"D","answer":"?"}'],
)  # fmt: skip
def test_damaged_forms_are_faults(raw: bytes) -> None:
    with pytest.raises(DataFault):
        ChinaEcommerce().open(raw)


def test_our_own_post_can_be_opened(server: Server) -> None:
    opened = ChinaEcommerce().open(port(server).wrap(BUSINESS, HEAD))
    assert (opened.kind, opened.type, opened.cop_msg_id, opened.business) == (
        "business", "CEB303Message", "GUID-1", BUSINESS,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", " [ ] ", "{}", "null", "\ufeff[]"])
def test_nothing_is_nothing(text: str) -> None:
    assert not javamap.says_something(text.encode())


def test_a_key_that_is_not_whole_is_completed_from_the_ledger(ledger: Ledger) -> None:
    ident, _ = customs.prepared(ledger, 3)
    with ledger.begin() as tx:
        c = document.c
        mine = (c.shipment_id == ident) & (c.type == "CEB303Message")
        (one, guid), (two, _), *_ = [tuple(r) for r in tx.execute(document.select().where(mine).with_only_columns(
            c.business_key, c.guid).order_by(c.id))]  # fmt: skip
        tx.execute(update(document).where(c.business_key == two).values(pre_no="B1"))
        order = one.split("|")[2]

        def completed(key: str, **said: str) -> str:
            row = ReceiptRow("cn_ecommerce", "CEB303Message", key, "", "2", AT, "", **said)
            return complete_keys(tx, [row])[0].business_key

        assert completed(f"||{order}") == one
        assert completed("||", declared_guid=guid) == one
        assert completed("||", pre_no="B1") == two
        assert completed("||") == "||"
        assert completed(f"OTHER||{order}") == f"OTHER||{order}"
        assert completed("||%") == "||%"
        assert completed(f"||{order[:-1]}_") == f"||{order[:-1]}_"
        assert completed(f"{one.split('|')[0]}||") == f"{one.split('|')[0]}||", "which of three nobody can say"
