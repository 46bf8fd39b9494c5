"""A tax bill that says something else than we computed, as faults of its parcels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mappings.canonical.batch import Batch
from tasks.imports.frames import tell


def bill_faults(batch: Batch, differences: pd.DataFrame) -> pd.DataFrame:
    """One warning for each parcel of which compare_bill found differences, with all of them in both languages."""
    seqs = batch.parcels["parcel.seq"]
    at = np.flatnonzero(seqs.isin(differences["seq"]).to_numpy())
    said = differences.groupby("seq")
    zh, en = (
        [sign.join(said.get_group(seqs[n])[name]) for n in at.tolist()] for name, sign in (("zh", "；"), ("en", "; "))
    )
    return tell(batch, "TAX-006", at, value=zh, other=en)
