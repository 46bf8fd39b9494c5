"""This customs: asks a platform for the payment data of an order, takes what is uploaded, and remembers both."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import requests

from adapters.sandbox.ann179 import behaviours, settings, verify
from adapters.sandbox.ann179.store import Store
from mappings import clock
from mappings.ann179.message import Member, check, load
from mappings.errors import DataFault
from mappings.identity import Identities

OK, FAILED = "10000", "20000"
HEAD, LISTS, GOODS = "payExchangeInfoHead", "payExchangeInfoLists", "goodsInfo"


@dataclass(frozen=True)
class Reply:
    """What is answered: an HTTP status with JSON, or with plain text."""

    status: int
    content: dict[str, Any] | None
    text: str = ""


def milliseconds() -> int:
    """The time as both sides write it."""
    return int(clock.now().timestamp() * 1000)


class Customs:
    """Over one store; `target` is the platform's address, to which /platDataOpen is added."""

    def __init__(self, store: Store, target: str = "", identities: Identities | None = None) -> None:
        self.store, self.target = store, target.rstrip("/")
        self._identities = identities or Identities()

    # ---- asking ----------------------------------------------------------------------------------------------------
    def ask(self, order_no: str, session: str = "", raw: str | None = None) -> dict[str, Any]:
        """Ask the platform for an order (`raw`: with this openReq, whatever it is); the session and its answer."""
        if not self.target:
            raise DataFault("No platform is set to be asked (--target)")
        session = session or self._identities.guid()
        asked = {"orderNo": order_no, "sessionID": session, "serviceTime": milliseconds()}
        number = self.store.insert("request", at=clock.now().isoformat(), session=session, order_no=order_no)
        form = {"openReq": json.dumps(asked, ensure_ascii=False) if raw is None else raw}
        status, text = self._post(form)
        code = _code(text)
        self.store.run("UPDATE request SET status = ?, answer = ?, code = ? WHERE id = ?", status, text, code, number)
        return {"id": number, "sessionID": session, "orderNo": order_no, "status": status, "code": code}

    def _post(self, form: dict[str, str]) -> tuple[int, str]:
        address = f"{self.target}{settings.profile()['ask_path']}"
        try:
            answer = requests.post(address, data=form, timeout=settings.profile()["ask_timeout_seconds"])
        except requests.RequestException as error:
            return 0, type(error).__name__
        return answer.status_code, answer.text[:2000]

    # ---- taking ----------------------------------------------------------------------------------------------------
    def receive(self, body: bytes, recovery: bool) -> Reply:
        """Take an upload: booked whatever it is, then answered."""
        text = _parameter(body)
        session, order_no = _named(text)
        rule = behaviours.find(self.store, session, order_no, "down")
        if rule:
            return Reply(int(rule.get("status") or 503), None)
        slow = behaviours.find(self.store, session, order_no, "slow")
        if slow:
            clock.clock().sleep(float(slow.get("seconds") or 1))
        code, message, signature, certificate, orders = self._judge(text, session, order_no)
        self.store.insert(
            "upload", at=clock.now().isoformat(), session=session, order_no=order_no, orders=orders,
            certificate=certificate, recovery=int(recovery), code=code, message=message, signature=signature,
            sha256=hashlib.sha256(body).hexdigest(), size=len(body), body=body,
        )  # fmt: skip
        if behaviours.find(self.store, session, order_no, "lose_answer"):
            return Reply(502, None)
        if behaviours.find(self.store, session, order_no, "junk"):
            return Reply(200, None, "OK")
        return Reply(200, {"code": code, "message": message, "total": 0, "serviceTime": milliseconds()})

    def _judge(self, text: str, session: str, order_no: str) -> tuple[str, str, str, str, int]:
        """Code, message, what the signature is worth, certificate number, how many orders."""
        try:
            parts = verify.slices(text)
            whole = _object(text)
            signature, number = self._signature(parts, whole), _plain(whole.get("certNo"))
            orders = len(whole[LISTS]) if isinstance(whole.get(LISTS), list) else 0
            message = self._wrong(whole, list(parts), session, order_no)
        except DataFault as error:
            return FAILED, str(error), "", "", 0
        rule = behaviours.find(self.store, session, order_no, "wrong_session", "refuse")
        if rule:
            said = "sessionID不存在" if rule["action"] == "wrong_session" else str(rule.get("text") or "上传失败")
            return str(rule.get("code") or FAILED), said, signature, number, orders
        strict = settings.profile()["refuse_bad_signature"] or behaviours.find(self.store, session, order_no, "strict")
        if not message and strict and signature != verify.GOOD:
            message = f"验签失败 {signature}"
        return (FAILED, message, signature, number, orders) if message else (OK, "上传成功", signature, number, orders)

    def _signature(self, parts: dict[str, str], whole: dict[str, Any]) -> str:
        if any(name not in parts for name in (*verify.SIGNED, "certNo", "signValue")):
            return "缺少签名要素 a signed member is missing"
        number = _plain(whole["certNo"]).lower()
        certificate = self.store.row("SELECT * FROM certificate WHERE number = ?", number)
        head = whole[HEAD]
        return verify.verdict(parts, str(head.get("ebpCode")) if isinstance(head, dict) else "", certificate)

    def _wrong(self, whole: dict[str, Any], order: list[str], session: str, order_no: str) -> str:
        """What is wrong with an upload, '' where nothing is."""
        if not whole.get("certNo") or not whole.get("signValue"):
            return "certNo和signValue不能为空"
        asked = self.store.rows("SELECT order_no FROM request WHERE session = ?", session)
        if not asked:
            return "sessionID不存在"
        told = _shape(whole, order)
        if told:
            return told
        given = {str(entry.get("orderNo")) for entry in whole[LISTS]}
        return "" if given & {row["order_no"] for row in asked} else "orderNo与请求不符"

    def trust(self, certificate: bytes) -> str:
        """Know a company's certificate (DER); its number. Raises DataFault."""
        number, owners = verify.owners(certificate)
        self.store.insert("certificate", number=number, owners=owners, der=certificate)
        return number


def _parameter(body: bytes) -> str:
    found = parse_qs(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")
    return next(iter(found.get("payExInfoStr", [])), "")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise DataFault("不是有效的JSON payExInfoStr is no JSON") from error
    if not isinstance(found, dict):
        raise DataFault("不是JSON对象 payExInfoStr is no object")
    return found


def _named(text: str) -> tuple[str, str]:
    """Session and first order of an upload, as far as they can be read."""
    try:
        whole = _object(text)
    except DataFault:
        return "", ""
    lists = whole.get(LISTS)
    first = lists[0] if isinstance(lists, list) and lists and isinstance(lists[0], dict) else {}
    return _plain(whole.get("sessionID")), _plain(first.get("orderNo"))


def _plain(value: Any) -> str:
    """A text that a database can hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _shape(whole: dict[str, Any], order: list[str]) -> str:
    message, day = load("payload"), clock.now().astimezone(clock.CHINA).date()
    tags = [m.tag for m in message.segments[message.root]]
    if order != tags:
        return f"参数或顺序有误 members must be {', '.join(tags)}"
    if not isinstance(whole[HEAD], dict) or not isinstance(whole[LISTS], list) or not whole[LISTS]:
        return "payExchangeInfoHead或payExchangeInfoLists有误"
    if not isinstance(whole[HEAD].get("totalAmount"), Decimal):
        return "totalAmount 不是数值 is no number"
    told = _segment(HEAD, whole[HEAD], day)
    for entry in whole[LISTS]:
        told = told or _segment(LISTS, entry, day)
        for good in entry[GOODS] if not told else []:
            told = told or _segment(GOODS, good, day)
    return told


def _segment(name: str, values: Any, day: Any) -> str:
    members: tuple[Member, ...] = load("payload").segments[name]
    tags = [m.tag for m in members]
    if not isinstance(values, dict) or [tag for tag in values if tag in tags] != [t for t in tags if t in values]:
        return f"{name} 格式或顺序有误 is no object in the right order"
    if name == LISTS and not isinstance(values.get(GOODS), list):
        return "goodsInfo 不是数组 is no list"
    return "; ".join(map(str, check(name, members, values, day)))


def _code(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return ""
    return str(found.get("code") or "") if isinstance(found, dict) else ""
