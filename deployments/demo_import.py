"""A made-up import truck (9610) or bonded batch (1210) in layouts of its own, the same for the same seed.

`make_import` gives clean orders as records; `demo_import_flaws` makes some wrong and says which; `write` makes the
files. People and companies are made up; amounts are fen, weights grams.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from stdnum.cn import ric, uscc

from deployments import xlsx

DAY = date(2026, 11, 23)
TRUCK = {"9610": "import_truck.json", "1210": "bonded_batch.json"}
_TAX_SHARE = 91  # per thousand of the goods' value: about what 70 % of 13 % VAT is; no authority's figure
_PAID = "商户订单号,支付交易流水号,支付企业代码,实付金额(元),支付币制,支付完成时间,支付人姓名,支付人证件类型,支付人证件号码,支付人电话\n"
_CARRIED = ("运单编号", "平台订单号", "件数", "毛重(克)", "运费(元)", "保价费(元)", "内件", "收件人姓名", "收件人电话",
            "收件人地址", "签收时间")  # fmt: skip
_GOODS = ("货号", "HS编码", "申报品名", "销售名称", "规格型号", "原产国(地区)", "计量单位", "法定计量单位", "法定第二单位",
          "单件净重(克)", "条码", "账册料号", "增值税率", "消费税率")  # fmt: skip
Record = dict[str, Any]


@dataclass(frozen=True)
class MadeImport:
    """One made-up import: the truck's sheet, orders as the platform has them, payments, waybills by order number."""

    regime: str
    truck: Record
    orders: list[Record]
    payments: list[Record]
    waybills: list[Record]
    flaws: dict[str, str] = field(default_factory=dict)


@lru_cache
def tables() -> Record:
    """The goods, names and places that a made-up import is made of."""
    made: Record = yaml.safe_load((Path(__file__).parent / "demo_import.yaml").read_text("utf-8"))
    return made


def party(role: str) -> dict[str, str]:
    """A company of the table, with a code that holds its check digit."""
    name, letters, customs = tables()["parties"][role]
    head = f"91440400MA{letters}".translate(str.maketrans("IOZSV", "1ABCD")).ljust(17, "0")
    return {"code": head + uscc.calc_check_digit(head), "customs_code": customs, "name": name,
            "dxp_id": f"DXPENT88{customs[-8:]}"}  # fmt: skip


def _truck(regime: str, seed: int, day: date) -> Record:
    companies = {role: party(role) for role in tables()["parties"]}
    if regime == "1210":
        batch = {"reference": f"BOND{day:%y%m%d}{seed:04d}", "office": "5795", "port": "5795", "mode": "Y",
                 "accountBook": f"T5795W{seed:06d}", "packages": "2", "leavesAt": f"{day}T20:00:00"}  # fmt: skip
        return {"batch": batch, "companies": {r: c for r, c in companies.items() if r != "yard"}}
    journey = {"waybill": f"HZMBIMP{seed:06d}", "voyage": f"5788{day:%y%m%d}{seed % 1000:03d}", "mode": "4", "from": "HK",
               "plate": f"粤ZY{100 + seed % 900}港", "packages": "2", "leaves": f"{day}T20:00:00",
               "enters": f"{day}T21:10:00", "atYard": f"{day}T22:00:00",
               "driver": {"name": "示例司机", "licence": f"SYNTHETIC-{seed % 10000:04d}"}}  # fmt: skip
    return {"journey": journey, "customs": {"office": "5788", "port": "5788"},
            "companies": {r: c for r, c in companies.items() if r != "area"}}  # fmt: skip


def yuan(fen: int) -> str:
    """An amount in fen as yuan: 1990 -> '19.90'."""
    return f"{fen // 100}.{fen % 100:02d}"


def _person(random: np.random.Generator, number: int) -> dict[str, str]:
    data = tables()
    names = [data[key][int(random.integers(len(data[key])))] for key in ("surnames", "given")]
    head = f"110101{date(1901, 1, 1) + timedelta(days=number % 365):%Y%m%d}{number // 365 % 1000:03d}"
    return {"account": f"U{number:08d}", "name": "".join(names), "idType": "身份证",
            "idNumber": head + ric.calc_check_digit(head + "0"), "phone": f"100{number:08d}"}  # fmt: skip


def _order(random: np.random.Generator, regime: str, seed: int, number: int, at: datetime) -> Record:
    goods, data = tables()["goods"], tables()
    count = int(1 + random.poisson(0.8))
    chosen = random.choice(len(goods), min(count, 3), replace=False)
    items = [{"sku": goods[i][0], "title": goods[i][3], "qty": int(random.integers(1, 3)), "fen": goods[i][10]} for i in chosen]
    value = sum(item["qty"] * item["fen"] for item in items)
    freight, discount = int(random.integers(0, 3)) * 500, int(random.integers(0, 2)) * 300
    taxes = value * _TAX_SHARE // 1000
    buyer = _person(random, seed * 10_000 + number)
    district, place = data["districts"][int(random.integers(len(data["districts"])))]
    street = data["streets"][int(random.integers(len(data["streets"])))]
    return {
        "orderNo": f"SP{regime}{seed:04d}{number:06d}", "placedAt": at, "currency": "CNY", "status": "paid",
        "fen": {"goods": value, "freight": freight, "taxes": taxes, "discount": discount,
                "paid": value + freight + taxes - discount},
        "buyer": buyer, "items": items, "lineCount": len(items),
        "receiver": {"name": buyer["name"], "phone": buyer["phone"], "district": district,
                     "address": f"{place}{street}{int(random.integers(1, 200))}号"},
    }  # fmt: skip


def make_import(parcels: int, regime: str = "9610", seed: int = 1, day: date = DAY) -> MadeImport:
    """An import of clean parcels, of the same bytes for the same seed; no order is above 5,000 yuan."""
    random = np.random.default_rng(seed)
    eve = datetime(day.year, day.month, day.day, 9, 0, 0) - timedelta(days=1)  # noqa: DTZ001 local time of the files
    orders = [_order(random, regime, seed, n, eve + timedelta(seconds=7 * n)) for n in range(parcels)]
    grams = {row[0]: row[9] for row in tables()["goods"]}
    payments = [
        {"order": o["orderNo"], "pay_no": f"TX{eve:%Y%m%d}{seed:04d}{n:08d}", "fen": o["fen"]["paid"], "currency": "人民币",
         "at": o["placedAt"] + timedelta(minutes=2), "payer": dict(o["buyer"])}
        for n, o in enumerate(orders)
    ]  # fmt: skip
    waybills = [
        {"order": o["orderNo"], "waybill": f"IM{seed:04d}{n:08d}CN", "freight": o["fen"]["freight"], "pieces": 1,
         "grams": sum(i["qty"] * grams[i["sku"]] for i in o["items"]) + 150, "receiver": dict(o["receiver"]), "signed": ""}
        for n, o in enumerate(orders)
    ]  # fmt: skip
    return MadeImport(regime, _truck(regime, seed, day), orders, payments, waybills)


def write(made: MadeImport, folder: Path) -> Path:
    """Writes the files of the import into `folder` (made when missing) and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    companies = made.truck["companies"]
    (folder / TRUCK[made.regime]).write_text(json.dumps(made.truck, ensure_ascii=False, indent=1) + "\n", "utf-8")
    numbers = {p["order"]: p["pay_no"] for p in made.payments}
    shop = {"platform": companies["platform"]["code"], "seller": companies["seller"]["code"]}
    orders = [_as_sent(o, shop, companies["payment_company"]["code"], numbers) for o in made.orders]
    text = json.dumps({"data": {"orders": orders}}, ensure_ascii=False, indent=1)
    (folder / "shop_orders.json").write_text(text + "\n", "utf-8")
    code = companies["payment_company"]["code"]
    rows = "".join(
        f"{p['order']},{p['pay_no']},{code},{yuan(p['fen'])},{p['currency']},{p['at']:%Y-%m-%d %H:%M:%S},{p['payer']['name']},"
        f"{p['payer']['idType']},{p['payer']['idNumber']},{p['payer']['phone']}\n" for p in made.payments
    )  # fmt: skip
    (folder / "payment_report.csv").write_bytes((_PAID + rows).encode("gb18030"))
    carried = [
        (w["waybill"], w["order"], w["pieces"], w["grams"], yuan(w["freight"]), "0", "进口商品", w["receiver"]["name"],
         w["receiver"]["phone"], w["receiver"]["address"], w["signed"]) for w in made.waybills
    ]  # fmt: skip
    xlsx.write(folder / "express_waybills.xlsx", [_CARRIED, *carried])
    goods = [
        (item, hs, zh, sold, model, origin, unit, unit1, unit2, grams, "无", f"REC-{item}" if made.regime == "1210" else "",
         vat, consumption)
        for item, hs, zh, sold, model, origin, unit, unit1, unit2, grams, _, vat, consumption in tables()["goods"]
    ]  # fmt: skip
    xlsx.write(folder / "import_goods.xlsx", [_GOODS, *goods])
    return folder


def _as_sent(order: Record, shop: dict[str, str], pay_code: str, numbers: dict[str, str]) -> Record:
    items = [{"sku": i["sku"], "title": i["title"], "qty": i["qty"], "price": yuan(i["fen"]),
              "total": yuan(i.get("total", i["qty"] * i["fen"]))} for i in order["items"]]  # fmt: skip
    amounts = {name: yuan(fen) for name, fen in order["fen"].items()}
    payment = {"company": order.get("payCompany", pay_code), "transaction": numbers.get(order["orderNo"], "")}
    kept = {k: v for k, v in order.items() if k not in ("fen", "items", "placedAt", "payCompany")}
    return {**kept, "placedAt": order["placedAt"].isoformat(), "shop": shop, "amounts": amounts, "payment": payment,
            "items": items}  # fmt: skip
