"""What every receipt tells: when, and in which status; and why one cannot be applied."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from mappings.clock import CHINA

TIME = "%Y%m%d%H%M%S"


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime | None:
    """A returnTime (China time, 17 digits, or 14, whatever stands between them) as UTC; None when it is no time."""
    digits = re.sub(r"\D", "", text)
    try:
        at = datetime.strptime(digits[:14], TIME).replace(tzinfo=CHINA)
        return at.replace(microsecond=int(digits[14:17].ljust(3, "0")) * 1000).astimezone(UTC)
    except (ValueError, OverflowError):  # of the first day of year 1, as some systems write for "none", there is no UTC
        return None


@lru_cache(maxsize=4096)
def problem(status: str, at: datetime | None) -> str:
    """Why a receipt with this status and time cannot be applied, '' when it can."""
    if not re.fullmatch(r"-?\d+", status.strip()):
        return f"returnStatus {status!r} is no number / 回执状态无效"
    return "" if at else "returnTime is no time / 回执时间无效"
