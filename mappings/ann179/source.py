"""How a company's own payment files are read: a profile (YAML) a layout, in the manner of docs/profiles.md.

Announcement 179 wants what no declaration has: the raw request and answer of the payment, the seller's account, links
to the goods. A profile maps a file to two tables: `payment`, a row for each order of each payment (its payment's values
repeated), and `goods`, a row for each good of an order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mappings.ann179.message import load
from mappings.codes import folded
from mappings.errors import ConfigurationError
from mappings.profiles import layout

SHIPPED = Path(__file__).parent / "sources"
KEYS = {"payment": "payment.order_no", "goods": "goods.order_no"}


def known_fields() -> frozenset[str]:
    """Every field that a profile may fill: those that the payload takes, and the order that a good belongs to."""
    return frozenset({m.source for _, m in load("payload").walk() if m.source} | set(KEYS.values()))


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, coerce_numbers_to_str=True)


class _Field(_Model):
    source: str | list[str] = Field(default_factory=list, alias="from")
    constant: str | None = None
    default: str | None = None
    optional: bool = False
    aliases: dict[str, str] = {}
    codes: str = ""
    scale: str = Field("", pattern=r"^(\d+(\.\d+)?)?$")
    format: str | list[str] = Field(default_factory=list)
    timezone: str = ""
    decimal: Literal[".", ","] = "."


class _Table(_Model):
    rows: str = ""
    fields: dict[str, str | _Field]


class _Format(_Model):
    type: Literal["csv", "xlsx", "json", "jsonl", "xml"]
    encoding: str | list[str] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    header_row: int = Field(1, ge=1)
    sheet: str | int = 0
    records: str = ""


class _Profile(_Model):
    name: str
    files: str
    format: _Format
    timezone: str = "Asia/Shanghai"
    signer: str = ""
    tables: dict[Literal["payment", "goods"], _Table]


class SourceProfile(BaseModel):
    """A layout of payment files: those whose name fits `files` (a glob). `signer` signs, '' the platform itself."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    name: str
    files: str
    signer: str
    layout: layout.Profile


def read(path: Path) -> SourceProfile:
    """The profile in a YAML file. Raises ConfigurationError that says what is wrong with it."""
    try:
        raw = _Profile.model_validate(yaml.load(path.read_bytes(), yaml.CBaseLoader))  # noqa: S506 texts only
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path.name} cannot be read 无法读取: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(f"{path.name} is no profile of payment files 支付数据布局有误: {told}") from error
    return SourceProfile(name=raw.name, files=raw.files, signer=raw.signer, layout=_layout(raw, path.name))


def _layout(raw: _Profile, where: str) -> layout.Profile:
    f = raw.format
    sheet = int(f.sheet) if str(f.sheet).isdigit() else f.sheet
    source = layout.Source(
        f.type, _texts(f.encoding), f.delimiter, header_row=f.header_row, sheet=sheet, records=f.records
    )
    tables = {str(name): _table(name, table, raw, source, where) for name, table in raw.tables.items()}
    return layout.Profile(raw.name, "payment_company", source, tables, timezone=raw.timezone)


def _table(name: str, raw: _Table, profile: _Profile, source: layout.Source, where: str) -> layout.Table:
    fields = {f"{name}.{short}": _field(f"{name}.{short}", spec, profile) for short, spec in raw.fields.items()}
    unknown = sorted(set(fields) - known_fields())
    if unknown or KEYS[name] not in fields:
        told = f"there is no field 没有字段 {', '.join(unknown)}" if unknown else f"{KEYS[name]} is missing 缺少"
        raise ConfigurationError(f"{where}, table {name}: {told}")
    return layout.Table(name, fields, source, raw.rows)


def _field(path: str, raw: str | _Field, profile: _Profile) -> layout.Field:
    spec = _Field(source=raw) if isinstance(raw, str) else raw
    if not _texts(spec.source) and spec.constant is None:
        raise ConfigurationError(f"{profile.name}, {path}: from or constant is needed 需要 from 或 constant")
    return layout.Field(
        path=path,
        sources=_texts(spec.source),
        constant=spec.constant,
        default=spec.default,
        optional=spec.optional,
        aliases={folded(k): v for k, v in spec.aliases.items()},
        codes=spec.codes,
        scale=spec.scale,
        formats=_texts(spec.format),
        timezone=spec.timezone or profile.timezone,
        decimal=spec.decimal,
    )


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,) if value else ()


def profiles(folder: Path) -> list[SourceProfile]:
    """The company's own profiles (*.yaml in its folder of payment data), then the shipped ones of other names."""
    found: dict[str, SourceProfile] = {}
    for directory in (folder, SHIPPED):
        for path in sorted(directory.glob("*.yaml")):
            profile: Any = read(path)
            found.setdefault(profile.name, profile)
    return list(found.values())
