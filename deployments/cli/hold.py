"""`tongguan hold`, `resume` and `approve`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployments.cli.common import Json, Live, Reason, Reference, actor, installation, put_json, screen


def _change(shipment: str, live: bool, as_json: bool, change: Callable[[Any, int], bool], said: str) -> None:
    home = installation(live)
    from deployments import services  # noqa: PLC0415

    office = services.office(home)
    ident = services.resolve(office, shipment)
    changed = change(office, ident)
    if as_json:
        put_json({"shipment": ident, "changed": changed})
    else:
        screen.print(said if changed else "无变化。 It was so already.")


def hold(shipment: Reference, reason: Reason = "", live: Live = False, as_json: Json = False) -> None:
    """Holds a truck before its next stage: nothing more is sent until it is resumed. 暂停货运"""
    from deployments import services  # noqa: PLC0415

    _change(shipment, live, as_json, lambda o, i: services.hold(o, i, reason, actor()), "已暂停。 Held.")


def resume(shipment: Reference, live: Live = False, as_json: Json = False) -> None:
    """Lets a held truck go on. 恢复货运"""
    from deployments import services  # noqa: PLC0415

    _change(shipment, live, as_json, lambda o, i: services.resume(o, i, actor()), "已恢复。 It goes on.")


def approve(shipment: Reference, live: Live = False, as_json: Json = False) -> None:
    """Approves a prepared truck: it is declared. This is a legal act, and your name is noted. 批准申报"""
    from deployments import services  # noqa: PLC0415

    _change(shipment, live, as_json, lambda o, i: services.approve(o, i, actor()), "已批准。 Approved.")
