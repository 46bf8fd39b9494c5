"""Writers of one SQLite file wait in line, whoever they are, and no longer than they were told to."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy.exc import OperationalError

from adapters.ledger import checkpoint, open_ledger
from adapters.ledger.ledger import Ledger
from adapters.ledger.turn import SUFFIX, Turn
from mappings.errors import ConfigurationError

HOLDS = """
import sys, time
from pathlib import Path
from adapters.ledger.turn import Turn
with Turn(Path(sys.argv[1]), 5).take():
    print("mine", flush=True)
    time.sleep(60)
"""


def test_a_turn_is_one_at_a_time_among_threads(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(20):
            with Turn(tmp_path / "db", 30).take():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.0005)
                inside[0] -= 1

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_the_turn_of_a_process_that_is_killed_is_free(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path / "db")], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(OperationalError, match="database is locked"), Turn(tmp_path / "db", 0.05).take():
            pass
        os.kill(other.pid, signal.SIGKILL)
        with Turn(tmp_path / "db", 10).take():
            pass
    finally:
        other.kill()
        other.communicate()


def test_a_writer_that_waits_too_long_says_so_in_both_languages(tmp_path: Path) -> None:
    open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'l.sqlite'}").close()
    hasty = Ledger(f"sqlite:///{tmp_path / 'l.sqlite'}", open_ledger(tmp_path / "home").vault, lock_seconds=0.05)
    told = pytest.raises(ConfigurationError, match=r"账本被其他进程占用.*Another")
    with Turn(tmp_path / "l.sqlite", 1).take(), told, hasty.begin():
        pass
    with hasty.begin() as tx:
        assert tx.exec_driver_sql("SELECT 1").scalar() == 1
    hasty.close()


def test_where_the_line_cannot_be_made_the_database_itself_keeps_order(tmp_path: Path) -> None:
    (tmp_path / f"db{SUFFIX}").mkdir()  # no file can be opened there
    with Turn(tmp_path / "db", 1).take(), Turn(tmp_path / "db", 1).take():
        pass


def test_the_log_is_copied_beside_the_work_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 50)
    file = tmp_path / "l.sqlite"
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{file}")
    for number in range(40):
        with ledger.begin() as tx:
            rows = [(f"{number}-{nth}",) for nth in range(20)]
            tx.exec_driver_sql("INSERT INTO cursor (authority, name, value) VALUES ('t', ?, '')", rows)
    assert ledger._aside is not None
    ledger._aside.wait()
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as bare:  # what is in the file itself
        copied = bare.execute("SELECT count(*) FROM cursor WHERE authority = 't'").fetchone()[0]
    assert copied >= 50
    with ledger.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM cursor WHERE authority = 't'").scalar() == 800
    ledger.close()


def test_a_copy_that_fails_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(checkpoint.log, "debug", lambda text, *names: told.append(text % names))
    (tmp_path / "no.sqlite").mkdir()
    made = checkpoint.Checkpoints(tmp_path / "no.sqlite", Turn(tmp_path / "no.sqlite", 1))
    made.wrote(checkpoint.EVERY)
    made.wait()
    assert [text.partition(":")[0] for text in told] == ["checkpoint of no.sqlite"]


def test_a_writer_among_many_readers_is_told_nothing_of_their_connections(tmp_path: Path) -> None:
    """A connection that finds no room in the pool is closed as soon as it is given back."""
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'l.sqlite'}")
    reading = ExitStack()
    for _ in range(ledger.engine.pool.size()):  # type: ignore[attr-defined]
        reading.enter_context(ledger.read())
    with ledger.begin() as tx:
        tx.exec_driver_sql("INSERT INTO cursor (authority, name, value) VALUES ('t', 'n', '1')")
        reading.close()  # these fill the pool: no room is left for the writer's connection
    with ledger.read() as tx:
        assert tx.exec_driver_sql("SELECT value FROM cursor WHERE authority = 't'").scalar() == "1"
    ledger.close()
