"""The page for people: what this customs received and said, Chinese and English, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

import orjson
from fastapi import FastAPI, Response

from adapters.sandbox.cn_customs import books, settings
from adapters.sandbox.cn_customs.admin_accounts import tax_bills
from adapters.sandbox.cn_customs.customs import Customs
from adapters.sandbox.cn_customs.imports import accounts
from adapters.sandbox.cn_customs.plan import moment
from mappings import clock

_TEMPLATE = Path(__file__).with_name("page.html")
# status: name in Chinese, in English, tone. Names from codes.csv, list return_status.
STATUSES = {
    "1": ("已暂存", "saved", "wait"),
    "2": ("申报中", "being declared", "wait"),
    "4": ("发送海关失败", "sending failed", "bad"),
    "3": ("已发送海关", "sent to customs", "wait"),
    "300": ("人工审核", "waits for an officer", "wait"),
    "505": ("移交", "handed over", "bad"),
    "600": ("挂起", "suspended", "warn"),
    "700": ("退运", "sent back", "bad"),
    "cancelled": ("已撤销", "cancelled", "wait"),
    "120": ("海关入库", "stored", "good"),
    "399": ("审结", "reviewed", "good"),
    "800": ("放行", "released", "good"),
    "899": ("结关", "closed", "good"),
    "100": ("退单", "rejected", "bad"),
    "500": ("查验", "inspection", "warn"),
    "501": ("扣留移送通关", "detained, clearance", "bad"),
    "502": ("扣留移送缉私", "detained, anti-smuggling", "bad"),
    "503": ("扣留移送法规", "detained, legal", "bad"),
    "599": ("其它扣留", "detained", "bad"),
    "deleted": ("已删除", "deleted", "wait"),
    "-304001": ("重复", "duplicate", "warn"),
    "-301020": ("验签失败", "signature refused", "bad"),
    "-621015": ("无权限", "no right", "bad"),
    "-999999": ("报文不可读", "unreadable", "bad"),
}
OUTCOMES = {
    "accepted": "接收 accepted", "saved": "暂存 saved", "duplicate": "重复 duplicate", "refused": "拒收 refused",
    "unreadable": "不可读 unreadable",
}  # fmt: skip


NOTICES = {
    "CEB816Message": "电子税单",
    "CEB818Message": "电子税单状态",
    "CEB792Message": "汇总结果单",
    "CEB900Message": "不可读",
}
BOOKS = {
    "quota": "个人额度（已用）quota used, 元", "guarantee": "担保余额 guarantee left, 元",
    "stock": "可申报库存 stock to declare", "stock_on_hand": "实物库存 stock on hand",
}  # fmt: skip
BILLS = {"1": ("已生成 made", "wait"), "2": ("已汇总 summed", "good"), "3": ("作废 void", "warn")}
_SHOWN = 30


def _status(code: str) -> str:
    chinese, english, tone = STATUSES.get(code, ("", "", "bad"))
    return f'<span class="tag {tone}">{escape(code)}</span> {chinese} <small>{english}</small>'


def _type(code: str) -> str:
    names = {row.type: row.name for row in settings.declared().values()}
    names |= NOTICES
    names |= {row.receipt.type: f"{row.name}回执" for row in settings.declared().values()}
    shown = escape(code.removesuffix("Message")) or "未知 unknown"
    return f"<b>{shown}</b> {names.get(code, '')}"


def _row(cells: list[str]) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _time(at: int) -> str:
    return moment(at).astimezone(clock.CHINA).strftime("%m-%d %H:%M:%S")


def html(customs: Customs) -> str:
    """The page."""
    customs.publish()
    seen = books.summary(customs.store)
    states = [
        [_type(r["type"]), OUTCOMES.get(r["outcome"], ""), _status(r["status"]), f"{r['documents']:,}"]
        for r in seen["states"]
    ]
    said = [
        [_time(r["published"]), _type(r["type"]), _status(r["status"]), f"{r['receipts']:,}", escape(r["dxp"])]
        for r in seen["deliveries"]
    ]
    events = [[_time(r["at"]), escape(_event(r["body"]))] for r in seen["events"]]
    kept = [row for book in BOOKS for row in accounts.balances(customs.store, book, most=_SHOWN)]
    balances = [
        [BOOKS[r["book"]], escape(r["buyer"] or r["account"]), escape(r["balance"]), f"{r['entries']:,}"] for r in kept
    ]
    bills = [
        [escape(r["tax_no"]), _bill(r["status"]), escape(r["duty"]), escape(r["vat"]), escape(r["consumption"])]
        for r in tax_bills(customs.store, most=_SHOWN)
    ]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        now=clock.now().astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        messages=f"{seen['messages']:,}", documents=f"{seen['documents']:,}", waiting=f"{seen['unpublished']:,}",
        audit=f"{seen['audit']:,}", audit_tone="good" if not seen["audit"] else "bad",
        states=_rows(states, 4), said=_rows(said, 5), events=_rows(events, 2),
        balances=_rows(balances, 4), bills=_rows(bills, 5),
    )  # fmt: skip


def _bill(status: str) -> str:
    name, tone = BILLS[status]
    return f'<span class="tag {tone}">{escape(status)}</span> {name}'


def _event(body: str) -> str:
    event = orjson.loads(body)
    return " ".join(str(event.get(name) or "") for name in ("kind", "master_waybill", "billNo", "at")).strip()


def _rows(rows: list[list[str]], columns: int) -> str:
    empty = f'<tr><td colspan="{columns}" class="empty">暂无 nothing yet</td></tr>'
    return "\n".join(map(_row, rows)) or empty


def add(app: FastAPI, customs: Customs) -> None:
    """Add the page to the application."""

    @app.get("/")
    def show() -> Response:
        return Response(html(customs), media_type="text/html; charset=utf-8")
