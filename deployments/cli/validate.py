"""`tongguan validate FILE.xml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import Json, put_json, screen, table
from deployments.errors import NOT_IN_ORDER


def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE.xml...", help="Messages or receipts. 报文或回执", exists=True)
    ],
    strict: Annotated[bool, typer.Option("--strict", help="As what we send ourselves must be. 按发送标准检查")] = False,
    as_json: Json = False,
) -> None:
    """Checks any message or receipt that we know; each fault is named in both languages. 校验报文或回执

    Ends with 1 when there is a fault. A DxpMsg envelope is opened first.
    """
    from deployments.opened import opened  # noqa: PLC0415
    from mappings.engine import explain  # noqa: PLC0415

    found = {str(file): explain.check(opened(file.read_bytes()), strict) for file in files}
    if as_json:
        put_json({name: [p.as_dict() for p in problems] for name, problems in found.items()})
    else:
        for name, problems in found.items():
            if not problems:
                screen.print(f"[green]✓[/] {name}: 符合规范。 Valid.")
                continue
            made = table(f"{name}", "#行 line", "元素 element", "值 value", "问题 fault")
            for p in problems:
                made.add_row(str(p.line), p.element, p.value, f"{p.message_zh}\n{p.message_en}")
            screen.print(made)
    if any(found.values()):
        raise typer.Exit(NOT_IN_ORDER)
