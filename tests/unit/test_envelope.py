"""The DXP envelopes: strict out, lenient in, DOCTYPE refused."""

from __future__ import annotations

import base64
import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from adapters.cn_ecommerce import envelope
from mappings.errors import DataFault

DXP = "{http://www.chinaport.gov.cn/dxp}"
AT = datetime(2026, 11, 23, 16, 0, 1, 999999, UTC)
INNER = '<?xml version="1.0" encoding="UTF-8"?><ceb:CEB304Message xmlns:ceb="http://www.chinaport.gov.cn/ceb">订单</ceb:CEB304Message>'


def made(business: bytes = b"<x/>", cop_msg_id: str = "ID-1") -> bytes:
    return envelope.write(business, "CEB303Message", "DXPENT0850668293", "DXPEDCCEB0000003", cop_msg_id, AT)


def test_written_envelope_has_the_schemas_elements_in_order() -> None:
    root = etree.fromstring(made(b"<x/>", "A&B<1>"))
    assert root.tag == f"{DXP}DxpMsg"
    assert root.get("ver") == "1.0"
    assert [n.tag.removeprefix(DXP) for n in root.iter()] == [
        "DxpMsg", "TransInfo", "CopMsgId", "SenderId", "ReceiverIds", "ReceiverId", "CreatTime", "MsgType", "Data",
    ]  # fmt: skip
    assert root.findtext(f"{DXP}TransInfo/{DXP}CreatTime") == "2026-11-24T00:00:01"
    assert root.findtext(f"{DXP}TransInfo/{DXP}CopMsgId") == "A&B<1>"
    assert base64.b64decode(root.findtext(f"{DXP}Data", "")) == b"<x/>"


def test_what_is_written_is_read_back() -> None:
    opened = envelope.open_message(made(b"<x>\xff\x00</x>"))
    assert opened.business == b"<x>\xff\x00</x>"
    assert (opened.kind, opened.type, opened.peer, opened.cop_msg_id, opened.receivers) == (
        "business", "CEB303Message", "DXPENT0850668293", "ID-1", ("DXPEDCCEB0000003",),
    )  # fmt: skip


def prefixed(data: str, encoding: str = "UTF-8") -> str:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><dxp:DxpMsg xmlns:dxp="http://www.chinaport.gov.cn/dxp" ver="1.0">'
        "<dxp:TransInfo><dxp:CopMsgId>回执-1</dxp:CopMsgId><dxp:SenderId> DXPEDCCEB0000003 </dxp:SenderId>"
        "<dxp:ReceiverIds><dxp:ReceiverId>A</dxp:ReceiverId><dxp:ReceiverId>B</dxp:ReceiverId></dxp:ReceiverIds>"
        "<dxp:MsgType>CEB304Message</dxp:MsgType></dxp:TransInfo>"
        f"<dxp:Data>\n  {data}\n</dxp:Data><dxp:AddInfo><dxp:BizKey><dxp:Key name='DealFlag'>1</dxp:Key></dxp:BizKey>"
        "</dxp:AddInfo><dxp:Unheard/></dxp:DxpMsg>"
    )


WRAPPED = "\n".join(base64.encodebytes(INNER.encode()).decode().split("\n"))


@pytest.mark.parametrize(
    "raw",
    [
        prefixed(WRAPPED).encode(),
        b"\xef\xbb\xbf" + prefixed(WRAPPED).encode(),
        b"\r\n  " + prefixed(WRAPPED).encode(),
        prefixed(WRAPPED, "gb2312").encode("gb18030"),
        prefixed(WRAPPED, "GBK").encode("gbk"),
        prefixed(WRAPPED, "UTF-8").encode("gb18030"),
        prefixed(WRAPPED, "UTF-16").encode("utf-16"),
        prefixed(WRAPPED).replace("dxp:", "").replace("xmlns:dxp", "xmlns").encode(),
        prefixed(WRAPPED).replace("xmlns:dxp=", "xmlns:dxp=").replace("chinaport.gov.cn/dxp", "elsewhere/dxp").encode(),
        b'<DxpMsgSv xmlns="http://www.chinaport.gov.cn/dxp" ver="1.0"><SvNo Ver="1.0"><MsgId>1</MsgId></SvNo>'
        + prefixed(WRAPPED).split("?>", 1)[1].encode()
        + b"</DxpMsgSv>",
    ],
    ids=["plain", "mark", "blanks", "gb2312", "gbk", "declared-wrong", "utf16", "no-prefix", "other-ns", "transfer"],
)
def test_whatever_form_it_comes_in(raw: bytes) -> None:
    opened = envelope.open_message(raw)
    assert opened.business == INNER.encode()
    assert opened.cop_msg_id == "回执-1"
    assert opened.peer == "DXPEDCCEB0000003"
    assert opened.receivers == ("A", "B")


def test_a_bare_business_message_is_taken_as_it_is() -> None:
    opened = envelope.open_message(INNER.encode())
    assert (opened.kind, opened.type, opened.business) == ("business", "CEB304Message", INNER.encode())


def test_an_answer_is_no_business_message() -> None:
    raw = (
        '<DxpRep xmlns="http://www.chinaport.gov.cn/dxp" ver="1.0"><RecevierId>DXPENT1</RecevierId><Response>'
        "<ResponseCode>1004</ResponseCode><ResponseInfo>签名与数据不符</ResponseInfo><NoticeTime>2026-11-23</NoticeTime>"
        "<OriHead><CopMsgId>ID-9</CopMsgId></OriHead></Response></DxpRep>"
    )
    opened = envelope.open_message(raw.encode())
    assert (opened.kind, opened.code, opened.text, opened.cop_msg_id) == ("refusal", "1004", "签名与数据不符", "ID-9")
    assert opened.receivers == ("DXPENT1",)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"junk",
        b"\xff\xfe\x00",
        b"\x81\x30" * 3 + b"\xff\xff",
        b"<a/>",
        b"<DxpMsg",
        b"<DxpMsg/>",
        b"<DxpMsg><Data>  </Data></DxpMsg>",
        b"<DxpMsg><Data>***</Data></DxpMsg>",
        b"<DxpMsg><Data>abc</Data></DxpMsg>",
        b"<DxpMsgSv/>",
        b"<DxpRep/>",
        "<DxpMsg><Data>中文</Data></DxpMsg>".encode(),
        b'<?xml version="1.0" encoding="nonsense"?>\xff\xff',
        b"<x>" * 5000,
    ],
)
def test_junk_is_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(DataFault):
        envelope.open_message(raw)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_a_doctype_is_refused_in_any_encoding(encoding: str) -> None:
    text = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><DxpMsg><Data>&e;</Data></DxpMsg>'
    with pytest.raises(DataFault, match="DOCTYPE"):
        envelope.open_message(text.encode(encoding))


def test_every_element_of_the_reference_is_spelled_so(request: pytest.FixtureRequest) -> None:
    """fields.csv of the reference, where it is at hand: the spelling and the order of TransInfo."""
    reference = Path(request.config.rootpath).parent / "shared/reference/cn_ecommerce/fields.csv"
    if not reference.exists():
        pytest.skip("the reference is not at hand")
    with reference.open(encoding="utf-8", newline="") as file:
        fields = [r[3].split("/")[-1] for r in csv.reader(file) if r[0] == "DxpMsg" and r[1] == "TransInfo"]
    root = etree.fromstring(made())
    written = [n.tag.removeprefix(DXP) for n in root.find(f"{DXP}TransInfo").iterdescendants()]
    assert written == fields
