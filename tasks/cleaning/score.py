"""A sender's score: what share of a file's rows would have been rejected, and for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from tasks.capture.captured import SourceFile


@dataclass(frozen=True)
class Score:
    """One file: `rejected` rows with at least one error; `reasons` and `warnings` count rows by fault code."""

    sender: str
    file: str
    kind: str
    rows: int
    rejected: int
    share: float
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)


_SEEN = ("file", "severity", "code", "sheet", "row")


def _counts(spots: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """How many rows have each code, the most frequent first."""
    return dict(Counter(code for code, _, _ in dict.fromkeys(spots)).most_common())


def _score(file: SourceFile, errors: list[tuple[str, str, int]], warned: list[tuple[str, str, int]]) -> Score:
    whole = not file.profile or any(row == 0 for _, _, row in errors)
    spots = {(sheet, row) for _, sheet, row in errors if row > 0}
    rejected = file.rows if whole else min(len(spots), file.rows)
    share = rejected / file.rows if file.rows else float(whole and bool(errors))
    return Score(file.sender, file.name, file.kind, file.rows, rejected, share, _counts(errors), _counts(warned))


def score(files: Iterable[SourceFile], faults: pd.DataFrame) -> list[Score]:
    """A score for each file, from the faults of all stages so far; a file that could not be read is rejected whole."""
    found: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for name, severity, *spot in zip(*(faults[column].tolist() for column in _SEEN), strict=True):
        found.setdefault((name, severity), []).append((spot[0], spot[1], spot[2]))
    return [_score(f, found.get((f.name, "error"), []), found.get((f.name, "warning"), [])) for f in files]
