"""Identity is passed in: a source of GUIDs, random in life and repeatable under a seed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass


def _dashed(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True)
class Identities:
    """Gives GUIDs as the authorities want them: 36 characters, upper case."""

    random_bytes: Callable[[int], bytes] = os.urandom

    def guids(self, count: int) -> list[str]:
        """`count` new GUIDs."""
        text = self.random_bytes(16 * count).hex().upper()
        return [_dashed(text[i : i + 32]) for i in range(0, 32 * count, 32)]

    def guid(self) -> str:
        """One new GUID."""
        return self.guids(1)[0]


def seeded(seed: int) -> Identities:
    """Identities that repeat from run to run, for tests and golden files."""
    return Identities(random.Random(seed).randbytes)
