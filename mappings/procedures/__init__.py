"""Procedures: the order of steps and gates of one kind of crossing, and what a shipment waits for, as tables.

A procedure's file carries all that differs between crossings (decision 0008). One that is `like` another has its tables
but for what it says itself; `without` names steps and states that it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from mappings import yamls
from mappings.engine import spec
from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError, Unsupported

_HERE = Path(__file__).parent
_NAMES = "*port_[0-9]*.yaml"  # export_9610.yaml, import_1210.yaml
_KEYS = {"steps": "step", "states": "state"}


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
    """One kind of crossing.

    `parcel_types` declare one parcel, in order; `lead` is the one whose state is the parcel's; `lists` are about the
    whole truck and name parcels; `events` are what can happen to the truck.
    """

    name: str
    parcel_types: tuple[str, ...]
    lead: str
    lists: tuple[str, ...]
    parcel_table: str
    steps: tuple[Step, ...]
    states: tuple[Waiting, ...]
    final: tuple[str, ...]
    waits_for_person: tuple[str, ...]
    settings: dict[str, Any]
    events: tuple[str, ...] = ()
    port: dict[str, str] = field(default_factory=dict)

    @cached_property
    def authority(self) -> str:
        """The authority that the parcels are declared to."""
        return spec.load(self.lead).authority

    @property
    def supporting(self) -> tuple[str, ...]:
        """The messages beside the lead that declare a parcel."""
        return tuple(kind for kind in self.parcel_types if kind != self.lead)

    @property
    def table(self) -> dict[str, Any]:
        """What documents make of a parcel here."""
        return parcel_table(self.authority, self.parcel_table)

    def step(self, name: str) -> Step:
        """The step of that name. Raises ConfigurationError."""
        found = next((step for step in self.steps if step.name == name), None)
        if found is None:
            known = ", ".join(step.name for step in self.steps)
            raise ConfigurationError(f"The procedure has no step {name!r} 流程中没有该步骤; known 已有: {known}")
        return found

    def list_of(self, step: str) -> str:
        """The list that a step makes, '' where the procedure has no such step or it makes none."""
        sends = next((s.sends for s in self.steps if s.name == step), ())
        return next((kind for kind in sends if kind in self.lists), "")

    def waiting(self, state: str) -> Waiting:
        """The names of a state; a state of another procedure stands for itself."""
        return next((w for w in self.states if w.state == state), Waiting(state, "", state, state))

    def value(self, setting: str, default: Any = None) -> Any:
        """A dated setting's value; `default` where this procedure has none and one is given."""
        if setting not in self.settings and default is not None:
            return default
        return self.settings[setting]["value"]


@lru_cache
def parcel_table(authority: str, name: str) -> dict[str, Any]:
    """What documents make of a parcel: mappings/<authority>/<name>.yaml. Raises ConfigurationError."""
    path = MAPPINGS / authority / f"{name}.yaml"
    if not path.is_file():
        raise ConfigurationError(f"There is no table of parcels 没有包裹状态表: mappings/{authority}/{name}.yaml")
    found: dict[str, Any] = yamls.load(path.read_text(encoding="utf-8"))
    return found


def names() -> list[str]:
    """All procedures by name: direction and regime."""
    return sorted(path.stem for path in _HERE.glob(_NAMES))


def _raw(name: str) -> dict[str, Any]:
    """A procedure's tables, with those of the one that it is like."""
    own: dict[str, Any] = yamls.load((_HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    if "like" not in own:
        return own
    whole = _raw(own["like"]) | own
    whole["settings"] = _raw(own["like"])["settings"] | own.get("settings", {})
    for table, lacking in own.get("without", {}).items():
        whole[table] = [row for row in whole[table] if row[_KEYS[table]] not in lacking]
    present = {row["state"] for row in whole["states"]}
    whole["waits_for_person"] = [state for state in whole["waits_for_person"] if state in present]
    return whole


@lru_cache
def named(name: str) -> Procedure:
    """The procedure of that name. Raises Unsupported where none is written yet."""
    if name not in names():
        wanted, known = (n.replace("_", " ") for n in (name, ", ".join(names())))
        raise Unsupported(f"No procedure for {wanted} 尚无该监管方式的流程; known 已有: {known}")
    raw = _raw(name)
    return Procedure(
        name=name,
        parcel_types=tuple(raw["parcel_types"]),
        lead=raw["lead"],
        lists=tuple(raw["lists"]),
        parcel_table=raw["parcel_table"],
        steps=tuple(Step(s["step"], tuple(s["sends"]), tuple(s["needs"]), s["zh"], s["en"]) for s in raw["steps"]),
        states=tuple(Waiting(**state) for state in raw["states"]),
        final=tuple(raw["final"]),
        waits_for_person=tuple(raw["waits_for_person"]),
        settings=raw["settings"],
        events=tuple(raw["events"]),
        port=raw["port"],
    )


def load(direction: str, regime: str) -> Procedure:
    """The procedure for a direction and regime. Raises Unsupported where none is written yet."""
    return named(f"{direction}_{regime}")


def every() -> list[Procedure]:
    """All procedures."""
    return [named(name) for name in names()]
