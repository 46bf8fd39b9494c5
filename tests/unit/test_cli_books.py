"""`tongguan books`: what is put in, what is shown, and that a buyer's number is shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters import home as homes
from deployments.cli import app
from deployments.cli.books import books
from deployments.cli.common import screen
from deployments.demo_import import make_import
from deployments.demo_import_books import write_stock
from deployments.errors import as_json
from mappings.errors import DataFault

NUMBER = "99000019900101001X"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    return tmp_path


def told(*arguments: str, typed: str = "") -> dict[str, list[dict[str, str]]]:
    done = CliRunner().invoke(books, [*arguments, "--json"], input=typed, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout[done.stdout.index("{") :])


def test_a_guarantee_is_opened_topped_up_and_explained() -> None:
    assert told("top-up", "GUARANTOR1", "1000.50", "--reference", "A1") == {
        "company": "GUARANTOR1", "recorded": True, "shipments": [],
    }  # fmt: skip
    assert told("top-up", "GUARANTOR1", "1000.50", "--reference", "A1")["recorded"] is False, "a reference counts once"
    told("top-up", "GUARANTOR1", "9.5", "--reference", "A2")
    shown = told("guarantee", "GUARANTOR1")
    (account,) = shown["accounts"]
    assert (account["total"], account["free"]) == ("1010", "1010")
    assert [entry["total"] for entry in shown["entries"]] == ["1000.5", "9.5"]
    screen = CliRunner().invoke(app, ["books", "guarantee", "--entries"])
    assert "GUARANTOR1" in screen.output
    assert "1010" in screen.output
    assert screen.output.count("A1") == 1, "each entry with its cause"


@pytest.mark.parametrize("amount", ["much", "-1", "0", "NaN", "Infinity", "1e400", "1.123", "9" * 20])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    with pytest.raises(DataFault):
        CliRunner().invoke(books, ["top-up", "--reference", "A1", "--", "GUARANTOR1", amount], catch_exceptions=False)
    assert told("guarantee")["accounts"] == []


def test_stock_goes_in_once_or_with_a_fault_not_at_all(home: Path) -> None:
    file = write_stock(make_import(2, "1210"), home / "stock.csv")
    assert file is not None
    assert told("stock-in", str(file))["rows"] == 8
    assert told("stock-in", str(file))["rows"] == 0
    assert {row["free"] for row in told("stock")["accounts"]} == {"5000"}
    file.write_text(file.read_text("utf-8").replace("5000", "many"), "utf-8")
    with pytest.raises(DataFault) as refused:
        CliRunner().invoke(books, ["stock-in", str(file)], catch_exceptions=False)
    assert [f["code"] for f in refused.value.faults] == ["STK-011"] * 8  # type: ignore[index]
    assert {row["free"] for row in told("stock")["accounts"]} == {"5000"}


def test_a_wrong_stock_file_is_told_line_by_line_with_its_columns_names(home: Path) -> None:
    file = home / "stock.csv"
    file.write_text("账册编号,备案料号,数量,单位\n,A1,5,千克\nT1,A\x002,5,千克\n", "utf-8")
    with pytest.raises(DataFault) as refused:
        CliRunner().invoke(books, ["stock-in", str(file)], catch_exceptions=False)
    told_of = as_json(refused.value)["faults"]
    assert [(f["row"], f["code"]) for f in told_of] == [(2, "STK-012"), (3, "STK-012")]
    assert "账册编号" in told_of[0]["message_zh"]
    assert "item_record_no" in told_of[1]["message_en"]
    file.write_text("账册编号,备案料号,数量,单位\n", "utf-8")
    with pytest.raises(DataFault, match="no rows"):
        CliRunner().invoke(books, ["stock-in", str(file)], catch_exceptions=False)


def test_entries_fit_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_width", 80)
    told("top-up", "GUARANTOR1", "1000.50", "--reference", "BANK-REF-1")
    told("top-up", "GUARANTOR2", "5", "--reference", "A2")
    shown = CliRunner().invoke(app, ["books", "guarantee", "--entries"]).output
    for whole in ("opened or", "BANK-REF-1", "1000.5", "GUARANTOR2"):
        assert whole in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert len(shown.splitlines()) < 30


def test_a_buyers_number_is_asked_for_and_not_shown() -> None:
    done = CliRunner().invoke(books, ["quota", "--json"], input=f"{NUMBER}\n", catch_exceptions=False)
    assert done.exit_code == 0
    assert json.loads(done.stdout[done.stdout.index("{") :]) == {"accounts": [], "entries": []}
    assert NUMBER not in done.stdout
