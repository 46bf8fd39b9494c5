"""What is wrong with a message, for a person: line, element, both languages, and no person's data."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.engine import explain, tree
from tests.golden.samples import sample
from tests.unit.engine_samples import inventory_message

GOOD = inventory_message(1, [1]).decode().replace("><", ">\n<")
MESSAGE = tree.write(sample("CEB303Message")).decode()


def problems(old: str, new: str, text: str = GOOD, strict: bool = False) -> list[explain.Problem]:
    assert old in text
    return explain.check(text.replace(old, new, 1).encode(), strict)


def line_of(piece: str, text: str = GOOD) -> int:
    return text[: text.index(piece)].count("\n") + 1


def test_a_good_message_has_none() -> None:
    assert explain.check(GOOD.encode(), strict=True) == []


@pytest.mark.parametrize("number", [621, 623, 625, 711])
def test_a_message_that_only_lacks_its_signature_is_told_so(number: int) -> None:
    body = tree.write(sample(f"CEB{number}Message"))
    (problem,) = explain.check(body)
    assert (problem.code, problem.element) == ("unsigned", f"CEB{number}Message")
    assert "缺少数字签名" in problem.message_zh
    assert "no signature" in problem.message_en
    (other,) = explain.check(body.replace(b"</ceb:BaseTransfer>", b"</ceb:BaseTransfer><ceb:odd/>"))
    assert (other.code, other.element) == ("order", f"CEB{number}Message/odd")


CASES = {
    "wrong_length": ("<ceb:customsCode>5788<", "<ceb:customsCode>57889<", "InventoryHead/customsCode", "57889"),
    "too_long": ("<ceb:copNo>HZMB", f"<ceb:copNo>{'x' * 30}HZMB", "InventoryHead/copNo", ""),
    "decimals": ("<ceb:insuredFee>0<", "<ceb:insuredFee>0.000001<", "InventoryHead/insuredFee", "0.000001"),
    "not_a_number": ("<ceb:packNo>1<", "<ceb:packNo>one<", "InventoryHead/packNo", "one"),
    "too_big": ("<ceb:packNo>1<", "<ceb:packNo>1234567890<", "InventoryHead/packNo", "1234567890"),
    "order": ("<ceb:copNo>", "<ceb:netWeight>1</ceb:netWeight>\n<ceb:copNo>", "InventoryHead/netWeight", "1"),
}


@pytest.mark.parametrize("code", CASES)
def test_each_kind_names_line_element_and_field_in_both_languages(code: str) -> None:
    old, new, element, value = CASES[code]
    found = next(p for p in problems(old, new) if p.code == code)
    assert found.element == element
    assert found.line == line_of(old)
    assert value in found.value
    tag = element.rpartition("/")[2]
    assert tag in found.message_zh
    assert tag in found.message_en
    assert any("\u4e00" <= c <= "\u9fff" for c in found.message_zh)
    assert not any("\u4e00" <= c <= "\u9fff" for c in found.message_en)
    assert found.as_dict()["code"] == code


def test_limits_are_named() -> None:
    (wrong,) = problems("<ceb:customsCode>5788<", "<ceb:customsCode>57889<")  # once, though the schema says it twice
    assert "4" in wrong.message_zh
    assert "exactly 4" in wrong.message_en


def test_a_missing_element_names_what_was_expected() -> None:
    start, end = GOOD.index("<ceb:copNo>"), GOOD.index("<ceb:ieFlag>")
    found = explain.check((GOOD[:start] + GOOD[end:]).encode())
    assert [p.code for p in found] == ["order"]
    assert "copNo" in found[0].message_en
    assert "应为 copNo" in found[0].message_zh
    assert "{" not in found[0].message_en


def test_all_faults_come_at_once() -> None:
    text = GOOD.replace("<ceb:customsCode>5788<", "<ceb:customsCode>1<").replace("<ceb:gcode>", "<ceb:gcode>9")
    assert {p.element for p in explain.check(text.encode())} == {"InventoryHead/customsCode", "InventoryList/gcode"}


def test_an_empty_mandatory_text_is_a_fault_only_of_what_we_send() -> None:
    start, end = GOOD.index("<ceb:ebpName>"), GOOD.index("</ceb:ebpName>")
    text = GOOD[:start] + "<ceb:ebpName>" + GOOD[end:]
    assert explain.check(text.encode()) == []
    (found,) = explain.check(text.encode(), strict=True)
    assert (found.code, found.element, found.line) == ("empty", "InventoryHead/ebpName", line_of("<ceb:ebpName>"))


def test_a_code_outside_its_list() -> None:
    (found,) = problems("<ceb:wrapType>2<", "<ceb:wrapType>9<")
    assert (found.code, found.element, found.value) == ("code", "InventoryHead/wrapType", "9")
    assert found.line == line_of("<ceb:wrapType>")
    assert "package" in found.message_en
    assert "“9”" in found.message_zh


def test_same_tag_in_two_segments_is_told_apart() -> None:
    at = GOOD.index("<ceb:InventoryList>")
    text = GOOD[:at] + GOOD[at:].replace("<ceb:country>", "<ceb:country>9", 1)
    assert {p.element for p in explain.check(text.encode())} == {"InventoryList/country"}


def test_attributes() -> None:
    (missing,) = problems(' version="1.0"', "")
    assert missing.code == "attribute_missing"
    assert "version" in missing.message_en
    (unknown,) = problems(' version="1.0"', ' version="1.0" more="1"')
    assert unknown.code == "attribute_unknown"
    short = problems(' version="1.0"', ' version="12345678901"')
    assert "CEB603Message@version" in short[0].element


@pytest.mark.parametrize(
    ("xml", "code", "line"),
    [
        ("", "unreadable", 0), ("<a>\n<b></a>", "unreadable", 2), ("<!DOCTYPE a><a/>", "unreadable", 0),
        ("\n\n<Unheard/>", "unknown_type", 1), ("<CEB604Message/>", "unknown_type", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_problem(xml: str, code: str, line: int) -> None:
    (found,) = explain.check(xml.encode())
    assert (found.code, found.line) == (code, line)


def test_a_default_namespace_is_explained_as_well() -> None:
    text = GOOD.replace("ceb:", "").replace("xmlns:ceb", "xmlns").replace("<customsCode>5788", "<customsCode>57889")
    assert {p.element for p in explain.check(text.encode())} == {"InventoryHead/customsCode"}


def test_a_prefix_declared_further_down_is_explained_as_well() -> None:
    text = GOOD.replace(
        "<ceb:customsCode>5788</ceb:customsCode>", '<n:customsCode xmlns:n="urn:other">1</n:customsCode>'
    )
    found = explain.check(text.encode())
    assert found
    assert all(p.message_zh and p.message_en for p in found)


ORDER = """<CEB311Message xmlns="http://www.chinaport.gov.cn/ceb" guid="{guid}" version="1.0"><Order><OrderHead>
<guid>{guid}</guid><buyerName>{name}</buyerName><buyerIdNumber>{number}</buyerIdNumber><consignee>{name}</consignee>
</OrderHead></Order></CEB311Message>"""


def test_a_person_s_values_are_masked() -> None:
    name, number = "张三" * 60, "44040019800101123X" * 5
    found = explain.check(ORDER.format(guid="G" * 36, name=name, number=number).encode())
    assert found
    told = "".join(str(p.as_dict()) for p in found)
    assert "张三" not in told
    assert "4404001980" not in told
    assert "***" in {p.value for p in found}


@given(st.text(alphabet="<>/ab&;\"'=x:?!-[]", max_size=60))
def test_junk_gives_problems(text: str) -> None:
    assert explain.check(text.encode())


def test_a_message_without_its_namespace_is_told_which_it_belongs_into() -> None:
    text = MESSAGE.replace('xmlns:ceb="http://www.chinaport.gov.cn/ceb"', "").replace("ceb:", "")
    assert [(p.code, p.message_en) for p in explain.check(text.encode())] == [
        ("namespace", "CEB303Message belongs into the namespace http://www.chinaport.gov.cn/ceb")
    ]


def test_what_is_expected_names_the_signature_and_no_wildcard() -> None:
    transfer = re.compile(r"(<ceb:BaseTransfer>.*?</ceb:BaseTransfer>)", re.DOTALL)
    twice = transfer.sub(r"\1\1", MESSAGE)
    assert [p.message_en.partition("expected: ")[2] for p in explain.check(twice.encode())] == [
        "BaseSubscribe, ds:Signature, ExtendMessage"
    ]


@pytest.mark.parametrize("says", ["", '<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0" encoding="GBK"?>'])
def test_chinese_bytes_are_read_whatever_the_prolog_says_of_them(says: str) -> None:
    text = re.sub(r"^<\?xml[^>]*\?>", says, MESSAGE)
    assert explain.check(text.encode("gb18030")) == []


def test_an_unknown_type_and_an_envelope_that_cannot_be_opened_are_told_in_both_languages() -> None:
    (problem,) = explain.check(b'<CEB999Message xmlns="http://www.chinaport.gov.cn/ceb"/>')
    assert (problem.code, problem.element) == ("unknown_type", "CEB999Message")
    assert "CEB999Message" in problem.message_zh
    assert "CEB999Message" in problem.message_en
    assert len(problem.message_en) < 100, "not every type that there is"
    (problem,) = explain.check(b"<DxpMsg><TransInfo/><Data>!!!</Data></DxpMsg>")
    assert (problem.code, problem.element) == ("unreadable", "DxpMsg/Data")
