"""Lenient in: whatever the prefix, mark, encoding, order or surprise; but no DOCTYPE; junk gives faults, no crash."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.engine import reader
from mappings.errors import DataFault, Unsupported
from tests.unit.engine_samples import RECEIPT, inventory_message

NAMESPACE = "http://www.chinaport.gov.cn/ceb"


def values(xml: bytes) -> dict[str, dict[str, list[str]]]:
    return reader.read(xml).groups


def test_receipt_by_columns() -> None:
    reading = reader.read(RECEIPT.encode())
    assert reading.type == "CEB604Message"
    assert reading.guid == "4CDE1CFD-EDED-46B1-946C-B8022E42FC94"
    returns = reading.groups["InventoryReturn"]
    assert returns["returnStatus"] == ["2", "-301020"]
    assert returns["returnInfo"] == ["电子口岸申报中 & <好>", ""]
    assert returns["preNo"] == ["", "123456789012345678"]
    assert reading.parents["InventoryReturn"] == [0, 0]
    assert reading.count("InventoryReturn") == 2
    assert reading.count("Nothing") == 0
    assert reading.unknown == []


FORMS = {
    "default namespace": RECEIPT.replace("ceb:", "").replace("xmlns:ceb", "xmlns"),
    "other prefix": RECEIPT.replace("ceb:", "n0:").replace(":ceb=", ":n0="),
    "no namespace": re.sub(r' xmlns:\w+="[^"]*"', "", RECEIPT.replace("ceb:", "")),
    "white space": re.sub("(</[^>]+>)<", "\\1\n\t <", RECEIPT),
    "leading blank lines": "\r\n\n  " + RECEIPT,
    "comments": RECEIPT.replace("<ceb:guid>", "<!-- a --><ceb:guid>").replace("<ceb:copNo>", "<?p q?><ceb:copNo>"),
    "comment in a value": RECEIPT.replace("电子口岸", "电子<!-- no -->口岸"),
    "cdata": RECEIPT.replace("电子口岸申报中 &amp; &lt;好&gt;", "<![CDATA[电子口岸申报中 & <好>]]>"),
    "declaration": '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + RECEIPT,
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_same_message_read_alike(form: str) -> None:
    assert values(FORMS[form].encode()) == values(RECEIPT.encode())


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8-sig"), ("GB2312", "gb2312"), ("gb2312", "gb18030"), ("GBK", "gbk"), ("GB18030", "gb18030"),
        ("UTF-16", "utf-16"), ("Big5", "big5"),
    ],
)  # fmt: skip
def test_encodings_read_alike(declared: str, codec: str) -> None:
    text = RECEIPT.replace("电子口岸申报中", "中文").replace("好", "好")
    xml = f'<?xml version="1.0" encoding="{declared}"?>{text}'
    assert values(xml.encode(codec)) == values(text.encode())


def test_gb2312_may_hold_what_only_gb18030_knows() -> None:
    text = '<?xml version="1.0" encoding="GB2312"?>' + RECEIPT.replace("好", "镕\U00020bb7€")
    assert values(text.encode("gb18030"))["InventoryReturn"]["returnInfo"][0].endswith("<镕\U00020bb7€>")


def test_fields_in_another_order_and_unknown_ones() -> None:
    shuffled = RECEIPT.replace(
        "<ceb:returnStatus>2</ceb:returnStatus>", "<ceb:surprise><ceb:deep>1</ceb:deep></ceb:surprise>"
    ).replace("<ceb:agentCode>A1", "<ceb:returnStatus>2</ceb:returnStatus><ceb:agentCode>A1", 1)
    shuffled = shuffled.replace("</ceb:CEB604Message>", "<ceb:More/></ceb:CEB604Message>")
    reading = reader.read(shuffled.encode())
    assert reading.groups["InventoryReturn"]["returnStatus"] == ["2", "-301020"]
    assert reading.unknown == ["CEB604Message/InventoryReturn/surprise", "CEB604Message/More"]


def test_repeated_segments_know_their_parent() -> None:
    reading = reader.read(inventory_message(3, [1, 3, 2]))
    assert reading.parents["InventoryList"] == [0, 1, 1, 1, 2, 2]
    assert reading.parents["InventoryHead"] == [0, 1, 2]
    assert reading.groups["InventoryList"]["gnum"] == ["1", "1", "2", "3", "1", "2"]


def test_signature_and_extension_are_no_surprise() -> None:
    signature = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>'
    extension = "<ceb:ExtendMessage><ceb:name>n</ceb:name><ceb:version>1</ceb:version>"
    extension += "<ceb:Message><other>x</other></ceb:Message></ceb:ExtendMessage>"
    end = b"</ceb:CEB603Message>"
    reading = reader.read(inventory_message(1, [1]).replace(end, (signature + extension).encode() + end))
    assert reading.unknown == []
    assert reading.count("ds:Signature") == 1
    assert reading.groups["ExtendMessage"]["name"] == ["n"]


HIDDEN = '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-+ADw-CEB604Message/+AD4-'


@pytest.mark.parametrize(
    "xml",
    [
        b"<!DOCTYPE CEB604Message>" + RECEIPT.encode(),
        b'<?xml version="1.0"?>\n<!-- c --><!DOCTYPE x [<!ENTITY e "1">]>' + RECEIPT.encode(),
        b"\xef\xbb\xbf  <!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'>" + RECEIPT.encode(),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x>' + RECEIPT).encode("utf-16"),
        HIDDEN.encode(),
        b"<!DOCTYPE x [<!ENTITY e 'never looked at'>]><broken",
        b'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><CEB604Message guid="&b;"/>',
    ],
)
def test_a_doctype_is_refused_outright(xml: bytes) -> None:
    with pytest.raises(DataFault, match="DOCTYPE"):
        reader.read(xml)


def test_many_comments_before_a_doctype_take_no_time() -> None:
    with pytest.raises(DataFault):
        reader.read(b"<!---->" * 5000 + b"<x")


def test_a_doctype_quoted_in_cdata_is_only_text() -> None:
    quoted = "<![CDATA[<!DOCTYPE a><CEB303Message/>]]>"
    xml = f"""<CEB900Message xmlns="{NAMESPACE}" guid="g" version="1.0"><MessageReturn><guid>g</guid>
    <returnStatus>-999999</returnStatus><oriBizMessage>{quoted}</oriBizMessage></MessageReturn></CEB900Message>"""
    assert values(xml.encode())["MessageReturn"]["oriBizMessage"] == ["<!DOCTYPE a><CEB303Message/>"]


@pytest.mark.parametrize(
    "xml", [b"", b"  \n", b"\xef\xbb\xbf", b"junk", b"<a", b"<a></b>", b"\x00", b"<?xml?>", b"\xff\xfe"]
)
def test_no_xml_is_a_fault(xml: bytes) -> None:
    with pytest.raises(DataFault):
        reader.read(xml)


def test_fault_names_the_line() -> None:
    with pytest.raises(DataFault, match="line 3"):
        reader.read(b"<a>\n<b>\n</c></a>")


@pytest.mark.parametrize(
    "xml", ['<?xml version="1.0" encoding="klingon"?><a/>', '<?xml version="1.0" encoding="GB2312"?><a>']
)
def test_unreadable_encodings_are_faults(xml: str) -> None:
    with pytest.raises(DataFault):
        reader.read(xml.encode())


def test_too_long_a_message_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_BYTES", 100)
    with pytest.raises(DataFault, match="over the limit of 100"):
        reader.read(RECEIPT.encode())


def test_a_type_we_do_not_know_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="CEB999Message"):
        reader.read(b"<CEB999Message/>")


def test_a_message_without_documents_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="InventoryReturn"):
        reader.read(f'<CEB604Message xmlns="{NAMESPACE}" guid="g" version="1.0"/>'.encode())


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_junk_gives_a_fault_and_nothing_else(junk: bytes) -> None:
    with contextlib.suppress(DataFault, Unsupported):
        reader.read(junk)


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_message_gives_a_fault_or_a_reading(data: st.DataObject) -> None:
    whole = RECEIPT.encode()
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start, min(len(whole), start + 40)))
    broken = whole[:start] + data.draw(st.binary(max_size=8)) + whole[stop:]
    with contextlib.suppress(DataFault, Unsupported):
        reading = reader.read(broken)
        assert reading.count(reading.spec.document) >= 1
        lengths = {len(c) for c in reading.groups[reading.spec.document].values()}
        assert lengths <= {reading.count(reading.spec.document)}
