"""The message workbench: `tongguan messages`, `tongguan convert`, masking."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import openpyxl
import pytest

from deployments.cli.common import screen
from mappings.engine import masking, spec, structured, tree
from mappings.engine.described import described, named
from mappings.errors import Unsupported
from tests.golden.samples import sample
from tests.unit.test_cli import answer, run

PERSONS = ("测试订购人", "TEST00000000000001", "00000000001", "测试收货人", "测试省测试市测试路1号")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(screen, "_width", 200)  # whatever terminal the tests were started in
    return tmp_path


def inventory() -> tree.Tree:
    return sample("CEB621Message")


@pytest.fixture
def message(here: Path) -> Path:
    path = here / "m.xml"
    path.write_bytes(tree.write(inventory()))
    return path


def test_messages_lists_every_type_with_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    listed = {m["type"]: m for m in answer(capsys, "messages")}
    assert set(listed) == set(spec.all_types())
    assert listed["CEB603Message"]["status"]["written"]["there"]
    assert listed["CEB604Message"]["status"]["read"]["there"]
    assert not listed["CEB604Message"]["status"]["written"]["there"]
    assert "export_9610" in listed["CEB303Message"]["status"]["flow"]["en"].split(", ")
    assert listed["CEB900Message"]["status"]["flow"]["there"]
    assert {m["type"] for m in answer(capsys, "messages", "--authority", "hk_road")} == set(spec.all_types("hk_road"))
    code, out, _ = run(capsys, "messages")
    assert code == 0
    assert all(
        text in out for text in ("CEB816Message", "电子税单 electronic tax bill", "自定，官方格式未公开", "export_9610")
    )
    assert run(capsys, "messages", "--authority", "atlantis")[0] == 9


def test_on_a_narrow_terminal_no_column_of_the_list_is_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "_width", 80)
    _, out, _ = run(capsys, "messages")
    shown = out.splitlines()
    for name in spec.all_types():
        (line,) = (text for text in shown if f" {name} " in text)
        _, _, arrow, purpose, *marks, flow, _ = (cell.strip() for cell in line.split("│"))
        message = spec.load(name)
        assert arrow == {"send": "→", "receive": "←"}[message.direction]
        assert message.title["zh"].startswith(purpose)
        assert len(purpose) > len(message.title["zh"]) // 2
        assert all(mark in ("✓", "○", "*") for mark in marks)
        assert flow
    assert "…" not in out
    assert "export 1210 9610" in out
    assert "cancel" in out


def test_on_a_narrow_terminal_a_field_keeps_its_name_and_source_in_one_piece(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "_width", 80)
    _, out, _ = run(capsys, "messages", "CEB621")
    for whole in ("logisticsName", "party.platform.code", "mandatory", "代码表 codes: country"):
        assert whole in out


@pytest.mark.parametrize(
    ("given", "found"),
    [("CEB621", "CEB621Message"), ("621", "CEB621Message"), ("ceb621message", "CEB621Message"),
     ("HKRoadACI", "HKRoadACI"), ("aci", "HKRoadACI"), (" CEB818Message ", "CEB818Message")],
)  # fmt: skip
def test_a_type_is_found_by_its_short_name(given: str, found: str) -> None:
    assert named(given) == found


@pytest.mark.parametrize("given", ["999", "", "CEB62"])
def test_an_unknown_name_is_told_what_is_near(given: str) -> None:
    with pytest.raises(Unsupported, match="CEB621Message"):
        named(given)


def test_messages_shows_a_type_with_all_that_its_file_says(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "messages", "CEB621")
    assert code == 0
    for text in ("订购人证件号码", "buyer identity document number", "bonded 1210", "代码表 codes: country",
                 "XSD C..20 min 0", "个人信息 personal", "N19,5", "CEB622Message", "InventoryList"):  # fmt: skip
        assert text in out
    assert "wooden case" not in out
    assert "wooden case" in run(capsys, "messages", "CEB621", "--codes")[1]
    assert "order.order_no" in run(capsys, "messages", "303")[1]
    assert "未经核实" in run(capsys, "messages", "HKRoadBundle")[1]
    assert run(capsys, "messages", "CEB1")[0] == 9


@pytest.mark.parametrize("message_type", spec.all_types())
def test_a_description_has_every_field(message_type: str) -> None:
    found = described(message_type, with_codes=True)
    fields = [(s["tag"], f["tag"], f["type"]) for s in found["segments"] for f in s["fields"]]
    message = spec.load(message_type)
    assert fields == [(s.tag, f.tag, f.notation) for s, f in message.walk()]
    assert all(found["code_lists"][f.code]["codes"] for _, f in message.walk() if f.code)
    json.dumps(found)


def test_a_message_becomes_a_masked_table_that_cannot_be_turned_back(
    message: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "convert", message, "--to", "xlsx")
    assert (code, out) == (0, "")
    assert "cannot be turned back" in err
    table = here / "m.xlsx"
    assert table.stat().st_mode & 0o777 == 0o600
    book = openpyxl.load_workbook(table)
    cells = [str(c.value) for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert not [cell for cell in cells if any(person in cell for person in PERSONS)]
    assert "***" in cells
    assert any("cannot be turned back" in cell for cell in cells)
    code, _, err = run(capsys, "convert", table, "--to", "xml")
    assert code == 4
    assert "masked" in err
    assert not (here / "m.xml.xml").exists()


def test_the_table_reads_as_a_person_expects(message: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "convert", message, "--to", "xlsx", "--clear")
    sheet = openpyxl.load_workbook(here / "m.xlsx")["InventoryHead"]
    heads = {c.value: c.column for c in sheet[1]}
    assert sheet.cell(2, heads["orderNo"]).value == "订单编号"
    assert sheet.cell(3, heads["orderNo"]).value == "order number, unique per platform"
    cell = sheet.cell(5, heads["orderNo"])
    assert (cell.value, cell.data_type, cell.number_format) == ("000TEST7", "s", "@")
    lines = openpyxl.load_workbook(here / "m.xlsx")["InventoryList"]
    assert [(lines.cell(r, 1).value, lines.cell(r, 2).value) for r in (5, 6, 7)] == [("1", "1"), ("2", "1"), ("3", "2")]


@pytest.mark.parametrize("form", ["xlsx", "json"])
def test_there_and_back_through_an_envelope(
    form: str, message: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = message.read_bytes()
    inner = b"<DxpMsg><TransInfo/><Data>" + base64.b64encode(body) + b"</Data></DxpMsg>"
    (here / "sv.xml").write_bytes(
        b'<t:DxpMsgSv xmlns:t="u"><t:Data>' + base64.b64encode(inner) + b"</t:Data></t:DxpMsgSv>"
    )
    assert run(capsys, "convert", "sv.xml", "--to", form, "--clear", "--out", "table")[0] == 0
    code, _, err = run(capsys, "convert", "table", "--to", "xml", "--out", "back.xml")
    assert code == 0
    assert "Without signature" in err
    assert (here / "back.xml").read_bytes() == body


def test_a_file_is_not_written_over_unasked(message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = message.read_bytes()
    code, _, err = run(capsys, "convert", message, "--to", "xml")
    assert code == 3
    assert "--overwrite" in err
    message.chmod(0o644)
    assert run(capsys, "convert", message, "--to", "xml", "--overwrite")[0] == 0
    assert message.read_bytes() == before
    assert message.stat().st_mode & 0o777 == 0o600


def test_a_table_is_not_replaced_by_its_masked_self(message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "convert", message, "--to", "json", "--clear")
    assert run(capsys, "convert", "m.json", "--to", "json", "--overwrite")[0] == 3
    assert structured.loads(Path("m.json").read_bytes()).same(inventory())


def test_xml_that_the_schema_refuses_is_written_only_when_asked(
    message: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = inventory()
    made.rows["InventoryList"][1].values["qty"] = "many"
    (here / "t.json").write_bytes(structured.dumps(made))
    code, _, err = run(capsys, "convert", "t.json", "--to", "xml")
    assert code == 1
    assert "InventoryList/qty" in err
    assert not (here / "t.xml").exists()
    assert run(capsys, "convert", "t.json", "--to", "xml", "--anyway")[0] == 1
    assert b">many<" in (here / "t.xml").read_bytes()


def test_standard_output_holds_the_file_alone(message: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    from deployments.cli import main

    with pytest.raises(SystemExit):
        main(["convert", str(message), "--to", "json", "--out", "-"])
    assert json.loads(capfdbinary.readouterr().out)["masked"] is True


def test_what_is_not_kept_is_told(message: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = message.read_bytes().replace(b"<ceb:BaseTransfer>", b"<ceb:BaseTransfer><ceb:later>1</ceb:later>")
    (here / "later.xml").write_bytes(body)
    assert "BaseTransfer/later" in run(capsys, "convert", "later.xml", "--to", "json")[2]


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<!DOCTYPE a><a/>", b"<CEB999Message/>", b"PK\x03\x04junk", b"{]", b"{}"]
)
def test_what_is_no_message_is_refused_in_both_languages(
    data: bytes, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "junk").write_bytes(data)
    code, _, err = run(capsys, "convert", "junk", "--to", "json")
    assert code in (4, 9)
    assert any("\u4e00" <= c <= "\u9fff" for c in err)


def test_free_words_lose_the_people_in_them() -> None:
    told = (
        "[Code:1301;Desc:buyerName:某甲,buyerIdNumber:990000199001011234,订购人姓名[某甲],手机13800000000]，单号TEST7"
    )
    shown = masking.words(told)
    assert not any(person in shown for person in ("某甲", "990000199001011234", "13800000000"))
    assert "Code:1301" in shown
    assert "TEST7" in shown


def test_a_receipt_about_a_person_and_a_whole_message_in_one_are_masked() -> None:
    made = sample("CEB900Message")
    made.rows["MessageReturn"][0].values["returnInfo"] = "consigneeAddress:某路1号,x"
    hidden = masking.masked(made).rows["MessageReturn"][0].values
    assert hidden["oriBizMessage"] == "***"
    assert hidden["returnInfo"] == "consigneeAddress:***,x"
    assert hidden["guid"] == made.rows["MessageReturn"][0].values["guid"]
    assert not made.masked


@pytest.mark.parametrize("message_type", spec.all_types())
def test_no_personal_field_is_left(message_type: str) -> None:
    hidden = masking.masked(sample(message_type))
    for segment, item in hidden.spec.walk():
        if item.personal:
            assert {row.values.get(item.tag, "") for row in hidden.rows[segment.tag]} <= {"", "***"}
