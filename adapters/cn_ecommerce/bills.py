"""Tax bills read: CEB816 (with amounts and lines) and CEB818 (its status alone), interface specification 202205.

Which segment says what is data: `bills` in mappings/cn_ecommerce/receipts.yaml.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.cn_ecommerce.told import moment, problem
from adapters.contract import BillRow, ReceiptRow
from mappings.canonical.columns import scaled
from mappings.engine.reader import Reading
from mappings.errors import DataFault

TAXES = ("customsTax", "valueAddedTax", "consumptionTax")
_LINE = {"gnum": "gnum", "gcode": "hs_code", "taxPrice": "tax_price", "customsTax": "customs_tax",
         "valueAddedTax": "value_added_tax", "consumptionTax": "consumption_tax"}  # fmt: skip


def rows(authority: str, reading: Reading, table: dict[str, Any]) -> list[ReceiptRow]:
    """A receipt for each bill in a message, under the bill's own number. Raises DataFault where it holds none."""
    told = table["tellings"][reading.type]
    heads = reading.groups[told["head"]]
    lines = _lines(reading, told["list"]) if "list" in told else {}
    found = []
    for number, parent in enumerate(reading.parents[told["head"]]):
        head = {tag: column[number].strip() for tag, column in heads.items()}
        found.append(_row(authority, table["kind"], reading.type, head, lines.get(parent, []), "list" in told))
    if not found:
        raise DataFault(f"{reading.type} holds no {told['head']} / 报文中没有税单")
    return found


def _lines(reading: Reading, tag: str) -> dict[int, list[dict[str, str]]]:
    """The lines of each bill, by the number of the bill in the message."""
    found: dict[int, list[dict[str, str]]] = defaultdict(list)
    columns = reading.groups[tag]
    for number, parent in enumerate(reading.parents[tag]):
        found[parent].append({name: column[number].strip() for name, column in columns.items()})
    return found


def _row(
    authority: str, kind: str, type_: str, head: dict[str, str], lines: list[dict[str, str]], amounts: bool
) -> ReceiptRow:
    at = moment(head["returnTime"])
    wrong = problem(head["status"], at)
    if not head["taxNo"] or not head["invtNo"]:
        wrong = wrong or "The bill names no taxNo or no invtNo / 税单缺少税单编号或清单编号"
    bill = BillRow(head["taxNo"], head["invtNo"], duty_no=head["entDutyNo"], assure_code=head["assureCode"])
    if amounts and not wrong:
        try:
            bill = bill._replace(**_money(head, lines))
        except (InvalidOperation, ValueError, ArithmeticError):
            wrong = "An amount of the bill is no number / 税单金额无效"
    return ReceiptRow(
        authority, kind, head["taxNo"], head["guid"], head["status"], at, head.get("note", ""), "", head["invtNo"],
        receipt_type=type_, problem=wrong, bill=bill,
    )  # fmt: skip


def _money(head: dict[str, str], lines: list[dict[str, str]]) -> dict[str, Any]:
    return {
        **{_LINE[tag]: scaled(Decimal(head[tag])) for tag in TAXES},
        "lines": tuple({ours: _value(tag, line[tag]) for tag, ours in _LINE.items()} for line in lines),
    }


def _value(tag: str, text: str) -> Any:
    if tag == "gcode":
        return text
    return int(text) if tag == "gnum" else scaled(Decimal(text))
