"""The parts of a profile: how a file is read, where each canonical value comes from, which lines are charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as made_by

PLACE = "{n}"  # in a heading: where the number of a repeated group of columns stands
FIND = -1  # a header row that is looked for
FORMATS = ("csv", "xlsx", "json", "jsonl", "xml")
ROLES = ("freight", "fee", "discount")
# What a sender may state besides the canonical fields: compared or worked into them, never declared as such.
EXTRA = {
    "order.pay_code": "text", "order.pay_no": "text", "order.line_count": "integer", "payment.pay_code": "text",
    "order.platform_code": "text", "order.seller_code": "text", "order.waybill_no": "text",
    "payment.platform_code": "text", "payment.seller_code": "text",
    "waybill.carrier_code": "text", "waybill.seller_code": "text",
    "line.unit_net_weight": "decimal",
}  # fmt: skip
TABLES = ("truck", "order", "buyer", "line", "inventory", "payment", "waybill", "goods")


@dataclass(frozen=True)
class Source:
    """How the bytes are read. `encodings` are tried in turn; `header_row` counts from 1, 0 means that none is there.

    FIND as `header_row`: the first row that has all of `landmarks`.
    """

    type: str
    encodings: tuple[str, ...] = ("utf-8",)
    delimiter: str = ","
    quote: str = '"'
    header_row: int = 1
    columns: tuple[str, ...] = ()
    sheet: str | int = 0
    records: str = ""
    header_rows: int = 1  # how many rows the headings take, from `header_row` on
    fill_down: tuple[str, ...] = ()  # columns whose empty cells mean what stands above (merged cells)
    ignore_rows: str = ""  # rows whose first text this finds are no data: totals, remarks, the end of a statement
    short_rows: bool = False  # a row may end early: what is missing is empty
    transposed: bool = False  # the headings stand in a column, each record beside them
    landmarks: tuple[str, ...] = ()
    decimal: str = "."  # how numbers that are no texts (cells, JSON) are written down for the fields

    @property
    def shaped(self) -> bool:
        """Whether the table must be arranged before its columns are columns."""
        asked = (self.header_rows > 1, self.fill_down, self.ignore_rows, self.short_rows, self.transposed)
        return self.header_row == FIND or any(asked)


@dataclass(frozen=True)
class Field:
    """Where one canonical value comes from and how it is written there."""

    path: str
    sources: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    glue: str = " "
    constant: str | None = None
    default: str | None = None
    optional: bool = False
    aliases: Mapping[str, str] = made_by(default_factory=dict)
    codes: str = ""
    scale: str = ""
    unit: str = ""
    unit_from: str = ""
    unit_written: bool = False
    pad: int = 0
    minor_unit: bool = False
    formats: tuple[str, ...] = ()
    timezone: str = "Asia/Shanghai"
    decimal: str = "."
    grouping: str | None = None
    matches: str = ""
    extract: str = ""
    subtree: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """All columns (or paths) that this field reads."""
        return (*self.sources, *self.join, *([self.unit_from] if self.unit_from else []))

    @property
    def heading(self) -> str:
        """The column as a fault names it."""
        return " + ".join(self.join) or " / ".join(self.sources)


@dataclass(frozen=True)
class Table:
    """A canonical table as found in a file: one row a row of the file, or of the list at `rows` inside a record.

    `source` is the profile's, but for a sheet, header row or path of records that the table names itself.
    """

    name: str
    fields: Mapping[str, Field]
    source: Source
    rows: str = ""
    where: Mapping[str, tuple[str, ...]] = made_by(default_factory=dict)
    where_not: Mapping[str, tuple[str, ...]] = made_by(default_factory=dict)
    once_per: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[Table, ...]:
        """The table at each place where a row holds it: itself, or one for each text of `repeat` in place of {n}."""
        return tuple(self._at(n) for n in self.repeat) or (self,)

    def _at(self, n: str) -> Table:
        def put(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(text.replace(PLACE, n) for text in texts)

        fields = {
            path: replace(f, sources=put(f.sources), join=put(f.join), unit_from=f.unit_from.replace(PLACE, n))
            for path, f in self.fields.items()
        }
        return replace(self, fields=fields, repeat=())


@dataclass(frozen=True)
class Charges:
    """Lines that are no goods: the code of a line's `field` -> its role (freight, fee, discount)."""

    field: str = "line.item_no"
    roles: Mapping[str, str] = made_by(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """A layout of one sender."""

    name: str
    sender: str
    source: Source
    tables: Mapping[str, Table]
    title_zh: str = ""
    title_en: str = ""
    file_name: str = ""
    required: tuple[str, ...] = ()
    empty: frozenset[str] = frozenset({""})
    timezone: str = "Asia/Shanghai"
    charges: Charges = Charges()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The places in the file that its tables are read from."""
        return tuple(dict.fromkeys(table.source for table in self.tables.values()))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The headings without which a file does not fit."""
        if self.required:
            return self.required
        found: dict[str, None] = {}
        for table in self.tables.values():
            for one in table.places[0].fields.values():
                if not one.optional and one.constant is None:
                    found.update(dict.fromkeys((*one.sources[:1], *one.join)))
                    found.update({one.subtree: None} if one.subtree else {})
        return tuple(found)

    @property
    def known(self) -> tuple[str, ...]:
        """Every heading that the profile reads."""
        found: dict[str, None] = dict.fromkeys(self.wanted)
        for table in self.tables.values():
            for one in (one for place in table.places for one in place.fields.values()):
                found.update(dict.fromkeys(one.headings))
        return tuple(found)
