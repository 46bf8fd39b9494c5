"""Matching: order, payment, waybill and lines become parcels; what does not fit together is explained.

The rules and settings are data (mappings/rules/match.yaml). A parcel that cannot be declared waits with its reason.
"""

from __future__ import annotations

from pathlib import Path

from mappings import faults, rules
from mappings.canonical.batch import Batch
from tasks.capture import read_folder
from tasks.cleaning import Cleaned, clean
from tasks.cleaning.blame import Blame
from tasks.matching import assemble, compare, imported, inventory, pairs
from tasks.matching.locate import locate

__all__ = ["locate", "match", "prepare"]


def match(cleaned: Cleaned) -> Batch:
    """The truck as parcels with their states, and all faults of all stages so far."""
    blame = Blame(cleaned.places, "match")
    asked = rules.asked(cleaned.truck.direction, cleaned.truck.regime)
    paid, carried = pairs.payments(cleaned, blame), pairs.waybills(cleaned, blame)
    bought = pairs.buyers(cleaned, blame)
    compare.companies(cleaned, blame)
    if asked.imports:
        imported.compare(cleaned, {"payment": paid, "waybill": carried, "buyer": bought}, asked, blame)
    else:
        compare.missing(cleaned, paid, carried, blame)
        compare.lines(cleaned, blame)
        compare.money(cleaned, paid, blame)
    inventory.compare(cleaned, blame)
    compare.carriage(cleaned, carried, blame)
    compare.weight(cleaned, carried, assemble.net_weight(cleaned)[0], blame)
    lines = assemble.lines_of(cleaned)
    parcels = assemble.parcels_of(cleaned, paid, carried, bought, lines, asked.fill)
    found = assemble.with_waybills(faults.together([cleaned.faults, blame.frame()]), parcels)
    return Batch(cleaned.truck, assemble.states(parcels, found, cleaned.excluded), lines, found)


def prepare(folder: Path, profiles_from: Path | None = None) -> Batch:
    """A folder's files as a batch: capture, clean, match. Raises DataFault when they are no whole truck."""
    return match(clean(read_folder(folder, profiles_from)))
