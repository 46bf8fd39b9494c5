"""What starts knows of an installation: which mode it is in, what runs now and where, and the gateway's tokens.

The settings themselves (addresses, ledger, key provider, folders) are tongguan.yaml in the home folder, read by
adapters.home. Live is a home of its own with `mode: live`, and must be asked for by name besides.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from adapters import home as homes
from mappings import clock
from mappings.errors import ConfigurationError

RUNNING, TOKENS = "running.json", "tokens.json"
PREFECT_PORT, GATEWAY_PORT = 4200, 8600


def installation(live: bool = False) -> homes.Home:
    """This process's installation. Raises ConfigurationError unless live is asked for exactly where it is live."""
    home = homes.read()
    if home.mode == "live" and not live:
        raise ConfigurationError("本安装为正式环境，请加 --live。This installation is live: say so with --live.")
    if live and home.mode != "live":
        raise ConfigurationError(
            f"本安装为沙箱环境。This installation is a sandbox. Live has a home folder of its own ({homes.VARIABLE}) "
            f"whose {homes.SETTINGS} says `mode: live` and gives each authority's address."
        )
    return home


@dataclass(frozen=True)
class Running:
    """What `tongguan up` runs, as it wrote it down: addresses by name, its process id, and its clock."""

    pid: int
    mode: str
    prefect: str
    gateway: str
    authorities: dict[str, str] = field(default_factory=dict)
    clock: str = ""
    ready: bool = True
    pool: str = ""

    @property
    def api(self) -> str:
        """Prefect's REST API."""
        return f"{self.prefect}/api"

    def write(self, home: Path) -> None:
        """Writes it into the home folder."""
        _write(home / RUNNING, json.dumps(asdict(self), indent=1))


def running(home: Path) -> Running | None:
    """What runs on this home now and is ready, or None."""
    found = written(home)
    return found if found is not None and found.ready else None


def written(home: Path) -> Running | None:
    """What runs on this home or is starting, or None. A file that a killed process left behind counts for nothing."""
    try:
        found = Running(**json.loads((home / RUNNING).read_text("utf-8")))
        os.kill(found.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return found


def share_clock(now: Running | None) -> None:
    """Lets this process see the clock of what runs, unless it was given one."""
    if now and now.clock:
        os.environ.setdefault(clock.VARIABLE, now.clock)


def tokens(home: Path) -> dict[str, str]:
    """The gateway's tokens: `api` for callers, `push` for the authorities' addresses. Made when first asked for."""
    file = home / TOKENS
    if not file.exists():
        _write(file, json.dumps({"api": secrets.token_urlsafe(24), "push": secrets.token_urlsafe(24)}, indent=1))
    made: dict[str, str] = json.loads(file.read_text("utf-8"))
    return made


def _write(file: Path, text: str) -> None:
    """A file that its owner alone reads, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    part.replace(file)
