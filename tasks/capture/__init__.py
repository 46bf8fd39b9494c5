"""Capture: files, a folder or an API call become rows of canonical tables, still texts, each with its provenance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mappings import faults, profiles
from mappings.errors import DataFault
from tasks.capture import extract, recognise
from tasks.capture import truck as truck_file
from tasks.capture.captured import Captured, RawTable, SourceFile, Trouble
from tasks.capture.document import Document
from tasks.capture.shipment import from_shipment

__all__ = [
    "Captured",
    "RawTable",
    "SourceFile",
    "completeness",
    "files_of_folder",
    "from_shipment",
    "ignored",
    "read_files",
    "read_folder",
]


def read_folder(folder: Path, profiles_from: Path | None = None) -> Captured:
    """All files of a folder (not of folders in it), in the order of their names. Raises DataFault if there is none."""
    return read_files(files_of_folder(folder, profiles_from), profiles_from)


def files_of_folder(folder: Path, profiles_from: Path | None = None) -> Iterator[tuple[str, bytes]]:
    """The files of a folder that capture reads, as (name, bytes). Raises DataFault if there is no such folder."""
    if not folder.is_dir():
        raise DataFault(f"文件夹不存在 / there is no folder {folder.name}")
    return ((path.name, path.read_bytes()) for path in sorted(folder.iterdir()) if _wanted(path, profiles_from))


def _wanted(path: Path, profiles_from: Path | None) -> bool:
    return path.is_file() and not ignored(path, profiles_from)


def ignored(path: Path, profiles_from: Path | None = None) -> bool:
    """Whether a file's name says that it is no data (folder.yaml: ignore)."""
    patterns = profiles.folder_rules(profiles_from)["ignore"]
    return any(fnmatch(path.name, str(p)) for p in patterns)  # type: ignore[attr-defined]


def read_files(files: Iterable[tuple[str, bytes]], profiles_from: Path | None = None) -> Captured:
    """Files as (name, bytes). A file that cannot be used leaves a fault; the others go on."""
    captured, found, seen = Captured(), list[dict[str, Any]](), dict[str, str]()
    known = profiles.profiles(profiles_from)
    rules = profiles.folder_rules(profiles_from)
    for name, data in files:
        document = Document(name, data, int(str(rules["max_bytes"])))
        try:
            _check(document, seen)
            notes = _take(captured, document, known)
        except Trouble as trouble:
            captured.files.append(SourceFile(name, "", "", "", 0, document.sha256, len(data)))
            notes = [trouble.fault]
        found += [{"file": name, "stage": "capture", **note} for note in notes]
    completeness(captured, found, rules)
    captured.faults = faults.frame(found)
    return captured


def _check(document: Document, seen: dict[str, str]) -> None:
    if len(document.data) > document.limit:
        raise Trouble("CAP-013", str(len(document.data)), str(document.limit))
    if document.is_empty():
        raise Trouble("CAP-003")
    if document.sha256 in seen:
        raise Trouble("CAP-005", seen[document.sha256])
    seen[document.sha256] = document.name
    if document.contradicts_name():
        raise Trouble("CAP-004", document.family)


def _take(captured: Captured, document: Document, known: list[profiles.Profile]) -> list[dict[str, Any]]:
    fit = recognise.recognise(document, known)
    profile, notes, rows = fit.profile, list[dict[str, Any]](), 0
    if "truck" in profile.tables:
        truck, notes, rows = truck_file.read(document, fit)
        captured.truck = captured.truck or truck
    if set(profile.tables) != {"truck"}:
        tables, more, rows = extract.read(document, fit)
        notes += more
        for table in tables:
            if table.table != "truck":
                captured.tables.setdefault(table.table, []).append(table)
    kind = "+".join(profile.tables)
    file = SourceFile(document.name, kind, profile.name, profile.sender, rows, document.sha256, len(document.data))
    captured.files.append(file)
    return notes


def completeness(captured: Captured, found: list[dict[str, Any]], rules: Any) -> None:
    """Notes in `captured.missing`, and among the faults found, what a whole truck would still need."""
    have = {*captured.tables, *(["truck"] if captured.truck else [])}
    captured.missing = [table for table in rules["complete"] if table not in have]
    labels = {**rules["complete"], **rules["expected"]}
    for table, label in labels.items():
        if table not in have:
            severity = "error" if table in captured.missing else "warning"
            found.append({"code": "CAP-002", "value": label, "severity": severity, "stage": "capture"})
