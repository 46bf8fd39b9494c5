"""Receipts read by column from their text are those that the tree tells; what is not regular goes the tree's way."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.cn_ecommerce import envelope, flat, receipts
from mappings.engine import reader
from mappings.errors import DataFault

NS = "http://www.chinaport.gov.cn/ceb"
HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<ceb:CEB304Message xmlns:ceb="{NS}" guid="G" version="1.0">'
FIELDS = {
    "guid": "311af125-6fed-4603-8c5d-49b1fa4b4b9b", "ebpCode": "91440400TESTPLAT01", "ebcCode": "91440400TESTSELL02",
    "orderNo": "TEST1", "returnStatus": "2", "returnTime": "20261124101112123", "returnInfo": "电子口岸申报中",
}  # fmt: skip


def _document(fields: dict[str, str], mark: str = "ceb:") -> str:
    inner = "".join(f"<{mark}{tag}>{text}</{mark}{tag}>" for tag, text in fields.items())
    return f"<{mark}OrderReturn>{inner}</{mark}OrderReturn>"


def _message(*documents: str) -> str:
    return HEAD + "\n  ".join(documents) + "</ceb:CEB304Message>"


REGULAR = _message(*(_document({**FIELDS, "orderNo": f"TEST{n}"}) for n in range(3)))


def _both(text: str) -> tuple[dict[str, list[str]] | None, dict[str, list[str]]]:
    plain = envelope.decoded(text.encode())
    assert flat.plain(text.encode())
    found = flat.columns(plain, receipts.answers())
    return found and found[1], reader.read_tree(envelope.parse_text(plain)).groups["OrderReturn"]


def test_a_regular_message_is_read_as_its_tree_is() -> None:
    by_text, by_tree = _both(REGULAR)
    assert by_text == by_tree
    assert by_tree["orderNo"] == ["TEST0", "TEST1", "TEST2"]


def test_the_default_namespace_and_absent_fields_are_regular_too() -> None:
    short = {tag: text for tag, text in FIELDS.items() if tag != "returnInfo"}
    text = f'<CEB304Message xmlns="{NS}" guid="G" version="1.0">{_document(short, "") * 2}</CEB304Message>'
    by_text, by_tree = _both(text)
    assert by_text == by_tree
    assert by_tree["returnInfo"] == ["", ""]


IRREGULAR: dict[str, Callable[[str], str]] = {
    "a reference": lambda text: text.replace("中</", "&amp;</", 1),
    "a comment inside a text": lambda text: text.replace("TEST1", "TE<!-- no -->ST1"),
    "CDATA": lambda text: text.replace("TEST1", "<![CDATA[TEST1]]>"),
    "a processing instruction": lambda text: text.replace("TEST1", "TE<?x y?>ST1"),
    "another line end": lambda text: text.replace("申报中", "申报\r\n中", 1),
    "an attribute": lambda text: text.replace("<ceb:orderNo>TEST1", '<ceb:orderNo a="b">TEST1'),
    "an empty element": lambda text: text.replace("<ceb:orderNo>TEST1</ceb:orderNo>", "<ceb:orderNo/>"),
    "a field that one lacks": lambda text: text.replace("<ceb:orderNo>TEST1</ceb:orderNo>", ""),
    "another order": lambda text: text.replace(
        "<ceb:ebpCode>91440400TESTPLAT01</ceb:ebpCode><ceb:ebcCode>91440400TESTSELL02</ceb:ebcCode>",
        "<ceb:ebcCode>91440400TESTSELL02</ceb:ebcCode><ceb:ebpCode>91440400TESTPLAT01</ceb:ebpCode>", 1),
    "a field twice, in one only": lambda text: text.replace(
        "<ceb:orderNo>TEST1</ceb:orderNo>", "<ceb:orderNo>TEST0</ceb:orderNo><ceb:orderNo>TEST1</ceb:orderNo>"),
    "a field twice, in all": lambda text: text.replace("<ceb:guid>", "<ceb:orderNo>first</ceb:orderNo><ceb:guid>"),
    "a field that we do not know": lambda text: text.replace("<ceb:guid>", "<ceb:odd>1</ceb:odd><ceb:guid>"),
    "something inside a field": lambda text: text.replace("TEST1", "<ceb:x>TEST1</ceb:x>"),
    "something beside the documents": lambda text: text.replace("</ceb:CEB304", "<ceb:x>1</ceb:x></ceb:CEB304"),
    "another prefix": lambda text: text.replace(
        "<ceb:orderNo>TEST1</ceb:orderNo>", f'<a:orderNo xmlns:a="{NS}">TEST1</a:orderNo>'),
}  # fmt: skip


@pytest.mark.parametrize("change", IRREGULAR.values(), ids=IRREGULAR)
def test_what_is_not_regular_is_left_to_the_tree(change: Callable[[str], str]) -> None:
    text = change(REGULAR)
    assert text != REGULAR
    by_text, by_tree = _both(text)
    assert by_text is None
    assert [row.business_key.rpartition("|")[2] for row in receipts.rows(text.encode())] == by_tree["orderNo"]


def test_a_broken_message_is_refused_however_regular_its_text() -> None:
    with pytest.raises(DataFault):
        receipts.rows(REGULAR.replace("</ceb:CEB304Message>", "").encode())


def _dxp(data: str, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?><d:DxpMsg xmlns:d="{envelope.DXP}" ver="1.0">{before}'
        "<d:TransInfo><d:CopMsgId>C</d:CopMsgId>"
        "<d:SenderId>S</d:SenderId><d:ReceiverIds><d:ReceiverId>R</d:ReceiverId></d:ReceiverIds>"
        f"<d:MsgType>CEB304Message</d:MsgType></d:TransInfo><d:Data>{data}</d:Data></d:DxpMsg>"
    ).encode()


BODY = REGULAR.encode() * 3
PACKED = base64.b64encode(BODY).decode()


@pytest.mark.parametrize(
    "raw",
    [
        _dxp(PACKED),
        _dxp("\n".join(PACKED[at : at + 76] for at in range(0, len(PACKED), 76))),
        _dxp(PACKED[:100] + "&#10;" + PACKED[100:]),
        _dxp(f"<![CDATA[{PACKED}]]>"),
        _dxp(PACKED, before=f"<!-- <Data>{PACKED[::-1]}</Data> -->"),
    ],
    ids=["plain", "in lines", "with a reference", "as CDATA", "after a comment that looks like it"],
)
def test_an_envelope_is_opened_the_same_with_its_data_cut_out(raw: bytes) -> None:
    opened = envelope.open_message(raw)
    assert (opened.type, opened.cop_msg_id) == ("CEB304Message", "C")
    assert opened.business == BODY


@pytest.mark.parametrize("data", ["*" * 4000, PACKED + "ä" * 10])
def test_an_envelope_whose_data_is_no_base64_is_refused(data: str) -> None:
    with pytest.raises(DataFault):
        envelope.open_message(_dxp(data))


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1f"])
def test_a_control_character_is_refused_as_the_tree_refuses_it(sign: str) -> None:
    text = REGULAR.replace("TEST1", f"TE{sign}ST1")
    assert not flat.plain(text.encode())
    with pytest.raises(DataFault):
        receipts.rows(text.encode())


PIECES = ["<", ">", "</", "/>", "<!--", "-->", "]]>", "&", "&lt;", "\n", "\t", " ", "\r", "\ufffe", "x", "ceb:", "中",
          "<ceb:guid>", "</ceb:guid>", "<ceb:orderNo>", "</ceb:orderNo>", "<ceb:OrderReturn>", "</ceb:OrderReturn>",
          "</ceb:CEB304Message>", 'a="b"']  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(REGULAR)), st.integers(0, 30), st.sampled_from(["", *PIECES])), max_size=3)
)
def test_however_it_is_damaged_the_text_tells_what_the_tree_tells_or_nothing(cuts: list[tuple[int, int, str]]) -> None:
    text = REGULAR
    for at, length, instead in cuts:
        text = text[:at] + instead + text[at + length :]
    plain = envelope.decoded(text.encode())
    found = flat.columns(plain, receipts.answers()) if flat.plain(text.encode()) else None
    if found is not None:
        assert found == ("CEB304Message", reader.read_tree(envelope.parse_text(plain)).groups["OrderReturn"])


def test_one_document_alone_is_regular() -> None:
    by_text, by_tree = _both(_message(_document(FIELDS)))
    assert by_text == by_tree
