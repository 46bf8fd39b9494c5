"""A truck between two stages: parcels and lines as columns, and the faults found so far."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import feather

from mappings.canonical import coded
from mappings.canonical.model import Truck

T = TypeVar("T")
_FRAMES = ("parcels", "lines", "faults")


@dataclass(frozen=True)
class Batch:
    """One truck in columns.

    `parcels` has one row a parcel (RangeIndex) with the order.*, payment.* and waybill.* columns and parcel.seq
    (1..n, stable), parcel.state (ready, held, excluded), parcel.reason (a fault code or ''), parcel.net_weight.
    `lines` has the line.* columns and `parcel`, the row position in `parcels`; it is sorted by parcel and gnum.
    `faults` has the columns of mappings.faults.COLUMNS. Nobody changes a frame in place: `made` keeps what was made of
    them (selections, rows of messages), so that it is made once.
    """

    truck: Truck
    parcels: pd.DataFrame
    lines: pd.DataFrame
    faults: pd.DataFrame
    made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """What `make` makes of this batch: called for the first time only."""
        if key not in self.made:
            self.made[key] = make()
        found: T = self.made[key]
        return found

    def select(self, mask: np.ndarray | pd.Series) -> Batch:
        """The parcels where `mask` (bool, one a parcel) holds, with their lines renumbered and all faults."""
        keep = np.asarray(mask, dtype=bool)
        return self if keep.all() else self.once(("select", keep.tobytes()), lambda: self._selected(keep))

    def _selected(self, keep: np.ndarray) -> Batch:
        position = np.cumsum(keep) - 1
        owner = self.lines["parcel"].to_numpy()
        lines = coded.selected(self.lines, keep[owner])
        lines["parcel"] = position[lines["parcel"].to_numpy()]
        return replace(self, parcels=self.parcels[keep].reset_index(drop=True), lines=lines)

    def ready(self) -> Batch:
        """The parcels that are to be declared."""
        return self.select((self.parcels["parcel.state"] == "ready").to_numpy())

    def line_bounds(self) -> np.ndarray:
        """Offsets into `lines`, one more than parcels: the lines of parcel i are [bounds[i], bounds[i+1])."""
        return np.searchsorted(self.lines["parcel"].to_numpy(), np.arange(len(self.parcels) + 1))

    def to_bytes(self) -> bytes:
        """All of it as bytes: a JSON head line, then the three frames as Arrow IPC, lz4-compressed."""
        parts = []
        lines, texts = _coded(self.lines)
        for name in _FRAMES:
            sink = io.BytesIO()
            table = lines if name == "lines" else pa.Table.from_pandas(getattr(self, name), preserve_index=False)
            feather.write_feather(table, sink, compression="lz4")
            parts.append(sink.getvalue())
        head = {"truck": self.truck.model_dump(mode="json"), "sizes": [len(p) for p in parts], "coded": texts}
        return json.dumps(head, ensure_ascii=False).encode() + b"\n" + b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Batch:
        """The batch that `to_bytes` wrote."""
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        frames, at = [], 0
        for name, size in zip(_FRAMES, head["sizes"], strict=True):
            table = feather.read_table(io.BytesIO(rest[at : at + size]))
            frames.append(_decoded(table, head.get("coded", ()) if name == "lines" else ()).to_pandas())
            at += size
        return cls(Truck.model_validate(head["truck"]), *frames)


def _coded(frame: pd.DataFrame) -> tuple[pa.Table, list[str]]:
    """The table with each text column as its distinct texts and their numbers, and which these are.

    Goods lines say the same again and again: so written they take two thirds of the bytes and of the time.
    """
    names = [str(name) for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)]
    table = pa.Table.from_pandas(frame.drop(columns=names), preserve_index=False)
    for at, name in enumerate(map(str, frame.columns)):
        if name in names:
            table = table.add_column(at, name, coded.coded(coded.array_of(frame[name])))
    return table, names


def _decoded(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """The table with these columns as plain texts again."""
    return _changed(table, names, lambda column: column.cast(pa.large_string()))


def _changed(table: pa.Table, names: Iterable[str], change: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> pa.Table:
    for name in names:
        table = table.set_column(table.schema.get_field_index(name), name, change(table[name]))
    return table
