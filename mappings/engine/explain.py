"""What is wrong with a message, element by element, in the terms of its message file and in both languages."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from lxml import etree

from mappings.engine import codes, reader, schema
from mappings.engine.spec import Field, MessageSpec
from mappings.errors import DataFault, Unsupported

# libxml2's schema error -> what it means
_MEANING = {
    "SCHEMAV_CVC_MAXLENGTH_VALID": ("too_long", "超过最大长度 {limit}", "is longer than {limit} characters"),
    "SCHEMAV_CVC_MINLENGTH_VALID": ("empty", "不能为空", "must not be empty"),
    "SCHEMAV_CVC_LENGTH_VALID": ("wrong_length", "长度必须为 {limit}", "must have exactly {limit} characters"),
    "SCHEMAV_CVC_TOTALDIGITS_VALID": ("too_big", "总位数超过 {limit}", "has more than {limit} digits"),
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": ("decimals", "小数位数超过 {decimals}", "has more than {decimals} decimals"),
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": ("not_a_number", "不是数字", "is not a number"),
    "SCHEMAV_CVC_COMPLEX_TYPE_4": ("attribute_missing", "缺少属性", "lacks an attribute"),
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": ("attribute_unknown", "含有未定义的属性", "has an attribute that is not defined"),
    "SCHEMAV_CVC_ELT_1": ("unknown_element", "未定义的元素", "is not defined"),
    "SCHEMAV_ELEMENT_CONTENT": (
        "order",
        "元素缺失、多余或顺序不符",
        "is not expected here, or one before it is missing",
    ),
}
_OTHER = ("invalid", "不符合报文格式", "does not fit the schema")
_EXPECTED = re.compile(r"Expected is (?:one of )?\(\s*(.*?)\s*\)")
_NAMESPACE = re.compile(r"\{[^}]*\}")
_OTHERS = re.compile(r"##other\S*?\*|##other\S*|(?<![\w:])\*")  # any element of another namespace: the signature
_ATTRIBUTE = re.compile(r"attribute '([^']+)'")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_FACET = re.compile(r"of '(\d+)'\.?$")
_ECHO = {"SCHEMAV_CVC_TYPE_3_1_3", "SCHEMAV_CVC_DATATYPE_VALID_1_2_2"}
SIGNATURE = "ds:Signature"
UNSIGNED = ("unsigned", "缺少数字签名（ds:Signature）", "has no signature (ds:Signature)")
ENVELOPES = ("DxpMsg", "DxpMsgSv")
NOT_OPENED = ("信封的 Data 不是 base64 编码的报文", "the envelope's Data holds no message in base64")
UNDECLARED = ("code", "代码不在代码表 {limit} 内", "is not a code of the list {limit}")


@dataclass(frozen=True)
class Problem:
    """One fault of a message: where, what, and the value (masked where it is a person's)."""

    line: int
    element: str
    code: str
    value: str
    message_zh: str
    message_en: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _named(tag: str, item: Field | None) -> tuple[str, str]:
    return (f"{item.zh}（{tag}）", f"{tag} ({item.en})") if item else (tag, tag)


def _limit(message: str) -> str:
    found = _FACET.search(message)
    return found[1] if found else ""


def _expected(message: str) -> str:
    found = _EXPECTED.search(message)
    return _OTHERS.sub(SIGNATURE, _NAMESPACE.sub("", found[1])) if found else ""


def _problem(spec: MessageSpec, root: etree._Element, error: Any) -> Problem:
    element = _element(root, error)
    tag = etree.QName(element).localname if element is not None else spec.type
    parent = element.getparent() if element is not None else None
    segment = etree.QName(parent).localname if parent is not None else ""
    found = spec.find(tag, segment) or spec.find(tag)
    item = found[1] if found else None
    code, zh, en = _MEANING.get(error.type_name, _OTHER)
    attribute = _ATTRIBUTE.search(error.message)
    if attribute:
        tag, item = f"{tag}@{attribute[1]}", None
    limits = {
        "limit": (item.length if item else "") or _limit(error.message),
        "decimals": (item.decimals if item else "") or 0,
    }
    name_zh, name_en = _named(tag, item)
    if code == "unknown_element" and tag == spec.type:  # its name is right: it is the namespace that is not
        code, zh, en = "namespace", f"的命名空间应为 {spec.namespace}", f"belongs into the namespace {spec.namespace}"
    value = (element.text or "").strip()[:80] if element is not None and len(element) == 0 else ""
    if item and item.personal:
        value = "***"
    wanted = _expected(error.message)
    if wanted == SIGNATURE and tag == spec.type:
        (code, zh, en), wanted = UNSIGNED, ""
    return Problem(
        line=error.line,
        element=f"{segment}/{tag}" if segment else tag,
        code=code,
        value=value,
        message_zh=f"{name_zh}{zh.format(**limits)}" + (f"；应为 {wanted}" if wanted else ""),
        message_en=f"{name_en} {en.format(**limits)}" + (f"; expected: {wanted}" if wanted else ""),
    )


def _element(root: etree._Element, error: Any) -> etree._Element | None:
    spaces = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    try:
        found: Any = root.getroottree().xpath(error.path, namespaces=spaces) if error.path else []
    except etree.XPathError:
        found = []
    return found[0] if found else None


def _errors(validator: etree.XMLSchema) -> list[Any]:
    """The schema's complaints, each once: those that only echo another are left out where there are others."""
    log: Any = validator.error_log
    errors = list(log)
    return [e for e in errors if e.type_name not in _ECHO] or errors


def _line(element: etree._Element) -> int:
    line: Any = element.sourceline
    return int(line or 0)


def _first(root: etree._Element, segment: str, tag: str, text: str) -> int:
    """The line of the first element `tag` in `segment` that holds `text`."""
    found = (e for e in root.iter(f"{{*}}{tag}") if e.text == text and reader.name(e.getparent()) == segment)
    return next(map(_line, found), 0)


def _codes(spec: MessageSpec, reading: reader.Reading) -> list[Problem]:
    problems: list[Problem] = []
    for segment, item in spec.walk():
        if not item.code:
            continue
        listed = codes.load(spec.authority, item.code).codes
        for text in sorted(set(reading.groups[segment.tag][item.tag]) - {""} - set(listed)):
            name_zh, name_en = _named(item.tag, item)
            _, zh, en = UNDECLARED
            problems.append(
                Problem(
                    line=_first(reading.root, segment.tag, item.tag, text),
                    element=f"{segment.tag}/{item.tag}",
                    code="code",
                    value=text[:80],
                    message_zh=f"{name_zh}“{text[:80]}”{zh.format(limit=item.code)}",
                    message_en=f"{name_en} '{text[:80]}' {en.format(limit=item.code)}",
                )
            )
    return problems


def _languages(text: str) -> tuple[str, str]:
    """The Chinese and the English part of a text that says it in English first."""
    chinese = _CHINESE.search(text)
    at = chinese.start() if chinese else len(text)
    return text[at:].strip() or text, text[:at].strip() or text


def check(xml: bytes, strict: bool = False) -> list[Problem]:
    """Every fault of a message: unreadable, unknown, against the schema, codes outside their lists. [] is valid."""
    try:
        root = reader.parse(xml)
    except DataFault as fault:
        line = int(getattr(fault.__cause__, "lineno", 0) or 0)
        return [Problem(line, "", "unreadable", "", *_languages(str(fault)))]
    try:
        reading = reader.read_tree(root)
    except Unsupported as error:
        if reader.name(root) in ENVELOPES:  # one that could be opened was
            return [Problem(_line(root), f"{reader.name(root)}/Data", "unreadable", "", *NOT_OPENED)]
        return [Problem(_line(root), reader.name(root), "unknown_type", "", *_languages(str(error)))]
    validator = schema.validator(reading.type, strict)
    problems: list[Problem] = []
    if not validator.validate(root):
        problems = [_problem(reading.spec, root, e) for e in _errors(validator)]
    return problems + _codes(reading.spec, reading)
