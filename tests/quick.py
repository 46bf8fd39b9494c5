"""What hundreds of tests begin with, made once: a new ledger's tables, and RSA keys."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from adapters.ledger import Ledger
from adapters.ledger.sealed import Vault

KEYS = 48  # more than any test makes


def upgrading(real: Callable[[Ledger], None], template: Path) -> Callable[[Ledger], None]:
    """Upgrades as `real`; a SQLite ledger that is not there yet begins as a copy of one that `real` made."""

    making = threading.Lock()

    def upgrade(ledger: Ledger) -> None:
        file = ledger.engine.url.database
        if ledger.engine.dialect.name != "sqlite" or not file or Path(file).exists():
            return real(ledger)
        with making:  # the first test of a process may open one ledger in several threads
            if not template.exists():
                first = Ledger(f"sqlite:///{template}", Vault([bytes(32)]))
                real(first)
                first.close()
        apart = Path(f"{file}.{secrets.token_hex(4)}")
        shutil.copy(template, apart)
        try:
            os.link(apart, file)  # whole or not at all, and never over another's
        except FileExistsError:
            return real(ledger)
        finally:
            apart.unlink()
        return None

    return upgrade


def drawing(real: Callable[[str], Any]) -> Callable[[str], Any]:
    """Makes keys as `real`; of RSA keys, some dozens of them come round again."""
    made: list[Any] = []
    turn = count()

    def new_private(algorithm: str) -> Any:
        if algorithm != "rsa-sha1":
            return real(algorithm)
        at = next(turn) % KEYS
        if at == len(made):
            made.append(real(algorithm))
        return made[at]

    return new_private
