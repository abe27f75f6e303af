"""Tags of keys and secrets: three operations of the old kind, three of the new.

Sources: keys.md §14, secrets.md §4.16.
"""

import json
from typing import Any

from checks.keys import NO_KEY, a_key
from checks.run import Run, check, items, match, one, require
from checks.secrets import a_secret

TAGS = [{"TagKey": "team", "TagValue": "a b"}, {"TagKey": "stage/x", "TagValue": "prod"}]


def tags_of_key(run: Run, key: str) -> dict[str, str]:
    found = items(run.aside("ListResourceTags", KeyId=key), "Tags", "Tag")
    return {each["TagKey"]: each["TagValue"] for each in found}


def tags_of_secret(run: Run, name: str) -> dict[str, str]:
    found = items(run.aside("DescribeSecret", SecretName=name, FetchTags="true"), "Tags", "Tag")
    return {each["TagKey"]: each["TagValue"] for each in found}


def expect(found: dict[str, str], **expected: str) -> None:
    require(found == expected, f"the tags are {found}, not {expected}")


def region_for(run: Run, operation: str) -> dict[str, str]:
    """The region, for the clients whose call has it; the others send it, or not, by themselves."""
    return {"RegionId": run.dev["region"]} if run.knows(operation, "RegionId") else {}


@check("TagResource")
def a_key_or_a_secret_is_tagged_and_tagged_over(run: Run) -> None:
    key, name = a_key(run, "tagged"), a_secret(run)
    for target, tags in (({"KeyId": key}, tags_of_key), ({"SecretName": name}, tags_of_secret)):
        run.ok("TagResource", **target, Tags=json.dumps(TAGS))
        run.ok("TagResource", **target, Tags='[{"TagKey":"team","TagValue":"other"}]')
        expect(tags(run, key if "KeyId" in target else name), **{"team": "other", "stage/x": "prod"})


@check("TagResource")
def a_tag_needs_one_target_and_a_free_name(run: Run) -> None:
    key, name = run.aside("CreateKey")["KeyMetadata"]["KeyId"], a_secret(run)
    tags = '[{"TagKey":"a","TagValue":"b"}]'
    run.refused("InvalidParameter", 400, "TagResource", KeyId=key, SecretName=name, Tags=tags)
    run.refused("InvalidParameter", 400, "TagResource", KeyId=key, Tags='[{"TagKey":"acs:a","TagValue":"b"}]')
    run.refused("InvalidParameter", 400, "TagResource", KeyId=key, Tags="not json")
    run.refused("Forbidden.KeyNotFound", 404, "TagResource", KeyId=NO_KEY, Tags=tags)
    run.refused("Forbidden.ResourceNotFound", 404, "TagResource", SecretName=run.name("conf/nothing"), Tags=tags)
    run.refused("Forbidden.NoPermission", 403, "TagResource", who="user", KeyId=key, Tags=tags)
    expect(tags_of_key(run, key))


@check("UntagResource")
def tags_are_taken_off_by_key(run: Run) -> None:
    key, name = a_key(run, "untagged"), a_secret(run, Tags=json.dumps(TAGS))
    run.aside("TagResource", KeyId=key, Tags=json.dumps(TAGS))
    run.refused("Forbidden.NoPermission", 403, "UntagResource", who="user", KeyId=key, TagKeys='["team"]')
    run.ok("UntagResource", KeyId=key, TagKeys='["team","never there"]')
    expect(tags_of_key(run, key), **{"stage/x": "prod"})
    run.ok("UntagResource", SecretName=name, TagKeys="team,stage/x")
    expect(tags_of_secret(run, name))
    run.refused("Forbidden.KeyNotFound", 404, "UntagResource", KeyId=NO_KEY, TagKeys='["team"]')


@check("ListResourceTags")
def the_tags_of_a_key_are_listed(run: Run) -> None:
    key = run.aside("CreateKey")["KeyMetadata"]["KeyId"]
    require(run.list(run.ok("ListResourceTags", KeyId=key), "Tags", "Tag") == [], "no tags are not []")
    run.aside("TagResource", KeyId=key, Tags=json.dumps(TAGS))
    found = run.list(run.ok("ListResourceTags", KeyId=key), "Tags", "Tag")
    require(len(found) == 2, f"{len(found)} tags, not 2")
    match(one(found, TagKey="team"), {"KeyId": key, "TagValue": "a b"})
    run.refused("Forbidden.KeyNotFound", 404, "ListResourceTags", KeyId=NO_KEY)
    run.refused("Forbidden.NoPermission", 403, "ListResourceTags", who="user", KeyId=key)


def target(run: Run, operation: str, kind: str, *ids: str) -> dict[str, Any]:
    return {"ResourceType": kind, "ResourceId": list(ids)} | region_for(run, operation)


@check("TagResources")
def several_resources_get_several_tags(run: Run) -> None:
    first, second = a_key(run, "several, one"), a_key(run, "several, two")
    tags = [{"Key": "one", "Value": "1"}, {"Key": "two", "Value": "2"}]
    run.ok("TagResources", **target(run, "TagResources", "key", first, second), Tag=tags)
    for key in (first, second):
        expect(tags_of_key(run, key), one="1", two="2")
    name = a_secret(run)
    run.ok("TagResources", **target(run, "TagResources", "secret", name), Tag=tags)
    expect(tags_of_secret(run, name), one="1", two="2")


@check("TagResources")
def one_unknown_resource_leaves_all_untagged(run: Run) -> None:
    key = run.aside("CreateKey")["KeyMetadata"]["KeyId"]
    tags = [{"Key": "a", "Value": "b"}]
    operation = "TagResources"
    run.refused("Forbidden.KeyNotFound", 404, operation, **target(run, operation, "key", key, NO_KEY), Tag=tags)
    run.refused("InvalidParameter", 400, operation, **target(run, operation, "bucket", key), Tag=tags)
    run.refused("Forbidden.NoPermission", 403, operation, who="user", **target(run, operation, "key", key), Tag=tags)
    expect(tags_of_key(run, key))


@check("UntagResources")
def several_resources_lose_some_tags_or_all(run: Run) -> None:
    operation, name = "UntagResources", a_secret(run, Tags=json.dumps(TAGS))
    run.ok(operation, **target(run, operation, "secret", name), TagKey=["team"])
    expect(tags_of_secret(run, name), **{"stage/x": "prod"})
    key = a_key(run, "stripped")
    run.aside("TagResource", KeyId=key, Tags=json.dumps(TAGS))
    run.refused("Forbidden.NoPermission", 403, operation, who="user", **target(run, operation, "key", key), All=True)
    run.ok(operation, **target(run, operation, "key", key), All=True)
    expect(tags_of_key(run, key))
    run.refused("Forbidden.KeyNotFound", 404, operation, **target(run, operation, "key", NO_KEY), TagKey=["team"])


@check("ListTagResources")
def tags_are_listed_by_resource_and_by_tag(run: Run) -> None:
    operation, key, other = "ListTagResources", a_key(run, "row one"), a_key(run, "row two")
    for each in (key, other):
        run.aside("TagResource", KeyId=each, Tags=f'[{{"TagKey":"of {each[:8]}","TagValue":"{run.id}"}}]')
    run.aside("TagResource", KeyId=key, Tags=json.dumps(TAGS))
    found = run.list(run.ok(operation, **target(run, operation, "key", key)), "TagResources", "TagResource")
    require(len(found) == 3, f"{len(found)} rows, not 3")
    row = one(found, TagKey="team")
    match(row, {"ResourceId": key, "TagValue": "a b"})
    by_tag = [{"Key": f"of {other[:8]}", "Value": run.id}]
    body = run.ok(operation, **target(run, operation, "key", key, other), Tag=by_tag)
    one(run.list(body, "TagResources", "TagResource"), ResourceId=other)


@check("ListTagResources")
def tags_of_what_is_not_there_are_refused(run: Run) -> None:
    operation = "ListTagResources"
    run.refused("Forbidden.KeyNotFound", 404, operation, **target(run, operation, "key", NO_KEY))
    run.refused("InvalidParameter", 400, operation, **target(run, operation, "bucket", NO_KEY))
    key = a_key(run, "row one")
    run.refused("Forbidden.NoPermission", 403, operation, who="user", **target(run, operation, "key", key))
