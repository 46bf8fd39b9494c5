"""The inbox: folders in which the companies' files arrive.

A folder is ready when it is complete and looked the same at the last two looks (nobody is still writing into it), and
was not taken in that form already. What was seen and taken is in the ledger, so the inbox itself is only read.
A folder that waits says why: its faults, as capture gives them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from prefect.results import ResultRecord

from adapters.ledger import leases
from mappings import faults
from mappings.errors import ConfigurationError, DataFault
from tasks.capture import ignored, read_folder
from tasks.office import Office, office
from tasks.pool import joining, take_in

SEEN, TAKEN = "inbox:seen", "inbox:taken"
POOL = "pool"  # the folder of the inbox for files that belong to no single truck
EMPTY = "没有文件 no files yet"
ARRIVING = "文件刚有变化，下次再看 files have just changed: looked at again next time"
INCOMPLETE = "资料不齐或无法读取 not complete, or not readable"


@dataclass(frozen=True)
class Waiting:
    """A folder that cannot start yet: why, and what capture found wrong with its files."""

    folder: Path
    reason: str
    faults: pd.DataFrame = field(default_factory=lambda: faults.frame([]))


@dataclass
class Look:
    """One look at the inbox: folders that can start, and those that wait. What was taken already is in neither."""

    ready: list[Path] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


def look(inbox: str = "") -> Look:
    """The folders of the inbox (by default the one in the settings). Raises ConfigurationError."""
    here, found = office(), Look()
    root = _root(here, inbox)
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name != POOL):
        stamp = _stamp(folder)
        if stamp and leases.get_cursor(here.ledger, TAKEN, folder.name) == stamp:
            continue
        waits = _waits(here, folder, stamp)
        if waits is None:
            found.ready.append(folder)
        else:
            found.waiting.append(waits)
    return found


def _root(here: Office, inbox: str) -> Path:
    root = Path(inbox) if inbox else here.home.inbox or _own(here)
    if not root.is_dir():
        raise ConfigurationError(f"No inbox folder {root} 收件文件夹不存在; set inbox in tongguan.yaml 请在设置中指定")
    return root


def take_pool(inbox: str = "") -> list[Waiting]:
    """Takes the files of the inbox's pool folder into the pool; those that could not be taken, with their faults.

    A file in a folder of it is that platform's, whose code names the folder. Raises ConfigurationError.
    """
    here, waits = office(), list[Waiting]()
    root = _root(here, inbox) / POOL
    for path in sorted(p for p in root.glob("**/*") if p.is_file() and len(p.relative_to(root).parts) <= 2):
        name, stamp = f"{POOL}/{path.relative_to(root)}", repr((path.stat().st_size, path.stat().st_mtime_ns))
        if ignored(path, here.home.profiles) or leases.get_cursor(here.ledger, TAKEN, name) == stamp:
            continue
        if leases.get_cursor(here.ledger, SEEN, name) != stamp:
            leases.set_cursor(here.ledger, SEEN, name, stamp)
            waits.append(Waiting(path, ARRIVING))
            continue
        try:
            take_in.take_file(here, path, path.parent.name if path.parent != root else "")
        except DataFault as error:
            waits.append(Waiting(path, str(error), faults.frame(f for f in error.faults if isinstance(f, dict))))
        leases.set_cursor(here.ledger, TAKEN, name, stamp)
    return waits


def _own(here: Office) -> Path:
    """The inbox of the home folder, for an installation that names none."""
    path = here.home.path / "inbox"
    path.mkdir(exist_ok=True)
    return path


def failure(ran: Any) -> Any:
    """The exception with which a run failed, as far as this process knows it."""
    return ran.data.result if isinstance(ran.data, ResultRecord) else ran.data


def _stamp(folder: Path) -> str:
    """What a folder looks like: its files, their sizes and times of change."""
    files = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file())
    return hashlib.sha256(repr(files).encode()).hexdigest() if files else ""


def _waits(here: Office, folder: Path, stamp: str) -> Waiting | None:
    """Why a folder waits; None where it is ready."""
    if not stamp:
        return Waiting(folder, EMPTY)
    if leases.get_cursor(here.ledger, SEEN, folder.name) != stamp:
        leases.set_cursor(here.ledger, SEEN, folder.name, stamp)
        return Waiting(folder, ARRIVING)
    try:
        captured = read_folder(folder, here.home.profiles)
    except DataFault as error:
        return Waiting(folder, str(error))
    starts = captured.complete or joining.startable(here, captured.missing)
    return None if starts else Waiting(folder, INCOMPLETE, captured.faults)


def done(folder: Path, ran: Any) -> None:
    """Note that the folder was taken as it looked when it was ready; a file that came since makes it ready again.

    A run that failed for no fault of the files is tried again at the next look.
    """
    if not ran.is_completed() and not isinstance(failure(ran), DataFault):
        return
    here = office()
    leases.set_cursor(here.ledger, TAKEN, folder.name, leases.get_cursor(here.ledger, SEEN, folder.name))
