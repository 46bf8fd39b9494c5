"""What goes wrong on the made-up truck, one function a kind; each makes one order wrong and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from deployments.demo_truck import DAY, MadeTruck, make_truck, renamed

Flaw = Callable[[MadeTruck, str], MadeTruck]
FREIGHT = 1500  # pence


def _put(frame: pd.DataFrame, order: str, column: str, change: Callable[[pd.Series], Any]) -> pd.DataFrame:
    made, mine = frame.copy(), (frame["order"] == order).to_numpy()
    made.loc[mine, column] = change(made.loc[mine, column])
    return made


def _without(frame: pd.DataFrame, order: str) -> pd.DataFrame:
    return frame[frame["order"] != order].reset_index(drop=True)


def _line(made: MadeTruck, order: str, **values: Any) -> MadeTruck:
    """One more line, after the order's last."""
    at = int(np.flatnonzero((made.lines["order"] == order).to_numpy())[-1])
    extra = made.lines.iloc[[at]].assign(**values)
    return replace(made, lines=pd.concat([made.lines[: at + 1], extra, made.lines[at + 1 :]], ignore_index=True))


def amount(made: MadeTruck, order: str) -> MadeTruck:
    """The payment is a pound more than the order."""
    return replace(made, payments=_put(made.payments, order, "pence", lambda s: s + 100))


def weight(made: MadeTruck, order: str) -> MadeTruck:
    """The parcel weighs less than the goods in it."""
    return replace(made, waybills=_put(made.waybills, order, "grams", lambda s: s // 10))


def no_payment(made: MadeTruck, order: str) -> MadeTruck:
    """The payment company never sent one."""
    return replace(made, payments=_without(made.payments, order))


def no_waybill(made: MadeTruck, order: str) -> MadeTruck:
    """The carrier never had it."""
    return replace(made, waybills=_without(made.waybills, order))


def no_country(made: MadeTruck, order: str) -> MadeTruck:
    """Both name a country that there is not."""
    lines = _put(made.lines, order, "country", lambda _: "Atlantis")
    return replace(made, lines=lines, waybills=_put(made.waybills, order, "country", lambda _: "Atlantis"))


def unregistered(made: MadeTruck, order: str) -> MadeTruck:
    """A good that the seller has not registered."""
    return replace(made, lines=_put(made.lines, order, "item", lambda s: ["99999", *s.tolist()[1:]]))


def cancelled(made: MadeTruck, order: str) -> MadeTruck:
    """The platform took it back: its number starts with C, its quantities are negative, nobody paid or carried it."""
    taken = replace(
        made,
        lines=_put(made.lines, order, "quantity", lambda s: -s),
        payments=_without(made.payments, order),
        waybills=_without(made.waybills, order),
    )
    return renamed(taken, order, f"C{order}")


def gift(made: MadeTruck, order: str) -> MadeTruck:
    """One more line that costs nothing."""
    return _line(made, order, item="20001", name="RED SPOT GLASS VASE", quantity=1, pence=0)


def twice(made: MadeTruck, order: str) -> MadeTruck:
    """The same payment was sent a second time."""
    again = made.payments[made.payments["order"] == order]
    return replace(made, payments=pd.concat([made.payments, again], ignore_index=True))


def two_payments(made: MadeTruck, order: str) -> MadeTruck:
    """The order was paid a second time, under another number."""
    sent = twice(made, order)
    last = len(sent.payments) - 1
    number = sent.payments["pay_no"].where(sent.payments.index != last, sent.payments["pay_no"] + "9")
    return replace(sent, payments=sent.payments.assign(pay_no=number))


def postage(made: MadeTruck, order: str) -> MadeTruck:
    """Not wrong: freight as a line of the order, which payment and waybill know of."""
    charged = _line(made, order, item="POST", name="POSTAGE", quantity=1, pence=FREIGHT)
    payments = _put(made.payments, order, "pence", lambda s: s + FREIGHT)
    return replace(charged, payments=payments, waybills=_put(made.waybills, order, "freight", lambda _: FREIGHT))


def _marked(mark: str) -> Flaw:
    def rename(made: MadeTruck, order: str) -> MadeTruck:
        return renamed(made, order, f"{order}-{mark}")

    return rename


def silent(made: MadeTruck, order: str) -> MadeTruck:
    """Customs says nothing of its inventory for two hours."""
    rule = {"match": {"type": "CEB603Message", "order_no": order}, "action": "silent", "seconds": 7200, "times": 1}
    return replace(made, behaviour=[*made.behaviour, rule])


KINDS: dict[str, tuple[Flaw, int]] = {  # kind -> how it is done, how many of it in 300 parcels
    "amount": (amount, 2),
    "weight": (weight, 2),
    "no_payment": (no_payment, 2),
    "no_waybill": (no_waybill, 1),
    "no_country": (no_country, 1),
    "unregistered": (unregistered, 1),
    "cancelled": (cancelled, 3),
    "gift": (gift, 1),
    "twice": (twice, 1),
    "two payments": (two_payments, 1),
    "postage": (postage, 20),
    "rejected by customs": (_marked("X100"), 1),
    "inspected by customs": (_marked("X500"), 1),
    "customs slow": (silent, 1),
}
NEWNAME = {"cancelled": "C{}", "rejected by customs": "{}-X100", "inspected by customs": "{}-X500"}


def with_flaws(made: MadeTruck, seed: int = 1) -> MadeTruck:
    """The truck with every kind of KINDS in orders drawn by the seed, each in an order of its own; needs 40 parcels."""
    wanted = [kind for kind, (_, many) in KINDS.items() for _ in range(many)]
    orders = made.orders()
    if len(orders) < len(wanted):
        raise ValueError(f"A truck with every flaw needs {len(wanted)} parcels, not {len(orders)}")
    drawn = np.random.default_rng(seed + 1).choice(len(orders), len(wanted), replace=False)
    flaws: dict[str, str] = {}
    for kind, at in zip(wanted, drawn.tolist(), strict=True):
        made = KINDS[kind][0](made, orders[at])
        flaws[NEWNAME.get(kind, "{}").format(orders[at])] = kind
    return replace(made, flaws=flaws)


def demo_truck(parcels: int = 300, seed: int = 1, day: date = DAY) -> MadeTruck:
    """The demo's truck: mostly clean, with every kind of flaw, and what makes the sandbox reject, inspect, be slow."""
    return with_flaws(make_truck(parcels, 2.5, seed, day), seed)
