"""The scene of tests of the board: one shipment, a pulse with a board and runs that are stood in for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from deployments.board import Board
from tasks.notices import AWAY, RUN, SHOWN
from tests.unit.pulse_scene import At, Pool, Scene


@dataclass
class Shows:
    """The board: by the next beat it has done with what it is handed, and says what the test tells it to."""

    says: Callable[[int], str]
    in_hand: dict[int, float] = field(default_factory=dict)
    had: list[tuple[int, int, str]] = field(default_factory=list)
    need_run: set[int] = field(default_factory=set)
    away: int = 0
    slow: bool = False  # it is done with nothing
    can_show = Board.can_show
    has_room = Board.has_room

    def hand(self, shipment_id: int, first: int = 0, in_line: str = "") -> None:
        self.in_hand[shipment_id] = 0.0
        self.had.append((shipment_id, first, in_line))

    def done(self) -> dict[int, str]:
        if self.slow:
            return {}
        said = {shipment_id: self.says(shipment_id) for shipment_id in self.in_hand}
        self.need_run |= {shipment_id for shipment_id, one in said.items() if one == RUN}
        for answer in said.values():
            self.away = self.away + 1 if answer == AWAY else 0
        self.in_hand.clear()
        return said


class Boarded(Scene):
    """The same with a board, and nothing left to do. `answers` are what the board says, the last one for ever."""

    def begin(self) -> None:
        self.found = self.found._replace(left=False, begins=False)
        self.answers = [SHOWN]
        self.desk, self.board = At(), Shows(lambda _: self.said())
        self.waker = Line(desk=self.desk, board=self.board)  # type: ignore[arg-type]

    def said(self) -> str:
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if said == SHOWN:
            self.noted = self.look().mark
        return said

    def shown(self, seconds: float) -> int:
        """How often the board was handed it in so long; no run is ordered."""
        before = len(self.board.had)
        assert self.beats(seconds) == 0
        return len(self.board.had) - before


@dataclass
class Line(Pool):
    """Runs that are out are in line until the test says that a worker has them."""

    taken: bool = False

    def in_line(self, shipment_id: int) -> str:
        return "r9" if shipment_id in self.out and not self.taken else ""
