"""Times of a column: the quick way gives what strftime gives, for every form of the interface."""

from __future__ import annotations

import pandas as pd
import pytest

from mappings.clock import CHINA
from mappings.engine.rows import TIMES, Rows, texts
from mappings.engine.spec import Field, load

TOLD = ["2026-11-23T12:15:00.999999Z", "1969-12-31T23:59:59.5Z", "1989-07-01T00:00:00Z", "2027-12-31T16:00:00Z", None]


@pytest.mark.parametrize("form", TIMES)
def test_a_column_of_times_is_written_as_strftime_writes_it(form: str) -> None:
    column = pd.Series(pd.to_datetime(TOLD, format="ISO8601", utc=True)).astype("datetime64[us, UTC]")
    item = Field("t", "C", None, False, None, "O", source="order.ordered_at", format=form)
    found = texts(load("CEB303Message"), item, Rows({"order.ordered_at": column}, len(column)))
    wanted = [time.tz_convert(CHINA).strftime(TIMES[form]) for time in column[:-1]]
    assert found == [*wanted, ""]
