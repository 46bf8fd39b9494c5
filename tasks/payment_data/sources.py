"""The company's payment files as payment data: read by profile (mappings/ann179/source.py), texts into values.

A later file (by name) and a later row say the newest. Raw request and answer are taken as they stand.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from mappings import codes
from mappings.ann179.message import Member, Problem, load
from mappings.ann179.source import KEYS, SourceProfile, profiles
from mappings.profiles.layout import Field
from tasks.capture import extract, recognise
from tasks.capture.captured import RawTable, Trouble
from tasks.capture.document import Document
from tasks.cleaning.cells import Cells, distinct
from tasks.cleaning.times import times
from tasks.payment_data.record import HEAD, ORDER, PaidOrder, PaymentData, Value

log = logging.getLogger(__name__)
PAYMENT = ("payment.payment_company_code", "payment.transaction_no")  # what tells one payment from another
RAW = frozenset({"payment.request", "payment.response"})
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?")  # groups are of three digits, else it is no number
_CUSTOMS_CURRENCY = "cn_ecommerce/currency"


@dataclass
class Archive:
    """All payment files, read as texts: frames by table, each row with the number of its file."""

    payment: pd.DataFrame
    goods: pd.DataFrame
    files: list[tuple[SourceProfile, RawTable]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def of_order(self, order_no: str) -> list[PaymentData]:
        """Every payment that paid this order, with all the orders that it paid."""
        rows = self.payment[self.payment[KEYS["payment"]] == order_no]
        keys = dict.fromkeys(rows[list(PAYMENT)].itertuples(index=False, name=None))
        return [self._payment(key, order_no) for key in keys]

    def _payment(self, key: tuple[str, ...], order_no: str) -> PaymentData:
        same = (self.payment[PAYMENT[0]] == key[0]) & (self.payment[PAYMENT[1]] == key[1])
        if not key[1]:  # without a transaction number nothing says that another order belongs to the same payment
            same &= self.payment[KEYS["payment"]] == order_no
        rows = self.payment[same].drop_duplicates(KEYS["payment"], keep="last")
        problems: list[Problem] = []
        typed = [self._typed(row, (*HEAD, *ORDER), problems) for row in rows.to_dict("records")]
        head = {path: typed[-1][path] for path in HEAD}
        problems += [
            Problem(path, "各订单记录不一致", "differs between the orders' records")
            for path in HEAD
            if any(values[path] != head[path] for values in typed)
        ]
        orders = [self._order({path: values[path] for path in ORDER}, problems) for values in typed]
        signer = self.files[int(rows.iloc[-1]["file"])][0].signer
        return PaymentData(head, orders, signer, list(dict.fromkeys(problems)))

    def _order(self, values: dict[str, Value], problems: list[Problem]) -> PaidOrder:
        rows = self.goods[self.goods[KEYS["goods"]] == values[KEYS["payment"]]]
        newest = rows[rows["file"] == rows["file"].max()] if len(rows) else rows
        goods = [self._typed(row, ("goods.name", "goods.link"), problems) for row in newest.to_dict("records")]
        return PaidOrder(values, [g for n, g in enumerate(goods) if g not in goods[:n]])

    def _typed(self, row: dict[Any, Any], paths: Iterable[str], problems: list[Problem]) -> dict[str, Value]:
        fields, made = self.files[int(row["file"])][1].fields, dict[str, Value]()
        for path in paths:
            try:
                made[path] = value(fields[path], str(row.get(path) or "")) if path in fields else None
            except ValueError:
                made[path] = None
                problems.append(Problem(path, "无法读取", "cannot be read"))
        return made


def read_archive(folder: Path) -> Archive:
    """All payment files of a folder. Raises ConfigurationError for a bad profile; a bad file is noted in `unread`."""
    read, unread = [], []
    known = profiles(folder)
    for path in sorted(p for p in folder.glob("*") if p.is_file() and p.suffix not in (".yaml", ".yml")):
        for profile in (p for p in known if fnmatch(path.name, p.files)):
            try:
                read += [(profile, table) for table in _tables(path, profile)]
                break
            except Trouble as trouble:
                log.warning("payment file %s by %s: %s", path.name, profile.name, trouble)
        else:
            unread.append(path.name)
    return Archive(_joined("payment", read), _joined("goods", read), read, unread)


def _tables(path: Path, profile: SourceProfile) -> list[RawTable]:
    document = Document(path.name, path.read_bytes())
    if document.is_empty():
        return []
    fit = recognise.fit(document, profile.layout)
    if fit.missing:
        raise Trouble("CAP-001", ", ".join(fit.missing))
    tables, notes, _ = extract.read(document, fit)
    if notes:
        log.warning("payment file %s: %d rows or notes: %s", path.name, len(notes), sorted({n["code"] for n in notes}))
    return tables


def _joined(name: str, read: list[tuple[SourceProfile, RawTable]]) -> pd.DataFrame:
    """One frame of texts for a table: constants laid in where another table's key has to be found."""
    columns = [KEYS[name], *(PAYMENT if name == "payment" else ()), "file"]
    frames = [_frame(table, number) for number, (_, table) in enumerate(read) if table.table == name]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({c: [] for c in columns}, dtype="str")


def _frame(table: RawTable, number: int) -> pd.DataFrame:
    frame = table.data.assign(file=number)
    for path in (*PAYMENT, *KEYS.values()):
        if path not in table.fields:
            if path.startswith(f"{table.table}."):
                frame[path] = ""
            continue
        one = table.fields[path]
        texts = frame[path] if path in frame else pd.Series([""] * len(frame), dtype="str")
        frame[path] = texts.map({t: str(value(one, t) or "") for t in texts.unique()})
    return frame


@lru_cache
def _members() -> dict[str, Member]:
    return {m.source: m for _, m in load("payload").walk() if m.source}


def value(one: Field, text: str) -> Value:
    """A text as the value that its field takes. Raises ValueError."""
    if one.path not in RAW:
        text = text.strip()
        text = one.aliases.get(codes.folded(text), text)
    text = (one.constant or "") if one.constant is not None else text or one.default or ""
    member = _members().get(one.path)
    if not text or member is None:
        return text
    if member.parts[0] == "N":
        return _number(text, one)
    if member.format == "time14":
        return _time(text, one)
    if member.code == _CUSTOMS_CURRENCY:
        return codes.currency(text) or codes.crosswalk(_CUSTOMS_CURRENCY).get(text, text)
    return codes.crosswalk(one.codes).get(text, text) if one.codes else text


def _number(text: str, one: Field) -> Decimal:
    turned = text.translate(str.maketrans(",.", ".,")) if one.decimal == "," else text
    if not _NUMBER.fullmatch(turned):
        raise ValueError("no number")
    return Decimal(turned.replace(",", "")) * Decimal(one.scale or 1)


def _time(text: str, one: Field) -> Value:
    notes = Cells(pd.Series(dtype="str"), distinct(pd.Series([text], dtype="str")))
    found = times([text], one, notes)[0]
    if notes.notes or pd.isna(found):
        raise ValueError("no time")
    return found.to_pydatetime()
