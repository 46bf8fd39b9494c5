"""The admin's calls: books, audit, behaviour, inspections, events of the yard, callbacks, certificates, reset."""

from __future__ import annotations

from typing import Any

import orjson
from cryptography import x509
from fastapi import FastAPI, Request, Response

from adapters.sandbox import ca
from adapters.sandbox.cn_customs import admin_accounts, books, decisions
from adapters.sandbox.cn_customs.customs import Customs
from adapters.sandbox.cn_customs.plan import instant, moment
from adapters.sandbox.cn_customs.replies import given, json
from mappings import clock
from mappings.errors import ConfigurationError, DataFault

KINDS = ("arrived", "departed", "crossed")
_MOST = 5000
_LAST = 2**62  # beyond any row's number


def add(app: FastAPI, customs: Customs) -> None:
    """Add the admin's calls to the application."""
    _add_books(app, customs)
    _add_behaviour(app, customs)
    _add_world(app, customs)
    admin_accounts.add(app, customs)


def _add_books(app: FastAPI, customs: Customs) -> None:
    store = customs.store

    @app.get("/admin/health")
    def health() -> Response:
        return json(books.health(store))

    @app.get("/admin/books")
    def pages(after: int = 0, limit: int = 500, type: str = "", key: str = "") -> Response:
        customs.publish()
        return json(books.page(store, max(0, min(after, _LAST)), min(max(limit, 1), _MOST), type, key))

    @app.get("/admin/books/audit")
    def audit() -> Response:
        return json(books.audit(store))

    @app.post("/admin/reset")
    def reset() -> Response:
        customs.reset()
        return json({"status": "empty"})


def _add_behaviour(app: FastAPI, customs: Customs) -> None:
    @app.get("/admin/behaviour")
    def rules() -> Response:
        kept = customs.behaviours.rules
        return json({"rules": [{"id": r.id, **r.body, "seen": r.seen, "used": r.used} for r in kept]})

    @app.post("/admin/behaviour")
    async def add_rules(request: Request) -> Response:
        found = (await given(request)).get("rules")
        if not isinstance(found, list):
            raise DataFault("rules must be a list")
        return json({"ids": customs.behaviours.add(found)})

    @app.delete("/admin/behaviour")
    def remove_all() -> Response:
        customs.behaviours.remove()
        return json({"status": "empty"})

    @app.delete("/admin/behaviour/{rule_id}")
    def remove(rule_id: int) -> Response:
        customs.behaviours.remove(max(0, min(rule_id, _LAST)))
        return json({"status": "removed"})

    @app.post("/admin/inspections")
    async def inspections(request: Request) -> Response:
        found = await given(request)
        named = {name: str(found.get(name) or "") for name in ("invt_no", "order_no", "cop_no")}
        return json({"inspected": decisions.inspected(customs, str(found.get("result", "800")), **named)})


def _add_world(app: FastAPI, customs: Customs) -> None:
    store = customs.store

    @app.post("/admin/events")
    async def event(request: Request) -> Response:
        found = await given(request)
        if found.get("kind") not in KINDS:
            raise DataFault(f"kind must be one of {KINDS}")
        id_ = store.run(
            "INSERT INTO event (at, body) VALUES (?, ?)", instant(clock.now()), orjson.dumps(found).decode()
        )
        return json({"id": id_})

    @app.get("/admin/events")
    def events() -> Response:
        rows = store.rows("SELECT * FROM event ORDER BY id")
        return json(
            {
                "events": [
                    {"id": r["id"], "recorded_at": moment(r["at"]).isoformat(), **orjson.loads(r["body"])} for r in rows
                ]
            }
        )

    @app.put("/admin/callbacks")
    async def callbacks(request: Request) -> Response:
        found = await given(request)
        dxp, url = str(found.get("dxpId") or ""), found.get("url")
        if not dxp or not (url is None or str(url).startswith(("http://", "https://"))):
            raise DataFault("dxpId and an http url (or null) are needed")
        store.run("DELETE FROM callback WHERE dxp = ?", dxp)
        if url:
            store.run("INSERT INTO callback VALUES (?, ?, ?)", dxp, str(url), instant(clock.now()))
        customs.look_for_callbacks()
        return json({"dxpId": dxp, "url": url})

    @app.post("/admin/certificates")
    async def certificates(request: Request) -> Response:
        return _certificate(customs, await given(request))


def _certificate(customs: Customs, given: dict[str, Any]) -> Response:
    sm2 = given.get("sm2_public_key_hex")
    key = ca.key_from_sm2_hex(str(sm2)) if sm2 else ca.key_from_pem(str(given.get("public_key_pem") or ""))
    others = given.get("other_codes") or []
    if not isinstance(others, list):
        raise DataFault("other_codes must be a list")
    try:
        pem = ca.issue(
            customs.authority,
            str(given.get("owner_code") or ""),
            key,
            str(given.get("name") or ""),
            tuple(map(str, others)),
        )
    except ConfigurationError as error:
        return json({"error": str(error)}, 409)
    except ValueError as error:
        raise DataFault(f"No certificate can be made of this: {error}") from error
    serial = f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:x}"
    return json({"certificate_pem": pem, "ca_pem": customs.authority.pem, "serial": serial})
