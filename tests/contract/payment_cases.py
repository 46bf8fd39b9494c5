"""Made-up payments, the files a company keeps of them, and a sandbox of announcement 179 as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from adapters.keys import SoftwareKeys, make_keys, sandbox_issuer
from mappings import clock
from mappings.canonical.model import Party

PLATFORM = Party(code="91440400CTUMR415DG", customs_code="4404113472", name="示例平台", dxp_id="DXPENT0850668293")
OTHER = Party(code="91440400Y3D43QQLMU", customs_code="4404170964", name="示例报关", dxp_id="DXPENT5809675032")


def payment(order: str, transaction: str = "T1", **changes: Any) -> dict[str, Any]:
    """One record of the payment archive (mappings/ann179/sources/payment_archive.yaml)."""
    return {
        "orderNo": order,
        "request": '{"pay":"原始请求","total":"25.50"}',
        "response": '<xml><ok>1</ok> "quoted" \\ </xml>',
        "platformCode": PLATFORM.code,
        "payCode": "4403160BUF",
        "transactionNo": transaction,
        "amount": "25.50",
        "currency": "CNY",
        "clearing": "3",
        "payType": "1",
        "paidAt": "2026-11-20 10:11:12",
        "note": "",
        "account": "ACC-0001",
        "payeeCode": "",
        "payeeName": "示例收款公司",
        "goods": [{"name": "茶杯 100ml", "link": "https://shop.example/item?id=1&s=2"}],
        **changes,
    }


def keep(folder: Path, *records: dict[str, Any], name: str = "payments-2026-11.jsonl") -> Path:
    """The records as the company's file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), "utf-8")
    return file


class Sandbox:
    """A running sandbox, called as its admin."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        """GET below /admin."""
        answer = requests.get(f"{self.url}/admin/{path}", timeout=20)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        """POST below /admin."""
        answer = requests.post(f"{self.url}/admin/{path}", json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def ask(self, order: str, **more: Any) -> Any:
        """Lets customs ask for an order."""
        return self.post("requests", orderNo=order, **more)

    def misbehave(self, action: str, **more: Any) -> None:
        """Adds one rule."""
        self.post("behaviour", rules=[{"action": action, **more}])

    def behave(self) -> None:
        """Takes all rules away."""
        requests.delete(f"{self.url}/admin/behaviour", timeout=20).raise_for_status()

    def uploads(self) -> list[dict[str, Any]]:
        """What it was sent."""
        found: list[dict[str, Any]] = self.get("books")["documents"]
        return found

    def body(self, number: int) -> bytes:
        """An upload as it came."""
        return requests.get(f"{self.url}/admin/books/{number}", timeout=20).content

    def keys(self, folder: Path, *companies: Party, algorithm: str = "rsa-sha1") -> SoftwareKeys:
        """Keys whose certificates this sandbox issued."""
        return make_keys(companies, folder, sandbox_issuer(self.url), algorithm)


@contextmanager
def sandbox(home: Path, target: str = "") -> Iterator[Sandbox]:
    """The program, until the end of the block."""
    command = [sys.executable, "-m", "adapters.sandbox.ann179", "--home", str(home), "--seed", "7", "--target", target]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ})
    try:
        if process.stdout is None:
            raise RuntimeError("the sandbox has no output")
        url = process.stdout.readline().decode().strip()
        _healthy(url)
        yield Sandbox(url)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _healthy(url: str) -> None:
    for _ in range(200):
        try:
            if requests.get(f"{url}/admin/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        clock.Clock(clock.now(), 1.0, 0.0).sleep(0.05)
    raise RuntimeError("the sandbox does not answer")
