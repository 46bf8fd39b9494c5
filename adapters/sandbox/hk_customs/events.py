"""The control point: physical events (there, crossed, turned back) come from outside, decisions follow (hk.md 3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

from adapters.sandbox.hk_customs import settings
from adapters.sandbox.hk_customs.lifecycle import RoadCustoms
from adapters.sandbox.hk_customs.store import Row
from mappings import clock
from mappings.errors import DataFault

# event -> state that it needs
NEEDS = {"at_control_point": "bundled", "crossed": "released", "repatriated": "crossed"}
SUBJECTS = {
    "vehicle": "SELECT * FROM bundle WHERE vehicle = ? AND id IN (SELECT max(id) FROM bundle GROUP BY ccrn)",
    "ccrn": "SELECT * FROM bundle WHERE ccrn = ? ORDER BY id DESC LIMIT 1",
    "master_waybill": "SELECT * FROM bundle"
    " WHERE ccrn IN (SELECT ccrn FROM consignment WHERE instr(reference, ? || '-A') = 1)"
    " AND id IN (SELECT max(id) FROM bundle GROUP BY ccrn)",
}
OVER = {"unbundled", "repatriated"}


def happen(customs: RoadCustoms, body: Any) -> dict[str, Any]:
    """Take an event {kind, vehicle|ccrn|master_waybill, at?}; gives what it moved and why not. Raises DataFault."""
    kind, name, subject, at = _checked(body)
    moved, refused = [], []
    with customs.store.transaction():
        bundles = [b for b in customs.store.rows(SUBJECTS[name], subject) if b["state"] not in OVER]
        if kind != "repatriated":
            bundles = [b for b in bundles if b["state"] != "crossed"] or bundles
        for bundle in bundles:
            if bundle["state"] != NEEDS[kind]:
                refused.append({"ccrn": bundle["ccrn"], "state": bundle["state"], "needed": NEEDS[kind]})
                continue
            _MOVES[kind](customs, bundle, at)
            moved.append(bundle["ccrn"])
        outcome = {"moved": moved, "refused": refused}
        said = orjson.dumps(outcome).decode()
        customs.store.insert("event", at=clock.now().isoformat(), kind=kind, subject=subject, outcome=said)
    return outcome


def _checked(body: Any) -> tuple[str, str, str, datetime]:
    if not isinstance(body, dict) or body.get("kind") not in NEEDS:
        raise DataFault(f"kind must be one of {sorted(NEEDS)}")
    name = next((n for n in SUBJECTS if isinstance(body.get(n), str) and body[n]), None)
    if name is None:
        raise DataFault(f"an event names one of {sorted(SUBJECTS)}")
    now = clock.now()
    try:
        at = datetime.fromisoformat(str(body.get("at") or now.isoformat()))
    except ValueError as error:
        raise DataFault(f"at is no ISO instant: {body.get('at')!r}") from error
    if at.tzinfo is None:
        raise DataFault("at has no time zone")
    return body["kind"], name, body[name], max(at, now)


def _arrive(customs: RoadCustoms, bundle: Row, at: datetime) -> None:
    """It waits for its earliest permitted crossing, then is told to go or to be inspected."""
    there = max(at, datetime.fromisoformat(bundle["earliest"]))
    customs.say(bundle, "ACP", there, settings.profile()["control_point"])
    told = there + timedelta(seconds=settings.profile()["kiosk_seconds"])
    dice = Random(f"{customs.seed}|{bundle['ccrn']}|{bundle['id']}")
    names = ("reference", "ccrn", "vehicle", "sender")
    subject = {"type": "control_point", **{name: bundle[name] for name in names}}
    rule = customs.behaviours.find(subject, "inspect", "detain")
    if rule is None and dice.random() >= settings.profile()["inspection_share"]:
        customs.say(bundle, "REL", told)
        return
    customs.say(bundle, "INS", told)
    done = told + timedelta(minutes=dice.uniform(*settings.profile()["inspection_minutes"]))
    customs.say(bundle, "DET" if rule and rule["action"] == "detain" else "REL", done)


def _cross(customs: RoadCustoms, bundle: Row, at: datetime) -> None:
    customs.say(bundle, "CRS", max(at, _last(customs, bundle)))


def _turn_back(customs: RoadCustoms, bundle: Row, at: datetime) -> None:
    customs.say(bundle, "RPT", max(at, _last(customs, bundle)))


def _last(customs: RoadCustoms, bundle: Row) -> datetime:
    """When the last notice about this bundle is due: nothing overtakes it."""
    stamp = customs.store.value("SELECT max(due) FROM notice WHERE message_id = ?", bundle["message_id"])
    return datetime.fromtimestamp(float(stamp), clock.now().tzinfo)


_MOVES = {"at_control_point": _arrive, "crossed": _cross, "repatriated": _turn_back}
