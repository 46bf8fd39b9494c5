"""An installation's home folder: where the ledger, vault, keys and settings are (TONGGUAN_HOME).

Settings are in tongguan.yaml there; what is not set has the default of the embedded installation.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from mappings import clock, yamls
from mappings.errors import ConfigurationError

VARIABLE = "TONGGUAN_HOME"
SETTINGS = "tongguan.yaml"
_KNOWN = {"mode", "authorities", "ledger", "keys", "profiles", "inbox", "channels", "taxes"}


@dataclass(frozen=True)
class Home:
    """One installation. `authorities` gives each authority's address by adapter name, `channels` the way to it."""

    path: Path
    mode: Literal["sandbox", "live"] = "sandbox"
    authorities: dict[str, str] = field(default_factory=dict)
    ledger: str | None = None
    keys: str = "software"
    profiles: Path | None = None
    inbox: Path | None = None
    channels: dict[str, Any] = field(default_factory=dict)
    taxes: Path | None = None


def folder() -> Path:
    """The home folder of this process: TONGGUAN_HOME, else .tongguan in the user's home."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".tongguan").absolute()


def read(path: Path | None = None) -> Home:
    """The installation in `path` (this process's home by default). Raises ConfigurationError for bad settings."""
    path = path or folder()
    raw = _settings(path / SETTINGS)
    mode = raw.get("mode", "sandbox")
    if mode not in ("sandbox", "live"):
        raise ConfigurationError(f"{SETTINGS}: mode is {mode!r}; write sandbox or live 请写 sandbox 或 live")
    if mode == "live" and os.environ.get(clock.VARIABLE):
        raise ConfigurationError(
            f"正式环境不得更改时钟，请取消 {clock.VARIABLE}。The clock of a live installation is the real one: "
            f"unset {clock.VARIABLE}"
        )
    return Home(
        path=path,
        mode=mode,
        authorities=raw.get("authorities", {}),
        ledger=raw.get("ledger") or os.environ.get("TONGGUAN_LEDGER"),
        keys=raw.get("keys", "software"),
        profiles=Path(raw["profiles"]) if "profiles" in raw else None,
        inbox=Path(raw["inbox"]) if "inbox" in raw else None,
        channels=raw.get("channels", {}),
        taxes=Path(raw["taxes"]) if "taxes" in raw else None,
    )


def _settings(file: Path) -> dict[str, Any]:
    """What the settings file says; a setting without a value is not set."""
    raw: Any = {}
    try:
        if file.is_file():
            raw = yamls.load(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{SETTINGS} cannot be read 无法读取: {error}") from error
    unknown = set(map(str, raw)) - _KNOWN if isinstance(raw, dict) else {"not a mapping"}
    if unknown:
        known = ", ".join(sorted(_KNOWN))
        raise ConfigurationError(
            f"{SETTINGS} has unknown settings 未知设置: {', '.join(sorted(unknown))}; known 已有: {known}"
        )
    given = {name: value for name, value in raw.items() if value is not None}
    for name, value in given.items():
        if name == "channels":
            _channels(value)
            continue
        texts = value.values() if name == "authorities" and isinstance(value, dict) else [value]
        if not all(isinstance(text, str) for text in texts):
            form = "name: address" if name == "authorities" else "a text"
            raise ConfigurationError(f"{SETTINGS}: {name} must be {form} 格式有误")
    return given


def _channels(value: Any) -> None:
    """By authority the name of a channel, or a mapping with its settings: the adapter checks those."""
    fits = isinstance(value, dict) and all(isinstance(k, str) and isinstance(v, str | dict) for k, v in value.items())
    if not fits:
        raise ConfigurationError(f"{SETTINGS}: channels must be authority: channel 应为 机关: 通道")


def write(home: Home) -> None:
    """Writes the settings of an installation, readable by its owner alone."""
    values = {
        "mode": home.mode,
        "authorities": home.authorities,
        "keys": home.keys,
        **({"ledger": home.ledger} if home.ledger else {}),
        **({"profiles": str(home.profiles)} if home.profiles else {}),
        **({"inbox": str(home.inbox)} if home.inbox else {}),
        **({"channels": home.channels} if home.channels else {}),
        **({"taxes": str(home.taxes)} if home.taxes else {}),
    }
    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home.path / SETTINGS
    draft = file.with_suffix(".new")
    draft.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=True), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(file)
