"""A profile from its YAML, with every unknown key refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from typing import Any

from mappings import codes
from mappings.canonical import columns
from mappings.errors import ConfigurationError
from mappings.faults import OWNERS
from mappings.profiles.layout import EXTRA, FIND, FORMATS, ROLES, TABLES, Charges, Field, Profile, Source, Table


class _Keys:
    """The keys of one mapping of a profile; what nobody asked for is an error."""

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, Mapping):
            raise ConfigurationError(f"{where}: a mapping is expected, not {content!r}")
        self.content, self.where, self.asked = content, where, set[str]()

    def get(self, key: str, otherwise: Any = None) -> Any:
        self.asked.add(key)
        return self.content.get(key, otherwise)

    def need(self, key: str) -> Any:
        value = self.get(key)
        if value in (None, "", {}, []):
            raise ConfigurationError(f"{self.where}: {key} is missing")
        return value

    def done(self) -> None:
        unknown = [str(key) for key in self.content if key not in self.asked]
        if unknown:
            raise ConfigurationError(
                f"{self.where}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(self.asked))}"
            )


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(v) for v in value) if isinstance(value, (list, tuple)) else (str(value),)


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _regex(text: Any, where: str, groups: int = 0) -> str:
    try:
        if text and re.compile(str(text)).groups < groups:
            raise ConfigurationError(f"{where}: the pattern {text!r} needs a group in brackets")
    except re.error as error:
        raise ConfigurationError(f"{where}: {text!r} is no regular expression: {error}") from error
    return str(text or "")


def _field(path: str, content: Any, where: str, defaults: Mapping[str, Any]) -> Field:
    keys = _Keys(content if isinstance(content, Mapping) else {"from": content}, f"{where}, field {path}")
    made = Field(
        path=path,
        sources=_texts(keys.get("from")),
        join=_texts(keys.get("join")),
        glue=str(keys.get("with", " ")),
        constant=_optional_text(keys.get("constant")),
        default=_optional_text(keys.get("default")),
        optional=bool(keys.get("optional", False)),
        aliases={codes.folded(str(k)): str(v or "") for k, v in (keys.get("aliases") or {}).items()},
        codes=str(keys.get("codes", "")),
        scale=str(keys.get("scale", "")),
        unit=str(keys.get("unit", "")),
        unit_written=keys.get("unit_written", False) is True,
        pad=_digits(keys.get("pad", "0"), f"{keys.where}: pad"),
        unit_from=str(keys.get("unit_from", "")),
        minor_unit=bool(keys.get("minor_unit", False)),
        formats=_texts(keys.get("format")),
        timezone=str(keys.get("timezone", defaults["timezone"])),
        decimal=str(keys.get("decimal", defaults["decimal"])),
        grouping=_optional_text(keys.get("grouping", defaults["grouping"])),
        matches=_regex(keys.get("matches"), keys.where),
        extract=_regex(keys.get("extract"), keys.where, groups=1),
        subtree=str(keys.get("subtree", "")),
    )
    keys.done()
    _check_field(made, keys.where)
    return made


def _check_field(one: Field, where: str) -> None:
    if not (one.headings or one.subtree) and one.constant is None:
        raise ConfigurationError(f"{where}: one of from, join, constant or subtree is needed")
    if one.codes:
        try:
            codes.path(one.codes)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {error}") from error
    if one.unit and not codes.kilograms(codes.unit(one.unit)):
        raise ConfigurationError(f"{where}: {one.unit!r} is no unit of mass")
    if one.decimal not in (".", ","):
        raise ConfigurationError(f"{where}: decimal is '.' or ','")
    if one.scale and not re.fullmatch(r"\d+(\.\d+)?", one.scale):
        raise ConfigurationError(f"{where}: scale {one.scale!r} is no plain number")


def _known_path(table: str, path: str) -> bool:
    return table == "truck" or path in columns.columns(table) or path in EXTRA


def _where(value: Any, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: a mapping of heading to value(s) is expected")
    return {str(k): _texts(v) for k, v in value.items()}


def _table(name: str, content: Any, where: str, defaults: Mapping[str, Any], source: Source) -> Table:
    where = f"{where}, table {name}"
    if name not in TABLES:
        raise ConfigurationError(f"{where}: there is no such table; there are {', '.join(TABLES)}")
    keys = _Keys(content, where)
    made = {}
    for short, spec in keys.need("fields").items():
        path = f"{name}.{short}"
        if not _known_path(name, path):
            raise ConfigurationError(f"{where}: there is no field {short!r}")
        made[path] = _field(path, spec, where, defaults)
    table = Table(
        name,
        made,
        _own_source(keys, source),
        str(keys.get("rows", "")),
        _where(keys.get("where", {}), where),
        _where(keys.get("where_not", {}), where),
        tuple(f"{name}.{short}" for short in _texts(keys.get("once_per"))),
        _texts(keys.get("repeat")),
    )
    keys.done()
    return table


def _own_source(keys: _Keys, source: Source) -> Source:
    own = _shape(keys, keys.where, keys.content)
    if (sheet := keys.get("sheet")) is not None:
        own["sheet"] = _sheet(sheet)
    if (records := keys.get("records")) is not None:
        own["records"] = str(records)
    return replace(source, **own)


_SHAPE = ("header_row", "header_rows", "columns", "fill_down", "ignore_rows", "short_rows", "transposed")


def _shape(keys: _Keys, where: str, given: Container[str]) -> dict[str, Any]:
    """How the rows of a place are laid out: of the keys that are given (all of them for `format`)."""
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "header_row": ("1", lambda v: _header(str(v), f"{where}: header_row")),
        "header_rows": ("1", lambda v: _digits(v, f"{where}: header_rows")),
        "columns": ("", lambda v: _texts(v or None)),
        "fill_down": ("", lambda v: _texts(v or None)),
        "ignore_rows": ("", lambda v: _regex(v, f"{where}: ignore_rows")),
        "short_rows": ("false", lambda v: v is True),
        "transposed": ("false", lambda v: v is True),
    }
    found = {name: read(keys.get(name, usual)) for name, (usual, read) in readers.items()}
    return {name: value for name, value in found.items() if name in given}


def _sheet(named: Any) -> str | int:
    return int(named) if str(named).isdigit() else str(named)


def _source(content: Any, where: str) -> Source:
    keys = _Keys(content, f"{where}, format")
    names = {"tab": "\t", "semicolon": ";", "comma": ",", "pipe": "|"}
    delimiter = str(keys.get("delimiter", ","))
    source = Source(
        type=str(keys.need("type")),
        encodings=_texts(keys.get("encoding", "utf-8")),
        delimiter=names.get(delimiter, delimiter),
        quote=str(keys.get("quote", '"')),
        **_shape(keys, f"{where}, format", _SHAPE),
        sheet=_sheet(keys.get("sheet", "0")),
        records=str(keys.get("records", "")),
    )
    keys.done()
    if source.type not in FORMATS:
        raise ConfigurationError(f"{where}: the format type {source.type!r} is none of {', '.join(FORMATS)}")
    if not source.header_row and not source.columns and source.type in ("csv", "xlsx"):
        raise ConfigurationError(f"{where}: without a header row, columns must name the columns")
    if source.type == "csv" and len(source.delimiter) != 1:
        raise ConfigurationError(f"{where}: a delimiter is one character, not {source.delimiter!r}")
    for name in source.encodings:
        try:
            "".encode(name)
        except LookupError as error:
            raise ConfigurationError(f"{where}: there is no encoding {name!r}") from error
    return source


def _header(text: str, where: str) -> int:
    words = {"none": 0, "find": FIND}
    if text not in words and not text.isdigit():
        raise ConfigurationError(f"{where}: a row number from 1, find or none is expected, not {text!r}")
    return words[text] if text in words else int(text)


def _digits(text: Any, where: str) -> int:
    if not str(text).isdigit():
        raise ConfigurationError(f"{where}: a number is expected, not {text!r}")
    return int(str(text))


def _landmarks(tables: dict[str, Table]) -> dict[str, Table]:
    """The tables, each source whose header row is looked for with the headings that show it."""
    marks: dict[Source, dict[str, None]] = {}
    for table in tables.values():
        found = marks.setdefault(table.source, {})
        for one in table.places[0].fields.values():
            if not one.optional and one.constant is None:
                found.update(dict.fromkeys((*one.sources[:1], *one.join)))
    return {
        name: replace(table, source=replace(table.source, landmarks=tuple(marks[table.source])))
        if table.source.header_row == FIND else table
        for name, table in tables.items()
    }  # fmt: skip


def _charges(content: Any, where: str) -> Charges:
    keys = _Keys(content, f"{where}, charges")
    roles = {str(k): str(v) for k, v in keys.need("codes").items()}
    charges = Charges(f"line.{keys.get('field', 'item_no')}", roles)
    keys.done()
    wrong = sorted(set(roles.values()) - set(ROLES))
    if wrong:
        raise ConfigurationError(f"{where}, charges: {', '.join(wrong)} is none of {', '.join(ROLES)}")
    return charges


def build(content: Mapping[str, Any], where: str) -> Profile:
    """The profile that a YAML mapping describes; `where` names it in errors. Raises ConfigurationError."""
    keys = _Keys(content, where)
    defaults = {k: keys.get(k, v) for k, v in {"timezone": "Asia/Shanghai", "decimal": ".", "grouping": None}.items()}
    recognise = _Keys(keys.get("recognise", {}), f"{where}, recognise")
    title = _Keys(keys.get("title", {}), f"{where}, title")
    tables = keys.need("tables")
    source = replace(_source(keys.need("format"), where), decimal=str(defaults["decimal"]))
    profile = Profile(
        name=str(keys.need("name")),
        sender=str(keys.need("sender")),
        source=source,
        tables=_landmarks({name: _table(name, spec, where, defaults, source) for name, spec in tables.items()}),
        title_zh=str(title.get("zh", "")),
        title_en=str(title.get("en", "")),
        file_name=str(recognise.get("name", "")),
        required=_texts(recognise.get("headings")),
        empty=frozenset({"", *(codes.folded(e) for e in _texts(keys.get("empty")))}),
        timezone=str(defaults["timezone"]),
        charges=_charges(keys.get("charges"), where) if keys.get("charges") else Charges(),
    )
    for part in (recognise, title, keys):
        part.done()
    if profile.sender not in OWNERS:
        raise ConfigurationError(f"{where}: the sender {profile.sender!r} is none of {', '.join(OWNERS)}")
    return profile
