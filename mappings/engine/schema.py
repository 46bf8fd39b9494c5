"""XSD from a message file: as the authority publishes it, or stricter for what we send ourselves."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from mappings.engine.spec import Field, MessageSpec, Segment, load

XS = "http://www.w3.org/2001/XMLSchema"
DS = "http://www.w3.org/2000/09/xmldsig#"


def _add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{XS}}}{tag}", {k.rstrip("_"): v for k, v in attributes.items()})


def facets(item: Field, filled: bool) -> list[tuple[str, str]]:
    """What a field's text must be: name and value of each facet; `filled` asks for one where it is mandatory."""
    if item.kind == "N":
        digits = [("totalDigits", str(item.length))] if item.length else []
        return [*digits, ("fractionDigits", str(item.decimals))] if item.decimals else digits
    if item.fixed:
        return [("length", str(item.length))]
    least = [("minLength", "1")] if filled and item.use == "M" else []
    return [*least, ("maxLength", str(item.length))] if item.length else least


def _base(item: Field) -> str:
    if item.kind == "C":
        return "xs:string"
    return "xs:decimal" if item.decimals else "xs:integer"


def _element(parent: etree._Element, item: Field, filled: bool) -> None:
    element = _add(parent, "element", name=item.tag, minOccurs="1" if item.use == "M" else "0")
    note = _add(_add(element, "annotation"), "documentation")
    note.text = f"{item.zh} {item.en}".strip()
    restriction = _add(_add(element, "simpleType"), "restriction", base=_base(item))
    for facet, value in facets(item, filled):
        _add(restriction, facet, value=value)


def _group(parent: etree._Element, spec: MessageSpec, segment: Segment, filled: bool) -> None:
    most = "unbounded" if segment.most is None else str(segment.most)
    occurs = {"minOccurs": str(segment.least), "maxOccurs": most}
    if segment.signature:
        _add(parent, "any", namespace=DS, processContents="skip", **occurs)
        return
    element = _add(parent, "element", name=segment.tag, **occurs)
    if segment.any:
        any_type = _add(element, "complexType", mixed="true")
        _add(_add(any_type, "sequence"), "any", minOccurs="0", maxOccurs="unbounded", processContents="skip")
        return
    sequence = _add(_add(element, "complexType"), "sequence")
    for item in segment.fields:
        _element(sequence, item, filled)
    for tag in segment.contains:
        _group(sequence, spec, spec.segments[tag], filled)


def _attributes(parent: etree._Element, spec: MessageSpec) -> None:
    length = {"guid": ("length", "36"), "version": ("maxLength", "10")}
    for name in spec.attributes:
        attribute = _add(parent, "attribute", name=name, use="required")
        restriction = _add(_add(attribute, "simpleType"), "restriction", base="xs:string")
        facet, value = length.get(name, ("maxLength", "255"))
        _add(restriction, facet, value=value)


@lru_cache
def xsd(message_type: str, strict: bool = False) -> str:
    """The schema of a message type as text; `strict` also wants mandatory texts filled, as what we send must be."""
    spec = load(message_type)
    root = etree.Element(
        f"{{{XS}}}schema",
        {"targetNamespace": spec.namespace, "elementFormDefault": "qualified", "attributeFormDefault": "unqualified"},
        nsmap={"xs": XS, None: spec.namespace},  # type: ignore[dict-item]
    )
    element = _add(root, "element", name=spec.type)
    kind = _add(element, "complexType")
    sequence = _add(kind, "sequence")
    for tag in spec.root:
        _group(sequence, spec, spec.segments[tag], strict or spec.filled)
    _attributes(kind, spec)
    return etree.tostring(root, pretty_print=True, encoding="unicode")


@lru_cache
def validator(message_type: str, strict: bool = False) -> etree.XMLSchema:
    """The compiled schema; use it from one thread at a time."""
    return etree.XMLSchema(etree.fromstring(xsd(message_type, strict)))
