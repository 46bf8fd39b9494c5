"""Under which key a row of the pool is found: its order number, or, for registered goods, its item number."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.ledger.pool import ITEM, ORDER
from mappings import rules
from mappings.profiles import Profile
from tasks.capture.captured import RawTable
from tasks.capture.extract import Rows
from tasks.cleaning import cells

POOLED = ("order", "buyer", "line", "payment", "goods")
_BY = {"goods": ITEM}
_NAME = {ORDER: "order_no", ITEM: "item_no"}


def keyed_by(table: str) -> str:
    """What the rows of a table are found by."""
    return _BY.get(table, ORDER)


def path_of(table: str) -> str:
    """The column that holds a table's key."""
    return f"{table}.{_NAME[keyed_by(table)]}"


def texts(raw: RawTable, path: str) -> list[str]:
    """A column as cleaning will read it: tidied as an identifier."""
    if path not in raw.data:
        return [""] * len(raw.rows)
    quality, found = rules.quality(), cells.distinct(raw.data[path])
    known = raw.fields[path]
    tidied, _ = cells.tidy(found, known, raw.empty, path in quality.identifiers, quality.squeeze.get(path, ""))
    return [tidied[code] for code in found.codes.tolist()]


def all_texts(raws: Iterable[RawTable], path: str) -> list[str]:
    """The distinct values of a column in several tables, without the empty one."""
    return [text for text in dict.fromkeys(t for raw in raws for t in texts(raw, path)) if text]


def _paths(profile: Profile) -> dict[str, str]:
    named = {name: path_of(name) for name in profile.tables if name in POOLED}
    return {name: path for name, path in named.items() if path in profile.tables[name].fields}


def of_rows(rows: Rows) -> list[tuple[str, str] | None]:
    """For each record what finds it, as (order or item, key); None where it is no row of any table.

    A key of "" is a row that some table takes and that says no key.
    """
    paths, found = _paths(rows.profile), dict[int, tuple[str, str]]()
    for raw in rows.tables(paths):
        by = keyed_by(raw.table)
        for number, key in zip(raw.rows.tolist(), texts(raw, paths[raw.table]), strict=True):
            if key or number not in found:
                found[number] = (by, key)
    return [found.get(number) for number in rows.numbers.tolist()]
