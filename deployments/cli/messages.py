"""`tongguan messages [TYPE]`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from deployments.cli.common import Json, put_json, screen, table

FIXED = (0, 1, 3, 4, 5, 6)  # columns that keep their width; the purpose gives way
WIDE = 120  # columns of a terminal from which a type takes one line
PER_LINE = 2  # flows named in a line
ARROWS = {"send": "→", "receive": "←"}
LEGEND = """→ 我方发送 we send · ← 我方接收 we receive · w 写 written · r 读 read
s 格式 schema: * 自定，官方格式未公开 ours, the authority's is not public
✓ 由统一数据生成，或归入状态 from canonical data, or becomes a state
○ 由通用读写支持 by what serves every type"""


def messages(
    message: Annotated[
        str, typer.Argument(metavar="[TYPE]", help="CEB621, 621, HKRoadACI: its fields. 报文类型，列出字段")
    ] = "",
    authority: Annotated[
        str, typer.Option("--authority", help="cn_ecommerce, hk_road: only its messages. 只列某主管机关的报文")
    ] = "",
    with_codes: Annotated[bool, typer.Option("--codes", help="The codes of its lists, too. 同时列出代码表")] = False,
    as_json: Json = False,
) -> None:
    """Lists every message type, or shows one with all its fields. 报文类型一览，或某一报文的字段说明

    Any type can be read, checked and turned into a table and back: `tongguan convert`.
    """
    from mappings.engine.described import described, named  # noqa: PLC0415

    if not message:
        _list(authority, as_json)
        return
    found = described(named(message), with_codes)
    found["status"] = _status(found["type"])
    if as_json:
        put_json(found)
    else:
        _show(found)


def _status(name: str) -> dict[str, Any]:
    from deployments import conformance  # noqa: PLC0415

    return {
        column: {"there": c.there, "works": c.works, "mark": c.mark, "zh": c.zh, "en": c.en}
        for column, c in conformance.row(name).items()
    }


def _list(authority: str, as_json: bool) -> None:
    from mappings.engine import spec  # noqa: PLC0415
    from mappings.errors import Unsupported  # noqa: PLC0415

    types = spec.all_types(authority)
    if not types:
        known = ", ".join(dict.fromkeys(spec.load(t).authority for t in spec.all_types()))
        raise Unsupported(f"No messages of {authority!r} 没有该主管机关的报文; known 已知: {known}")
    rows = [(spec.load(name), _status(name)) for name in types]
    if as_json:
        put_json(
            [
                {"type": m.type, "authority": m.authority, "direction": m.direction, "title": m.title,
                 "receipt": m.receipt, "answers": m.answers, "unverified": m.unverified, "status": status}
                for m, status in rows
            ]
        )  # fmt: skip
        return
    made = table(
        f"报文 messages ({len(rows)})", "报文 message", "", "用途 purpose", "写\nw", "读\nr", "格\ns", "流程 flow"
    )
    for n in FIXED:
        made.columns[n].no_wrap = True
    wide = screen.width >= WIDE
    for m, status in rows:
        schema = "*" if m.unverified else "✓"
        flow = status["flow"]["en"] if status["flow"]["there"] else "–"
        purpose = (" " if wide else "\n").join((m.title["zh"], m.title["en"]))
        marks = [status[column]["mark"] for column in ("written", "read")]
        made.add_row(m.type, ARROWS[m.direction], purpose, *marks, schema, flow if wide else short(flow))
    screen.print(made)
    screen.print(LEGEND, highlight=False)


def short(names: str) -> str:
    """Names of flows with what they share said once, a line each: `export 1210 9610`, `cancel`."""
    found: dict[str, list[str]] = {}
    for name in names.split(", "):
        head, _, rest = name.partition("_")
        found.setdefault(head, []).extend([rest] if rest else [])
    lines = []
    for head, ends in found.items():
        parts = [" ".join(ends[n : n + PER_LINE]) for n in range(0, len(ends), PER_LINE)]
        lines.append(f"{head} " + "\n  ".join(parts) if parts else head)
    return "\n".join(lines)


def _source(field: dict[str, Any]) -> str:
    source = field.get("from", "") or (f"= {field['value']}" if "value" in field else "")
    return source + (f" 否则 else {field['default']}" if "default" in field else "")


def _remarks(field: dict[str, Any]) -> str:
    parts = [
        f"条件 needed: {field['needed']}" if "needed" in field else "",
        f"代码表 codes: {field['code']}" if "code" in field else "",
        f"来源不一致 sources differ: {field['differs']}" if "differs" in field else "",
        "个人信息 personal" if field.get("personal") else "",
    ]
    return "\n".join(part for part in parts if part)


def _show(found: dict[str, Any]) -> None:
    from mappings.engine.described import DIRECTIONS, USES  # noqa: PLC0415

    screen.print(f"[bold]{found['type']}[/] {found['title']['zh']} · {found['title']['en']}")
    screen.print(f"{' · '.join(DIRECTIONS[found['direction']])} · {found['authority']} · {found['namespace']}")
    for name, zh, en in (("receipt", "回执", "answered by"), ("answers", "答复", "answers")):
        if found[name]:
            screen.print(f"{zh} {en}: {found[name]}")
    if found["unverified"]:
        screen.print("[yellow]未经核实：官方格式未公开。 Unverified: the authority's own format is not public.[/]")
    for column, cell in found["status"].items():
        screen.print(f"{cell['mark']} {column}: {' · '.join(dict.fromkeys((cell['zh'], cell['en'])))}", highlight=False)
    for segment in found["segments"]:
        title = escape(f"{segment['tag']} {segment['zh']} · {segment['occurs']} · 属于 in {segment['inside']}")
        if not segment["fields"]:
            screen.print(f"[italic]{title}[/]")
            continue
        made = table(title, "元素 element", "类型 type", "含义 meaning", "来源 from")
        made.columns[1].no_wrap = True
        for f in segment["fields"]:
            meaning = "\n".join(part for part in (f["zh"], f["en"], _remarks(f)) if part)
            cells = (f["tag"], "\n".join((f["type"], *USES[f["use"]])), meaning, _source(f))
            made.add_row(*map(escape, cells))
        screen.print(made)
    for name, listed in found.get("code_lists", {}).items():
        made = table(
            f"{name} {escape(listed['head'].get('title', ''))}",
            "代码 code",
            "名称",
            "name",
            "canonical",
            "自 from",
            "至 to",
        )
        for c in listed["codes"]:
            made.add_row(*(escape(c[k]) for k in ("code", "zh", "en", "canonical", "from", "to")))
        screen.print(made)
