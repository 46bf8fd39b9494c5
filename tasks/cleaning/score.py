"""A sender's score: what share of a file's rows would have been rejected, and for what."""

from __future__ import annotations

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


def _counts(faults: pd.DataFrame) -> dict[str, int]:
    spots = faults.drop_duplicates(["code", "sheet", "row"])
    return {str(code): int(count) for code, count in spots["code"].value_counts().items()}


def score(files: Iterable[SourceFile], faults: pd.DataFrame) -> list[Score]:
    """A score for each file, from the faults of all stages so far; a file that could not be read is rejected whole."""
    made = []
    for file in files:
        mine = faults[faults["file"] == file.name]
        errors, warned = mine[mine["severity"] == "error"], mine[mine["severity"] == "warning"]
        whole = not file.profile or bool((errors["row"] == 0).any())
        spots = len(errors[errors["row"] > 0].drop_duplicates(["sheet", "row"]))
        rejected = file.rows if whole else min(spots, file.rows)
        share = rejected / file.rows if file.rows else float(whole and not errors.empty)
        made.append(
            Score(file.sender, file.name, file.kind, file.rows, rejected, share, _counts(errors), _counts(warned))
        )
    return made
