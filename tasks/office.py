"""The office: what every stage works with, opened once a process from the home folder."""

from __future__ import annotations

import gc
import os
import socket
from dataclasses import dataclass, field
from functools import lru_cache

from adapters import home as homes
from adapters import keys
from adapters.cn_ecommerce import ChinaEcommerce
from adapters.contract import Authority
from adapters.hk_road import HongKongRoad
from adapters.keys.provider import KeyProvider
from adapters.ledger import Ledger, open_ledger
from mappings.canonical.model import Truck
from mappings.errors import ConfigurationError
from mappings.identity import Identities
from tasks.clearing.listening import Listening

GARBAGE = (50_000, 20, 20)  # how many new objects between two looks; see docs/performance.md


@dataclass
class Office:
    """Ledger, authorities, keys and identities of one installation; `worker` names this process in claims."""

    home: homes.Home
    ledger: Ledger
    authorities: dict[str, Authority]
    keys: KeyProvider
    identities: Identities = field(default_factory=Identities)
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    listening: Listening = field(default_factory=Listening)

    def authority(self, name: str) -> Authority:
        """The authority of that name. Raises ConfigurationError."""
        if name not in self.authorities:
            raise ConfigurationError(f"No authority {name!r} 没有该主管机关; known 已有: {', '.join(self.authorities)}")
        return self.authorities[name]

    def ensure_keys(self, truck: Truck) -> None:
        """In the sandbox, keys for every company of the truck; live keys are imported by hand."""
        address = self.home.authorities.get("cn_ecommerce", "")
        if self.home.mode != "sandbox" or not address:
            return
        companies = [p for p in truck.parties.values() if p.code and p.dxp_id]
        keys.make_keys(companies, self.home.path / "keys", keys.sandbox_issuer(address))


def open_office(home: homes.Home | None = None) -> Office:
    """The office of a home folder (this process's by default); its process looks for garbage seldom from now on."""
    home = home or homes.read()
    gc.set_threshold(*GARBAGE)
    return Office(home, open_ledger(home.path, home.ledger), opened(home), keys.provider(home.keys, home.path))


def opened(home: homes.Home) -> dict[str, Authority]:
    """Every authority, by the channel that the settings name. Raises ConfigurationError."""
    strange = set(home.channels) - {"cn_ecommerce"}
    if strange:
        raise ConfigurationError(
            f"{homes.SETTINGS}: no channel to choose for 没有可选通道: {', '.join(sorted(strange))}"
        )
    return {
        "cn_ecommerce": ChinaEcommerce(
            home.authorities.get("cn_ecommerce", ""), channel=home.channels.get("cn_ecommerce")
        ),
        "hk_road": HongKongRoad(home.authorities.get("hk_road", "")),
    }


def collect_less() -> None:
    """What a process has loaded stays, and a truck's rows are no cycles: looking for garbage costs it a tenth and more.

    For processes that live long: what is garbage in a cycle by now is never found.
    """
    gc.freeze()
    gc.set_threshold(*GARBAGE)


@lru_cache(maxsize=1)
def office() -> Office:
    """This process's office."""
    found = open_office()
    collect_less()
    return found
