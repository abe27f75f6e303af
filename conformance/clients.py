"""The official clients, and how each is started. Every client speaks through a driver (README.md, "Drivers")."""

import json
import os
import select
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".conformance"
ANSWER_WITHIN_SECONDS = 60

KMS = (
    "CreateKey DescribeKey ListKeys EnableKey DisableKey UpdateKeyDescription "
    "CreateKeyVersion DescribeKeyVersion ListKeyVersions UpdateRotationPolicy "
    "ScheduleKeyDeletion CancelKeyDeletion SetDeletionProtection GetKeyPolicy SetKeyPolicy "
    "GetParametersForImport ImportKeyMaterial DeleteKeyMaterial "
    "CreateAlias UpdateAlias DeleteAlias ListAliases ListAliasesByKeyId "
    "Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext "
    "ExportDataKey GenerateAndExportDataKey GetManagedDataKey ListManagedDataKeyVersions "
    "AsymmetricEncrypt AsymmetricDecrypt AsymmetricSign AsymmetricVerify GetPublicKey GenerateMac VerifyMac "
    "CreateSecret DescribeSecret ListSecrets GetSecretValue BatchGetSecretValue PutSecretValue "
    "ListSecretVersionIds UpdateSecret UpdateSecretVersionStage DeleteSecret RestoreSecret GetRandomPassword "
    "RotateSecret UpdateSecretRotationPolicy GetSecretPolicy SetSecretPolicy "
    "TagResource UntagResource ListResourceTags TagResources UntagResources ListTagResources "
    "ListKmsInstances GetKmsInstance DescribeRegions OpenKmsService DescribeAccountKmsStatus "
    "DescribeService AdvanceEncrypt GetChallenge"
).split()

Key = dict[str, str]
"""An access key that a check made, or a session: `id`, `secret`, and the session's `token`."""

Who = str | Key
"""Whose access key signs a call: by name, `root`, `user`, `stranger`, `forger`, or the key itself."""

RAM = (
    "CreatePolicy GetPolicy DeletePolicy ListPolicies UpdatePolicyDescription "
    "CreatePolicyVersion GetPolicyVersion DeletePolicyVersion ListPolicyVersions SetDefaultPolicyVersion "
    "CreateRole GetRole UpdateRole DeleteRole ListRoles "
    "AttachPolicyToUser DetachPolicyFromUser ListPoliciesForUser "
    "AttachPolicyToGroup DetachPolicyFromGroup ListPoliciesForGroup "
    "AttachPolicyToRole DetachPolicyFromRole ListPoliciesForRole ListEntitiesForPolicy "
    "CreateUser GetUser UpdateUser DeleteUser ListUsers "
    "CreateGroup GetGroup UpdateGroup DeleteGroup ListGroups "
    "AddUserToGroup RemoveUserFromGroup ListGroupsForUser ListUsersForGroup "
    "CreateLoginProfile GetLoginProfile UpdateLoginProfile DeleteLoginProfile ChangePassword "
    "CreateAccessKey UpdateAccessKey DeleteAccessKey ListAccessKeys GetAccessKeyLastUsed "
    "CreateVirtualMFADevice ListVirtualMFADevices DeleteVirtualMFADevice "
    "BindMFADevice UnbindMFADevice GetUserMFAInfo "
    "SetPasswordPolicy GetPasswordPolicy SetSecurityPreference GetSecurityPreference "
    "SetAccountAlias GetAccountAlias ClearAccountAlias "
    "TagResources UntagResources ListTagResources DecodeDiagnosticMessage"
).split()

STS = "AssumeRole AssumeRoleWithOIDC GetCallerIdentity".split()

OPERATIONS = {"kms": KMS, "ram": RAM, "sts": STS}
"""What is checked of each product."""


@dataclass(frozen=True)
class Client:
    """One client of the matrix: its command, the schemes it can use at all, and the product that it calls."""

    command: tuple[str, ...]
    schemes: tuple[str, ...] = ("http", "https")
    product: str = "kms"


def _python(venv: str, script: str, *arguments: str) -> tuple[str, ...]:
    return (str(HOME / venv / "bin" / "python"), str(HERE / "python" / script), *arguments)


def _openapi(package: str) -> tuple[str, ...]:
    return ("node", str(HERE / "node" / "openapi.js"), package)


def _java(main: str, *arguments: str) -> tuple[str, ...]:
    return ("java", "-cp", f"{HOME}/java/classes:{HOME}/java/lib/*", f"yaoku.conformance.{main}", *arguments)


def _go(version: str) -> tuple[str, ...]:
    return (str(HOME / "go" / "tea-rpc"), version)


CLIENTS = {
    "alibabacloud-kms20160120-2.4.0": Client(_python("kms-2.4.0", "tea.py", "alibabacloud_kms20160120")),
    "alibabacloud-kms20160120-3.3.1": Client(_python("kms-3.3.1", "tea.py", "alibabacloud_kms20160120")),
    "call_api-2.4.0": Client(_python("kms-2.4.0", "call_api.py")),
    "call_api-3.3.1": Client(_python("kms-3.3.1", "call_api.py")),
    "aliyun-python-sdk-kms": Client(_python("v1", "core.py", "aliyunsdkkms.request.v20160120")),
    "aliyun-secret-manager-client": Client(_python("v1", "secrets_v1.py"), ("https",)),
    "alibabacloud-secretsmanager-client-v2": Client(_python("secrets-v2", "secrets_v2.py")),
    "npm-kms20160120": Client(("node", str(HERE / "node" / "kms.js"))),
    "npm-pop-core": Client(("node", str(HERE / "node" / "pop.js"))),
    "aliyun-java-sdk-xml": Client(_java("CoreDriver", "com.aliyuncs.kms.model.v20160120")),
    "alibabacloud-secretsmanager-client-java": Client(_java("SecretsDriver"), ("https",)),
    "go-tea-rpc": Client(_go("2016-01-20")),
    "alibabacloud-ram20150501-1.3.0": Client(
        _python("ram", "tea.py", "alibabacloud_ram20150501"), product="ram"
    ),
    "aliyun-python-sdk-ram": Client(_python("v1", "core.py", "aliyunsdkram.request.v20150501"), product="ram"),
    "npm-ram20150501": Client(_openapi("@alicloud/ram20150501"), product="ram"),
    "aliyun-java-sdk-ram-xml": Client(_java("CoreDriver", "com.aliyuncs.ram.model.v20150501"), product="ram"),
    "go-tea-rpc-ram": Client(_go("2015-05-01"), product="ram"),
    "alibabacloud-sts20150401-1.2.0": Client(
        _python("sts", "tea.py", "alibabacloud_sts20150401"), product="sts"
    ),
    "aliyun-python-sdk-sts": Client(_python("sts", "core.py", "aliyunsdksts.request.v20150401"), product="sts"),
    "npm-sts20150401": Client(_openapi("@alicloud/sts20150401"), product="sts"),
    "aliyun-java-sdk-sts-xml": Client(_java("CoreDriver", "com.aliyuncs.sts.model.v20150401"), product="sts"),
    "go-tea-rpc-sts": Client(_go("2015-04-01"), product="sts"),
}

# Two V1 clients compare the server's string to sign with their own and then blame the secret in their own words.
OWN_WORDS = {
    "InvalidAccessKeySecret": "SignatureDoesNotMatch",
    "SDK.InvalidAccessKeySecret": "SignatureDoesNotMatch",
}

WITNESSES = {
    "kms": "alibabacloud-kms20160120-3.3.1",
    "ram": "alibabacloud-ram20150501-1.3.0",
    "sts": "alibabacloud-sts20150401-1.2.0",
}
"""By whom each product's state is looked at where a client cannot say it."""


@dataclass(frozen=True)
class Answer:
    """What a client surfaced of one answer. `status` is 0 and `request_id` empty where it does not tell."""

    status: int = 0
    code: str = ""
    message: str = ""
    request_id: str = ""
    body: dict[str, Any] = field(default_factory=dict)


class DriverDied(Exception):
    """The driver ended or said nothing in time; its log says why."""


class Driver:
    """One client, running: a process that makes the calls it is told to make."""

    def __init__(self, name: str, dev_json: Path, scheme: str, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self._log = log
        client = CLIENTS[name]
        command = [*client.command, str(dev_json), scheme, *OPERATIONS[client.product]]
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment
            )
        hello = self._read()
        self.operations: dict[str, list[str] | None] = hello["operations"]
        self.flat_lists: bool = hello.get("flat_lists", False)
        self.reader: bool = hello.get("reader", False)

    def knows(self, operation: str, *parameters: str) -> bool:
        """Whether the client has this operation, and these parameters of it."""
        if operation not in self.operations:
            return False
        fields = self.operations[operation]
        if fields is None:
            return True
        known = {_plain(name) for name in fields}
        return all(_plain(name) in known or f"{_plain(name)}s" in known for name in parameters)

    def call(self, who: Who, operation: str, parameters: dict[str, Any]) -> Answer:
        request = {"who": who, "operation": operation, "parameters": parameters}
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise DriverDied(f"{self.name}: see {self._log}") from error
        reply = self._read()
        body = reply.get("body") or {}
        request_id = reply.get("request_id") or body.get("RequestId") or ""
        code = reply.get("code") or ""
        return Answer(reply.get("status") or 0, OWN_WORDS.get(code, code), reply.get("message") or "", request_id, body)

    def close(self) -> None:
        """Ends the process; the end of its input is its sign to stop."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_WITHIN_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            raise DriverDied(f"{self.name}: see {self._log}")
        reply: dict[str, Any] = json.loads(line)
        return reply


def _plain(name: str) -> str:
    """`DKMSInstanceId` and `dkmsinstance_id` are one name."""
    return name.replace("_", "").lower()


def environment(dev_json: Path, trust_store: Path) -> dict[str, str]:
    """What the clients need to trust the private CA; no proxies, no cloud metadata."""
    ca = json.loads(dev_json.read_text())["ca"]
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return kept | {
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "JAVA_TOOL_OPTIONS": f"-Djavax.net.ssl.trustStore={trust_store} -Djavax.net.ssl.trustStorePassword=changeit",
        "NODE_EXTRA_CA_CERTS": ca,
        "NODE_PATH": str(HOME / "node" / "node_modules"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SSL_CERT_FILE": ca,
    }


def make_trust_store(dev_json: Path, trust_store: Path) -> None:
    """Java's form of the private CA."""
    ca = json.loads(dev_json.read_text())["ca"]
    command = ["keytool", "-importcert", "-noprompt", "-alias", "yaoku", "-file", ca]
    subprocess.run([*command, "-keystore", str(trust_store), "-storepass", "changeit"], check=True, capture_output=True)
