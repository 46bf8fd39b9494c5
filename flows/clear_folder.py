"""Clear folder: every complete folder in the inbox becomes a truck and goes on its way."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.clear_shipment import clear_shipment
from tasks import inbox, publishing


@flow(name="clear-folder", persist_result=False)
def clear_folder(inbox_folder: str = "", approved: bool = False) -> Any:
    """扫描收件文件夹：每个已齐全的子文件夹作为一个车次开始办理；其余等待，并说明原因。

    Look through an inbox folder: every sub-folder that is complete starts as a truck; the others wait, and say why.

    Args:
        inbox_folder: 收件文件夹，默认用设置中的。The inbox; by default the one in the settings.
        approved: 按此计划到达的车次是否已获批准申报。Whether trucks that come this way are approved for declaring.
    """
    pool_waits = inbox.take_pool(inbox_folder)
    found = inbox.look(inbox_folder)
    found.waiting += pool_waits
    ran = []
    for folder in found.ready:
        ran.append(clear_shipment(folder=str(folder), approved=approved, actor="clear-folder", return_state=True))
        inbox.done(folder, ran[-1])
    publishing.inbox_waits(found.waiting)
    told = f"{len(ran)} 个车次开始办理 trucks started"
    if not found.waiting:
        return publishing.ended(ran, told)
    return publishing.ended(ran, f"{told}; {publishing.waiting_text(found.waiting)}", "Folders waiting")
