"""The message files of announcement 179 against the reference's members, and the profiles of payment files."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mappings.ann179 import message, source
from mappings.engine import codes
from mappings.errors import ConfigurationError

DAY = date(2026, 11, 23)
DOC = Path(__file__).parents[2] / "docs/ann179.md"
# fields.csv, Ann179*: member, type and use, in its order.
WANTED = {
    "openReq": "orderNo C..60 M, sessionID C M, serviceTime N M",
    "answer": "code C5 M, message C O, total N O, serviceTime N M",
    "payExInfoStr": "sessionID C M, payExchangeInfoHead object M, payExchangeInfoLists list M, serviceTime N M, "
    "certNo C M, signValue C M",
    "payExchangeInfoHead": "guid C36 M, initalRequest C..8000 M, initalResponse C..8000 M, ebpCode C..18 M, "
    "payCode C..18 M, payTransactionId C..60 M, totalAmount N19,5 M, currency C..4 M, verDept C1 M, payType C1 O, "
    "tradingTime C..14 M, note C..1000 O",
    "payExchangeInfoLists": "orderNo C..60 M, goodsInfo list M, recpAccount C..60 M, recpCode C..18 O, "
    "recpName C..100 M",
    "goodsInfo": "gname C..250 M, itemLink C..3000 M",
}  # fmt: skip


def test_every_member_of_the_reference_is_there_in_order() -> None:
    found = {}
    for name in message.NAMES:
        for segment, members in message.load(name).segments.items():
            found[segment] = ", ".join(f"{m.tag} {m.type} {m.use}" for m in members)
            assert all(m.zh and m.en for m in members)
    assert found == WANTED


def test_the_documentation_names_every_member() -> None:
    text = DOC.read_text("utf-8")
    for name in message.NAMES:
        for _, member in message.load(name).walk():
            assert f"`{member.tag}`" in text, member.tag


def test_the_code_lists_are_there() -> None:
    assert list(codes.load("ann179", "ver_dept").codes) == ["1", "2", "3"]
    assert list(codes.load("ann179", "pay_type").codes) == ["1", "2", "3", "4"]
    assert {"10000", "20000"} <= set(codes.load("ann179", "code").codes)


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [("guid", "short", "长度应为36"), ("payCode", "x" * 19, "不超过18"), ("verDept", "4", "代码表"),
     ("currency", "CNY", "代码表"), ("totalAmount", Decimal("1.123456"), "小数"),
     ("totalAmount", Decimal(-1), "不是有效"), ("totalAmount", Decimal("NaN"), "不是有效"),
     ("totalAmount", "abc", "不是有效"), ("totalAmount", [1], "不是有效"), ("totalAmount", Decimal(10**14), "小数"),
     ("payTransactionId", "", "必填"), ("initalRequest", "\ud800", "无法写出")],
)  # fmt: skip
def test_what_breaks_the_message_file_is_told_by_field(tag: str, value: object, said: str) -> None:
    good = {"guid": "G" * 36, "initalRequest": "a", "initalResponse": "b", "ebpCode": "1", "payCode": "2", "note": "",
            "payTransactionId": "3", "totalAmount": Decimal("0.00001"), "currency": "142", "verDept": "3",
            "payType": "", "tradingTime": "20261123101112"}  # fmt: skip
    members = message.load("payload").segments["payExchangeInfoHead"]
    assert message.check("head", members, good, DAY) == []
    (problem,) = message.check("head", members, {**good, tag: value}, DAY)
    assert problem.field == f"head.{tag}"
    assert said in problem.zh


def test_what_there_is_not_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        message.load("nothing")
    with pytest.raises(ConfigurationError):
        _ = message.Member("x", "Z9", "M", "", "").parts


PROFILE = """
name: mine
files: "pay*.csv"
format: {type: csv, encoding: gb18030, delimiter: ";"}
tables:
  payment:
    fields: {order_no: 订单, amount: {from: 分, scale: "0.01"}, platform_code: {constant: "007"}}
"""


def test_a_profile_of_ones_own_goes_before_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(PROFILE, "utf-8")
    first, shipped = source.profiles(tmp_path)
    assert (first.name, shipped.name) == ("mine", "payment_archive")
    assert first.layout.tables["payment"].fields["payment.platform_code"].constant == "007"
    (tmp_path / "mine.yaml").write_text(PROFILE.replace("name: mine", "name: payment_archive"), "utf-8")
    assert [p.files for p in source.profiles(tmp_path)] == ["pay*.csv"]


@pytest.mark.parametrize(
    ("change", "said"),
    [(("order_no: 订单", "order: 订单"), "payment.order"), (("order_no: 订单, ", ""), "payment.order_no is missing"),
     (("type: csv", "type: pdf"), "format.type"), (("constant: \"007\"", "optional: true"), "from or constant"),
     (("name: mine\n", "more: 1\n"), "name"), (("name: mine", "name: [mine"), "cannot be read")],
)  # fmt: skip
def test_a_wrong_profile_is_told_by_file_and_key(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    (tmp_path / "mine.yaml").write_text(PROFILE.replace(*change), "utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        source.profiles(tmp_path)
