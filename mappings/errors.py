"""Errors are named by what to do next."""

from __future__ import annotations


class TongguanError(Exception):
    """Root of all errors that Tongguan raises on purpose; `raw` are the bytes of the answer that led to it, if any."""

    raw: bytes = b""


class ConfigurationError(TongguanError):
    """The set-up is wrong: a person who runs Tongguan fixes it."""


class PrefectUnavailable(ConfigurationError):
    """Prefect's server does not answer, or cannot now: what was asked of it is asked again later."""


class DataFault(TongguanError):
    """The data is wrong: the person who owns it changes it. `faults` lists every one found."""

    def __init__(self, message: str, faults: list[object] | None = None) -> None:
        super().__init__(message)
        self.faults = faults or []


class AuthorityUnavailable(TongguanError):
    """The message has surely not been sent: the only error that is retried by itself."""


class OutcomeUnknown(TongguanError):
    """The message may have arrived: find out, never resend blindly."""


class AuthorityRejected(TongguanError):
    """The authority's verdict on a whole message; `code` is its own code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class BadSignature(TongguanError):
    """A signature or certificate does not hold: stop."""


class Unsupported(TongguanError):
    """We cannot do this: stop, and say so."""
