"""The numbers of buyers and companies on an import, column by column (mappings/imports/identity.yaml)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from mappings.canonical.batch import Batch
from mappings.imports import parameters
from mappings.imports.tables import identity_rules
from tasks.imports.frames import tell, texts

Check = Callable[[str, date], bool]


def document_type(text: str, on: date) -> bool:
    """Whether the document is a resident identity card."""
    return text == str(parameters.value("id_type", on))


def resident_form(text: str, on: date) -> bool:
    """Whether it is 17 digits and a digit or X (GB 11643)."""
    return len(text) == 18 and text.isascii() and text[:17].isdigit() and (text[17].isdigit() or text[17] in "xX")


def resident_digit(text: str, on: date) -> bool:
    """Whether the check digit is right (GB 11643)."""
    return ric.calc_check_digit(text) == text[17].upper()


def resident_birth(text: str, on: date) -> bool:
    """Whether the birth date is a day, not in the future and not too long ago."""
    try:
        born = ric.get_birth_date(text)
    except ValidationError:
        return False
    oldest = on - timedelta(days=366 * int(parameters.value("oldest_buyer", on)))
    return oldest <= born <= on


def company_form(text: str, on: date) -> bool:
    """Whether it is a 10-character customs code or an 18-character unified social credit code."""
    return len(text) in (10, 18) and text.isascii() and text.isalnum() and text == text.upper()


def company_digit(text: str, on: date) -> bool:
    """Whether an 18-character code holds its check digit (GB 32100)."""
    return len(text) != 18 or uscc.is_valid(text)


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (document_type, resident_form, resident_digit, resident_birth, company_form, company_digit)
}


def wrong(values: pd.Series, check: str, on: date) -> np.ndarray:
    """Where a text that is there does not hold; each distinct text is looked at once."""
    numbers, distinct = pd.factorize(values)
    good = np.array([text == "" or CHECKS[check](text, on) for text in distinct], dtype=bool)
    return ~good[numbers]


def number_faults(batch: Batch, live: np.ndarray, on: date) -> list[pd.DataFrame]:
    """The faults of all numbers of the parcels where `live` holds; a number has one fault."""
    found = []
    blamed: dict[str, np.ndarray] = {}
    for rule in identity_rules():
        if rule.field not in batch.parcels:
            continue
        values = texts(batch.parcels, rule.field)
        before = blamed.get(rule.field, np.zeros(len(values), dtype=bool))
        bad = np.zeros(len(values), dtype=bool)
        ask = np.flatnonzero(live & ~(before if rule.unless else False))
        bad[ask] = wrong(values.iloc[ask], rule.check, on)
        blamed[rule.field] = before | bad
        other = str(parameters.value("id_type", on)) if rule.check == "document_type" else ""
        found.append(tell(batch, rule.code, bad, rule.field, other=other))
    return found
