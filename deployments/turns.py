"""In which order the pulse looks at shipments: no single one waits behind a batch, none that begins behind news."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from deployments.pools import EXPRESS, lane


def turns(
    due: Mapping[int, float], size: Mapping[int, int], under_way: Collection[int]
) -> tuple[list[int], list[int], list[int]]:
    """Small shipments that have yet to begin, the smallest first; other small ones, and trucks, the longest due first.

    `due`: since when each is due; one whose `size` in parcels is not known is left out. Those in `under_way` have
    begun.
    """
    ready = sorted((i for i in due if i in size), key=lambda i: (due[i], size[i], i))
    few = [i for i in ready if lane(size[i]) == EXPRESS]
    begin = sorted((i for i in few if i not in under_way), key=lambda i: (size[i], i))
    return begin, [i for i in few if i in under_way], [i for i in ready if lane(size[i]) != EXPRESS]
