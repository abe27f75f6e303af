"""An identity provider of our own: a key set, and tokens that openssl signs. Source: identity.md §2.6; RFC 7519."""

import base64
import json
import time
from typing import Any

from checks.openssl import modulus, private_key, sign

AUDIENCE = "yaoku"
SUBJECT = "system:serviceaccount:orders:app"
EXPONENT = b"\x01\x00\x01"


class IdentityProvider:
    """One RSA key, and who it speaks for."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = private_key("RSA_2048")

    def keys(self) -> str:
        """The key set, as a provider publishes it."""
        numbers = {"n": _text(modulus(self._key)), "e": _text(EXPONENT)}
        return json.dumps({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one"} | numbers]})

    def token(self, age: int = 0, **claims: Any) -> str:
        """A token for an hour, made so many seconds ago."""
        made = int(time.time()) - age
        told = {"iss": self.issuer, "aud": [AUDIENCE], "sub": SUBJECT, "iat": made, "exp": made + 3600} | claims
        signed = ".".join(_text(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one"}, told))
        return f"{signed}.{_text(sign(self._key, signed.encode()))}"

    def forged(self) -> str:
        """A token that the key has not signed."""
        signed, _, _ = self.token().rpartition(".")
        return f"{signed}.{_text(bytes(256))}"


def trust(principal: dict[str, Any], condition: dict[str, Any]) -> str:
    """The document of a role that these may take on, if that holds; no condition may be empty."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps({"Version": "1", "Statement": [statement | ({"Condition": condition} if condition else {})]})


def vouched(issuer: str) -> dict[str, Any]:
    """What a trust policy asks of a token."""
    return {"StringEquals": {"oidc:sub": SUBJECT, "oidc:aud": AUDIENCE, "oidc:iss": issuer}}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
