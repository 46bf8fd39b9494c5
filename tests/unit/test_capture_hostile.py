"""Files that were made to do harm, or that a machine spoilt: a clear fault, no crash, and the other files go on."""

from __future__ import annotations

import csv
import io
import zipfile

import openpyxl
import pytest

from mappings import faults
from tasks.capture import bounds, read_files
from tasks.capture.captured import Trouble
from tasks.cleaning import clean
from tasks.reporting.faults import LONGEST, sender_csv
from tests.unit import trucks


def workbook(cells: dict[str, str]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for place, text in cells.items():
        book.worksheets[0][place] = text
    book.save(out)
    return out.getvalue()


def told(name: str, body: bytes) -> list[tuple[str, str, str]]:
    made = read_files([(name, body), *trucks.files()])
    assert set(made.tables) >= {"order", "line", "payment", "waybill"}  # the others were read
    return [(r["code"], r["value"], r["file"]) for r in made.faults.to_dict("records")]


def test_a_workbook_whose_two_cells_span_a_sheet_is_not_opened() -> None:
    assert told("far.xlsx", workbook({"A1": "x", "XFD1048576": "y"})) == [
        ("CAP-015", "xl/worksheets/sheet1.xml: 1048576 × 16384", "far.xlsx")
    ]


def test_a_workbook_that_unpacks_to_too_much_is_not_opened() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<a/>" * 1000)
    with pytest.raises(Trouble) as raised:
        bounds.check(out.getvalue(), 3999)
    assert raised.value.fault["code"] == "CAP-013"
    bounds.check(out.getvalue(), 4000)


def test_an_archive_that_lies_about_its_lengths_is_told() -> None:
    good = workbook({"A1": "x"})
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        info = archive.getinfo("xl/worksheets/sheet1.xml")
    length = info.file_size.to_bytes(4, "little")
    assert length in good
    assert [code for code, *_ in told("lies.xlsx", good.replace(length, (10).to_bytes(4, "little")))] == ["CAP-010"]


def test_entities_in_utf_16_are_refused_as_a_doctype() -> None:
    steps = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    bomb = f"<!DOCTYPE x [{steps}]><x>&l9;</x>".encode("utf-16")
    assert [code for code, *_ in told("laughs.xml", bomb)] == ["CAP-011"]


def test_a_heading_that_stands_twice_is_told() -> None:
    files = dict(trucks.files())
    lines = files["orders.csv"].decode().splitlines()
    twice = "\n".join([f"{lines[0]},Quantity", *(f"{line},9" for line in lines[1:])]).encode()
    rows = read_files([("orders.csv", twice), *((n, b) for n, b in files.items() if n != "orders.csv")]).faults
    assert rows[["code", "severity", "column"]].values.tolist() == [["CAP-014", "warning", "Quantity"]]


def test_a_cell_of_a_million_characters_or_with_nul_does_not_spoil_the_file_of_faults() -> None:
    files = dict(trucks.files())
    files["orders.csv"] = files["orders.csv"].replace(b"France", b"Fra\x00nce" + b"x" * 1_000_000)
    body = sender_csv(clean(read_files(list(files.items()))).faults)
    row = next(r for r in csv.DictReader(io.StringIO(body.decode("utf-8-sig"))) if "Fra" in r["value"])
    assert row["value"] == "Fra␀nce" + "x" * (LONGEST - 7) + "… (1000007)"
    assert len(body) < 10_000
    assert row["code"] in faults.table()


def test_a_text_that_only_looks_like_a_far_cell_stops_no_workbook() -> None:
    sheet = b'<c r="A1" t="inlineStr"><is><t>r="XFD1048576" r="A2"</t></is></c><c r="B3"/>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    bounds.check(out.getvalue(), 4000)
    with pytest.raises(Trouble) as raised:
        bounds._span(sheet + b"<x:c s='1' r='XFD1048576'/>", "far")
    assert raised.value.fault["value"] == "far: 1048576 × 16384"
