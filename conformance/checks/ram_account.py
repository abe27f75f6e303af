"""What an account sets for all its users, tags, and why a call was refused. Source: identity.md §2.2, §2.3.

An account has one of each of these settings, and clients run side by side: whoever sets one has RULES.
"""

import threading
from typing import Any

from checks.ram import a_group, a_key, a_user, of_ram
from checks.run import ABSENT, Run, match, require

RULES = threading.Lock()
USUAL_PASSWORDS = {"MinimumPasswordLength": 8, "MaxLoginAttemps": 0, "PasswordReusePrevention": 0}
USUAL_PREFERENCE = {"LoginNetworkMasks": "", "AllowUserToManageAccessKeys": False}


@of_ram("SetAccountAlias")
def an_account_takes_an_alias(run: Run) -> None:
    alias = run.name("acme")
    run.refused("InvalidParameter.AccountAlias.Format", 400, "SetAccountAlias", AccountAlias="Acme")
    run.refused("NoPermission", 403, "SetAccountAlias", who="user", AccountAlias=alias)
    with RULES:
        run.ok("SetAccountAlias", AccountAlias=alias)
        match(run.see("GetAccountAlias"), {"AccountAlias": alias})
        run.aside("ClearAccountAlias")


@of_ram("GetAccountAlias")
def the_alias_of_an_account_is_told(run: Run) -> None:
    alias = run.name("acme")
    with RULES:
        run.aside("SetAccountAlias", AccountAlias=alias)
        match(run.ok("GetAccountAlias"), {"AccountAlias": alias})
        run.aside("ClearAccountAlias")
        match(run.ok("GetAccountAlias"), {"AccountAlias": ABSENT})
    run.refused("NoPermission", 403, "GetAccountAlias", who="user")


@of_ram("ClearAccountAlias")
def an_account_gives_its_alias_up(run: Run) -> None:
    with RULES:
        run.aside("SetAccountAlias", AccountAlias=run.name("acme"))
        run.ok("ClearAccountAlias")
        match(run.see("GetAccountAlias"), {"AccountAlias": ABSENT})
    run.refused("NoPermission", 403, "ClearAccountAlias", who="user")


@of_ram("SetPasswordPolicy")
def passwords_have_rules_and_what_is_not_sent_stays(run: Run) -> None:
    too_short = {"MinimumPasswordLength": 7}
    run.refused("InvalidParameter.MinimumPasswordLength.Range", 400, "SetPasswordPolicy", **too_short)
    run.refused("NoPermission", 403, "SetPasswordPolicy", who="user", MinimumPasswordLength=12)
    with RULES:
        try:
            told = {"MinimumPasswordLength": 10, "MaxLoginAttemps": 5, "PasswordReusePrevention": 2}
            match(run.ok("SetPasswordPolicy", **told)["PasswordPolicy"], told | {"RequireNumbers": bool})
            run.ok("SetPasswordPolicy", MaxLoginAttemps=6)
            match(run.see("GetPasswordPolicy")["PasswordPolicy"], told | {"MaxLoginAttemps": 6})
        finally:
            run.aside("SetPasswordPolicy", **USUAL_PASSWORDS)


@of_ram("GetPasswordPolicy")
def the_rules_of_passwords_are_told(run: Run) -> None:
    required = ("Symbols", "Numbers", "LowercaseCharacters", "UppercaseCharacters")
    told = {f"Require{each}": bool for each in required} | {"HardExpiry": bool, "MaxPasswordAge": int}
    with RULES:
        match(run.ok("GetPasswordPolicy")["PasswordPolicy"], told | USUAL_PASSWORDS)
    run.refused("NoPermission", 403, "GetPasswordPolicy", who="user")


@of_ram("SetSecurityPreference")
def users_may_what_the_account_lets_them(run: Run) -> None:
    run.refused("InvalidParameter", 400, "SetSecurityPreference", LoginNetworkMasks="everywhere")
    run.refused("NoPermission", 403, "SetSecurityPreference", who="user", LoginSessionDuration=8)
    with RULES:
        try:
            told = {"LoginNetworkMasks": "10.0.0.0/8;192.0.2.7"}
            changed = run.ok("SetSecurityPreference", AllowUserToManageAccessKeys=True, **told)["SecurityPreference"]
            match(changed, {"AccessKeyPreference": {"AllowUserToManageAccessKeys": True}})
            found = run.see("GetSecurityPreference")["SecurityPreference"]
            match(found["AccessKeyPreference"], {"AllowUserToManageAccessKeys": True})
            match(found["LoginProfilePreference"], told | {"AllowUserToChangePassword": True})
        finally:
            run.aside("SetSecurityPreference", **USUAL_PREFERENCE)


@of_ram("GetSecurityPreference")
def what_users_may_is_told(run: Run) -> None:
    with RULES:
        found = run.ok("GetSecurityPreference")["SecurityPreference"]
    login = {"AllowUserToChangePassword": True, "EnableSaveMFATicket": bool, "LoginSessionDuration": 6}
    match(found["LoginProfilePreference"], login | {"LoginNetworkMasks": ABSENT})
    match(found["AccessKeyPreference"], {"AllowUserToManageAccessKeys": False})
    match(found["MFAPreference"], {"AllowUserToManageMFADevices": bool})
    match(found["PublicKeyPreference"], {"AllowUserToManagePublicKeys": bool})
    run.refused("NoPermission", 403, "GetSecurityPreference", who="user")


def tags_of(run: Run, **on: Any) -> dict[str, str]:
    found = run.see("ListTagResources", **on)["TagResources"]
    return {each["TagKey"]: each["TagValue"] for each in found}


@of_ram("TagResources")
def tags_are_put_on_users_and_groups(run: Run) -> None:
    user, group = a_user(run), a_group(run)
    for kind, name in (("user", user["UserName"]), ("group", group["GroupName"])):
        on: dict[str, Any] = {"ResourceType": kind, "ResourceNames": [name]}
        run.ok("TagResources", **on, Tag=[{"Key": "team", "Value": "orders"}, {"Key": "city", "Value": ""}])
        run.ok("TagResources", **on, Tag=[{"Key": "team", "Value": "stock"}])
        require(tags_of(run, **on) == {"team": "stock", "city": ""}, f"{tags_of(run, **on)}")
    tag = [{"Key": "team", "Value": "orders"}]
    nobody: dict[str, Any] = {"ResourceType": "user", "ResourceNames": [run.name("no")]}
    run.refused("EntityNotExist.User", 404, "TagResources", **nobody, Tag=tag)
    run.refused("InvalidParameter", 400, "TagResources", ResourceType="key", ResourceNames=["x"], Tag=tag)
    run.refused("NoPermission", 403, "TagResources", who="user", **on, Tag=tag)


@of_ram("UntagResources")
def tags_are_taken_away_by_key_or_all_at_once(run: Run) -> None:
    on: dict[str, Any] = {"ResourceType": "user", "ResourceNames": [a_user(run)["UserName"]]}
    run.aside("TagResources", **on, Tag=[{"Key": key, "Value": "x"} for key in ("a", "b", "c")])
    run.ok("UntagResources", **on, TagKeys=["a"])
    require(tags_of(run, **on) == {"b": "x", "c": "x"}, f"{tags_of(run, **on)}")
    run.ok("UntagResources", **on, All=True)
    require(tags_of(run, **on) == {}, f"{tags_of(run, **on)}")
    nobody: dict[str, Any] = {"ResourceType": "user", "ResourceNames": [run.name("no")]}
    run.refused("EntityNotExist.User", 404, "UntagResources", **nobody, TagKeys=["a"])


@of_ram("ListTagResources")
def tags_come_page_by_page(run: Run) -> None:
    name = a_user(run)["UserName"]
    on: dict[str, Any] = {"ResourceType": "user", "ResourceNames": [name]}
    run.aside("TagResources", **on, Tag=[{"Key": key, "Value": "x"} for key in ("a", "b", "c")])
    first = run.ok("ListTagResources", **on, PageSize=2)
    tag = {"ResourceName": name, "ResourceType": "user", "TagValue": "x"}
    match(first["TagResources"][0], tag | {"TagKey": "a"})
    rest = run.ok("ListTagResources", **on, PageSize=2, NextToken=first["NextToken"])
    require([each["TagKey"] for each in rest["TagResources"]] == ["c"], f"{rest}")
    match(rest, {"NextToken": ABSENT})
    run.aside("TagResources", **on, Tag=[{"Key": "d", "Value": run.id}])
    found = run.ok("ListTagResources", ResourceType="user", Tag=[{"Key": "d", "Value": run.id}])["TagResources"]
    require({each["ResourceName"] for each in found} == {name} and len(found) == 4, f"all of whoever has it: {found}")
    run.refused("InvalidParameter", 400, "ListTagResources", ResourceType="key")


@of_ram("DecodeDiagnosticMessage")
def why_a_call_was_refused_is_explained(run: Run) -> None:
    user = a_user(run)
    detail = run.denied("GetUser", a_key(run, user), **user)
    told = {"AuthAction": "ram:GetUser", "AuthPrincipalDisplayName": str, "NoPermissionType": "ImplicitDeny"}
    match(detail, told | {"AuthPrincipalOwnerId": run.dev["account_id"]})
    message = {"EncodedDiagnosticMessage": detail["EncodedDiagnosticMessage"]}
    decoded = run.ok("DecodeDiagnosticMessage", **message)["DecodedDiagnosticMessage"]
    match(decoded, {"AuthAction": "ram:GetUser", "ExplicitDeny": False, "MatchedPolicies": list})
    match(decoded["AuthPrincipal"], {"AuthPrincipalOwnerId": run.dev["account_id"]})
    require(decoded["AuthResource"].endswith(f":user/{user['UserName']}"), decoded["AuthResource"])
    run.refused("InvalidParameter", 400, "DecodeDiagnosticMessage", EncodedDiagnosticMessage="AAAA")
    run.refused("NoPermission", 403, "DecodeDiagnosticMessage", who="user", **message)
