"""Numbers of messages: decimals to compare, and integers scaled by 100,000 to keep."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

SCALE = 100_000


@lru_cache(maxsize=20_000)
def number(text: str) -> Decimal:
    """The decimal in a schema-checked text; an empty one is zero."""
    try:
        return Decimal(text.strip() or "0")
    except InvalidOperation:
        return Decimal(0)


def scaled(text: str | Decimal) -> int:
    """The amount times 100,000, rounded half up."""
    value = number(text) if isinstance(text, str) else text
    return int((value * SCALE).quantize(Decimal(1), ROUND_HALF_UP))


def plain(amount: int) -> str:
    """A scaled amount as a decimal text without needless zeros."""
    text = f"{Decimal(amount) / SCALE:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spoken(amount: int, places: int = 2) -> str:
    """A scaled amount as people write it: 26,114.44, and 26,000 where nothing follows the point."""
    text = f"{Decimal(amount) / SCALE:,.{places}f}"
    return text.removesuffix("." + "0" * places)
