"""The life of a secret, as the official agent skill lives it: the generic `call_api` client, parameters in a JSON body.

Usage: lifecycle.py DEV_JSON SCHEME, with the Python of .conformance/kms-2.4.0 or .conformance/kms-3.3.1.
Prints one JSON line per call; stops at the first answer that is not the expected one, and says why.
"""

import json
import sys
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "python"))

from call_api import call_generic, connect  # noqa: E402
from driver import Refused, Server, refusal  # noqa: E402


class Unexpected(Exception):
    """The life went another way."""


class Life:
    """Makes the calls in turn and prints each."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = connect(server, "root")

    def ok(self, operation: str, **body: Any) -> dict[str, Any]:
        code, _, answer = self._call(operation, body)
        expect(not code, f"{operation} was refused: {code}")
        return answer

    def refused(self, wanted: str, wanted_status: int, operation: str, **body: Any) -> None:
        code, status, _ = self._call(operation, body)
        expect((code, status) == (wanted, wanted_status), f"{operation} answered {status} {code}, not {wanted}")

    def _call(self, operation: str, body: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
        code, status, answer = "", 200, {}
        try:
            answer = call_generic(self.client, self.server.scheme, operation, body)
            request_id = answer["RequestId"]
        except Exception as error:
            refused = refusal(error)
            if not isinstance(refused, Refused):
                raise
            code, status, request_id = (refused.reply[name] for name in ("code", "status", "request_id"))
        print(json.dumps({"operation": operation, "code": code, "request_id": request_id}), flush=True)
        return code, status, answer


def expect(condition: bool, why: str) -> None:
    if not condition:
        raise Unexpected(why)


def live(life: Life, dev: dict[str, str]) -> None:
    secret = {"SecretName": f"conf/life-{uuid.uuid4().hex[:10]}"}

    # Where the secret will live, and under which key.
    instances = life.ok("ListKmsInstances", PageNumber=1, PageSize=10)["KmsInstances"]["KmsInstance"]
    instance = instances[0]["KmsInstanceId"]
    expect(instance == dev["instance_id"], "the first instance is not that of dev.json")
    by_spec = {"Key": "KeySpec", "Values": ["Aliyun_AES_256"]}
    by_instance = {"Key": "DKMSInstanceId", "Values": [instance]}
    keys = life.ok("ListKeys", Filters=json.dumps([by_spec, by_instance]), PageNumber=1, PageSize=10)["Keys"]["Key"]
    expect(dev["key_id"] in [each["KeyId"] for each in keys], "the key of dev.json is not among the keys")
    key = dev["key_id"]

    # Made, found, described, read.
    made = life.ok(
        "CreateSecret", **secret, SecretData="first", VersionId="v1", EncryptionKeyId=key, DKMSInstanceId=instance
    )
    expect(made["SecretType"] == "Generic" and made["VersionId"] == "v1", "CreateSecret does not say what it made")
    expect(made["DKMSInstanceId"] == instance, "CreateSecret does not say where")
    by_name = json.dumps([{"Key": "SecretName", "Values": [secret["SecretName"]]}])
    listed = life.ok("ListSecrets", Filters=by_name)
    expect(listed["TotalCount"] == 1, "ListSecrets does not count one")
    expect(listed["SecretList"]["Secret"][0]["SecretName"] == secret["SecretName"], "ListSecrets lists another")
    described = life.ok("DescribeSecret", **secret)
    expect(described["EncryptionKeyId"] == key, "DescribeSecret names another key")
    value = life.ok("GetSecretValue", **secret, FetchExtendedConfig=True)
    expect(value["SecretData"] == "first", "GetSecretValue gives another value")
    expect(value["VersionStages"] == {"VersionStage": ["ACSCurrent"]}, "the only version is not the current one")

    # Another value; the first stays as the previous one.
    life.ok("PutSecretValue", **secret, SecretData="second", VersionId="v2")
    expect(life.ok("GetSecretValue", **secret)["SecretData"] == "second", "the new value is not the current one")
    versions = life.ok("ListSecretVersionIds", **secret, IncludeDeprecated=True)
    labels = {each["VersionId"]: each["VersionStages"]["VersionStage"] for each in versions["VersionIds"]["VersionId"]}
    expect(labels == {"v1": ["ACSPrevious"], "v2": ["ACSCurrent"]}, f"the versions are {labels}")

    # Deleted with a way back, brought back, deleted for good.
    planned = life.ok("DeleteSecret", **secret, RecoveryWindowInDays=7)["PlannedDeleteTime"]
    expect(life.ok("DescribeSecret", **secret)["PlannedDeleteTime"] == planned, "the planned time is not kept")
    life.ok("RestoreSecret", **secret)
    expect("PlannedDeleteTime" not in life.ok("DescribeSecret", **secret), "a restored secret is still planned")
    life.refused("Rejected.ResourceInUse", 409, "RestoreSecret", **secret)
    life.ok("DeleteSecret", **secret, ForceDeleteWithoutRecovery=True)
    life.refused("Forbidden.ResourceNotFound", 404, "DeleteSecret", **secret, ForceDeleteWithoutRecovery=True)
    life.refused("Forbidden.ResourceNotFound", 404, "DescribeSecret", **secret)


def main() -> None:
    server = Server(*sys.argv[1:3])
    try:
        live(Life(server), server.dev)
    except (Unexpected, KeyError, IndexError, TypeError) as unexpected:
        sys.exit(f"{type(unexpected).__name__}: {unexpected}")


if __name__ == "__main__":
    main()
