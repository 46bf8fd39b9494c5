"""A message type as its file describes it, for people and programs that look it up; and a type by its short name."""

from __future__ import annotations

from typing import Any

from mappings.engine import codes, spec
from mappings.engine.spec import Field, MessageSpec, Segment
from mappings.errors import Unsupported

USES = {"M": ("必填", "mandatory"), "O": ("选填", "optional"), "C": ("条件", "conditional")}
DIRECTIONS = {"send": ("发送", "we send"), "receive": ("接收", "we receive")}


def named(given: str) -> str:
    """The type of a full or short name: CEB621Message, CEB621, ceb621, 621, HKRoadACI, ACI. Raises Unsupported."""
    wanted = given.strip().lower()
    types = spec.all_types()
    for form in ("{}", "{}message", "ceb{}message", "hkroad{}"):
        found = next((t for t in types if t.lower() == form.format(wanted)), None)
        if found:
            return found
    near = [t for t in types if wanted and wanted in t.lower()] or types
    raise Unsupported(f"No message type {given!r} 没有该报文类型; known 已知: {', '.join(near)}")


def _code_list(authority: str, name: str) -> dict[str, Any]:
    listed = codes.load(authority, name)
    rows = [
        {"code": c.code, "zh": c.name_zh, "en": c.name_en, "canonical": c.canonical,
         "from": c.valid_from, "to": c.valid_to}
        for c in listed.codes.values()
    ]  # fmt: skip
    return {"head": listed.head, "codes": rows}


def code_lists(message: MessageSpec) -> dict[str, dict[str, Any]]:
    """Every code list that a message type uses, with its codes."""
    return {n: _code_list(message.authority, n) for n in sorted({f.code for _, f in message.walk() if f.code})}


def _field(item: Field) -> dict[str, Any]:
    known = {
        "tag": item.tag, "type": item.notation, "use": item.use, "zh": item.zh, "en": item.en, "needed": item.needed,
        "code": item.code, "from": item.source, "value": item.value, "default": item.default, "format": item.format,
        "personal": item.personal, "differs": item.differs,
    }  # fmt: skip
    return {name: value for name, value in known.items() if value}


def _segment(message: MessageSpec, segment: Segment) -> dict[str, Any]:
    return {
        "tag": segment.tag,
        "zh": segment.zh,
        "en": segment.en or segment.tag,
        "occurs": f"{segment.least}..{'*' if segment.most is None else segment.most}",
        "inside": next((s.tag for s in message.segments.values() if segment.tag in s.contains), message.type),
        "fields": [_field(item) for item in segment.fields],
    }


def described(message_type: str, with_codes: bool = False) -> dict[str, Any]:
    """A message type: its segments in schema order, each field with all that its file says."""
    message = spec.load(message_type)
    return {
        "type": message.type,
        "authority": message.authority,
        "title": message.title,
        "direction": message.direction,
        "namespace": message.namespace,
        "version": message.version,
        "receipt": message.receipt,
        "answers": message.answers,
        "unverified": message.unverified,
        "notes": message.notes,
        "segments": [_segment(message, segment) for segment in message.segments.values()],
        **({"code_lists": code_lists(message)} if with_codes else {}),
    }
