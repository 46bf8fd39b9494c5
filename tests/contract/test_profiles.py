"""Profiles: one truck in many layouts comes out as one batch, and adding a layout takes no code."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from mappings.canonical import columns
from mappings.engine import explain
from tasks import dryrun, matching
from tasks.conversion.declare import PARCEL_TYPES
from tasks.conversion.lists import LIST_TYPES
from tests.contract import layouts as made
from tests.contract.held_out import HELD_OUT
from tests.factory import make_truck

Layout = Callable[[], tuple[dict[str, bytes], list[str]]]
HOUR8, HOUR0 = timedelta(hours=8), timedelta(0)


def _local(order: str, form: str, shift: timedelta = HOUR8) -> str:
    return (made.at(order) + shift).strftime(form)


def semicolons() -> tuple[dict[str, bytes], list[str]]:
    """German headings, semicolons, decimal commas with grouping points, a byte order mark, grams, unit names."""

    def de(value: object) -> str:
        return f"{Decimal(str(value)):,}".replace(",", "_").replace(".", ",").replace("_", ".")

    lines = [(o, i, de(q), de(p)) for o, i, q, p in made.LINES]
    orders = [(o, _local(o, "%d.%m.%Y %H:%M:%S"), made.NAMES_EN[c], de(f)) for o, _, c, f in made.ORDERS]
    pays = [(o, f"PAY-{o}", de(made.due(o)), "£", _local(o, "%d.%m.%Y"), made.PEOPLE[o]) for o, *_ in made.ORDERS]
    ways = [(f"WB-{o}", o, de(made.gross(o) * 1000), made.NAMES_EN[c], de(f)) for o, _, c, f in made.ORDERS]
    goods = [(i, c, n, e, "Stück", u1, de(Decimal(w) * 1000), o) for i, c, n, e, _, u1, w, o in made.GOODS_ROWS]
    body = {
        "bestellungen.csv": made.csv_bytes(["Nr", "Datum", "Land", "Porto"], orders, "utf-8-sig", ";"),
        "positionen.csv": made.csv_bytes(["Nr", "Artikel", "Menge", "Preis"], lines, "utf-8-sig", ";"),
        "zahlung.csv": made.csv_bytes(["Nr", "Zahlung", "Betrag", "Waehrung", "Tag", "Name"], pays, "latin-1", ";"),
        "sendung.csv": made.csv_bytes(["Sendung", "Nr", "Brutto g", "Land", "Fracht"], ways, "utf-8", ";"),
        "waren.csv": made.csv_bytes(
            ["Artikel", "Zolltarif", "Zollname", "Name", "Einheit", "Einheit1", "Netto g", "Ursprung"],
            goods,
            "utf-8",
            ";",
        ),
    }
    head = 'decimal: ","\nsender: {0}\nformat: {{type: csv, delimiter: semicolon, encoding: {1}}}\n'
    return body, [
        "name: de_orders\n" + head.format("platform", "utf-8") + """tables:
  order:
    fields:
      order_no: Nr
      ordered_at: {from: Datum, format: "%d.%m.%Y %H:%M:%S"}
      buyer_country: {from: Land, aliases: {EIRE: IE}}
      freight: Porto
      currency: {constant: GBP}
""",
        "name: de_lines\n" + head.format("platform", "utf-8") + """tables:
  line: {fields: {order_no: Nr, item_no: Artikel, quantity: Menge, price: Preis}}
""",
        "name: de_pay\n" + head.format("payment_company", "latin-1") + """tables:
  payment:
    fields:
      {order_no: Nr, pay_no: Zahlung, amount: Betrag, currency: Waehrung, payer_name: Name,
       paid_at: {from: Tag, format: "%d.%m.%Y"}}
""",
        "name: de_way\n" + head.format("carrier", "utf-8") + """tables:
  waybill:
    fields: {waybill_no: Sendung, order_no: Nr, gross_weight: {from: Brutto g, unit: g}, consignee_country: Land, freight: Fracht}
""",
        "name: de_goods\n" + head.format("seller", "utf-8") + """tables:
  goods:
    fields:
      {item_no: Artikel, hs_code: Zolltarif, goods_name: Zollname, item_name: Name, unit1: Einheit1, origin: Ursprung,
       unit: {from: Einheit, aliases: {stück: H87}}, net_weight: {from: Netto g, unit: g}}
""",
    ]  # fmt: skip


def traditional_excel() -> tuple[dict[str, bytes], list[str]]:
    """Workbooks with traditional Chinese headings below two lines of text; pence; times as cells; units by name."""
    orders = [(o, made.at(o) + HOUR8, made.NAMES_ZH[c], "英鎊", float(Decimal(f) * 100)) for o, _, c, f in made.ORDERS]
    lines = [(o, i, float(q), float(Decimal(p) * 100), "英鎊") for o, i, q, p in made.LINES]
    pays = [
        (o, f"PAY-{o}", int(made.due(o) * 100), "英鎊", made.at(o) + HOUR8, made.PEOPLE[o]) for o, *_ in made.ORDERS
    ]
    ways = [(f"WB-{o}", o, float(made.gross(o)), "公斤", made.NAMES_ZH[c], float(f)) for o, _, c, f in made.ORDERS]
    names = {"011": "件", "035": "千克"}
    goods = [(i, c, n, e, names[u], names[u1], float(w) * 1000, o) for i, c, n, e, u, u1, w, o in made.GOODS_ROWS]
    body = {
        "訂單.xlsx": made.xlsx_bytes(["訂單編號", "下單時間", "國家", "幣別", "運費"], orders, "訂單", 2),
        "明細.xlsx": made.xlsx_bytes(["訂單編號", "貨號", "數量", "單價", "幣別"], lines, "明細", 2),
        "收款.xlsx": made.xlsx_bytes(["訂單編號", "交易號", "金額", "幣別", "時間", "付款人"], pays, "收款", 2),
        "運單.xlsx": made.xlsx_bytes(["運單號", "訂單編號", "毛重", "重量單位", "國家", "運費"], ways, "運單", 2),
        "商品.xlsx": made.xlsx_bytes(
            ["貨號", "編碼", "品名", "英文", "單位", "法定單位", "淨重克", "原產國"], goods, "商品", 2
        ),
    }

    def head(name: str, sender: str, sheet: str) -> str:
        return f"name: {name}\nsender: {sender}\nformat: {{type: xlsx, sheet: {sheet}, header_row: 3}}\n"

    return body, [
        head("hk_orders", "platform", "訂單") + """tables:
  order:
    fields: {order_no: 訂單編號, ordered_at: 下單時間, buyer_country: 國家, currency: 幣別,
             freight: {from: 運費, minor_unit: true}}
""",
        head("hk_lines", "platform", "明細") + """tables:
  line:
    fields: {order_no: 訂單編號, item_no: 貨號, quantity: 數量, currency: 幣別, price: {from: 單價, minor_unit: true}}
""",
        head("hk_pay", "payment_company", "收款") + """tables:
  payment:
    fields: {order_no: 訂單編號, pay_no: 交易號, amount: {from: 金額, scale: 0.01}, currency: 幣別, paid_at: 時間, payer_name: 付款人}
""",
        head("hk_way", "carrier", "運單") + """tables:
  waybill:
    fields: {waybill_no: 運單號, order_no: 訂單編號, gross_weight: {from: 毛重, unit_from: 重量單位}, consignee_country: 國家, freight: 運費}
""",
        head("hk_goods", "seller", "商品") + """tables:
  goods:
    fields: {item_no: 貨號, hs_code: 編碼, goods_name: 品名, item_name: 英文, unit: 單位, unit1: 法定單位,
             net_weight: {from: 淨重克, unit: 克}, origin: 原產國}
""",
    ]  # fmt: skip


def one_big5_file() -> tuple[dict[str, bytes], list[str]]:
    """Orders, lines, payments and waybills in one Big5 table, a row a line; names in two columns; freight as a charge."""
    rows = []
    for o, _, c, f in made.ORDERS:
        first, last = made.PEOPLE[o].split()
        mine = [(i, q, p) for oo, i, q, p in made.LINES if oo == o]
        for i, q, p in [*mine, ("SHIP", "1", f)]:
            rows.append((o, _local(o, "%Y年%m月%d日 %H:%M:%S"), made.NAMES_ZH[c], i, q, p, f"PAY-{o}",
                         str(made.due(o)), first, last, f"WB-{o}", str(made.gross(o) * 1000), f))  # fmt: skip
    heads = ["訂單", "時間", "國家", "貨號", "數量", "單價", "交易", "實收", "名", "姓", "運單", "毛重克", "運費"]
    profile = """
name: big5_all
sender: platform
format: {type: csv, encoding: big5}
tables:
  order:
    once_per: order_no
    fields:
      {order_no: 訂單, ordered_at: {from: 時間, format: "%Y年%m月%d日 %H:%M:%S"}, buyer_country: 國家, currency: {constant: GBP}}
  line:
    fields: {order_no: 訂單, item_no: 貨號, quantity: 數量, price: 單價, currency: {constant: GBP}}
  payment:
    once_per: [order_no, pay_no]
    fields:
      {order_no: 訂單, pay_no: 交易, amount: 實收, currency: {constant: GBP}, payer_name: {join: [名, 姓]},
       paid_at: {from: 時間, format: "%Y年%m月%d日 %H:%M:%S"}}
  waybill:
    once_per: waybill_no
    fields:
      {waybill_no: 運單, order_no: 訂單, gross_weight: {from: 毛重克, scale: "0.001"}, consignee_country: 國家, freight: 運費}
charges: {codes: {SHIP: freight}}
"""
    return {"全部.csv": made.csv_bytes(heads, rows, "big5"), "goods.xlsx": made.goods_xlsx()}, [profile]


def _nested(order: str) -> dict[str, object]:
    _, time, country, freight = next(row for row in made.ORDERS if row[0] == order)
    return {
        "id": order,
        "placed": f"{time}Z",
        "ship": {"to": {"name": made.PEOPLE[order], "country": country}, "fee": float(freight)},
        "items": [{"sku": i, "qty": int(q), "each": {"amount": float(p)}} for o, i, q, p in made.LINES if o == order],
        "payments": [{"ref": f"PAY-{order}", "pence": int(made.due(order) * 100), "by": made.PEOPLE[order]}],
        "parcel": {"no": f"WB-{order}", "weight": float(made.gross(order) * 1000), "weightUnit": "G"},
    }


_NESTED = """
tables:
  order:
    fields:
      order_no: {id}
      ordered_at: {placed}
      buyer_country: {pre}ship.to.country
      freight: {pre}ship.fee
      currency: {{constant: GBP}}
  line:
    rows: {items}
    fields: {{order_no: {id}, item_no: {items}.sku, quantity: {items}.qty, price: {items}.each.amount, currency: {{constant: GBP}}}}
  payment:
    rows: {pre}payments
    fields: {{order_no: {id}, pay_no: {pre}payments.ref, amount: {{from: {pre}payments.pence, minor_unit: true}},
             currency: {{constant: GBP}}, payer_name: {pre}payments.by, paid_at: {placed}}}
  waybill:
    fields: {{waybill_no: {pre}parcel.no, order_no: {id}, freight: {pre}ship.fee, consignee_country: {pre}ship.to.country,
             gross_weight: {{from: {pre}parcel.weight, unit_from: {pre}parcel.weightUnit}}}}
"""


def _nested_profile(name: str, form: str) -> str:
    tables = _NESTED.format(id="id", placed="placed", items="items", pre="")
    return f"name: {name}\nsender: platform\nformat: {form}\n{tables}"


def nested_json() -> tuple[dict[str, bytes], list[str]]:
    """One JSON document: orders below data.orders, with lists of items and payments inside."""
    body = json.dumps({"data": {"orders": [_nested(o) for o, *_ in made.ORDERS]}}, indent=1).encode()
    profile = _nested_profile("shop_json", "{type: json, records: data.orders}")
    return {"export.json": body, "goods.xlsx": made.goods_xlsx()}, [profile]


def json_lines() -> tuple[dict[str, bytes], list[str]]:
    """The same records as JSON lines in GB18030 with Windows line ends."""
    body = "\r\n".join(json.dumps(_nested(o)) for o, *_ in made.ORDERS).encode("gb18030")
    profile = _nested_profile("shop_lines", "{type: jsonl, encoding: gb18030}")
    return {"export.jsonl": body, "goods.xlsx": made.goods_xlsx()}, [profile]


def xml() -> tuple[dict[str, bytes], list[str]]:
    """The same records as XML with a namespace, attributes and repeated elements."""
    parts = []
    for o, *_ in made.ORDERS:
        n = json.loads(json.dumps(_nested(o)))
        items = "".join(f'<items sku="{i["sku"]}"><qty>{i["qty"]}</qty><each>{i["each"]["amount"]}</each></items>'
                        for i in n["items"])  # fmt: skip
        parts.append(
            f'<order id="{o}"><placed>{n["placed"]}</placed><ship fee="{n["ship"]["fee"]}"><country>'
            f"{n['ship']['to']['country']}</country></ship>{items}<pay ref='PAY-{o}' by='{made.PEOPLE[o]}'>"
            f"{made.due(o)}</pay><parcel><no>WB-{o}</no><weight unit='g'>{made.gross(o) * 1000}</weight></parcel></order>"
        )
    body = f'<?xml version="1.0"?><x:orders xmlns:x="urn:x">{"".join(parts)}</x:orders>'.replace("<order ", "<x:order ")
    body = body.replace("</order>", "</x:order>")
    profile = """
name: shop_xml
sender: platform
format: {type: xml, records: orders.order}
tables:
  order:
    fields: {order_no: "@id", ordered_at: placed, buyer_country: ship.country, freight: "ship.@fee", currency: {constant: GBP}}
  line:
    rows: items
    fields: {order_no: "@id", item_no: "items.@sku", quantity: items.qty, price: items.each, currency: {constant: GBP}}
  payment:
    fields: {order_no: "@id", pay_no: "pay.@ref", payer_name: "pay.@by", amount: pay.#text, currency: {constant: GBP}, paid_at: placed}
  waybill:
    fields: {waybill_no: parcel.no, order_no: "@id", freight: "ship.@fee", consignee_country: ship.country,
             gross_weight: {from: parcel.weight, unit_from: "parcel.weight.@unit"}}
"""
    return {"orders.xml": body.encode(), "goods.xlsx": made.goods_xlsx()}, [profile]


LAYOUTS: list[Layout] = [semicolons, traditional_excel, one_big5_file, nested_json, json_lines, xml, *HELD_OUT]
PARCEL = ("order.order_no", "order.goods_value", "order.freight", "order.currency", "order.buyer_country",
          "order.ordered_at", "payment.pay_no", "payment.amount", "payment.currency", "payment.payer_name",
          "waybill.waybill_no", "waybill.gross_weight", "waybill.consignee_country", "waybill.currency",
          "waybill.freight", "waybill.pieces", "parcel.net_weight", "parcel.state")  # fmt: skip


def _expected() -> pd.DataFrame:
    rows = []
    for o, _, country, freight in made.ORDERS:
        goods = [(Decimal(q), Decimal(p), i) for oo, i, q, p in made.LINES if oo == o]
        net = sum(q * Decimal(made.GOODS[i][5]) for q, _, i in goods)
        money = made.due(o) - Decimal(freight)
        texts = (o, money, freight, "GBP", country, "", f"PAY-{o}", made.due(o), "GBP", made.PEOPLE[o],
                 f"WB-{o}", made.gross(o), country, "GBP", freight, 1, net, "ready")  # fmt: skip
        rows.append(
            {n: v if isinstance(v, (str, int)) else columns.scaled(v) for n, v in zip(PARCEL, texts, strict=True)}
        )
        rows[-1].update({"order.freight": columns.scaled(Decimal(freight)), "waybill.freight": columns.scaled(Decimal(freight)),
                         "order.ordered_at": pd.Timestamp(made.at(o), tz="UTC")})  # fmt: skip
    return pd.DataFrame(rows, columns=list(PARCEL))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_every_layout_gives_the_same_parcels(layout: Layout, tmp_path: Path) -> None:
    batch = matching.prepare(*made.write(tmp_path, *layout()))
    told = batch.faults[batch.faults["severity"] != "info"]
    assert told.empty, [{k: v for k, v in row.items() if v} for row in told.to_dict("records")]
    pd.testing.assert_frame_equal(batch.parcels[list(PARCEL)], _expected(), check_dtype=False)
    line = batch.lines
    assert line["line.quantity"].tolist() == [columns.scaled(Decimal(q)) for _, _, q, _ in made.LINES]
    assert line["line.price"].tolist() == [columns.scaled(Decimal(p)) for _, _, _, p in made.LINES]
    assert line["line.unit"].tolist() == ["H87"] * 4
    assert line["line.unit1"].tolist() == ["KGM", "H87", "H87", "KGM"]
    assert line["line.quantity1"].tolist() == [4200, 100000, 300000, 21000]
    assert line["line.hs_code"].tolist() == [made.GOODS[i][0] for _, i, _, _ in made.LINES]
    assert line["line.gnum"].tolist() == [1, 2, 1, 1]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_every_layout_becomes_messages_that_pass_the_strict_check(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties = {role: party.model_dump(exclude_defaults=True) for role, party in make_truck().parties.items()}
    monkeypatch.setattr(made, "TRUCK", {**made.TRUCK, "batch_no": "5788261123001", "parties": parties})
    data, profiles = made.write(tmp_path, *layout())
    run = dryrun.dry_run(data, tmp_path / "home", profiles)
    assert {f.type for f in run.files if f.type.startswith("CEB")} == {*PARCEL_TYPES, *LIST_TYPES}
    assert {f.documents for f in run.files if f.type in PARCEL_TYPES} == {3}
    assert [(f.type, p.message_en) for f in run.files for p in explain.check(f.body, strict=True)] == []


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_a_value_is_found_again_in_the_senders_file(layout: Layout, tmp_path: Path) -> None:
    data, profiles = made.write(tmp_path, *layout())
    batch = matching.prepare(data, profiles)
    found = matching.locate(batch, 2, "payment.pay_no", profiles_from=profiles)
    assert found["value"] == "PAY-A-1002"
    assert (data / str(found["file"])).is_file()
    assert found["row"]
    assert found["column"]
