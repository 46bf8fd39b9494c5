"""The authority's fields as the shared reference gives them (cn_ecommerce/fields.csv), and an XSD from nothing else.

Nothing here imports mappings: it judges what they say.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lxml import etree

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "cn_ecommerce"
NAMESPACE = "http://www.chinaport.gov.cn/ceb"
XS = "{http://www.w3.org/2001/XMLSchema}"
_OCCURS = re.compile(r"occurs (\d+)\.\.(\d+|\*)")


@dataclass(frozen=True)
class Row:
    """One row of fields.csv."""

    message: str
    segment: str
    order: int
    field: str
    type: str
    length: int | None
    decimals: int | None
    use: str
    least: int
    most: int | None

    @property
    def notation(self) -> str:
        """The type as the specification writes it: C36, C..60, N19,5."""
        if self.type in ("decimal", "int"):
            return f"N{self.length or ''}" + (f",{self.decimals}" if self.decimals else "")
        return f"C{self.length}" if self.type == "string(fixed)" else f"C..{self.length}" if self.length else "C"


def _row(raw: dict[str, str]) -> Row:
    found = _OCCURS.search(raw["meaning"]) if raw["type"] == "group" else None
    least, most = (found[1], found[2]) if found else ("0" if raw["required(M/O/C)"] != "M" else "1", "1")
    return Row(
        raw["message"], raw["segment"], int(raw["order"]), raw["field"], raw["type"],
        int(raw["max_len"]) if raw["max_len"] else None, int(raw["decimals"]) if raw["decimals"] else None,
        raw["required(M/O/C)"], int(least), None if most == "*" else int(most),
    )  # fmt: skip


@lru_cache
def messages() -> dict[str, dict[str, list[Row]]]:
    """Rows by message and segment, each in the order of the schema."""
    with (REFERENCE / "fields.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [_row(r) for r in csv.DictReader(file) if re.fullmatch(r"CEB\d{3}Message", r["message"])]
    found: dict[str, dict[str, list[Row]]] = {}
    for row in sorted(rows, key=lambda r: r.order):
        found.setdefault(row.message, {}).setdefault(row.segment, []).append(row)
    return found


@lru_cache
def contradictions() -> dict[tuple[str, str], dict[str, str]]:
    """Where the published sources differ, by message and field."""
    with (REFERENCE / "contradictions.csv").open(encoding="utf-8-sig", newline="") as file:
        return {(r["message"], r["field"]): r for r in csv.DictReader(file)}


def _add(parent: etree._Element, tag: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, XS + tag, attributes)


def _simple(parent: etree._Element, row: Row) -> None:
    base = {"decimal": "xs:decimal", "int": "xs:integer"}.get(row.type, "xs:string")
    restriction = _add(_add(parent, "simpleType"), "restriction", base=base)
    if row.type in ("decimal", "int"):
        facets = {"totalDigits": row.length, "fractionDigits": row.decimals}
    elif row.type == "string(fixed)":
        facets = {"length": row.length}
    else:  # what is mandatory must say something: an empty text passes the published schema but not the declaration
        facets = {"minLength": 1 if row.use == "M" else None, "maxLength": row.length}
    for name, value in facets.items():
        if value is not None:
            _add(restriction, name, value=str(value))


def _element(parent: etree._Element, segments: dict[str, list[Row]], row: Row) -> None:
    occurs = {"minOccurs": str(row.least), "maxOccurs": "unbounded" if row.most is None else str(row.most)}
    if row.field == "ds:Signature":
        _add(parent, "any", namespace="http://www.w3.org/2000/09/xmldsig#", processContents="skip", **occurs)
    elif row.type == "any":
        _add(parent, "any", minOccurs="0", maxOccurs="unbounded", processContents="skip")
    elif row.type == "group":
        _group(_add(parent, "element", name=row.field, **occurs), segments, row.field)
    else:
        _simple(_add(parent, "element", name=row.field, **occurs), row)


def _group(element: etree._Element, segments: dict[str, list[Row]], segment: str) -> None:
    kind = _add(element, "complexType")
    sequence = _add(kind, "sequence")
    for row in segments[segment]:
        if row.field.startswith("@"):
            attribute = _add(kind, "attribute", name=row.field[1:], use="required")
            _simple(attribute, row)
        else:
            _element(sequence, segments, row)


@lru_cache
def validator(message: str) -> etree.XMLSchema:
    """The schema of a message, made from fields.csv alone."""
    head = {"targetNamespace": NAMESPACE, "elementFormDefault": "qualified"}
    root = etree.Element(XS + "schema", head, nsmap={"xs": XS[1:-1]})
    _group(_add(root, "element", name=message), messages()[message], message)
    return etree.XMLSchema(root)


def fault(message: str, body: bytes) -> str:
    """What the reference's schema says is wrong with a message; "" when it is valid, or the reference is not here."""
    if not REFERENCE.is_dir():
        return ""
    judge = validator(message)
    return "" if judge.validate(etree.fromstring(body)) else str(judge.error_log.last_error)
