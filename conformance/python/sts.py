"""Sessions of a role, by every Python client that begins or uses one.

Usage: sts.py keys DIRECTORY, which writes an identity provider's key set and tokens; or sts.py run SETTING SCHEME,
which prints one JSON line for each client and what it does: {"client", "operation", "why"}, without a why if all is well.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import base64

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_kms20160120 import models as kms_models
from alibabacloud_kms20160120.client import Client as KmsClient
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest
from aliyunsdksts.request.v20150401.AssumeRoleWithOIDCRequest import AssumeRoleWithOIDCRequest
from aliyunsdksts.request.v20150401.GetCallerIdentityRequest import GetCallerIdentityRequest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER = "https://issuer.example"


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def write_keys(directory: Path) -> None:
    """A key set, a token that the key signed, and one that says the same and no key signed."""
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    n, e = (text_of(it.to_bytes((it.bit_length() + 7) // 8, "big")) for it in (numbers.n, numbers.e))
    keys = {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", "n": n, "e": e}]}
    (directory / "keys.json").write_text(json.dumps(keys))
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": ["yaoku"], "sub": "system:serviceaccount:orders:app", "iat": now, "exp": now + 3600}
    header = {"alg": "RS256", "kid": "one", "typ": "JWT"}
    signed = ".".join(text_of(json.dumps(part).encode()) for part in (header, claims))
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    (directory / "token").write_text(f"{signed}.{text_of(signature)}")
    (directory / "bad-token").write_text(f"{signed}.{text_of(bytes(len(signature)))}")


class Scenario:
    """What the setting says, for one scheme."""

    def __init__(self, setting: str, scheme: str) -> None:
        self.it: dict[str, str] = json.loads(Path(setting).read_text())
        self.scheme = scheme
        self.endpoint = self.it["endpoint" if scheme == "https" else "http_endpoint"]
        self.token = Path(self.it["token"]).read_text()
        self.bad_token = Path(self.it["bad_token"]).read_text()

    def config(self, **caller: Any) -> Config:
        ca = self.it["ca"] if self.scheme == "https" else None
        return Config(endpoint=self.endpoint, protocol=self.scheme, region_id=self.it["region"], ca=ca, **caller)

    def user(self, secret: str = "") -> dict[str, str]:
        return {"access_key_id": self.it["user_id"], "access_key_secret": secret or self.it["user_secret"]}

    def root(self) -> dict[str, str]:
        return {"access_key_id": self.it["root_id"], "access_key_secret": self.it["root_secret"]}

    def must_be_a_session(self, arn: str, name: str) -> None:
        expect(arn == f"acs:ram::{self.it['account']}:assumed-role/program/{name}", f"it is {arn}")

    def must_encrypt(self, **caller: Any) -> None:
        """The session may encrypt, as its role may, and not make keys."""
        client = KmsClient(self.config(**caller))
        sealed = client.encrypt(kms_models.EncryptRequest(key_id=self.it["key"], plaintext="hello"))
        expect(bool(sealed.body.ciphertext_blob), "nothing was encrypted")
        refused("Forbidden.NoPermission", lambda: client.create_key(kms_models.CreateKeyRequest()))


def expect(condition: bool, why: str) -> None:
    if not condition:
        raise AssertionError(why)


def refused(code: str, call: Callable[[], Any]) -> None:
    try:
        call()
    except Exception as error:
        expect(getattr(error, "code", None) == code, f"{error}, not {code}")
    else:
        raise AssertionError(f"served, not refused with {code}")


def assume(scenario: Scenario, name: str) -> Any:
    return sts_models.AssumeRoleRequest(
        role_arn=scenario.it["role"], role_session_name=name, duration_seconds=900, external_id="customer:42"
    )


def tea_assume_role(scenario: Scenario) -> None:
    client = StsClient(scenario.config(**scenario.user()))
    refused("NoPermission", lambda: StsClient(scenario.config(**scenario.root())).assume_role(assume(scenario, "tea")))
    refused("InvalidParameter.RoleSessionName", lambda: client.assume_role(assume(scenario, "a b")))
    without = sts_models.AssumeRoleRequest(role_arn=scenario.it["role"], role_session_name="tea")
    refused("NoPermission", lambda: client.assume_role(without))
    answer = client.assume_role(assume(scenario, "tea")).body
    time.strptime(answer.credentials.expiration, "%Y-%m-%dT%H:%M:%SZ")
    expect(answer.assumed_role_user.arn == f"{scenario.it['role']}/tea", answer.assumed_role_user.arn)
    session = {
        "access_key_id": answer.credentials.access_key_id,
        "access_key_secret": answer.credentials.access_key_secret,
        "security_token": answer.credentials.security_token,
    }
    scenario.must_encrypt(**session)
    scenario.must_be_a_session(StsClient(scenario.config(**session)).get_caller_identity().body.arn, "tea")
    changed = session | {"security_token": session["security_token"][:-4] + "AAAA"}
    refused("InvalidSecurityToken.Malformed", lambda: StsClient(scenario.config(**changed)).get_caller_identity())


def tea_get_caller_identity(scenario: Scenario) -> None:
    for caller, kind, arn in ((scenario.root(), "Account", "root"), (scenario.user(), "RAMUser", "user/app")):
        told = StsClient(scenario.config(**caller)).get_caller_identity().body
        expect((told.identity_type, told.arn) == (kind, f"acs:ram::{scenario.it['account']}:{arn}"), str(told))
    wrong = scenario.user("not the secret of this key")
    refused("SignatureDoesNotMatch", lambda: StsClient(scenario.config(**wrong)).get_caller_identity())


def tea_assume_role_with_oidc(scenario: Scenario) -> None:
    client = StsClient(scenario.config())

    def ask(token: str) -> Any:
        request = sts_models.AssumeRoleWithOIDCRequest(
            oidcprovider_arn=scenario.it["provider"],
            oidctoken=token,
            role_arn=scenario.it["federated_role"],
            role_session_name="tea",
        )
        return client.assume_role_with_oidcwith_options(request, RuntimeOptions()).body

    refused("AuthenticationFail.OIDCToken.Invalid", lambda: ask(scenario.bad_token))
    answer = ask(scenario.token)
    expect(answer.oidctoken_info.issuer == ISSUER, str(answer))
    scenario.must_encrypt(
        access_key_id=answer.credentials.access_key_id,
        access_key_secret=answer.credentials.access_key_secret,
        security_token=answer.credentials.security_token,
    )


def core(scenario: Scenario, request: Any, *caller: Any, **more: Any) -> dict[str, Any]:
    """One call of the older library, signed by V1."""
    https = scenario.scheme == "https"
    request.set_endpoint(scenario.endpoint)
    request.set_protocol_type(protocol_type.HTTPS if https else protocol_type.HTTP)
    verify = scenario.it["ca"] if https else None
    client = AcsClient(*caller, region_id=scenario.it["region"], verify=verify, auto_retry=False, **more)
    answer: dict[str, Any] = json.loads(client.do_action_with_exception(request))
    return answer


def core_assume_role(scenario: Scenario) -> None:
    request = AssumeRoleRequest()
    request.set_RoleArn(scenario.it["role"])
    request.set_RoleSessionName("core")
    request.add_query_param("ExternalId", "customer:42")
    given = core(scenario, request, *scenario.user().values())["Credentials"]
    session = StsTokenCredential(given["AccessKeyId"], given["AccessKeySecret"], given["SecurityToken"])
    told = core(scenario, GetCallerIdentityRequest(), credential=session)
    scenario.must_be_a_session(told["Arn"], "core")
    try:
        core(scenario, request, *scenario.root().values())
    except ServerException as error:
        expect((error.get_error_code(), error.get_http_status()) == ("NoPermission", 403), str(error))
    else:
        raise AssertionError("root has a session")


def core_assume_role_with_oidc(scenario: Scenario) -> None:
    request = AssumeRoleWithOIDCRequest()
    request.set_OIDCProviderArn(scenario.it["provider"])
    request.set_OIDCToken(scenario.token)
    request.set_RoleArn(scenario.it["federated_role"])
    request.set_RoleSessionName("core")
    # It signs whatever it calls: that is not looked at.
    told = core(scenario, request, "LTAInobody", "nothing")
    expect(told["OIDCTokenInfo"]["Subject"] == "system:serviceaccount:orders:app", str(told))


def credentials(type: str) -> Callable[[Scenario], None]:
    """A provider of the credentials library, used by a KMS client. Its own calls are always over TLS."""

    def use(scenario: Scenario) -> None:
        it, sts = scenario.it, {"sts_endpoint": scenario.it["endpoint"]}
        settings: dict[str, dict[str, Any]] = {
            "access_key": scenario.user(),
            "ram_role_arn": scenario.user() | sts | {"role_arn": it["role"], "external_id": "customer:42"},
            "oidc_role_arn": sts
            | {
                "role_arn": it["federated_role"],
                "oidc_provider_arn": it["provider"],
                "oidc_token_file_path": it["token"],
            },
            "credentials_uri": {"credentials_uri": it["uri"]},
        }
        if type == "sts":
            given = CredentialClient(CredentialConfig(type="credentials_uri", credentials_uri=it["uri"])).get_credential()
            settings["sts"] = {
                "access_key_id": given.access_key_id,
                "access_key_secret": given.access_key_secret,
                "security_token": given.security_token,
            }
        scenario.must_encrypt(credential=CredentialClient(CredentialConfig(type=type, **settings[type])))

    return use


SCENARIOS: list[tuple[str, str, Callable[[Scenario], None]]] = [
    ("alibabacloud-sts20150401", "AssumeRole", tea_assume_role),
    ("alibabacloud-sts20150401", "GetCallerIdentity", tea_get_caller_identity),
    ("alibabacloud-sts20150401", "AssumeRoleWithOIDC", tea_assume_role_with_oidc),
    ("aliyun-python-sdk-sts", "AssumeRole", core_assume_role),
    ("aliyun-python-sdk-sts", "AssumeRoleWithOIDC", core_assume_role_with_oidc),
    ("alibabacloud-credentials", "access_key", credentials("access_key")),
    ("alibabacloud-credentials", "sts", credentials("sts")),
    ("alibabacloud-credentials", "ram_role_arn", credentials("ram_role_arn")),
    ("alibabacloud-credentials", "oidc_role_arn", credentials("oidc_role_arn")),
    ("alibabacloud-credentials", "credentials_uri", credentials("credentials_uri")),
]


def main() -> None:
    if sys.argv[1] == "keys":
        return write_keys(Path(sys.argv[2]))
    scenario = Scenario(*sys.argv[2:4])
    for client, operation, play in SCENARIOS:
        why = ""
        try:
            play(scenario)
        except Exception as error:
            traceback.print_exc()
            why = f"{type(error).__name__}: {error}"
        print(json.dumps({"client": client, "operation": operation, "why": why}), flush=True)
    return None


if __name__ == "__main__":
    main()
