"""Summarise a month: one application (701) for the closed inventories of each declarant, customs office and seller."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.clear_shipment import clear_shipment
from tasks.applications import stages as applications


@flow(name="summarise-month", persist_result=False)
def summarise_month(month: str = "", declarant: str = "", approved: bool = False, actor: str = "prefect") -> Any:
    """汇总申报一个月内结关、申报业务类型为 B 的清单。重复运行只处理尚未汇总的清单。

    Ask for the monthly summary of closed inventories with statisticsFlag B. Running it again takes only what is new.

    Args:
        month: 年月，如 2026-10；空表示上个月。The month, as 2026-10; last month by default.
        declarant: 申报企业代码；空表示全部。Code of one declarant; all by default.
        approved: 是否已获批准。Whether it is approved; a summary is a legal act.
        actor: 谁批准的。Who approved it.
    """
    found = applications.request_summaries(month, declarant, actor)
    for truck, asked in found.items():
        if approved:
            applications.approve(asked, actor)
        clear_shipment(shipment=str(truck), return_state=True)
        applications.publish(truck, asked)
    return applications.ended("summary", list(found.values()))
