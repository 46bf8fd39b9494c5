"""Which companies' keys are here: for a person who files them, and looks when a certificate runs out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from adapters.keys.provider import read_certificate


class Held(NamedTuple):
    """One company's key: its algorithm, its certificate's number, and until when that holds (UTC)."""

    company: str
    algorithm: str
    number: str
    valid_until: datetime


def held(folder: Path) -> list[Held]:
    """Every company that has a certificate in the folder, by code. Raises BadSignature for a file that is none."""
    return [_held(file) for file in sorted(folder.glob("*.cert.pem"))]


def _held(file: Path) -> Held:
    found = read_certificate(file.read_bytes())
    until = x509.load_der_x509_certificate(found.der).not_valid_after_utc
    return Held(file.name.removesuffix(".cert.pem"), found.algorithm, found.number, until)
