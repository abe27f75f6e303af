"""Policies, roles, and who holds which policy. Source: identity.md §2.2 to §2.5."""

import json
from typing import Any

from checks.ram import SYSTEM, a_group, a_user, of_ram
from checks.run import ABSENT, TIME, Run, match, one, require

DOCUMENT = json.dumps(
    {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}]}, indent=1
)
OTHER = DOCUMENT.replace("Encrypt", "Decrypt")
TRUST = json.dumps(
    {
        "Statement": [
            {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"RAM": ["acs:ram::1234567890123456:root"]}}
        ],
        "Version": "1",
    }
)


def a_policy(run: Run, **more: Any) -> dict[str, str]:
    """A policy of the account, as operations name it."""
    name = run.name("conf")
    run.aside("CreatePolicy", PolicyName=name, PolicyDocument=DOCUMENT, **more)
    return {"PolicyName": name, "PolicyType": "Custom"}


def a_role(run: Run) -> str:
    name = run.name("conf")
    run.aside("CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
    return name


def a_holder(run: Run, kind: str) -> dict[str, str]:
    """Somebody new who holds no policy, as operations name it."""
    if kind == "Role":
        return {"RoleName": a_role(run)}
    return a_user(run) if kind == "User" else a_group(run)


def attach(run: Run, kind: str, **both: str) -> None:
    """Gives somebody a policy, and takes it away at the end: a group that holds one cannot go."""
    run.aside(f"AttachPolicyTo{kind}", **both)
    run.at_end.append((f"DetachPolicyFrom{kind}", both))


@of_ram("CreatePolicy")
def a_policy_is_made_and_is_as_it_was_sent(run: Run) -> None:
    name = run.name("conf")
    made = run.ok("CreatePolicy", PolicyName=name, PolicyDocument=DOCUMENT, Description="für Aufträge & <mehr>")
    told = {"PolicyName": name, "PolicyType": "Custom", "DefaultVersion": "v1", "CreateDate": TIME}
    match(made["Policy"], told | {"Description": "für Aufträge & <mehr>"})
    found = run.see("GetPolicy", PolicyName=name, PolicyType="Custom")
    match(found["DefaultPolicyVersion"], {"PolicyDocument": DOCUMENT, "IsDefaultVersion": True})
    run.refused("EntityAlreadyExists.Policy", 409, "CreatePolicy", PolicyName=name, PolicyDocument=DOCUMENT)
    free = run.name("conf")
    run.refused("MalformedPolicyDocument", 400, "CreatePolicy", PolicyName=free, PolicyDocument="{}")
    long = "x" * 6145
    run.refused("InvalidParameter.PolicyDocument.Length", 400, "CreatePolicy", PolicyName=free, PolicyDocument=long)
    odd = {"PolicyName": "a_b", "PolicyDocument": DOCUMENT}
    run.refused("InvalidParameter.PolicyName.InvalidChars", 400, "CreatePolicy", **odd)
    run.refused("NoPermission", 403, "CreatePolicy", who="user", PolicyName=free, PolicyDocument=DOCUMENT)


@of_ram("GetPolicy")
def a_policy_of_the_system_and_one_of_the_account_are_found(run: Run) -> None:
    found = run.ok("GetPolicy", **SYSTEM)
    match(found["Policy"], SYSTEM | {"DefaultVersion": "v3", "AttachmentCount": int, "UpdateDate": TIME})
    match(found["DefaultPolicyVersion"], {"VersionId": "v3", "IsDefaultVersion": True, "CreateDate": TIME})
    policy = a_policy(run)
    match(run.ok("GetPolicy", **policy)["Policy"], policy | {"AttachmentCount": 0})
    run.refused("EntityNotExist.Policy", 404, "GetPolicy", PolicyName=run.name("no"), PolicyType="Custom")
    run.refused("InvalidParameter.PolicyType", 400, "GetPolicy", PolicyName="x", PolicyType="Other")
    run.refused("NoPermission", 403, "GetPolicy", who="user", **policy)


@of_ram("ListPolicies")
def policies_come_part_by_part_with_their_tags(run: Run) -> None:
    policy = a_policy(run, Tag=[{"Key": "run", "Value": run.id}])
    found = run.marked("ListPolicies", "Policies", "Policy", MaxItems=7)
    match(one(found, **policy), {"AttachmentCount": 0, "DefaultVersion": "v1", "UpdateDate": TIME})
    match(one(found, **SYSTEM), {"DefaultVersion": "v3"})
    custom = run.ok("ListPolicies", PolicyType="Custom", MaxItems=1000)
    types = {each["PolicyType"] for each in run.list(custom, "Policies", "Policy")}
    require(types == {"Custom"}, f"policies of {types}")
    if not run.knows("ListPolicies", "Tag"):
        return
    tagged = run.ok("ListPolicies", Tag=[{"Key": "run", "Value": run.id}])
    mine = one(run.list(tagged, "Policies", "Policy"), **policy)
    match(one(run.list(mine, "Tags", "Tag")), {"TagKey": "run", "TagValue": run.id})


@of_ram("UpdatePolicyDescription")
def what_a_policy_is_for_is_said_anew(run: Run) -> None:
    name = a_policy(run)["PolicyName"]
    updated = run.ok("UpdatePolicyDescription", PolicyName=name, NewDescription="neu")
    match(updated["Policy"], {"Description": "neu", "UpdateDate": TIME})
    run.refused(
        "EntityNotExist.Policy", 404, "UpdatePolicyDescription", PolicyName=run.name("no"), NewDescription="neu"
    )


@of_ram("CreatePolicyVersion")
def a_policy_takes_five_versions(run: Run) -> None:
    name = a_policy(run)["PolicyName"]
    made = run.ok("CreatePolicyVersion", PolicyName=name, PolicyDocument=OTHER, SetAsDefault=True)
    version = {"VersionId": "v2", "IsDefaultVersion": True, "PolicyDocument": OTHER, "CreateDate": TIME}
    match(made["PolicyVersion"], version)
    for _ in range(3):
        run.ok("CreatePolicyVersion", PolicyName=name, PolicyDocument=OTHER)
    more = {"PolicyName": name, "PolicyDocument": OTHER}
    run.refused("LimitExceeded.Policy.Version", 409, "CreatePolicyVersion", **more)
    if run.knows("CreatePolicyVersion", "RotateStrategy"):
        rotate = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
        match(run.ok("CreatePolicyVersion", RotateStrategy=rotate, **more)["PolicyVersion"], {"VersionId": "v6"})


@of_ram("GetPolicyVersion")
def one_text_of_a_policy_is_read(run: Run) -> None:
    policy = a_policy(run)
    found = run.ok("GetPolicyVersion", VersionId="v1", **policy)
    match(found["PolicyVersion"], {"VersionId": "v1", "IsDefaultVersion": True, "PolicyDocument": DOCUMENT})
    run.refused("EntityNotExist.Policy.Version", 404, "GetPolicyVersion", VersionId="v2", **policy)
    run.refused("InvalidParameter.VersionId.Format", 400, "GetPolicyVersion", VersionId="2", **policy)


@of_ram("ListPolicyVersions")
def the_texts_of_a_policy_are_listed(run: Run) -> None:
    policy = a_policy(run)
    run.aside("CreatePolicyVersion", PolicyName=policy["PolicyName"], PolicyDocument=OTHER)
    found = run.list(run.ok("ListPolicyVersions", **policy), "PolicyVersions", "PolicyVersion")
    require([each["VersionId"] for each in found] == ["v1", "v2"], "oldest first")
    match(found[0], {"IsDefaultVersion": True, "CreateDate": TIME})
    match(found[1], {"IsDefaultVersion": False})


@of_ram("SetDefaultPolicyVersion")
def another_text_counts(run: Run) -> None:
    policy = a_policy(run)
    name = policy["PolicyName"]
    run.refused("EntityNotExist.Policy.Version", 404, "SetDefaultPolicyVersion", PolicyName=name, VersionId="v2")
    run.aside("CreatePolicyVersion", PolicyName=name, PolicyDocument=OTHER)
    run.ok("SetDefaultPolicyVersion", PolicyName=name, VersionId="v2")
    match(run.see("GetPolicy", **policy)["DefaultPolicyVersion"], {"VersionId": "v2", "PolicyDocument": OTHER})


@of_ram("DeletePolicyVersion")
def a_text_that_does_not_count_goes(run: Run) -> None:
    policy = a_policy(run)
    name = policy["PolicyName"]
    run.aside("CreatePolicyVersion", PolicyName=name, PolicyDocument=OTHER)
    default = {"PolicyName": name, "VersionId": "v1"}
    run.refused("DeleteConflict.Policy.Version.Default", 409, "DeletePolicyVersion", **default)
    run.ok("DeletePolicyVersion", PolicyName=name, VersionId="v2")
    run.refused("EntityNotExist.Policy.Version", 404, "DeletePolicyVersion", PolicyName=name, VersionId="v2")


@of_ram("DeletePolicy")
def a_policy_goes_once_nothing_is_in_the_way(run: Run) -> None:
    policy = a_policy(run)
    name, role = policy["PolicyName"], a_role(run)
    run.aside("CreatePolicyVersion", PolicyName=name, PolicyDocument=OTHER)
    run.refused("DeleteConflict.Policy.Version", 409, "DeletePolicy", PolicyName=name)
    run.aside("AttachPolicyToRole", RoleName=role, **policy)
    run.refused("DeleteConflict.Policy.Role", 409, "DeletePolicy", PolicyName=name)
    run.aside("DetachPolicyFromRole", RoleName=role, **policy)
    run.aside("DeletePolicyVersion", PolicyName=name, VersionId="v2")
    run.ok("DeletePolicy", PolicyName=name)
    run.refused("EntityNotExist.Policy", 404, "DeletePolicy", PolicyName=name)


@of_ram("CreateRole")
def a_role_is_made(run: Run) -> None:
    name = run.name("conf")
    made = run.ok("CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST, Description="d")
    told = {"RoleName": name, "AssumeRolePolicyDocument": TRUST, "Description": "d", "CreateDate": TIME}
    match(made["Role"], told | {"RoleId": str})
    require(made["Role"]["Arn"].endswith(f":role/{name}"), made["Role"]["Arn"])
    run.refused("EntityAlreadyExists.Role", 409, "CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
    free = run.name("conf")
    run.refused("MalformedPolicyDocument", 400, "CreateRole", RoleName=free, AssumeRolePolicyDocument=DOCUMENT)
    run.refused("NoPermission", 403, "CreateRole", who="user", RoleName=free, AssumeRolePolicyDocument=TRUST)


@of_ram("GetRole")
def a_role_is_found(run: Run) -> None:
    name = a_role(run)
    match(run.ok("GetRole", RoleName=name)["Role"], {"RoleName": name, "AssumeRolePolicyDocument": TRUST})
    run.refused("EntityNotExist.Role", 404, "GetRole", RoleName=run.name("no"))


@of_ram("UpdateRole")
def a_role_is_changed(run: Run) -> None:
    name = a_role(run)
    trust = TRUST.replace("root", "user/alice")
    match(run.ok("UpdateRole", RoleName=name, NewAssumeRolePolicyDocument=trust)["Role"], {"RoleName": name})
    match(run.see("GetRole", RoleName=name)["Role"], {"AssumeRolePolicyDocument": trust, "UpdateDate": TIME})
    run.refused(
        "EntityNotExist.Role", 404, "UpdateRole", RoleName=run.name("no"), NewAssumeRolePolicyDocument=trust
    )


@of_ram("ListRoles")
def roles_come_without_whom_they_trust(run: Run) -> None:
    name = a_role(run)
    found = run.marked("ListRoles", "Roles", "Role", MaxItems=7)
    match(one(found, RoleName=name), {"RoleId": str, "AssumeRolePolicyDocument": ABSENT, "UpdateDate": TIME})


@of_ram("DeleteRole")
def a_role_goes_once_it_holds_nothing(run: Run) -> None:
    name = a_role(run)
    run.aside("AttachPolicyToRole", RoleName=name, **SYSTEM)
    run.refused("DeleteConflict.Role.Policy", 409, "DeleteRole", RoleName=name)
    run.aside("DetachPolicyFromRole", RoleName=name, **SYSTEM)
    run.ok("DeleteRole", RoleName=name)
    run.refused("EntityNotExist.Role", 404, "DeleteRole", RoleName=name)


def attaches(run: Run, kind: str) -> None:
    holder, policy = a_holder(run, kind), a_policy(run)
    gives = f"AttachPolicyTo{kind}"
    run.refused("EntityNotExist.Policy", 404, gives, PolicyName=run.name("no"), PolicyType="Custom", **holder)
    run.refused(f"EntityNotExist.{kind}", 404, gives, **policy, **{f"{kind}Name": run.name("no")})
    for each in (policy, SYSTEM):
        run.ok(gives, **each, **holder)
        run.at_end.append((f"DetachPolicyFrom{kind}", each | holder))
        run.refused(f"EntityAlreadyExists.{kind}.Policy", 409, gives, **each, **holder)
    found = run.list(run.see(f"ListPoliciesFor{kind}", **holder), "Policies", "Policy")
    require(len(found) == 2, f"{found}")
    run.refused("NoPermission", 403, gives, who="user", **policy, **holder)


def detaches(run: Run, kind: str) -> None:
    holder = a_holder(run, kind)
    attach(run, kind, **SYSTEM, **holder)
    run.ok(f"DetachPolicyFrom{kind}", **SYSTEM, **holder)
    run.refused(f"EntityNotExist.{kind}.Policy", 404, f"DetachPolicyFrom{kind}", **SYSTEM, **holder)


def lists(run: Run, kind: str) -> None:
    holder = a_holder(run, kind)
    listed = f"ListPoliciesFor{kind}"
    require(run.list(run.ok(listed, **holder), "Policies", "Policy") == [], "an empty list keeps its wrapper")
    attach(run, kind, **SYSTEM, **holder)
    found = run.list(run.ok(listed, **holder), "Policies", "Policy")
    match(one(found, **SYSTEM), {"DefaultVersion": "v3", "AttachDate": TIME})
    run.refused(f"EntityNotExist.{kind}", 404, listed, **{f"{kind}Name": run.name("no")})


@of_ram("AttachPolicyToUser")
def a_user_gets_a_policy(run: Run) -> None:
    attaches(run, "User")


@of_ram("AttachPolicyToGroup")
def a_group_gets_a_policy(run: Run) -> None:
    attaches(run, "Group")


@of_ram("AttachPolicyToRole")
def a_role_gets_a_policy(run: Run) -> None:
    attaches(run, "Role")


@of_ram("DetachPolicyFromUser")
def a_user_loses_a_policy(run: Run) -> None:
    detaches(run, "User")


@of_ram("DetachPolicyFromGroup")
def a_group_loses_a_policy(run: Run) -> None:
    detaches(run, "Group")


@of_ram("DetachPolicyFromRole")
def a_role_loses_a_policy(run: Run) -> None:
    detaches(run, "Role")


@of_ram("ListPoliciesForUser")
def what_a_user_holds_is_listed(run: Run) -> None:
    lists(run, "User")


@of_ram("ListPoliciesForGroup")
def what_a_group_holds_is_listed(run: Run) -> None:
    lists(run, "Group")


@of_ram("ListPoliciesForRole")
def what_a_role_holds_is_listed(run: Run) -> None:
    lists(run, "Role")


@of_ram("ListEntitiesForPolicy")
def who_holds_a_policy_is_listed(run: Run) -> None:
    policy = a_policy(run)
    for kind in ("User", "Group", "Role"):
        require(run.list(run.ok("ListEntitiesForPolicy", **policy), f"{kind}s", kind) == [], "nobody holds it yet")
    holders = {kind: a_holder(run, kind) for kind in ("User", "Group", "Role")}
    for kind, holder in holders.items():
        attach(run, kind, **policy, **holder)
    found = run.ok("ListEntitiesForPolicy", **policy)
    for kind, holder in holders.items():
        match(one(run.list(found, f"{kind}s", kind), **holder), {"AttachDate": TIME})
    run.refused("EntityNotExist.Policy", 404, "ListEntitiesForPolicy", PolicyName=run.name("no"), PolicyType="Custom")
