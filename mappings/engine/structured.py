"""A message as JSON and back: nested as in the message, a list where a segment may stand more than once.

An element that is absent has no key; an empty one is "". Numbers stay texts, so that leading zeros and decimals live.
"""

from __future__ import annotations

import json
from typing import Any

from mappings.engine.rows import escaped
from mappings.engine.spec import MessageSpec, Segment, load
from mappings.engine.tree import CONTENT, Row, Tree
from mappings.errors import DataFault

FORM = "tongguan-message-1"
_NOTE = {
    "zh": "不含签名；个人信息如已隐去（masked），则不能转换回报文。",
    "en": "Without signature; where people's values are masked it cannot be turned back into a message.",
}


def _children(tree: Tree, segment: Segment, parent: int) -> Any:
    found = [
        _node(tree, segment, number)
        for number, row in enumerate(tree.rows.get(segment.tag, ()))
        if row.parent == parent
    ]
    if not found:
        return None
    return found if segment.repeats or len(found) > 1 else found[0]


def _node(tree: Tree, segment: Segment, number: int) -> dict[str, Any]:
    values = tree.rows[segment.tag][number].values
    node: dict[str, Any] = {item.tag: values[item.tag] for item in segment.fields if item.tag in values}
    if CONTENT in values:
        node[CONTENT] = values[CONTENT]
    inner = {tag: _children(tree, tree.spec.segments[tag], number) for tag in segment.contains}
    return node | {tag: child for tag, child in inner.items() if child is not None}


def nested(tree: Tree) -> dict[str, Any]:
    """A message as nested dicts."""
    spec = tree.spec
    parts = {tag: _children(tree, spec.segments[tag], 0) for tag in spec.root}
    return {
        "form": FORM,
        "message": tree.type,
        "title": spec.title,
        "note": _NOTE,
        "masked": tree.masked,
        "dropped": tree.dropped,
        "attributes": tree.attributes,
        "content": {tag: part for tag, part in parts.items() if part is not None},
    }


def dumps(tree: Tree) -> bytes:
    """A message as JSON text."""
    return json.dumps(nested(tree), ensure_ascii=False, indent=1).encode() + b"\n"


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise DataFault(f"{where}: {value!r} is no text; write it in quotes 请写成带引号的文本")
    try:
        escaped([value])
    except DataFault as fault:
        raise DataFault(f"{where}: {fault}") from fault
    return value


def _fill(tree: Tree, segment: Segment, given: Any, parent: int, where: str) -> None:
    for node in given if isinstance(given, list) else [given]:
        if not isinstance(node, dict):
            raise DataFault(f"{where}: expected an object of elements 应为元素的对象")
        rows = tree.rows.setdefault(segment.tag, [])
        number, row = len(rows), Row(parent)
        rows.append(row)
        tags = {CONTENT} if segment.any else {item.tag for item in segment.fields}
        for tag, value in node.items():
            here = f"{where}/{tag}"
            if value is None:
                continue
            if tag in tags:
                row.values[tag] = _text(value, here)
            elif tag in segment.contains:
                _fill(tree, tree.spec.segments[tag], value, number, here)
            else:
                raise DataFault(f"{here} is no element of this message 报文中没有该元素")


def attributes(spec: MessageSpec, given: dict[str, Any]) -> dict[str, str]:
    """The attributes of the root, as given. Raises DataFault for one that the message does not have."""
    for name in given:
        if name not in spec.attributes:
            raise DataFault(f"{spec.type}/@{name} is no attribute of this message 报文没有该属性")
    return {name: _text(value, f"{spec.type}/@{name}") for name, value in given.items() if value is not None}


def loads(text: bytes) -> Tree:
    """The message in JSON text. Raises DataFault that names the element, Unsupported for an unknown type."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataFault(f"This is not readable JSON 不是有效的 JSON: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("message"), str):
        raise DataFault('The JSON names no message type: {"message": "CEB603Message", ...} JSON 中没有报文类型')
    spec = load(given["message"])
    named, content = given.get("attributes", {}), given.get("content", {})
    if not isinstance(named, dict) or not isinstance(content, dict):
        raise DataFault("attributes and content must be objects attributes 与 content 应为对象")
    tree = Tree(spec.type, attributes(spec, named), masked=bool(given.get("masked", False)))
    for tag, part in content.items():
        if tag not in spec.root or spec.segments[tag].signature:
            raise DataFault(f"{spec.type}/{tag} is no part of this message 报文中没有该部分")
        _fill(tree, spec.segments[tag], part, 0, f"{spec.type}/{tag}")
    return tree
