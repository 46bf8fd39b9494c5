"""Which profile a file fits: by its content and headings; its name only decides between several.

A file that fits none gets a fault that says which columns were looked for and which nearly match.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache

from mappings import codes
from mappings.profiles import Profile, shipped_names
from tasks.capture import paths, structured, tabular
from tasks.capture.captured import Trouble
from tasks.capture.document import OTHER_ENCODINGS, Document

_FAMILY = {"csv": "csv", "xlsx": "xlsx", "json": "json", "jsonl": "json", "xml": "xml"}
_NEAR = 0.6
folded = lru_cache(maxsize=10_000)(codes.heading)  # headings: the same few for every profile and file


@dataclass(frozen=True)
class Fit:
    """How well a file fits a profile."""

    profile: Profile
    headings: tuple[str, ...]
    missing: tuple[str, ...]
    encoding: str = ""

    @property
    def known(self) -> int:
        """How many of the profile's headings the file has."""
        present = {folded(h) for h in self.headings}
        return sum(folded(h) in present for h in self.profile.known)


def _missing(profile: Profile, headings: list[str]) -> tuple[str, ...]:
    present = {folded(h) for h in headings}
    return tuple(h for h in profile.wanted if folded(h) not in present)


def _fit_csv(document: Document, profile: Profile) -> Fit:
    best: Fit | None = None
    for encoding in dict.fromkeys((*profile.source.encodings, *OTHER_ENCODINGS)):
        headings = [h for source in profile.sources for h in tabular.csv_headings(document, source, encoding)]
        fit = Fit(profile, tuple(headings), _missing(profile, headings), encoding)
        if not fit.missing:
            return fit
        best = fit if best is None or len(fit.missing) < len(best.missing) else best
    return best or Fit(profile, (), profile.wanted)


def fit(document: Document, profile: Profile) -> Fit:
    """How well the file fits the profile. Raises Trouble when the content cannot be read at all."""
    kind = profile.source.type
    if kind == "csv":
        return _fit_csv(document, profile)
    if kind == "xlsx":
        headings = [h for source in profile.sources for h in tabular.xlsx_headings(document, source)]
    else:
        found: set[str] = set()
        for table in profile.tables.values():
            found |= paths.paths(structured.peek(document, table.source), table.rows)
        headings = sorted(found)
    return Fit(profile, tuple(headings), _missing(profile, headings), profile.source.encodings[0])


def recognise(document: Document, profiles: list[Profile]) -> Fit:
    """The profile that the file fits. Raises Trouble: it fits none, several alike, or is unreadable."""
    fits, trouble = [], None
    if document.family == "xml":
        structured.check(document)
    for profile in profiles:
        if _FAMILY[profile.source.type] != document.family:
            continue
        try:
            fits.append(fit(document, profile))
        except Trouble as raised:
            trouble = raised
    good = [f for f in fits if not f.missing]
    if not good:
        structured.check(document)
        raise trouble if trouble and not fits else Trouble("CAP-001", explain(document, fits))
    return _best(document, good)


def _best(document: Document, good: list[Fit]) -> Fit:
    shipped = shipped_names()

    def rank(one: Fit) -> tuple[bool, int, bool]:
        named = bool(one.profile.file_name) and fnmatch(document.name.lower(), one.profile.file_name.lower())
        return named, one.known, one.profile.name not in shipped

    ranked = sorted(good, key=rank, reverse=True)
    if len(ranked) > 1 and rank(ranked[0]) == rank(ranked[1]):
        raise Trouble("CAP-012", ", ".join(f.profile.name for f in ranked if rank(f) == rank(ranked[0])))
    return ranked[0]


def explain(document: Document, fits: list[Fit]) -> str:
    """For a file that fits no profile: what was looked for, what is missing, what nearly matches."""
    if not fits:
        return f"没有 {document.family} 格式的布局 / there is no profile for {document.family} files"
    nearest = min(fits, key=lambda f: len(f.missing) / max(len(f.profile.wanted), 1))
    by_fold = {folded(h): h for h in nearest.headings}
    parts = []
    for heading in nearest.missing:
        near = difflib.get_close_matches(folded(heading), by_fold, n=1, cutoff=_NEAR)
        parts.append(f"{heading} (≈ {by_fold[near[0]]})" if near else heading)
    return (
        f"最接近的布局 / nearest profile: {nearest.profile.name}; "
        f"需要 / looked for: {', '.join(nearest.profile.wanted)}; 缺少 / missing: {', '.join(parts)}; "
        f"文件中有 / the file has: {', '.join(nearest.headings[:60])}"
    )
