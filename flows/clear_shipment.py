"""Clear one shipment: take it as far as it can go now, then end in a state that says what it waits for."""

from __future__ import annotations

from typing import Any

from prefect import flow, runtime
from prefect.states import Completed

from tasks import looks, publishing, stages
from tasks.actors import PULSE, TURNED_AWAY

HEARS = 10.0  # real seconds: where receipts come all the time a run leaves the rest to who hears next


def _name() -> str:
    given = runtime.flow_run.parameters
    return stages.run_name(given.get("shipment", ""), given.get("folder", ""))


@flow(name="clear-shipment", flow_run_name=_name, persist_result=False)
def clear_shipment(shipment: str = "", folder: str = "", approved: bool = False, actor: str = "prefect") -> Any:
    """办理一个车次的通关：能走多远走多远，然后以"在等什么"的状态结束；重复运行无害。

    Clear one truck as far as it can go now, and end in a state that says what it waits for.

    Running it again is harmless. A run of the pulse's has tasks for what is left to do, and shows what it has not
    shown yet; anybody else's takes every stage, hears the authorities where no pulse does, and shows all.

    Args:
        shipment: 车次编号、总运单号或车牌。Number, master waybill or plate of a shipment that is known already.
        folder: 含平台、支付、物流、运输文件的文件夹（新车次）。Folder with the companies' files, for a new truck.
        approved: 是否已批准申报。申报是法律行为。Whether declaring is approved; declaring is a legal act.
        actor: 谁批准的。Who approved it.
    """
    full = actor != PULSE
    truck = stages.take_in(folder, shipment) if folder else stages.find(shipment)
    if folder:
        publishing.name_run(stages.run_name(str(truck)))  # until then it has the folder's name
    left = None if full else stages.Left(truck)
    go = stages.Reached(worth=left) if left else stages.Reached()
    with stages.alone(truck) as alone:
        if not alone:
            return Completed(name=TURNED_AWAY, message="另一进程正在办理 another worker has this truck")
        looks.note_page(truck, str(runtime.flow_run.id or ""))
        go(stages.work_up, truck)
        if approved:
            stages.approve(truck, actor)
        go(stages.find_out, truck)
        if full and not stages.heard_anyway():
            go(stages.hear, HEARS)
        elif full:  # what a pulse knows is a second old, and what is declared waits for no hearing
            go.missed += stages.unreached()
            stages.standing(truck)  # who hears beside a waker leaves a truck's parcels alone
        go(stages.take_applications, truck)
        for step in stages.steps_of(truck):  # as its procedure has them: declare, list, arrive, ...
            go(stages.take, truck, step)
        standing = left.standing() if left else stages.standing(truck)
        if go.cancelled:
            return publishing.cancelled(standing)
        stages.explain(truck)
        publishing.publish(standing, again=full)
        publishing.ask(standing, again=full)
        publishing.tag_run(standing)
        looks.note_run(standing, go.since)
    return publishing.end(standing, go.missed)
