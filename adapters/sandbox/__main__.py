"""`python -m adapters.sandbox issue ...`: a company certificate from the sandbox's certificate authority."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from adapters.sandbox import ca


def main(arguments: list[str] | None = None) -> int:
    """Print the PEM certificate of one company."""
    parser = argparse.ArgumentParser(prog="python -m adapters.sandbox", description=__doc__)
    issue = parser.add_subparsers(dest="command", required=True).add_parser("issue")
    issue.add_argument("--home", type=Path, required=True, help="folder of the sandbox (ca.pem, ca.key)")
    issue.add_argument("--owner", required=True, help="company code 企业编码")
    issue.add_argument("--name", default="", help="company name 企业名称")
    issue.add_argument("--other", action="append", default=[], help="another code of the same company")
    issue.add_argument("--public-key", type=Path, required=True, help="SubjectPublicKeyInfo as PEM")
    given = parser.parse_args(arguments)
    key = ca.key_from_pem(given.public_key.read_text())
    sys.stdout.write(ca.issue(ca.make_ca(given.home), given.owner, key, given.name, tuple(given.other)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
