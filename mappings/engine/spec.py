"""Message files: loading and the shape that the rest of the engine works on.

A message file (mappings/<authority>/messages/<name>.yaml) names its segments in schema order. A field's `type` is the
authority's own notation: C36 exactly 36 characters, C..60 up to 60, N19,5 a decimal of 19 digits with 5 decimals, N9
a whole number of 9 digits. `use` is M mandatory, O optional, C conditional (`needed` says when). `from` is the
canonical path that fills it, `value` a constant, `default` what stands in for an empty value, `code` the authority's
code list, `format` a form of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import yamls
from mappings.errors import ConfigurationError, Unsupported

MAPPINGS = Path(__file__).resolve().parent.parent
_TYPE = re.compile(r"^(?P<kind>[CN])(?P<upto>\.\.)?(?P<length>\d+)?(?:,(?P<decimals>\d+))?$")
_OCCURS = re.compile(r"^(\d+)\.\.(\d+|\*)$")


@dataclass(frozen=True)
class Field:
    """One element of a message that holds a value."""

    tag: str
    kind: str  # "C" text or "N" number
    length: int | None
    fixed: bool
    decimals: int | None
    use: str
    source: str = ""
    value: str = ""
    default: str = ""
    code: str = ""
    format: str = ""
    personal: bool = False
    needed: str = ""
    differs: str = ""
    zh: str = ""
    en: str = ""

    @property
    def notation(self) -> str:
        """The type in the authority's notation."""
        length = "" if self.length is None else str(self.length)
        upto = ".." if self.kind == "C" and not self.fixed and length else ""
        return f"{self.kind}{upto}{length}" + (f",{self.decimals}" if self.decimals else "")


@dataclass(frozen=True)
class Segment:
    """A group of elements; `most` is None where the schema sets no limit."""

    tag: str
    least: int
    most: int | None
    fields: tuple[Field, ...] = ()
    contains: tuple[str, ...] = ()
    zh: str = ""
    en: str = ""
    signature: bool = False
    any: bool = False

    @property
    def repeats(self) -> bool:
        """Whether it may stand more than once."""
        return self.most != 1


@dataclass(frozen=True)
class MessageSpec:
    """One message type as its file describes it."""

    type: str
    authority: str
    title: dict[str, str]
    direction: str
    namespace: str
    prefix: str
    version: str
    document: str
    attributes: tuple[str, ...]
    root: tuple[str, ...]
    segments: dict[str, Segment]
    receipt: str = ""
    answers: str = ""
    traffic: str = "export"  # or import: which of an authority's two doors a message goes to
    filled: bool = False
    unverified: bool = False
    notes: str = ""
    path: Path = field(default=Path(), compare=False)

    def walk(self) -> Iterator[tuple[Segment, Field]]:
        """Every field with its segment, in schema order."""
        for segment in self.segments.values():
            for item in segment.fields:
                yield segment, item

    def find(self, tag: str, segment: str = "") -> tuple[Segment, Field] | None:
        """The first field named `tag`, in `segment` if given."""
        return next(((s, f) for s, f in self.walk() if f.tag == tag and segment in ("", s.tag)), None)

    def demanding(self, paths: tuple[str, ...]) -> MessageSpec:
        """The same type, in which the fields filled from these paths are mandatory: what a regime asks for."""
        return _demanding(self.type, paths) if paths else self

    @property
    def most_documents(self) -> int:
        """How many documents one message may hold."""
        return self.segments[self.document].most or 2**31


def _field(raw: dict[str, Any], where: str) -> Field:
    form = _TYPE.match(str(raw.get("type", "")))
    if form is None:
        raise ConfigurationError(
            f"{where}: field {raw.get('tag')!r} has type {raw.get('type')!r}; write C36, C..60, N9"
        )
    number = form["kind"] == "N"
    return Field(
        tag=raw["tag"],
        kind=form["kind"],
        length=int(form["length"]) if form["length"] else None,
        fixed=not number and not form["upto"] and form["length"] is not None,
        decimals=int(form["decimals"]) if form["decimals"] else None,
        use=raw["use"],
        source=raw.get("from", ""),
        value=str(raw.get("value", "")),
        default=str(raw.get("default", "")),
        **{k: raw[k] for k in ("code", "format", "personal", "needed", "differs", "zh", "en") if k in raw},
    )


def _segment(tag: str, raw: dict[str, Any], where: str) -> Segment:
    occurs = _OCCURS.match(raw.get("occurs", "1..1"))
    if occurs is None:
        raise ConfigurationError(f"{where}: segment {tag} has occurs {raw['occurs']!r}; write 1..100 or 0..*")
    return Segment(
        tag=tag,
        least=int(occurs[1]),
        most=None if occurs[2] == "*" else int(occurs[2]),
        fields=tuple(_field(f, where) for f in raw.get("fields", ())),
        contains=tuple(raw.get("contains", ())),
        **{k: raw[k] for k in ("zh", "en", "signature", "any") if k in raw},
    )


@lru_cache
def _yaml(path: Path) -> dict[str, Any]:
    return yamls.load(path.read_text(encoding="utf-8"))


def _build(path: Path) -> MessageSpec:
    raw, where = _yaml(path), f"{path.parent.parent.name}/{path.name}"
    segments = {tag: _segment(tag, item, where) for tag, item in raw["segments"].items()}
    root = (raw["document"], *raw.get("after", ()))
    if raw.get("before"):
        root = (*raw["before"], *root)
    if raw.get("tail"):
        tail = _yaml(path.parent / "_tail.yaml")
        shared = {tag: _segment(tag, item, where) for tag, item in tail["segments"].items()}
        segments |= shared | {tag: segments.pop(tag) for tag in shared if tag in segments}
        root += tuple(tail["order"][raw["tail"]])
    return MessageSpec(
        type=raw["message"],
        authority=path.parent.parent.name,
        title=raw["title"],
        direction=raw["direction"],
        namespace=raw["namespace"],
        prefix=raw.get("prefix", "ceb"),
        version=str(raw.get("version", "1.0")),
        document=raw["document"],
        attributes=tuple(raw.get("attributes", ("guid", "version"))),
        root=root,
        segments=segments,
        receipt=raw.get("receipt", ""),
        answers=raw.get("answers", ""),
        traffic=raw.get("tail", "export"),
        filled=raw.get("mandatory_text") == "filled",
        unverified=bool(raw.get("unverified", False)),
        notes=raw.get("notes", ""),
        path=path,
    )


@lru_cache
def _files() -> dict[str, Path]:
    paths = sorted(MAPPINGS.glob("*/messages/[!_]*.yaml"))
    return {_yaml(p)["message"]: p for p in paths}


def all_types(authority: str = "") -> list[str]:
    """The root names of all message types that we know, of one authority if given."""
    return [t for t, p in _files().items() if authority in ("", p.parent.parent.name)]


@lru_cache
def load(message_type: str) -> MessageSpec:
    """The message type with this root name. Raises Unsupported where we have no file for it."""
    path = _files().get(message_type)
    if path is None:
        raise Unsupported(
            f"There is no message type {message_type}: `tongguan messages` lists all "
            f"没有报文类型 {message_type}：见 tongguan messages"
        )
    return _build(path)


@lru_cache(maxsize=256)
def _demanding(message_type: str, paths: tuple[str, ...]) -> MessageSpec:
    message = load(message_type)

    def asked(segment: Segment) -> Segment:
        fields = (replace(item, use="M") if item.source in paths else item for item in segment.fields)
        return replace(segment, fields=tuple(fields))

    return replace(message, segments={tag: asked(segment) for tag, segment in message.segments.items()})
