"""Procedures: the order of steps and gates of one kind of crossing, and what a shipment waits for, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mappings.errors import ConfigurationError, Unsupported

_FILES = {
    **{("export", regime): "export_9610.yaml" for regime in ("9610", "9710", "9810", "1210")},  # the same messages
    ("import", "9610"): "import_9610.yaml",
    ("import", "1210"): "import_1210.yaml",
}


@dataclass(frozen=True)
class Step:
    """One step: the message types that it sends, and the facts that must hold before it is taken."""

    name: str
    sends: tuple[str, ...]
    needs: tuple[str, ...]
    zh: str
    en: str


@dataclass(frozen=True)
class Waiting:
    """A shipment's state and the fact that puts it there."""

    state: str
    when: str
    zh: str
    en: str


@dataclass(frozen=True)
class Procedure:
    """One kind of crossing."""

    steps: tuple[Step, ...]
    states: tuple[Waiting, ...]
    final: tuple[str, ...]
    waits_for_person: tuple[str, ...]
    settings: dict[str, Any]
    parcel_types: tuple[str, ...] = ()
    lead: str = ""
    lists: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """The step of that name. Raises ConfigurationError."""
        found = next((step for step in self.steps if step.name == name), None)
        if found is None:
            known = ", ".join(step.name for step in self.steps)
            raise ConfigurationError(f"The procedure has no step {name!r} 流程中没有该步骤; known 已有: {known}")
        return found

    def waiting(self, state: str) -> Waiting:
        """The names of a state; a state of another procedure stands for itself."""
        return next((w for w in self.states if w.state == state), Waiting(state, "", state, state))

    def value(self, setting: str) -> Any:
        """A dated setting's value."""
        return self.settings[setting]["value"]


@lru_cache
def load(direction: str, regime: str) -> Procedure:
    """The procedure for a direction and regime. Raises Unsupported where none is written yet."""
    name = _FILES.get((direction, regime))
    if name is None:
        known = ", ".join(" ".join(key) for key in _FILES)
        raise Unsupported(f"No procedure for {direction} {regime} 尚无该监管方式的流程; known 已有: {known}")
    raw = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return Procedure(
        steps=tuple(Step(s["step"], tuple(s["sends"]), tuple(s["needs"]), s["zh"], s["en"]) for s in raw["steps"]),
        states=tuple(Waiting(**state) for state in raw["states"]),
        final=tuple(raw["final"]),
        waits_for_person=tuple(raw["waits_for_person"]),
        settings=raw["settings"],
        parcel_types=tuple(raw["parcel_types"]),
        lead=raw["lead"],
        lists=tuple(raw["lists"]),
    )
