"""The life of keys: versions, rotation, deletion, protection, policies. Sources: keys.md §5, §6, §8, §11."""

import json

from checks.keys import NO_KEY, a_key, key_arn
from checks.pairs import made, signer
from checks.run import ABSENT, TIME, UUID, Run, check, match, require
from checks.service import NO_INSTANCE

NO_VERSION = "00000000-0000-4000-8000-000000000000"


def instance_key(run: Run) -> str:
    """A key of this run in the instance: only such have policies."""
    if "housed" not in run.keys:
        made = run.aside("CreateKey", DKMSInstanceId=run.dev["instance_id"])
        run.keys["housed"] = made["KeyMetadata"]["KeyId"]
    return run.keys["housed"]


@check("CreateKeyVersion")
def a_new_version_is_the_primary_one(run: Run) -> None:
    key = a_key(run, "versioned")
    old = run.see("Encrypt", KeyId=key, Plaintext="old")["CiphertextBlob"]
    version = run.ok("CreateKeyVersion", KeyId=key)["KeyVersion"]
    match(version, {"KeyId": key, "KeyVersionId": UUID, "CreationDate": TIME})
    metadata = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
    match(metadata, {"PrimaryKeyVersion": version["KeyVersionId"], "LastRotationDate": version["CreationDate"]})
    match(run.see("Decrypt", CiphertextBlob=old), {"Plaintext": "old"})


@check("CreateKeyVersion")
def only_a_usable_key_takes_a_version(run: Run) -> None:
    run.refused("Forbidden.KeyNotFound", 404, "CreateKeyVersion", KeyId=NO_KEY)
    run.refused("Forbidden.NoPermission", 403, "CreateKeyVersion", who="user", KeyId=a_key(run, "versioned"))
    imported = run.aside("CreateKey", Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    # A pair takes its next version after seven days: months.py sees it.
    for key in (imported, signer(run, "EC_P256").key, made(run, "Aliyun_HMAC_SHA_256", "GENERATE/VERIFY").key):
        run.refused("Rejected.UnsupportedOperation", 400, "CreateKeyVersion", KeyId=key)


@check("ListKeyVersions")
def versions_are_listed_newest_first(run: Run) -> None:
    key = run.aside("CreateKey")["KeyMetadata"]["KeyId"]
    made = [run.aside("CreateKeyVersion", KeyId=key)["KeyVersion"]["KeyVersionId"] for _ in range(2)]
    body = run.ok("ListKeyVersions", KeyId=key_arn(run, key))
    match(body, {"TotalCount": 3, "PageNumber": 1, "PageSize": 10})
    found = run.list(body, "KeyVersions", "KeyVersion")
    require([each["KeyVersionId"] for each in found[:2]] == made[::-1], f"{found} does not begin with {made[::-1]}")
    match(found[2], {"KeyId": key, "CreationDate": TIME})
    second = run.list(run.ok("ListKeyVersions", KeyId=key, PageNumber=2, PageSize=1), "KeyVersions", "KeyVersion")
    require([each["KeyVersionId"] for each in second] == [made[0]], "the second page has another version")
    run.refused("Forbidden.KeyNotFound", 404, "ListKeyVersions", KeyId=NO_KEY)
    run.refused("Forbidden.NoPermission", 403, "ListKeyVersions", who="user", KeyId=key)


@check("DescribeKeyVersion")
def a_version_is_found_at_its_own_key_alone(run: Run) -> None:
    key, other = a_key(run, "versioned"), a_key(run, "other")
    version = run.see("DescribeKey", KeyId=key)["KeyMetadata"]["PrimaryKeyVersion"]
    found = run.ok("DescribeKeyVersion", KeyId=key, KeyVersionId=version)["KeyVersion"]
    match(found, {"KeyId": key, "KeyVersionId": version, "CreationDate": TIME})
    for name in (NO_VERSION, run.see("DescribeKey", KeyId=other)["KeyMetadata"]["PrimaryKeyVersion"]):
        run.refused("Forbidden.KeyVersionNotFound", 404, "DescribeKeyVersion", KeyId=key, KeyVersionId=name)
    run.refused("Forbidden.KeyNotFound", 404, "DescribeKeyVersion", KeyId=NO_KEY, KeyVersionId=version)
    run.refused("Forbidden.NoPermission", 403, "DescribeKeyVersion", who="user", KeyId=key, KeyVersionId=version)


@check("UpdateRotationPolicy")
def a_schedule_is_set_shown_and_taken_away(run: Run) -> None:
    key = a_key(run, "rotated")
    run.ok("UpdateRotationPolicy", KeyId=key, EnableAutomaticRotation=True, RotationInterval="7d")
    metadata = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
    match(metadata, {"AutomaticRotation": "Enabled", "RotationInterval": "604800s", "NextRotationDate": TIME})
    run.ok("UpdateRotationPolicy", KeyId=key, EnableAutomaticRotation=False)
    metadata = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
    match(metadata, {"AutomaticRotation": "Disabled", "RotationInterval": ABSENT, "NextRotationDate": ABSENT})


@check("UpdateRotationPolicy")
def a_schedule_has_bounds(run: Run) -> None:
    key = a_key(run, "rotated")
    for interval in ("6d", "731d", "1w"):
        run.refused(
            "InvalidParameter",
            400,
            "UpdateRotationPolicy",
            KeyId=key,
            EnableAutomaticRotation=True,
            RotationInterval=interval,
        )
    off = {"EnableAutomaticRotation": False}
    run.refused("Unsupported.Alias", 400, "UpdateRotationPolicy", KeyId=run.dev["key_alias"], **off)
    run.refused("Forbidden.KeyNotFound", 404, "UpdateRotationPolicy", KeyId=NO_KEY, **off)
    run.refused("Forbidden.NoPermission", 403, "UpdateRotationPolicy", who="user", KeyId=key, **off)


@check("ScheduleKeyDeletion")
def a_key_waits_for_its_deletion(run: Run) -> None:
    key = run.aside("CreateKey")["KeyMetadata"]["KeyId"]
    for days in (6, 367):
        run.refused("InvalidParameter", 400, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=days)
    run.refused("Forbidden.NoPermission", 403, "ScheduleKeyDeletion", who="user", KeyId=key, PendingWindowInDays=7)
    run.refused("Forbidden.KeyNotFound", 404, "ScheduleKeyDeletion", KeyId=NO_KEY, PendingWindowInDays=7)
    run.ok("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    match(run.see("DescribeKey", KeyId=key)["KeyMetadata"], {"KeyState": "PendingDeletion", "DeleteDate": TIME})
    run.refused("Rejected.StateModifiedFailed", 409, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=8)


@check("CancelKeyDeletion")
def a_key_is_called_back(run: Run) -> None:
    key = run.aside("CreateKey")["KeyMetadata"]["KeyId"]
    run.refused("Rejected.StateModifiedFailed", 409, "CancelKeyDeletion", KeyId=key)
    run.aside("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    run.refused("Forbidden.NoPermission", 403, "CancelKeyDeletion", who="user", KeyId=key)
    run.ok("CancelKeyDeletion", KeyId=key)
    match(run.see("DescribeKey", KeyId=key)["KeyMetadata"], {"KeyState": "Enabled", "DeleteDate": ABSENT})
    run.refused("Forbidden.KeyNotFound", 404, "CancelKeyDeletion", KeyId=NO_KEY)


@check("SetDeletionProtection")
def a_protected_key_is_not_deleted(run: Run) -> None:
    key = run.aside("CreateKey")["KeyMetadata"]["KeyId"]
    arn = {"ProtectedResourceArn": key_arn(run, key)}
    selectors = [arn] + [{"KeyId": key}] * run.knows("SetDeletionProtection", "KeyId")
    for selector in selectors:
        run.ok("SetDeletionProtection", **selector, EnableDeletionProtection=True)
        match(run.aside("DescribeKey", KeyId=key)["KeyMetadata"], {"DeletionProtection": "Enabled"})
        if run.knows("ScheduleKeyDeletion"):
            run.refused(
                "Rejected.UnsupportedOperation", 400, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7
            )
        run.ok("SetDeletionProtection", **selector, EnableDeletionProtection=False)
        match(run.aside("DescribeKey", KeyId=key)["KeyMetadata"], {"DeletionProtection": "Disabled"})
    on, none = {"EnableDeletionProtection": True}, {"ProtectedResourceArn": key_arn(run, NO_KEY)}
    run.refused("Forbidden.NoPermission", 403, "SetDeletionProtection", who="user", **arn, **on)
    run.refused("Forbidden.KeyNotFound", 404, "SetDeletionProtection", **none, **on)


@check("SetDeletionProtection")
def an_instance_is_protected_too(run: Run) -> None:
    if not run.knows("SetDeletionProtection", "KmsInstanceId"):
        return
    on = {"EnableDeletionProtection": True}
    run.ok("SetDeletionProtection", KmsInstanceId=run.dev["instance_id"], **on)
    run.refused("Forbidden.DKMSInstanceNotFound", 403, "SetDeletionProtection", KmsInstanceId=NO_INSTANCE, **on)


@check("GetKeyPolicy")
def a_key_has_the_default_policy_at_first(run: Run) -> None:
    key = instance_key(run)
    policy = json.loads(run.ok("GetKeyPolicy", KeyId=key, PolicyName="default")["Policy"])
    [statement] = policy["Statement"]
    match(statement, {"Effect": "Allow", "Action": ["kms:*"], "Resource": ["*"]})
    require(statement["Principal"] == {"RAM": [f"acs:ram::{run.dev['account_id']}:*"]}, "the principal is another")
    run.refused("Forbidden.ResourceNotFound", 404, "GetKeyPolicy", KeyId=key, PolicyName="other")
    run.refused("Forbidden.NoPermission", 403, "GetKeyPolicy", who="user", KeyId=key, PolicyName="default")
    run.refused("Forbidden.KeyNotFound", 404, "GetKeyPolicy", KeyId=NO_KEY, PolicyName="default")


@check("SetKeyPolicy")
def a_policy_is_kept_as_it_was_written(run: Run) -> None:
    key = run.aside("CreateKey", DKMSInstanceId=run.dev["instance_id"])["KeyMetadata"]["KeyId"]
    root = {"RAM": [f"acs:ram::{run.dev['account_id']}:root"]}
    statement = {"Sid": "one", "Effect": "Allow", "Principal": root, "Action": ["kms:Encrypt"], "Resource": ["*"]}
    policy = json.dumps({"Version": "1", "Statement": [statement]}, indent=2)
    run.ok("SetKeyPolicy", KeyId=key, PolicyName="default", Policy=policy)
    match(run.aside("GetKeyPolicy", KeyId=key, PolicyName="default"), {"Policy": policy})
    run.refused("InvalidParameter", 400, "SetKeyPolicy", KeyId=key, PolicyName="default", Policy="{}")
    run.refused("InvalidParameter", 400, "SetKeyPolicy", KeyId=key, PolicyName="other", Policy=policy)
    default = a_key(run, "named")
    run.refused("UnsupportedOperation", 400, "SetKeyPolicy", KeyId=default, PolicyName="default", Policy=policy)
    run.refused(
        "Forbidden.NoPermission", 403, "SetKeyPolicy", who="user", KeyId=key, PolicyName="default", Policy=policy
    )
