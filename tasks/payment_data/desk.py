"""What the steps of this package share: customs' side of announcement 179, and where the company keeps its files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from adapters.ann179 import NAME, PaymentDataOnDemand
from tasks.office import Office

FOLDER = "payment_data"


def authority(office: Office) -> PaymentDataOnDemand:
    """Customs, at the address that the settings give (authorities: ann179); without one it can only be listened to."""
    return PaymentDataOnDemand(office.home.authorities.get(NAME, ""))


def folder(office: Office) -> Path:
    """The folder of the company's payment files and of its own profiles of them."""
    return office.home.path / FOLDER


def seconds(customs: PaymentDataOnDemand, setting: str) -> timedelta:
    """A setting of the profile that is a time."""
    return timedelta(seconds=float(customs.profile.value(setting)))
