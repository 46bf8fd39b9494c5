"""Identity is passed in: a source of GUIDs, random in life and repeatable under a seed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_DIGITS = [i for i in range(36) if i not in (8, 13, 18, 23)]  # where a GUID has no dash


@dataclass(frozen=True)
class Identities:
    """Gives GUIDs as the authorities want them: 36 characters, upper case."""

    random_bytes: Callable[[int], bytes] = os.urandom

    def guids(self, count: int) -> list[str]:
        """`count` new GUIDs."""
        digits = np.frombuffer(self.random_bytes(16 * count).hex().upper().encode(), dtype=np.uint8)
        dashed = np.full((count, 36), ord("-"), dtype=np.uint8)
        dashed[:, _DIGITS] = digits.reshape(count, 32)
        text = dashed.tobytes().decode()
        return [text[i : i + 36] for i in range(0, 36 * count, 36)]

    def guid(self) -> str:
        """One new GUID."""
        return self.guids(1)[0]


def seeded(seed: int) -> Identities:
    """Identities that repeat from run to run, for tests and golden files."""
    return Identities(random.Random(seed).randbytes)
