"""Code lists: every list has its head, codes are unique, and what people write is understood."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

from pathlib import Path

import pytest

from mappings import codes, faults
from mappings.errors import ConfigurationError

LISTS = [path.stem for path in sorted(Path(codes.__file__).parent.glob("*.csv"))]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_says_where_it_comes_from(name: str) -> None:
    assert {"title", "version", "agency", "source"} <= set(codes.about(name))
    rows = codes.table(name)
    assert rows
    key = "alias" if name.endswith("_alias") else "code"
    folded = [codes.folded(row[key]) for row in rows]
    assert len({(f, row["code"]) for f, row in zip(folded, rows, strict=True)}) >= len(set(folded))


@pytest.mark.parametrize("name", [n for n in LISTS if n.endswith("_alias")])
def test_an_alias_means_one_thing(name: str) -> None:
    meaning: dict[str, str] = {}
    for row in codes.table(name):
        assert meaning.setdefault(codes.folded(row["alias"]), row["code"]) == row["code"], row


@pytest.mark.parametrize("name", ["country", "currency"])
def test_aliases_point_at_codes_of_the_list(name: str) -> None:
    known = {row["code"] for row in codes.table(name)}
    assert {row["code"] for row in codes.table(f"{name}_alias")} <= known


@pytest.mark.parametrize(
    ("text", "code"),
    [("GB", "GB"), ("gbr", "GB"), ("United  Kingdom", "GB"), ("英國", "GB"), ("ＧＢ", "GB"), ("EIRE", "IE"),
     ("法国", "FR"), ("澳洲", "AU"), ("Republic of Korea", "KR"), ("Channel Islands", ""), ("Unspecified", ""), ("", "")],
)  # fmt: skip
def test_countries(text: str, code: str) -> None:
    assert codes.country(text) == code


@pytest.mark.parametrize(("text", "code"), [("英镑", "GBP"), ("英鎊", "GBP"), ("£", "GBP"), ("RMB", "CNY"), ("港幣", "HKD"),
                                            ("usd", "USD"), ("pence", ""), ("", "")])  # fmt: skip
def test_currencies(text: str, code: str) -> None:
    assert codes.currency(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [("011", "H87"), ("件", "H87"), ("035", "KGM"), ("千克", "KGM"), ("kg", "KGM"), ("公斤", "KGM"), ("克", "GRM"),
     ("雙", "PR"), ("007", "CN:007"), ("个", "CN:007"), ("CN:007", "CN:007"), ("H87", "H87"), ("xyz", "")],
)  # fmt: skip
def test_units(text: str, code: str) -> None:
    assert codes.unit(text) == code


def test_every_customs_unit_has_one_canonical_code_and_back() -> None:
    rows = codes.table("cn_ecommerce/unit")
    canonical = [codes.unit(row["code"]) for row in rows]
    assert all(canonical)
    for row, code in zip(rows, canonical, strict=True):
        assert code == (row["canonical"] if row["fit"] == "exact" else f"CN:{row['code']}")


def test_mass_and_money() -> None:
    assert codes.kilograms("GRM") == "0.001"
    assert codes.kilograms("H87") == ""
    assert (codes.minor_digits("GBP"), codes.minor_digits("JPY"), codes.minor_digits("KWD")) == (2, 0, 3)
    with pytest.raises(ConfigurationError):
        codes.minor_digits("XAU")


def test_an_unknown_list_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no_such"):
        codes.table("no_such")
    with pytest.raises(ConfigurationError):
        codes.path("../codes/country")


def test_crosswalk_to_customs() -> None:
    assert codes.crosswalk("cn_ecommerce/transport_mode")["4"] == "3"
    assert codes.crosswalk("cn_ecommerce/package")["2"] == "CT"


def test_faults_are_explained_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = faults.explain({"code": "VAL-001", "field": "payment.amount", "value": "{x}"})
    assert told["message_en"] == "The amount paid is no usable number: {x}."
    assert "支付金额" in told["message_zh"]
    with pytest.raises(ConfigurationError, match="NO-1"):
        faults.explain({"code": "NO-1"})
    kinds = "A-1: {severity: error, owner: agent, message_zh: a, message_en: a, remedy_zh: a, remedy_en: a}\n"
    monkeypatch.setattr(faults, "_HERE", tmp_path)
    for wrong, says in (
        (kinds.replace("error", "bad"), "severity"),
        (kinds.replace(", remedy_en: a", ""), "remedy_en"),
    ):
        (tmp_path / "faults.yaml").write_text(wrong, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=says):
            faults.table.__wrapped__()
    for name in ("faults.yaml", "more.yaml"):
        (tmp_path / name).write_text(kinds, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="there already"):
        faults.table.__wrapped__()


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [("country", "荷兰", "NL"), ("country", "老挝", "LA"), ("country", "朝鲜", "KP"), ("country", "孟加拉", "BD"),
     ("unit", "隻", "CN:008"), ("currency", "港币", "HKD"), ("currency", "人民幣", "CNY"), ("country", "紐西蘭", "NZ")],
)  # fmt: skip
def test_what_people_write_is_understood(kind: str, text: str, code: str) -> None:
    assert codes.lookup(kind, text) == code
