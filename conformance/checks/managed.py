"""Managed secrets and policies of secrets, as far as no server of anybody else's is needed.
Sources: secrets.md §4.8, §4.10, §4.11, §4.14, §6."""

import json
from typing import Any

from checks.run import ABSENT, TIME, Run, check, match, require
from checks.secrets import a_secret, deletion

DATA = '{"Accounts":[{"AccountName":"app","AccountPassword":"p\\"ü&="}]}'
CONFIG = '{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-nobody","CustomData":{"DBName":"orders"}}'
ABOUT = json.loads(CONFIG)


def a_managed_secret(run: Run) -> str:
    """The credential of a database that nobody has registered, made by the witness."""
    name = run.name("conf/managed")
    about = {"SecretType": "Rds", "SecretData": DATA, "ExtendedConfig": CONFIG}
    run.aside("CreateSecret", SecretName=name, VersionId="v1", **about)
    run.at_end.append(deletion(name))
    return name


def policy(run: Run, effect: str) -> str:
    principal = {"RAM": [f"acs:ram::{run.dev['account_id']}:*"]}
    statement = {"Effect": effect, "Principal": principal, "Action": ["kms:DescribeSecret"], "Resource": ["*"]}
    return json.dumps({"Version": "1", "Statement": [statement]})


@check("CreateSecret")
def a_managed_secret_says_what_it_is_about(run: Run) -> None:
    if not run.knows("CreateSecret", "ExtendedConfig"):
        return
    name = run.name("conf/rds")
    about = {"SecretType": "Rds", "SecretData": DATA, "ExtendedConfig": CONFIG}
    made = run.ok("CreateSecret", SecretName=name, VersionId="v1", **about)
    run.at_end.append(deletion(name))
    match(made, {"SecretName": name, "VersionId": "v1"})
    seen = run.aside("GetSecretValue", SecretName=name, FetchExtendedConfig="true")
    match(seen, {"SecretData": '{"AccountName":"app","AccountPassword":"p\\"ü&="}', "SecretType": "Rds"})
    match(seen, {"AutomaticRotation": "Disabled", "RotationInterval": ABSENT, "NextRotationDate": ABSENT})
    require(json.loads(seen["ExtendedConfig"]) == ABOUT, f"ExtendedConfig is {seen['ExtendedConfig']}")
    free = {"SecretName": run.name("conf/free"), "VersionId": "v1", **about}
    run.refused("InvalidParameter", 400, "CreateSecret", **(free | {"ExtendedConfig": "{}"}))
    run.refused("InvalidParameter", 400, "CreateSecret", **(free | {"SecretData": "p"}))


@check("UpdateSecret")
def custom_data_is_replaced_as_a_whole(run: Run) -> None:
    given = custom_data(run, {"Port": "3306", "Host": "db ü"})
    if not given:
        return
    name = a_managed_secret(run)
    run.ok("UpdateSecret", SecretName=name, **given)
    seen = json.loads(run.aside("DescribeSecret", SecretName=name)["ExtendedConfig"])
    require(seen == ABOUT | {"CustomData": {"Port": "3306", "Host": "db ü"}}, f"ExtendedConfig is {seen}")
    generic = a_secret(run)
    match(run.ok("UpdateSecret", SecretName=generic, **given), {"SecretName": generic})


def custom_data(run: Run, data: dict[str, str]) -> dict[str, Any]:
    """As the client has it: an object in an object, or a text; or nothing."""
    if run.driver.operations["UpdateSecret"] is None:
        return {"ExtendedConfig.CustomData": json.dumps(data)}
    if run.knows("UpdateSecret", "ExtendedConfig"):
        return {"ExtendedConfig": {"CustomData": data}}
    if run.knows("UpdateSecret", "ExtendedConfigCustomData"):
        return {"ExtendedConfigCustomData": json.dumps(data)}
    return {}


@check("UpdateSecretRotationPolicy")
def a_managed_secret_rotates_as_often_as_it_is_told(run: Run) -> None:
    name = a_managed_secret(run)
    every = {"EnableAutomaticRotation": True, "RotationInterval": "7d"}
    match(run.ok("UpdateSecretRotationPolicy", SecretName=name, **every), {"SecretName": name})
    seen = run.aside("DescribeSecret", SecretName=name)
    match(seen, {"AutomaticRotation": "Enabled", "RotationInterval": "604800s", "NextRotationDate": TIME})
    run.refused(
        "InvalidParameter", 400, "UpdateSecretRotationPolicy", SecretName=name, **(every | {"RotationInterval": "5h"})
    )
    run.ok("UpdateSecretRotationPolicy", SecretName=name, EnableAutomaticRotation=False)
    match(run.aside("DescribeSecret", SecretName=name), {"AutomaticRotation": "Disabled", "RotationInterval": ABSENT})
    generic = a_secret(run)
    run.refused("Rejected.UnsupportedOperation", 400, "UpdateSecretRotationPolicy", SecretName=generic, **every)
    run.refused("Forbidden.NoPermission", 403, "UpdateSecretRotationPolicy", who="user", SecretName=name, **every)


@check("RotateSecret")
def a_rotation_is_begun_once_for_each_version(run: Run) -> None:
    name = a_managed_secret(run)
    again = run.ok("RotateSecret", SecretName=name, VersionId="v1")
    match(again, {"SecretName": name, "VersionId": "v1"})
    match(run.ok("RotateSecret", SecretName=name, VersionId="v2"), {"SecretName": name, "VersionId": "v2"})
    match(run.aside("GetSecretValue", SecretName=name), {"VersionId": "v1"})
    generic = a_secret(run)
    run.refused("Rejected.UnsupportedOperation", 400, "RotateSecret", SecretName=generic, VersionId="v2")
    run.refused("Forbidden.NoPermission", 403, "RotateSecret", who="user", SecretName=name, VersionId="v3")
    missing = {"SecretName": run.name("conf/nothing"), "VersionId": "v2"}
    run.refused("Forbidden.ResourceNotFound", 404, "RotateSecret", **missing)


@check("GetSecretPolicy")
def a_secret_in_an_instance_has_a_policy(run: Run) -> None:
    name = a_secret(run)
    body = run.ok("GetSecretPolicy", SecretName=name, PolicyName="default")
    require("kms default secret policy" in body["Policy"], f"the policy is {body['Policy']}")
    own = policy(run, "Allow")
    run.aside("SetSecretPolicy", SecretName=name, Policy=own)
    match(run.ok("GetSecretPolicy", SecretName=name), {"Policy": own})
    run.refused("Forbidden.ResourceNotFound", 404, "GetSecretPolicy", SecretName=name, PolicyName="other")
    run.refused("Forbidden.NoPermission", 403, "GetSecretPolicy", who="user", SecretName=name)


@check("SetSecretPolicy")
def a_policy_is_kept_as_it_was_sent(run: Run) -> None:
    name = a_secret(run)
    own = policy(run, "Allow")
    run.ok("SetSecretPolicy", SecretName=name, Policy=own, PolicyName="default")
    match(run.aside("GetSecretPolicy", SecretName=name), {"Policy": own})
    run.refused("InvalidParameter", 400, "SetSecretPolicy", SecretName=name, Policy="{}")
    run.refused("InvalidParameter", 400, "SetSecretPolicy", SecretName=name, Policy=own, PolicyName="other")
    run.refused("Forbidden.NoPermission", 403, "SetSecretPolicy", who="user", SecretName=name, Policy=own)
    match(run.aside("GetSecretPolicy", SecretName=name), {"Policy": own})
