"""A message as a workbook (xlsx) and back: one sheet a segment, headings in both languages, row and parent row numbers.

Every cell is text (format "@"), so that leading zeros, long numbers and texts that begin with "=" stay what they are.
A blank cell is an element that is absent; the mark ∅ alone one that is present and empty. Inside a text the mark
escapes what a workbook does not keep: ∅r is a carriage return, ∅ before any other character that character itself.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from mappings.engine.rows import escaped
from mappings.engine.spec import MessageSpec, Segment, load
from mappings.engine.structured import attributes
from mappings.engine.tree import CONTENT, Row, Tree
from mappings.errors import DataFault

FORM = "tongguan-message-1"
FIRST, LONG = "报文 message", "长文本 long texts"
EMPTY = "∅"
PART = 16_000  # characters of one cell: 32,767 code units are the most, and a character may take two
HEADS = 4  # lines of headings: element, 名称, meaning, type
MOST_ROWS = 1_048_576 - HEADS
MOST_BYTES = 512 * 1024 * 1024  # unpacked
# What openpyxl, zipfile and the XML parser raise for a workbook that is none, or is damaged
BROKEN = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, SyntaxError, ArithmeticError, LookupError,
    ValueError, TypeError, AttributeError, RuntimeError,
)  # fmt: skip
_KEPT_NOT = re.compile(r"∅|\r|_(?=x[0-9A-Fa-f]{4}_)|x(?=005F_)")  # _x000D_ is how a workbook itself escapes
_ESCAPED = re.compile(r"∅(.)", re.DOTALL)
_ESCAPES = {"∅": "∅∅", "\r": "∅r", "_": "_∅", "x": "x∅"}
_USE = {"M": "必填 mandatory", "O": "选填 optional", "C": "条件 conditional"}


def encoded(text: str) -> str:
    """A text as its cell holds it."""
    return _KEPT_NOT.sub(lambda m: _ESCAPES[m[0]], text) if text else EMPTY


def decoded(cell: str) -> str:
    """The text that a cell holds."""
    return "" if cell == EMPTY else _ESCAPED.sub(lambda m: "\r" if m[1] == "r" else m[1], cell)


# ---- writing


def _cell(sheet: Any, text: str, bold: bool = False, fill: str = "") -> Any:
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"  # "=..." is a text like any other
    cell.number_format = "@"
    if bold:
        cell.font = Font(bold=True)
    if fill:
        cell.fill = PatternFill("solid", fgColor=fill)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _about(tree: Tree) -> Iterator[tuple[str, str, str]]:
    spec = tree.spec
    yield "form", "格式", FORM
    yield "message", "报文类型", tree.type
    yield "title", "名称", f"{spec.title['zh']} {spec.title['en']}"
    yield from ((f"@{name}", "报文属性 attribute", encoded(value)) for name, value in tree.attributes.items())
    yield "masked", "个人信息", "yes" if tree.masked else "no"
    if tree.masked:
        yield "note", "说明", "个人信息已隐去，不能转换回报文。 People's values are masked: this cannot be turned back."
    yield "note", "说明", "不含签名：签名须由企业密钥重新生成。 Without signature: a company's key makes it anew."
    yield "note", "说明", f"空白＝无此元素，{EMPTY}＝空元素。 Blank: no such element; {EMPTY}: an empty element."
    yield "note", "说明", "parent 为上级表的行号。 parent: the row number in the sheet of the segment around it."
    yield from (("dropped", "未保留", encoded(path)) for path in tree.dropped)


def _parent(spec: MessageSpec, tag: str) -> str:
    return next((s.tag for s in spec.segments.values() if tag in s.contains), "")


def _headings(spec: MessageSpec, segment: Segment) -> list[list[str]]:
    parent = _parent(spec, segment.tag)
    columns = [
        ["row", "行号", "row number", "number"],
        ["parent", "上级行号", f"row of {parent}" if parent else "", ""],
    ]
    columns += [[f.tag, f.zh, f.en, f"{f.notation} {_USE[f.use]}"] for f in segment.fields]
    if segment.any:
        columns.append([CONTENT, "自由内容", "free content", "XML"])
    return [list(line) for line in zip(*columns, strict=True)]


def _texts(tree: Tree, segment: Segment, tags: list[str], long: list[list[str]]) -> Iterator[list[str]]:
    top = not _parent(tree.spec, segment.tag)
    for number, row in enumerate(tree.rows.get(segment.tag, ()), 1):
        line = [str(number), "" if top else str(row.parent + 1)]
        for tag in tags:
            text = row.values.get(tag)
            parts = [] if text is None else [text[at : at + PART] for at in range(0, len(text), PART)] or [""]
            line.append(encoded(parts[0]) if parts else "")
            long += [[segment.tag, str(number), tag, str(n), encoded(p)] for n, p in enumerate(parts[1:], 2)]
        yield line


def _fill(sheet: Any, heads: Iterable[list[str]], lines: Iterable[list[str]]) -> None:
    for position, head in enumerate(heads):
        sheet.append([_cell(sheet, text, bold=position == 0, fill="DDE6F0") for text in head])
    for line in lines:
        sheet.append([_cell(sheet, text) if text else None for text in line])


def _sheet(book: Any, title: str, widths: Iterable[int], frozen: str) -> Any:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = frozen
    for position, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    return sheet


def dumps(tree: Tree) -> bytes:
    """A message as the bytes of an xlsx workbook. Raises DataFault where a segment has more rows than a sheet."""
    for tag, rows in tree.rows.items():
        if len(rows) > MOST_ROWS:
            raise DataFault(f"{tag}: {len(rows)} rows are too many for a sheet; use json 行数超过工作表上限")
    spec, book, long = tree.spec, openpyxl.Workbook(write_only=True), list[list[str]]()
    _fill(_sheet(book, FIRST, (12, 20, 90), "A2"), [["key", "项目", "value"]], map(list, _about(tree)))
    for segment in spec.segments.values():
        if segment.signature or not (tree.rows.get(segment.tag) or segment.tag == spec.document):
            continue
        heads = _headings(spec, segment)
        sheet = _sheet(book, segment.tag, (8, 9, *(18 for _ in heads[0][2:])), f"C{HEADS + 1}")
        _fill(sheet, heads, _texts(tree, segment, heads[0][2:], long))
    if long:
        _fill(_sheet(book, LONG, (20, 8, 20, 8, 60), "A2"), [["segment", "row", "element", "part", "text"]], long)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# ---- reading


def _plain(cell: Any, where: str) -> str:
    """A cell as text; a number that a person typed is its digits."""
    value = cell.value
    if value is None or (isinstance(value, str) and cell.data_type in ("s", "inlineStr", "str", "n")):
        return value or ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = format(Decimal(repr(value)), "f")
        return number.removesuffix(".0")
    raise DataFault(f"{where}: {value!r} is no text; format the cell as text 请将单元格设为文本格式")


def _lines(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    for line in sheet.iter_rows():
        if not line:
            continue
        filled = [c for c in line if c.value is not None]
        texts = [""] * (max((c.column for c in filled), default=0))
        for cell in filled:
            texts[cell.column - 1] = _plain(cell, f"{sheet.title}!{cell.coordinate}")
        if any(texts):
            yield filled[0].row, texts


def _number(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise DataFault(f"{where}: {text!r} is no row number 不是行号")
    return int(text)


def _row(spec: MessageSpec, segment: Segment, head: list[str], texts: list[str], where: str) -> tuple[int, int, Row]:
    values = dict(zip(head, texts, strict=False))
    number = _number(values.pop("row", ""), f"{where} row")
    parent = values.pop("parent", "")
    above = _number(parent, f"{where} parent") if _parent(spec, segment.tag) else 1
    return number, above, Row(above - 1, {tag: decoded(text) for tag, text in values.items() if text})


def _segment(spec: MessageSpec, segment: Segment, sheet: Any) -> dict[int, tuple[int, Row]]:
    """The rows of a sheet by their number, each with its parent's."""
    lines = list(_lines(sheet))
    head = lines[0][1] if lines and lines[0][0] == 1 else []
    known = {"row", "parent", *(f.tag for f in segment.fields), *([CONTENT] if segment.any else [])}
    for at, tag in enumerate(head, 1):
        if tag not in known or head.count(tag) > 1:
            raise DataFault(
                f"{sheet.title}!{get_column_letter(at)}1: {tag!r} is no element here, or twice 元素不明或重复"
            )
    found: dict[int, tuple[int, Row]] = {}
    for line, texts in lines:
        if line <= HEADS:
            continue
        where = f"{sheet.title}!{line}"
        if len(texts) > len(head):
            raise DataFault(f"{where}: a value stands in a column without heading 该列没有标题")
        number, above, row = _row(spec, segment, head, texts, where)
        if number in found:
            raise DataFault(f"{where}: row number {number} stands twice 行号重复")
        found[number] = above, row
    return found


def _renumbered(spec: MessageSpec, found: dict[str, dict[int, tuple[int, Row]]]) -> dict[str, list[Row]]:
    """Rows in the order of their sheets, each with its parent's position (numbers may have gaps after an edit)."""
    places = {tag: {number: at for at, number in enumerate(rows)} for tag, rows in found.items()}
    for tag, rows in found.items():
        parent = _parent(spec, tag)
        for number, (above, row) in rows.items():
            if parent and above not in places.get(parent, {}):
                raise DataFault(f"{tag} row {number}: {parent} has no row {above} 上级行不存在")
            row.parent = places[parent][above] if parent else 0
    return {tag: [row for _, row in rows.values()] for tag, rows in found.items() if rows}


def _append_long(found: dict[str, dict[int, tuple[int, Row]]], sheet: Any) -> None:
    """Long texts put together again."""
    for line, texts in list(_lines(sheet))[1:]:
        tag, number, element, _, text = [*texts, *[""] * 5][:5]
        row = found.get(tag, {}).get(_number(number, f"{sheet.title}!{line}"))
        if row is None:
            raise DataFault(f"{sheet.title}!{line}: {tag} has no row {number} 没有该行")
        row[1].values[element] = row[1].values.get(element, "") + decoded(text)


def _open(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size > MOST_BYTES:
        raise DataFault(f"The workbook unpacks to {size} bytes: too many 工作簿解压后过大")
    return openpyxl.load_workbook(io.BytesIO(data), read_only=True)


def _check_texts(rows: dict[str, list[Row]]) -> None:
    for tag, given in rows.items():
        for number, row in enumerate(given, 1):
            try:
                escaped(list(row.values.values()))
            except DataFault as fault:
                raise DataFault(f"{tag} row {number}: {fault}") from fault


def loads(data: bytes) -> Tree:
    """The message in a workbook. Raises DataFault that names sheet and row, Unsupported for an unknown type."""
    try:
        return _tree(_open(data))
    except BROKEN as error:  # parts are read, and found broken, as they are asked for
        raise DataFault(f"This is not a readable workbook 不是有效的工作簿: {error}") from error


def _tree(book: Any) -> Tree:
    about: dict[str, str] = {}
    if FIRST in book.sheetnames:
        about = {texts[0]: texts[2] for _, texts in _lines(book[FIRST]) if len(texts) > 2}
    if about.get("form") != FORM:
        raise DataFault(f"The workbook has no sheet {FIRST!r} of the form {FORM} 不是由 convert 生成的工作簿")
    spec = load(about.get("message", ""))
    found: dict[str, dict[int, tuple[int, Row]]] = {}
    for name in book.sheetnames:
        if name in spec.segments and not spec.segments[name].signature:
            found[name] = _segment(spec, spec.segments[name], book[name])
        elif name not in (FIRST, LONG):
            raise DataFault(f"Sheet {name!r} is no segment of {spec.type} 工作表不是该报文的段")
    if LONG in book.sheetnames:
        _append_long(found, book[LONG])
    named = attributes(spec, {key[1:]: decoded(text) for key, text in about.items() if key.startswith("@")})
    rows = _renumbered(spec, found)
    _check_texts(rows)
    return Tree(spec.type, named, rows, masked=about.get("masked") != "no")
