"""What the machine refuses, space and rights, is said in both languages; afterwards the same command goes through."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from sqlalchemy.exc import OperationalError

from deployments.errors import DENIED, FULL, of_machine
from tests.unit.world import home, truck

__all__ = ["home", "truck"]
COMMAND = "from deployments.cli import main; main()"


def _plain() -> dict[str, str]:
    """The environment without coverage's: it could not write its own file under the limit either, and says so."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_CORE"))}


def limited(size: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process that may write files of `size` bytes at the most (0: any)."""

    def limit() -> None:
        if size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    command = [sys.executable, "-B", "-c", COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, check=False, preexec_fn=limit, capture_output=True, text=True, timeout=120, env=_plain()
    )


def test_a_full_disk_ends_a_dry_run_with_words_and_the_next_is_whole(home: Path, truck: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    full = limited(30_000, "prepare", truck, "--out", out)
    assert full.returncode == 3, full.stderr
    assert "磁盘空间不足" in full.stderr
    assert "Traceback" not in full.stderr
    assert limited(0, "prepare", truck, "--out", out).returncode == 0
    fresh = tmp_path / "fresh"
    assert limited(0, "prepare", truck, "--out", fresh).returncode == 0
    assert sorted(p.name for p in out.iterdir()) == sorted(p.name for p in fresh.iterdir())


def test_a_full_disk_under_the_ledger_loses_nothing(home: Path) -> None:
    full = limited(4096, "status")
    assert full.returncode == 3, full.stderr
    assert "Traceback" not in full.stderr
    assert limited(0, "status").returncode == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EROFS, "read-only", "/x"), DENIED),
        (PermissionError(errno.EACCES, "no", "/x"), DENIED),
        (OSError(errno.ENOSPC, "full", "/x"), FULL),
        (OperationalError("INSERT", {}, Exception("attempt to write a readonly database")), DENIED),
        (OperationalError("INSERT", {}, Exception("no such table")), None),
        (requests.ConnectionError(errno.EACCES, "no"), None),
        (FileNotFoundError(errno.ENOENT, "no", "/x"), None),
        (ValueError(), None),
    ],
)
def test_what_the_machine_refused(error: BaseException, said: tuple[str, str] | None) -> None:
    told = of_machine(error)
    assert (told is None) == (said is None)
    assert said is None or (said[0] in str(told) and said[1] in str(told))
