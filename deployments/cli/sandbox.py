"""`tongguan sandbox`: one authority's sandbox alone, in the foreground."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import screen


class Which(StrEnum):
    """The authorities that have a sandbox."""

    cn_ecommerce = "cn_ecommerce"
    hk_road = "hk_road"
    ann179 = "ann179"


def sandbox(
    which: Annotated[
        Which, typer.Argument(help="China Customs 中国海关, Hong Kong road cargo 香港道路货物, payment data 支付数据")
    ] = Which.cn_ecommerce,
    port: Annotated[int, typer.Option(help="0 takes a free one. 端口")] = 8601,
    home: Annotated[Path, typer.Option(help="Where its books are. 数据文件夹")] = Path(".sandbox"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same delays and numbers. 随机种子")] = 1,
) -> None:
    """Runs the sandbox of one authority alone, in the foreground, for your own programs to talk to. 单独运行沙箱

    Its page for people, books and behaviour rules are at the address that it prints. `tongguan up` starts all
    by itself.
    """
    from deployments import up  # noqa: PLC0415

    command = list(up.sandbox(which.value, home, port, seed).command)
    screen.print(f"http://{up.HOST}:{port}/  · Ctrl-C 结束 stops")
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - it takes this process's place, so a signal reaches it
