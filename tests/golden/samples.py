"""A tiny made-up message of any type, from its message file alone: first every element, then the needed ones."""

from __future__ import annotations

from mappings.engine import codes, spec
from mappings.engine.spec import Field, MessageSpec, Segment
from mappings.engine.tree import CONTENT, Row, Tree
from mappings.identity import seeded

# What a field of this name holds; others get a text or number of their type. Nobody here exists.
VALUES = {
    "appTime": "20261123140000", "declTime": "20261123", "ieDate": "20261124", "returnTime": "20261123140016123",
    "orderNo": "000TEST7", "logisticsNo": "TWB007000001", "customsCode": "5788", "portCode": "5788",
    "billNo": "HZMB0099000001", "gcode": "9503008900", "itemName": "T-light <50%> \"A&B\" '\U00020bb7' 全角０１",
    "gname": "塑料玩具", "gmodel": "3|3|塑料|玩具|TEST", "buyerName": "测试订购人",
    "buyerIdNumber": "TEST00000000000001",
    "buyerTelephone": "00000000001", "consignee": "测试收货人", "consigneeAddress": "测试省测试市测试路1号",
    "returnInfo": "[Code:1800;Desc:逻辑校验通过]", "returnStatus": "120", "dxpMode": "DXP", "dxpId": "DXPTEST000000001",
    "dxpAddress": "DXPTEST000000002", "copCode": "4404000005", "copName": "测试报关有限公司", "status": "1",
    "buyerIdType": "1", "assureCode": "4404000009", "oriMessageType": "CEB303Message",
    "oriBizMessage": "<ceb:CEB303Message>\n not well formed & kept as it came </ceb:CEB303Message", "packNo": "1",
    "msgCount": "1", "msgSeqNo": "1", "IssueDateTime": "2026-11-23T14:00:16+08:00",
    "EffectiveDateTime": "2026-11-23T14:00:16+08:00", "ArrivalDateTime": "20261124", "FunctionCode": "9",
    "note": "",
}  # fmt: skip
CODED = {
    "currency": "142", "country": "110", "unit": "007", "ie_flag": "", "transport_mode": "4", "package": "",
    "return_status": "120", "app_type": "1", "app_status": "2", "trade_mode": "",
}  # fmt: skip
FREE = '<note xmlns="urn:test:made-up" kind="a>b">any 内容 &amp; more<empty></empty></note>'


def _coded(message: MessageSpec, item: Field) -> str:
    known = codes.load(message.authority, item.code).codes
    wanted = CODED.get(item.code, "")
    imported = "进口" in message.title["zh"] or message.type[3:5] == "71"
    if item.code == "ie_flag":
        wanted = "I" if imported else "E"
    if item.code == "order_type":
        wanted = "I" if imported else "E"
    return wanted if wanted in known else next(iter(known))


def _number(item: Field, row: int) -> str:
    if item.tag in ("gnum", "SequenceNumeric"):
        return str(row + 1)
    return VALUES.get(item.tag) or ("12.5" if item.decimals else "1")


def _text(message: MessageSpec, item: Field, number: int) -> str:
    if item.tag == "guid":
        return seeded(number + int("".join(filter(str.isdigit, message.type)) or "1")).guid()
    if item.value or item.code:
        return item.value or _coded(message, item)
    if item.kind == "N":
        return _number(item, number)
    text = VALUES.get(item.tag, f"TEST {item.tag}")
    if item.fixed:
        digits = "5788261123001" if not text.isdigit() else text
        return digits.ljust(item.length or 1, "0")[: item.length]
    return text[: item.length]


def _add(tree: Tree, segment: Segment, parent: int, full: bool) -> None:
    message = tree.spec
    times = 2 if segment.repeats and full and segment.most != 1 else 1
    for _ in range(times):
        rows = tree.rows.setdefault(segment.tag, [])
        number = len(rows)
        if segment.any:
            rows.append(Row(parent, {CONTENT: FREE}))
            continue
        present = [f for f in segment.fields if f.use == "M" or full]
        rows.append(Row(parent, {f.tag: _text(message, f, number) for f in present}))
        for tag in segment.contains:
            child = message.segments[tag]
            if child.least or full:
                _add(tree, child, number, full)


def sample(message_type: str) -> Tree:
    """The message; the same at every call."""
    message = spec.load(message_type)
    number = int("".join(filter(str.isdigit, message_type)) or "7")
    given = {"guid": seeded(1000 + number).guid(), "version": message.version, "reference": "TEST-1"}
    tree = Tree(message_type, {name: given[name] for name in message.attributes})
    for tag in message.root:
        segment = message.segments[tag]
        if segment.signature:
            continue
        if tag != message.document:
            _add(tree, segment, 0, full=True)
            continue
        once = Segment(**{**segment.__dict__, "most": 1})
        _add(tree, once, 0, full=True)
        if segment.repeats:
            _add(tree, once, 0, full=False)
    return tree
