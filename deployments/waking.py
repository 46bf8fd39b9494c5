"""Which shipments can go on: only those are looked at that changed, whose time has come, or whose run has ended.

What a shipment looked like when Prefect was last shown it is in the ledger (tasks.looks.note_run): one that looks
different now, or that waits for time, goes on. One of few parcels is advanced at the desk, until that changes it no
more; what is little work of a truck is done at the trucks' desk. What has only to be shown is shown when it has been
quiet for a moment (deployments.showing), by the board or by a run. A row of the ledger says that it has to be looked at
until it was shown. When to look again is kept in memory: a waker that begins looks at every open shipment, and at all
that have such a row.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.ledger.touches import BY, HEARD
from deployments import pools
from deployments.agenda import TROUBLED, Agenda
from deployments.board import LINE, Board
from deployments.desk import Desk
from deployments.noticed import Noticed
from deployments.showing import NEWS, SOON, TRUCK, Showing
from deployments.truck_desk import TruckDesk
from mappings.clock import clock, stopwatch

if TYPE_CHECKING:
    from tasks.looks import Look

DUE = 10.0  # real seconds after which a truck that waits for time alone is looked at again
AGAIN = 30.0  # real seconds after which a run that ended without an end (it failed) is tried once more
# Real seconds of a beat for looking at small shipments that have yet to begin, at those under way, and at trucks (one
# of thousands of parcels takes as long).
BEGINS, SMALL, SPELL = 0.5, 0.3, 0.1
BUSY = 0.3  # real seconds after which a shipment that somebody has just now is looked at again
CROWDED = 3.0  # real seconds after which one is looked at again for which the board had no room
AT_ONCE = 200  # runs that are started and not ended; more trucks wait


@dataclass
class Waker(Agenda, ABC):
    """Looks, and has run what is due.

    `handed` is what a shipment looked like when the desk got it, `desked` what it looks like when the desk has no more
    to do; those `aside` wait for a place in the board's line; `behind`: the last beat did not come to all small ones
    under way.
    """

    desk: Desk | None = None
    truck_desk: TruckDesk | None = None
    board: Board | None = None
    ran_at: dict[int, float] = field(default_factory=dict)
    tried: dict[int, str] = field(default_factory=dict)
    handed: dict[int, str] = field(default_factory=dict)
    desked: dict[int, str] = field(default_factory=dict)
    aside: dict[int, None] = field(default_factory=dict)
    noticed: Noticed = field(default_factory=Noticed)
    showing: Showing = field(default_factory=Showing)
    begun: bool = False
    behind: bool = False

    @abstractmethod
    def start(self, shipment_id: int) -> None:
        """Starts a run of the shipment, or runs it."""

    @abstractmethod
    def running(self) -> Iterable[int]:
        """The shipments whose run was started and has not ended."""

    def ended(self) -> set[int]:
        """The shipments whose run has ended since last time."""
        return set()

    def full(self, lane: str) -> bool:
        """Whether runs of a lane wait for a worker: those that are started now would only wait longer."""
        return False

    def in_line(self, shipment_id: int) -> str:
        """The run of a shipment that was started and that no worker has taken yet; '' for none."""
        return ""

    def asked(self, shipment_id: int, run_id: str) -> None:
        """Somebody else has started this run of a shipment."""

    def beat(self) -> list[int]:
        """One look at what may have changed. Returns which got a run. Raises ConfigurationError without a server."""
        from tasks import stages  # noqa: PLC0415  Prefect is imported where it is used

        self.behind = False
        self._notice(stages.touched())
        self._now((self._done(self.desk) if self.desk else set()) | self.ended())
        self._now(self.truck_desk.done() if self.truck_desk else ())
        if self.board:
            self._shown(self.board)
        if not self.begun:
            self._now(stages.open_shipments())
            self.begun = True
        due: dict[int, Look] = {}
        begin, small, trucks = self._ready()
        self._in_turn(begin, BEGINS, due)
        self.behind = not self._in_turn(small, SMALL, due)
        self._in_turn(trucks, SPELL, due)
        return [i for i, found in due.items() if self._safely(self._run, i, found)]

    def _now(self, shipment_ids: Iterable[int]) -> None:
        """What has ended, or changed, is looked at anew."""
        some = set(shipment_ids)
        for shipment_id in some & self.noticed.kept.keys():
            del self.noticed.kept[shipment_id]
        super()._now(some)

    def _in_turn(self, some: list[int], spell: float, due: dict[int, Look]) -> bool:
        """Looks at these for so long; whether at all of them. The others stay due, and are the first next time."""
        end = stopwatch() + spell
        for number, shipment_id in enumerate(some, 1):
            if found := self._safely(self._look, shipment_id):
                due[shipment_id] = found
            if stopwatch() >= end:
                return number == len(some)
        return True

    def _done(self, desk: Desk) -> set[int]:
        """The shipments that the desk is done with; where somebody else had one, it still has all to do."""
        done = desk.done()
        while desk.turned_away:
            self.handed.pop(desk.turned_away.pop(), None)
        return done

    def _shown(self, board: Board) -> None:
        """What the board has shown; where it could not, a run is to, or it is tried again."""
        from tasks.notices import AWAY, HELD, LEFT, SHOWN, TAKEN  # noqa: PLC0415

        for shipment_id, said in board.done().items():
            self.noticed.kept.pop(shipment_id, None)
            self.showing.answered(shipment_id, said == SHOWN)
            if said != SHOWN:  # a run that has begun may have looked before this change: at its end that is seen
                self.tried.pop(shipment_id, None)
            if said == LEFT and self.lane(shipment_id) == pools.TRUCKS:  # for Hong Kong, which a look does not see
                self._found(shipment_id, board)
            wait = {TAKEN: DUE, HELD: BUSY, AWAY: TROUBLED * 2**board.away}.get(said, 0.0)
            if said == SHOWN and self.lane(shipment_id) == pools.TRUCKS and shipment_id not in self.noticed.stirred:
                wait = self.noticed.pause()  # what it has heard meanwhile waits for its turn
            self._later(shipment_id, wait)
        for shipment_id in list(self.aside)[: max(LINE - self._line(board), 0)]:
            del self.aside[shipment_id]
            self._later(shipment_id, 0.0)

    def _line(self, board: Board) -> int:
        """How many small shipments are at the board: a truck lets them pass."""
        return sum(self.lane(shipment_id) == pools.EXPRESS for shipment_id in board.in_hand)

    def _notice(self, touched: dict[int, dict[str, str]]) -> None:
        for shipment_id, rows in touched.items():
            known = self.rows.setdefault(shipment_id, set())
            own = {name for name, said in rows.items() if said == self.noticed.name}  # what it saw when it wrote that
            new = rows.keys() - known - own
            known.update(own)
            if new:  # a truck that waits to be shown is not looked at for each change
                self.noticed.unsettled.add(shipment_id)
                if shipment_id in self.under_way and self.lane(shipment_id) == pools.TRUCKS:
                    heard = self.noticed.only_heard(shipment_id, {rows[name] for name in new})
                    soon = TROUBLED if shipment_id in self.showing.unshown else 0.0
                    self._later(shipment_id, self.noticed.pause() if heard else soon)
                else:
                    self._now([shipment_id])
                    self.size.pop(shipment_id, None)
                known.update(new)
            for said in {rows[name] for name in new} - {"", HEARD}:
                if not said.startswith(BY):
                    self.asked(shipment_id, said)

    def _look(self, shipment_id: int) -> Look | None:
        """What is found of a shipment that is to get a run or to be shown now; None for one that waits until `when`."""
        from tasks import stages  # noqa: PLC0415

        due = self.when.pop(shipment_id, stopwatch())
        desk, running = self._desk_for(shipment_id), set(self.running())
        waits = len(running) >= AT_ONCE and not (self.truck_desk and shipment_id in self.under_way)
        if not desk and (shipment_id in running or waits):
            self._busy(shipment_id, min(self._settle(shipment_id), DUE if shipment_id in running else TROUBLED))
            return None
        mine = desk or self.truck_desk
        in_hand = mine is not None and shipment_id in mine.in_hand
        if desk and not in_hand and not desk.has_room(shipment_id not in self.under_way):
            waited = stopwatch() - due
            if shipment_id in running or waited < self.showing.quiet:
                self.when[shipment_id] = due  # not looked at before there is room: a look costs as much as a step
                return None
        if in_hand and not desk:
            self._busy(shipment_id, min(self._settle(shipment_id), DUE))
            return None
        if in_hand or stages.worked_on(shipment_id):
            self.noticed.kept.pop(shipment_id, None)
            self._busy(shipment_id, BUSY)
            return None
        known, stirred = self.noticed.known(shipment_id), shipment_id in self.noticed.stirred
        found = known or self._anew(shipment_id, roughly=desk is None)
        if not found.begins:
            self.under_way.add(shipment_id)
        if desk:
            return self._at_desk(desk, shipment_id, found)
        return self._of_truck(shipment_id, found, calm=not (known or stirred))

    def _anew(self, shipment_id: int, roughly: bool) -> Look:
        from tasks import looks  # noqa: PLC0415

        began = stopwatch()
        found = looks.look(shipment_id, roughly=roughly, by=self.noticed.name)
        self.noticed.looked(shipment_id)
        if roughly:
            self.noticed.receipts.took(stopwatch() - began)
        return found

    def _of_truck(self, shipment_id: int, found: Look, calm: bool) -> Look | None:
        """The same of a truck: little work is for the trucks' desk, more for a run; the rest is shown.

        `calm`: it was looked at because of its receipts alone.
        """
        if not self._to_show(shipment_id, found):
            return self._once_more(shipment_id, found)
        if self.truck_desk and self.truck_desk.takes(shipment_id, found, self.board):
            self._busy(shipment_id, DUE)
            return None
        left = self._needs_run(shipment_id) or found.left
        full = self.full(pools.TRUCKS) and self._board_for(shipment_id, found) is None
        flow, least = self.noticed.pause(), self.noticed.quiet_for(shipment_id, calm)
        wait = 0.0 if left else self.showing.wait(shipment_id, found.mark, TRUCK, full, flow, least=least)
        if wait:
            self.noticed.kept[shipment_id] = found
        return self._in(shipment_id, min(wait, DUE) if full else wait, found)  # a worker may be free before that

    def _found(self, shipment_id: int, board: Board) -> None:
        """The board has found something left of a truck: its desk is to have it, or a run."""
        if self.truck_desk is None:
            board.need_run.add(shipment_id)
        elif shipment_id not in self.truck_desk.in_hand:
            self.truck_desk.found.add(shipment_id)

    def _needs_run(self, shipment_id: int) -> bool:
        """Whether something is left of a truck, as the board or its desk has found, that the desk does not take."""
        if not (self.truck_desk and self.board and self.truck_desk.leaves(shipment_id)):
            return False
        self.board.need_run.add(shipment_id)
        return True

    def _settle(self, shipment_id: int) -> float:
        """Where it has changed: what people see of its parcels does not wait for a worker to take its run.

        Returns in how many real seconds that is due; infinity for never.
        """
        from tasks import stages  # noqa: PLC0415

        wait = self.noticed.settle_in(shipment_id, self.lane(shipment_id) == pools.TRUCKS)
        if wait:
            return wait
        if not stages.worked_on(shipment_id):
            stages.standing(shipment_id, self.noticed.name)
            self.noticed.settled(shipment_id)
        return math.inf

    def _at_desk(self, desk: Desk, shipment_id: int, found: Look) -> Look | None:
        """The same of one that the desk advances: it is shown when it is quiet, has changed for long, or has news."""
        if self.handed.pop(shipment_id, None) == found.mark or not found.left:
            self.desked[shipment_id] = found.mark
        if found.noted:  # else nobody was shown anything yet
            self.showing.stands(shipment_id, found.stands, shown=found.mark == found.noted)
        board, to_show = self._board_for(shipment_id, found), self._to_show(shipment_id, found)
        to_show |= board is not None and found.mark != found.noted and self.in_line(shipment_id) != ""
        to_desk = self.desked.get(shipment_id) != found.mark or self._time_has_come(shipment_id, found)
        taken = to_desk and desk.has_room(found.begins)
        later = taken and self.board is not None and self.board.can_show(shipment_id, found._replace(left=False))
        self.aside.pop(shipment_id, None)
        wait = self._until_shown(shipment_id, found, board, later) if to_show else 0.0
        if taken:
            self.handed[shipment_id] = found.mark
            self.ran_at[shipment_id] = stopwatch() if found.mark == found.noted else self.ran_at[shipment_id]
            desk.hand(shipment_id, found.begins)
            self._busy(shipment_id, DUE)
        elif to_desk:  # a run may come first, or the desk
            self._busy(shipment_id, wait or BUSY)
        elif to_show:
            return self._in(shipment_id, wait, found)
        else:
            self._seen(shipment_id, found)
        return found if to_show and not wait else None

    def _until_shown(self, shipment_id: int, found: Look, board: Board | None, later: bool) -> float:
        """Real seconds until a small one is to be shown, by the board or a run; `later`: the desk comes first."""
        if board is None:
            return self.showing.wait(shipment_id, found.mark, full=later)
        has_news, news = shipment_id in self.showing.news, math.inf
        if has_news and not board.away:
            news = SOON if self.in_line(shipment_id) else NEWS  # a worker who is free may have its run first
        aside = not has_news and self._line(board) >= LINE
        wait = self.showing.wait(shipment_id, found.mark, SOON, later or aside, news=news)
        if aside and wait:
            self.aside[shipment_id] = None
        return wait

    def _desk_for(self, shipment_id: int) -> Desk | None:
        return self.desk if pools.lane(self.size[shipment_id]) == pools.EXPRESS else None

    def _board_for(self, shipment_id: int, found: Look) -> Board | None:
        in_line = self.in_line(shipment_id) != ""
        return self.board if self.board and self.board.can_show(shipment_id, found, in_line) else None

    def _in(self, shipment_id: int, seconds: float, found: Look) -> Look | None:
        """It, where it is to be shown now; else it is looked at again so much later."""
        if seconds:
            self._busy(shipment_id, seconds)
        return None if seconds else found

    def _once_more(self, shipment_id: int, found: Look) -> Look | None:
        """It, where it was shown, and waits for time, and that has come."""
        if self._time_has_come(shipment_id, found):
            return found
        self._seen(shipment_id, found)
        return None

    def _to_show(self, shipment_id: int, found: Look) -> bool:
        """Whether it looks otherwise than at the end of its last run; if a run has failed to note that, not at once."""
        waited = stopwatch() - self.ran_at.setdefault(shipment_id, stopwatch())
        if found.limit is not None:
            self._later(shipment_id, clock().real_seconds((found.limit - clock().now()).total_seconds()))
        if found.mark == found.noted:
            return False
        if self.tried.get(shipment_id) != found.mark or waited >= AGAIN:
            return True
        self._later(shipment_id, AGAIN - waited)
        return False

    def _time_has_come(self, shipment_id: int, found: Look) -> bool:
        """Whether one that waits for time alone is to be tried again; if it is not yet, says when."""
        if found.mark != found.noted or not found.waits_for_time:
            return False
        waited = stopwatch() - self.ran_at[shipment_id]
        if waited < DUE:
            self._later(shipment_id, DUE - waited)
        return waited >= DUE

    def _run(self, shipment_id: int, found: Look) -> bool:
        """Has it shown, or starts its run, where it may have one now.

        Its row stays until that was looked at, also by another waker. Returns whether it got a run.
        """
        running, board = set(self.running()), self._board_for(shipment_id, found)
        in_line = self.in_line(shipment_id) if board else ""
        small, news = self.lane(shipment_id) == pools.EXPRESS, shipment_id in self.showing.news
        if (shipment_id in running and not in_line) or (len(running) >= AT_ONCE and not board):
            self._busy(shipment_id, DUE if shipment_id in running or not small else TROUBLED)
            return False
        if board and not (news if shipment_id in board.in_hand else board.has_room()):
            self._busy(shipment_id, DUE if shipment_id in board.in_hand else CROWDED)  # it is looked at when it is done
            return False
        self.ran_at[shipment_id] = stopwatch()
        if board:
            board.hand(shipment_id, small + (small and news), in_line)  # with news it passes also where it is there
        else:
            self.start(shipment_id)
            if self.board:
                self.board.need_run.discard(shipment_id)
            if self.truck_desk:
                self.truck_desk.found.discard(shipment_id)
        self.tried[shipment_id] = found.mark
        self.showing.shown(shipment_id, found.stands if board and small else "")
        self._forget(shipment_id, 1)
        return board is None

    def _seen(self, shipment_id: int, found: Look) -> None:
        """Nothing is to be done. Where it was shown its changes are forgotten; of one at its end, everything."""
        if found.mark != found.noted:  # a run has failed to: it is tried again
            self._forget(shipment_id, 1)
            return
        self._forget(shipment_id)
        self.showing.shown(shipment_id)
        if self.truck_desk:
            self.truck_desk.found.discard(shipment_id)
        if found.over:
            for kept in (self.when, self.rows, self.size, self.ran_at, self.tried, self.handed, self.desked):
                kept.pop(shipment_id, None)
            self.under_way.discard(shipment_id)
            self.noticed.forget(shipment_id)
            self.aside.pop(shipment_id, None)
            self.showing.forget(shipment_id)
            if self.truck_desk:
                self.truck_desk.forget(shipment_id)
            if self.board:
                self.board.need_run.discard(shipment_id)
