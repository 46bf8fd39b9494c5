"""The product's own path from files to signed messages: no network, one process, ledger and raw files included."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from adapters import home as homes
from adapters.keys.local import local_keys
from adapters.ledger import shipments, tables
from mappings import clock
from tasks.capture import files_of_folder, read_folder
from tasks.clearing import declaring, intake
from tasks.clearing.standing import load_standing
from tasks.conversion.messages import OutMessage
from tasks.office import Office, open_office
from tests.bench.stopwatch import Rounds

START = datetime.fromisoformat("2026-11-23T20:00:00+08:00")
# Functions of the product that are timed by themselves where it calls them; what is left of a stage is its storage.
PARTS = {
    "capture": (intake, "_read"),
    "clean": (intake, "clean"),
    "match": (intake, "match"),
    "fit": (intake, "hold_misfits"),
    "convert": (declaring, "declarations"),
    "check and sign": (declaring, "seal_messages"),
}


@dataclass
class Measured:
    """The path, measured: its rounds, and how many parcels and goods lines it declared."""

    rounds: Rounds
    parcels: int
    lines: int

    def a_second(self, kind: str = "cpu") -> float:
        """Parcels a second."""
        return self.parcels / self.rounds.total(kind)


def new_office(home: Path, folder: Path) -> Office:
    """An office without any authority's address; its companies have keys."""
    os.environ[clock.VARIABLE] = clock.starting(START).variable()
    homes.write(homes.Home(home))
    truck = read_folder(folder).truck
    if truck is None:
        raise ValueError("The folder has no truck")
    local_keys(truck.parties.values(), home)
    (home / "keys-dry-run").rename(home / "keys")
    return open_office(homes.read(home))


class _Parts:
    """Times the product's functions where it calls them, and keeps the messages made."""

    def __init__(self) -> None:
        self.messages: list[OutMessage] = []

    def timed(self, name: str, function: Any, rounds: Rounds, outer: list[str]) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name in outer:  # a call within itself is counted once
                return function(*args, **kwargs)
            outer.append(name)
            with rounds.stage(name):
                result = function(*args, **kwargs)
            outer.remove(name)
            if name == "convert":
                self.messages += result
            return result

        return call


def _through(here: Office, folder: Path) -> int:
    """The path itself: what the flow does with a new, approved truck until its messages are ready to leave."""
    ident = intake.receive_files(here, list(files_of_folder(folder))).shipment_id
    intake.work_up(here, ident)
    shipments.approve(here.ledger, ident, "bench")
    declaring.prepare_declarations(here, load_standing(here.ledger, ident))
    return ident


def empty(here: Office) -> None:
    """Forget every truck: the office is then as a new one, but that its statements are compiled and its keys read."""
    with here.ledger.begin() as tx:
        for table in reversed(tables.metadata.sorted_tables):
            tx.execute(table.delete())
    connection = here.ledger.engine.raw_connection()
    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


class WholePath:
    """The path from a folder to signed messages, in one office, as a worker has; its ledger is emptied before each."""

    def __init__(self, folder: Path, homes_in: Path) -> None:
        self.folder, self.here = folder, new_office(homes_in / "home", folder)
        self.parcels, self.lines = 0, 0

    def __call__(self, rounds: Rounds) -> None:
        """One round."""
        empty(self.here)
        with rounds.stage("whole"):
            ident = _through(self.here, self.folder)
        self.parcels, self.lines = _size(self.here, ident)

    def measured(self, rounds: Rounds) -> Measured:
        """These rounds of it."""
        return Measured(rounds, self.parcels, self.lines)


def _size(here: Office, ident: int) -> tuple[int, int]:
    batch = declaring.load_batch(here.ledger, ident).ready()
    return len(batch.parcels), len(batch.lines)


def parts_of_path(folder: Path, home: Path) -> tuple[dict[str, float], list[OutMessage]]:
    """CPU seconds of each part within one more run of the path, and the messages that it made."""
    here = new_office(home, folder)
    _through(here, folder)  # to warm up
    empty(here)
    rounds, parts = Rounds(), _Parts()
    outer: list[str] = []
    with ExitStack() as patched:
        for name, (module, attribute) in PARTS.items():
            timed = parts.timed(name, getattr(module, attribute), rounds, outer)
            patched.enter_context(mock.patch.object(module, attribute, timed))
        with rounds.stage("whole"):
            _through(here, folder)
    here.ledger.close()
    found = {name: sum(seconds) for name, seconds in rounds.cpu.items()}
    whole = found.pop("whole")
    return {**found, "ledger and the rest": whole - sum(found.values())}, parts.messages
