"""The life of a RAM user, as Terraform's provider and a console drive it: alibabacloud-ram20150501, unmodified.

Usage: identities.py DEV_JSON SCHEME, with the Python of .conformance/ram.
Prints one JSON line per call; stops at the first answer that is not the expected one, and says why.
"""

import base64
import hashlib
import hmac
import json
import re
import struct
import sys
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "python"))

from alibabacloud_ram20150501 import models  # noqa: E402
from alibabacloud_ram20150501.client import Client  # noqa: E402
from alibabacloud_tea_openapi.models import Config  # noqa: E402
from alibabacloud_tea_util.models import RuntimeOptions  # noqa: E402
from driver import Refused, Server, refusal  # noqa: E402

FIRST, SECOND = "Correct-horse-1", "Correct-horse-2"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
EVERYTHING = {"PolicyType": "System", "PolicyName": "AdministratorAccess"}


class Unexpected(Exception):
    """The life went another way."""


def expect(condition: bool, why: str) -> None:
    if not condition:
        raise Unexpected(why)


class Caller:
    """Makes the calls of one access key in turn and prints each."""

    def __init__(self, server: Server, access_key: tuple[str, str]) -> None:
        access_key_id, access_key_secret = access_key
        self.client = Client(
            Config(
                access_key_id=access_key_id,
                access_key_secret=access_key_secret,
                region_id=server.region,
                endpoint=server.endpoint,
                protocol=server.scheme,
                ca=server.ca if server.scheme == "https" else None,
            )
        )

    def ok(self, operation: str, **parameters: Any) -> dict[str, Any]:
        code, _, answer = self._call(operation, parameters)
        expect(not code, f"{operation} was refused: {code}")
        return answer

    def refused(self, wanted: str, wanted_status: int, operation: str, **parameters: Any) -> None:
        code, status, _ = self._call(operation, parameters)
        expect((code, status) == (wanted, wanted_status), f"{operation} answered {status} {code}, not {wanted}")

    def _call(self, operation: str, parameters: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
        method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower() + "_with_options"
        model = getattr(models, f"{operation}Request", None)
        arguments = [model().from_map(parameters)] if model else []
        code, status, answer = "", 200, {}
        try:
            answer = getattr(self.client, method)(*arguments, RuntimeOptions()).body.to_map()
            request_id = answer["RequestId"]
        except Exception as error:
            refused = refusal(error)
            if not isinstance(refused, Refused):
                raise
            code, status, request_id = (refused.reply[name] for name in ("code", "status", "request_id"))
        print(json.dumps({"operation": f"ram:{operation}", "code": code, "request_id": request_id}), flush=True)
        return code, status, answer


def totp(seed: str, step: int) -> str:
    """RFC 6238: SHA-1, six digits."""
    digest = hmac.new(base64.b32decode(seed), struct.pack(">q", step), hashlib.sha1).digest()
    at = digest[-1] & 0xF
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def users_and_groups(root: Caller, user: dict[str, str], group: dict[str, str]) -> None:
    root.refused("EntityNotExist.User", 404, "GetUser", **user)
    made = root.ok("CreateUser", **user, DisplayName="Alice", Email="alice@example.com", MobilePhone="86-1")["User"]
    expect(made["UserId"].isdigit() and bool(TIME.fullmatch(made["CreateDate"])), f"CreateUser answered {made}")
    root.refused("EntityAlreadyExists.User", 409, "CreateUser", **user)
    root.refused("InvalidParameter.UserName.InvalidChars", 400, "CreateUser", UserName="a/b")
    root.ok("UpdateUser", **user, NewComments="joined in May")
    found = root.ok("GetUser", **user)["User"]
    expect(found["Comments"] == "joined in May" and found["UserId"] == made["UserId"], f"GetUser answered {found}")
    listed = root.ok("ListUsers", MaxItems=1)
    expect(len(listed["Users"]["User"]) == 1 and listed["IsTruncated"], "one of several users is not a truncated list")
    rest = root.ok("ListUsers", Marker=listed["Marker"], MaxItems=1000)["Users"]["User"]
    names = [each["UserName"] for each in listed["Users"]["User"] + rest]
    expect(user["UserName"] in names and names == sorted(names), f"ListUsers lists {names}")

    root.ok("CreateGroup", **group, Comments="of the shop")
    root.refused("EntityNotExist.User.Group", 404, "RemoveUserFromGroup", **user, **group)
    root.ok("AddUserToGroup", **user, **group)
    root.refused("EntityAlreadyExists.User.Group", 409, "AddUserToGroup", **user, **group)
    expect(root.ok("GetGroup", **group)["Group"]["Comments"] == "of the shop", "GetGroup lost the comments")
    root.ok("UpdateGroup", **group, NewComments="of both shops")
    groups = root.ok("ListGroupsForUser", **user)["Groups"]["Group"]
    expect([each["Comments"] for each in groups] == ["of both shops"], f"ListGroupsForUser lists {groups}")
    members = root.ok("ListUsersForGroup", **group)["Users"]["User"]
    expect([each["DisplayName"] for each in members] == ["Alice"], f"ListUsersForGroup lists {members}")
    expect(group["GroupName"] in [each["GroupName"] for each in root.ok("ListGroups")["Groups"]["Group"]], "no group")


def tags(root: Caller, user: dict[str, str]) -> None:
    on = {"ResourceType": "user", "ResourceNames": [user["UserName"]]}
    root.ok("TagResources", **on, Tag=[{"Key": "team", "Value": "orders"}, {"Key": "city", "Value": ""}])
    rows = root.ok("ListTagResources", **on)["TagResources"]
    found = {each["TagKey"]: each["TagValue"] for each in rows}
    expect(found == {"team": "orders", "city": ""}, f"the tags are {found}")
    root.ok("UntagResources", **on, TagKeys=["city"])
    root.ok("UntagResources", **on, All=True)
    expect(not root.ok("ListTagResources", **on).get("TagResources"), "tags are left")


def account(root: Caller) -> None:
    alias = f"acme-{uuid.uuid4().hex[:8]}"
    root.refused("InvalidParameter.AccountAlias.Format", 400, "SetAccountAlias", AccountAlias="Acme")
    root.ok("SetAccountAlias", AccountAlias=alias)
    expect(root.ok("GetAccountAlias")["AccountAlias"] == alias, "the alias is another")
    root.ok("ClearAccountAlias")
    wrong = {"MinimumPasswordLength": 7}
    root.refused("InvalidParameter.MinimumPasswordLength.Range", 400, "SetPasswordPolicy", **wrong)
    root.ok("SetPasswordPolicy", MinimumPasswordLength=10, MaxLoginAttemps=5, PasswordReusePrevention=2)
    policy = root.ok("GetPasswordPolicy")["PasswordPolicy"]
    expect((policy["MinimumPasswordLength"], policy["MaxLoginAttemps"]) == (10, 5), f"the policy is {policy}")
    root.ok("SetSecurityPreference", AllowUserToManageAccessKeys=True, LoginNetworkMasks="10.0.0.0/8")
    preference = root.ok("GetSecurityPreference")["SecurityPreference"]
    expect(preference["AccessKeyPreference"]["AllowUserToManageAccessKeys"] is True, f"it is {preference}")
    expect(preference["LoginProfilePreference"]["LoginNetworkMasks"] == "10.0.0.0/8", f"it is {preference}")
    root.ok("SetSecurityPreference", LoginNetworkMasks="", AllowUserToManageAccessKeys=False)


def login(root: Caller, server: Server, user: dict[str, str]) -> dict[str, str]:
    """A password, changed by its owner with a key of its own; answers that key."""
    root.refused("InvalidParameter.Password.TooWeak", 400, "CreateLoginProfile", **user, Password="weak")
    root.ok("CreateLoginProfile", **user, Password=FIRST, PasswordResetRequired=True)
    expect(root.ok("GetLoginProfile", **user)["LoginProfile"]["PasswordResetRequired"] is True, "no reset")
    root.ok("UpdateLoginProfile", **user, MFABindRequired=True)
    made = root.ok("CreateAccessKey", **user)["AccessKey"]
    key = {**user, "UserAccessKeyId": made["AccessKeyId"]}
    alice = Caller(server, (made["AccessKeyId"], made["AccessKeySecret"]))
    alice.refused("NoPermission", 403, "ChangePassword", OldPassword=FIRST, NewPassword=SECOND)
    root.ok("AttachPolicyToUser", **user, **EVERYTHING)
    alice.refused("InvalidParameter.OldPassword", 400, "ChangePassword", OldPassword=SECOND, NewPassword=FIRST)
    alice.ok("ChangePassword", OldPassword=FIRST, NewPassword=SECOND)
    alice.refused("InvalidParameter.Password.TooWeak", 400, "ChangePassword", OldPassword=SECOND, NewPassword=FIRST)
    alice.refused("NoPermission", 403, "CreateAccessKey")
    own = alice.ok("ListAccessKeys")["AccessKeys"]["AccessKey"]
    expect([each["AccessKeyId"] for each in own] == [made["AccessKeyId"]], f"ListAccessKeys lists {own}")
    used = root.ok("GetAccessKeyLastUsed", **key)["AccessKeyLastUsed"]["LastUsedDate"]
    expect(bool(TIME.fullmatch(used)), f"the key was last used {used!r}")
    root.ok("UpdateAccessKey", **key, Status="Inactive")
    status = root.ok("ListAccessKeys", **user)["AccessKeys"]["AccessKey"][0]["Status"]
    expect(status == "Inactive", f"the key is {status}")
    return key


def device(root: Caller, user: dict[str, str]) -> dict[str, str]:
    made = root.ok("CreateVirtualMFADevice", VirtualMFADeviceName=user["UserName"])["VirtualMFADevice"]
    expect(base64.b64decode(made["QRCodePNG"]).startswith(b"\x89PNG"), "the QR code is no PNG")
    serial = {"SerialNumber": made["SerialNumber"]}
    bind = {**user, **serial}
    codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    root.refused("CheckAuthenticationCodeFail", 403, "BindMFADevice", **bind, **codes)
    step = int(time.time()) // 30
    seed = made["Base32StringSeed"]
    codes = {"AuthenticationCode1": totp(seed, step - 1), "AuthenticationCode2": totp(seed, step)}
    root.ok("BindMFADevice", **bind, **codes)
    expect(root.ok("GetUserMFAInfo", **user)["MFADevice"]["SerialNumber"] == serial["SerialNumber"], "another device")
    devices = root.ok("ListVirtualMFADevices")["VirtualMFADevices"]["VirtualMFADevice"]
    bound = [each.get("User", {}).get("UserName") for each in devices if each["SerialNumber"] == made["SerialNumber"]]
    expect(bound == [user["UserName"]], f"ListVirtualMFADevices lists {devices}")
    return serial


def the_end(root: Caller, user: dict[str, str], group: dict[str, str], key: dict[str, str], mfa: dict[str, str]) -> None:
    """What is in the way of a deletion is named, and taken away, one after the other."""
    root.refused("DeleteConflict.User.Group", 409, "DeleteUser", **user)
    root.refused("DeleteConflict.Group.User", 409, "DeleteGroup", **group)
    root.ok("RemoveUserFromGroup", **user, **group)
    root.ok("DeleteGroup", **group)
    root.refused("DeleteConflict.User.AccessKey", 409, "DeleteUser", **user)
    root.ok("DeleteAccessKey", **key)
    root.refused("DeleteConflict.User.LoginProfile", 409, "DeleteUser", **user)
    root.ok("DeleteLoginProfile", **user)
    root.refused("DeleteConflict.User.MFADevice", 409, "DeleteUser", **user)
    root.refused("DeleteConflict.VirtualMFADevice.User", 409, "DeleteVirtualMFADevice", **mfa)
    root.ok("UnbindMFADevice", **user)
    root.ok("DeleteVirtualMFADevice", **mfa)
    root.refused("DeleteConflict.User.Policy", 409, "DeleteUser", **user)
    root.ok("DetachPolicyFromUser", **user, **EVERYTHING)
    root.ok("DeleteUser", **user)
    root.refused("EntityNotExist.User", 404, "DeleteUser", **user)


def main() -> None:
    server = Server(*sys.argv[1:3])
    root = Caller(server, server.credentials("root"))
    name = f"conf-{uuid.uuid4().hex[:10]}"
    user, group = {"UserName": name}, {"GroupName": f"group-{name}"}
    try:
        users_and_groups(root, user, group)
        tags(root, user)
        account(root)
        key = login(root, server, user)
        mfa = device(root, user)
        the_end(root, user, group, key, mfa)
    except (Unexpected, KeyError, IndexError, TypeError) as unexpected:
        sys.exit(f"{type(unexpected).__name__}: {unexpected}")


if __name__ == "__main__":
    main()
