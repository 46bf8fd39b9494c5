"""Signature of a message to Hong Kong: detached, over the message's bytes, in its envelope.

hk.md 4: e-Cert and ID-Cert are accepted for system-to-system submission; the form is not public, this one is ours
(unverified). A party without a code has no key here: its messages go unsigned, as an account's uploads do.
"""

from __future__ import annotations

import base64

from adapters.keys.provider import KeyProvider
from mappings.canonical.model import Party


def detached(body: bytes, party: Party, keys: KeyProvider) -> dict[str, str] | None:
    """Algorithm, certificate and value of the party's signature over `body`; None for a party without a code."""
    if not party.code:
        return None
    certificate = keys.certificate(party.code)
    return {
        "algorithm": certificate.algorithm,
        "certificate": base64.b64encode(certificate.der).decode(),
        "value": base64.b64encode(keys.sign(party.code, body)).decode(),
    }
