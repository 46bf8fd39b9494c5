"""Answers and notices of Hong Kong, normalised (HKRoadResponse; mappings/hk_road/receipts.yaml and messages).

An answer names the consignment by our reference, a bundle by CCRN and vehicle, and the message answered by its guid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.contract import ReceiptRow
from mappings.engine import codes, reader
from mappings.engine.reader import Reading
from mappings.errors import DataFault, Unsupported
from mappings.hk_road.tables import field_at, table

NAME = "hk_road"
_ATTEMPT = re.compile(r"-A\d+$")


@dataclass(frozen=True)
class Refusal:
    """One error of an answer: the authority's code and text, and the canonical field that has to change."""

    code: str
    field: str
    text_zh: str
    text_en: str
    section: str = ""
    tag: str = ""


def rows(business: bytes) -> list[ReceiptRow]:
    """The receipt in an answer. Raises DataFault (unreadable) or Unsupported (no answer)."""
    reading = _read(business)
    values = _values(reading)
    subject = table("receipts")["subjects"].get(_one(reading, "Declaration", "TypeCode"))
    key = "|".join(values.get(part, part) for part in subject["key"]) if subject else ""
    at = moment(_one(reading, "Status", "EffectiveDateTime") or _one(reading, "Response", "IssueDateTime"))
    status = _one(reading, "Status", "NameCode")
    return [
        ReceiptRow(
            authority=NAME,
            type=subject["type"] if subject else "",
            business_key=key,
            guid=reading.guid,
            status=status,
            return_time=at,
            info=_info(reading, values),
            pre_no=values["ccrn"],
            declared_guid=values["GUID"],
            receipt_type=reading.type,
            problem=_problem(key, values, status, at),
        )
    ]


def refusals(business: bytes) -> list[Refusal]:
    """The errors of an answer, each with its canonical field. Raises DataFault or Unsupported."""
    reading = _read(business)
    listed = codes.load(NAME, "error").codes
    pointers = dict(zip(reading.parents["Pointer"], _pointers(reading), strict=True))
    found = []
    for row, code in enumerate(reading.groups["Error"]["ValidationCode"]):
        said = reading.groups["Error"]["Description"][row]
        section, tag = pointers.get(row, ("", ""))
        known = listed.get(code)
        names = (known.name_zh, known.name_en) if known else (said, said)
        field = field_at(section, tag) or (known.canonical if known else "")
        found.append(Refusal(code, field, *names, section, tag))
    return found


def earliest(business: bytes) -> datetime | None:
    """The earliest permitted crossing that a notice gives, aware UTC; None where it gives none."""
    return moment(_values(_read(business))["EARLIEST"])


def moment(text: str) -> datetime | None:
    """An ISO 8601 instant as UTC; None when it is none or has no zone."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):  # the first day of year 1 has no UTC
        return None


def _read(business: bytes) -> Reading:
    reading = reader.read(business)
    if reading.type != table("receipts")["answer"]:
        raise Unsupported(f"{reading.type} is no answer of Hong Kong / {reading.type} 不是香港的回覆")
    if not reading.count("Declaration"):
        raise DataFault("The answer does not say what it answers / 回覆未注明原文件")
    return reading


def _one(reading: Reading, segment: str, tag: str) -> str:
    return next(iter(reading.groups[segment][tag]), "").strip()


def _pointers(reading: Reading) -> list[tuple[str, str]]:
    group = reading.groups["Pointer"]
    return list(zip(group["DocumentSectionCode"], group["TagID"], strict=True))


def _values(reading: Reading) -> dict[str, str]:
    group = reading.groups["AdditionalInformation"]
    said = zip(group["StatementCode"], group["StatementDescription"], group["LimitDateTime"], strict=True)
    return {
        "EARLIEST": "",
        "GUID": "",
        "TEXT": "",
        **{code: limit or text for code, text, limit in said},
        "reference": _ATTEMPT.sub("", _one(reading, "Declaration", "FunctionalReferenceID")),
        "ccrn": _one(reading, "Declaration", "ID"),
        "vehicle": _one(reading, "BorderTransportMeans", "ID"),
    }


def _info(reading: Reading, values: dict[str, str]) -> str:
    """What a person reads: status, errors, earliest crossing; the error codes stand in square brackets."""
    status = _one(reading, "Status", "NameCode")
    known = codes.load(NAME, "status").codes.get(status)
    parts = [f"{known.name_zh} {known.name_en}" if known else status]
    errors = reading.groups["Error"]
    listed = codes.load(NAME, "error").codes
    for code, text in zip(errors["ValidationCode"], errors["Description"], strict=True):
        name = listed.get(code)
        parts.append(f"[{code}] {name.name_zh} {name.name_en}" if name else f"[{code}] {text}")
    if values["EARLIEST"]:
        parts.append(f"最早可過境 earliest permitted crossing {values['EARLIEST']}")
    return "; ".join([*parts, values["TEXT"]] if values["TEXT"] else parts)


def _problem(key: str, values: dict[str, str], status: str, at: datetime | None) -> str:
    if not key or key.endswith("|") or "||" in key:
        return "The answer does not name its document / 回覆未注明原文件"
    if status not in codes.load(NAME, "status").codes:
        return f"Unknown status {status!r} / 状态代码不明"
    return "" if at else "The answer has no time / 回覆没有时间"
