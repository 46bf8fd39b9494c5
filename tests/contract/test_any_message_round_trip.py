"""What is written is what is read, for every message type and every form of it: XML, JSON, workbook."""

from __future__ import annotations

import contextlib
import io
import zipfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from mappings.engine import codes, reader, sheets, spec, structured, tree
from mappings.engine.spec import Field, MessageSpec, Segment
from mappings.engine.tree import CONTENT, Row, Tree
from mappings.errors import DataFault, Unsupported
from tests.contract.test_message_round_trip import CHARACTERS
from tests.golden.samples import sample

TYPES = spec.all_types()
AWKWARD = [
    "", "0", "007", " ", "\t\n", "\r\n", "=1+1", "+1", "@x", "'x", "∅", "∅∅r", "_x000D_", "_x005F_x000D_", "\\", "]]>",
    "<a>&amp;",
    "０１２", "\U0001f69a", "\U00020bb7", "\ufeff", "\u200b\u0301", "1E5", "TRUE", "#N/A", "***", "2026-11-23", " x ",
]  # fmt: skip
FREE = ["", "text", '<note kind="a>b">x<empty></empty></note>', '<p:a xmlns:p="urn:p">\n<p:b></p:b> &amp; </p:a>tail']


def number(item: Field, byte: int) -> str:
    if item.decimals:
        whole = "9" * ((item.length or 19) - item.decimals)
        return ["0", "0.00001", "12.50000", "007.1", f"{whole}.{'9' * item.decimals}", "10", "-1.5"][byte % 7]
    return ["0", "1", "007"[: item.length or 3], "9" * (item.length or 18)][byte % 4]


def text(item: Field, byte: int, pool: list[str], needed: bool) -> str:
    base = pool[byte % len(pool)]
    if item.fixed:
        return ((base or "0") * (item.length or 1))[: item.length]
    found = (base * (item.length or 1) if byte > 200 else base)[: item.length or None]
    return found or ("x" if needed else "")


def value(message: MessageSpec, item: Field, byte: int, pool: list[str]) -> str:
    if item.code:
        known = list(codes.load(message.authority, item.code).codes)
        return known[byte % len(known)]
    if item.kind == "N":
        return number(item, byte)
    return text(item, byte, pool, item.use == "M" and message.filled)


@st.composite
def trees(draw: st.DrawFn, message: MessageSpec) -> Tree:
    drawn = draw(st.lists(st.text(CHARACTERS, max_size=8), min_size=3, max_size=3))
    pool = [*AWKWARD, *drawn, *drawn, *drawn]
    made = Tree(message.type, {n: draw(st.text(CHARACTERS, max_size=8)) for n in message.attributes})
    made.attributes["guid"] = (made.attributes["guid"] + "0" * 36)[:36]

    def add(segment: Segment, parent: int) -> None:
        most = min(segment.most or 3, 3)
        for _ in range(draw(st.integers(min(segment.least, most), most))):
            rows = made.rows.setdefault(segment.tag, [])
            rows.append(Row(parent))
            at, row = len(rows) - 1, rows[-1]
            if segment.any:
                row.values[CONTENT] = draw(st.sampled_from(FREE))
            drawn = draw(st.binary(min_size=2 * len(segment.fields), max_size=2 * len(segment.fields)))
            for item, there, byte in zip(segment.fields, drawn[::2], drawn[1::2], strict=True):
                if item.use == "M" or there % 2:
                    found = value(message, item, byte, pool)
                    if found or item.kind == "C":
                        row.values[item.tag] = found
            for tag in segment.contains:
                add(message.segments[tag], at)

    for tag in message.root:
        if not message.segments[tag].signature:
            add(message.segments[tag], 0)
    return made


def columns(made: Tree) -> dict[str, dict[str, list[str]]]:
    return {
        s.tag: {f.tag: [r.values.get(f.tag, "") for r in made.rows.get(s.tag, [])] for f in s.fields}
        for s in made.spec.segments.values()
        if not s.signature
    }


CAREFUL = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("message_type", TYPES)
@CAREFUL
@given(data=st.data())
def test_xml_and_json_give_back_every_field(message_type: str, data: st.DataObject) -> None:
    made = data.draw(trees(spec.load(message_type)))
    body = tree.write(made)
    assert etree.tostring(etree.fromstring(body), method="c14n") == body
    assert not tree.check(made)
    again = tree.read(body)
    assert again.same(made)
    assert not again.dropped
    reading = reader.read(body)
    assert {tag: reading.groups[tag] for tag in columns(made)} == columns(made)
    assert not reading.unknown
    for tag, rows in made.rows.items():
        assert reading.parents[tag] == [row.parent for row in rows]
    assert structured.loads(structured.dumps(again)).same(made)
    assert tree.write(structured.loads(structured.dumps(again))) == body


@pytest.mark.parametrize("message_type", TYPES)
@settings(CAREFUL, max_examples=4)
@given(data=st.data())
def test_a_workbook_gives_back_every_field(message_type: str, data: st.DataObject) -> None:
    made = data.draw(trees(spec.load(message_type)))
    again = sheets.loads(sheets.dumps(made))
    assert again.same(made)
    assert tree.write(again) == tree.write(made)


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def saved(data: bytes) -> bytes:
    """The same workbook as spreadsheet programs save it: every text once, in a table that the cells point to."""
    strings = etree.Element(f"{{{MAIN}}}sst", nsmap={None: MAIN})  # type: ignore[dict-item]
    given, made = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    parts = {name: given.read(name) for name in given.namelist()}
    for name in (n for n in parts if n.startswith("xl/worksheets/sheet")):
        root = etree.fromstring(parts[name])
        for cell in root.iter(f"{{{MAIN}}}c"):
            inline = cell.find(f"{{{MAIN}}}is")
            if inline is not None:
                item = etree.SubElement(strings, f"{{{MAIN}}}si")
                item.extend(list(inline))
                cell.remove(inline)
                cell.set("t", "s")
                etree.SubElement(cell, f"{{{MAIN}}}v").text = str(len(strings) - 1)
        parts[name] = etree.tostring(root)
    parts["xl/sharedStrings.xml"] = etree.tostring(strings)
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", named)
    with zipfile.ZipFile(made, "w") as packed:
        for name, part in parts.items():
            packed.writestr(name, part)
    return made.getvalue()


@pytest.mark.parametrize("awkward", [text for text in AWKWARD if text])
def test_a_workbook_saved_by_a_spreadsheet_program_keeps_any_text(awkward: str) -> None:
    made = sample("CEB622Message")
    made.rows["InventoryReturn"][0].values |= {"returnInfo": awkward, "copNo": "x005F_" + awkward}
    data = saved(sheets.dumps(made))
    assert b"<is>" not in zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet2.xml")
    assert sheets.loads(data).same(made)


@settings(CAREFUL, max_examples=40)
@given(data=st.data())
def test_a_damaged_workbook_is_refused_or_read(data: st.DataObject) -> None:
    given = zipfile.ZipFile(io.BytesIO(sheets.dumps(sample("CEB622Message"))))
    parts = {name: given.read(name) for name in given.namelist()}
    name = data.draw(st.sampled_from(sorted(parts)))
    at = data.draw(st.integers(0, len(parts[name]) - 1))
    junk = data.draw(st.binary(max_size=3) | st.just(b"<a/>") | st.just(b'"'))
    parts[name] = parts[name][:at] + junk + parts[name][at + data.draw(st.integers(0, 40)) :]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for other, part in parts.items():
            packed.writestr(other, part)
    with contextlib.suppress(DataFault, Unsupported):
        assert sheets.loads(made.getvalue()).type in TYPES
    with contextlib.suppress(DataFault, Unsupported):
        sheets.loads(made.getvalue()[: data.draw(st.integers(4, 2000))])


@pytest.mark.parametrize("awkward", AWKWARD)
def test_a_cell_keeps_any_text(awkward: str) -> None:
    assert sheets.decoded(sheets.encoded(awkward)) == awkward
    assert sheets.decoded(sheets.encoded(awkward + "\r" + awkward)) == awkward + "\r" + awkward


def test_a_text_longer_than_a_cell_is_kept() -> None:
    made = sample("CEB900Message")
    long = ("\U0001f69a∅_x000D_\r" * 20_000) + "end"
    made.rows["MessageReturn"][0].values["oriBizMessage"] = long
    data = sheets.dumps(made)
    assert sheets.loads(data).same(made)
    assert tree.write(sheets.loads(data)) == tree.write(made)


@pytest.mark.parametrize("message_type", TYPES)
def test_a_segment_has_one_place(message_type: str) -> None:
    """Parent row numbers say enough only where a segment stands in one other."""
    message = spec.load(message_type)
    inside = [tag for segment in message.segments.values() for tag in segment.contains]
    assert len(inside) == len(set(inside))
    assert not set(inside) & set(message.root)


SIGNATURE = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>'


def disguised(body: bytes) -> bytes:
    """The same message as relays send it: another prefix, blanks between elements, gb2312, a signature, a mark."""
    root = etree.fromstring(body)
    at = 1 if len(root) > 1 else 0
    root.insert(at, etree.fromstring(SIGNATURE))
    for element in root.iter(f"{{{root.nsmap['ceb']}}}*"):
        if len(element) and reader.name(element) != "Message":  # free content keeps its blanks
            element.text = "\n  "
            for child in element:
                child.tail = "\n  "
    shown = etree.tostring(root, encoding="unicode")
    shown = shown.replace("<ceb:", "<x:").replace("</ceb:", "</x:").replace("xmlns:ceb=", "xmlns:x=")
    return b'<?xml version="1.0" encoding="GB2312"?>\n' + shown.encode("gb18030")


@pytest.mark.parametrize("message_type", spec.all_types("cn_ecommerce"))
def test_a_relayed_and_signed_message_gives_the_same_canonical_bytes(message_type: str) -> None:
    body = tree.write(sample(message_type))
    relayed = tree.read(disguised(body))
    signs = any(s.signature for s in relayed.spec.segments.values())
    assert relayed.signed == signs
    assert relayed.dropped == ([] if signs else [f"{message_type}/Signature"])
    for form in (structured, sheets):
        codec: Any = form
        assert tree.write(codec.loads(codec.dumps(relayed))) == body


def test_what_a_message_file_does_not_know_is_named() -> None:
    body = tree.write(sample("CEB622Message")).decode()
    changed = (
        body.replace(" guid=", ' extra="1" guid=')
        .replace("<ceb:copNo>", '<ceb:later kind="x">1</ceb:later><!-- c --><?pi x?>stray<ceb:copNo nil="1">', 1)
        .replace("</ceb:copNo>", "<b/></ceb:copNo><ceb:copNo>last</ceb:copNo>", 1)
        .replace("</ceb:CEB622Message>", "<ceb:Other/></ceb:CEB622Message>")
    )
    read = tree.read(changed.encode())
    assert set(read.dropped) == {
        "CEB622Message/@extra", "CEB622Message/Other", "CEB622Message/InventoryReturn/later",
        "CEB622Message/InventoryReturn (comment 注释)",
        "CEB622Message/InventoryReturn (processing instruction 处理指令)",
        "CEB622Message/InventoryReturn (text 文字)", "CEB622Message/InventoryReturn/copNo (again 重复)",
        "CEB622Message/InventoryReturn/copNo/@nil", "CEB622Message/InventoryReturn/copNo/b",
    }  # fmt: skip
    assert read.rows["InventoryReturn"][0].values["copNo"] == "last"
    assert sheets.loads(sheets.dumps(read)).same(read)


def test_a_fault_is_found_in_its_row() -> None:
    made = sample("CEB621Message")
    made.rows["InventoryList"][1].values["qty"] = "many"
    made.rows["InventoryHead"][1].values["currency"] = "999"
    made.rows["InventoryHead"][0].values["note"] = "two\nlines"
    del made.rows["InventoryList"][2].values["gname"]
    found = {(m.segment, m.row, m.problem.code) for m in tree.check(made)}
    assert found == {
        ("InventoryList", 2, "not_a_number"), ("InventoryHead", 2, "code"), ("InventoryList", 3, "order"),
    }  # fmt: skip
    made.attributes.pop("version")
    assert ("", 0, "attribute_missing") in {(m.segment, m.row, m.problem.code) for m in tree.check(made)}


def test_what_xml_cannot_hold_is_refused() -> None:
    made = sample("CEB622Message")
    made.rows["InventoryReturn"][0].values["returnInfo"] = "a\x00"
    with pytest.raises(DataFault, match=r"U\+0000"):
        tree.write(made)
    made.rows["InventoryReturn"][0].values["returnInfo"] = "a"
    made.masked = True
    with pytest.raises(DataFault, match="masked"):
        tree.write(made)
