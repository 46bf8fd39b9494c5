"""`tongguan keys`: the companies' signing keys, and the key that seals the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import Json, Live, installation, put_json, screen, table
from mappings.errors import ConfigurationError

keys = typer.Typer(
    help="The companies' signing keys, and the key that seals the ledger. 签名密钥与账本密钥", no_args_is_help=True
)
Company = Annotated[str, typer.Argument(help="The code that the company declares under. 企业代码")]


@keys.command("list")
def show(live: Live = False, as_json: Json = False) -> None:
    """Lists whose keys are here, whose certificates they have, and until when they hold. 列出签名密钥"""
    home = installation(live)
    from adapters.keys.inventory import held  # noqa: PLC0415

    found = held(home.path / "keys")
    if as_json:
        return put_json([row._asdict() for row in found])
    made = table(
        "签名密钥 Signing keys", "企业 company", "算法 algorithm", "证书号 certificate", "有效期至 valid until"
    )
    for row in found:
        made.add_row(row.company, row.algorithm, row.number, f"{row.valid_until:%Y-%m-%d}")
    screen.print(made)
    return None


@keys.command()
def add(
    company: Company,
    key: Annotated[Path, typer.Option("--key", help="Private key, PEM. 私钥文件", exists=True, dir_okay=False)],
    cert: Annotated[Path, typer.Option("--cert", help="Its certificate, PEM. 证书文件", exists=True, dir_okay=False)],
    locked: Annotated[bool, typer.Option("--locked", help="Ask for the key's passphrase. 私钥有口令")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the one that is here. 替换已有密钥")] = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Files a company's signing key; refused unless key, certificate and company belong together. 导入签名密钥

    It is kept without a passphrase, readable by you alone; the files that you name are left. A card or a remote
    signer needs none of this: docs/security.md.
    """
    home = installation(live)
    from adapters.keys.software import SoftwareKeys  # noqa: PLC0415

    here = SoftwareKeys(home.path / "keys")
    if here.has(company) and not replace:
        raise ConfigurationError(f"{company} 已有密钥，如需更换请加 --replace。 {company} has a key: say --replace.")
    phrase = str(typer.prompt("口令 Passphrase", hide_input=True, err=True)).encode() if locked else None
    here.add(company, key.read_bytes(), cert.read_bytes(), phrase)
    if as_json:
        return put_json({"company": company, "certificate": here.certificate(company).number})
    screen.print(f"已导入 filed: {company}, 证书号 certificate {here.certificate(company).number}")
    return None


@keys.command()
def rotate(live: Live = False, as_json: Json = False) -> None:
    """Puts a new key before those that seal the ledger; what is written from now on is sealed with it. 更换账本密钥

    What was sealed before stays readable with the old keys, which stay in the file. Back the file up anew. Refused
    while something runs: a process keeps the keys that it began with.
    """
    home = installation(live)
    from adapters.ledger.sealed import KEY_FILE, rotate_key  # noqa: PLC0415
    from deployments.settings import written  # noqa: PLC0415

    if written(home.path) is not None:
        raise ConfigurationError("请先 tongguan down 再更换密钥。 Stop what runs first: tongguan down.")
    rotate_key(home.path / KEY_FILE)
    count = len((home.path / KEY_FILE).read_bytes().split())
    if as_json:
        return put_json({"file": str(home.path / KEY_FILE), "keys": count})
    screen.print(f"已更换，共 {count} 把密钥，请重新备份 {KEY_FILE}。 Done: {count} keys; back {KEY_FILE} up anew.")
    return None
