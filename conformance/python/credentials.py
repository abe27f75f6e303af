"""What alibabacloud-credentials gives to a KMS client, by each of its providers, and how it says that it was refused.

Usage: credentials.py SETTING SCHEME, with the Python of .conformance/sts. Prints one JSON line for each provider and
operation: {"client", "operation", "why"}, without a why if all is well. The library's own calls are always over TLS.
"""

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.models import Config
from driver import WRONG_SECRET

Play = Callable[[], None]


class Setting:
    """What sessions.py has prepared, for one scheme."""

    def __init__(self, setting: str, scheme: str) -> None:
        self.it: dict[str, str] = json.loads(Path(setting).read_text())
        self.scheme = scheme
        self.user = {"access_key_id": self.it["user_id"], "access_key_secret": self.it["user_secret"]}
        self.sts = {"sts_endpoint": self.it["endpoint"]}
        self.federated = self.sts | {
            "role_arn": self.it["federated_role"],
            "oidc_provider_arn": self.it["provider"],
        }

    def kms(self, **caller: Any) -> Client:
        ca = self.it["ca"] if self.scheme == "https" else None
        endpoint = self.it["endpoint" if self.scheme == "https" else "http_endpoint"]
        return Client(Config(endpoint=endpoint, protocol=self.scheme, region_id=self.it["region"], ca=ca, **caller))

    def encrypt(self, credential: CredentialClient) -> None:
        request = models.EncryptRequest(key_id=self.it["key"], plaintext="hello")
        expect(bool(self.kms(credential=credential).encrypt(request).body.ciphertext_blob), "nothing was encrypted")

    def must_encrypt(self, credential: CredentialClient) -> None:
        """Whoever it is may encrypt, and not make keys."""
        self.encrypt(credential)
        make = self.kms(credential=credential).create_key
        refused("Forbidden.NoPermission", 403, lambda: make(models.CreateKeyRequest()))

    def must_not_encrypt(self, code: str, status: int, credential: CredentialClient) -> None:
        refused(code, status, lambda: self.encrypt(credential))


def provider(type: str, **settings: str) -> CredentialClient:
    return CredentialClient(CredentialConfig(type=type, **settings))


def expect(condition: bool, why: str) -> None:
    if not condition:
        raise AssertionError(why)


def refused(code: str, status: int, call: Callable[[], Any]) -> None:
    """The KMS client says no in its own way: with a code, and a status of one of two names."""
    try:
        call()
    except Exception as error:
        found = getattr(error, "status_code", None) or getattr(error, "statusCode", None)
        expect((getattr(error, "code", None), found) == (code, status), f"{error}, not {status} {code}")
    else:
        raise AssertionError(f"served, not refused with {code}")


def given_nothing(said: list[str], credential: CredentialClient) -> None:
    """The library says no in its own way: all that it was answered is in its text."""
    try:
        credential.get_credential()
    except Exception as error:
        expect(all(it in str(error) for it in said), f"{error}, without {said}")
    else:
        raise AssertionError("there are credentials")


def access_key(setting: Setting) -> Iterator[tuple[str, Play]]:
    wrong = setting.user | {"access_key_secret": WRONG_SECRET}
    yield "Encrypt", lambda: setting.must_encrypt(provider("access_key", **setting.user))
    yield (
        "Encrypt",
        lambda: setting.must_not_encrypt("SignatureDoesNotMatch", 400, provider("access_key", **wrong)),
    )


def sts(setting: Setting) -> Iterator[tuple[str, Play]]:
    given = provider("credentials_uri", credentials_uri=setting.it["uri"]).get_credential()
    session = {"access_key_id": given.access_key_id, "access_key_secret": given.access_key_secret}
    token = given.security_token
    changed = f"{token[:-4]}AAAA"
    yield "Encrypt", lambda: setting.must_encrypt(provider("sts", **session, security_token=token))
    code = "InvalidSecurityToken.Malformed"
    yield "Encrypt", lambda: setting.must_not_encrypt(code, 400, provider("sts", **session, security_token=changed))


def ram_role_arn(setting: Setting) -> Iterator[tuple[str, Play]]:
    settings = setting.user | setting.sts | {"role_arn": setting.it["role"]}
    credential = provider("ram_role_arn", **settings, external_id="customer:42")
    yield "sts:AssumeRole", lambda: expect(bool(credential.get_credential().security_token), "no token")
    yield "sts:AssumeRole", lambda: given_nothing(["403", "NoPermission"], provider("ram_role_arn", **settings))
    yield "Encrypt", lambda: setting.must_encrypt(credential)


def oidc_role_arn(setting: Setting) -> Iterator[tuple[str, Play]]:
    settings = setting.federated
    credential = provider("oidc_role_arn", **settings, oidc_token_file_path=setting.it["token"])
    forged = provider("oidc_role_arn", **settings, oidc_token_file_path=setting.it["forged_token"])
    said = ["401", "AuthenticationFail.OIDCToken.Invalid"]
    yield "sts:AssumeRoleWithOIDC", lambda: expect(bool(credential.get_credential().security_token), "no token")
    yield "sts:AssumeRoleWithOIDC", lambda: given_nothing(said, forged)
    yield "Encrypt", lambda: setting.must_encrypt(credential)


def credentials_uri(setting: Setting) -> Iterator[tuple[str, Play]]:
    uri = setting.it["uri"]
    yield "Encrypt", lambda: setting.must_encrypt(provider("credentials_uri", credentials_uri=uri))
    yield "Encrypt", lambda: given_nothing(["404"], provider("credentials_uri", credentials_uri=f"{uri}x"))


def main() -> None:
    setting = Setting(*sys.argv[1:3])
    for of in (access_key, sts, ram_role_arn, oidc_role_arn, credentials_uri):
        whys: dict[str, list[str]] = {}
        for operation, play in of(setting):
            whys.setdefault(operation, []).extend(why_not(play))
        for operation, why in whys.items():
            row = {"client": f"alibabacloud-credentials-{of.__name__}", "operation": operation, "why": "; ".join(why)}
            print(json.dumps(row), flush=True)


def why_not(play: Play) -> list[str]:
    try:
        play()
    except Exception as error:
        traceback.print_exc()
        return [f"{type(error).__name__}: {error}"]
    return []


if __name__ == "__main__":
    main()
