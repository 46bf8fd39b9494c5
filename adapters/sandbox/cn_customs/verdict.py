"""What may follow what: whether a document is taken, is a duplicate, or finds nothing that may change (rules.md, 2)."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import Doc
from adapters.sandbox.cn_customs.earlier import Earlier

_VERBS = {"1": "new", "2": "change", "3": "delete"}
_GONE = ("deleted", "refused", "cancelled")


@dataclass(frozen=True)
class Verdict:
    """Why a document is not taken: outcome for the book, status and text of its receipt."""

    outcome: str
    status: str
    text: str


def against(doc: Doc, earlier: Earlier, now: int) -> Verdict | None:
    """The verdict against taking this document, or None. Whatever came before keeps its state."""
    verb = _VERBS.get(doc.app_type)
    codes = settings.declared()[doc.type].codes
    prior = earlier.standing.get(doc.key)
    if verb is None:
        return Verdict("refused", codes["nothing"], "[Code:1300;Desc:申报类型appType不在1、2、3之内]")
    if (doc.key, doc.guid) in earlier.taken and not (prior and prior.outcome == "saved"):
        return _duplicate(doc)
    if verb == "new":
        other = earlier.inventories.get(doc.order_ref, doc.key) if doc.order_ref else doc.key
        return _duplicate(doc) if other != doc.key or _blocks(prior, now) else None
    if prior is None or prior.status in _GONE:
        return Verdict("refused", codes["nothing"], "没有可以变更或删除的申报数据")
    if prior.locked or prior.status not in settings.cycle()["may_follow"][verb]:
        return Verdict("refused", codes["state"], f"当前状态[{prior.status}]不允许变更或删除")
    return None


def _duplicate(doc: Doc) -> Verdict:
    step = settings.cycle()["steps"]["duplicate"]
    return Verdict("duplicate", step["status"], step["text"].format(key=doc.key))


def _blocks(prior: Doc | None, now: int) -> bool:
    """A document stands in the way unless customs has said that it is rejected, or it is saved only or deleted."""
    if prior is None:
        return False
    return not settings.over(prior.status) or prior.status_at > now
