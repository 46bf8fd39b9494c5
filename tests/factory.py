"""A made-up truck in columns, consistent to the cent, for any test: no files, and nobody in it exists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from mappings import faults
from mappings.canonical import columns
from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE
from mappings.canonical.model import Truck

CENT = SCALE // 100
START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
PARTIES: dict[str, dict[str, str]] = {
    "platform": {"code": "91440400TESTPLAT01", "customs_code": "4404000001", "name": "测试电商平台有限公司"},
    "seller": {"code": "91440400TESTSELL02", "customs_code": "4404000002", "name": "测试家居贸易有限公司"},
    "payment_company": {"code": "91440400TESTPAYM03", "customs_code": "4404000003", "name": "测试支付有限公司"},
    "carrier": {"code": "91440400TESTCARR04", "customs_code": "4404000004", "name": "测试快件物流有限公司"},
    "agent": {"code": "91440400TESTAGEN05", "customs_code": "4404000005", "name": "测试报关有限公司"},
    "yard": {"code": "91440400TESTYARD06", "customs_code": "4404000006", "name": "测试监管作业中心"},
    "hk_consignee": {"name": "Test Parcel Hub (Hong Kong) Limited", "address": "1 Made Up Road, Hong Kong"},
    "hk_agent": {"name": "Test Cargo Filing Limited"},
}
GOODS = (
    # hs_code, goods_name, unit, unit1, unit2
    ("9503008900", "塑料玩具", "H87", "KGM", ""),
    ("6913100000", "瓷质装饰品", "H87", "KGM", "H87"),
    ("3406000090", "蜡烛", "SET", "KGM", ""),
    ("8306299000", "金属摆件", "PR", "KGM", ""),
)
COUNTRIES = ("GB", "DE", "FR", "IE")


def make_truck(**changes: Any) -> Truck:
    """A truck of Zhuhai to Hong Kong with every role filled; `changes` replace its fields."""
    parties = {
        role: party | ({"dxp_id": f"DXPTEST{n:09d}"} if "code" in party else {})
        for n, (role, party) in enumerate(PARTIES.items())
    }
    values: dict[str, Any] = {
        "master_waybill": "HZMB0099000001",
        "batch_no": "5788261123001",
        "customs_office": "5788",
        "exit_port": "5788",
        "port_of_destination": "HKG",
        "mainland_plate": "粤ZT001港",
        "hk_plate": "TT1001",
        "trailer": "粤ZT002挂",
        "e_lock": "EL-TEST-1",
        "via": "HKIA",
        "driver": {"name": "测试司机", "licence": "TEST-0001"},
        "planned": {
            "arrival_at_yard": START + timedelta(hours=8),
            "departure": START + timedelta(hours=16, minutes=30),
            "crossing": START + timedelta(hours=17, minutes=10),
        },
        "parties": parties,
    }
    return Truck.model_validate(values | changes)


def _text(pattern: str, numbers: np.ndarray) -> pd.Series:
    return pd.Series([pattern.format(n) for n in numbers.tolist()], dtype="str")


def _pick(choices: tuple[str, ...], numbers: np.ndarray) -> pd.Series:
    return pd.Series([choices[n % len(choices)] for n in numbers.tolist()], dtype="str")


def _filled(table: str, length: int, **values: Any) -> pd.DataFrame:
    """A canonical table of `length` rows, its fields set by name and turned into their dtypes."""
    frame = columns.empty(table, length)
    for name, value in values.items():
        path = f"{table}.{name}"
        column = value if isinstance(value, pd.Series | np.ndarray) else [value] * length
        frame[path] = pd.Series(column, dtype=frame[path].dtype)
    return frame


def _counts(n: int, lines: float, random: np.random.Generator) -> np.ndarray:
    """Lines a parcel: `lines` for a whole number, else the two around it, mixed to that average."""
    whole = int(lines)
    extra = np.zeros(n, dtype=np.int64)
    extra[: round((lines - whole) * n)] = 1
    random.shuffle(extra)
    return whole + extra


def _lines(counts: np.ndarray, orders: pd.Series, random: np.random.Generator) -> pd.DataFrame:
    owner = np.repeat(np.arange(len(counts)), counts)
    total = len(owner)
    gnum = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    kind = random.integers(0, len(GOODS), total)
    quantity = random.integers(1, 6, total)
    price = random.integers(100, 2500, total) * CENT
    weight = quantity * random.integers(20, 200, total) * SCALE // 1000
    columns_of = {i: tuple(g[i] for g in GOODS) for i in range(5)}
    unit2 = _pick(columns_of[4], kind)
    frame = _filled(
        "line",
        total,
        order_no=orders.take(owner).reset_index(drop=True),
        gnum=gnum,
        item_no=_text("SKU{:05d}", kind * 1000 + random.integers(0, 999, total)),
        item_name=_pick(("Toy & puzzle <small>", "China ornament", "Candle set", "Metal figure 50%"), kind),
        hs_code=_pick(columns_of[0], kind),
        goods_name=_pick(columns_of[1], kind),
        goods_model=_pick(("", "无品牌|小号"), random.integers(0, 2, total)),
        bar_code=_pick(("", "6900000000015"), random.integers(0, 2, total)),
        origin="CN",
        currency="GBP",
        quantity=quantity * SCALE,
        unit=_pick(columns_of[2], kind),
        price=price,
        total_price=quantity * price,
        quantity1=weight,
        unit1=_pick(columns_of[3], kind),
        unit2=unit2,
        net_weight=weight,
    )
    frame["line.quantity2"] = frame["line.quantity"].where(unit2 != "")
    return frame.assign(parcel=owner)


def make_batch(n: int = 3, lines: float = 2, seed: int = 1, **truck: Any) -> Batch:
    """A matched truck of `n` parcels ready to be declared, with `lines` goods lines each (2.5 mixes 2 and 3).

    Goods value is the sum of the lines, the payment adds the freight, net weight is below gross. The same seed gives
    the same truck; `truck` replaces fields of the truck.
    """
    random = np.random.default_rng(seed)
    numbers = np.arange(1, n + 1)
    orders = _text("TEST{:07d}", seed * 100_000 + numbers)
    waybills = _text("TWB{:09d}", seed * 1_000_000 + numbers)
    goods = _lines(_counts(n, lines, random), orders, random)
    sums = goods.groupby("parcel")[["line.total_price", "line.net_weight"]].sum().reindex(range(n), fill_value=0)
    value, net = sums["line.total_price"].to_numpy(np.int64), sums["line.net_weight"].to_numpy(np.int64)
    freight = random.integers(100, 999, n) * CENT
    times = pd.Series(pd.to_datetime([START + timedelta(seconds=37 * i) for i in range(n)], utc=True))
    country = _pick(COUNTRIES, random.integers(0, len(COUNTRIES), n))
    parcels = pd.concat(
        [
            _filled("order", n, order_no=orders, ordered_at=times, currency="GBP", goods_value=value, freight=freight,
                    buyer_country=country),
            _filled("payment", n, order_no=orders, pay_no=_text("TPAY{:010d}", numbers), amount=value + freight,
                    currency="GBP", paid_at=times + pd.Timedelta(minutes=5), payer_name=_text("Payer {}", numbers)),
            _filled("waybill", n, order_no=orders, waybill_no=waybills, pieces=1, gross_weight=net + SCALE // 10,
                    freight=freight, insured_fee=0, currency="GBP", big_bag_no=_text("BAG{:04d}", numbers // 40 + 1),
                    goods_info="玩具、摆件", consignee_name=_text("Test Buyer {}", numbers),
                    consignee_phone=_text("+44 7700 900{:03d}", numbers % 1000),
                    consignee_address=_text("{} Test Street, Nowhere", numbers), consignee_country=country),
        ],
        axis=1,
    )  # fmt: skip
    parcels["parcel.seq"] = numbers
    parcels["parcel.state"] = pd.Series(["ready"] * n, dtype="str")
    parcels["parcel.reason"] = pd.Series([""] * n, dtype="str")
    parcels["parcel.net_weight"] = pd.Series(net, dtype="Int64")
    return Batch(make_truck(**truck), parcels, goods, faults.frame([]))
