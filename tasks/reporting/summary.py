"""The shipment's summary and timeline as Markdown, in Chinese and English."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pandas as pd

from adapters.ledger import events, sources
from adapters.ledger.ledger import Ledger
from mappings import states as document_states
from mappings import yamls
from mappings.clock import CHINA
from mappings.engine import spec
from mappings.engine.spec import MAPPINGS
from tasks.clearing.intake import SCORE
from tasks.clearing.standing import Standing
from tasks.reporting.faults import MASK

BILL = "CEB816Message"
HIDDEN = ("times",)  # beside the event's own time
TYPED = {"held": "reason", "correction": "note"}  # what people type may name somebody: kept here, shown in no artifact


@lru_cache
def event_names() -> dict[str, str]:
    """What people call an event (mappings/procedures/events.yaml)."""
    return yamls.load((MAPPINGS / "procedures" / "events.yaml").read_text(encoding="utf-8"))


def counts(standing: Standing) -> Counter[str]:
    """How many parcels are in each state."""
    return Counter(state for state, _ in standing.parcels.values())


def document_counts(standing: Standing) -> dict[str, Counter[str]]:
    """How many documents of each type are in each state (the latest attempt of each)."""
    return {kind: Counter(d.state for d in found.values()) for kind, found in sorted(standing.documents.items())}


def state_text(standing: Standing) -> str:
    """The shipment's state in both languages."""
    waiting = standing.procedure.waiting(standing.shipment.state)
    return f"{waiting.zh} {waiting.en}"


def local(at: Any) -> str:
    """A time as the yard's clock shows it."""
    return at.astimezone(CHINA).strftime("%m-%d %H:%M:%S") if at else ""


def _parcels(standing: Standing) -> list[str]:
    names = standing.table["states"]
    total = len(standing.parcels)
    lines = ["| 包裹状态 | parcels | 数量 number |", "|---|---|---:|"]
    found = counts(standing)
    for state in [s for s in names if s in found]:
        lines.append(f"| {names[state]['zh']} | {names[state]['en']} | {found[state]} |")
    return [*lines, f"| **合计** | **total** | **{total}** |"]


def _documents(standing: Standing) -> list[str]:
    lines = ["| 单证 | document | 状态 states |", "|---|---|---|"]
    for kind, found in document_counts(standing).items():
        message = spec.load(kind)
        names = document_states.document_states(message.authority).get(kind, {})
        said = ", ".join(
            f"{names[s].zh if s in names else s} {names[s].en if s in names else ''} {n}" for s, n in found.items()
        )
        lines.append(f"| {message.title['zh']} | {kind.removesuffix('Message')} {message.title['en']} | {said} |")
    return lines if len(lines) > 2 else ["尚未生成单证 · no documents yet"]


def fault_counts(faults: pd.DataFrame) -> str:
    """How many faults of each severity, in both languages."""
    names = {"error": "错误 errors", "warning": "警告 warnings", "info": "提示 notes"}
    found = Counter(faults["severity"].tolist())
    return ", ".join(f"{found[level]} {name}" for level, name in names.items() if found[level]) or "0"


def summary(standing: Standing, faults: pd.DataFrame) -> str:
    """The summary of a shipment: who, where, what it waits for, parcels and documents by state."""
    truck, row = standing.truck, standing.shipment
    port = standing.procedure.port
    head = [
        f"# {standing.label} · {truck.master_waybill}",
        "",
        f"**{state_text(standing)}**",
        "",
        f"监管方式 regime {truck.regime} · {port['zh']} {port['en']} {standing.port}{_hong_kong(standing)}",
        "",
        *_plan(standing),
        "实际 actual: " + (" · ".join(_happened(kind, at) for kind, at in standing.events.items()) or "-"),
        "",
        f"批准 approval: {row.approved_by or '-'} {local(row.approved_at)} · 问题 faults: {fault_counts(faults)}",
        "",
    ]
    return (
        "\n".join(
            [
                *head,
                "## 包裹 Parcels",
                "",
                *_parcels(standing),
                "",
                "## 单证 Documents",
                "",
                *_documents(standing),
                *_bills(standing),
            ]
        )
        + "\n"
    )


def _happened(kind: str, at: Any) -> str:
    return f"{event_names().get(kind, kind).replace(' · ', ' ')} {local(at)}"


def _hong_kong(standing: Standing) -> str:
    """The plate that Hong Kong knows, where the procedure goes there."""
    there = any(step.name == "hong_kong" for step in standing.procedure.steps)
    return f" · 香港车牌 HK plate {standing.truck.hk_plate or '-'}" if there else ""


def _plan(standing: Standing) -> list[str]:
    """What is planned of the events that the procedure knows."""
    plan = standing.truck.planned
    times = {"arrived": ("到场 yard", plan.arrival_at_yard), "departed": ("离境 departure", plan.departure),
             "crossed": ("过境 crossing", plan.crossing)}  # fmt: skip
    said = [f"{name} {local(at)}" for kind, (name, at) in times.items() if kind in standing.procedure.events]
    return [f"计划 plan: {' · '.join(said)}", ""] if said else []


def _bills(standing: Standing) -> list[str]:
    """The tax bills by state, where there are any."""
    found: Counter[str] = sum(standing.bills.values(), Counter())
    if not found:
        return []
    names = document_states.document_states(standing.procedure.authority)[BILL]
    lines = ["", "## 税单 Tax bills", "", "| 税单状态 | tax bills | 数量 number |", "|---|---|---:|"]
    return lines + [f"| {names[s].zh} | {names[s].en} | {n} |" for s, n in sorted(found.items()) if s in names]


def timeline(ledger: Ledger, standing: Standing) -> str:
    """What happened to a shipment, in order."""
    lines = [
        f"# {standing.label} · 时间线 timeline",
        "",
        "| 时间 time | 事件 event | 经手 by | 详情 detail |",
        "|---|---|---|---|",
    ]
    for event in events.timeline(ledger, standing.id):
        waiting = standing.procedure.waiting(event.kind)
        name = event_names().get(event.kind) or f"{waiting.zh} · {waiting.en}"
        typed = TYPED.get(event.kind)
        shown = {k: MASK if k == typed and v else v for k, v in (event.detail or {}).items() if k not in HIDDEN}
        detail = "; ".join(f"{k}: {_short(v)}" for k, v in shown.items())
        lines.append(f"| {local(event.at)} | {name} | {event.actor} | {detail.replace('|', '/')} |")
    return "\n".join(lines) + "\n"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 160 else text[:157] + "..."


def quality(ledger: Ledger, shipment_id: int) -> list[dict[str, Any]]:
    """The senders' quality report: one row a sender and file."""
    scores = json.loads(sources.load_snapshot(ledger, shipment_id, SCORE) or b"[]")
    return [
        {
            "来源 sender": score["sender"],
            "文件 file": score["file"],
            "行数 rows": score["rows"],
            "会被退回 would be rejected": score["rejected"],
            "比例 share": f"{score['share']:.1%}",
            "原因 reasons": _short(score["reasons"]),
            "提示 warnings": _short(score["warnings"]),
        }
        for score in scores
    ]


_NOWHERE = "–"  # a hyphen alone would be a list's bullet on a page that reads a cell as Markdown
KINDS = {"dropped": "未申报", "rounded": "取整", "defaulted": "默认值", "no_equal": "无对应代码", "constant": "固定值"}


def conversion_table(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """The conversion record for a screen; examples are left out, since they may be anybody's data."""
    return [
        {
            "机关 authority": row.authority,
            "报文 message": row.message_type,
            "去向 target": _NOWHERE if row.target == "-" else row.target,
            "来源 source": _NOWHERE if row.source == "-" else row.source,
            "处理 kind": f"{KINDS.get(row.kind, '')} {row.kind}".strip(),
            "数量 count": row.count,
            "说明 note": row.note,
        }
        for row in rows
    ]
