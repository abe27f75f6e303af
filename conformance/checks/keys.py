"""Keys and aliases. Sources: keys.md §2, §4 to §7, §18."""

import re

from checks.run import ABSENT, INSTANCE_KEY, TEXT, TIME, UUID, Run, check, match, one, require
from checks.service import NO_INSTANCE

USAGES = {
    "Aliyun_AES_256": "ENCRYPT/DECRYPT",
    "Aliyun_AES_192": "ENCRYPT/DECRYPT",
    "Aliyun_AES_128": "ENCRYPT/DECRYPT",
    "Aliyun_SM4": "ENCRYPT/DECRYPT",
    "EC_P256": "SIGN/VERIFY",
    "EC_P256K": "SIGN/VERIFY",
    "EC_SM2": "SIGN/VERIFY",
    "RSA_2048": "SIGN/VERIFY",
    "Aliyun_HMAC_SM3": "GENERATE/VERIFY",
    "Aliyun_HMAC_SHA_224": "GENERATE/VERIFY",
    "Aliyun_HMAC_SHA_256": "GENERATE/VERIFY",
    "Aliyun_HMAC_SHA_384": "GENERATE/VERIFY",
    "Aliyun_HMAC_SHA_512": "GENERATE/VERIFY",
}
NO_KEY = "00000000-0000-4000-8000-000000000000"


def a_key(run: Run, purpose: str) -> str:
    """A key of this run for one purpose, made by the witness at first need."""
    if purpose not in run.keys:
        made = run.aside("CreateKey", Description=f"{purpose} {run.id}")
        run.keys[purpose] = made["KeyMetadata"]["KeyId"]
    return run.keys[purpose]


def key_arn(run: Run, key_id: str) -> str:
    return f"acs:kms:{run.dev['region']}:{run.dev['account_id']}:key/{key_id}"


@check("CreateKey")
def a_new_key_is_enabled_and_fully_described(run: Run) -> None:
    description = f'first, with ümläut & "quotes" {run.id}'
    metadata = run.ok("CreateKey", Description=description)["KeyMetadata"]
    key_id = metadata["KeyId"]
    match(
        metadata,
        {
            "KeyId": UUID,
            "Arn": key_arn(run, key_id),
            "Creator": run.dev["account_id"],
            "CreationDate": TIME,
            "Description": description,
            "KeySpec": "Aliyun_AES_256",
            "KeyUsage": "ENCRYPT/DECRYPT",
            "KeyState": "Enabled",
            "Origin": "Aliyun_KMS",
            "ProtectionLevel": "SOFTWARE",
            "PrimaryKeyVersion": UUID,
            "LastRotationDate": TIME,
            "AutomaticRotation": "Disabled",
            "RotationInterval": ABSENT,
            "NextRotationDate": ABSENT,
            "DeleteDate": ABSENT,
            "MaterialExpireTime": ABSENT,
            "DeletionProtection": ABSENT,
            "DKMSInstanceId": ABSENT,
        },
    )
    seen = run.see("DescribeKey", KeyId=key_id)["KeyMetadata"]
    match(seen, {"KeyId": key_id, "Description": description, "PrimaryKeyVersion": metadata["PrimaryKeyVersion"]})


@check("CreateKey")
def a_key_of_an_instance_has_the_ids_of_one(run: Run) -> None:
    if not run.knows("CreateKey", "DKMSInstanceId"):
        return
    instance = run.dev["instance_id"]
    metadata = run.ok("CreateKey", DKMSInstanceId=instance, KeySpec="Aliyun_SM4")["KeyMetadata"]
    match(metadata, {"KeyId": INSTANCE_KEY, "DKMSInstanceId": instance, "KeySpec": "Aliyun_SM4"})
    version = re.compile(re.escape(metadata["KeyId"]) + r"-[a-z0-9]{10}")
    match(metadata, {"PrimaryKeyVersion": version, "Arn": key_arn(run, metadata["KeyId"]), "Description": ABSENT})
    match(run.see("DescribeKey", KeyId=metadata["KeyId"])["KeyMetadata"], {"DKMSInstanceId": instance})
    run.refused("Forbidden.DKMSInstanceNotFound", 403, "CreateKey", DKMSInstanceId=NO_INSTANCE)


@check("CreateKey")
def every_spec_has_its_usage_and_only_a_cipher_has_a_primary_version(run: Run) -> None:
    for spec, usage in USAGES.items():
        metadata = run.ok("CreateKey", KeySpec=spec)["KeyMetadata"]
        match(metadata, {"KeySpec": spec, "KeyUsage": usage, "KeyState": "Enabled", "AutomaticRotation": "Disabled"})
        match(metadata, {"PrimaryKeyVersion": ABSENT if usage == "SIGN/VERIFY" else UUID})
        run.aside("ScheduleKeyDeletion", KeyId=metadata["KeyId"], PendingWindowInDays=7)


@check("CreateKey")
def a_key_for_material_from_outside_waits_for_it(run: Run) -> None:
    metadata = run.ok("CreateKey", Origin="EXTERNAL")["KeyMetadata"]
    match(metadata, {"Origin": "EXTERNAL", "KeyState": "PendingImport", "PrimaryKeyVersion": ABSENT})
    if run.knows("CreateKey", "EnableAutomaticRotation"):
        rotating = {"EnableAutomaticRotation": True, "RotationInterval": "365d"}
        run.refused("InvalidParameter", 400, "CreateKey", Origin="EXTERNAL", **rotating)
        metadata = run.ok("CreateKey", **rotating)["KeyMetadata"]
        match(metadata, {"AutomaticRotation": "Enabled", "RotationInterval": "31536000s", "NextRotationDate": TIME})


@check("CreateKey")
def a_key_that_cannot_be_is_refused(run: Run) -> None:
    run.refused("InvalidParameter", 400, "CreateKey", KeySpec="Aliyun_AES_256", KeyUsage="SIGN/VERIFY")
    run.refused("InvalidParameter", 400, "CreateKey", KeySpec="EC_P256", KeyUsage="ENCRYPT/DECRYPT")
    run.refused("InvalidParameter", 400, "CreateKey", KeySpec="Aliyun_HMAC_SM3", KeyUsage="SIGN/VERIFY")
    run.refused("InvalidParameter", 400, "CreateKey", Origin="aliyun_kms")
    run.refused("InvalidParameter", 400, "CreateKey", Description="x" * 8193)
    run.refused("Forbidden.NoPermission", 403, "CreateKey", who="user")


@check("DescribeKey")
def a_key_is_found_by_id_arn_and_alias(run: Run) -> None:
    key = run.dev["key_id"]
    for name in (key, key_arn(run, key), run.dev["key_alias"]):
        metadata = run.ok("DescribeKey", KeyId=name)["KeyMetadata"]
        match(metadata, {"KeyId": key, "Arn": key_arn(run, key), "KeyState": "Enabled", "KeySpec": "Aliyun_AES_256"})
    match(metadata, {"CreationDate": TIME, "KeyUsage": "ENCRYPT/DECRYPT", "Creator": run.dev["account_id"]})
    if run.driver.name != "npm-kms20160120":  # 1.2.0 is older than these members
        match(metadata, {"DeletionProtection": "Disabled", "DKMSInstanceId": run.dev["instance_id"]})


@check("DescribeKey")
def a_key_that_is_not_there_is_not_found(run: Run) -> None:
    run.refused("Forbidden.KeyNotFound", 404, "DescribeKey", KeyId=NO_KEY)
    run.refused("Forbidden.AliasNotFound", 404, "DescribeKey", KeyId=f"alias/{run.name('nothing')}")
    run.refused("MissingParameter", 400, "DescribeKey", KeyId="")


@check("DescribeKey")
def what_one_may_not_see_answers_alike_whether_it_exists(run: Run) -> None:
    run.refused("Forbidden.NoPermission", 403, "DescribeKey", who="user", KeyId=run.dev["key_id"])
    run.refused("Forbidden.NoPermission", 403, "DescribeKey", who="user", KeyId=NO_KEY)


@check("ListKeys")
def all_keys_are_listed_by_page(run: Run) -> None:
    key = a_key(run, "listed")
    first = run.ok("ListKeys")
    match(first, {"PageNumber": 1, "PageSize": 10, "TotalCount": int})
    require(len(run.list(first, "Keys", "Key")) <= 10, "a page of ten has more")
    found = list(run.pages("ListKeys", "Keys", "Key"))
    match(one(found, KeyId=key), {"KeyArn": key_arn(run, key)})
    one(found, KeyId=run.dev["key_id"])
    past = run.ok("ListKeys", PageNumber=1000, PageSize=100)
    require(run.list(past, "Keys", "Key") == [], "a page past the end is not empty")


@check("ListKeys")
def filters_are_joined_by_and_their_values_by_or(run: Run) -> None:
    if not run.knows("ListKeys", "Filters"):
        return
    by_instance = f'{{"Key":"DKMSInstanceId","Values":["{run.dev["instance_id"]}"]}}'
    by_spec = '{"Key":"KeySpec","Values":["Aliyun_AES_256","Aliyun_AES_128"]}'
    found = list(run.pages("ListKeys", "Keys", "Key", Filters=f"[{by_spec},{by_instance}]"))
    one(found, KeyId=run.dev["key_id"])
    sm4 = '{"Key":"KeySpec","Values":["Aliyun_SM4"]}'
    found = list(run.pages("ListKeys", "Keys", "Key", Filters=f"[{sm4},{by_instance}]"))
    require(run.dev["key_id"] not in [each["KeyId"] for each in found], "the AES key passes a filter for SM4")
    by_id = f'{{"Key":"KeyId","Values":["{NO_KEY}"]}}'
    empty = run.ok("ListKeys", Filters=f"[{by_id}]")
    match(empty, {"TotalCount": 0})
    require(run.list(empty, "Keys", "Key") == [], "an empty list is not []")


@check("ListKeys")
def bad_pages_and_filters_are_refused(run: Run) -> None:
    run.refused("InvalidParameter", 400, "ListKeys", PageSize=101)
    run.refused("InvalidParameter", 400, "ListKeys", PageNumber=0)
    if run.knows("ListKeys", "Filters"):
        run.refused("InvalidParameter", 400, "ListKeys", Filters='[{"Key":"NoSuchFilter","Values":["x"]}]')
        run.refused("InvalidParameter", 400, "ListKeys", Filters="not json")
    run.refused("Forbidden.NoPermission", 403, "ListKeys", who="user")


@check("DisableKey")
def a_disabled_key_refuses_its_use(run: Run) -> None:
    key = a_key(run, "switched")
    run.ok("DisableKey", KeyId=key)
    run.ok("DisableKey", KeyId=key)
    match(run.see("DescribeKey", KeyId=key)["KeyMetadata"], {"KeyState": "Disabled"})
    run.refused("Rejected.Disabled", 409, "Encrypt", KeyId=key, Plaintext="no")


@check("DisableKey")
def only_a_known_key_id_is_disabled(run: Run) -> None:
    run.refused("Forbidden.KeyNotFound", 404, "DisableKey", KeyId=NO_KEY)
    run.refused("Unsupported.Alias", 400, "DisableKey", KeyId=run.dev["key_alias"])
    run.refused("Forbidden.NoPermission", 403, "DisableKey", who="user", KeyId=run.dev["key_id"])
    match(run.see("DescribeKey", KeyId=run.dev["key_id"])["KeyMetadata"], {"KeyState": "Enabled"})


@check("EnableKey")
def an_enabled_key_serves_again(run: Run) -> None:
    key = a_key(run, "switched")
    run.aside("DisableKey", KeyId=key)
    run.ok("EnableKey", KeyId=key)
    run.ok("EnableKey", KeyId=key)
    match(run.see("DescribeKey", KeyId=key)["KeyMetadata"], {"KeyState": "Enabled"})
    run.see("Encrypt", KeyId=key, Plaintext="yes")


@check("EnableKey")
def only_a_known_key_id_is_enabled(run: Run) -> None:
    run.refused("Forbidden.KeyNotFound", 404, "EnableKey", KeyId=NO_KEY)
    run.refused("Unsupported.Alias", 400, "EnableKey", KeyId=run.dev["key_alias"])
    run.refused("Forbidden.NoPermission", 403, "EnableKey", who="user", KeyId=run.dev["key_id"])


@check("UpdateKeyDescription")
def a_description_is_replaced_and_nothing_else(run: Run) -> None:
    key = a_key(run, "described")
    before = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
    run.ok("UpdateKeyDescription", KeyId=key, Description="说明 + 100% &=")
    after = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
    match(after, before | {"Description": "说明 + 100% &="})


@check("UpdateKeyDescription")
def a_description_too_long_changes_nothing(run: Run) -> None:
    key = a_key(run, "described")
    before = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
    run.refused("InvalidParameter", 400, "UpdateKeyDescription", KeyId=key, Description="x" * 8193)
    run.refused("Forbidden.KeyNotFound", 404, "UpdateKeyDescription", KeyId=NO_KEY, Description="x")
    run.refused("Forbidden.NoPermission", 403, "UpdateKeyDescription", who="user", KeyId=key, Description="x")
    match(run.see("DescribeKey", KeyId=key)["KeyMetadata"], before)


def an_alias(run: Run, key: str) -> str:
    alias = f"alias/{run.name('conf')}"
    run.aside("CreateAlias", AliasName=alias, KeyId=key)
    return alias


@check("CreateAlias")
def a_new_alias_names_its_key(run: Run) -> None:
    key, alias = a_key(run, "named"), f"alias/{run.name('a/b_c')}"
    run.ok("CreateAlias", AliasName=alias, KeyId=key)
    match(run.see("DescribeKey", KeyId=alias)["KeyMetadata"], {"KeyId": key})


@check("CreateAlias")
def an_alias_is_taken_once_and_well_formed(run: Run) -> None:
    key = a_key(run, "named")
    alias = an_alias(run, key)
    run.refused("AliasAlreadyExists", 400, "CreateAlias", AliasName=alias, KeyId=a_key(run, "renamed"))
    match(run.see("DescribeKey", KeyId=alias)["KeyMetadata"], {"KeyId": key})
    run.refused("InvalidParameter", 400, "CreateAlias", AliasName=run.name("no-prefix"), KeyId=key)
    run.refused("InvalidParameter", 400, "CreateAlias", AliasName=f"alias/acs/{run.id}", KeyId=key)
    run.refused("InvalidParameter", 400, "CreateAlias", AliasName="alias/" + "x" * 256, KeyId=key)
    run.refused("Forbidden.KeyNotFound", 404, "CreateAlias", AliasName=f"alias/{run.name('x')}", KeyId=NO_KEY)
    run.refused("Forbidden.NoPermission", 403, "CreateAlias", who="user", AliasName=f"alias/{run.name('x')}", KeyId=key)


@check("UpdateAlias")
def an_alias_is_moved_to_another_key(run: Run) -> None:
    alias, target = an_alias(run, a_key(run, "named")), a_key(run, "renamed")
    run.ok("UpdateAlias", AliasName=alias, KeyId=target)
    match(run.see("DescribeKey", KeyId=alias)["KeyMetadata"], {"KeyId": target})


@check("UpdateAlias")
def an_alias_moves_only_from_and_to_what_exists(run: Run) -> None:
    key = a_key(run, "named")
    alias = an_alias(run, key)
    run.refused("Forbidden.KeyNotFound", 404, "UpdateAlias", AliasName=alias, KeyId=NO_KEY)
    run.refused("Forbidden.AliasNotFound", 404, "UpdateAlias", AliasName=f"alias/{run.name('x')}", KeyId=key)
    run.refused("Forbidden.NoPermission", 403, "UpdateAlias", who="user", AliasName=alias, KeyId=key)
    match(run.see("DescribeKey", KeyId=alias)["KeyMetadata"], {"KeyId": key})


@check("DeleteAlias")
def a_deleted_alias_is_gone_and_its_key_is_not(run: Run) -> None:
    key = a_key(run, "named")
    alias = an_alias(run, key)
    run.refused("Forbidden.NoPermission", 403, "DeleteAlias", who="user", AliasName=alias)
    run.ok("DeleteAlias", AliasName=alias)
    run.refused("Forbidden.AliasNotFound", 404, "DescribeKey", KeyId=alias)
    match(run.see("DescribeKey", KeyId=key)["KeyMetadata"], {"KeyState": "Enabled"})
    run.refused("Forbidden.AliasNotFound", 404, "DeleteAlias", AliasName=alias)


@check("ListAliases")
def all_aliases_are_listed_with_arn_and_key(run: Run) -> None:
    key = a_key(run, "named")
    alias = an_alias(run, key)
    found = one(list(run.pages("ListAliases", "Aliases", "Alias")), AliasName=alias)
    arn = f"acs:kms:{run.dev['region']}:{run.dev['account_id']}:{alias}"
    match(found, {"KeyId": key, "AliasArn": arn})
    match(run.ok("ListAliases"), {"PageNumber": 1, "PageSize": 10, "TotalCount": int})
    run.refused("InvalidParameter", 400, "ListAliases", PageNumber=0)
    run.refused("Forbidden.NoPermission", 403, "ListAliases", who="user")


@check("ListAliasesByKeyId")
def a_key_lists_its_own_aliases(run: Run) -> None:
    key = run.aside("CreateKey")["KeyMetadata"]["KeyId"]
    empty = run.ok("ListAliasesByKeyId", KeyId=key)
    match(empty, {"TotalCount": 0, "PageNumber": 1, "PageSize": 10})
    require(run.list(empty, "Aliases", "Alias") == [], "an empty list is not []")
    names = sorted(an_alias(run, key) for _ in range(2))
    body = run.ok("ListAliasesByKeyId", KeyId=key_arn(run, key))
    match(body, {"TotalCount": 2})
    found = run.list(body, "Aliases", "Alias")
    require(sorted(each["AliasName"] for each in found) == names, f"{found} are not {names}")
    match(found[0], {"KeyId": key, "AliasArn": TEXT})


@check("ListAliasesByKeyId")
def aliases_of_no_key_are_not_found(run: Run) -> None:
    run.refused("Forbidden.KeyNotFound", 404, "ListAliasesByKeyId", KeyId=NO_KEY)
    run.refused("Forbidden.NoPermission", 403, "ListAliasesByKeyId", who="user", KeyId=run.dev["key_id"])
