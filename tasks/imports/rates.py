"""The company's table of tax rates: `taxes:` in tongguan.yaml, else the folder `taxes` of the home folder."""

from __future__ import annotations

from adapters.home import SETTINGS, Home
from mappings.errors import ConfigurationError
from mappings.imports import rates
from mappings.imports.rates import Rates

FOLDER = "taxes"


def company_rates(home: Home) -> Rates:
    """The table that holds here; in the sandbox the made-up one where there is none. Raises ConfigurationError."""
    folder = home.taxes or home.path / FOLDER
    if folder.is_dir():
        return rates.read(folder)
    if home.taxes or home.mode == "live":
        raise ConfigurationError(
            f"There is no table of tax rates 没有税率表: put {rates.RATES} (and {rates.ROUNDING}) into the folder "
            f"{FOLDER} of the home, or name its folder as `taxes` in {SETTINGS} 请放入税率表"
        )
    return rates.shipped()
