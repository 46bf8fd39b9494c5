"""Messages that could not be read are shown to an operator once each, in whatever order they are parked."""

from __future__ import annotations

from adapters.ledger import Ledger, leases, raws
from tasks.receipts import alarm

CN, HK = "cn_ecommerce", "hk_road"


def came(ledger: Ledger, number: int) -> list[int]:
    """So many messages that nobody has read."""
    return [raws.store_raw(ledger, raws.IN, CN, "push", "", f"junk {i}".encode()) for i in range(number)]


def untold(ledger: Ledger) -> list[int]:
    return [row.id for row in alarm.untold_parked(ledger)]


def tell(ledger: Ledger) -> None:
    alarm.tell_parked(ledger, alarm.untold_parked(ledger))


def test_one_parked_after_a_later_one_was_shown_is_shown_too(ledger: Ledger) -> None:
    first, second, third, fourth = came(ledger, 4)
    for ident in (second, fourth):
        raws.park(ledger, ident, "broken")
    assert untold(ledger) == [second, fourth]
    tell(ledger)
    assert untold(ledger) == []
    raws.park(ledger, first, "broken, and read by a slower process")
    assert untold(ledger) == [first]
    tell(ledger)
    raws.park(ledger, third, "broken")
    assert untold(ledger) == [third]
    tell(ledger)
    assert untold(ledger) == []


def test_one_that_was_read_after_all_and_is_parked_anew_is_shown_anew(ledger: Ledger) -> None:
    first, second = came(ledger, 2)
    raws.park(ledger, first, "broken")
    tell(ledger)
    raws.mark_read(ledger, first)
    raws.park(ledger, second, "broken")
    tell(ledger)
    raws.park(ledger, first, "broken again")
    assert untold(ledger) == [first]


def test_what_an_older_version_has_shown_is_not_shown_again(ledger: Ledger) -> None:
    first, second, third, fourth = came(ledger, 4)
    for ident in (first, third):
        raws.park(ledger, ident, "broken")
    leases.set_cursor(ledger, CN, alarm.UP_TO, str(third))
    assert untold(ledger) == []
    for ident in (second, fourth):
        raws.park(ledger, ident, "broken, and read by a slower process")
    assert untold(ledger) == [second, fourth]
    tell(ledger)
    assert untold(ledger) == []
    assert leases.get_cursor(ledger, CN, alarm.TOLD) == f"{first}-{fourth}"
    assert leases.get_cursor(ledger, CN, alarm.UP_TO) == str(third), "who goes back to that version finds its own"


def test_each_authority_has_its_own(ledger: Ledger) -> None:
    (here,) = came(ledger, 1)
    there = raws.store_raw(ledger, raws.IN, HK, "push", "", b"junk")
    for ident in (here, there):
        raws.park(ledger, ident, "broken")
    alarm.tell_parked(ledger, [row for row in alarm.untold_parked(ledger) if row.authority == CN])
    assert untold(ledger) == [there]
