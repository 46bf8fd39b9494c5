"""Documentation page of a message type, made from its message file."""

from __future__ import annotations

from mappings.engine.spec import Field, MessageSpec, Segment, load

_USE = {"M": "mandatory 必填", "O": "optional 选填", "C": "conditional 条件"}


def _source(item: Field) -> str:
    source = f"`{item.source}`" if item.source else (f'constant "{item.value}"' if item.value else "")
    return source + (f', else "{item.default}"' if item.default else "")


def _remarks(item: Field) -> str:
    parts = [
        f"code list `{item.code}`" if item.code else "",
        f"needed for: {item.needed}" if item.needed else "",
        f"sources differ: {item.differs}" if item.differs else "",
        "personal 个人信息" if item.personal else "",
    ]
    return "; ".join(p for p in parts if p)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(segment: Segment) -> list[str]:
    most = "*" if segment.most is None else segment.most
    lines = [f"## {segment.tag} {segment.zh}", "", f"Occurs {segment.least}..{most}.", ""]
    if segment.contains:
        lines += [f"Contains: {', '.join(segment.contains)}.", ""]
    if segment.fields:
        lines += ["| element | type | use | 名称 | meaning | filled from | remarks |", "|---|---|---|---|---|---|---|"]
        lines += [
            f"| {' | '.join((f.tag, f.notation, _USE[f.use], *map(_cell, (f.zh, f.en, _source(f), _remarks(f)))))} |"
            for f in segment.fields
        ]
        lines.append("")
    return lines


def page(message_type: str) -> str:
    """The Markdown page of a message type: its segments in schema order, each field with type, use and source."""
    spec: MessageSpec = load(message_type)
    lines = [
        f"# {spec.type} {spec.title['zh']}",
        "",
        f"{spec.title['en']}. Namespace `{spec.namespace}`, version {spec.version}.",
    ]
    if spec.unverified:
        lines += ["", "**Unverified**: the authority's own format is not public; this shape is ours. 未经核实。"]
    if spec.receipt:
        lines += ["", f"Answered by [{spec.receipt}]({spec.receipt}.md)."]
    if spec.answers:
        lines += ["", f"Answers [{spec.answers}]({spec.answers}.md)."]
    lines += ["", f"Order under the root: {', '.join(spec.root)}.", ""]
    for segment in spec.segments.values():
        lines += _table(segment)
    return "\n".join(lines).rstrip() + "\n"
