"""`tongguan convert FILE --to xlsx|json|xml`."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from deployments.cli.common import errors, table
from deployments.errors import NOT_IN_ORDER
from mappings.errors import ConfigurationError

if TYPE_CHECKING:
    from mappings.engine.tree import Tree


UNSIGNED = "不含签名，发送前须重新签名。 Without signature: it has to be signed before it is sent."
MASKED = (
    "个人信息已隐去，不能转换回报文；如需请用 --clear。 "
    "People's values are masked: this cannot be turned back; --clear keeps them."
)


class Form(StrEnum):
    """What a message can be turned into."""

    xlsx = "xlsx"
    json = "json"
    xml = "xml"


def convert(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="XML (also in DxpMsg), xlsx or JSON. 报文或表格", exists=True, dir_okay=False
        ),
    ],
    to: Annotated[Form, typer.Option("--to", help="xlsx, json or xml. 目标格式")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to; - is standard output. 输出文件，- 为标准输出")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="With people's values in the clear. 不隐去个人信息")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="XML as what we send ourselves must be. 按发送标准检查")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file. 覆盖已有文件")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write XML that the schema refuses, too. 校验不通过也写出")
    ] = False,
) -> None:
    """Turns any message or receipt into a table or JSON, and back into XML. 报文与表格、JSON 互转

    A table masks people's values unless --clear is given; what is masked cannot be turned back. XML is checked by the
    schema and has no signature. Ends with 1 when the schema refuses it: then nothing is written, unless --anyway.
    """
    from mappings.engine import masking, sheets, structured, tree  # noqa: PLC0415

    message = _read(file.read_bytes())
    if to is Form.xml:
        data, wrong = tree.write(message), _faults(message, strict)
        if wrong and not anyway:
            raise typer.Exit(NOT_IN_ORDER)
    else:
        message = message if clear else masking.masked(message)
        data, wrong = (sheets.dumps(message) if to is Form.xlsx else structured.dumps(message)), False
    target = out or Path(f"{file.stem}.{to}")
    if message.masked and target.exists() and target.samefile(file):
        raise ConfigurationError(f"{target} is what is read: --out names another file --out 不能是原文件")
    _put(target, data, overwrite)
    _tell(message, to, target)
    if wrong:
        raise typer.Exit(NOT_IN_ORDER)


def _read(data: bytes) -> Tree:
    """The message in a file, by what the file is rather than by its name."""
    from deployments.opened import opened  # noqa: PLC0415
    from mappings.engine import sheets, structured, tree  # noqa: PLC0415

    if data.startswith(b"PK"):
        return sheets.loads(data)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return structured.loads(data.removeprefix(b"\xef\xbb\xbf"))
    return tree.read(opened(data))


def _faults(message: Tree, strict: bool) -> bool:
    """Shows what the schema refuses, with segment and row as the table has them."""
    from mappings.engine import tree  # noqa: PLC0415

    found = tree.check(message, strict)
    if found:
        made = table(
            "校验不通过 refused by the schema", "段 segment", "#行 row", "元素 element", "值 value", "问题 fault"
        )
        for misfit in found:
            p = misfit.problem
            cells = (misfit.segment, str(misfit.row or ""), p.element, p.value, f"{p.message_zh}\n{p.message_en}")
            made.add_row(*map(escape, cells))
        errors.print(made)
    return bool(found)


def _put(target: Path, data: bytes, overwrite: bool) -> None:
    """Writes a file that only its owner reads: a message holds people's values."""
    if str(target) == "-":
        sys.stdout.buffer.write(data)
        return
    if target.exists() and not overwrite:
        raise ConfigurationError(f"{target} is there already: --out names another, --overwrite replaces it 文件已存在")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(target, flags, 0o600), "wb") as stream:
        target.chmod(0o600)
        stream.write(data)


def _tell(message: Tree, to: Form, target: Path) -> None:
    """What was written, and what it lacks; on standard error, so that standard output is the file's alone."""
    told = [f"[green]✓[/] {message.type} → {escape(str(target))}"]
    if to is Form.xml or message.signed:
        told.append(UNSIGNED)
    if message.masked:
        told.append(MASKED)
    if message.dropped:
        paths = escape(", ".join(message.dropped[:10]))
        told.append(
            f"未保留 {len(message.dropped)} 项，报文定义中没有。 Not kept, the message file has no such: {paths}"
        )
    for line in told:
        errors.print(line, highlight=False, soft_wrap=True)
