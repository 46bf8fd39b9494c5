"""`tongguan books`: what is put in, what is shown, and that a buyer's number is shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters import home as homes
from deployments.cli import app
from deployments.cli.books import books
from deployments.demo_import import make_import
from deployments.demo_import_books import write_stock
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


@pytest.mark.parametrize("amount", ["much", "-1", "0"])
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


def test_a_buyers_number_is_asked_for_and_not_shown() -> None:
    done = CliRunner().invoke(books, ["quota", "--json"], input=f"{NUMBER}\n", catch_exceptions=False)
    assert done.exit_code == 0
    assert json.loads(done.stdout[done.stdout.index("{") :]) == {"accounts": [], "entries": []}
    assert NUMBER not in done.stdout
