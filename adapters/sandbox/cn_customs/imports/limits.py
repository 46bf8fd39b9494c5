"""The three books that an import inventory draws on: the buyer's limits, the warehouse's stock, the guarantee.

Each check gives text and status of the refusal (rules.md, section 5; receipts.md, section 4), or two ''.
"""

from __future__ import annotations

from datetime import date

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import number, plain, scaled, spoken
from adapters.sandbox.cn_customs.checks import desc
from adapters.sandbox.cn_customs.facts import Facts
from adapters.sandbox.cn_customs.imports.accounts import Accounts

FINE = ("", "")
_YEARLY, _SINGLE = "订购人购买超过年度限额，请核实", "订购人购买超过单次限额，请核实"


def quota_account(digest: str, year: str) -> str:
    """The account of a buyer and year."""
    return f"{digest}|{year}"


def stock_account(ems_no: str, record: str) -> str:
    """The account of a goods record in an account book."""
    return f"{ems_no}|{record}"


def value(facts: Facts) -> int:
    """What counts for the buyer's limits: the goods of the inventory, scaled yuan."""
    return sum(scaled(goods[5]) for goods in facts["goods"])


def single_piece(facts: Facts) -> bool:
    """Whether there is one piece of one article: over the single limit it may pass with full taxes (rules.md, 5)."""
    return len(facts["goods"]) == 1 and number(facts["goods"][0][4]) == 1


def over_single(facts: Facts, day: date) -> bool:
    """Whether the purchase is over the single limit of its day."""
    return value(facts) > scaled(settings.dated("limits", day)["single"])


def quota(accounts: Accounts, facts: Facts, day: date) -> tuple[str, str]:
    """Against the single and the yearly limit of the buyer."""
    limits, bought = settings.dated("limits", day), value(facts)
    allowed = settings.profile()["single_item_over_limit"] == "allowed" and single_piece(facts)
    if over_single(facts, day) and not allowed:
        return _over("single", _SINGLE, bought, scaled(limits["single"]))
    year_total = bought + accounts.balance("quota", quota_account(facts["buyerIdNumber"], f"{day:%Y}"))
    if year_total > scaled(limits["yearly"]):
        return _over("yearly", _YEARLY, year_total, scaled(limits["yearly"]))
    return FINE


def _over(which: str, text: str, total: int, limit: int) -> tuple[str, str]:
    both = f"totalPrice：{spoken(total)} > limitPrice: {spoken(limit)};"
    status = str(settings.profile()["limit_answers"][which])
    return (f"[Code:1313;Desc:{text};{both}]", "") if status == "100" else (f"{text};{both}", status)


def wanted(facts: Facts) -> dict[str, int]:
    """The quantity of each goods record that an inventory takes, scaled; none where it has no account book."""
    found: dict[str, int] = {}
    for goods in facts["goods"] if facts["emsNo"] else ():
        account = stock_account(facts["emsNo"], goods[6])
        found[account] = found.get(account, 0) + scaled(goods[4])
    return found


def stock(accounts: Accounts, facts: Facts) -> tuple[str, str]:
    """Against the stock of each goods record."""
    rule = settings.profile()["stock"]
    for account, quantity in wanted(facts).items():
        if rule["unknown"] == "unlimited" and not accounts.known("stock", account):
            continue
        left = accounts.balance("stock", account)
        if quantity > left:
            record = account.split("|", 1)[1]
            both = f"[InventoryList.itemRecordNo:{record},qty:{plain(quantity)},stock:{plain(left)}]"
            return f"{desc('1300', '账册备案料号库存不足')},{both}", str(rule["status"])
    return FINE


def guarantee(accounts: Accounts, facts: Facts, taxes: int) -> tuple[str, str]:
    """Against what is left of the guarantee."""
    left = accounts.balance("guarantee", facts["assureCode"])
    if taxes <= left:
        return FINE
    rule = settings.profile()["guarantee"]
    both = f"[assureCode:{facts['assureCode']},tax:{spoken(taxes)},balance:{spoken(left)}]"
    return f"{desc(str(rule['code']), '担保金额不足，请核实')},{both}", ""


def open_guarantee(accounts: Accounts, assure_code: str) -> None:
    """An account that nobody set begins with the setting's amount."""
    if not accounts.known("guarantee", assure_code):
        opening = scaled(str(settings.profile()["guarantee"]["opening"]))
        accounts.post("guarantee", assure_code, "opening", opening, "opening")


def open_stock(accounts: Accounts) -> None:
    """The opening stock of the settings; what is there already stays as it is."""
    for row in settings.profile()["opening_stock"]:
        receive(accounts, row["ems_no"], row["item_record_no"], scaled(row["qty"]), "opening")


def receive(accounts: Accounts, ems_no: str, record: str, quantity: int, cause: str) -> None:
    """Goods come into the warehouse."""
    for book in ("stock", "stock_on_hand"):
        accounts.post(book, stock_account(ems_no, record), "in", quantity, cause)
