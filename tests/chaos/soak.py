"""The long form: trucks cleared again and again, with workers killed at random and authorities in random moods.

    python -m tests.chaos.soak --minutes 10 --seed 1

Stops at the first truck that does not end as an undisturbed one does, and says how to repeat it.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.chaos import trucks
from tests.chaos.points import POINTS
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.test_moods import HONG_KONG, MOODS
from tests.chaos.trucks import Yard

MOST_DEATHS = 6


def _points(dice: random.Random) -> list[str]:
    """Where the workers of one truck die, one after the other."""
    kinds = (
        lambda: dice.choice(list(POINTS)),
        lambda: f"commit:{dice.randint(1, 60)}",
        lambda: f"committed:{dice.randint(1, 60)}",
        lambda: f"time:{dice.uniform(0.1, 4):.2f}",
    )
    return [dice.choice(kinds)() for _ in range(dice.randint(1, MOST_DEATHS))]


def _moods(dice: random.Random, authorities: Sandboxes) -> list[str]:
    chosen = []
    for name, moods in (("cn_ecommerce", MOODS), ("hk_road", HONG_KONG)):
        if dice.random() < 0.5:
            mood = dice.choice(list(moods))
            authorities.behave(name, *moods[mood])
            chosen.append(f"{name}: {mood}")
    return chosen


def _clear(here: Yard, points: list[str], dice: random.Random) -> list[str]:
    """Clear the truck with workers that die; what went wrong."""
    for point in points:
        team = [here.start(point=point)]
        if dice.random() < 0.2:
            team.append(here.start(point=dice.choice(points)))
        for worker in team:
            worker.join(120)
        if any(worker.exitcode not in (0, -signal.SIGKILL) for worker in team):
            return [f"exit codes {[w.exitcode for w in team]}"]
    return [] if here.run() == 0 else ["the last worker did not close the truck"]


def _differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {[x for x in found[name] if x not in wanted][:3]} instead of "
        f"{[x for x in wanted if x not in found[name]][:3]}"
        for name, wanted in expected.items()
        if found[name] != wanted
    ]


def soak(minutes: float, seed: int, folder: Path) -> int:
    """How many trucks were cleared. Raises SystemExit at the first that is not as it should be."""
    authorities = Sandboxes(folder / "authorities")
    authorities.start()
    try:
        template = trucks.template(folder / "home", authorities)
        calm = Yard(folder / "calm", authorities, template, trucks.made(authorities))
        if calm.run() != 0:
            raise SystemExit("The undisturbed truck did not close")
        expected, ends, count = calm.outcome(), time.monotonic() + minutes * 60, 0
        while time.monotonic() < ends:
            dice = random.Random(f"{seed}/{count}")
            authorities.reset()
            points, moods = _points(dice), _moods(dice, authorities)
            here = Yard(folder / f"truck{count}", authorities, template, trucks.made(authorities))
            wrong = _clear(here, points, dice) or _differences(here.outcome(), expected)
            wrong += [f"{n} second receipts at {name}" for name, n in authorities.second_receipts().items() if n]
            sys.stdout.write(f"{count:4d} {'ok' if not wrong else 'WRONG'} killed at {points}; {moods}\n")
            sys.stdout.flush()
            if wrong:
                raise SystemExit("\n".join([f"seed {seed}, truck {count}:", *wrong, *here.audit()]))
            count += 1
        return count
    finally:
        authorities.stop()


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        count = soak(given.minutes, given.seed, Path(folder))
    sys.stdout.write(f"{count} trucks ended as if nothing had happened\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
