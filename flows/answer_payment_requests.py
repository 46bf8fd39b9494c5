"""Answer payment requests: customs asked for payment data (announcement 179); gather, sign and upload it."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.payment_data import stages
from tasks.stages import Reached


@flow(name="answer-payment-requests", persist_result=False)
def answer_payment_requests(again: str = "") -> Any:
    """答复海关的支付数据请求（179号公告）：收集、签名、上传；不能答复的告警。重复运行无害。

    Answer customs' requests for payment data: gather, sign, upload, and alarm what cannot be answered.

    Running it again is harmless.

    Args:
        again: 会话编号：其被退回的请求按现有数据重新答复。A session id whose refused requests are answered anew.
    """
    stages.read_waiting()
    if again:
        stages.reopen(again)
    stages.publish(stages.standing())
    stages.gather()
    go = Reached()
    go(stages.upload)
    at = stages.standing()
    stages.publish(at)
    return stages.ended(at, go.missed)
