"""What may come of an inspection or a detention, and when."""

from __future__ import annotations

from typing import Any

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import Doc
from adapters.sandbox.cn_customs.plan import SECOND, Plan

STOPS = {
    "501": "detained", "502": "detained_smuggling", "503": "detained_legal", "599": "detained_other",
    "505": "handed_over", "600": "suspended", "700": "sent_back",
}  # fmt: skip
RESULTS = {"800": "released", **STOPS}
WAITING = ("500", "600")  # statuses that wait for a result


def detained(quirk: dict[str, Any]) -> str:
    """The step that a rule to detain asks for."""
    return STOPS.get(str(quirk.get("status", "501")), "detained")


def inspected(plan: Plan, doc: Doc, at: int) -> tuple[str, int]:
    """Step and instant of the result that comes by itself; "" where it waits for a person."""
    quirk = doc.quirks.get("inspect", {})
    if quirk.get("result", "800") is None:
        return "", 0
    return RESULTS.get(str(quirk.get("result", "800")), "released"), result_at(plan, doc, at, quirk.get("after"))


def result_at(plan: Plan, doc: Doc, at: int, after: float | None = None) -> int:
    """When the result of an inspection that began at this instant comes."""
    low, high = settings.cycle()["inspection"]["seconds"]
    wait = plan.jitter(low, high, f"{doc.key}|inspection") if after is None else int(after * SECOND)
    return max(at, plan.now) + wait
