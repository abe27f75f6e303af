"""Generic secrets and random passwords. Sources: secrets.md §1.6, §2 to §4, §9."""

import string
from typing import Any

from checks.keys import NO_KEY
from checks.run import ABSENT, TIME, CheckFailed, Run, check, items, match, one, require

VALUE = '{"user":"app","password":"ü &=+% \\" 密"}'
BIG_VALUE = '"%' * 15_360  # 30,720 bytes, the most there may be; three times that in a query


def secret_arn(run: Run, name: str) -> str:
    return f"acs:kms:{run.dev['region']}:{run.dev['account_id']}:secret/{name}"


def a_secret(run: Run, **parameters: Any) -> str:
    """A secret in the instance with one version, v1, made by the witness."""
    name = run.name("conf/secret")
    make(run, name, **parameters)
    return name


def make(run: Run, name: str, **parameters: Any) -> dict[str, Any]:
    given = {"SecretName": name, "VersionId": "v1", "SecretData": VALUE}
    home = {"DKMSInstanceId": run.dev["instance_id"], "EncryptionKeyId": run.dev["key_id"]}
    body = run.aside("CreateSecret", **given, **home, **parameters)
    run.at_end.append(deletion(name))
    return body


def deletion(name: str) -> tuple[str, dict[str, Any]]:
    return "DeleteSecret", {"SecretName": name, "ForceDeleteWithoutRecovery": "true"}


def put(run: Run, name: str, version: str, *stages: str) -> None:
    labels = {"VersionStages": stages_text(*stages)} if stages else {}
    run.aside("PutSecretValue", SecretName=name, VersionId=version, SecretData=f"value of {version}", **labels)


def stages_text(*stages: str) -> str:
    return "[" + ",".join(f'"{stage}"' for stage in stages) + "]"


def versions(run: Run, name: str) -> dict[str, list[str]]:
    """Every version with its labels, as the witness sees them."""
    body = run.aside("ListSecretVersionIds", SecretName=name, IncludeDeprecated="true", PageSize=100)
    found = items(body, "VersionIds", "VersionId")
    return {each["VersionId"]: sorted(items(each, "VersionStages", "VersionStage")) for each in found}


def expect_versions(run: Run, name: str, **expected: list[str]) -> None:
    found = versions(run, name)
    require(found == expected, f"the versions are {found}, not {expected}")


def gone(run: Run, name: str) -> None:
    """Deletes for good, so that the next page of a list is never full of the dead."""
    run.aside("DeleteSecret", SecretName=name, ForceDeleteWithoutRecovery="true")
    run.at_end.remove(deletion(name))


@check("CreateSecret")
def a_new_secret_answers_with_its_value(run: Run) -> None:
    name = run.name("conf/made")
    given = {"SecretName": name, "VersionId": "v1", "SecretData": VALUE, "Description": "made ü"}
    home = {"EncryptionKeyId": run.dev["key_id"]}
    if run.knows("CreateSecret", "DKMSInstanceId"):
        home["DKMSInstanceId"] = run.dev["instance_id"]
    else:
        home = {}  # a key of an instance is for secrets of that instance
    body = run.ok("CreateSecret", **given, **home)
    run.at_end.append(deletion(name))
    match(body, {"Arn": secret_arn(run, name), "SecretName": name, "VersionId": "v1"})
    if home:
        match(body, {"SecretType": "Generic", "DKMSInstanceId": run.dev["instance_id"]})
    seen = run.aside("GetSecretValue", SecretName=name)
    match(seen, {"SecretData": VALUE, "SecretDataType": "text", "VersionId": "v1", "SecretType": "Generic"})
    described = run.aside("DescribeSecret", SecretName=name)
    match(described, {"Description": "made ü", "SecretType": "Generic"} | home)
    expect_versions(run, name, v1=["ACSCurrent"])


@check("CreateSecret")
def the_biggest_secret_arrives_whole(run: Run) -> None:
    name = run.name("conf/big")
    run.ok("CreateSecret", SecretName=name, VersionId="v1", SecretData=BIG_VALUE)
    run.at_end.append(deletion(name))
    match(run.see("GetSecretValue", SecretName=name), {"SecretData": BIG_VALUE})
    gone(run, name)
    over = {"SecretName": run.name("conf/over"), "VersionId": "v1", "SecretData": BIG_VALUE + "x"}
    run.refused("InvalidParameter", 400, "CreateSecret", **over)


@check("CreateSecret")
def a_name_is_taken_once_and_well_formed(run: Run) -> None:
    name = a_secret(run)
    again = {"VersionId": "v1", "SecretData": "other"}
    run.refused("Rejected.ResourceExist", 409, "CreateSecret", SecretName=name, **again)
    match(run.aside("GetSecretValue", SecretName=name), {"SecretData": VALUE})
    run.aside("DeleteSecret", SecretName=name, RecoveryWindowInDays="7")
    run.refused("Rejected.ResourceInDeleteWindow", 409, "CreateSecret", SecretName=name, **again)
    gone(run, name)
    run.refused("InvalidParameter", 400, "CreateSecret", SecretName="x" * 193, **again)
    run.refused("InvalidParameter", 400, "CreateSecret", SecretName=f"acs/{run.id}", **again)
    run.refused("InvalidParameter", 400, "CreateSecret", SecretName=f"a space {run.id}", **again)
    free = run.name("conf/free")
    run.refused("MissingParameter", 400, "CreateSecret", SecretName=free, VersionId="v1", SecretData="")
    run.refused("Forbidden.NoPermission", 403, "CreateSecret", who="user", SecretName=free, **again)


@check("CreateSecret")
def a_secret_needs_a_key_that_is_there(run: Run) -> None:
    free = {"SecretName": run.name("conf/free"), "VersionId": "v1", "SecretData": "x"}
    run.refused("Forbidden.KeyNotFound", 404, "CreateSecret", **free, EncryptionKeyId=NO_KEY)


@check("DescribeSecret")
def a_secret_is_described_without_its_value(run: Run) -> None:
    name = a_secret(run, Description="seen", Tags='[{"TagKey":"team","TagValue":"a b"}]')
    body = run.ok("DescribeSecret", SecretName=name)
    match(
        body,
        {
            "SecretName": name,
            "Arn": secret_arn(run, name),
            "Description": "seen",
            "EncryptionKeyId": run.dev["key_id"],
            "CreateTime": TIME,
            "UpdateTime": TIME,
            "PlannedDeleteTime": ABSENT,
            "RotationInterval": ABSENT,
            "SecretData": ABSENT,
        },
    )
    if run.driver.name != "npm-kms20160120":  # 1.2.0 is older than these members
        match(body, {"SecretType": "Generic", "DKMSInstanceId": run.dev["instance_id"]})
    tagged = run.ok("DescribeSecret", SecretName=name, FetchTags="true")
    match(one(run.list(tagged, "Tags", "Tag"), TagKey="team"), {"TagValue": "a b"})


@check("DescribeSecret")
def a_user_describes_by_arn_and_no_one_what_is_not_there(run: Run) -> None:
    name = a_secret(run)
    match(run.ok("DescribeSecret", who="user", SecretName=secret_arn(run, name)), {"SecretName": name})
    run.refused("Forbidden.ResourceNotFound", 404, "DescribeSecret", SecretName=run.name("conf/nothing"))


@check("ListSecrets")
def all_secrets_are_listed_with_their_tags(run: Run) -> None:
    name = a_secret(run, Tags='[{"TagKey":"run","TagValue":"listed"}]')
    match(run.ok("ListSecrets"), {"PageNumber": 1, "PageSize": 10, "TotalCount": int})
    found = one(list(run.pages("ListSecrets", "SecretList", "Secret", FetchTags="true")), SecretName=name)
    match(found, {"CreateTime": TIME, "UpdateTime": TIME, "PlannedDeleteTime": ABSENT})
    match(one(run.list(found, "Tags", "Tag"), TagKey="run"), {"TagValue": "listed"})
    past = run.ok("ListSecrets", PageNumber=1000)
    require(run.list(past, "SecretList", "Secret") == [], "a page past the end is not empty")
    run.refused("InvalidParameter", 400, "ListSecrets", PageSize=101)
    run.refused("Forbidden.NoPermission", 403, "ListSecrets", who="user")


@check("ListSecrets")
def secrets_are_filtered_by_name_type_and_tag(run: Run) -> None:
    if not run.knows("ListSecrets", "Filters"):
        return
    name = a_secret(run, Tags=f'[{{"TagKey":"run","TagValue":"{run.id}"}}]')
    by_tag = f'{{"Key":"TagValue","Values":["{run.id}"]}}'
    by_type = '{"Key":"SecretType","Values":["Generic","RDS"]}'
    for filters in (f'[{{"Key":"SecretName","Values":["{name}"]}}]', f"[{by_tag},{by_type}]"):
        body = run.ok("ListSecrets", Filters=filters)
        match(body, {"TotalCount": 1})
        one(run.list(body, "SecretList", "Secret"), SecretName=name)
    rds = run.ok("ListSecrets", Filters=f'[{by_tag},{{"Key":"SecretType","Values":["Rds"]}}]')
    match(rds, {"TotalCount": 0})
    require(run.list(rds, "SecretList", "Secret") == [], "an empty list is not []")
    run.refused("InvalidParameter", 400, "ListSecrets", Filters='{"Key":"SecretName","Values":["x"]}')


@check("GetSecretValue")
def a_value_is_read_by_stage_and_by_version(run: Run) -> None:
    name = a_secret(run)
    put(run, name, "v2")
    body = run.ok("GetSecretValue", SecretName=name)
    match(body, {"SecretName": name, "SecretData": "value of v2", "SecretDataType": "text", "VersionId": "v2"})
    match(body, {"CreateTime": TIME})
    require(stages_of(run, body) == ["ACSCurrent"], "the stages are wrong")
    before = run.ok("GetSecretValue", SecretName=name, VersionStage="ACSPrevious")
    match(before, {"SecretData": VALUE, "VersionId": "v1"})
    match(run.ok("GetSecretValue", SecretName=name, VersionId="v1"), {"SecretData": VALUE})
    both = run.ok("GetSecretValue", SecretName=secret_arn(run, name), VersionId="v2", VersionStage="ACSCurrent")
    match(both, {"SecretData": "value of v2", "SecretName": name})


@check("GetSecretValue")
def a_user_reads_a_value_sealed_by_a_key(run: Run) -> None:
    match(run.ok("GetSecretValue", who="user", SecretName=a_secret(run)), {"SecretData": VALUE})


@check("GetSecretValue")
def what_is_not_there_has_no_value(run: Run) -> None:
    name = a_secret(run)
    missing: list[dict[str, str]] = [
        {"SecretName": run.name("conf/nothing")},
        {"SecretName": name, "VersionId": "v9"},
        {"SecretName": name, "VersionStage": "ACSPrevious"},
        {"SecretName": name, "VersionId": "v1", "VersionStage": "ACSNext"},
    ]
    for parameters in missing:
        run.refused("Forbidden.ResourceNotFound", 404, "GetSecretValue", **parameters)
    run.aside("DeleteSecret", SecretName=name, RecoveryWindowInDays="7")
    run.refused("Rejected.ResourceInDeleteWindow", 409, "GetSecretValue", SecretName=name)


@check("BatchGetSecretValue")
def a_batch_answers_for_each_secret_in_order(run: Run) -> None:
    first, second, nothing = a_secret(run), a_secret(run), run.name("conf/nothing")
    put(run, second, "v2")
    wanted = [
        {"SecretName": second, "VersionStage": "ACSPrevious"},
        {"SecretName": nothing},
        {"SecretName": first, "VersionId": "v1"},
    ]
    body = run.ok("BatchGetSecretValue", SecretsList=wanted)
    values, errors = body.get("SecretValues"), body.get("Errors")
    if not isinstance(values, list) or not isinstance(errors, list):
        raise CheckFailed("SecretValues and Errors are not plain lists")
    require([each["SecretName"] for each in values] == [second, first], "the order is not that of the request")
    match(values[0], {"VersionId": "v1", "SecretData": VALUE, "SecretDataType": "text", "SecretType": "Generic"})
    require(items(values[1], "VersionStages", "VersionStage") == ["ACSCurrent"], "the stages are wrong")
    match(one(errors, SecretName=nothing), {"Code": "Forbidden.ResourceNotFound", "HttpStatus": 404, "Message": str})
    user = run.ok("BatchGetSecretValue", who="user", SecretsList=[{"SecretName": first}])
    match(user["SecretValues"][0], {"SecretData": VALUE})


@check("BatchGetSecretValue")
def a_batch_has_one_to_twenty_secrets(run: Run) -> None:
    many = [{"SecretName": f"conf/nothing-{number}"} for number in range(21)]
    run.refused("InvalidParameter", 400, "BatchGetSecretValue", SecretsList=many)
    body = run.ok("BatchGetSecretValue", SecretsList=many[:20])
    require(len(body["Errors"]) == 20 and not body.get("SecretValues"), "twenty unknown secrets are not twenty errors")


@check("PutSecretValue")
def a_new_version_becomes_the_current_one(run: Run) -> None:
    name = a_secret(run)
    body = run.ok("PutSecretValue", SecretName=name, VersionId="v2", SecretData="two", SecretDataType="binary")
    match(body, {"SecretName": name, "VersionId": "v2"})
    require(stages_of(run, body) == ["ACSCurrent"], "the stages are wrong")
    match(run.see("GetSecretValue", SecretName=name), {"SecretData": "two", "SecretDataType": "binary"})
    labels = stages_text("ACSCurrent", "ACSNext")
    body = run.ok("PutSecretValue", SecretName=name, VersionId="v3", SecretData="three", VersionStages=labels)
    require(sorted(stages_of(run, body)) == ["ACSCurrent", "ACSNext"], "the stages are wrong")
    expect_versions(run, name, v1=[], v2=["ACSPrevious"], v3=["ACSCurrent", "ACSNext"])
    pending = stages_text("pending")
    run.ok("PutSecretValue", SecretName=name, VersionId="v4", SecretData=BIG_VALUE, VersionStages=pending)
    expect_versions(run, name, v1=[], v2=["ACSPrevious"], v3=["ACSCurrent", "ACSNext"], v4=["pending"])
    match(run.see("GetSecretValue", SecretName=name, VersionStage="pending"), {"SecretData": BIG_VALUE})


@check("PutSecretValue")
def a_version_is_never_changed(run: Run) -> None:
    name = a_secret(run)
    put(run, name, "v2")
    same = run.ok("PutSecretValue", SecretName=name, VersionId="v1", SecretData=VALUE)
    require(stages_of(run, same) == ["ACSPrevious"], "a repeated put moved a label")
    run.refused("Rejected.ResourceExist", 409, "PutSecretValue", SecretName=name, VersionId="v1", SecretData="other")
    expect_versions(run, name, v1=["ACSPrevious"], v2=["ACSCurrent"])
    match(run.see("GetSecretValue", SecretName=name, VersionId="v1"), {"SecretData": VALUE})


@check("PutSecretValue")
def a_value_needs_its_secret_and_its_size(run: Run) -> None:
    name = a_secret(run)
    value = {"VersionId": "v2", "SecretData": "x"}
    run.refused("Forbidden.ResourceNotFound", 404, "PutSecretValue", SecretName=run.name("conf/nothing"), **value)
    run.refused("Forbidden.NoPermission", 403, "PutSecretValue", who="user", SecretName=name, **value)
    run.refused("InvalidParameter", 400, "PutSecretValue", SecretName=name, VersionId="v" * 65, SecretData="x")
    run.refused("InvalidParameter", 400, "PutSecretValue", SecretName=name, VersionId="v2", SecretData=BIG_VALUE + "x")
    expect_versions(run, name, v1=["ACSCurrent"])


@check("ListSecretVersionIds")
def versions_are_listed_with_and_without_labels(run: Run) -> None:
    name = a_secret(run)
    for number in range(2, 12):
        put(run, name, f"v{number}")
    body = run.ok("ListSecretVersionIds", SecretName=name)
    match(body, {"SecretName": name, "PageNumber": 1, "PageSize": 20, "TotalCount": 2})
    labels = {each["VersionId"]: stages_of(run, each) for each in run.list(body, "VersionIds", "VersionId")}
    require(labels == {"v10": ["ACSPrevious"], "v11": ["ACSCurrent"]}, f"the labelled versions are {labels}")
    body = run.ok("ListSecretVersionIds", SecretName=name, IncludeDeprecated="true", PageNumber=2, PageSize=4)
    match(body, {"PageNumber": 2, "PageSize": 4, "TotalCount": 10})
    page = run.list(body, "VersionIds", "VersionId")
    require([each["VersionId"] for each in page] == ["v6", "v7", "v8", "v9"], "the second page is not v6 to v9")
    match(page[0], {"CreateTime": TIME})
    require(stages_of(run, page[0]) == [], "no labels are not []")


def stages_of(run: Run, version: dict[str, Any]) -> list[str]:
    return run.list(version, "VersionStages", "VersionStage")


@check("ListSecretVersionIds")
def versions_of_no_secret_are_not_found(run: Run) -> None:
    nothing = run.name("conf/nothing")
    run.refused("Forbidden.ResourceNotFound", 404, "ListSecretVersionIds", SecretName=nothing)
    run.refused("InvalidParameter", 400, "ListSecretVersionIds", SecretName=a_secret(run), PageSize=101)


@check("UpdateSecret")
def a_secret_gets_another_description_only(run: Run) -> None:
    name = a_secret(run, Description="old")
    match(run.ok("UpdateSecret", SecretName=name, Description="new ü"), {"SecretName": name})
    match(run.see("DescribeSecret", SecretName=name), {"Description": "new ü", "EncryptionKeyId": run.dev["key_id"]})
    expect_versions(run, name, v1=["ACSCurrent"])
    run.refused("Forbidden.NoPermission", 403, "UpdateSecret", who="user", SecretName=name, Description="x")
    match(run.see("DescribeSecret", SecretName=name), {"Description": "new ü"})
    nothing = run.name("conf/nothing")
    run.refused("Forbidden.ResourceNotFound", 404, "UpdateSecret", SecretName=nothing, Description="x")


@check("UpdateSecretVersionStage")
def labels_move_between_versions(run: Run) -> None:
    name = a_secret(run)
    put(run, name, "v2", "ACSCurrent", "ACSNext")
    move = {"SecretName": name}
    match(run.ok("UpdateSecretVersionStage", **move, VersionStage="ACSCurrent", MoveToVersion="v1"), move)
    expect_versions(run, name, v1=["ACSCurrent"], v2=["ACSNext", "ACSPrevious"])
    run.ok("UpdateSecretVersionStage", **move, VersionStage="ACSNext", RemoveFromVersion="v2", MoveToVersion="v1")
    expect_versions(run, name, v1=["ACSCurrent", "ACSNext"], v2=["ACSPrevious"])
    run.ok("UpdateSecretVersionStage", **move, VersionStage="ACSNext", RemoveFromVersion="v1")
    expect_versions(run, name, v1=["ACSCurrent"], v2=["ACSPrevious"])


@check("UpdateSecretVersionStage")
def labels_do_not_get_lost(run: Run) -> None:
    name = a_secret(run)
    operation, stage = "UpdateSecretVersionStage", {"SecretName": name, "VersionStage": "ACSCurrent"}
    run.refused("MissingParameter", 400, operation, **stage)
    run.refused("InvalidParameter", 400, operation, **stage, RemoveFromVersion="v1")
    run.refused("Forbidden.ResourceNotFound", 404, operation, **stage, MoveToVersion="v9")
    run.refused("Forbidden.NoPermission", 403, operation, who="user", **stage, MoveToVersion="v1")
    nothing = {"SecretName": run.name("conf/nothing"), "VersionStage": "ACSCurrent"}
    run.refused("Forbidden.ResourceNotFound", 404, operation, **nothing, MoveToVersion="v1")
    expect_versions(run, name, v1=["ACSCurrent"])


@check("DeleteSecret")
def a_deleted_secret_waits_and_a_forced_one_is_gone(run: Run) -> None:
    name = a_secret(run)
    body = run.ok("DeleteSecret", SecretName=name, RecoveryWindowInDays="7")
    match(body, {"SecretName": name, "PlannedDeleteTime": TIME})
    match(run.see("DescribeSecret", SecretName=name), {"PlannedDeleteTime": body["PlannedDeleteTime"]})
    run.refused("Rejected.ResourceInDeleteWindow", 409, "DeleteSecret", SecretName=name)
    forced = {"ForceDeleteWithoutRecovery": "true", "RecoveryWindowInDays": "30"}
    match(run.ok("DeleteSecret", SecretName=name, **forced), {"SecretName": name, "PlannedDeleteTime": TIME})
    run.refused("Forbidden.ResourceNotFound", 404, "DescribeSecret", SecretName=name)
    run.refused("Forbidden.ResourceNotFound", 404, "DeleteSecret", SecretName=name, **forced)
    make(run, name)  # the name is free again
    gone(run, name)


@check("DeleteSecret")
def a_secret_is_deleted_only_within_bounds(run: Run) -> None:
    name = a_secret(run)
    for days in ("6", "31"):
        run.refused("InvalidParameter", 400, "DeleteSecret", SecretName=name, RecoveryWindowInDays=days)
    run.refused("Forbidden.NoPermission", 403, "DeleteSecret", who="user", SecretName=name)
    match(run.see("DescribeSecret", SecretName=name), {"PlannedDeleteTime": ABSENT})


@check("RestoreSecret")
def a_restored_secret_is_as_before(run: Run) -> None:
    name = a_secret(run)
    run.aside("DeleteSecret", SecretName=name, RecoveryWindowInDays="7")
    run.refused("Forbidden.NoPermission", 403, "RestoreSecret", who="user", SecretName=name)
    match(run.ok("RestoreSecret", SecretName=name), {"SecretName": name})
    match(run.see("DescribeSecret", SecretName=name), {"PlannedDeleteTime": ABSENT})
    match(run.see("GetSecretValue", SecretName=name), {"SecretData": VALUE})
    run.refused("Rejected.ResourceInUse", 409, "RestoreSecret", SecretName=name)
    run.refused("Forbidden.ResourceNotFound", 404, "RestoreSecret", SecretName=run.name("conf/nothing"))


@check("GetRandomPassword")
def a_password_has_the_length_and_letters_asked_for(run: Run) -> None:
    first, second = (run.ok("GetRandomPassword")["RandomPassword"] for _ in range(2))
    require(len(first) == 32 and first != second, "two passwords of 32 characters are not two")
    classes = (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation)
    require(all(set(first) & set(letters) for letters in classes), f"a class is missing in {len(first)} characters")
    bare = {"ExcludePunctuation": "true", "ExcludeUppercase": "true", "ExcludeCharacters": "aeiou0123"}
    password = run.ok("GetRandomPassword", PasswordLength="128", **bare)["RandomPassword"]
    allowed = set(string.ascii_lowercase + string.digits) - set("aeiou0123")
    require(len(password) == 128 and set(password) <= allowed, "a password has what was excluded")


@check("GetRandomPassword")
def an_impossible_password_is_refused(run: Run) -> None:
    for length in ("7", "129"):
        run.refused("InvalidParameter", 400, "GetRandomPassword", PasswordLength=length)
    kinds = ("Lowercase", "Uppercase", "Numbers", "Punctuation")
    nothing = {f"Exclude{kind}": "true" for kind in kinds}
    run.refused("InvalidParameter", 400, "GetRandomPassword", **nothing)
    run.refused("Forbidden.NoPermission", 403, "GetRandomPassword", who="user")
