"""`tongguan erase`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from deployments.cli.common import Json, Live, actor, installation, put_json, screen
from mappings.errors import ConfigurationError


def erase(
    name: Annotated[bool, typer.Option("--name", help="Ask for a name: buyer, payer or driver. 按姓名")] = False,
    phone: Annotated[bool, typer.Option("--phone", help="Ask for a phone number. 按电话")] = False,
    waybill: Annotated[str, typer.Option("--waybill", help="A waybill number. 按运单号")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask once more: it cannot be undone. 不再确认")] = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Erases a person from every shipment that is past its keeping time. It cannot be undone. 删除个人信息

    Name and phone are asked for, or read from standard input, a line each: they would stay in the shell's history. What
    the law wants kept still is left, and named in the answer. Backups and the senders' own files are yours to erase.
    """
    home = installation(live)
    from adapters.ledger.erasure import Person, erase_person  # noqa: PLC0415
    from deployments import services  # noqa: PLC0415

    person = Person(_asked("姓名 Name") if name else "", _asked("电话 Phone") if phone else "", waybill.strip())
    if any(person) and not (yes or typer.confirm("确认删除？无法恢复。 Erase? It cannot be undone.", err=True)):
        raise ConfigurationError("未删除。 Nothing was erased.")
    erased = erase_person(services.office(home).ledger, actor(), person)
    if as_json:
        return put_json(asdict(erased))
    screen.print(f"已删除 erased: 货运 shipments {erased.shipments or '-'}, {erased.snapshots} 份数据 snapshots, "
                 f"{erased.raws} 份原文 raw messages")  # fmt: skip
    if erased.kept:
        screen.print(f"[yellow]·[/] 仍在保存期内，未删除 to be kept still: {erased.kept}")
    if erased.shared:
        screen.print(f"[yellow]·[/] {erased.shared} 份原文另有货运需要 raw messages that others need too were left")
    return None


def _asked(what: str) -> str:
    return str(typer.prompt(what, hide_input=False, err=True)).strip()
