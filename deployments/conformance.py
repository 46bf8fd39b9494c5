"""What is there for each message type, found in the files that make it so: `tongguan messages`, docs/conformance.md.

Written: its file fills it from canonical data. Read: a receipt table makes a state of it. Schema: from its file, and
whether the authority's own is public. Flow: a procedure or an application sends it or waits for its answer. Golden: a
pair in tests/golden. Sandbox: its programs deal with it. A cell without a fact has a reason (conformance.yaml).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import applications, procedures, yamls
from mappings.engine import spec
from mappings.engine.spec import MAPPINGS, MessageSpec

ROOT = Path(__file__).parent.parent
COLUMNS = ("written", "read", "schema", "flow", "golden", "sandbox")
_SANDBOX = ROOT / "adapters/sandbox"
_TYPE = re.compile(r"\b(?:CEB\d{3}Message|HKRoad[A-Z]\w+)\b")


@dataclass(frozen=True)
class Cell:
    """A fact (`there`), or the reason why there is none, in both languages; `works` where that is no gap."""

    there: bool
    zh: str
    en: str
    works: bool = True

    @property
    def mark(self) -> str:
        """What a table shows of it."""
        return "✓" if self.there else "○" if self.works else "–"


def _load(path: Path) -> Any:
    return yamls.load(path.read_text("utf-8")) or {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _strings(path: Path) -> Iterator[str]:
    """The texts in a program, without those that only explain it."""
    tree = ast.parse(path.read_text("utf-8"))
    explaining = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explaining:
            yield node.value


@lru_cache
def _played() -> frozenset[str]:
    """The types that a sandbox's programs and tables name, and the answers to what they take."""
    texts = [text for path in sorted(_SANDBOX.rglob("*.yaml")) for text in _texts(_load(path))]
    texts += [text for path in sorted(_SANDBOX.rglob("*.py")) for text in _strings(path)]
    return frozenset(found for text in texts for found in _TYPE.findall(text))


@lru_cache
def _receipts() -> frozenset[str]:
    """The types that a receipt table makes states of."""
    found: set[str] = set()
    for path in sorted(MAPPINGS.glob("*/receipts*.yaml")):
        held = _load(path)
        found |= {row["receipt"] for row in held.get("documents", {}).values() if row.get("receipt")}
        found |= {held[name] for name in ("unreadable", "answer") if held.get(name)}
        found |= (
            set(held.get("notices", {})) | set(held.get("bills", {}).get("tellings", ())) | set(held.get("results", {}))
        )
    return frozenset(found)


@lru_cache
def _procedures() -> dict[str, list[str]]:
    """Each type that a procedure or an application sends -> the names of these."""
    found: dict[str, list[str]] = {}
    for procedure in procedures.every():
        for step in procedure.steps:
            for name in step.sends:
                found.setdefault(name, []).append(procedure.name)
    for rule in applications.rules().values():
        found.setdefault(rule.sends, []).append(rule.kind)
    return found


def _asked(message: MessageSpec) -> list[str]:
    """The types that a message answers, or that a notice, a result or a bill is about."""
    answered = [t for t in spec.all_types(message.authority) if spec.load(t).receipt == message.type]
    return answered or _about(message)


def _about(message: MessageSpec) -> list[str]:
    """What a receipt table says that an unasked message is about."""
    path = MAPPINGS / message.authority / "receipts.yaml"
    held = _load(path) if path.is_file() else {}
    result = held.get("results", {}).get(message.type, {})
    bills = held.get("bills", {})
    return ([result["declared"]] if result else []) + (
        bills["about"] if message.type in bills.get("tellings", ()) else []
    )


def _filled(message: MessageSpec) -> bool:
    inside = [message.document, *message.segments[message.document].contains]
    return any(item.source for tag in inside for item in message.segments[tag].fields)


def golden(message_type: str) -> Path:
    """Where the golden pair of a type lies (its .json is beside it)."""
    return ROOT / "tests/golden/pairs" / spec.load(message_type).authority / f"{message_type}.xml"


def _written(m: MessageSpec) -> tuple[str, str] | None:
    return ("由统一数据生成", "from canonical data") if m.direction == "send" and _filled(m) else None


def _read(m: MessageSpec) -> tuple[str, str] | None:
    return ("归入申报状态", "becomes a state") if m.direction == "receive" and m.type in _receipts() else None


def _schema(m: MessageSpec) -> tuple[str, str]:
    if m.unverified:
        return "自定格式，官方格式未公开", "ours: the authority's is not public"
    differing = sum(bool(item.differs) for _, item in m.walk())
    return (
        "202205 版" + (f"，{differing} 处与文本不一致" if differing else ""),
        "202205" + (f", its sources differ on {differing}" if differing else ""),
    )


def _flow(m: MessageSpec) -> tuple[str, str] | None:
    found = [n for t in [m.type, *_asked(m)] for n in _procedures().get(t, ())]
    names = dict.fromkeys(found)
    if not names and m.type in _receipts() and not _asked(m):
        return "任何流程", "any"
    return (text := ", ".join(names), text) if names else None


def _golden(m: MessageSpec) -> tuple[str, str] | None:
    path = golden(m.type)
    there = path.is_file() and path.with_suffix(".json").is_file()
    return ("有", "yes") if there else None


def _sandbox(m: MessageSpec) -> tuple[str, str] | None:
    return ("有", "yes") if m.type in _played() else None


_FACTS = {"written": _written, "read": _read, "schema": _schema, "flow": _flow, "golden": _golden, "sandbox": _sandbox}


@lru_cache
def _reasons() -> Any:
    return _load(Path(__file__).with_name("conformance.yaml"))


def cell(message_type: str, column: str) -> Cell:
    """What is there of a column for a type, or the reason why not. Raises KeyError where there is neither."""
    message, given = spec.load(message_type), _reasons()
    fact = _FACTS[column](message)
    if fact:
        return Cell(True, *fact)
    own = given["types"].get(message_type, {}).get(column)
    reason = given["reasons"][own or given["default"][column][message.direction]]
    return Cell(False, reason["zh"], reason["en"], bool(reason.get("works", False)))


def row(message_type: str) -> dict[str, Cell]:
    """Every column of a type."""
    return {column: cell(message_type, column) for column in COLUMNS}


def _shown(message_type: str, found: Cell, column: str) -> str:
    if column == "golden" and found.there:
        path = golden(message_type).relative_to(ROOT)
        return f"✓ [xml](../{path}) [json](../{path.with_suffix('.json')})"
    return f"{found.mark} {found.zh}" + (f"<br>{found.en}" if found.en != found.zh else "")


HEADINGS = (
    "Message 报文",
    "Direction 方向",
    "Written 生成",
    "Read 读取",
    "Schema 格式",
    "Flow 流程",
    "Golden pair 样例",
    "Sandbox 沙箱",
)
INTRODUCTION = """Made from the files that make each cell true: the message files, the receipt tables, the procedures,
the pairs in tests/golden, the sandboxes' own tables and programs. ✓ is a fact; ○ works with the parts that serve every
type; – is a gap. The latter two say why. Every type, whatever its cells say, is read, checked by schema, turned into
a table or JSON and back (`tongguan convert`); the round trip is under test.
本表由各定义文件生成：✓ 为已有，○ 由通用读写支持，– 为缺口，后两者附原因；所有报文均可读取、校验并与表格互转。"""


def page_rows() -> list[list[str]]:
    """The rows of docs/conformance.md, one a type."""
    found = []
    for name in spec.all_types():
        m = spec.load(name)
        head = [f"[{name}](messages/{name}.md)<br>{m.title['zh']} {m.title['en']}", m.direction]
        found.append(head + [_shown(name, cell, column) for column, cell in row(name).items()])
    return found
