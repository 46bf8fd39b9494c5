"""Asks a sandbox's certificate authority for certificates: POST /admin/certificates, answered with JSON."""

from __future__ import annotations

import requests

from adapters.keys.software import Issuer
from mappings.canonical.model import Party
from mappings.errors import AuthorityUnavailable, ConfigurationError

TIMEOUT = (5, 30)


def sandbox_issuer(base_url: str, session: requests.Session | None = None) -> Issuer:
    """An issuer of certificates at that sandbox. Raises AuthorityUnavailable, ConfigurationError when refused."""
    http = session or requests.Session()

    def issue(party: Party, public_key_pem: str) -> bytes:
        asked: dict[str, object] = {"owner_code": party.code, "public_key_pem": public_key_pem, "name": party.name}
        asked["other_codes"] = [party.customs_code] if party.customs_code else []
        try:
            answer = http.post(f"{base_url.rstrip('/')}/admin/certificates", json=asked, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise AuthorityUnavailable(f"No certificate from {base_url}: {error} / 无法取得证书") from error
        try:
            return str(answer.json()["certificate_pem"]).encode()
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"No certificate from {base_url}: {answer.status_code} / 沙箱未签发证书"
            ) from error

    return issue
