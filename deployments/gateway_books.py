"""The gateway's calls about the books of imports, to be read: guarantee, bonded stock, a buyer's yearly quota.

A buyer's number comes in a body, never in an address, which servers and proxies write down; it is shown nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field, SecretStr

from deployments import money
from tasks.office import Office

Entries = Annotated[bool, Query(description="Also every entry that explains a balance. 同时列出全部分录")]


class GuaranteeAccount(BaseModel):
    """A company's tax guarantee, in yuan as decimal texts."""

    assure_code: str = Field(description="The guarantor's code. 担保企业代码")
    total: str = Field(description="What was opened and topped up. 总额")
    reserved: str = Field(description="Held for parcels that are declared. 预占")
    taken: str = Field(description="Settled by summed tax bills. 已扣")
    free: str = Field(description="What can still be reserved; below 0 where customs took more. 可用")


class StockAccount(BaseModel):
    """An item of a bonded warehouse, in its own unit as decimal texts."""

    ems_no: str = Field(description="Account book. 账册编号")
    item_record_no: str = Field(description="备案料号")
    unit: str = Field(description="UN/ECE Rec 20, or CN:nnn")
    total: str
    reserved: str
    taken: str
    free: str


class QuotaAccount(BaseModel):
    """A buyer's year, in yuan as decimal texts."""

    buyer: str = Field(description="Only the last characters of the number. 仅显示证件号码末位")
    year: str
    limit: str
    reserved: str
    taken: str
    free: str


class Entry(BaseModel):
    """What changed a balance, when (Beijing), for which parcel and why; a balance is the sum of its entries."""

    item: str
    time: str
    zh: str
    en: str
    order_no: str
    shipment: int
    application: str
    reference: str
    total: str
    reserved: str
    taken: str


class Guarantees(BaseModel):
    """Guarantees and, where asked for, their entries."""

    accounts: list[GuaranteeAccount]
    entries: list[Entry]


class Stock(BaseModel):
    """Items and, where asked for, their entries."""

    accounts: list[StockAccount]
    entries: list[Entry]


class Quota(BaseModel):
    """A buyer's years and, where asked for, their entries."""

    accounts: list[QuotaAccount]
    entries: list[Entry]


class Buyer(BaseModel):
    """Whose quota is asked for."""

    id_number: SecretStr = Field(min_length=1, description="Identity number; it is neither kept nor answered. 证件号码")


def routes(app: FastAPI, where: dict[str, Any], at: Callable[[], Office]) -> None:
    """Adds the calls; `where` are their guard and tags."""

    @app.get("/books/guarantees", **where)
    def guarantees(entries: Entries = False) -> Guarantees:
        """Every company's guarantee."""
        return Guarantees(**_told(money.guarantee(at()), entries))

    @app.get("/books/guarantees/{company}", **where)
    def guarantee(company: str, entries: Entries = False) -> Guarantees:
        """One company's guarantee. 404 where none was ever opened for it."""
        return Guarantees(**_some(_told(money.guarantee(at(), company), entries), company))

    @app.get("/books/stock/{ems_no}", **where)
    def stock(ems_no: str, item: str = "", entries: Entries = False) -> Stock:
        """The items of an account book, or one of them. 404 where nothing was ever taken into it."""
        return Stock(**_some(_told(money.stock(at(), ems_no, item), entries), item or ems_no))

    @app.post("/books/quota", **where)
    def quota(buyer: Buyer, entries: Entries = False) -> Quota:
        """A buyer's years that something was bought in; none is no fault. It reads, and changes nothing."""
        return Quota(**_told(money.quota(at(), buyer.id_number.get_secret_value().strip()), entries))


def _told(shown: money.Shown, entries: bool) -> dict[str, Any]:
    told = money.as_json(shown)
    return told if entries else {**told, "entries": []}


def _some(told: dict[str, Any], named: str) -> dict[str, Any]:
    if not told["accounts"]:
        raise HTTPException(404, f"没有 {named} 的账簿。There is no book of {named}.")
    return told
