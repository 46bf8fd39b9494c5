"""Receipts normalised: what answers a document of ours, and CEB900 (interface specification 202205).

What answers what, by which key, is data: mappings/cn_ecommerce/receipts.yaml.
Values are read by column. Tax bills are in bills.py, results in results.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import repeat
from typing import Any

from adapters.cn_ecommerce import bills, envelope, flat, results
from adapters.cn_ecommerce.told import moment, problem
from adapters.contract import ReceiptRow
from mappings import yamls
from mappings.engine import reader, spec
from mappings.engine.spec import MAPPINGS
from mappings.errors import DataFault, Unsupported

NAME = "cn_ecommerce"
_ROW = partial(tuple.__new__, ReceiptRow)  # as ReceiptRow._make, without a call of Python's for each


@lru_cache
def table() -> dict[str, Any]:
    """mappings/cn_ecommerce/receipts.yaml."""
    found: dict[str, Any] = yamls.load((MAPPINGS / NAME / "receipts.yaml").read_text("utf-8"))
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
    return declared_guids([info])[0]


def declared_guids(infos: Sequence[str]) -> list[str]:
    """The same of many texts; most customs says of many documents alike."""
    search = _declared_guid().search
    found = {info: search(info) for info in set(infos) if "[" in info}
    told = {info: match["guid"].upper() for info, match in found.items() if match}
    return [told.get(info, "") for info in infos] if told else [""] * len(infos)


def rows(business: bytes) -> list[ReceiptRow]:
    """Every receipt of a receipt message. Raises DataFault (unreadable) or Unsupported (no receipt that we know)."""
    text, known = envelope.decoded(business), table()
    if flat.plain(business) and (regular := flat.columns(text, answers())) is not None:
        return of_columns(*regular)
    reading = reader.read_tree(envelope.parse_text(text))
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
    keys = list(map("|".join, zip(*(columns[tag] for tag in found.key), strict=True)))
    times, infos = list(map(moment, columns["returnTime"])), columns["returnInfo"]
    statuses, guids = list(map(str.strip, columns["returnStatus"])), declared_guids(infos)
    numbers = columns.get("preNo", empty), columns.get(found.number, empty)
    problems = list(map(problem, columns["returnStatus"], times))
    if whole_keys and not all(all(map(str.strip, columns[tag])) for tag in found.key):
        said = zip(problems, keys, numbers[0], guids, strict=True)
        problems = [wrong or _incomplete(found, *told) for wrong, *told in said]
    same = [repeat(value, size) for value in (NAME, found.declared, "", receipt_type, None)]
    rows = zip(
        *same[:2], keys, columns["guid"], statuses, times, infos, *numbers, guids, *same[2:4], problems, same[4],
        strict=True,
    )  # fmt: skip
    return list(map(_ROW, rows))


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
