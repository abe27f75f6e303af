"""What a scenario is, and the small words all of them share."""

import base64
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from lifecycle import Life, expect

Scenario = Callable[[Life], None]
SCENARIOS: list[tuple[str, Scenario]] = []


def scenario(operation: str) -> Callable[[Scenario], Scenario]:
    """Registers a scenario under the operation that it is about; they run in order of definition."""

    def register(function: Scenario) -> Scenario:
        SCENARIOS.append((operation, function))
        return function

    return register


class Pair(NamedTuple):
    """A key of the server's and its first version."""

    key: str
    version: str

    def named(self) -> dict[str, str]:
        return {"KeyId": self.key, "KeyVersionId": self.version}


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def raw(value: str) -> bytes:
    return base64.b64decode(value, validate=True)


def create(life: Life, **parameters: str) -> str:
    """A new key's id."""
    key: str = life.ok("CreateKey", **parameters)["KeyMetadata"]["KeyId"]
    return key


def with_version(life: Life, key: str) -> Pair:
    [version] = life.ok("ListKeyVersions", KeyId=key)["KeyVersions"]["KeyVersion"]
    return Pair(key, version["KeyVersionId"])


def public_pem(life: Life, pair: Pair) -> str:
    pem: str = life.ok("GetPublicKey", **pair.named())["PublicKey"]
    return pem


def verified(life: Life, pair: Pair, algorithm: str, digest: bytes, signature: bytes) -> Any:
    """What the server says of a signature."""
    named = {**pair.named(), "Algorithm": algorithm, "Digest": text(digest), "Value": text(signature)}
    return life.ok("AsymmetricVerify", **named)["Value"]


def signed(life: Life, pair: Pair, algorithm: str, digest: bytes) -> bytes:
    return raw(life.ok("AsymmetricSign", **pair.named(), Algorithm=algorithm, Digest=text(digest))["Value"])


def imported(life: Life, key: str, algorithm: str, wrap: Callable[[bytes, str, bytes], bytes], material: bytes) -> None:
    """Imports material that `wrap` has wrapped for a public key in DER, and sees the key usable."""
    spec = "EC_SM2" if algorithm.startswith("SM2") else "RSA_2048"
    given = life.ok("GetParametersForImport", KeyId=key, WrappingKeySpec=spec, WrappingAlgorithm=algorithm)
    wrapped = wrap(raw(given["PublicKey"]), algorithm, material)
    life.ok("ImportKeyMaterial", KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=text(wrapped))
    state = life.ok("DescribeKey", KeyId=key)["KeyMetadata"]["KeyState"]
    expect(state == "Enabled", f"after an import by {algorithm} the key is {state}")


def digest() -> bytes:
    return secrets.token_bytes(32)
