"""A made-up truck in the layouts of the shared sample, from a seed: for the demo, for benchmarks, for tests.

`make_truck` gives clean parcels in columns, up to a million and more; `demo_flaws.with_flaws` makes
some of them wrong and says which; `write` makes the files. People and companies are made up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from stdnum.cn import uscc

from deployments import xlsx
from mappings import yamls

FILES = ("orders.csv", "payments.csv", "waybills.jsonl", "goods_master.xlsx", "truck.json")
DAY = date(2026, 11, 23)
_GOODS_HEAD = (
    "商品货号",
    "商品编码",
    "商品名称",
    "英文品名",
    "成交单位",
    "法定单位",
    "净重(千克)",
    "原产国",
    "规格型号",
)
_PAYMENT_HEAD = "订单编号,支付交易编号,支付金额,币制,支付时间,付款人\n"


@dataclass(frozen=True)
class MadeTruck:
    """One made-up truck: `lines`, `payments`, `waybills`, `goods` in columns (pence, grams), and its sheet.

    `flaws` says which order was made wrong and how; `behaviour` are the rules that make the sandbox act up.
    """

    truck: dict[str, Any]
    lines: pd.DataFrame
    payments: pd.DataFrame
    waybills: pd.DataFrame
    goods: pd.DataFrame
    flaws: dict[str, str] = field(default_factory=dict)
    behaviour: list[dict[str, Any]] = field(default_factory=list)
    bought: date = DAY

    def orders(self) -> list[str]:
        """All order numbers, in the order of the file."""
        return list(dict.fromkeys(self.lines["order"].tolist()))


@lru_cache
def tables() -> dict[str, Any]:
    """The names, goods and places that a made-up truck is made of."""
    made: dict[str, Any] = yamls.load((Path(__file__).parent / "demo_goods.yaml").read_text("utf-8"))
    return made


def _goods() -> pd.DataFrame:
    data, brands = tables(), tables()["brands"]
    rows = [
        (
            str(20001 + 100 * i + j),
            hs,
            zh,
            f"{pattern} {noun}",
            unit,
            grams + 5 * j,
            pence + 10 * j,
            brands[j % len(brands)],
        )
        for i, (noun, hs, zh, unit, grams, pence) in enumerate(data["goods"])
        for j, pattern in enumerate(data["patterns"])
    ]
    return pd.DataFrame(rows, columns=["item", "hs", "zh", "name", "unit", "grams", "pence", "brand"])


def _party(role: str, number: int) -> dict[str, str]:
    name, letters, customs, address = tables()["parties"][role]
    made = {"name": name, "address": address} if address else {"name": name}
    if letters:
        head = f"91440400MA{letters}".translate(str.maketrans("IOZSV", "1ABCD")).ljust(17, "0")
        code = head + uscc.calc_check_digit(head)
        made = {"code": code, "customs_code": customs, "dxp_id": f"DXPENT{9900000000 + number}", **made}
    return made


def _truck(seed: int, day: date) -> dict[str, Any]:
    next_day = date.fromordinal(day.toordinal() + 1)
    return {
        "master_waybill": f"HZMBDEMO{seed:06d}",
        "batch_no": f"5788{day:%y%m%d}{seed % 1000:03d}",
        "regime": "9610",
        "direction": "export",
        "corridor": "zhuhai-hongkong",
        "customs_office": "5788",
        "exit_port": "5788",
        "transport_mode": "4",
        "port_of_destination": "HKG",
        "wrap_type": "2",
        "package_kind": "CT",
        "statistics_flag": "A",
        "mainland_plate": f"粤ZX{100 + seed % 900}港",
        "hk_plate": f"VX{1000 + seed % 9000}",
        "driver": {"name": "示例司机", "licence": f"SYNTHETIC-{seed % 10000:04d}"},
        "trailer": f"粤Z{1000 + seed % 9000}挂",
        "e_lock": f"EL-{90000000 + seed % 10000000}",
        "planned": {
            "arrival_at_yard": f"{day}T22:00:00+08:00",
            "departure": f"{next_day}T06:30:00+08:00",
            "crossing": f"{next_day}T07:10:00+08:00",
        },
        "via": "HKIA",
        "parties": {role: _party(role, i) for i, role in enumerate(tables()["parties"])},
    }


def _draw(random: np.random.Generator, pool: list[str], size: int) -> np.ndarray:
    return np.array(pool, dtype=object)[random.integers(0, len(pool), size)]


def make_truck(parcels: int, lines_per_parcel: float = 2.5, seed: int = 1, day: date = DAY) -> MadeTruck:
    """A truck of clean parcels with `lines_per_parcel` goods lines each on average, the same for the same seed."""
    random, data, goods = np.random.default_rng(seed), tables(), _goods()
    count = 1 + random.poisson(max(lines_per_parcel - 1, 0), parcels).clip(0, 98)
    order = np.array([f"{day:%y%m%d}{seed % 1000:03d}{i:07d}" for i in range(parcels)], dtype=object)
    owner = np.repeat(np.arange(parcels), count)
    first = np.repeat(np.cumsum(count) - count, count)
    start = np.repeat(random.integers(0, len(goods), parcels), count)
    good = (start + np.arange(len(owner)) - first) % len(goods)  # no good twice in an order
    quantity = random.integers(1, 5, len(owner))
    pence, grams = goods["pence"].to_numpy()[good], goods["grams"].to_numpy()[good]
    shares = np.array([c[2] for c in data["countries"]])
    country = random.choice(len(shares), parcels, p=shares / shares.sum())
    minute = np.sort(random.integers(8 * 60, 20 * 60, parcels))
    names = _draw(random, data["given"], parcels) + " " + _draw(random, data["family"], parcels)
    eve = date.fromordinal(day.toordinal() - 1)
    lines = pd.DataFrame({
        "order": order[owner], "item": goods["item"].to_numpy()[good], "name": goods["name"].to_numpy()[good],
        "quantity": quantity, "pence": pence, "minute": minute[owner],
        "buyer": random.integers(10000, 99999, parcels)[owner],
        "country": np.array([c[0] for c in data["countries"]], dtype=object)[country[owner]],
    })  # fmt: skip
    payments = pd.DataFrame({
        "order": order, "pence": np.bincount(owner, quantity * pence, parcels).astype(np.int64),
        "minute": minute + 3, "payer": names,
        "pay_no": [f"PY{eve:%Y%m%d}{seed % 1000:03d}{i:08d}" for i in range(parcels)],
    })  # fmt: skip
    waybills = pd.DataFrame({
        "order": order, "waybill": [f"DM{seed % 1000:03d}{i:08d}CN" for i in range(parcels)], "name": names,
        "grams": np.bincount(owner, quantity * grams, parcels).astype(np.int64) + random.integers(30, 400, parcels),
        "freight": 0, "phone": random.integers(100, 1000, parcels),
        "number": random.integers(1, 200, parcels), "street": _draw(random, data["streets"], parcels),
        "town": _draw(random, data["towns"], parcels),
        "country": np.array([c[1] for c in data["countries"]], dtype=object)[country],
    })  # fmt: skip
    return MadeTruck(_truck(seed, day), lines, payments, waybills, goods, bought=eve)


def write(made: MadeTruck, folder: Path) -> Path:
    """Writes the five files of the truck into `folder` (made when missing) and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truck.json").write_text(json.dumps(made.truck, ensure_ascii=False, indent=1) + "\n", "utf-8")
    _write_orders(made.lines, folder / "orders.csv", made.bought)
    _write_payments(made.payments, folder / "payments.csv", made.bought)
    _write_waybills(made.waybills, folder / "waybills.jsonl")
    columns = (made.goods[c].tolist() for c in ("item", "hs", "zh", "name", "unit", "grams", "brand"))
    rows = [
        (item, hs, zh, name, "011", unit, grams / 1000, "CN", f"{brand}|零售包装|{zh}")
        for item, hs, zh, name, unit, grams, brand in zip(*columns, strict=True)
    ]
    xlsx.write(folder / "goods_master.xlsx", [_GOODS_HEAD, *rows])
    return folder


def _write_payments(payments: pd.DataFrame, path: Path, day: date) -> None:
    columns = (payments[c].tolist() for c in ("order", "pay_no", "pence", "minute", "payer"))
    text = "".join(
        f"{order},{number},{pence // 100}.{pence % 100:02d},英镑,{day:%Y/%m/%d} "
        f"{minute // 60:02d}:{minute % 60:02d},{payer}\n"
        for order, number, pence, minute, payer in zip(*columns, strict=True)
    )
    path.write_bytes((_PAYMENT_HEAD + text).encode("gb18030"))


def _write_orders(lines: pd.DataFrame, path: Path, day: date) -> None:
    names = ("order", "item", "name", "quantity", "minute", "pence", "buyer", "country")
    columns = zip(*(lines[c].tolist() for c in names), strict=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n")
        file.writelines(
            f"{order},{item},{name},{quantity},{day}T{minute // 60:02d}:{minute % 60:02d}:00,"
            f"{pence // 100}.{pence % 100:02d},{buyer},{country}\n"
            for order, item, name, quantity, minute, pence, buyer, country in columns
        )


def _write_waybills(waybills: pd.DataFrame, path: Path) -> None:
    names = ("waybill", "order", "grams", "freight", "name", "phone", "number", "street", "town", "country")
    columns = zip(*(waybills[c].tolist() for c in names), strict=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(
            f'{{"trackingNo": "{waybill}", "orderRef": "{order}", "pieces": 1, "grossWeight": {grams / 1000:.3f}, '
            f'"freight": "{freight // 100}.{freight % 100:02d}", "consignee": {{"name": "{name}", '
            f'"phone": "+44 1632 960{phone}", "address": "{number} {street}, {town}", "country": "{country}"}}}}\n'
            for waybill, order, grams, freight, name, phone, number, street, town, country in columns
        )


def renamed(made: MadeTruck, order: str, name: str) -> MadeTruck:
    """The same truck with an order number changed in every file."""
    frames = {
        key: getattr(made, key).assign(order=getattr(made, key)["order"].where(lambda s: s != order, name))
        for key in ("lines", "payments", "waybills")
    }
    return replace(made, **frames)
