"""Sessions of roles: how they begin, what they may, and who they are told they are. Source: identity.md §2.6."""

import json
import re
from typing import Any

from checks.ram import a_key, a_user, hold, of_sts
from checks.run import ABSENT, TIME, Run, match, require
from checks.tokens import AUDIENCE, SUBJECT, IdentityProvider, trust, vouched
from clients import Key

SESSION_KEY = re.compile(r"STS\.\w+")
CREDENTIALS = {"AccessKeyId": SESSION_KEY, "AccessKeySecret": str, "SecurityToken": str, "Expiration": TIME}
NARROW = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ram:GetUser", "Resource": "*"}]})


def a_role(run: Run, principal: dict[str, Any], condition: dict[str, Any]) -> dict[str, str]:
    """A role with all rights, as AssumeRole names it."""
    name = run.name("conf")
    made = run.aside("ram:CreateRole", RoleName=name, AssumeRolePolicyDocument=trust(principal, condition))["Role"]
    run.aside("ram:AttachPolicyToRole", RoleName=name, PolicyName="AdministratorAccess", PolicyType="System")
    return {"RoleArn": made["Arn"]}


def a_role_of_the_account(run: Run, **condition: Any) -> dict[str, str]:
    return a_role(run, {"RAM": [f"acs:ram::{run.dev['account_id']}:root"]}, condition)


def a_caller(run: Run) -> Key:
    """A user who may take roles on."""
    user = a_user(run)
    hold(run, user, "AliyunSTSAssumeRoleAccess")
    return a_key(run, user)


def must_encrypt(run: Run, given: dict[str, str]) -> None:
    """What an answer gives is good for what its role may."""
    run.aside("kms:Encrypt", who=session(given), KeyId=run.dev["key_id"], Plaintext="hello")


def session(given: dict[str, str]) -> Key:
    return {"id": given["AccessKeyId"], "secret": given["AccessKeySecret"], "token": given["SecurityToken"]}


@of_sts("AssumeRole")
def a_user_takes_a_role_on_if_both_sides_let_it(run: Run) -> None:
    role, caller = a_role_of_the_account(run), a_caller(run)
    taken = role | {"RoleSessionName": "conf"}
    given = run.ok("AssumeRole", who=caller, DurationSeconds=900, **taken)
    match(given["Credentials"], CREDENTIALS)
    must_encrypt(run, given["Credentials"])
    match(given["AssumedRoleUser"], {"Arn": f"{role['RoleArn']}/conf", "AssumedRoleId": re.compile(r"\d{18}:conf")})
    run.refused("NoPermission", 403, "AssumeRole", **taken)
    run.refused("NoPermission", 403, "AssumeRole", who=a_key(run, a_user(run)), **taken)
    stranger = a_role(run, {"RAM": ["acs:ram::1234567890123456:root"]}, {})
    run.refused("NoPermission", 403, "AssumeRole", who=caller, **stranger, RoleSessionName="conf")


@of_sts("AssumeRole")
def what_is_asked_of_a_session_has_bounds(run: Run) -> None:
    role, caller = a_role_of_the_account(run), a_caller(run)
    named: dict[str, Any] = {"who": caller, "RoleSessionName": "conf"}
    run.refused("InvalidParameter.RoleSessionName", 400, "AssumeRole", who=caller, **role, RoleSessionName="a b")
    run.refused("InvalidParameter.DurationSeconds", 400, "AssumeRole", **role, **named, DurationSeconds=3601)
    run.refused("InvalidParameter.RoleArn", 400, "AssumeRole", **named, RoleArn="role/deploy")
    run.refused("InvalidParameter.PolicyGrammar", 400, "AssumeRole", **role, **named, Policy="{}")
    run.refused("EntityNotExist.Role", 404, "AssumeRole", **named, RoleArn=f"{role['RoleArn']}-no")


@of_sts("AssumeRole")
def a_third_party_says_its_external_id(run: Run) -> None:
    role, caller = a_role_of_the_account(run, StringEquals={"sts:ExternalId": "customer:42"}), a_caller(run)
    taken: dict[str, Any] = role | {"RoleSessionName": "conf", "who": caller}
    run.refused("NoPermission", 403, "AssumeRole", **taken)
    run.refused("NoPermission", 403, "AssumeRole", **taken, ExternalId="customer:43")
    match(run.ok("AssumeRole", **taken, ExternalId="customer:42"), {"Credentials": CREDENTIALS})


@of_sts("AssumeRole")
def who_is_behind_a_session_is_told(run: Run) -> None:
    if not run.knows("AssumeRole", "SourceIdentity"):
        return
    taken: dict[str, Any] = a_role_of_the_account(run) | {"RoleSessionName": "conf", "who": a_caller(run)}
    identity = {"SourceIdentity": "alice@example.com"}
    match(run.ok("AssumeRole", **taken, **identity), identity)
    run.refused("InvalidParameter", 400, "AssumeRole", **taken, SourceIdentity="acs:alice")


@of_sts("AssumeRole")
def a_session_policy_narrows_what_the_role_may(run: Run) -> None:
    role, caller, user = a_role_of_the_account(run), a_caller(run), a_user(run)
    given = run.ok("AssumeRole", who=caller, **role, RoleSessionName="conf", Policy=NARROW)
    narrowed = session(given["Credentials"])
    run.aside("ram:GetUser", who=narrowed, **user)
    match(run.denied("ram:ListUsers", narrowed), {"PolicyType": "SessionPolicy"})


@of_sts("AssumeRoleWithOIDC")
def whom_a_provider_vouches_for_takes_a_role_on(run: Run) -> None:
    name = run.name("conf")
    arn = f"acs:ram::{run.dev['account_id']}:oidc-provider/{name}"
    provider = IdentityProvider(f"https://{name}.example")
    run.aside("yaoku:PutOidcProvider", Name=name, Issuer=provider.issuer, ClientId=[AUDIENCE], Keys=provider.keys())
    run.at_end.append(("yaoku:DeleteOidcProvider", {"Name": name}))
    role = a_role(run, {"Federated": [arn]}, vouched(provider.issuer))
    # An access key is not asked for, and not looked at: this one is nobody's.
    taken = {"who": "stranger", "OIDCProviderArn": arn, "RoleSessionName": "conf"} | role
    given = run.ok("AssumeRoleWithOIDC", **taken, OIDCToken=provider.token())
    match(given["Credentials"], CREDENTIALS)
    must_encrypt(run, given["Credentials"])
    told = {"Subject": SUBJECT, "Issuer": provider.issuer, "ClientIds": AUDIENCE, "ExpirationTime": TIME}
    match(given["OIDCTokenInfo"], told)
    match(given["AssumedRoleUser"], {"Arn": f"{role['RoleArn']}/conf"})
    identity = run.see("GetCallerIdentity", who=session(given["Credentials"]))
    match(identity, {"IdentityType": "AssumedRoleUser"})
    for code, token in (
        ("AuthenticationFail.OIDCToken.Invalid", provider.forged()),
        ("AuthenticationFail.OIDCToken.Invalid", provider.token(aud=["another"])),
        ("AuthenticationFail.OIDCToken.Expired", provider.token(age=7200)),
        ("AuthenticationFail.NoPermission", provider.token(sub="system:serviceaccount:orders:other")),
    ):
        run.refused(code, 401, "AssumeRoleWithOIDC", **taken, OIDCToken=token)
    nothing = taken | {"RoleArn": f"{role['RoleArn']}-no"}
    run.refused("EntityNotExist.RoleArn", 404, "AssumeRoleWithOIDC", **nothing, OIDCToken=provider.token())


@of_sts("GetCallerIdentity")
def everybody_is_told_who_they_are(run: Run) -> None:
    account, user = run.dev["account_id"], a_user(run)
    root = {"IdentityType": "Account", "Arn": f"acs:ram::{account}:root", "AccountId": account, "UserId": ABSENT}
    match(run.ok("GetCallerIdentity"), root | {"PrincipalId": account})
    told = run.ok("GetCallerIdentity", who=a_key(run, user))
    arn = f"acs:ram::{account}:user/{user['UserName']}"
    match(told, {"IdentityType": "RAMUser", "Arn": arn, "AccountId": account, "RoleId": ABSENT})
    require(told["UserId"] == told["PrincipalId"], f"{told}")
    run.refused("InvalidAccessKeyId.NotFound", 404, "GetCallerIdentity", who="stranger")
    run.refused("SignatureDoesNotMatch", 400, "GetCallerIdentity", who="forger")


@of_sts("GetCallerIdentity")
def a_session_is_told_which_role_it_is_and_a_changed_token_is_none(run: Run) -> None:
    role = a_role_of_the_account(run)
    given = run.aside("AssumeRole", who=a_caller(run), **role, RoleSessionName="conf")["Credentials"]
    told = run.ok("GetCallerIdentity", who=session(given))
    arn = role["RoleArn"].replace(":role/", ":assumed-role/") + "/conf"
    match(told, {"IdentityType": "AssumedRoleUser", "Arn": arn, "RoleId": re.compile(r"\d{18}")})
    match(told, {"PrincipalId": f"{told['RoleId']}:conf", "UserId": ABSENT})
    changed = given | {"SecurityToken": given["SecurityToken"][:-4] + "AAAA"}
    run.refused("InvalidSecurityToken.Malformed", 400, "GetCallerIdentity", who=session(changed))
    wrong = given | {"AccessKeySecret": "not-the-secret-of-this-access-key"}
    run.refused("SignatureDoesNotMatch", 400, "GetCallerIdentity", who=session(wrong))
