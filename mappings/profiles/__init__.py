"""Source profiles: a sender's layout as data (YAML). docs/profiles.md describes the format.

The project's own profiles lie beside this file; more are read from the directory in TONGGUAN_PROFILES.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

import yaml

from mappings import yamls
from mappings.errors import ConfigurationError
from mappings.profiles.build import build
from mappings.profiles.layout import EXTRA, FIND, PLACE, Charges, Field, Profile, Source, Table

__all__ = [
    "EXTRA",
    "FIND",
    "PLACE",
    "Charges",
    "Field",
    "Profile",
    "Source",
    "Table",
    "folder_rules",
    "heading",
    "load",
    "profiles",
    "shipped_names",
]

VARIABLE = "TONGGUAN_PROFILES"
_SHIPPED = Path(__file__).parent / "shipped"
_FOLDER = "folder.yaml"
_NO_PROFILES = (_FOLDER, "bounds.yaml")  # settings beside them


class _Loader(yaml.CSafeLoader):
    """YAML in which only true and false are no texts: a heading "no", a code 011 and a date stay what was written."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regex) for tag, regex in pairs if tag.endswith((":null", ":merge"))]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def load(path: Path) -> Profile:
    """The profile in a YAML file. Raises ConfigurationError that names the file and the key that is wrong."""
    try:
        content = yaml.load(path.read_bytes(), _Loader)  # noqa: S506 a safe loader with fewer kinds of scalars
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path.name} cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path.name} is no profile: a mapping with name, format and tables is expected")
    return build(content, path.name)


def _directories(extra: Path | None) -> list[Path]:
    named = os.environ.get(VARIABLE, "")
    chosen = [extra] if extra else []
    chosen += [Path(part) for part in named.split(os.pathsep) if part]
    for directory in chosen:
        if not directory.is_dir():
            raise ConfigurationError(f"The directory of profiles {directory} does not exist")
    return [*chosen, _SHIPPED]


@lru_cache(maxsize=64)
def _read(path: Path, stamp: tuple[int, int]) -> Profile:
    return load(path)


def _cached(path: Path) -> Profile:
    stat = path.stat()
    return _read(path, (stat.st_mtime_ns, stat.st_size))


def profiles(extra: Path | None = None) -> list[Profile]:
    """All profiles: those in `extra`, in TONGGUAN_PROFILES, then the shipped ones; an earlier name hides a later."""
    found: dict[str, Profile] = {}
    for directory in _directories(extra):
        here: dict[str, Profile] = {}
        for path in sorted([*directory.glob("*.yaml"), *directory.glob("*.yml")]):
            if path.name in _NO_PROFILES:
                continue
            profile = _cached(path)
            if profile.name in here:
                raise ConfigurationError(f"{path.name}: there is a profile {profile.name!r} already in this directory")
            here[profile.name] = profile
        for name, profile in here.items():
            found.setdefault(name, profile)
    return list(found.values())


@lru_cache(maxsize=8)
def _rules(path: Path, stamp: int) -> dict[str, object]:
    content: dict[str, object] = yamls.load(path.read_text(encoding="utf-8"))
    return content


def folder_rules(extra: Path | None = None) -> dict[str, object]:
    """When a folder is complete, what in it is ignored, how large a file may be: folder.yaml, the first found."""
    for directory in _directories(extra):
        path = directory / _FOLDER
        if path.is_file():
            return _rules(path, path.stat().st_mtime_ns)
    raise ConfigurationError(f"There is no {_FOLDER}")


def heading(profile_name: str, path: str, extra: Path | None = None) -> str:
    """What the sender calls a canonical field in this profile ('' when the profile or field is not known)."""
    for profile in profiles(extra):
        if profile.name == profile_name:
            table = profile.tables.get(path.split(".", 1)[0])
            return table.fields[path].heading if table and path in table.fields else ""
    return ""


def shipped_names() -> frozenset[str]:
    """The names of the project's own profiles: a user's profile that fits as well goes before them."""
    return frozenset(_cached(path).name for path in _SHIPPED.glob("*.yaml") if path.name != _FOLDER)
