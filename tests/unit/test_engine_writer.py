"""Strict out: canonical bytes, escaped, optional elements left out, at most 100 documents a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mappings.engine import reader, rows, spec, writer
from mappings.engine.rows import Rows
from mappings.engine.spec import Field
from mappings.errors import ConfigurationError, DataFault
from mappings.identity import seeded

SENDER = {"message.sender_code": "C", "message.sender_name": "N & Co", "message.sender_dxp": "DXP1"}
CEB505 = spec.load("CEB505Message")


def waybills(count: int = 1, **changes: object) -> Rows:
    values: dict[str, object] = {
        "document.guid": seeded(1).guids(count),
        "document.app_type": "1",
        "document.app_time": datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
        "party.carrier.code": "CARRIER",
        "party.carrier.name": "100 % 快递 %s %%",
        "waybill.waybill_no": pd.Series([f"W{i}" for i in range(count)], dtype="str"),
        "waybill.freight": pd.Series([250000] * count, dtype="Int64"),
        "waybill.insured_fee": pd.Series([0] * count, dtype="Int64"),
        "waybill.currency": pd.Series(["GBP"] * count, dtype="str"),
        "waybill.gross_weight": pd.Series([105000] * count, dtype="Int64"),
        "waybill.pieces": pd.Series([1] * count, dtype="Int64"),
        "waybill.goods_info": pd.Series(["玩具"] * count, dtype="str"),
        "party.seller.code": "SELLER",
        "party.seller.name": "Seller",
    }
    return Rows(values | {k.replace("__", "."): v for k, v in changes.items()}, count)


def written(table: Rows, batch_of: int = 100, guids: int = 50) -> list[writer.Written]:
    return writer.write("CEB505Message", table, None, SENDER, seeded(2).guids(guids), batch_of)


def test_root_declares_two_namespaces_and_two_attributes() -> None:
    (message,) = written(waybills())
    start = message.body[: message.body.index(b"<ceb:Logistics>")].decode()
    assert start == (
        '<ceb:CEB505Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="{message.guid}" version="1.0">'
    )
    assert message.body.endswith(b"</ceb:BaseTransfer></ceb:CEB505Message>")


def test_percent_signs_are_only_characters() -> None:
    """In constants and in columns alike: nothing is a template to be filled twice."""
    table = waybills(2, waybill__goods_info=pd.Series(["50% off %s", "%(x)s {0}"], dtype="str"))
    groups = reader.read(written(table)[0].body).groups["Logistics"]
    assert groups["logisticsName"] == ["100 % 快递 %s %%"] * 2
    assert groups["goodsInfo"] == ["50% off %s", "%(x)s {0}"]


def test_constants_and_columns_give_the_same_bytes() -> None:
    constant = waybills(3)
    names = ("party.carrier.name", "document.app_type", "party.seller.code")
    columns = {n: pd.Series([constant.values[n]] * 3, dtype="str") for n in names}
    times = pd.Series(pd.to_datetime([constant.values["document.app_time"]] * 3, utc=True))
    same = constant.adding(columns | {"document.app_time": times})
    assert written(same)[0].body == written(constant)[0].body


@pytest.mark.parametrize(
    ("value", "element"),
    [
        ("a & b", "a &amp; b"), ("<b>", "&lt;b&gt;"), ("]]>", "]]&gt;"), ("line\rfeed", "line&#xD;feed"),
        ("tab\tnew\nline", "tab\tnew\nline"), ("\"quoted\" 'so'", "\"quoted\" 'so'"), ("\U00020bb7", "\U00020bb7"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_column", [False, True])
def test_special_characters_are_escaped_as_canonical_xml_has_them(value: str, element: str, as_column: bool) -> None:
    table = waybills(1, party__seller__name=pd.Series([value], dtype="str") if as_column else value)
    body = written(table)[0].body
    assert f"<ceb:ebcName>{element}</ceb:ebcName>" in body.decode()
    assert etree.tostring(etree.fromstring(body), method="c14n") == body


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_characters_that_xml_cannot_hold_are_refused_by_name(bad: str) -> None:
    with pytest.raises(DataFault, match=f"U\\+{ord(bad):04X}"):
        rows.escaped(["good", f"bad{bad}"])


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")), max_size=8))
def test_escaped_texts_are_what_a_parser_reads_back(values: list[str]) -> None:
    for value, text in zip(values, rows.escaped(values), strict=True):
        assert (etree.fromstring(f"<a>{text}</a>").text or "") == value


def test_escaped_leaves_harmless_texts_as_they_are() -> None:
    texts = ["ｆｕｌｌ－ｗｉｄｔｈ", "한글", "plain"]
    assert rows.escaped(texts) is texts


def test_optional_values_are_left_out_one_by_one() -> None:
    table = waybills(2, party__seller__code=pd.Series(["", "S"], dtype="str"), party__seller__name="")
    body = written(table)[0].body.decode()
    assert body.count("<ceb:ebcCode>") == 1
    assert "<ceb:ebcName" not in body
    assert "<ceb:note" not in body


def test_mandatory_values_stand_even_when_empty() -> None:
    body = written(waybills(1, waybill__goods_info=""))[0].body.decode()
    assert "<ceb:goodsInfo></ceb:goodsInfo>" in body


def test_missing_numbers_become_empty_and_never_nan() -> None:
    table = waybills(2, waybill__freight=pd.Series([pd.NA, 1], dtype="Int64"))
    assert reader.read(written(table)[0].body).groups["Logistics"]["freight"] == ["", "0.00001"]


def test_missing_texts_become_empty_and_never_nan() -> None:
    table = waybills(2, waybill__goods_info=pd.Series([None, "toys"], dtype="str"))
    assert reader.read(written(table)[0].body).groups["Logistics"]["goodsInfo"] == ["", "toys"]


def test_a_decimal_constant_is_plain() -> None:
    table = waybills(1, waybill__freight=Decimal("1E+3"), waybill__insured_fee=Decimal("0.50"))
    groups = reader.read(written(table)[0].body).groups["Logistics"]
    assert (groups["freight"], groups["insuredFee"]) == (["1000"], ["0.5"])


def test_times_are_china_s() -> None:
    late = pd.Series(pd.to_datetime(["2026-12-31T16:30:05Z", "2026-06-30T00:00:00Z"], utc=True))
    texts = reader.read(written(waybills(2, document__app_time=late))[0].body).groups["Logistics"]["appTime"]
    assert texts == ["20270101003005", "20260630080000"]


@pytest.mark.parametrize(
    ("count", "batch_of", "sizes"),
    [
        (0, 100, []), (1, 100, [1]), (100, 100, [100]), (101, 100, [100, 1]), (250, 500, [100, 100, 50]),
        (5, 2, [2, 2, 1]),
    ],
)  # fmt: skip
def test_a_message_holds_at_most_a_hundred(count: int, batch_of: int, sizes: list[int]) -> None:
    messages = written(waybills(count), batch_of)
    assert [m.stop - m.start for m in messages] == sizes
    for message in messages:
        numbers = reader.read(message.body).groups["Logistics"]["logisticsNo"]
        assert numbers == [f"W{i}" for i in range(message.start, message.stop)]
    assert [m.guid for m in messages] == seeded(2).guids(50)[: len(sizes)]


def test_too_few_identities_lose_no_document() -> None:
    with pytest.raises(DataFault, match="too few"):
        written(waybills(5), batch_of=2, guids=2)


def test_a_column_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="goodsInfo: 3 values for 2 rows"):
        written(waybills(2, waybill__goods_info=pd.Series(["a", "b", "c"], dtype="str")))


def test_lines_without_owners_are_refused() -> None:
    lines = Rows({}, 1)
    heads = Rows({}, 1)
    with pytest.raises(DataFault, match="do not say whose they are"):
        writer.documents(spec.load("CEB303Message"), heads, {"OrderList": lines})


def test_lines_take_values_of_their_document() -> None:
    """A path that lives outside is repeated down to every line."""
    heads = Rows({"waybill.consignee_country": pd.Series(["GB", "DE"], dtype="str")}, 2)
    lines = Rows({}, 3, np.array([0, 1, 1]))
    texts = writer.documents(spec.load("CEB603Message"), heads, {"InventoryList": lines})
    assert [t.count("<ceb:country>303</ceb:country>") for t in texts] == [1, 0]
    assert [t.count("<ceb:country>304</ceb:country>") for t in texts] == [0, 2]


def test_a_default_stands_for_an_empty_value() -> None:
    lines = Rows({"line.bar_code": pd.Series(["", "690"], dtype="str")}, 2, np.array([0, 0]))
    (text,) = writer.documents(spec.load("CEB603Message"), Rows({}, 1), {"InventoryList": lines})
    assert "<ceb:barCode>无</ceb:barCode>" in text
    assert "<ceb:barCode>690</ceb:barCode>" in text
    assert text.count("<ceb:gmodel>无</ceb:gmodel>") == 2


def test_codes_are_the_authority_s() -> None:
    table = waybills(3, waybill__currency=pd.Series(["GBP", "CN:142", "XTS"], dtype="str"))
    assert reader.read(written(table)[0].body).groups["Logistics"]["currency"] == ["303", "142", ""]
    assert reader.read(written(waybills(1, waybill__currency="HKD"))[0].body).groups["Logistics"]["currency"] == ["110"]


def test_a_column_is_made_once_for_several_fields_of_one_form_only() -> None:
    """The memo must not hand a number's text to a field of another form."""
    table = Rows({"n": pd.Series([150000], dtype="Int64")}, 1)
    decimal = Field("a", "N", 19, False, 5, "M", source="n")
    whole = Field("b", "N", 9, False, None, "M", source="n")
    assert rows.texts(CEB505, decimal, table) == ["1.5"]
    assert rows.texts(CEB505, whole, table) == ["150000"]
    assert rows.column_of(CEB505, decimal, table) is rows.column_of(CEB505, decimal, table)


def test_attributes_are_escaped_as_canonical_xml_has_them() -> None:
    reference = 'a&b<c>"d"\te\nf\rg\''
    message = replace(CEB505, attributes=("guid", "version", "reference"))
    body = f"{writer._root(message, 'G', reference)}</ceb:CEB505Message>".encode()
    parsed = etree.fromstring(body)
    assert parsed.get("reference") == reference
    assert etree.tostring(parsed, method="c14n") == body
