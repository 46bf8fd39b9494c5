"""A page to look at: consignments, their vehicles and what was said, in English and traditional Chinese."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

import orjson

from adapters.sandbox.hk_customs import settings
from adapters.sandbox.hk_customs.store import Row, Store
from mappings import clock
from mappings.engine import codes
from mappings.hk_road.tables import HONG_KONG

_TONE = {"CCR": "blue", "AMD": "blue", "BND": "violet", "ACP": "violet", "INS": "amber", "REJ": "red", "DET": "red",
         "REL": "green", "CRS": "green", "CAN": "grey", "UNB": "grey", "RPT": "amber"}  # fmt: skip
_PAGE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))


def _tag(status: str) -> str:
    known = codes.load("hk_road", "status").codes.get(status)
    text = f"{known.name_zh} {known.name_en}" if known else status
    return f'<span class="tag {_TONE.get(status, "grey")}">{escape(text)}</span>'


def _time(stamp: float) -> str:
    return f"{datetime.fromtimestamp(stamp, UTC).astimezone(HONG_KONG):%m-%d %H:%M:%S}"


def _consignment(store: Store, row: Row, now: float) -> str:
    said = store.rows("SELECT * FROM notice WHERE ccrn = ? AND status <> 'REJ' ORDER BY due, id", row["ccrn"])
    steps = "<br>".join(
        f"<small>{_time(float(n['due']))}</small> {_tag(n['status'])}" for n in said if float(n["due"]) <= now
    )
    items = orjson.loads(row["items"])
    vehicle = next((n["vehicle"] for n in reversed(said) if n["vehicle"]), "")
    packages, goods = items.get("Packaging/QuantityQuantity", ""), items.get("Commodity/Description", "")
    return (
        f"<tr><td><code>{escape(row['ccrn'])}</code><br><small>{escape(row['latest'])}</small></td>"
        f"<td>{escape(vehicle)}</td><td>{escape(packages)}</td><td><small>{escape(goods)}</small></td>"
        f'<td class="steps">{steps}</td></tr>'
    )


def _refusal(row: Row) -> str:
    listed = codes.load("hk_road", "error").codes
    texts = [listed[c] for c in row["code"].split(",") if c in listed]
    said = "<br>".join(f"<code>{c.code}</code> {escape(c.name_zh)} {escape(c.name_en)}" for c in texts)
    at, reference = _time(datetime.fromisoformat(row["at"]).timestamp()), escape(row["reference"])
    return f"<tr><td><small>{at}</small></td><td><code>{reference}</code></td><td>{said}</td></tr>"


def _table(heads: list[str], rows: list[str]) -> str:
    head = "".join(f"<th>{h}</th>" for h in heads)
    return f"<table><tr>{head}</tr>{''.join(rows) or '<tr><td>—</td></tr>'}</table>"


def html(store: Store) -> str:
    """The page."""
    now = clock.now()
    consignments = store.rows("SELECT * FROM consignment ORDER BY ccrn DESC LIMIT 50")
    refused = store.rows("SELECT * FROM received WHERE code <> '' ORDER BY id DESC LIMIT 20")
    counts = {
        "已收訊息 messages received": store.value("SELECT count(*) FROM received"),
        "貨物資料 consignments": store.value("SELECT count(*) FROM consignment"),
        "已過境 crossed": store.value("SELECT count(*) FROM bundle WHERE state = 'crossed'"),
        "不獲接納 not accepted": store.value("SELECT count(*) FROM received WHERE code <> ''"),
    }
    cards = "".join(f'<div class="card"><b>{n}</b>{escape(name)}</div>' for name, n in counts.items())
    table = _table(
        ["CCRN", "車輛 vehicle", "包裹 packages", "貨物描述 article description", "經過 timeline"],
        [_consignment(store, row, now.timestamp()) for row in consignments],
    )
    refusals = _table(["時間 time", "參考編號 reference", "原因 reason"], [_refusal(row) for row in refused])
    return _PAGE.substitute(
        title=escape(settings.profile()["title"]),
        point=escape(settings.profile()["control_point"]),
        time=f"{now.astimezone(HONG_KONG):%Y-%m-%d %H:%M:%S}",
        cards=cards,
        consignments=table,
        refusals=refusals,
    )
