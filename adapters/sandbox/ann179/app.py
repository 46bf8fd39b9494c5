"""The HTTP face: uploads in; an admin asks, looks into the books, and lets this customs misbehave."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response

from adapters.sandbox import ca
from adapters.sandbox.ann179 import behaviours, settings
from adapters.sandbox.ann179.customs import FAILED, Customs, milliseconds
from mappings import clock
from mappings.errors import DataFault

RECOVERY = "x-tongguan-recovery"
_COLUMNS = "id, at, session, order_no, orders, certificate, recovery, code, message, signature, sha256, size"
_SECOND = """
SELECT 'payExInfoStr' AS type, session AS key, count(*) AS times, count(DISTINCT sha256) AS versions,
       sum(recovery = 0 AND id > (SELECT min(id) FROM upload AS f WHERE f.session = u.session)
           AND sha256 IN (SELECT sha256 FROM upload AS g WHERE g.session = u.session AND g.id < u.id)) AS unmarked
FROM upload AS u WHERE session <> '' GROUP BY session HAVING count(*) > 1
"""


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def _body(request: Request) -> dict[str, Any]:
    try:
        found = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise DataFault(f"The body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataFault("The body is no JSON object")
    return found


def create(customs: Customs, authority: ca.Authority) -> FastAPI:
    """The application over one customs; `authority` issues certificates for those that have none."""
    app = FastAPI(title=settings.profile()["title"], openapi_url=None)
    app.state.customs = customs

    @app.exception_handler(DataFault)
    async def bad_request(_: Request, error: DataFault) -> Response:
        return _json({"status": "refused", "text": str(error)}, 400)

    _uploads(app, customs)
    _asking(app, customs)
    _books(app, customs)
    _administration(app, customs, authority)
    return app


def _uploads(app: FastAPI, customs: Customs) -> None:
    @app.post(settings.profile()["upload_path"])
    async def upload(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > settings.profile()["max_bytes"]:
                refused = {"code": FAILED, "message": "数据过大 too large", "serviceTime": milliseconds()}
                return _json(refused)
        marked = request.headers.get(RECOVERY) == "1"
        reply = await run_in_threadpool(customs.receive, bytes(body), marked)
        if reply.content is None:
            return PlainTextResponse(reply.text, reply.status)
        return _json(reply.content, reply.status)


def _asking(app: FastAPI, customs: Customs) -> None:
    @app.post("/admin/requests")
    async def ask(request: Request) -> Response:
        body = await _body(request)
        order, session, raw = body.get("orderNo"), body.get("sessionID") or "", body.get("raw")
        if not isinstance(order, str) or not isinstance(session, str) or not (raw is None or isinstance(raw, str)):
            raise DataFault("orderNo is needed; sessionID and raw (another openReq) are texts")
        return _json(await run_in_threadpool(customs.ask, order, session, raw))

    @app.get("/admin/requests")
    def asked() -> Response:
        return _json({"requests": [dict(row) for row in customs.store.rows("SELECT * FROM request ORDER BY id")]})


def _books(app: FastAPI, customs: Customs) -> None:
    store = customs.store

    @app.get("/admin/books")
    def books(after: int = Query(0, ge=0, le=2**62), limit: int = Query(100, ge=1, le=1000)) -> Response:
        sql = f"SELECT {_COLUMNS} FROM upload WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 our own names
        rows = [{**dict(row), "recovery": bool(row["recovery"])} for row in store.rows(sql, after, limit)]
        return _json({"documents": rows, "next": rows[-1]["id"] if rows else after})

    @app.get("/admin/books/audit")
    def audit() -> Response:
        second = [dict(row) for row in store.rows(_SECOND)]
        bad = store.rows("SELECT id, session, signature FROM upload WHERE code = '10000' AND signature <> 'good'")
        twice = [row for row in second if row["unmarked"]]
        return _json({"second_receipts": twice, "repeated": second, "bad_signatures": [dict(row) for row in bad]})

    @app.get("/admin/books/{number}")
    def one(number: int) -> Response:
        row = store.row("SELECT body FROM upload WHERE id = ?", min(number, 2**62))
        return _json({"status": "none"}, 404) if row is None else Response(row["body"], media_type="text/plain")


def _administration(app: FastAPI, customs: Customs, authority: ca.Authority) -> None:
    store = customs.store

    @app.get("/admin/health")
    def health() -> Response:
        return _json({"status": "up", "authority": "ann179", "time": clock.now().isoformat(), "target": customs.target})

    @app.post("/admin/certificates")
    async def certificate(request: Request) -> Response:
        """Issue a certificate for a company's public key, or know one that another authority has issued."""
        body = await _body(request)
        pem = body.get("certificate_pem")
        if not isinstance(pem, str):
            key = ca.key_from_pem(str(body.get("public_key_pem") or ""))
            codes = body.get("other_codes")
            others = tuple(map(str, codes)) if isinstance(codes, list) else ()
            pem = ca.issue(authority, str(body.get("owner_code") or ""), key, str(body.get("name") or ""), others)
        return _json({"certificate_pem": pem, "number": customs.trust(ca.key_from_pem(pem))})

    @app.post("/admin/behaviour")
    async def misbehave(request: Request) -> Response:
        body = await _body(request)
        if not isinstance(body.get("rules"), list):
            raise DataFault('The body is {"rules": [...]}')
        return _json({"ids": await run_in_threadpool(behaviours.add, store, body["rules"])})

    @app.delete("/admin/behaviour")
    def behave() -> Response:
        store.run("DELETE FROM rule")
        return _json({"rules": []})

    @app.put("/admin/target")
    async def target(request: Request) -> Response:
        """The platform to ask, where it is known only later."""
        url = (await _body(request)).get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise DataFault("url is the platform's http address")
        customs.target = url.rstrip("/")
        return _json({"target": customs.target})

    @app.post("/admin/reset")
    def reset() -> Response:
        store.reset()
        return _json({"status": "empty"})
