"""JSON, JSON lines and XML as records.

Numbers keep the digits they were written with (no float). XML with a DOCTYPE is refused; elements are read by local
name, attributes as "@name", an element that repeats as a list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from lxml import etree

from mappings.profiles import Source
from tasks.capture.captured import Trouble
from tasks.capture.document import Document
from tasks.capture.paths import every

# Escapes of JSON: a whole pair of surrogates, half of one, any other.
_ESCAPE = re.compile(r"\\u[dD][89aAbB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)


class _Decoder(json.JSONDecoder):
    """Numbers stay texts; half a surrogate becomes a sign that cleaning reports and takes out."""

    def decode(self, text: str, *more: Any) -> Any:
        if "\\ud" in text or "\\uD" in text:
            text = _ESCAPE.sub(lambda found: "\\ufffe" if found[1] else found[0], text)
        return super().decode(text, *more)


def _decoder(decimal: str) -> json.JSONDecoder:
    return _Decoder(parse_float=lambda t: t.replace(".", decimal), parse_int=str, parse_constant=str)


_DECODERS = {".": _Decoder(parse_float=str, parse_int=str, parse_constant=str), ",": _decoder(",")}


@dataclass
class Records:
    """Records with their numbers; `troubles` are the records not read."""

    items: list[Any]
    rows: np.ndarray
    troubles: list[dict[str, Any]] = field(default_factory=list)


def _lines(text: str, decimal: str = ".") -> Records:
    lines = text.split("\n")
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    rows = np.array([number for number, _ in numbered], dtype=np.int64)
    try:
        items = _DECODERS[decimal].decode("[" + ",".join(line for _, line in numbered) + "]")
        if len(items) == len(numbered) and all(isinstance(item, dict) for item in items):
            return Records(items, rows)
    except (ValueError, RecursionError):
        pass  # some line is broken: read one by one below, so that the others go on
    return _line_by_line(numbered, _DECODERS[decimal])


def parsed_lines(text: str, source: Source) -> Records:
    """JSON lines as records, numbered from 1; a line that cannot be read is among the troubles."""
    return _lines(text, source.decimal)


def _line_by_line(numbered: list[tuple[int, str]], decoder: json.JSONDecoder) -> Records:
    items, rows, troubles = [], [], []
    for number, line in numbered:
        try:
            item = decoder.decode(line.strip())
        except (ValueError, RecursionError) as error:
            troubles.append({"code": "CAP-009", "row": number, "value": str(error)})
            continue
        if isinstance(item, dict):
            items.append(item)
            rows.append(number)
        else:
            troubles.append({"code": "CAP-009", "row": number, "value": "not an object"})
    return Records(items, np.array(rows, dtype=np.int64), troubles)


def _json(text: str, decimal: str = ".") -> Any:
    try:
        return _DECODERS[decimal].decode(text.strip())
    except (ValueError, RecursionError) as error:
        raise Trouble("CAP-010", f"JSON: {error}") from error


def _element(node: Any) -> Any:
    found: dict[str, Any] = {f"@{etree.QName(k).localname}": v for k, v in node.attrib.items()}
    for child in node:
        if not isinstance(child.tag, str):
            continue
        name, value = etree.QName(child).localname, _element(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    text = (node.text or "").strip()
    if not found:
        return text
    if text:
        found["#text"] = text
    return found


def _xml(data: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if b"<!DOCTYPE" in data[:65536].replace(b"\0", b""):  # in UTF-16 too
            raise Trouble("CAP-011") from error
        raise Trouble("CAP-010", f"XML: {error.msg}", row=error.lineno or 0) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Trouble("CAP-011")
    return {etree.QName(root).localname: _element(root)}


def read(document: Document, source: Source) -> Records:
    """The records that a profile's `records` path names (JSON lines: every line)."""
    key = ("records", source.type, source.records, source.columns, source.encodings, source.decimal)
    if key not in document.cache:
        document.cache[key] = _read(document, source)
    return document.cache[key]


def _read(document: Document, source: Source) -> Records:
    if source.type == "xml":
        return _listed(every([_tree(document, "xml", source)], source.records), source.columns)
    if source.type == "jsonl":
        return _lines(document.decoded(source.encodings), source.decimal)
    return _listed(every([_tree(document, "json", source)], source.records), source.columns)


def _tree(document: Document, kind: str, source: Source) -> Any:
    key = (kind, source.encodings, source.decimal) if kind == "json" else (kind, (), "")
    if key not in document.cache:
        document.cache[key] = (
            _xml(document.data) if kind == "xml" else _json(document.decoded(source.encodings), source.decimal)
        )
    return document.cache[key]


def _listed(found: list[Any], columns: tuple[str, ...]) -> Records:
    items = [dict(zip(columns, one, strict=False)) if columns and isinstance(one, list) else one for one in found]
    good = [(item, number) for number, item in enumerate(items, 1) if isinstance(item, dict)]
    troubles = [
        {"code": "CAP-009", "row": number, "value": "not an object"}
        for number, item in enumerate(items, 1)
        if not isinstance(item, dict)
    ]
    return Records([item for item, _ in good], np.array([number for _, number in good], dtype=np.int64), troubles)


def peek(document: Document, source: Source, count: int = 50) -> list[Any]:
    """Some records from the start of the file: for recognising only."""
    if source.type != "jsonl":
        return read(document, source).items[:count]
    head = document.data[:262144].decode(document.bom or source.encodings[0], "replace").removeprefix("\ufeff")
    lines = [line for line in head.split("\n")[: count + 1] if line.strip()]
    return _lines("\n".join(lines[:count])).items


def check(document: Document) -> None:
    """Raises Trouble when no profile could read the file: broken or refused XML, neither JSON nor JSON lines."""
    if document.family == "xml":
        document.cache.setdefault(("xml", (), ""), _xml(document.data))
    elif document.family == "json":
        text = document.decoded(("utf-8", "gb18030"))
        try:
            _json(text)
        except Trouble:
            if not _lines(text).items:
                raise
