"""The message files of this folder, and whether values keep them (fields.csv, Ann179; JSON members in this order).

A type is written as in the other message files: C36 exactly 36 characters, C..60 up to 60, C any length, N19,5 a
decimal of 19 digits with 5 decimals, N a whole number; object and list are members that have a segment of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mappings import yamls
from mappings.engine import codes
from mappings.errors import ConfigurationError

_HERE = Path(__file__).parent
_TYPE = re.compile(r"^(?:(?P<kind>[CN])(?P<upto>\.\.)?(?P<length>\d+)?(?:,(?P<decimals>\d+))?|object|list)$")
_UNWRITABLE = re.compile("[\ud800-\udfff]")
NAMES = ("request", "payload", "answer")


@dataclass(frozen=True)
class Member:
    """One member of a JSON object."""

    tag: str
    type: str
    use: str
    zh: str
    en: str
    source: str = ""
    code: str = ""
    format: str = ""
    personal: bool = False

    @property
    def parts(self) -> tuple[str, int | None, bool, int]:
        """Kind ("C", "N", or "" for object and list), greatest length, whether it is exact, decimals."""
        found = _TYPE.match(self.type)
        if found is None:
            raise ConfigurationError(f"{self.tag} has type {self.type!r} 类型有误; write C36, C..60, N19,5, N, list")
        length = int(found["length"]) if found["length"] else None
        exact = found["kind"] == "C" and not found["upto"] and length is not None
        return found["kind"] or "", length, exact, int(found["decimals"] or 0)


class Problem(NamedTuple):
    """What is wrong with one member; never its value."""

    field: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.field} {self.zh} {self.en}"


@dataclass(frozen=True)
class Message:
    """One message: its segments, each with its members in order."""

    name: str
    title: Mapping[str, str]
    root: str
    segments: Mapping[str, tuple[Member, ...]]

    def walk(self) -> Iterator[tuple[str, Member]]:
        """Every member with its segment."""
        for segment, members in self.segments.items():
            for member in members:
                yield segment, member


@lru_cache
def load(name: str) -> Message:
    """The message "request", "payload" or "answer". Raises ConfigurationError."""
    path = _HERE / f"{name}.yaml"
    if name not in NAMES:
        raise ConfigurationError(f"Announcement 179 has no message {name!r} 没有该报文")
    raw = yamls.load(path.read_text("utf-8"))
    segments = {tag: tuple(_member(m) for m in members) for tag, members in raw["segments"].items()}
    return Message(raw["message"], raw["title"], raw["root"], segments)


def _member(raw: dict[str, Any]) -> Member:
    made = Member(**{"source" if k == "from" else k: v for k, v in raw.items()})
    made.parts  # noqa: B018 - a wrong type is told when the file is read
    return made


def check(segment: str, members: tuple[Member, ...], values: Mapping[str, Any], day: date) -> list[Problem]:
    """What is wrong with the values of one segment (by tag; '' or None is absent), all of it at once."""
    found = (_problem(member, values.get(member.tag), day) for member in members)
    return [Problem(f"{segment}.{p.field}", p.zh, p.en) for p in found if p is not None]


def _problem(member: Member, value: Any, day: date) -> Problem | None:
    kind, length, exact, decimals = member.parts
    if value is None or value in ("", []):
        return Problem(member.tag, "必填", "is missing") if member.use == "M" else None
    if not kind:
        return None
    told = _number(value, length, decimals) if kind == "N" else _text(str(value), length, exact)
    if told is None and member.code and not _known(member.code, str(value), day):
        told = ("代码不在代码表中", "is no code of its list")
    return None if told is None else Problem(member.tag, *told)


def _text(value: str, length: int | None, exact: bool) -> tuple[str, str] | None:
    if _UNWRITABLE.search(value):
        return "含有无法写出的字符", "has characters that no text can hold"
    if length is not None and (len(value) > length or (exact and len(value) != length)):
        return f"长度应为{'' if exact else '不超过'}{length}", f"has {len(value)} characters, not {length}"
    return None


def _number(value: Any, length: int | None, decimals: int) -> tuple[str, str] | None:
    try:
        number = Decimal(value)
    except (ArithmeticError, ValueError, TypeError):
        return "不是有效数值", "is no number"
    if not number.is_finite() or number < 0:
        return "不是有效数值", "is no number of 0 or more"
    digits = plain(number)
    whole, _, rest = digits.partition(".")
    if len(rest) > decimals or (length is not None and len(whole) > length - decimals):
        return f"超出{length or ''}位{decimals}小数", "has too many digits"
    return None


def _known(name: str, code: str, day: date) -> bool:
    found = codes.load(*name.split("/")).codes.get(code)
    return found is not None and found.valid(day)


def plain(number: Decimal) -> str:
    """A decimal as JSON has it here: no exponent, no zeros at its end (100, 5.5), no float in between."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
