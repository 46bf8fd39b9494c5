"""Receipts normalised: every one that receipts.yaml names, and CEB900 (interface specification 202205).

What answers what, by which key, is data: mappings/cn_ecommerce/receipts.yaml. Values are read by column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import yaml

from adapters.cn_ecommerce import envelope
from adapters.contract import ReceiptRow
from mappings.clock import CHINA
from mappings.engine import reader
from mappings.engine.spec import MAPPINGS
from mappings.errors import DataFault, Unsupported

NAME = "cn_ecommerce"
TIME = "%Y%m%d%H%M%S"


@lru_cache
def table() -> dict[str, Any]:
    """mappings/cn_ecommerce/receipts.yaml."""
    found: dict[str, Any] = yaml.safe_load((MAPPINGS / NAME / "receipts.yaml").read_text("utf-8"))
    return found


@dataclass(frozen=True)
class Answers:
    """What a receipt type answers: the declared type and the fields of the business key."""

    declared: str
    key: tuple[str, ...]
    open: bool = False  # a receipt may leave the last field out
    number: str = "invtNo"  # the field that holds customs' own number


@lru_cache
def answers() -> dict[str, Answers]:
    """By receipt type, what it answers."""
    documents = table()["documents"].items()
    return {
        row["receipt"]: Answers(declared, tuple(row["key"]), row.get("open", False), row.get("number", "invtNo"))
        for declared, row in documents
    }


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime | None:
    """A returnTime (China time, 17 digits, or 14, whatever stands between them) as UTC; None when it is no time."""
    digits = re.sub(r"\D", "", text)
    try:
        at = datetime.strptime(digits[:14], TIME).replace(tzinfo=CHINA)
    except ValueError:
        return None
    return at.replace(microsecond=int(digits[14:17].ljust(3, "0")) * 1000).astimezone(UTC)


@lru_cache
def _declared_guid() -> re.Pattern[str]:
    return re.compile(table()["patterns"]["declared_guid"])


def declared_guid(info: str) -> str:
    """The declared document's guid, where a text gives it back in square brackets; '' elsewhere."""
    found = _declared_guid().search(info)
    return found["guid"].upper() if found else ""


def rows(business: bytes) -> list[ReceiptRow]:
    """Every receipt of a receipt message. Raises DataFault (unreadable) or Unsupported (no receipt that we know)."""
    reading = reader.read_tree(envelope.parse(business))
    if reading.type in table().get("results", ()):
        return _results(reading.type, reading.groups[table()["results"][reading.type]["segment"]])
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
    return [
        ReceiptRow(
            NAME,
            found.declared,
            key,
            guid,
            status.strip(),
            at,
            info,
            pre,
            invt,
            declared_guid(info),
            "",
            receipt_type,
            _problem(status, at) or (_incomplete(found, key) if whole_keys else ""),
        )
        for key, guid, status, at, info, pre, invt in zip(
            keys,
            columns["guid"],
            columns["returnStatus"],
            times,
            infos,
            columns.get("preNo", empty),
            columns.get(found.number, empty),
            strict=True,
        )
    ]


def _results(result_type: str, columns: dict[str, list[str]]) -> list[ReceiptRow]:
    """Results that come by themselves: a status of ours, customs' number to find the document by, the rest as text."""
    row, size = table()["results"][result_type], len(columns["guid"])
    keys = zip(*(columns[tag] if tag else [""] * size for tag in row["key"]), strict=True)
    infos = ["; ".join(f"{tag} {columns[tag][n]}" for tag in row["info"] if columns[tag][n]) for n in range(size)]
    told = zip(keys, columns["guid"], columns[row["time"]], infos, columns[row["number"]], strict=True)
    return [
        ReceiptRow(
            NAME, row["declared"], "|".join(key), guid, row["status"], moment(at), info, "", number,
            receipt_type=result_type, problem=_problem(row["status"], moment(at)),
        )
        for key, guid, at, info, number in told
    ]  # fmt: skip


def _problem(status: str, at: datetime | None) -> str:
    if not re.fullmatch(r"-?\d+", status.strip()):
        return f"returnStatus {status!r} is no number / 回执状态无效"
    return "" if at else "returnTime is no time / 回执时间无效"


def _incomplete(found: Answers, key: str) -> str:
    needed = key.split("|")[:-1] if found.open else key.split("|")
    return "" if all(part.strip() for part in needed) else "The business key is incomplete / 业务主键不完整"


def _unreadable(columns: dict[str, list[str]]) -> list[ReceiptRow]:
    """A CEB900: it speaks of the whole message that had this CopMsgId."""
    value = {tag: texts[0].strip() for tag, texts in columns.items()}
    if not value["oriCopMsgId"]:
        raise DataFault("CEB900 does not say which message it means / CEB900 未注明原报文编号")
    at = moment(value["returnTime"])
    problem = "" if at else "returnTime is no time / 回执时间无效"
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
            problem=problem,
        )
    ]
