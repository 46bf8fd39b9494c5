"""The files of a made-up import, in the layouts that mappings/profiles/shipped describes; all values are made up."""

from __future__ import annotations

import json
from pathlib import Path

from deployments import xlsx
from deployments.demo_import import MadeImport, Record, tables

TRUCK = {"9610": "import_truck.json", "1210": "bonded_batch.json"}
_PAID = (
    "商户订单号,支付交易流水号,支付企业代码,实付金额(元),支付币制,支付完成时间,支付人姓名,支付人证件类型,支付人证件号码,"
    "支付人电话\n"
)
_CARRIED = ("运单编号", "平台订单号", "件数", "毛重(克)", "运费(元)", "保价费(元)", "内件", "收件人姓名", "收件人电话",
            "收件人地址", "签收时间")  # fmt: skip
_GOODS = ("货号", "HS编码", "申报品名", "销售名称", "规格型号", "原产国(地区)", "计量单位", "法定计量单位",
          "法定第二单位", "单件净重(克)", "条码", "账册料号", "增值税率", "消费税率")  # fmt: skip


def yuan(fen: int) -> str:
    """An amount in fen as yuan: 1990 -> '19.90'."""
    return f"{fen // 100}.{fen % 100:02d}"


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
    rows = "".join(_paid(p, companies["payment_company"]["code"]) for p in made.payments)
    (folder / "payment_report.csv").write_bytes((_PAID + rows).encode("gb18030"))
    carried = [
        (w["waybill"], w["order"], w["pieces"], w["grams"], yuan(w["freight"]), "0", "进口商品", w["receiver"]["name"],
         w["receiver"]["phone"], w["receiver"]["address"], w["signed"]) for w in made.waybills
    ]  # fmt: skip
    xlsx.write(folder / "express_waybills.xlsx", [_CARRIED, *carried])
    goods = [
        (item, hs, zh, sold, model, origin, unit, unit1, unit2, grams, "无",
         f"REC-{item}" if made.regime == "1210" else "", vat, consumption)
        for item, hs, zh, sold, model, origin, unit, unit1, unit2, grams, _, vat, consumption in tables()["goods"]
    ]  # fmt: skip
    xlsx.write(folder / "import_goods.xlsx", [_GOODS, *goods])
    return folder


def _paid(payment: Record, code: str) -> str:
    payer = ",".join(payment["payer"][key] for key in ("name", "idType", "idNumber", "phone"))
    return (
        f"{payment['order']},{payment['pay_no']},{code},{yuan(payment['fen'])},{payment['currency']},"
        f"{payment['at']:%Y-%m-%d %H:%M:%S},{payer}\n"
    )


def _as_sent(order: Record, shop: dict[str, str], pay_code: str, numbers: dict[str, str]) -> Record:
    items = [{"sku": i["sku"], "title": i["title"], "qty": i["qty"], "price": yuan(i["fen"]),
              "total": yuan(i.get("total", i["qty"] * i["fen"]))} for i in order["items"]]  # fmt: skip
    amounts = {name: yuan(fen) for name, fen in order["fen"].items()}
    payment = {"company": order.get("payCompany", pay_code), "transaction": numbers.get(order["orderNo"], "")}
    kept = {k: v for k, v in order.items() if k not in ("fen", "items", "placedAt", "payCompany")}
    return {**kept, "placedAt": order["placedAt"].isoformat(), "shop": shop, "amounts": amounts, "payment": payment,
            "items": items}  # fmt: skip
