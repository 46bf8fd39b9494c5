"""The admin's calls about the books of imports: quota, guarantee, stock, tax bills, rates."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import FastAPI, Request, Response

from adapters.sandbox.cn_customs import decisions, settings
from adapters.sandbox.cn_customs.amounts import plain, scaled
from adapters.sandbox.cn_customs.customs import Customs
from adapters.sandbox.cn_customs.facts import Seal, masked
from adapters.sandbox.cn_customs.imports import accounts, limits
from adapters.sandbox.cn_customs.imports.accounts import Accounts
from adapters.sandbox.cn_customs.receipts import instant, moment
from adapters.sandbox.cn_customs.replies import given, json
from adapters.sandbox.cn_customs.store import Store
from mappings import clock
from mappings.errors import DataFault


def add(app: FastAPI, customs: Customs) -> None:
    """Add the calls to the application."""
    _reading(app, customs)
    _changing(app, customs)
    _settings(app)


def _reading(app: FastAPI, customs: Customs) -> None:
    store = customs.store

    @app.get("/admin/accounts")
    def balances(book: str = "", account: str = "") -> Response:
        customs.publish()
        return json({"accounts": accounts.balances(store, book, account)})

    @app.get("/admin/accounts/entries")
    def entries(book: str = "", account: str = "", cause: str = "") -> Response:
        customs.publish()
        return json({"entries": accounts.entries(store, book, account, cause)})

    @app.get("/admin/taxes")
    def taxes(invt_no: str = "") -> Response:
        customs.publish()
        return json({"bills": tax_bills(store, invt_no)})


def _changing(app: FastAPI, customs: Customs) -> None:
    @app.post("/admin/stock")
    async def stock(request: Request) -> Response:
        body = await given(request)
        ems_no, record, cause = (_text(body, name) for name in ("ems_no", "item_record_no", "ref"))
        with customs.store.transaction():
            limits.receive(_accounts(customs), ems_no, record, _amount(body, "qty"), cause)
        account = limits.stock_account(ems_no, record)
        return json({"account": account, "balance": plain(_accounts(customs).balance("stock", account))})

    @app.post("/admin/guarantee")
    async def guarantee(request: Request) -> Response:
        body = await given(request)
        code, balance = _text(body, "assure_code"), _amount(body, "balance")
        with customs.store.transaction():
            _set(customs, "guarantee", code, balance)
        return json({"account": code, "balance": plain(balance)})

    @app.post("/admin/quota")
    async def quota(request: Request) -> Response:
        body = await given(request)
        number, year, used = _text(body, "buyer_id"), _text(body, "year"), _amount(body, "used")
        account = limits.quota_account(Seal(customs.store.secret())(number), year)
        with customs.store.transaction():
            customs.store.run("INSERT OR IGNORE INTO buyer VALUES (?, ?)", account, f"{masked(number)} {year}")
            _set(customs, "quota", account, used)
        return json({"account": account, "used": plain(used)})

    @app.post("/admin/returned_goods")
    async def returned_goods(request: Request) -> Response:
        return json({"returns": decisions.goods_back(customs, _text(await given(request), "cop_no"))})

    @app.post("/admin/rates")
    async def rates(request: Request) -> Response:
        body = await given(request)
        gcode, since = str(body.get("gcode") or ""), _text(body, "since")
        shares = [str(_decimal(body, name)) for name in ("duty", "vat", "consumption")]
        customs.store.run("INSERT OR REPLACE INTO rate VALUES (?, ?, ?, ?, ?)", gcode, since, *shares)
        return json({"gcode": gcode, "since": since})


def _settings(app: FastAPI) -> None:
    @app.get("/admin/settings")
    def shown() -> Response:
        return json(settings.profile())

    @app.put("/admin/settings")
    async def changed(request: Request) -> Response:
        settings.change(await given(request))
        return json(settings.profile())

    @app.delete("/admin/settings")
    def restored() -> Response:
        settings.restore()
        return json(settings.profile())


def tax_bills(store: Store, invt_no: str = "", most: int = 5000) -> list[dict[str, Any]]:
    """The tax bills, latest first."""
    rows = store.rows(
        "SELECT * FROM bill WHERE ? = '' OR invt_no = ? ORDER BY at DESC, tax_no DESC LIMIT ?", invt_no, invt_no, most
    )
    amounts = ("duty", "vat", "consumption")
    times = ("at", "status_at")
    return [
        {
            "tax_no": row["tax_no"], "invt_no": row["invt_no"], "status": row["status"],
            **{name: plain(row[name]) for name in amounts}, **{name: moment(row[name]).isoformat() for name in times},
        }
        for row in rows
    ]  # fmt: skip


def _accounts(customs: Customs) -> Accounts:
    return Accounts(customs.store, instant(clock.now()))


def _set(customs: Customs, book: str, account: str, wanted: int) -> None:
    """Bring a balance to an amount by an entry that says so; nothing where it has it already."""
    books = _accounts(customs)
    if not books.known(book, account) and not wanted:
        books.post(book, account, "opening", 0, "opening")
    change = wanted - books.balance(book, account)
    if change:
        books.post(book, account, "set", change, "admin", str(customs.store.serials("set", 1)[0]))


def _text(body: dict[str, Any], name: str) -> str:
    text = str(body.get(name) or "").strip()
    if not text:
        raise DataFault(f"{name} is needed 缺少 {name}")
    return text


def _decimal(body: dict[str, Any], name: str) -> Decimal:
    try:
        value = Decimal(str(body.get(name)))
    except InvalidOperation as error:
        raise DataFault(f"{name} must be a decimal text 应为小数: {body.get(name)!r}") from error
    if not value.is_finite() or value < 0:
        raise DataFault(f"{name} must be 0 or more 不得小于 0: {body.get(name)!r}")
    return value


def _amount(body: dict[str, Any], name: str) -> int:
    return scaled(_decimal(body, name))
