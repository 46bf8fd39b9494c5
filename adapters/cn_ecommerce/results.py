"""Results that come by themselves (CEB792, interface specification 202205): receipts without a returnStatus.

What they are about, and what stands for the missing status, is data: `results` in mappings/cn_ecommerce/receipts.yaml.
"""

from __future__ import annotations

from typing import Any

from adapters.cn_ecommerce.told import moment, problem
from adapters.contract import ReceiptRow
from mappings.engine.reader import Reading


def rows(authority: str, reading: Reading, row: dict[str, Any]) -> list[ReceiptRow]:
    """The results as receipts: a status of ours, customs' number to find the document by, the rest as text."""
    columns = reading.groups[row["segment"]]
    size = len(columns["guid"])
    keys = zip(*(columns[tag] if tag else [""] * size for tag in row["key"]), strict=True)
    infos = ["; ".join(f"{tag} {columns[tag][n]}" for tag in row["info"] if columns[tag][n]) for n in range(size)]
    told = zip(keys, columns["guid"], columns[row["time"]], infos, columns[row["number"]], strict=True)
    return [
        ReceiptRow(
            authority, row["declared"], "|".join(key), guid, row["status"], moment(at), info, "", number,
            receipt_type=reading.type, problem=problem(row["status"], moment(at)),
        )
        for key, guid, at, info, number in told
    ]  # fmt: skip
