"""What goes wrong on the made-up import, one function a kind; each makes one order wrong and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from deployments.demo_import import DAY, MadeImport, Record, make_import, party

Flaw = Callable[[MadeImport, str], MadeImport]
OTHER = {"name": "丙示例九", "idNumber": "990000199012319999"}


def _changed(made: MadeImport, which: str, order: str, change: Callable[[Record], None]) -> MadeImport:
    """The same import with the record of one order in `which` (orders, payments, waybills) changed."""
    key = "orderNo" if which == "orders" else "order"
    records = [copy.deepcopy(r) if r[key] == order else r for r in getattr(made, which)]
    for record in records:
        if record[key] == order:
            change(record)
    changes: Any = {which: records}
    return replace(made, **changes)


def _without(made: MadeImport, which: str, order: str) -> MadeImport:
    changes: Any = {which: [r for r in getattr(made, which) if r["order"] != order]}
    return replace(made, **changes)


def amount(made: MadeImport, order: str) -> MadeImport:
    """One yuan more was paid than the order says."""
    return _changed(made, "payments", order, lambda p: p.update(fen=p["fen"] + 100))


def arithmetic(made: MadeImport, order: str) -> MadeImport:
    """What was really paid is not goods + freight + taxes - discount; the payment is the same amount."""
    wrong = _changed(made, "orders", order, lambda o: o["fen"].update(paid=o["fen"]["paid"] + 500))
    return _changed(wrong, "payments", order, lambda p: p.update(fen=p["fen"] + 500))


def other_payer(made: MadeImport, order: str) -> MadeImport:
    """Somebody else paid."""
    return _changed(made, "payments", order, lambda p: p["payer"].update(OTHER))


def payer_name(made: MadeImport, order: str) -> MadeImport:
    """The payer's name is written otherwise; the number is the buyer's."""
    return _changed(made, "payments", order, lambda p: p["payer"].update(name=p["payer"]["name"] + "丰"))


def check_digit(made: MadeImport, order: str) -> MadeImport:
    """The last digit of the buyer's identity number is wrong, with the platform and with the payment company."""

    def wrong(person: Record) -> None:
        last = person["idNumber"][-1]
        person["idNumber"] = person["idNumber"][:-1] + ("1" if last in "X0" else str((int(last) + 1) % 10))

    made = _changed(made, "orders", order, lambda o: wrong(o["buyer"]))
    return _changed(made, "payments", order, lambda p: wrong(p["payer"]))


def no_buyer(made: MadeImport, order: str) -> MadeImport:
    """The platform left the buyer's identity number empty."""
    return _changed(made, "orders", order, lambda o: o["buyer"].update(idNumber=""))


def dollars(made: MadeImport, order: str) -> MadeImport:
    """The payment's currency is none that an import takes."""
    return _changed(made, "payments", order, lambda p: p.update(currency="美元"))


def line_count(made: MadeImport, order: str) -> MadeImport:
    """The order says that it has one line more than came."""
    return _changed(made, "orders", order, lambda o: o.update(lineCount=o["lineCount"] + 1))


def line_total(made: MadeImport, order: str) -> MadeImport:
    """A line's total is not quantity times price; all sums follow the line."""

    def wrong(o: Record) -> None:
        item = o["items"][0]
        item["total"] = item["qty"] * item["fen"] + 100
        o["fen"].update(goods=o["fen"]["goods"] + 100, paid=o["fen"]["paid"] + 100)

    made = _changed(made, "orders", order, wrong)
    return _changed(made, "payments", order, lambda p: p.update(fen=p["fen"] + 100))


def receiver(made: MadeImport, order: str) -> MadeImport:
    """The carrier has another address than the order."""
    return _changed(made, "waybills", order, lambda w: w["receiver"].update(address="示例市示例区他处1号"))


def two_pieces(made: MadeImport, order: str) -> MadeImport:
    """The waybill is of two pieces."""
    return _changed(made, "waybills", order, lambda w: w.update(pieces=2))


def no_payment(made: MadeImport, order: str) -> MadeImport:
    """The payment company has not sent the payment yet: customs takes the order with a warning."""
    return _without(made, "payments", order)


def no_waybill(made: MadeImport, order: str) -> MadeImport:
    """The carrier never had it."""
    return _without(made, "waybills", order)


def unregistered(made: MadeImport, order: str) -> MadeImport:
    """A good that the seller has not registered."""
    return _changed(made, "orders", order, lambda o: o["items"][0].update(sku="IMP-9999"))


def cancelled(made: MadeImport, order: str) -> MadeImport:
    """The platform took the order back; nobody paid or carried it."""
    taken = _without(_without(made, "payments", order), "waybills", order)
    return _changed(taken, "orders", order, lambda o: o.update(status="cancelled"))


def gift(made: MadeImport, order: str) -> MadeImport:
    """Not wrong: one more line at price 0, which an import order may have."""

    def more(o: Record) -> None:
        o["items"].append({"sku": "IMP-1002", "title": "示例补水面膜 5片（赠品）", "qty": 1, "fen": 0})
        o["lineCount"] += 1

    heavier = _changed(made, "waybills", order, lambda w: w.update(grams=w["grams"] + 200))
    return _changed(heavier, "orders", order, more)


def over_limit(made: MadeImport, order: str) -> MadeImport:
    """Goods for more than 5,000 yuan in one order (rules.md 5): twelve of one good, all sums and weights with it."""

    def many(o: Record) -> None:
        item = {"sku": "IMP-1006", "title": "示例美容仪", "qty": 12, "fen": 99900}
        value = 12 * 99900
        fen = {"goods": value, "freight": 0, "taxes": 0, "discount": 0, "paid": value}
        o.update(items=[item], lineCount=1, fen=fen)

    made = _changed(made, "orders", order, many)
    made = _changed(made, "payments", order, lambda p: p.update(fen=12 * 99900))
    return _changed(made, "waybills", order, lambda w: w.update(grams=12 * 480 + 200, freight=0))


def delivered(made: MadeImport, order: str) -> MadeImport:
    """Not wrong: the receiver has signed already, so a 513 is due."""
    return _changed(made, "waybills", order, lambda w: w.update(signed="2026-11-25 10:30:00"))


def company(made: MadeImport, order: str) -> MadeImport:
    """The order names another payment company than the truck's."""
    return _changed(made, "orders", order, lambda o: o.update(payCompany=party("area")["code"]))


def renamed(made: MadeImport, order: str, name: str) -> MadeImport:
    """The same import with an order under another number, with all that belongs to it."""
    made = _changed(made, "orders", order, lambda o: o.update(orderNo=name))
    for which in ("payments", "waybills"):
        made = _changed(made, which, order, lambda r: r.update(order=name))
    return made


def marked(mark: str) -> Flaw:
    """Not wrong: an order number at which the customs sandbox acts up (its profile.yaml, `patterns`)."""
    return lambda made, order: renamed(made, order, f"{order}-{mark}")


KINDS: dict[str, tuple[Flaw, int]] = {  # kind -> how it is done, how many of it in 300 parcels
    "amount": (amount, 2),
    "arithmetic": (arithmetic, 1),
    "other payer": (other_payer, 2),
    "payer's name": (payer_name, 1),
    "check digit": (check_digit, 2),
    "no identity number": (no_buyer, 1),
    "currency": (dollars, 1),
    "line count": (line_count, 1),
    "line total": (line_total, 1),
    "receiver": (receiver, 1),
    "two pieces": (two_pieces, 1),
    "no payment": (no_payment, 2),
    "no waybill": (no_waybill, 1),
    "unregistered": (unregistered, 1),
    "cancelled": (cancelled, 2),
    "gift": (gift, 2),
    "over the single limit": (over_limit, 1),
    "delivered": (delivered, 5),
    "payment company": (company, 1),
    "rejected by customs": (marked("X100"), 1),
    "inspected by customs": (marked("X500"), 2),
    "detained by customs": (marked("X501"), 1),
}


def with_flaws(made: MadeImport) -> MadeImport:
    """The import with every kind of flaw, each in orders of its own, spread over it. Raises ValueError if too small."""
    kinds = [kind for kind, (_, many) in KINDS.items() for _ in range(many)]
    orders = [o["orderNo"] for o in made.orders]
    if len(orders) < len(kinds):
        raise ValueError(f"{len(kinds)} flaws need at least as many parcels, not {len(orders)}")
    step, flaws = len(orders) // len(kinds), dict[str, str]()
    for number, kind in enumerate(kinds):
        order = orders[number * step]
        made = KINDS[kind][0](made, order)
        name = next((o["orderNo"] for o in made.orders if o["orderNo"].startswith(f"{order}-")), order)
        flaws[name] = kind
    return replace(made, flaws=flaws)


def demo_import(parcels: int = 300, regime: str = "9610", seed: int = 1, day: date = DAY) -> MadeImport:
    """The made-up import with its flaws."""
    return with_flaws(make_import(parcels, regime, seed, day))
