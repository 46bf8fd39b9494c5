"""Loading of message files: what they may say, what is said of a wrong one; schema and page of a made-up one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from lxml import etree

from mappings.engine import document, reader, rows, schema, spec, writer
from mappings.engine.rows import Rows
from mappings.errors import ConfigurationError, DataFault, Unsupported

MADE = """
message: MadeUp
title: {zh: 试, en: made up}
direction: send
namespace: urn:made:up
prefix: mu
version: "1"
unverified: true
mandatory_text: filled
attributes: [reference]
document: Thing
before: [Head]
after: [Foot]
segments:
  Head: {occurs: 1..1, zh: 头, fields: [{tag: place, type: C..5, use: O, value: "a&b", zh: 地, en: place}]}
  Foot: {occurs: 0..1, zh: 尾, fields: [{tag: end, type: N3, use: M, zh: 终, en: end}]}
  Thing:
    occurs: 1..2
    zh: 物
    contains: [Inner]
    fields:
      - {tag: name, type: C, use: M, from: a.name, zh: 名, en: name | alias}
      - {tag: size, type: 'N9,2', use: C, from: a.size, needed: when it has one, zh: 大小, en: size}
      - {tag: at, type: C..32, use: O, from: a.at, format: iso, personal: true, zh: 时, en: time}
      - {tag: kind, type: C2, use: M, from: a.kind, default: XX, differs: PDF C3, zh: 类, en: kind}
  Inner:
    occurs: 0..1
    zh: 内
    fields: [{tag: deep, type: C..3, use: O, zh: 深, en: deep}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    messages = tmp_path / "made_up" / "messages"
    messages.mkdir(parents=True)
    caches = (spec._yaml, spec._files, spec.load, schema.xsd, schema.validator)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(spec, "MAPPINGS", tmp_path)
    yield messages
    for cached in caches:
        cached.cache_clear()


def made(folder: Path, *changes: tuple[str, str]) -> spec.MessageSpec:
    text = MADE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "MadeUp.yaml").write_text(dedent(text), encoding="utf-8")
    return spec.load("MadeUp")


def test_a_file_says_all(folder: Path) -> None:
    message = made(folder)
    assert (message.authority, message.prefix, message.version, message.filled) == ("made_up", "mu", "1", True)
    assert message.root == ("Head", "Thing", "Foot")
    assert message.attributes == ("reference",)
    assert message.most_documents == 2
    assert spec.all_types() == spec.all_types("made_up") == ["MadeUp"]
    assert spec.all_types("other") == []
    found = message.find("size")
    assert found is not None
    assert (found[0].tag, found[1].notation, found[1].needed) == ("Thing", "N9,2", "when it has one")
    assert message.find("size", "Inner") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("type: N3", "type: X3", "field 'end' has type 'X3'"),
        ("type: C..3,", "type: C.3,", "field 'deep'"),
        ("occurs: 0..1, zh: 尾", "occurs: 0-1, zh: 尾", "segment Foot has occurs '0-1'"),
    ],
)
def test_a_wrong_file_is_named_with_what_to_write(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        made(folder, (old, new))
    assert "made_up/MadeUp.yaml" in str(raised.value)
    assert "write" in str(raised.value)


def test_a_type_without_a_file_is_told_where_all_are_listed(folder: Path) -> None:
    made(folder)
    with pytest.raises(Unsupported, match="no message type Other"):
        spec.load("Other")


def test_written_read_and_checked(folder: Path) -> None:
    made(folder)
    table = Rows({"a.name": ["x", "y", "z"], "a.size": ["1.5", "", "2"], "a.kind": ["AA", "", "CC"]}, 3)
    messages = writer.write("MadeUp", table, None, {"message.reference": 'R"<1>'}, ["g1", "g2"])
    assert [m.stop - m.start for m in messages] == [2, 1]
    body = messages[0].body
    root = etree.fromstring(body)
    assert root.get("reference") == 'R"<1>'
    assert etree.tostring(root, method="c14n") == body
    assert schema.validator("MadeUp").validate(root), schema.validator("MadeUp").error_log
    reading = reader.read(body)
    assert reading.groups["Thing"]["size"] == ["1.5", ""]
    assert reading.groups["Thing"]["kind"] == ["AA", "XX"]
    assert reading.groups["Head"]["place"] == ["a&b"]
    assert reading.count("Inner") == 2


@pytest.mark.parametrize(
    ("old", "new", "valid"),
    [
        ("<mu:name>x</mu:name>", "<mu:name></mu:name>", False),
        ("<mu:size>1.5</mu:size>", "<mu:size>1.555</mu:size>", False),
        ("<mu:size>1.5</mu:size>", "<mu:size>1234567890</mu:size>", False),
        ("<mu:size>1.5</mu:size>", "", True),
        ("<mu:kind>AA</mu:kind>", "<mu:kind>AAA</mu:kind>", False),
        ("<mu:kind>AA</mu:kind>", "", False),
        ("</mu:MadeUp>", "<mu:Foot><mu:end>999</mu:end></mu:Foot></mu:MadeUp>", True),
        ("</mu:MadeUp>", "<mu:Foot><mu:end>9.9</mu:end></mu:Foot></mu:MadeUp>", False),
        ("</mu:MadeUp>", "<mu:Foot><mu:end>1000</mu:end></mu:Foot></mu:MadeUp>", False),
        ('reference="r"', "", False),
    ],
)
def test_schema_says_no_where_the_file_does(folder: Path, old: str, new: str, valid: bool) -> None:
    made(folder)
    table = Rows({"a.name": ["x"], "a.size": ["1.5"], "a.kind": ["AA"]}, 1)
    text = writer.write("MadeUp", table, None, {"message.reference": "r"}, ["g"])[0].body.decode()
    assert old in text
    assert schema.validator("MadeUp").validate(etree.fromstring(text.replace(old, new))) is valid


def test_page_says_all(folder: Path) -> None:
    made(folder, ("attributes: [reference]", "attributes: [reference]\nreceipt: MadeUp\nanswers: MadeUp"))
    page = document.page("MadeUp")
    for piece in (
        "# MadeUp 试", "**Unverified**", "Answered by [MadeUp](MadeUp.md).", "Answers [MadeUp](MadeUp.md).",
        "Order under the root: Head, Thing, Foot.", "## Thing 物", "Occurs 1..2.", "Contains: Inner.", "name \\| alias",
        'constant "a&b"', '`a.kind`, else "XX"', "needed for: when it has one", "sources differ: PDF C3",
        "personal 个人信息", "| C..32 |", "| N9,2 |",
    ):  # fmt: skip
        assert piece in page


def test_times_in_iso_form(folder: Path) -> None:
    message = made(folder)
    found = message.find("at")
    assert found is not None
    table = Rows({"a.at": datetime(2026, 11, 23, 6, 0, tzinfo=UTC)}, 1)
    assert rows.texts(message, found[1], table) == "2026-11-23T14:00:00+0800"


def test_a_message_that_holds_nothing_of_its_document_is_unsupported(folder: Path) -> None:
    made(folder)
    with pytest.raises(Unsupported):
        reader.read(b'<MadeUp xmlns="urn:made:up" reference="r"/>')
    with pytest.raises(DataFault):
        reader.read(b"<MadeUp")
