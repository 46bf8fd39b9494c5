"""Alembic migrations of the ledger, run from the program: there is no alembic.ini."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from adapters.ledger.ledger import Ledger, alone
from mappings.errors import ConfigurationError


def config() -> Config:
    """Alembic's configuration for these migrations."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    return made


def head() -> str:
    """The newest revision."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


def upgrade(ledger: Ledger) -> None:
    """Bring a ledger to the newest revision, in one transaction that other processes wait for."""
    with ledger.begin() as tx:
        alone(tx, "upgrade")
        made = config()
        made.attributes["connection"] = tx
        try:
            command.upgrade(made, "head")
        except CommandError as error:
            raise ConfigurationError(
                f"账本由更新版本的程序建立。The ledger was made by a newer Tongguan: install that one. ({error})"
            ) from error
