"""What an error is called where people and programs meet it: title in both languages, exit code, HTTP status."""

from __future__ import annotations

import errno
from typing import Any, NamedTuple

import requests
from sqlalchemy.exc import OperationalError

from mappings import errors
from tasks.reporting.faults import masked


class Kind(NamedTuple):
    """How one kind of error is shown; `exit_code` is the command's, `status` the gateway's."""

    kind: type[Exception]
    exit_code: int
    status: int
    zh: str
    en: str


NOT_IN_ORDER = 1  # the exit code of an audit or a check that found something
INTERRUPTED = 130  # the exit code of a command that a person breaks off; what it started goes on
KINDS = (
    Kind(errors.ConfigurationError, 3, 500, "配置有误，请修正设置", "The set-up is wrong: correct it"),
    Kind(errors.DataFault, 4, 422, "数据有误，请修改后重新发送", "The data is wrong: correct it and send it again"),
    Kind(errors.AuthorityRejected, 5, 422, "主管机关退回", "The authority refused it"),
    Kind(
        errors.AuthorityUnavailable,
        6,
        503,
        "主管机关无法连接，尚未发送",
        "The authority cannot be reached: nothing was sent",
    ),
    Kind(errors.OutcomeUnknown, 7, 502, "发送结果不明，切勿重发", "The outcome is unknown: do not send it again"),
    Kind(errors.BadSignature, 8, 400, "签名或证书无效", "A signature or certificate does not hold"),
    Kind(errors.Unsupported, 9, 501, "不支持此操作", "This is not supported"),
    Kind(NotImplementedError, 9, 501, "不支持此操作", "This is not supported"),
    Kind(errors.TongguanError, 10, 500, "出错", "Something went wrong"),
)
SHOWN = (errors.TongguanError, NotImplementedError)


def kind_of(error: BaseException) -> Kind:
    """How an error of SHOWN is shown: the first kind that it is one of."""
    return next(kind for kind in KINDS if isinstance(error, kind.kind))


FULL = (
    "磁盘空间不足，请清理后重新执行，已保存的内容不受影响",
    "no space is left: free some and run it again; what was kept is whole",
)
DENIED = (
    "没有读写权限，请检查文件夹的所有者和权限",
    "reading or writing is not allowed: look at the folder's owner and rights",
)
_MACHINE = {
    errno.ENOSPC: FULL, errno.EFBIG: FULL, errno.EDQUOT: FULL,
    errno.EACCES: DENIED, errno.EPERM: DENIED, errno.EROFS: DENIED,
}  # fmt: skip
_LEDGER = {"is full": FULL, "disk I/O error": FULL, "readonly": DENIED, "unable to open": DENIED}


def of_machine(error: BaseException) -> errors.ConfigurationError | None:
    """What the machine refused (space, rights), said in both languages; None when the error is none of these."""
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        told, where = _MACHINE.get(error.errno or 0), str(error.filename or error.strerror or "")
    elif isinstance(error, OperationalError):
        told, where = next((t for text, t in _LEDGER.items() if text in str(error.orig)), None), f"ledger: {error.orig}"
    else:
        return None
    return errors.ConfigurationError(f"{where}: {told[0]}。 {told[1]}.") if told else None


def as_json(error: BaseException) -> dict[str, Any]:
    """An error for a program: kind, both titles, the text, and every fault that it carries."""
    kind = kind_of(error)
    return {
        "error": type(error).__name__,
        "title_zh": kind.zh,
        "title_en": kind.en,
        "detail": str(error),
        "faults": masked(getattr(error, "faults", [])),
    }
