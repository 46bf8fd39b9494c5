"""Texts into instants, by the forms and the time zone that a profile gives."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mappings.profiles import Field
from tasks.cleaning.cells import Cells

# "-3" is a year in ISO form; no parcel was ordered then, and no message can hold one before 1 or after 9999.
_FIRST, _LAST = np.datetime64("1970-01-01", "us"), np.datetime64("2200-01-01", "us")


def times(texts: list[str], one: Field, notes: Cells) -> pd.DatetimeIndex:
    """Instants (UTC) of texts, read in the field's forms; a text without offset is local to its zone. Notes VAL-002."""
    made = np.full(len(texts), np.datetime64("NaT", "us"))
    todo = np.array([bool(text) for text in texts], dtype=bool)
    source = pd.Series(texts, dtype="object")
    if any("%p" in form for form in one.formats):
        source = source.str.replace("上午", "AM").str.replace("下午", "PM")
    for form in one.formats or ("iso",):
        if todo.any():
            found = _instants(source[todo].reset_index(drop=True), form, one.timezone)
            made[todo] = found.tz_convert(None).as_unit("us").to_numpy()
            made[(made < _FIRST) | (made > _LAST)] = np.datetime64("NaT", "us")
            todo &= np.isnat(made)
    for number in np.flatnonzero(todo):
        notes.note("VAL-002", int(number))
    return pd.DatetimeIndex(made).tz_localize("UTC")


_OFFSET = re.compile(r"(?:[zZ]|[+-]\d\d:?\d\d)$")
_NUMERIC = {"unix": (1_000, "1970-01-01"), "unix_ms": (1, "1970-01-01"), "excel": (86_400_000, "1899-12-30")}


def _instants(texts: pd.Series, form: str, zone: str) -> pd.DatetimeIndex:
    if form in _NUMERIC:
        milliseconds, origin = _NUMERIC[form]
        numbers = (pd.to_numeric(texts, errors="coerce") * milliseconds).round()
        naive = pd.Timestamp(origin) + pd.to_timedelta(numbers, unit="ms", errors="coerce")
        return _utc(pd.DatetimeIndex(naive), "UTC" if form != "excel" else zone)
    if form == "iso":
        aware = (texts.str.contains(_OFFSET) & texts.str.contains(":", regex=False)).to_numpy(dtype=bool)
        made = np.full(len(texts), np.datetime64("NaT", "us"))
        offset = pd.to_datetime(texts[aware], format="ISO8601", utc=True, errors="coerce")
        made[aware] = pd.DatetimeIndex(offset).tz_convert(None).as_unit("us").to_numpy()
        local = pd.DatetimeIndex(pd.to_datetime(texts[~aware], format="ISO8601", errors="coerce"))
        made[~aware] = _utc(local, zone).tz_convert(None).to_numpy()
        return pd.DatetimeIndex(made).tz_localize("UTC")
    if "%z" in form:
        return pd.DatetimeIndex(pd.to_datetime(texts, format=form, utc=True, errors="coerce"))
    return _utc(pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce")), zone)


def _utc(naive: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    local = naive.tz_localize(ZoneInfo(zone), ambiguous=np.zeros(len(naive), bool), nonexistent="shift_forward")
    return local.tz_convert("UTC").as_unit("us")
