"""Receipts normalised: what answers a document of ours, and CEB900 (interface specification 202205).

What answers what, by which key, is data: mappings/cn_ecommerce/receipts.yaml.
Values are read by column. Tax bills are in bills.py, results in results.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from adapters.cn_ecommerce import bills, envelope, flat, results
from adapters.cn_ecommerce.told import moment, problem
from adapters.contract import ReceiptRow
from mappings.engine import reader, spec
from mappings.engine.spec import MAPPINGS
from mappings.errors import DataFault, Unsupported

NAME = "cn_ecommerce"


@lru_cache
def table() -> dict[str, Any]:
    """mappings/cn_ecommerce/receipts.yaml."""
    found: dict[str, Any] = yaml.safe_load((MAPPINGS / NAME / "receipts.yaml").read_text("utf-8"))
    return found


@dataclass(frozen=True)
class Answers:
    """What a receipt type answers: the declared type, the fields of the business key, those a receipt may leave out."""

    declared: str
    key: tuple[str, ...]
    open: frozenset[str] = frozenset()
    number: str = "invtNo"  # customs' own number


@lru_cache
def answers() -> dict[str, Answers]:
    """By receipt type, what it answers."""
    return {row["receipt"]: _answers(declared, row) for declared, row in table()["documents"].items()}


def _answers(declared: str, row: dict[str, Any]) -> Answers:
    """By the receipt's own message file, a field that is not mandatory may be left out."""
    answer = spec.load(row["receipt"])
    fields = {item.tag: item for item in answer.segments[answer.document].fields}
    return Answers(
        declared,
        tuple(row["key"]),
        frozenset(tag for tag in row["key"] if fields[tag].use != "M"),
        row.get("number", "invtNo"),
    )


@lru_cache
def _declared_guid() -> re.Pattern[str]:
    return re.compile(table()["patterns"]["declared_guid"])


def declared_guid(info: str) -> str:
    """The declared document's guid, where a text gives it back in square brackets; '' elsewhere."""
    found = _declared_guid().search(info) if "[" in info else None
    return found["guid"].upper() if found else ""


def rows(business: bytes) -> list[ReceiptRow]:
    """Every receipt of a receipt message. Raises DataFault (unreadable) or Unsupported (no receipt that we know)."""
    text, known = envelope.decoded(business), table()
    root = envelope.parse_text(text)
    if envelope.name(root) in answers() and (columns := flat.columns(text, root)) is not None:
        return of_columns(envelope.name(root), columns)
    reading = reader.read_tree(root)
    if reading.type in known["bills"]["tellings"]:
        return bills.rows(NAME, reading, known["bills"])
    if reading.type in known["results"]:
        return results.rows(NAME, reading, known["results"][reading.type])
    return of_columns(reading.type, reading.groups[reading.spec.document])


def of_columns(receipt_type: str, columns: dict[str, list[str]], whole_keys: bool = True) -> list[ReceiptRow]:
    """The receipts in columns of texts by tag. A relay that drops fields gives keys that are not whole."""
    if receipt_type == table()["unreadable"]:
        return _unreadable(columns)
    found = answers().get(receipt_type)
    if found is None:
        raise Unsupported(f"{receipt_type} is no receipt that we know / {receipt_type} 不是已知回执")
    return _rows(found, receipt_type, columns, whole_keys)


def _rows(found: Answers, receipt_type: str, columns: dict[str, list[str]], whole_keys: bool) -> list[ReceiptRow]:
    size = len(columns["returnStatus"])
    empty = [""] * size
    keys = ["|".join(values) for values in zip(*(columns[tag] for tag in found.key), strict=True)]
    times, infos = [moment(text) for text in columns["returnTime"]], columns["returnInfo"]
    statuses, guids = columns["returnStatus"], [declared_guid(info) for info in infos]
    numbers = columns.get("preNo", empty), columns.get(found.number, empty)
    problems = [problem(status, at) for status, at in zip(statuses, times, strict=True)]
    if whole_keys and not all(text.strip() for tag in found.key for text in columns[tag]):
        said = zip(problems, keys, numbers[0], guids, strict=True)
        problems = [wrong or _incomplete(found, *told) for wrong, *told in said]
    told = zip(keys, columns["guid"], statuses, times, infos, *numbers, guids, problems, strict=True)
    return [
        ReceiptRow(NAME, found.declared, key, guid, status.strip(), at, info, pre, invt, own, "", receipt_type, wrong)
        for key, guid, status, at, info, pre, invt, own, wrong in told
    ]


def _incomplete(found: Answers, key: str, pre_no: str, guid: str) -> str:
    """What a receipt may leave out, the ledger completes, where anything at all tells the document."""
    parts = dict(zip(found.key, key.split("|"), strict=True))
    lacks = [tag for tag, part in parts.items() if not part.strip()]
    told = len(lacks) < len(parts) or pre_no or guid
    whole = told and set(lacks) <= found.open
    return "" if whole else "The business key is incomplete / 业务主键不完整"


def _unreadable(columns: dict[str, list[str]]) -> list[ReceiptRow]:
    """A CEB900: it speaks of the whole message that had this CopMsgId."""
    value = {tag: texts[0].strip() for tag, texts in columns.items()}
    if not value["oriCopMsgId"]:
        raise DataFault("CEB900 does not say which message it means / CEB900 未注明原报文编号")
    at = moment(value["returnTime"])
    wrong = "" if at else "returnTime is no time / 回执时间无效"
    return [
        ReceiptRow(
            NAME,
            value["oriMessageType"],
            value["oriCopMsgId"],
            value["guid"],
            value["returnStatus"],
            at,
            value["returnInfo"],
            cop_msg_id=value["oriCopMsgId"],
            receipt_type=table()["unreadable"],
            problem=wrong,
        )
    ]
