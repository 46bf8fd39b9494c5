"""Asking: the chosen parcels are found, every precondition is checked, and what holds is written down as asked for.

Nothing is prepared here. All refusals come at once, each with code, reason and remedy; the other parcels go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd

from adapters.ledger import applications as ledger
from mappings import applications as tables
from mappings import faults
from mappings.engine import spec
from tasks.applications import case as cases
from tasks.applications.case import Case
from tasks.applications.checks import CHECKS, Failed
from tasks.applications.fitting import fitting
from tasks.applications.messages import number
from tasks.applications.wanted import STAGE, Wanted, of_records
from tasks.office import Office

AGAIN, GIVEN_UP = "again", "given_up"
WAITS = "waiting_cancel"


@dataclass
class Asked:
    """What asking did: ids written down now, ids that this very request (or an open one like it) had asked before,
    order numbers of which nothing is left to ask, and the faults of all that was refused."""

    kind: str
    new: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    faults: pd.DataFrame = field(default_factory=lambda: faults.frame([]))

    @property
    def ids(self) -> list[int]:
        """All applications that this request is about."""
        return [*self.known, *self.new]


def ask(
    office: Office, shipment_id: int, kind: str, wanted: Wanted, actor: str, detail: Mapping[str, Any] | None = None,
    after: str = "",
) -> Asked:  # fmt: skip
    """Ask for `kind` for the chosen parcels; for a cancel, if none is named, for all that wait for one.

    `after` is what is done once a cancel is granted: "again" declares anew. Raises DataFault, Unsupported.
    """
    with office.ledger.begin() as tx:
        case = cases.load(tx, shipment_id, kind)
        return _Asking(case, wanted, Asked(kind), dict(detail or {}), after).run(actor)


class _Asking:
    """One request on its way; each step takes out the parcels that do not go on, and says why."""

    def __init__(self, case: Case, wanted: Wanted, asked: Asked, detail: dict[str, Any], after: str) -> None:
        self.case, self.wanted, self.asked, self.detail, self.after = case, wanted, asked, detail, after
        self.told: list[dict[str, Any]] = list(wanted.faults)

    def run(self, actor: str) -> Asked:
        lines = self._found()
        chosen = lines.drop_duplicates("id").reset_index(drop=True)
        chosen, lines = self._known(chosen, lines)
        chosen = self._without(chosen, self._verdicts(chosen))
        checks = (CHECKS[name] for name in self.case.rule.checks)
        mine = lines[lines["id"].isin(chosen["id"])]
        failed = [bad for check in checks for bad in check(self.case, chosen, mine)]
        chosen = self._without(chosen, [*self._reasons(chosen), *failed])
        asking = self._askings(chosen, self._quantities(chosen, lines))
        asking, misfits = fitting(self.case, chosen, asking)
        self.told += misfits
        self.asked.new = ledger.add(self.case.tx, self.case.shipment_id, asking, actor)
        self.asked.faults = faults.frame(self.told)
        return self.asked

    # ---- which parcels -----------------------------------------------------------------------------------------
    def _found(self) -> pd.DataFrame:
        """The wanted rows with their parcel; rows that name none, or one twice, are told."""
        parcels, rows = self.case.parcels, self.wanted.rows
        if not len(rows) and not self.wanted.file and self.case.rule.kind == "cancel":
            orders = parcels["order_no"][parcels["state"] == WAITS].tolist()
            rows = of_records([{"order_no": order} for order in orders], self.wanted.reason).rows
        by_order = dict(zip(parcels["order_no"], parcels.index, strict=True))
        by_waybill = parcels.groupby("waybill_no").indices
        positions, kept, seen = list[int](), list[bool](), dict[tuple[int, int], int]()
        for given, gnum, row in zip(rows["given"], rows["gnum"].fillna(0).astype(int), rows["row"], strict=True):
            at = by_order.get(given, -1)
            several = list(by_waybill.get(given, ())) if at < 0 else []
            at = int(several[0]) if len(several) == 1 else at
            code = "APP-009" if len(several) > 1 else "APP-001" if at < 0 else ""
            twice = not code and (at, gnum) in seen
            if code or twice:
                other = str(seen.get((at, gnum), "")) if twice else ""
                self._tell(code or "APP-002", row, given, other, given=given)
            else:
                seen[at, gnum] = int(row)
                positions.append(at)
            kept.append(not code and not twice)
        found = parcels.loc[positions].reset_index(drop=True)
        mine = rows[pd.Series(kept, index=rows.index, dtype=bool)].reset_index(drop=True)
        return found.assign(gnum=mine["gnum"], quantity=mine["quantity"], row=mine["row"], said=mine["reason"])

    def _known(self, chosen: pd.DataFrame, lines: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Without the parcels for which this was asked before: by the same request, or a cancel that is open."""
        before = {}
        for a in self.case.applications:
            same = a.request == self.wanted.request or (a.kind == "cancel" and a.state in ledger.OPEN)
            live = a.state in (*ledger.OPEN, ledger.GRANTED)
            if a.kind == self.case.rule.kind and same and live:
                before[a.parcel_id] = int(a.id)
        mine = {i: before[i] for i in chosen["id"].tolist() if i in before and not self._cancelled_since(i, before[i])}
        self.asked.known = list(mine.values())
        return chosen[~chosen["id"].isin(mine)].reset_index(drop=True), lines[~lines["id"].isin(mine)]

    def _cancelled_since(self, parcel_id: int, ident: int) -> bool:
        """Whether a parcel was declared anew since, under another inventory, and waits for a cancel once more.

        Where it does not wait, the same wish told again is the one that was granted: it cancels nothing new.
        """
        about = next(a.about_id for a in self.case.applications if a.id == ident)
        now = self.case.parcels.set_index("id").loc[parcel_id]
        return self.case.rule.kind == "cancel" and bool(about != now["about_id"] and now["state"] == WAITS)

    # ---- may it be asked ---------------------------------------------------------------------------------------
    def _verdicts(self, chosen: pd.DataFrame) -> list[Failed]:
        found = []
        for at, state in enumerate(chosen["inventory"].tolist()):
            said = self.case.rule.verdict(state)
            if said == tables.DONE:
                self.asked.done.append(chosen["order_no"].iloc[at])
            if said != tables.MAY:
                found.append(Failed(at, said, state))
        return found

    def _reasons(self, chosen: pd.DataFrame) -> list[Failed]:
        place = spec.load(self.case.rule.sends).find("reason")
        if place is None:
            return []
        most = place[1].length or 0
        texts = [tables.reason_text(text) for text in chosen["said"]]
        none = [Failed(at, "APP-004", "", "", "reason") for at, text in enumerate(texts) if not text]
        return none + [Failed(at, "APP-005", "", str(most), "reason") for at, t in enumerate(texts) if len(t) > most]

    def _without(self, chosen: pd.DataFrame, failed: list[Failed]) -> pd.DataFrame:
        """The parcels that go on; the reasons of the others are told."""
        for bad in failed:
            if bad.code != tables.DONE:
                row = chosen.iloc[bad.at]
                where = bad.row or row["row"]
                self._tell(bad.code, where, bad.value, bad.other_value, bad.column, row["order_no"], row["waybill_no"])
        out = {bad.at for bad in failed}
        return chosen[~chosen.index.isin(out)].reset_index(drop=True)

    def _tell(
        self, code: str, row: int, value: str, other: str = "", column: str = "order_no", order: str = "",
        waybill: str = "", given: str = "",
    ) -> None:  # fmt: skip
        place = self.wanted.place(int(row or 0), column)
        self.told.append({"code": code, "order_no": order or given, "waybill_no": waybill, "value": value,
                          "other_value": other, "stage": STAGE, **place})  # fmt: skip

    # ---- what is written down ----------------------------------------------------------------------------------
    def _quantities(self, chosen: pd.DataFrame, lines: pd.DataFrame) -> dict[int, list[tuple[int, int, int]]]:
        """The goods lines of each parcel: those named, else all, with what is named of them, else all that is left."""
        if self.case.rule.kind != "return" or not len(chosen):
            return {}
        goods = self.case.left(chosen)
        named = lines[lines["id"].isin(chosen["id"]) & lines["gnum"].notna()]
        said = {(i, int(g)): q for i, g, q in zip(named["id"], named["gnum"], named["quantity"], strict=True)}
        partly = {i for i, _ in said}
        found: dict[int, list[tuple[int, int, int]]] = {}
        for ident, gnum, left in zip(goods["id"].tolist(), goods["gnum"].tolist(), goods["left"].tolist(), strict=True):
            wish = said.get((ident, gnum), left if ident not in partly else 0)
            quantity = left if pd.isna(wish) else int(wish)
            if quantity > 0:
                found.setdefault(ident, []).append((ident, gnum, quantity))
        self.whole = goods.groupby("id")["left"].sum().to_dict()
        return found

    def _askings(self, chosen: pd.DataFrame, lines: dict[int, list[tuple[int, int, int]]]) -> list[ledger.Asking]:
        if not len(chosen):
            return []
        rule, due = self.case.rule, self._due(chosen)
        attempts = self._attempts()
        made = []
        rows: Any = chosen.itertuples(index=False)
        for at, row in enumerate(rows):
            attempt, mine = attempts.get(row.id, 0) + 1, lines.get(row.id, [])
            own = self._number(row.id) or number(rule.letter, self.case.truck.master_waybill, row.seq, attempt)
            whole = bool(mine) and sum(q for *_, q in mine) == self.whole[row.id]
            made.append(ledger.Asking(
                rule.kind, rule.sends, own, row.id, row.about_id, attempt, request=self.wanted.request,
                reason=tables.reason_text(row.said), detail=self.detail | ({"whole": True} if whole else {}),
                after=self._after(row), was=row.state, was_reason=row.reason, due_at=due[at], lines=tuple(mine),
            ))  # fmt: skip
        return made

    def _after(self, row: Any) -> str:
        """What follows a granted cancel: a parcel that waited with other content is declared anew by itself."""
        if self.case.rule.kind != "cancel" or row.reason == GIVEN_UP:
            return ""
        return AGAIN if row.state == WAITS else self.after

    def _attempts(self) -> dict[int, int]:
        mine = (a for a in self.case.applications if a.kind == self.case.rule.kind)
        return {a.parcel_id: a.attempt for a in mine}

    def _number(self, parcel_id: int) -> str:
        """A tally has the number of its return."""
        if self.case.rule.kind != "tally":
            return ""
        return str(
            next(a.number for a in reversed(self.case.applications) if (a.kind, a.parcel_id) == ("return", parcel_id))
        )

    def _due(self, chosen: pd.DataFrame) -> list[Any]:
        days = self.case.rule.value("back_days")
        return [s + timedelta(days=days) for s in self.case.since(chosen)] if days else [None] * len(chosen)
