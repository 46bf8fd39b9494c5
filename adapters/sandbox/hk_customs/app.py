"""The HTTP face of the Hong Kong sandbox: messages, questions, notices, administration, and a page to look at."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from cryptography import x509
from fastapi import FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from adapters.sandbox.hk_customs import books, events, page, settings
from adapters.sandbox.hk_customs.lifecycle import Reply, RoadCustoms
from adapters.sandbox.hk_customs.notices import Notices
from adapters.sandbox.hk_customs.push import Pusher
from adapters.sandbox.hk_customs.reading import TYPES
from adapters.sandbox.hk_customs.store import Store
from mappings import clock
from mappings.errors import DataFault

RECOVERY = "x-tongguan-recovery"
_MANY = 1000


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _messages(bodies: list[bytes], **more: Any) -> dict[str, Any]:
    return {"messages": [base64.b64encode(body).decode() for body in bodies], **more}


async def _body(request: Request) -> Any:
    try:
        return orjson.loads(await request.body() or b"null")
    except orjson.JSONDecodeError as error:
        raise DataFault(f"The body is not JSON: {error}") from error


def create(store: Store, seed: int = 0, issuer: x509.Certificate | None = None) -> FastAPI:
    """The application over one store."""
    customs = RoadCustoms(store, seed, issuer)
    pusher = Pusher(customs.notices)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        pusher.start()
        yield
        await run_in_threadpool(pusher.stop)

    app = FastAPI(title=settings.profile()["title"], lifespan=life)
    app.state.customs = customs

    @app.exception_handler(DataFault)
    async def bad_request(_: Request, error: DataFault) -> Response:
        return _json({"status": "refused", "text": str(error)}, 400)

    _messages_in(app, customs)
    _notices_out(app, customs.notices, store)
    _administration(app, customs)
    return app


def _messages_in(app: FastAPI, customs: RoadCustoms) -> None:
    async def receive(request: Request) -> Response:
        raw = await request.body()
        if len(raw) > settings.profile()["max_bytes"]:
            return _json({"status": "refused", "code": "HKR051", "text": "too large 过大"}, 413)
        marked = request.headers.get(RECOVERY) == "1"
        reply: Reply = await run_in_threadpool(customs.receive, request.url.path, raw, marked)
        return Response(status_code=reply.status) if reply.content is None else _json(reply.content, reply.status)

    for path in TYPES:
        app.add_api_route(path, receive, methods=["POST"])


def _notices_out(app: FastAPI, notices: Notices, store: Store) -> None:
    def ask(request: Request, reference: str) -> Response:
        type_ = TYPES[request.url.path]
        known = "SELECT ccrn FROM received WHERE type = ? AND reference = ? LIMIT 1"
        found = store.row(known, type_, reference) is not None
        return _json(_messages(notices.about(type_, reference), found=found, reference=reference))

    for path in TYPES:
        app.add_api_route(path, ask, methods=["GET"])

    @app.get("/notices")
    def page_of_notices(sender: str = "", since: str = "", limit: int = Query(100, ge=1, le=_MANY)) -> Response:
        found, cursor = notices.page(sender, since, limit)
        return _json(_messages(found, next=cursor))


def _administration(app: FastAPI, customs: RoadCustoms) -> None:
    store = customs.store

    @app.get("/", response_class=HTMLResponse)
    def look() -> str:
        return page.html(store)

    @app.get("/admin/health")
    def health() -> Response:
        return _json({"status": "up", "authority": "hk_road", "time": clock.now().isoformat(), "seed": customs.seed})

    @app.get("/admin/books")
    def book(after: int = Query(0, ge=0, le=2**62), limit: int = Query(100, ge=1, le=_MANY)) -> Response:
        return _json(books.page(store, after, limit))

    @app.get("/admin/books/audit")
    def audit() -> Response:
        return _json(books.audit(store))

    @app.get("/admin/behaviour")
    def behaviours() -> Response:
        return _json({"rules": [{"id": r.id, **r.body, "used": r.used} for r in customs.behaviours.rules]})

    @app.post("/admin/behaviour")
    async def misbehave(request: Request) -> Response:
        body = await _body(request)
        if not isinstance(body, dict) or not isinstance(body.get("rules"), list):
            raise DataFault('The body is {"rules": [...]}')
        return _json({"ids": await run_in_threadpool(customs.behaviours.add, body["rules"])})

    @app.delete("/admin/behaviour")
    def behave() -> Response:
        customs.behaviours.clear()
        return _json({"rules": []})

    @app.post("/admin/events")
    async def event(request: Request) -> Response:
        return _json(await run_in_threadpool(events.happen, customs, await _body(request)))

    @app.get("/admin/events")
    def happened() -> Response:
        rows = store.rows("SELECT * FROM event ORDER BY id")
        return _json({"events": [{**dict(row), "outcome": orjson.loads(row["outcome"])} for row in rows]})

    @app.put("/admin/callbacks")
    async def callback(request: Request) -> Response:
        body = await _body(request)
        sender = body.get("sender") or body.get("dxpId") if isinstance(body, dict) else None
        url = body.get("url") if isinstance(body, dict) else None
        if not isinstance(sender, str) or not (url is None or str(url).startswith(("http://", "https://"))):
            raise DataFault("A sender and an http url (or null) are needed")
        await run_in_threadpool(_call_back, store, sender, url)
        return _json({"sender": sender, "url": url})

    @app.post("/admin/reset")
    def reset() -> Response:
        store.reset()
        customs.behaviours.reload()
        return _json({"status": "empty"})


def _call_back(store: Store, sender: str, url: str | None) -> None:
    with store.transaction():
        store.run("DELETE FROM callback WHERE sender = ?", sender)
        if url:
            store.insert("callback", sender=sender, url=str(url))
