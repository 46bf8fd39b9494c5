"""The inbox: folders in which the companies' files arrive.

A folder is ready when it is complete and looked the same at the last two looks (nobody is still writing into it), and
was not taken in that form already. What was seen and taken is in the ledger, so the inbox itself is only read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from prefect.results import ResultRecord

from adapters.ledger import leases
from mappings.errors import ConfigurationError, DataFault
from tasks.capture import read_folder
from tasks.office import Office, office

SEEN, TAKEN = "inbox:seen", "inbox:taken"


def ready_folders(inbox: str = "") -> list[Path]:
    """The folders of the inbox (by default the one in the settings) that are ready. Raises ConfigurationError."""
    here = office()
    root = Path(inbox) if inbox else here.home.inbox or _own(here)
    if not root.is_dir():
        raise ConfigurationError(f"No inbox folder {root} 收件文件夹不存在; set inbox in tongguan.yaml 请在设置中指定")
    return [path for path in sorted(root.iterdir()) if path.is_dir() and _ready(here, path)]


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


def _ready(here: Office, folder: Path) -> bool:
    stamp, name = _stamp(folder), folder.name
    if not stamp or leases.get_cursor(here.ledger, TAKEN, name) == stamp:
        return False
    if leases.get_cursor(here.ledger, SEEN, name) != stamp:
        leases.set_cursor(here.ledger, SEEN, name, stamp)
        return False
    try:
        return read_folder(folder, here.home.profiles).complete
    except DataFault:
        return False


def done(folder: Path, ran: Any) -> None:
    """Note that the folder was taken as it looked when it was ready; a file that came since makes it ready again.

    A run that failed for no fault of the files is tried again at the next look.
    """
    if not ran.is_completed() and not isinstance(failure(ran), DataFault):
        return
    here = office()
    leases.set_cursor(here.ledger, TAKEN, folder.name, leases.get_cursor(here.ledger, SEEN, folder.name))
