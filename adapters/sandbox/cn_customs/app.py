"""The sandbox's HTTP: messages in, receipts out, an admin's calls and a page for people.

The binding is ours (unverified): transport_signature.md, section 2, names products and queues but no public HTTP.
Messages and receipts are answered in the event loop itself: books have one writer and Python one running thread, so
that threads would only wait for one another, and for the interpreter each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson
import pybase64
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.sandbox.cn_customs import admin, page, push, settings
from adapters.sandbox.cn_customs.customs import Customs, Outcome
from adapters.sandbox.cn_customs.doors import local_port
from mappings import clock
from mappings.errors import DataFault

RECOVERY = "x-tongguan-recovery"
MOST_MESSAGES = 1000
BETWEEN = 4  # rounds of the event loop from one message to the next: what others sent is read, and receipts answered
AT_ONCE = 2_000_000  # bytes of a message that is booked in the event loop; of a longer one others need not wait for


class Json(Response):
    """A JSON answer."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class Dropped(Response):
    """No answer at all: the connection is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("tongguan.transport")
        if transport is not None:
            transport.abort()
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await send({"type": "http.response.start", "status": 599, "headers": []})
        await send({"type": "http.response.body", "body": b""})


Call = Callable[[Request], Awaitable[Response]]


class Outermost:
    """Answers the two calls that come by the thousand without routing; the application answers all others.

    Lets a response close its connection: keeps uvicorn's transport in the scope.
    """

    def __init__(self, app: ASGIApp, often: dict[tuple[str, str], Call]) -> None:
        self._app, self._often = app, often

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(receive, "__self__", None)
        scope["tongguan.transport"] = getattr(cycle, "transport", None)
        call = self._often.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if call is None:
            await self._app(scope, receive, send)
        else:
            await (await call(Request(scope, receive)))(scope, receive, send)


def build(customs: Customs) -> ASGIApp:
    """The application over one customs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pushing = asyncio.create_task(push.forever(customs))
        yield
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)

    app = FastAPI(title=settings.profile()["title"], lifespan=lifespan, openapi_url=None)
    app.state.customs = customs
    often = _wire(app, customs)
    local_port.add(app, customs)
    admin.add(app, customs)
    page.add(app, customs)
    app.add_exception_handler(DataFault, _bad_request)
    return Outermost(app, often)


async def _bad_request(_: Request, error: Exception) -> Response:
    return Json({"error": str(error)}, status_code=400)


async def _fault(customs: Customs, request: str) -> int | None:
    """The HTTP status that a rule answers this request with, if there is a rule at all."""
    return await run_in_threadpool(customs.behaviours.fault_of, request) if customs.behaviours.rules else None


def _wire(app: FastAPI, customs: Customs) -> dict[tuple[str, str], Call]:
    turn = asyncio.Lock()  # messages are booked as they came, one after the other

    @app.post("/dxp/messages")
    async def messages(request: Request) -> Response:
        fault = await _fault(customs, "messages")
        if fault:
            return Json({"error": "told to be down"}, status_code=fault)
        limit = int(settings.profile()["max_bytes"])
        body = await _body(request, limit)
        if body is None:
            return Json({"error": "报文过大 message is too large", "limit": limit}, status_code=413)
        marked = request.headers.get(RECOVERY, "").strip() not in ("", "0")
        if len(body) > AT_ONCE:
            return await _answer(await run_in_threadpool(customs.receive, body, marked))
        async with turn:
            for _ in range(BETWEEN):
                await asyncio.sleep(0)
            outcome = customs.receive(body, marked)
        return await _answer(outcome)

    @app.get("/dxp/receipts")
    async def receipts(request: Request) -> Response:
        fault = await _fault(customs, "receipts")
        if fault:
            return Json({"error": "told to be down"}, status_code=fault)
        asked = request.query_params
        return _receipts(customs, asked.get("dxpId", ""), asked.get("since", ""), asked.get("limit", "100"))

    return {("POST", "/dxp/messages"): messages, ("GET", "/dxp/receipts"): receipts}


async def _body(request: Request, limit: int) -> bytes | None:
    """The request's bytes, or None as soon as they are too many."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)


async def _answer(outcome: Outcome) -> Response:
    rules = outcome.rules
    if "hang" in rules:
        await asyncio.sleep(clock.clock().real_seconds(float(rules["hang"].body.get("seconds", 60))))
        return Dropped()
    if "lose_answer" in rules:
        return Dropped()
    if "http" in rules:
        return Json({"error": "told to fail"}, status_code=int(rules["http"].body.get("status", 502)))
    return Response(outcome.body, media_type="application/xml")


def _receipts(customs: Customs, dxp: str, since: str, limit: str) -> Response:
    try:
        start = datetime.fromisoformat(since) if since else None
        most = min(max(1, int(limit)), MOST_MESSAGES)
    except ValueError:
        return Json({"error": "since is an ISO instant, limit a number"}, status_code=400)
    if start is not None and start.tzinfo is None:
        return Json({"error": "since needs a time zone"}, status_code=400)
    found, after = customs.receipts(dxp, start, most)
    asked_next = orjson.dumps(after.isoformat() if after else since)
    parts: list[bytes] = []
    for message in found:
        parts += (b'","', pybase64.b64encode(message))  # base64 needs no escape in JSON
    before, behind = (b'{"messages":["', b'"],"next":') if found else (b'{"messages":[', b'],"next":')
    return Response(b"".join((before, *parts[1:], behind, asked_next, b"}")), media_type="application/json")
