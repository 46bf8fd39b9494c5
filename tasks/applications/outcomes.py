"""What became of applications, for people: a table of parcels with outcome, a lineage, and the name a run ends in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Row

from adapters.ledger import applications as ledger
from adapters.ledger import messages
from mappings import applications as tables
from mappings import faults
from mappings.states import document_states
from tasks.applications.asking import Asked
from tasks.applications.settling import rule_of
from tasks.conversion.declare import AUTHORITY
from tasks.office import Office
from tasks.reporting.faults import explained
from tasks.reporting.summary import local


def rows_of(office: Office, asked: Asked) -> list[Row[Any]]:
    """The applications that a request is about, as they stand now."""
    return ledger.by_ids(office.ledger, asked.ids) if asked.ids else []


def named(kind: str) -> str:
    """What a kind of application is called, in both languages."""
    rule = next(rule for rule in tables.rules().values() if rule.kind == kind)
    return f"{rule.zh} {rule.en}"


def record(row: Row[Any]) -> dict[str, Any]:
    """One application for a program: no reason (it may name somebody), no person."""
    said = tables.outcomes()["states"][row.state]
    customs = document_states(AUTHORITY)[row.type].get(row.document_state or "")
    return {
        "id": row.id, "kind": row.kind, "order_no": row.order_no or "", "waybill_no": row.waybill_no or "",
        "number": row.number, "part": row.part, "attempt": row.attempt, "state": row.state, "code": row.code,
        "state_zh": said["zh"], "state_en": said["en"], "customs": row.document_state or "",
        "customs_zh": customs.zh if customs else "", "customs_en": customs.en if customs else "",
        "asked_at": row.asked_at.isoformat(), "due_at": row.due_at.isoformat() if row.due_at else "",
        "approved_by": row.approved_by,
    }  # fmt: skip


def refused(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The refusals of a request for a program: order, place, code, what is wrong and what to do."""
    names = ("parcel", "code", "value", "file", "row", "column", "message_zh", "message_en", "remedy_zh", "remedy_en")
    return [{("order_no" if n == "parcel" else n): row[n] for n in names} for row in explained(found)]


def shown(rows: Sequence[Row[Any]], found: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """The table of parcels with their outcome, refused ones last."""
    told = [record(row) for row in rows]
    made = [
        {
            "包裹 parcel": r["order_no"] or f"{r['number']}/{r['part']}",
            "申请 application": f"{rule_of(r['kind'], row.type).zh} {r['kind']} {r['number']}",
            "结果 outcome": f"{r['state_zh']} {r['state_en']}",
            "海关 customs": f"{r['customs_zh']} {r['customs_en']}".strip(),
            "原因 why": _why(r["code"]),
            "期限 due": local(row.due_at),
        }
        for r, row in zip(told, rows, strict=True)
    ]
    return made + [
        {
            "包裹 parcel": r["order_no"],
            "申请 application": "",
            "结果 outcome": f"未申请 not asked for: {r['code']}",
            "海关 customs": "",
            "原因 why": f"{r['message_zh']} {r['message_en']} → {r['remedy_zh']} {r['remedy_en']}",
            "期限 due": "",
        }
        for r in (refused(found) if found is not None else [])
    ]


def _why(code: str) -> str:
    if not code:
        return ""
    said = faults.explain({"code": code})
    return f"{said['message_zh']} {said['message_en']}"


def timeline(rows: Sequence[Row[Any]]) -> str:
    """When each application was asked, approved and settled, as Markdown."""
    lines = [
        "| 包裹 parcel | 编号 number | 申请 asked | 批准 approved | 了结 settled | 结果 outcome |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        r = record(row)
        times = " | ".join(local(at) for at in (row.asked_at, row.approved_at, row.settled_at))
        lines.append(f"| {r['order_no'] or '-'} | {r['number']} | {times} | {r['state_zh']} {r['state_en']} |")
    return "\n".join(lines) + "\n"


def end(kind: str, rows: Sequence[Row[Any]], found: pd.DataFrame) -> str:
    """The name in which a run about these ends."""
    states = {row.state for row in rows}
    table = tables.outcomes()
    for line in table["ends"]:
        if line["state"] in states:
            mine = next(row for row in rows if row.state == line["state"])
            return str(line["name"] if "name" in line else rule_of(kind, mine.type).ends[line["own"]])
    return "Refused" if len(found) else str(table["nothing"])


def counted(rows: Sequence[Row[Any]]) -> str:
    """How many are in each state, in both languages."""
    names = tables.outcomes()["states"]
    found = Counter(row.state for row in rows)
    return ", ".join(f"{count} {names[state]['zh']} {names[state]['en']}" for state, count in found.items())


def lineage(office: Office, shipment_id: int, seqs: set[int], type_: str) -> list[dict[str, Any]]:
    """Every attempt of the inventories of some parcels: number, state, what came before it."""
    names = document_states(AUTHORITY)[type_]
    rows = [d for d in messages.documents(office.ledger, shipment_id, type=type_) if d.parcel_seq in seqs]
    return [
        {
            "包裹 parcel": d.order_no,
            "次数 attempt": d.attempt,
            "单证 document": d.business_key,
            "状态 state": f"{names[d.state].zh} {names[d.state].en}" if d.state in names else d.state,
            "回执 status": d.return_status,
            "清单 inventory": d.invt_no,
        }
        for d in sorted(rows, key=lambda d: (d.order_no, d.attempt))
    ]
