"""Layouts that nobody had in mind when the profile engine was written: each is made-up files and profiles alone.

The same truck as in layouts.py; the batch must come out the same. The files are written anew for every test.
"""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

import io
import json
from datetime import UTC, timedelta
from decimal import Decimal

import openpyxl

from tests.contract import layouts as made

Written = tuple[dict[str, bytes], list[str]]
HOUR8 = timedelta(hours=8)
CUSTOMS_COUNTRY = {"GB": "303", "FR": "305", "IE": "306"}


def _mine(order: str) -> list[tuple[str, str, str]]:
    return [(i, q, p) for o, i, q, p in made.LINES if o == order]


def _local(order: str, form: str) -> str:
    return (made.at(order) + HOUR8).strftime(form)


def one_workbook() -> Written:
    """One workbook of three sheets: the truck sideways, orders with merged cells under headings of two rows, a total."""
    book = openpyxl.Workbook()
    truck = book.worksheets[0]
    truck.title = "車輛"
    flat = {k: v for k, v in made.TRUCK.items() if isinstance(v, str)}
    flat |= {f"計劃 {k}": v for k, v in made.TRUCK["planned"].items()}
    for role, party in made.TRUCK["parties"].items():
        flat |= {f"{role} {part}": text for part, text in party.items()}
    truck.append(["車輛資料表（樣本）"])
    for label, text in flat.items():
        truck.append([label, text])
    page = book.create_sheet("訂單")
    page.append(["樣本商城 2026年11月 出口訂單"])
    page.append([])
    page.append(["訂單編號", "收貨", "", "商品", "", "", "付款", "", "", "運單", "", ""])
    page.append(
        [
            "",
            "國家/地區",
            "姓名",
            "貨號",
            "數量",
            "單價(便士)",
            "交易號",
            "實收",
            "下單\n時間",
            "號碼",
            "毛重(克)",
            "運費",
        ]
    )
    page.merge_cells("B3:C3")
    for o, _, c, f in made.ORDERS:
        first = page.max_row + 1
        head = [o, made.NAMES_ZH[c], made.PEOPLE[o]]
        tail = [f"PAY-{o}", f"£{made.due(o):,}", made.at(o) + HOUR8, f"WB-{o}", f"{made.gross(o) * 1000:,}", f]
        for n, (i, q, p) in enumerate(_mine(o)):
            page.append([*(head if not n else [""] * 3), i, q, str(Decimal(p) * 100), *(tail if not n else [""] * 6)])
        if page.max_row > first:
            page.merge_cells(start_row=first, end_row=page.max_row, start_column=1, end_column=1)
    page.append(["合計", "", "", "", "16", "", "", "", "", "", "", ""])
    page.append(["製表：樣本"])
    goods = book.create_sheet("商品")
    goods.append(["貨號", "編碼", "品名", "英文", "單位", "法定單位", "淨重克", "原產國"])
    for i, c, n, e, u, u1, w, origin in made.GOODS_ROWS:
        goods.append([i, int(c), n, e, u, u1, float(w) * 1000, origin])
    out = io.BytesIO()
    book.save(out)
    down = "[訂單編號, 收貨 國家/地區, 收貨 姓名, 付款 交易號, 付款 實收, 付款 下單時間, 運單 號碼, 運單 毛重(克), 運單 運費]"
    sheet = (
        f"sheet: 訂單\n    header_row: find\n    header_rows: 2\n    fill_down: {down}\n    ignore_rows: ^(合計|製表)"
    )
    parties = "\n".join(
        f"      parties.{role}.{part}: {role} {part}" for role, party in made.TRUCK["parties"].items() for part in party
    )
    plans = "\n".join(f"      planned.{k}: 計劃 {k}" for k in made.TRUCK["planned"])
    plain = "\n".join(
        f"      {k}: {{from: {k}, codes: cn_ecommerce/transport_mode}}" if k == "transport_mode" else f"      {k}: {k}"
        for k, v in made.TRUCK.items() if isinstance(v, str)
    )  # fmt: skip
    profile = f"""
name: one_workbook
sender: platform
format: {{type: xlsx}}
tables:
  truck:
    sheet: 車輛
    transposed: true
    fields:
{plain}
{plans}
{parties}
  order:
    {sheet}
    once_per: order_no
    fields: {{order_no: 訂單編號, ordered_at: 付款 下單時間, buyer_country: 收貨 國家/地區, currency: {{constant: GBP}}, freight: 運單 運費}}
  line:
    {sheet}
    fields: {{order_no: 訂單編號, item_no: 商品 貨號, quantity: 商品 數量, price: {{from: 商品 單價(便士), minor_unit: true}}, currency: {{constant: GBP}}}}
  payment:
    {sheet}
    once_per: order_no
    fields: {{order_no: 訂單編號, pay_no: 付款 交易號, amount: 付款 實收, currency: {{constant: GBP}}, paid_at: 付款 下單時間, payer_name: 收貨 姓名}}
  waybill:
    {sheet}
    once_per: waybill_no
    fields: {{waybill_no: 運單 號碼, order_no: 訂單編號, gross_weight: {{from: 運單 毛重(克), unit: g}}, consignee_country: 收貨 國家/地區, freight: 運單 運費}}
  goods:
    sheet: 商品
    fields: {{item_no: 貨號, hs_code: {{from: 編碼, pad: 10}}, goods_name: 品名, item_name: 英文, unit: {{from: 單位, pad: 3}}, unit1: 法定單位,
             net_weight: {{from: 淨重克, unit: 克}}, origin: 原產國}}
"""
    return {"truck.json": b"", "全部資料.xlsx": out.getvalue()}, [profile]


def statements() -> Written:
    """What banks and shops export: remarks above and below the table, cells padded with tabs, am and pm in Chinese."""
    rows = "".join(
        f'{o}\t,PAY-{o}\t,"￡{made.due(o):,}"\t,英镑\t,{_half_day(o)}\t,{made.PEOPLE[o]}\t\r\n' for o, *_ in made.ORDERS
    )
    pays = (
        "#样本支付 账务明细查询\r\n#账号：[made-up]\r\n#-----列表开始-----\r\n订单号,交易号,收入金额,币种,入账时间,付款方\r\n"
        f"{rows}#-----列表结束-----\r\n#共3笔\r\n"
    )
    orders = made.csv_bytes(
        ["Order\nnumber", "Placed", "Ship to", "Postage"],
        [(o, made.at(o).strftime("%d-%b-%Y %I:%M:%S %p"), c.lower(), f) for o, _, c, f in made.ORDERS],
    )
    lines = made.csv_bytes(["Order number", "SKU", "Qty", "Line total"], [
        (o, i, q, f"{Decimal(q) * Decimal(p):,}".replace(",", "'")) for o, i, q, p in made.LINES
    ], "utf-16", "\t")  # fmt: skip
    weights = ["0.342kg", "500 g", f"{made.gross('A-1003')} KG"]
    assert [made.gross(o) for o, *_ in made.ORDERS][:2] == [Decimal("0.242"), Decimal("0.5")]
    weights[0] = "242 克"
    ways = made.csv_bytes(["Tracking", "Order number", "Weight", "To", "Cost"], [
        (f"WB-{o}", o, w, c, f"GBP {f}") for w, (o, _, c, f) in zip(weights, made.ORDERS, strict=True)
    ], "utf-8-sig", "|")  # fmt: skip
    files = {
        "pay.csv": pays.encode("gb18030"), "orders.csv": b"sep=,\r\n" + orders, "lines.txt": lines, "ways.csv": ways,
        "goods.xlsx": made.goods_xlsx(),
    }  # fmt: skip
    return files, [
        """
name: bank
sender: payment_company
format: {type: csv, encoding: gb18030, header_row: find, ignore_rows: "^#"}
tables:
  payment:
    fields: {order_no: 订单号, pay_no: 交易号, amount: 收入金额, currency: 币种, payer_name: 付款方,
             paid_at: {from: 入账时间, format: "%Y/%m/%d %p%I:%M:%S"}}
""",
        """
name: shop
sender: platform
format: {type: csv, header_row: 2}
timezone: UTC
tables:
  order:
    fields: {order_no: Order number, ordered_at: {from: Placed, format: "%d-%b-%Y %I:%M:%S %p"}, buyer_country: Ship to,
             freight: Postage, currency: {constant: GBP}}
""",
        """
name: shop_lines
sender: platform
format: {type: csv, encoding: utf-16, delimiter: tab}
grouping: "'"
tables:
  line: {fields: {order_no: Order number, item_no: SKU, quantity: Qty, total_price: Line total}}
""",
        """
name: post
sender: carrier
format: {type: csv, delimiter: pipe}
tables:
  waybill:
    fields: {waybill_no: Tracking, order_no: Order number, gross_weight: {from: Weight, unit_written: true}, consignee_country: To,
             freight: {from: Cost, extract: "([\\\\d.,]+)"}, currency: {from: Cost, extract: "^([A-Z]{3})"}}
""",
    ]


def _half_day(order: str) -> str:
    local = made.at(order) + HOUR8
    return local.strftime("%Y/%m/%d ") + ("上午" if local.hour < 12 else "下午") + local.strftime("%I:%M:%S")


def wide_rows() -> Written:
    """A row an order, its goods side by side; semicolons, decimal commas, Windows code page of Hong Kong."""
    rows = []
    for o, _, c, f in made.ORDERS:
        mine = [*_mine(o), ("", "", "")][:2]
        goods = [v for i, q, p in mine for v in (i, q, p.replace(".", ","))]
        rows.append((o, _local(o, "%Y%m%d%H%M%S"), made.NAMES_ZH[c], *goods, f.replace(".", ","), f"PAY-{o}",
                     str(made.due(o)).replace(".", ","), made.PEOPLE[o], f"WB-{o}", str(made.gross(o)).replace(".", ",")))  # fmt: skip
    heads = [
        "單號",
        "時間",
        "國家",
        "貨號1",
        "數量1",
        "單價1",
        "貨號2",
        "數量2",
        "單價2",
        "運費",
        "交易",
        "實收",
        "付款人",
        "運單",
        "毛重",
    ]
    profile = """
name: wide
sender: platform
format: {type: csv, encoding: cp950, delimiter: semicolon}
decimal: ","
tables:
  order:
    fields: {order_no: 單號, ordered_at: {from: 時間, format: "%Y%m%d%H%M%S"}, buyer_country: 國家, freight: 運費, currency: {constant: GBP}}
  line:
    repeat: [1, 2]
    fields: {order_no: 單號, item_no: "貨號{n}", quantity: "數量{n}", price: "單價{n}", currency: {constant: GBP}}
  payment:
    fields: {order_no: 單號, pay_no: 交易, amount: 實收, payer_name: 付款人, currency: {constant: 英鎊}, paid_at: {from: 時間, format: "%Y%m%d%H%M%S"}}
  waybill:
    fields: {waybill_no: 運單, order_no: 單號, gross_weight: 毛重, consignee_country: 國家, freight: 運費}
"""
    return {"訂單.csv": made.csv_bytes(heads, rows, "cp950", ";"), "goods.xlsx": made.goods_xlsx()}, [profile]


def keyed_json() -> Written:
    """Orders by number as keys, parcels with lists of goods inside, customs' own codes, pence, seconds since 1970."""
    orders = {
        o: {
            "t": int(made.at(o).replace(tzinfo=UTC).timestamp()), "to": CUSTOMS_COUNTRY[c], "cur": "303",
            "parcels": [{"awb": f"WB-{o}", "grams": str(made.gross(o) * 1000), "fee": int(Decimal(f) * 100),
                         "goods": [{"sku": i, "n": int(q), "p": int(Decimal(p) * 100)} for i, q, p in _mine(o)]}],
            "paid": {"id": f"PAY-{o}", "amt": int(made.due(o) * 100), "who": made.PEOPLE[o]},
        }
        for o, _, c, f in made.ORDERS
    }  # fmt: skip
    body = json.dumps({"meta": {"n": 3}, "orders": orders}, ensure_ascii=False).encode("utf-16")
    profile = """
name: keyed
sender: platform
format: {type: json, records: "orders.*", encoding: utf-16}
tables:
  order:
    fields: {order_no: "@key", ordered_at: {from: t, format: unix}, buyer_country: {from: to, codes: cn_ecommerce/country},
             currency: {from: cur, codes: cn_ecommerce/currency}, freight: {from: parcels.0.fee, scale: 0.01}}
  line:
    rows: parcels.goods
    fields: {order_no: "@key", item_no: parcels.goods.sku, quantity: parcels.goods.n, price: {from: parcels.goods.p, minor_unit: true},
             currency: {constant: GBP}}
  payment:
    fields: {order_no: "@key", pay_no: paid.id, amount: {from: paid.amt, minor_unit: true}, currency: {constant: GBP},
             payer_name: paid.who, paid_at: {from: t, format: unix}}
  waybill:
    rows: parcels
    fields: {waybill_no: parcels.awb, order_no: "@key", gross_weight: {from: parcels.grams, unit: g}, freight: {from: parcels.fee, scale: 0.01},
             consignee_country: {from: to, codes: cn_ecommerce/country}}
"""
    return {"dump.json": body, "goods.xlsx": made.goods_xlsx()}, [profile]


def arrays_in_json() -> Written:
    """A list of rows for each table, without names: columns by position."""
    orders = [[o, made.at(o).isoformat() + "+00:00", c, float(f)] for o, _, c, f in made.ORDERS]
    lines = [[o, i, float(q), float(p)] for o, i, q, p in made.LINES]
    pays = [
        [o, f"PAY-{o}", float(made.due(o)), made.PEOPLE[o], f"WB-{o}", float(made.gross(o))] for o, *_ in made.ORDERS
    ]
    both = [[*o, *p[1:]] for o, p in zip(orders, pays, strict=True)]
    return {
        "a.json": json.dumps({"data": both}).encode(), "b.json": json.dumps({"rows": lines}).encode(),
        "goods.xlsx": made.goods_xlsx(),
    }, ["""
name: by_position
sender: platform
format: {type: json, records: data, columns: [no, at, to, fee, pay, paid, who, awb, kg]}
tables:
  order: {fields: {order_no: no, ordered_at: at, buyer_country: to, freight: fee, currency: {constant: GBP}}}
  payment: {fields: {order_no: no, pay_no: pay, amount: paid, currency: {constant: GBP}, paid_at: at, payer_name: who}}
  waybill: {fields: {waybill_no: awb, order_no: no, gross_weight: kg, consignee_country: to, freight: fee}}
""", """
name: lines_by_position
sender: platform
format: {type: json, records: rows, columns: [no, sku, n, each]}
tables:
  line: {fields: {order_no: no, item_no: sku, quantity: n, price: each}}
"""]  # fmt: skip


def sections_of_xml() -> Written:
    """XML in Big5 with a section for each table, goods below packages, values in attributes, CDATA and full width."""
    orders, pays = "", ""
    for o, _, c, f in made.ORDERS:
        goods = "".join(
            f'<商品 貨號="{i}"><數量>{_full(q)}</數量><單價 幣="GBP">{p}</單價></商品>' for i, q, p in _mine(o)
        )
        orders += (
            f"<訂單><編號><![CDATA[{o}]]></編號><時間>{_local(o, '%Y年%m月%d日 %H時%M分%S秒')}</時間><地址 國家='{made.NAMES_ZH[c]}'/>"
            f"<包裹><運單>WB-{o}</運單><毛重>{made.gross(o) * 1000}克</毛重><運費>{f}</運費>{goods}</包裹></訂單>"
        )
        pays += f"<付款 訂單='{o}' 交易='PAY-{o}' 金額='{int(made.due(o) * 100)}' 付款人='{made.PEOPLE[o]}' 時間='{_local(o, '%d/%m/%y %H:%M:%S')}'/>"
    text = f'<?xml version="1.0" encoding="Big5"?><店 xmlns="urn:made-up"><!-- 樣本 --><訂單列>{orders}</訂單列><付款列>{pays}</付款列></店>'
    profile = """
name: xml_sections
sender: platform
format: {type: xml, records: 店.訂單列.訂單}
tables:
  order:
    fields: {order_no: 編號, ordered_at: {from: 時間, format: "%Y年%m月%d日 %H時%M分%S秒"}, buyer_country: "地址.@國家", freight: 包裹.運費,
             currency: {constant: GBP}}
  line:
    rows: 包裹.商品
    fields: {order_no: 編號, item_no: "包裹.商品.@貨號", quantity: 包裹.商品.數量, price: 包裹.商品.單價, currency: "包裹.商品.單價.@幣"}
  waybill:
    rows: 包裹
    fields: {waybill_no: 包裹.運單, order_no: 編號, gross_weight: {from: 包裹.毛重, unit_written: true}, freight: 包裹.運費,
             consignee_country: "地址.@國家"}
  payment:
    records: 店.付款列.付款
    fields: {order_no: "@訂單", pay_no: "@交易", amount: {from: "@金額", minor_unit: true}, currency: {constant: GBP}, payer_name: "@付款人",
             paid_at: {from: "@時間", format: "%d/%m/%y %H:%M:%S"}}
"""
    return {"店.xml": text.encode("big5"), "goods.xlsx": made.goods_xlsx()}, [profile]


def _full(digits: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) for c in digits)


def record_types() -> Written:
    """One file without headings in which the first column says what a row is; rows end where their values do."""
    rows = []
    for o, _, c, f in made.ORDERS:
        rows.append(["O", o, _local(o, "%d/%m/%Y %H:%M:%S"), c, f])
        rows += [["L", o, i, q, p] for i, q, p in _mine(o)]
        rows.append(["P", o, f"PAY-{o}", f"{made.due(o):.2f}", made.PEOPLE[o], _local(o, "%d/%m/%Y")])
        rows.append(["W", o, f"WB-{o}", str(made.gross(o) * 1000), c, f, "1"])
    rows.append(["T", str(len(rows))])
    body = "".join("~".join(row) + "\n" for row in rows).encode("utf-16-le")
    profile = """
name: record_types
sender: platform
format: {type: csv, encoding: utf-16-le, delimiter: "~", quote: "", header_row: none, short_rows: true, columns: [kind, a, b, c, d, e, f]}
recognise: {name: "batch*"}
tables:
  order:
    where: {kind: O}
    fields: {order_no: a, ordered_at: {from: b, format: "%d/%m/%Y %H:%M:%S"}, buyer_country: c, freight: d, currency: {constant: GBP}}
  line:
    where: {kind: L}
    fields: {order_no: a, item_no: b, quantity: c, price: d}
  payment:
    where: {kind: P}
    fields: {order_no: a, pay_no: b, amount: c, payer_name: d, currency: {constant: GBP}, paid_at: {from: e, format: "%d/%m/%Y"}}
  waybill:
    where: {kind: W}
    fields: {waybill_no: b, order_no: a, gross_weight: {from: c, unit: g}, consignee_country: d, freight: e, pieces: f}
"""
    return {"batch.dat": body, "goods.xlsx": made.goods_xlsx()}, [profile]


HELD_OUT = [one_workbook, statements, wide_rows, keyed_json, arrays_in_json, sections_of_xml, record_types]
