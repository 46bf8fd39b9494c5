"""HKRoadResponse as this customs writes it, with a writer of its own: a second implementation beside the engine's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from mappings.engine import codes
from mappings.engine.spec import load
from mappings.hk_road.tables import HONG_KONG, pointer

TYPE = "HKRoadResponse"
FUNCTIONS = {"answer": "11", "refusal": "27", "notice": "8"}  # EDIFACT 1225


@dataclass(frozen=True)
class Said:
    """What an answer says."""

    kind: str
    status: str
    subject: str
    at: datetime
    reference: str
    ccrn: str
    vehicle: str = ""
    answered: str = ""
    errors: tuple[str, ...] = ()
    earliest: datetime | None = None
    text: str = ""


def write(said: Said, guid: str, number: str) -> bytes:
    """The answer as XML bytes."""
    spec = load(TYPE)
    root = etree.Element(
        f"{{{spec.namespace}}}{TYPE}", {"guid": guid, "version": spec.version}, nsmap={spec.prefix: spec.namespace}
    )
    response = _add(root, "Response")
    _fill(response, (("FunctionCode", FUNCTIONS[said.kind]), ("FunctionalReferenceID", number)))
    _fill(response, (("IssueDateTime", _instant(said.at)),))
    for code, text, until in _statements(said):
        statement = (("StatementCode", code), ("StatementDescription", text), ("LimitDateTime", until))
        _fill(_add(response, "AdditionalInformation"), statement)
    for code in said.errors:
        _error(response, code)
    released = _instant(said.at) if said.status == "REL" else ""
    status = (("EffectiveDateTime", _instant(said.at)), ("NameCode", said.status), ("ReleaseDateTime", released))
    _fill(_add(response, "Status"), status)
    declaration = _add(response, "Declaration")
    _fill(declaration, (("FunctionalReferenceID", said.reference), ("ID", said.ccrn), ("TypeCode", said.subject)))
    if said.vehicle:
        _fill(_add(declaration, "BorderTransportMeans"), (("ID", said.vehicle),))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _statements(said: Said) -> list[tuple[str, str, str]]:
    every = [
        ("EARLIEST", "", _instant(said.earliest) if said.earliest else ""),
        ("GUID", said.answered, ""),
        ("TEXT", said.text, ""),
    ]
    return [statement for statement in every if any(statement[1:])]


def _error(response: etree._Element, code: str) -> None:
    listed = codes.load("hk_road", "error").codes[code]
    error = _add(response, "Error")
    _fill(error, (("Description", f"{listed.name_zh} {listed.name_en}"), ("ValidationCode", code)))
    at = pointer(listed.canonical)
    _fill(_add(error, "Pointer"), (("DocumentSectionCode", at["section"]), ("TagID", at["tag"])))


def _add(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")


def _fill(parent: etree._Element, values: Iterable[tuple[str, str]]) -> None:
    for name, text in values:
        if text:
            _add(parent, name).text = text


def _instant(at: datetime) -> str:
    return at.astimezone(HONG_KONG).isoformat(timespec="milliseconds")
