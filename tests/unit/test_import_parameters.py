"""Dated parameters and tables of imports: what holds when, and what a wrong table says."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

import mappings
from adapters.home import Home, read, write
from mappings import faults
from mappings.canonical.columns import SCALE
from mappings.errors import ConfigurationError
from mappings.imports import parameters, rates, tables
from mappings.imports.rates import RATES, ROUNDING
from tasks.imports import company_rates
from tasks.imports.identity import CHECKS


@pytest.mark.parametrize(
    ("name", "day", "yuan"),
    [
        ("single_limit", date(2018, 12, 31), 2_000), ("single_limit", date(2019, 1, 1), 5_000),
        ("year_limit", date(2018, 12, 31), 20_000), ("year_limit", date(2026, 11, 27), 26_000),
    ],
)  # fmt: skip
def test_limits_hold_from_their_day(name: str, day: date, yuan: int) -> None:
    assert parameters.money(name, day) == yuan * SCALE


def test_shares_are_exact() -> None:
    assert parameters.share("vat_share", date(2026, 1, 1)) == Fraction(7, 10)
    assert parameters.share("duty_share", date(2026, 1, 1)) == 0


def test_the_day_is_beijings() -> None:
    assert parameters.beijing(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == date(2026, 12, 31)
    assert parameters.beijing(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == date(2027, 1, 1)


@pytest.mark.parametrize(("name", "day", "told"), [("no_such", date(2026, 1, 1), "known"), ("single_limit", date(2015, 1, 1), "no value on")])  # fmt: skip  # noqa: E501
def test_what_is_not_known_is_said(name: str, day: date, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        parameters.value(name, day)


def test_every_value_has_a_reference_and_doubts_are_listed() -> None:
    for name, known in parameters.table().items():
        assert known["zh"] and known["en"], name
        assert all(one["reference"] and isinstance(one["from"], date) for one in known["values"]), name
    doubts = {name for name, _, _ in parameters.unverified()}
    assert {"over_single", "over_single_share", "single_measure", "year_measure", "tax_tolerance"} <= doubts
    assert not doubts & {"vat_share", "duty_share", "currency"}


def test_every_state_of_a_parcel_says_what_the_books_do() -> None:
    for file in (Path(mappings.__file__).parent).glob("*/parcel*.yaml"):
        for state in yaml.safe_load(file.read_text("utf-8"))["states"]:
            assert tables.action(state) in tables.ACTIONS, (file.name, state)
    with pytest.raises(ConfigurationError, match=r"books\.yaml does not know"):
        tables.action("lost at sea")
    with pytest.raises(ConfigurationError, match="no status"):
        tables.bill_action("9")


def test_every_code_of_the_tables_is_a_fault_and_every_check_a_function() -> None:
    books = tables.table("books")["books"]
    codes = {book[name] for book in books.values() for name in ("short", "unopened", "unit") if name in book}
    codes |= {rule.code for rule in tables.identity_rules()}
    assert codes <= faults.table().keys()
    assert {rule.check for rule in tables.identity_rules()} == CHECKS.keys()


def test_the_shipped_rates_say_that_they_are_made_up() -> None:
    assert rates.shipped().made_up
    assert "MADE-UP" in (rates.SHIPPED / RATES).read_text("utf-8")


HEAD = "hs_code,valid_from,valid_to,vat,consumption,consumption_per_unit,duty,duty_per_unit,unit,price_from\n"
GOOD = "9503008900,2026-01-01,,13,0,,0,,,\n"


def company(tmp_path: Path, rows: str, rounding: str = "") -> rates.Rates:
    (tmp_path / RATES).write_text(f"# ours\n{HEAD}{rows}", "utf-8")
    if rounding:
        (tmp_path / ROUNDING).write_text(rounding, "utf-8")
    return rates.read(tmp_path)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("95030089001,,,13,,,,,,\n", r"rates\.csv:4: hs_code reads '95030089001'"),
        ("9x,,,13,,,,,,\n", "hs_code"),
        ("95,,,13%,,,,,,\n", "vat reads '13%'"),
        ("95,,,-1,,,,,,\n", "vat"),
        ("95,,,NaN,,,,,,\n", "vat"),
        ("95,,,13,100,,,,,\n", "consumption"),
        ("95,1.1.2026,,13,,,,,,\n", "valid_from"),
        ("95,,,13,,0.2,,,,\n", "unit"),
        ("95,,,13,,,,,LTR,cheap\n", "price_from"),
        ("9503008900,2026-05-01,,9,,,,,,\n", "both hold for 9503008900 on 2026-05-01"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        company(tmp_path, GOOD + row)


@pytest.mark.parametrize(
    "rounding",
    ["rounding:\n  - {from: 2026-01-01, mode: sideways, digits: 2, where: line}\n",
     "rounding:\n  - {from: 2026-01-01, mode: down, digits: 7, where: line}\n",
     "rounding:\n  - {from: soon, mode: down, digits: 2, where: line}\n"],
)  # fmt: skip
def test_a_wrong_rounding_is_named(tmp_path: Path, rounding: str) -> None:
    with pytest.raises(ConfigurationError, match=ROUNDING):
        company(tmp_path, GOOD, rounding)


def test_rounding_is_dated(tmp_path: Path) -> None:
    table = company(
        tmp_path, GOOD,
        "rounding:\n  - {from: 2026-01-01, mode: down, digits: 2, where: parcel}\n"
        "  - {from: 2026-07-01, mode: half_up, digits: 0, where: line}\n",
    )  # fmt: skip
    assert table.rounds(date(2026, 6, 30)) == rates.Rounding("down", 1000, "parcel")
    assert table.rounds(date(2026, 7, 1)) == rates.Rounding("half_up", SCALE, "line")
    with pytest.raises(ConfigurationError, match="says nothing of"):
        table.rounds(date(2025, 1, 1))


def test_the_longest_beginning_of_a_code_that_holds_that_day_wins(tmp_path: Path) -> None:
    table = company(tmp_path, "95,,2026-05-31,9,,,,,,\n9503,2026-02-01,,10,,,,,,\n95,2026-06-01,,11,,,,,,\n")

    def vat(code: str, day: date) -> list[Fraction]:
        return [table.rows[n].vat * 100 for n in table.candidates(code, day)]

    assert vat("9503008900", date(2026, 1, 31)) == [9]
    assert vat("9503008900", date(2026, 2, 1)) == [10]
    assert vat("9504008900", date(2026, 5, 31)) == [9]
    assert vat("9504008900", date(2026, 6, 1)) == [11]
    assert vat("8504008900", date(2026, 6, 1)) == []


def test_a_live_company_needs_its_own_table(tmp_path: Path) -> None:
    assert company_rates(Home(tmp_path)).made_up
    with pytest.raises(ConfigurationError, match="no table of tax rates"):
        company_rates(Home(tmp_path, mode="live"))
    with pytest.raises(ConfigurationError, match="no table of tax rates"):
        company_rates(Home(tmp_path, taxes=tmp_path / "elsewhere"))
    (tmp_path / "taxes").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        company_rates(Home(tmp_path))
    company(tmp_path / "taxes", GOOD)
    assert len(company_rates(Home(tmp_path, mode="live")).rows) == 1


def test_the_setting_names_the_folder(tmp_path: Path) -> None:
    write(Home(tmp_path, taxes=tmp_path / "own"))
    assert read(tmp_path).taxes == tmp_path / "own"
    assert re.search(r"^taxes: ", (tmp_path / "tongguan.yaml").read_text("utf-8"), re.MULTILINE)
