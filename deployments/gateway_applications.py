"""The gateway's calls about applications: cancel, return, tally, declaring anew, the monthly summary, and approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Body, FastAPI
from pydantic import BaseModel, Field

from deployments import applications, services
from tasks.office import Office

BY = "gateway"
Find = Callable[[str], int]
Kind = Literal["cancel", "return", "tally"]


class Line(BaseModel):
    """A parcel, or one goods line of it, by order or waybill number."""

    order_no: str = ""
    waybill_no: str = ""
    gnum: int | None = None
    quantity: str | None = None
    reason: str | None = None


class Wish(BaseModel):
    """What is asked for. `request` tells one wish from the next: the same again changes nothing."""

    parcels: list[Line] = Field(default_factory=list, max_length=100_000)
    reason: str = ""
    by: str = BY
    approved: bool = False
    request: str = ""
    declare_anew: bool = False
    vehicle: str = ""
    voyage_no: str = ""
    bill_no: str = ""
    location: str = ""

    def wanted(self) -> applications.Wanted:
        """The chosen parcels."""
        return applications.of_records([line.model_dump() for line in self.parcels], self.reason, self.request)

    def way(self) -> dict[str, str]:
        """The way back of returned goods."""
        return {n: getattr(self, n) for n in ("vehicle", "voyage_no", "bill_no", "location")}


class Month(BaseModel):
    """Which month is summed, for whom."""

    month: str = ""
    declarant: str = ""
    by: str = BY
    approved: bool = False


class Answer(BaseModel):
    """Who says so."""

    by: str = BY


def routes(app: FastAPI, where: dict[str, Any], at: Callable[[], Office], found: Find) -> None:
    """Adds the calls; `where` are their guard and tags, `found` the id of a shipment."""

    @app.post("/shipments/{reference}/applications/{kind}", **where)
    def ask(reference: str, kind: Kind, wish: Wish) -> dict[str, Any]:
        """Asks for a cancel, a return or its tally: all refusals at once, the rest goes on once it is approved."""
        ident = found(reference)
        after = "again" if wish.declare_anew else ""
        told = applications.request(at(), ident, kind, wish.wanted(), wish.by, wish.approved, wish.way(), after)
        return {**told, "run": services.wake(at(), ident) if told["applications"] else ""}

    @app.get("/shipments/{reference}/applications", **where)
    def listing(reference: str) -> list[dict[str, Any]]:
        """Every application of a shipment."""
        return applications.listing(at(), found(reference))

    @app.post("/shipments/{reference}/applications-approve", **where)
    def approve(reference: str, answer: Annotated[Answer, Body()] = Answer()) -> dict[str, Any]:  # noqa: B008
        """Approves all applications that wait for it: a legal act, noted with the name given."""
        ident = found(reference)
        done = applications.approve_all(at(), ident, answer.by)
        return {"shipment": ident, "approved": done, "run": services.wake(at(), ident) if done else ""}

    @app.post("/shipments/{reference}/applications-withdraw", **where)
    def withdraw(reference: str, answer: Annotated[Answer, Body()] = Answer()) -> dict[str, Any]:  # noqa: B008
        """Takes back all applications that were not sent yet."""
        ident = found(reference)
        return {"shipment": ident, "withdrawn": applications.withdraw(at(), ident, answer.by)}

    @app.post("/shipments/{reference}/redeclare", **where)
    def redeclare(reference: str, wish: Wish) -> dict[str, Any]:
        """Declares rejected or cancelled parcels anew; without any named, all that were rejected."""
        ident = found(reference)
        told = applications.anew(at(), ident, wish.wanted(), wish.by)
        return {**told, "run": services.wake(at(), ident) if told["parcels"] else ""}

    @app.post("/summaries", **where)
    def summarise(month: Month) -> list[dict[str, Any]]:
        """Asks for the monthly summaries of closed inventories with statisticsFlag B."""
        told = applications.summarise(at(), month.month, month.by, month.declarant, month.approved)
        return [{**one, "run": services.wake(at(), one["shipment"])} for one in told]
