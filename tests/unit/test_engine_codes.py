"""An authority's codes: outward exact before nearest, inward without pretending, by day of validity."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mappings.engine import codes
from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError

HEAD = "# title: made up\n# version: 1\n# agency: test\n# source: test\n"
COLUMNS = "code,name_en,name_zh,canonical,fit,valid_from,valid_to\n"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> codes.CodeList:
    folder = tmp_path / "made_up" / "codes"
    folder.mkdir(parents=True)
    text = HEAD + "# canonical: ISO\n" + COLUMNS
    text += "1,near,近,AA,nearest,,\n2,exact,准,AA,exact,2020-01-01,\n3,old,旧,BB,exact,2000-01-01,2010-12-31\n"
    text += "4,new,新,BB,exact,2011-01-01,\n5,ours alone,自有,,none,,\n6,near only,近,CC,nearest,,\n"
    (folder / "thing.csv").write_text(text, encoding="utf-8")
    monkeypatch.setattr(codes, "MAPPINGS", tmp_path)
    codes.load.cache_clear()
    yield codes.load("made_up", "thing")
    codes.load.cache_clear()


@pytest.mark.parametrize(
    ("canonical", "code"),
    [("AA", "2"), ("BB", "3"), ("CC", "6"), ("CN:5", "5"), ("CN:9", None), ("ZZ", None), ("", None)],
)
def test_outward_prefers_the_exact_code(made: codes.CodeList, canonical: str, code: str | None) -> None:
    found = made.outward(canonical)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("day", "aa", "bb"),
    [
        (date(2005, 6, 1), "1", "3"), (date(2010, 12, 31), "1", "3"), (date(2011, 1, 1), "1", "4"),
        (date(2026, 1, 1), "2", "4"), (date(1990, 1, 1), "1", None),
    ],
)  # fmt: skip
def test_outward_gives_what_is_valid_on_the_day(made: codes.CodeList, day: date, aa: str, bb: str | None) -> None:
    found = [made.outward(canonical, day) for canonical in ("AA", "BB")]
    assert [f.code if f else None for f in found] == [aa, bb]


@pytest.mark.parametrize(
    ("code", "canonical"), [("2", "AA"), ("1", "CN:1"), ("5", "CN:5"), ("6", "CN:6"), ("9", ""), ("", "")]
)
def test_inward_says_when_there_is_no_exact_equal(made: codes.CodeList, code: str, canonical: str) -> None:
    assert made.inward(code) == canonical


@pytest.mark.parametrize("code", ["1", "2", "3", "4", "5", "6"])
def test_inward_and_outward_come_back_to_the_code_of_a_like_meaning(made: codes.CodeList, code: str) -> None:
    back = made.outward(made.inward(code))
    assert back is not None
    assert back.canonical == made.codes[code].canonical


def test_a_list_without_canonical_codes_gives_its_own() -> None:
    listed = codes.load("cn_ecommerce", "app_type")
    assert not listed.translates
    assert listed.inward("2") == "2"
    found = listed.outward("2")
    assert found is not None
    assert found.name_en == "change"
    assert listed.outward("7") is None


def test_a_missing_list_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"mappings/cn_ecommerce/codes/nothing\.csv"):
        codes.load("cn_ecommerce", "nothing")


@pytest.mark.parametrize(("name", "canonical", "code"), [
    ("country", "GB", "303"), ("country", "HK", "110"), ("country", "IE", "306"), ("currency", "GBP", "303"),
    ("currency", "CNY", "142"), ("unit", "KGM", "035"), ("unit", "H87", "011"), ("transport_mode", "3", "4"),
    ("package", "CT", "2"),
])  # fmt: skip
def test_china_s_codes(name: str, canonical: str, code: str) -> None:
    listed = codes.load("cn_ecommerce", name)
    found = listed.outward(canonical)
    assert found is not None
    assert found.code == code
    assert listed.inward(code) == canonical


@pytest.mark.parametrize(
    "path", sorted(MAPPINGS.glob("*/codes/*.csv")), ids=lambda p: f"{p.parent.parent.name}-{p.stem}"
)
def test_every_list_is_whole(path: Path) -> None:
    listed = codes.load(path.parent.parent.name, path.stem)
    assert {"title", "version", "agency", "source"} <= set(listed.head)
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert len(listed.codes) == len(lines) - 1, "a code stands twice"
    assert hash(listed) == hash(codes.load(path.parent.parent.name, path.stem))
    for code in listed.codes.values():
        assert code.code == code.code.strip() != ""
        assert code.name_en or code.name_zh, code.code
        assert code.fit in ("exact", "nearest", "none", ""), code.code
        assert bool(code.canonical) == (code.fit in ("exact", "nearest")) or not listed.translates, code.code
        exact = listed.inward(code.code)
        assert not listed.translates or exact in (code.canonical, f"CN:{code.code}")
