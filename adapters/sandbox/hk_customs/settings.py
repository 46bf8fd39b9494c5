"""profile.yaml, read once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import yamls


@lru_cache
def profile() -> dict[str, Any]:
    """The settings of this sandbox."""
    found: dict[str, Any] = yamls.load(Path(__file__).with_name("profile.yaml").read_text("utf-8"))
    return found
