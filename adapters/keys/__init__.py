"""Signing keys: a key per company, chosen by its certificate (DESIGN, "Who says what to whom")."""

from __future__ import annotations

import importlib
from pathlib import Path

from adapters.keys.issuer import sandbox_issuer
from adapters.keys.provider import Certificate, KeyProvider, read_certificate
from adapters.keys.software import Issuer, SoftwareKeys, make_keys
from mappings.errors import ConfigurationError

__all__ = [
    "Certificate",
    "Issuer",
    "KeyProvider",
    "SoftwareKeys",
    "make_keys",
    "provider",
    "read_certificate",
    "sandbox_issuer",
]


def provider(name: str, home: Path) -> KeyProvider:
    """The key provider of that name: "software", or "package.module:factory" for a card or remote signer."""
    if name == "software":
        return SoftwareKeys(home / "keys")
    module, _, factory = name.partition(":")
    try:
        found: KeyProvider = getattr(importlib.import_module(module), factory)(home)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"No key provider {name!r}: {error} / 找不到签名服务 {name}") from error
    return found
