"""A payment with its orders, as gathered: values by the field names of mappings/ann179/payload.yaml (`from`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from mappings.ann179.message import Problem, load

Value = str | Decimal | datetime | None
HEAD = tuple(m.source for m in load("payload").segments["payExchangeInfoHead"] if m.source)
ORDER = tuple(m.source for m in load("payload").segments["payExchangeInfoLists"] if m.source)


@dataclass
class PaidOrder:
    """One order of a payment, with its goods."""

    values: dict[str, Value]
    goods: list[dict[str, Value]] = field(default_factory=list)

    @property
    def order_no(self) -> str:
        """Its number."""
        return str(self.values.get("payment.order_no") or "")


@dataclass
class PaymentData:
    """A payment and all orders that it paid; `signer` is the company that signs, '' the platform itself."""

    values: dict[str, Value]
    orders: list[PaidOrder]
    signer: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def company(self) -> str:
        """Whose key signs."""
        return self.signer or str(self.values.get("payment.platform_code") or "")


def filled(values: Mapping[str, Value], others: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
    """`values` with what they lack from `others`, and the fields in which both say something else."""
    made = {**others, **{k: v for k, v in values.items() if v not in ("", None)}}
    return made, sorted(k for k, v in others.items() if v not in ("", None) and made[k] != v)
