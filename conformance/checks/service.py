"""The service, its regions and instances; and who may call at all.

Sources: keys.md §15.1, instance.md §1.5, identity.md §1.8.
"""

from checks.run import TIME, Run, check, match, one, require

NO_INSTANCE = "kst-hzz00000000nothere000"


@check("DescribeRegions")
def the_regions_name_ours(run: Run) -> None:
    regions = run.list(run.ok("DescribeRegions"), "Regions", "Region")
    one(regions, RegionId=run.dev["region"])


@check("DescribeRegions")
def a_wrong_secret_and_an_unknown_access_key_are_refused(run: Run) -> None:
    run.refused("SignatureDoesNotMatch", 400, "DescribeRegions", who="forger")
    run.refused("InvalidAccessKeyId.NotFound", 404, "DescribeRegions", who="stranger")


@check("DescribeAccountKmsStatus")
def the_account_is_enabled(run: Run) -> None:
    match(run.ok("DescribeAccountKmsStatus"), {"AccountStatus": "Enabled"})
    run.refused("Forbidden.NoPermission", 403, "DescribeAccountKmsStatus", who="user")


@check("OpenKmsService")
def an_open_service_is_not_opened_again(run: Run) -> None:
    run.refused("Forbidden.Opened", 400, "OpenKmsService")
    match(run.see("DescribeAccountKmsStatus"), {"AccountStatus": "Enabled"})
    run.refused("Forbidden.NoPermission", 403, "OpenKmsService", who="user")


def is_withdrawn(run: Run, operation: str, **parameters: str) -> None:
    run.refused("UnsupportedOperation", 400, operation, **parameters)
    run.refused("Forbidden.NoPermission", 403, operation, who="user", **parameters)


@check("DescribeService")
def a_withdrawn_description_is_refused_in_plain_words(run: Run) -> None:
    is_withdrawn(run, "DescribeService")


@check("AdvanceEncrypt")
def a_chosen_mode_is_refused_in_plain_words(run: Run) -> None:
    is_withdrawn(run, "AdvanceEncrypt", KeyId=run.dev["key_id"], Plaintext="aGVsbG8=")


@check("GetChallenge")
def a_challenge_that_nobody_could_use_is_refused_in_plain_words(run: Run) -> None:
    is_withdrawn(run, "GetChallenge")


@check("ListKmsInstances")
def the_instances_are_listed_by_page(run: Run) -> None:
    body = run.ok("ListKmsInstances")
    match(body, {"PageNumber": 1, "PageSize": 20, "TotalCount": int})
    instance = one(run.list(body, "KmsInstances", "KmsInstance"), KmsInstanceId=run.dev["instance_id"])
    arn = f"acs:kms:{run.dev['region']}:{run.dev['account_id']}:keystore/{run.dev['instance_id']}"
    match(instance, {"KmsInstanceArn": arn})
    past = run.ok("ListKmsInstances", PageNumber=1000, PageSize=100)
    match(past, {"PageNumber": 1000, "PageSize": 100, "TotalCount": body["TotalCount"]})
    require(run.list(past, "KmsInstances", "KmsInstance") == [], "a page past the end is not empty")


@check("ListKmsInstances")
def a_page_out_of_bounds_is_refused(run: Run) -> None:
    run.refused("InvalidParameter", 400, "ListKmsInstances", PageNumber=1, PageSize=101)
    run.refused("InvalidParameter", 400, "ListKmsInstances", PageNumber=0)
    run.refused("Forbidden.NoPermission", 403, "ListKmsInstances", who="user")


@check("GetKmsInstance")
def the_instance_is_connected(run: Run) -> None:
    instance = run.ok("GetKmsInstance", KmsInstanceId=run.dev["instance_id"])["KmsInstance"]
    match(instance, {"InstanceId": run.dev["instance_id"], "Status": "Connected"})
    match(instance, {"CreateTime": TIME, "StartDate": TIME, "EndDate": TIME})
    match(instance, {"KeyNum": int, "SecretNum": str, "VpcNum": int, "Spec": int})


@check("GetKmsInstance")
def an_unknown_instance_is_not_found(run: Run) -> None:
    run.refused("Forbidden.DKMSInstanceNotFound", 403, "GetKmsInstance", KmsInstanceId=NO_INSTANCE)
    run.refused("Forbidden.NoPermission", 403, "GetKmsInstance", who="user", KmsInstanceId=run.dev["instance_id"])
