"""A local port's HTTP as Haikou published it: /cebcmsg takes JSON, /ceb312msg and the like answer Java map text.

Published are the two import receipts; the others are asked alike here, and a refusal is a map with a code (ours).
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from lxml import etree
from starlette.concurrency import run_in_threadpool

from adapters.sandbox.cn_customs import envelope
from adapters.sandbox.cn_customs.customs import Customs, wrap
from adapters.sandbox.cn_customs.doors import client
from adapters.sandbox.cn_customs.plan import instant
from mappings import clock

RECOVERY = "x-tongguan-recovery"


def add(app: FastAPI, customs: Customs) -> None:
    """Add the local port's calls to the application."""

    @app.post("/cebcmsg")
    async def post(request: Request) -> Response:
        marked = request.headers.get(RECOVERY, "").strip() not in ("", "0")
        return await run_in_threadpool(_taken, customs, await request.body(), marked)

    @app.get("/ceb{number}msg")
    async def receipts(number: str, dxpid: str = "", qryid: str = "") -> Response:
        return await run_in_threadpool(_receipts, customs, f"CEB{number}Message", dxpid, qryid)


def _text(text: str, status: int = 200) -> Response:
    return Response(text.encode(), status, media_type="text/plain; charset=utf-8")


def _taken(customs: Customs, body: bytes, marked: bool) -> Response:
    try:
        message = orjson.loads(body)["Message"]
        head, data = message["MessageHead"], base64.b64decode(message["MessageBody"]["data"], validate=True)
        ident = str(head["MessageId"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        return _text(f"{{code=0001, message=报文格式错误 {error!r}}}")
    incoming = customs.read(client.enveloped(data, ident), marked)
    outcome = customs.book(incoming)
    if "http" in outcome.rules:
        return _text("told to fail", int(outcome.rules["http"].body.get("status", 502)))
    if incoming.fault:
        return _text(f"{{code={incoming.fault.code}, message={incoming.fault.text}}}")
    return _text("OK")


def _receipts(customs: Customs, type_: str, dxp: str, query_id: str) -> Response:
    try:
        since = datetime.strptime(query_id, "%Y%m%d%H%M%S").replace(tzinfo=clock.CHINA)
    except ValueError:
        return _text("{code=0002, message=qryid must be yyyyMMddHHmmss}", 400)
    customs.publish()
    rows = customs.store.rows(
        "SELECT * FROM delivery WHERE dxp = ? AND type = ? AND published >= ? ORDER BY published",
        dxp, type_, instant(since),
    )  # fmt: skip
    maps = [_map(child, dxp) for row in rows for child in _documents(row)]
    return _text(f"[{', '.join(maps)}]")


def _documents(row: Any) -> list[etree._Element]:
    _, business = client.bare(wrap(row))
    return list(etree.fromstring(business, envelope.parser()))


def _map(document: etree._Element, dxp: str) -> str:
    """One receipt as the text that Java makes of a map: names in lower case, what is empty left out."""
    said = _cells(document)
    told = "returnTime" if "returnTime" in said else "opDate"
    at = datetime.strptime(said.pop(told)[:14], "%Y%m%d%H%M%S").replace(tzinfo=clock.CHINA)
    cells = {"org_id": "1", "trans_dxpid": dxp, "re_elist_guid": said.pop("guid")}
    cells |= {name.lower(): value for name, value in said.items() if value}
    cells |= {"returntime": str(int(at.timestamp() * 1000)), "returntime2": f"{at:%Y%m%d%H%M%S}"}
    return "{" + ", ".join(f"{name}={value}" for name, value in cells.items()) + "}"


def _cells(document: etree._Element) -> dict[str, str]:
    """The texts of a receipt, or of the head of one that has lines (816, 818, 792)."""
    head = document if not len(document[0]) else document[0]
    return {etree.QName(node).localname: node.text or "" for node in head}
