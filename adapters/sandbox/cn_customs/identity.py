"""Buyers' and payers' identity: the number's own check digit (GB 11643), and a small made-up national base."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from datetime import date

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.reading import Document

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DIGITS = "10X98765432"
_PERSON = {
    "CEB311Message": ("buyerName", "buyerIdNumber"),
    "CEB411Message": ("payerName", "payerIdNumber"),
    "CEB621Message": ("buyerName", "buyerIdNumber"),
}


def valid(number: str) -> bool:
    """Whether 17 digits, a real day of birth and the check digit make an identity number."""
    if len(number) != 18 or not (number[:17].isascii() and number[:17].isdigit()):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return _DIGITS[sum(w * int(d) for w, d in zip(_WEIGHTS, number, strict=False)) % 11] == number[17].upper()


def number_of(type_: str, document: Document) -> Iterator[str]:
    """What customs says of a number that cannot be one; the number itself is not repeated."""
    if not valid(document.head[_PERSON[type_][1]].strip()):
        yield settings.profile()["national_base"]["number_text"]


def stranger(type_: str, document: Document) -> tuple[str, str]:
    """Text and status where the national base knows the number under another name, or two ''."""
    base = settings.profile()["national_base"]
    answer = base["answers"].get(type_)
    if answer is None:
        return "", ""
    name, number = (document.head[field] for field in _PERSON[type_])
    pairs = [(pair.get("name", "*"), pair.get("number", "*")) for pair in base["mismatches"]]
    if any(fnmatch.fnmatchcase(name, n) and fnmatch.fnmatchcase(number, i) for n, i in pairs):
        return str(answer["text"]), str(answer["status"])
    return "", ""
