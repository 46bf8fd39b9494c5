"""The demo ends cleanly on either signal, also where a shell started it in its background."""

from __future__ import annotations

import signal

import pytest

from deployments.demo import stoppable


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_although_ctrl_c_was_ignored(number: signal.Signals) -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stoppable()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
