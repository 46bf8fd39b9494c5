"""What a field may have only, and what must stand or be absent under a regime (rules.yaml; rules.md, 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.forms import Cells
from adapters.sandbox.cn_customs.reading import Document
from adapters.sandbox.cn_customs.settings import Names

Faults = Iterable[str]


@dataclass(frozen=True)
class _Rules:
    """What rules.yaml says of a type under a regime."""

    stranger: bool  # the regime is none of the type's
    fixed: tuple[tuple[str, str], ...]
    one_of: tuple[tuple[str, tuple[str, ...]], ...]
    unlike: tuple[tuple[str, str], ...]
    head_needed: tuple[str, ...]
    head_absent: tuple[str, ...]
    line_needed: tuple[str, ...]
    line_absent: tuple[str, ...]
    line_fixed: tuple[tuple[str, str], ...]
    pick_line: Callable[[Cells], tuple[str, ...]]  # takes what a line needs out of it
    named: tuple[str, ...]  # the head's fields that any of these name, and what takes them out of a head
    pick: Callable[[dict[str, str]], tuple[str, ...]]


@cache
def _rules(type_: str, mode: str) -> _Rules:
    rules = settings.rules().get(type_, {})
    regimes = rules.get("regimes") or {}
    regime = regimes.get(mode, {})
    fixed = tuple({**rules.get("fixed", {}), **regime.get("fixed", {})}.items())
    one_of = tuple((name, tuple(values)) for name, values in rules.get("one_of", {}).items())
    unlike = tuple(rules.get("unlike", {}).items())
    needed, absent = tuple(regime.get("head_needed", ())), tuple(regime.get("head_absent", ()))
    line_needed = (*rules.get("line_needed", ()), *regime.get("line_needed", ()))
    named = tuple(dict.fromkeys([*(name for name, _ in (*fixed, *one_of, *unlike)), *needed, *absent]))
    lines = settings.declared()[type_].lines
    return _Rules(
        bool(regimes) and mode not in regimes, fixed, one_of, unlike, needed, absent, line_needed,
        tuple(regime.get("line_absent", ())), tuple(rules.get("line_fixed", {}).items()),
        _picking([lines.index(name) for name in line_needed]), named, _picking(named),
    )  # fmt: skip


def _picking(places: Sequence[Any]) -> Callable[[Any], tuple[str, ...]]:
    return itemgetter(*places) if len(places) > 1 else lambda cells: tuple(cells[place] for place in places)


def fixed_values(type_: str, document: Document) -> Faults:
    """What may have one value only, or must stand or be absent under the regime (rules.yaml)."""
    head = document.head
    mode = head.get("tradeMode", "")
    rules = _rules(type_, mode)
    faults: Faults = _of_head(type_, mode, rules.pick(head))
    needed, absent, fixed = rules.line_needed, rules.line_absent, rules.line_fixed
    if needed or absent or fixed:
        pick = rules.pick_line
        for line in document.lines:
            if absent or fixed or not all(map(str.strip, pick(line))):
                faults = [*faults, *_one(f"第{line[0]}项", named(type_, line), needed, absent, fixed)]
    return faults


@lru_cache(maxsize=2000)  # many documents have all of these in common
def _of_head(type_: str, mode: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """The faults of a head in the fields that the rules name."""
    rules = _rules(type_, mode)
    return tuple(_of_fields(rules, mode, dict(zip(rules.named, values, strict=True))))


def _of_fields(rules: _Rules, mode: str, head: dict[str, str]) -> Iterator[str]:
    if rules.stranger:
        yield f"贸易方式不支持],[tradeMode:{mode}"
    for name, value in rules.fixed:
        if head[name] != value:
            yield f"{name}只能为{value}],[{name}:{head[name]}"
    for name, values in rules.one_of:
        if head[name] not in values:
            yield f"{name}只能为{'、'.join(values)}],[{name}:{head[name]}"
    for name, value in rules.unlike:
        if head[name] == value:
            yield f"{name}不能为{value}],[{name}:{value}"
    yield from _one("", head, rules.head_needed, rules.head_absent, ())


def _one(
    place: str, cells: dict[str, str], needed: Names, absent: Names, fixed: tuple[tuple[str, str], ...]
) -> Iterator[str]:
    yield from (f"{place}{name}必须填写" for name in needed if not cells[name].strip())
    yield from (f"{place}{name}必须为空],[{name}:{cells[name]}" for name in absent if cells[name].strip())
    yield from (f"{place}{name}只能为{value}],[{name}:{cells[name]}" for name, value in fixed if cells[name] != value)


def named(type_: str, line: Cells) -> dict[str, str]:
    return dict(zip(settings.declared()[type_].lines, line, strict=True))
