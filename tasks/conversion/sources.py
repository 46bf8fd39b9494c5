"""The values that message files name, for one truck: truck.*, party.*, regime.*, order.*, line.*, document.*, list.*.

What a direction and regime add or leave out is in mappings/cn_ecommerce/regimes.yaml.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from mappings import regimes
from mappings.canonical.batch import Batch
from mappings.canonical.model import Truck
from mappings.engine.rows import Rows, Value
from mappings.errors import DataFault

COP_NO_BODY = 18  # longest master waybill that leaves room for parcel number and attempt within the 30 of copNo
COP_NO_SHORT = 11  # the same within the 20 that imports give copNo
_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def stated_values(truck: Truck) -> dict[str, Value]:
    """What is stated of the truck and its parties, by path."""
    values: dict[str, Value] = {f"truck.{k}": v for k, v in truck.model_dump(exclude={"parties", "planned"}).items()}
    values |= {f"truck.planned.{k}": v for k, v in truck.planned.model_dump().items()}
    for role, party in truck.parties.items():
        values |= {f"party.{role}.{k}": v for k, v in party.model_dump().items()}
    return values


def truck_values(truck: Truck) -> dict[str, Value]:
    """Constants of the truck and its parties by path, as this direction and regime gives them to messages."""
    return _of_regime(truck, stated_values(truck))


def _of_regime(truck: Truck, values: dict[str, Value]) -> dict[str, Value]:
    """The values with what the direction and regime add, fill and leave out (mappings/cn_ecommerce/regimes.yaml)."""
    regime = regimes.load(truck.direction, truck.regime)
    for role, other in regime.party.items():
        if role not in truck.parties and other in truck.parties:
            values |= {f"party.{role}.{k}": v for k, v in truck.parties[other].model_dump().items()}
    taken = {name: values.get(path, "") for name, path in regime.takes.items()}
    values |= {f"regime.{name}": value for name, value in ({**regime.values, **taken}).items()}
    values |= {path: text for path, text in regime.instead.items() if not values.get(path)}
    return {path: value for path, value in values.items() if path not in regime.without}


def sender_values(truck: Truck, role: str) -> dict[str, Value]:
    """The message.* values of the company in `role`. Raises DataFault where the truck names no such company."""
    party = truck.parties.get(role)
    if party is None or not party.code or not party.dxp_id:
        raise DataFault(
            f"parties.{role} must have a code and a DXP id: it sends messages. "
            f"运输单 parties.{role} 缺少企业代码或 DXP 编号，无法代其发送报文。"
        )
    return {"message.sender_code": party.code, "message.sender_name": party.name, "message.sender_dxp": party.dxp_id}


def cop_stem(master_waybill: str, room: int = COP_NO_BODY) -> str:
    """The start of our document numbers for a truck: its master waybill, shortened by a digest when too long."""
    if len(master_waybill) <= room:
        return master_waybill
    if room < COP_NO_BODY:  # no room for both: all of it is digest, so that trucks with a common start stay apart
        number = int.from_bytes(hashlib.sha256(master_waybill.encode()).digest()[:8])
        return "~" + "".join(_LETTERS[number // len(_LETTERS) ** n % len(_LETTERS)] for n in range(room - 1))
    return master_waybill[:9] + "~" + hashlib.sha256(master_waybill.encode()).hexdigest()[:8].upper()


def cop_numbers(master_waybill: str, seqs: np.ndarray, attempts: np.ndarray, room: int = COP_NO_BODY) -> list[str]:
    """copNo of each parcel's inventory: it tells attempts apart, as China Customs has no other number for that."""
    stem, last = cop_stem(master_waybill, room), attempts.tolist()
    return [f"{stem}-{s:05d}" + (f"-{a}" if a > 1 else "") for s, a in zip(seqs.tolist(), last, strict=True)]


def parcel_rows(batch: Batch) -> Rows:
    """One row a parcel; what its document adds comes on top."""
    columns: dict[str, Value] = {c: batch.parcels[c] for c in batch.parcels.columns}
    return Rows(truck_values(batch.truck) | columns, len(batch.parcels))


def line_rows(batch: Batch) -> Rows:
    """One row a goods line."""
    owner = batch.lines["parcel"].to_numpy(dtype=np.int64)
    without = regimes.load(batch.truck.direction, batch.truck.regime).without | {"parcel"}
    return Rows({c: batch.lines[c] for c in batch.lines.columns if c not in without}, len(batch.lines), owner)


def list_rows(batch: Batch, bounds: np.ndarray) -> Rows:
    """One row a parcel, as a list document names them; `bounds` are the offsets of the document's parts."""
    owner = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    numbers = np.arange(len(batch.parcels)) - bounds[owner] + 1
    values: dict[str, Value] = {c: batch.parcels[c] for c in batch.parcels.columns if c.startswith("waybill.")}
    return Rows(values | {"list.gnum": pd.Series(numbers)}, len(batch.parcels), owner)
