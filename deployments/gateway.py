"""The HTTP gateway: authorities push to it, programs hand in shipments, events and corrections (FastAPI).

Callers carry the `api` token (Authorization: Bearer), an authority's push address the `push` token (?token=).
Every function here is a plain one, so each call has a thread of its own; the work is that of deployments.services.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import BackgroundTasks, Body, Depends, FastAPI, Header, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import AwareDatetime, BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters import home as homes
from deployments import applications, gateway_applications, gateway_books, services, settings
from deployments.errors import SHOWN, as_json, kind_of
from deployments.gateway_page import page
from mappings.canonical.model import Shipment
from tasks.office import Office
from tasks.payment_data.receive import take_request

REFUSED = "令牌缺失或无效。The token is missing or wrong: see `tongguan tokens`."
DESCRIPTION = "Tongguan 通关. Every answer that is an error carries both languages; 错误信息均含中英文。"
MAX_BYTES = 200 * 1024 * 1024


class Event(BaseModel):
    """What happened to the truck or its parcels, and when (now, when left out)."""

    kind: Literal["arrived", "departed", "crossed", "delivered"]
    at: AwareDatetime | None = None
    waybills: list[str] = []  # the parcels, where it happened to them (delivered)


class Note(BaseModel):
    """Who says so, and why."""

    by: str = "gateway"
    reason: str = ""


class Gateway:
    """What the endpoints share: the office and the tokens of one installation."""

    def __init__(self, home: homes.Home) -> None:
        self.home, self.tokens, self._office = home, settings.tokens(home.path), services.office(home)

    @property
    def office(self) -> Office:
        """The office."""
        return self._office

    def caller(self, authorization: Annotated[str, Header()] = "") -> None:
        """Lets in who carries the api token."""
        self._check(authorization.removeprefix("Bearer "), "api")

    def authority(self, token: Annotated[str, Query()] = "") -> None:
        """Lets in an authority that was told the push address."""
        self._check(token, "push")

    def customs(self, token: Annotated[str, Path()]) -> None:
        """Lets in customs, which adds the name of the call to the address that it was told."""
        self._check(token, "push")

    def _check(self, given: str, name: str) -> None:
        if not secrets.compare_digest(given.encode(), self.tokens[name].encode()):
            raise HTTPException(401, REFUSED)


async def raw_body(request: Request) -> bytes:
    """The body as it came."""
    return await request.body()


Raw = Annotated[bytes, Depends(raw_body)]


class Bounded:
    """Before every call: refuses a body over MAX_BYTES, also one that does not say how long it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        came = 0
        said = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        announced = int(said) if said.isdecimal() else 0

        async def counted() -> Message:
            nonlocal came
            if announced <= MAX_BYTES:
                message = await receive()
                came += len(message.get("body", b""))
            if max(came, announced) > MAX_BYTES:
                raise HTTPException(413, f"超过 {MAX_BYTES} 字节。Larger than {MAX_BYTES} bytes.")
            return message

        await self.app(scope, counted if scope["type"] == "http" else receive, send)


def create_app(home: homes.Home | None = None) -> FastAPI:
    """The gateway of an installation (this process's by default)."""
    door = Gateway(home or homes.read())
    app = FastAPI(title="Tongguan", description=DESCRIPTION, version="1", docs_url=None, redoc_url=None)
    app.get("/docs", response_class=HTMLResponse, include_in_schema=False)(lambda: page(app.openapi()))
    app.add_middleware(Bounded)
    for error in SHOWN:
        app.add_exception_handler(error, _shown)
    app.add_exception_handler(RequestValidationError, _misfit)

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether it is up, and in which mode. Open to everybody."""
        return {"status": "up", "mode": door.home.mode}

    _push(app, door)
    _shipments(app, door)
    where = {"dependencies": [Depends(door.caller)], "tags": ["applications"]}
    gateway_books.routes(app, {**where, "tags": ["books"]}, lambda: door.office)
    gateway_applications.routes(app, where, lambda: door.office, lambda reference: _found(door, reference))
    return app


def _shown(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse(as_json(error), kind_of(error).status)


def _misfit(_: Request, error: Exception) -> JSONResponse:
    """What of a call does not fit, by place; the values, which may be a person's, are not sent back."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    told = [{name: one[name] for name in ("loc", "msg", "type")} for one in found]
    return JSONResponse({"title_zh": "请求有误", "title_en": "The call does not fit", "detail": told}, 422)


def _push(app: FastAPI, door: Gateway) -> None:
    @app.post("/authorities/{name}/push", dependencies=[Depends(door.authority)], tags=["authorities"])
    def push(name: str, body: Raw, request: Request, after: BackgroundTasks) -> dict[str, Any]:
        """Takes in what an authority pushes (DxpMsg): kept, answered, and then read; its shipments go on."""
        peer = request.client.host if request.client else ""
        kept = services.keep_push(door.office, name, body, peer)
        after.add_task(services.apply_push, door.office, name)
        return {"kept": kept}

    @app.post("/ann179/{token}/platDataOpen", dependencies=[Depends(door.customs)], tags=["authorities"])
    def payment_data(body: Raw, request: Request) -> dict[str, Any]:
        """Customs asks for the payment data of an order (announcement 179): kept first, answered at once."""
        peer = request.client.host if request.client else ""
        return take_request(door.office, body or request.url.query.encode(), peer)


def _shipments(app: FastAPI, door: Gateway) -> None:
    where: dict[str, Any] = {"dependencies": [Depends(door.caller)], "tags": ["shipments"]}

    @app.post("/shipments", status_code=201, **where)
    def create(body: Raw, response: Response, approved: bool = False) -> dict[str, Any]:
        """Hands in one shipment (mappings.canonical.model.Shipment as JSON). `approved` declares without asking."""
        ident = services.receive_shipment(door.office, _shipment(body), body, "gateway")
        if approved:
            services.approve(door.office, ident, "gateway")
        response.headers["Location"] = f"/shipments/{ident}"
        return {"shipment": ident, "run": services.wake(door.office, ident)}

    @app.get("/shipments", **where)
    def listing() -> list[dict[str, Any]]:
        """All shipments."""
        return [status.as_json() for status in services.listing(door.office)]

    @app.get("/shipments/{reference}", **where)
    def one(reference: str) -> dict[str, Any]:
        """Where a shipment stands."""
        return services.status(door.office, _found(door, reference)).as_json()

    @app.post("/shipments/{reference}/events", **where)
    def event(reference: str, event: Event) -> dict[str, Any]:
        """Tells what happened to the truck; telling it twice changes nothing."""
        return _change(
            door, reference, lambda i: services.event(door.office, i, event.kind, event.at, "gateway", event.waybills)
        )

    @app.put("/shipments/{reference}/corrections", **where)
    def correct(reference: str, body: Raw) -> dict[str, Any]:
        """Corrected parcels as JSON (a Shipment): a new version of their rows."""
        ident = _found(door, reference)
        services.receive_shipment(door.office, _shipment(body), body, "gateway", str(ident))
        return {"shipment": ident}

    @app.put("/shipments/{reference}/files/{name}", **where)
    def file(reference: str, name: str, body: Raw) -> dict[str, Any]:
        """A corrected or late file, in the sender's own layout."""
        ident = _found(door, reference)
        services.receive_files(door.office, [(name, body)], "gateway", str(ident))
        return {"shipment": ident}

    @app.post("/shipments/{reference}/applications/{kind}/file", **where)
    def ask_file(
        reference: str, kind: gateway_applications.Kind, body: Raw, name: str = "parcels.csv", reason: str = "",
        by: str = "gateway", approved: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Asks for a cancel, a return or its tally from a CSV or XLSX file; its faults name row and column."""
        wanted = applications.of_file(name, body, reason)
        return applications.request(door.office, _found(door, reference), kind, wanted, by, approved)

    @app.post("/shipments/{reference}/approve", **where)
    def approve(reference: str, note: Annotated[Note, Body()] = Note()) -> dict[str, Any]:  # noqa: B008
        """Approves the declaration: a legal act, noted with the name given."""
        return _change(door, reference, lambda i: services.approve(door.office, i, note.by))

    @app.post("/shipments/{reference}/hold", **where)
    def hold(reference: str, note: Annotated[Note, Body()] = Note()) -> dict[str, Any]:  # noqa: B008
        """Holds the truck before its next stage."""
        return _change(door, reference, lambda i: services.hold(door.office, i, note.reason, note.by))

    @app.post("/shipments/{reference}/resume", **where)
    def resume(reference: str, note: Annotated[Note, Body()] = Note()) -> dict[str, Any]:  # noqa: B008
        """Lets it go on."""
        return _change(door, reference, lambda i: services.resume(door.office, i, note.by))


def _change(door: Gateway, reference: str, change: Any) -> dict[str, Any]:
    ident = _found(door, reference)
    return {"shipment": ident, "changed": change(ident)}


def _found(door: Gateway, reference: str) -> int:
    ident = services.find(door.office, reference)
    if ident is None:
        raise HTTPException(404, f"找不到货运 {reference}。There is no shipment {reference}.")
    return ident


def _shipment(body: bytes) -> Shipment:
    """The shipment in a body; what is wrong with it is told by place, without the values."""
    try:
        return Shipment.model_validate_json(body)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise HTTPException(422, {"title_zh": "数据有误", "title_en": "The data is wrong", "faults": told}) from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs it until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=settings.GATEWAY_PORT)
    given = parser.parse_args(arguments)
    uvicorn.run(create_app(), host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
