"""The taxes of an inventory's lines (rules.md, section 6); the rates are a small made-up table of the sandbox's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import number, scaled
from adapters.sandbox.cn_customs.facts import Facts
from adapters.sandbox.cn_customs.store import Store

_ONE = Decimal(1)


@dataclass(frozen=True)
class Line:
    """The taxes of one line; amounts scaled by 100,000."""

    gnum: str
    gcode: str
    price: int
    duty: int
    vat: int
    consumption: int

    @property
    def total(self) -> int:
        """All three together."""
        return self.duty + self.vat + self.consumption


@cache
def _table() -> list[dict[str, Any]]:
    return list(settings.read("rates.yaml")["rates"])


def rate(store: Store, gcode: str, day: date) -> dict[str, Decimal]:
    """Shares of duty, VAT and consumption tax of a code on a day: an admin's rates come before the table's."""
    own = [dict(row) for row in store.rows("SELECT * FROM rate")]
    for rows in (own, _table()):
        fitting = [r for r in rows if gcode.startswith(r["gcode"]) and r["since"] <= day.isoformat()]
        if fitting:
            best = max(fitting, key=lambda r: (len(r["gcode"]), r["since"]))
            return {name: Decimal(best[name]) for name in ("duty", "vat", "consumption")}
    return dict.fromkeys(("duty", "vat", "consumption"), Decimal(0))


def _shared(amount: Decimal, values: list[Decimal]) -> list[Decimal]:
    """An amount shared by value to five decimals; the last line takes what is left."""
    total, places = sum(values), Decimal("0.00001")
    shares = [(amount * v / total).quantize(places, ROUND_HALF_UP) if total else Decimal(0) for v in values]
    return [*shares[:-1], amount - sum(shares[:-1])] if shares else []


def _rounded(value: Decimal) -> int:
    places = Decimal(1).scaleb(-int(settings.profile()["tax"]["places"]))
    return scaled(value.quantize(places, ROUND_HALF_UP))


def lines(store: Store, facts: Facts, day: date, full: bool, kept: dict[str, Decimal] | None = None) -> list[Line]:
    """The taxes of each line. `full`: duty and whole taxes; `kept`: the share of a line's quantity that stays here."""
    values = [number(goods[5]) for goods in facts["goods"]]
    extra = _shared(number(facts["freight"]) + number(facts["insuredFee"]), values)
    found = []
    for goods, value, share in zip(facts["goods"], values, extra, strict=True):
        price = (value + share) * (kept or {}).get(goods[0], _ONE)
        if price or not kept:
            found.append(_line(goods[0], goods[1], price, rate(store, goods[1], day), full))
    return found


def _line(gnum: str, gcode: str, price: Decimal, rates: dict[str, Decimal], full: bool) -> Line:
    portion = _ONE if full else Decimal(settings.profile()["tax"]["share"])
    duty = price * rates["duty"] if full else Decimal(0)
    base = (price + duty) / (_ONE - rates["consumption"])
    taxes = (duty, base * rates["vat"] * portion, base * rates["consumption"] * portion)
    return Line(gnum, gcode, scaled(price), *(_rounded(tax) for tax in taxes))
