"""How people and programs prove who they are: passwords, MFA devices, access keys. Source: identity.md §2.2 to §2.5."""

import base64
import hashlib
import hmac
import re
import struct
import time
from typing import Any, NamedTuple

from checks.ram import a_key, a_user, hold, of_ram
from checks.ram_account import RULES, USUAL_PREFERENCE
from checks.run import ABSENT, TIME, Run, match, one, require
from clients import Who

FIRST, SECOND = "Correct-horse-1", "Correct-horse-2"
KEY_ID = re.compile(r"LTAI[0-9A-Za-z]{20}")
EVERYTHING = "AdministratorAccess"


def a_login(run: Run, **more: Any) -> dict[str, str]:
    """A user who has a password."""
    user = a_user(run)
    run.aside("CreateLoginProfile", **user, Password=FIRST, **more)
    return user


@of_ram("CreateLoginProfile")
def a_user_gets_a_password(run: Run) -> None:
    user = a_user(run)
    run.refused("InvalidParameter.Password.TooWeak", 400, "CreateLoginProfile", **user, Password="weak")
    made = run.ok("CreateLoginProfile", **user, Password=FIRST, PasswordResetRequired=True)["LoginProfile"]
    match(made, user | {"PasswordResetRequired": True, "MFABindRequired": False, "CreateDate": TIME})
    match(made, {"Password": ABSENT})
    run.refused("EntityAlreadyExists.User.LoginProfile", 409, "CreateLoginProfile", **user, Password=FIRST)
    run.refused("EntityNotExist.User", 404, "CreateLoginProfile", UserName=run.name("no"), Password=FIRST)
    run.refused("NoPermission", 403, "CreateLoginProfile", who="user", **user, Password=FIRST)


@of_ram("GetLoginProfile")
def how_a_user_logs_in_is_told(run: Run) -> None:
    user = a_login(run, MFABindRequired=True)
    told = {"PasswordResetRequired": False, "MFABindRequired": True, "CreateDate": TIME}
    match(run.ok("GetLoginProfile", **user)["LoginProfile"], user | told)
    run.refused("EntityNotExist.User.LoginProfile", 404, "GetLoginProfile", **a_user(run))


@of_ram("UpdateLoginProfile")
def how_a_user_logs_in_is_changed(run: Run) -> None:
    user = a_login(run)
    run.ok("UpdateLoginProfile", **user, Password=SECOND, MFABindRequired=True)
    match(run.see("GetLoginProfile", **user)["LoginProfile"], {"MFABindRequired": True})
    run.refused("InvalidParameter.Password.TooWeak", 400, "UpdateLoginProfile", **user, Password="weak")
    run.refused("EntityNotExist.User.LoginProfile", 404, "UpdateLoginProfile", **a_user(run), MFABindRequired=True)


@of_ram("DeleteLoginProfile")
def a_user_logs_in_no_more(run: Run) -> None:
    user = a_login(run)
    run.ok("DeleteLoginProfile", **user)
    run.refused("EntityNotExist.User.LoginProfile", 404, "DeleteLoginProfile", **user)


@of_ram("ChangePassword")
def a_user_changes_its_own_password(run: Run) -> None:
    user = a_login(run, PasswordResetRequired=True)
    key = a_key(run, user)
    change = {"OldPassword": FIRST, "NewPassword": SECOND}
    run.refused("NoPermission", 403, "ChangePassword", **change)
    run.refused("NoPermission", 403, "ChangePassword", who=key, **change)
    hold(run, user, EVERYTHING)
    wrong = {"OldPassword": SECOND, "NewPassword": SECOND}
    run.refused("InvalidParameter.OldPassword", 400, "ChangePassword", who=key, **wrong)
    weak = {"OldPassword": FIRST, "NewPassword": "weak"}
    run.refused("InvalidParameter.Password.TooWeak", 400, "ChangePassword", who=key, **weak)
    run.ok("ChangePassword", who=key, **change)
    match(run.see("GetLoginProfile", **user)["LoginProfile"], {"PasswordResetRequired": False})


class Device(NamedTuple):
    """A device as the authenticator of its owner has it."""

    serial: dict[str, str]
    seed: str

    def codes(self) -> dict[str, str]:
        """Those of the last half minute and of this one, by RFC 6238: SHA-1, six digits."""
        step = int(time.time()) // 30
        return {"AuthenticationCode1": self._code(step - 1), "AuthenticationCode2": self._code(step)}

    def _code(self, step: int) -> str:
        digest = hmac.new(base64.b32decode(self.seed), struct.pack(">q", step), hashlib.sha1).digest()
        at = digest[-1] & 0xF
        return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def a_device(run: Run) -> Device:
    made = run.aside("CreateVirtualMFADevice", VirtualMFADeviceName=run.name("conf"))["VirtualMFADevice"]
    return Device({"SerialNumber": made["SerialNumber"]}, made["Base32StringSeed"])


def bound(run: Run) -> tuple[dict[str, str], Device]:
    """A user and a device of its own."""
    user, device = a_user(run), a_device(run)
    run.aside("BindMFADevice", **user, **device.serial, **device.codes())
    return user, device


@of_ram("CreateVirtualMFADevice")
def a_device_is_made_with_a_seed_and_its_picture(run: Run) -> None:
    name = run.name("conf")
    made = run.ok("CreateVirtualMFADevice", VirtualMFADeviceName=name)["VirtualMFADevice"]
    match(made, {"SerialNumber": f"acs:ram::{run.dev['account_id']}:mfa/{name}"})
    require(len(base64.b32decode(made["Base32StringSeed"])) == 20, "a seed has 160 bits")
    require(base64.b64decode(made["QRCodePNG"]).startswith(b"\x89PNG"), "the QR code is a PNG")
    run.refused("EntityAlreadyExists.VirtualMFADevice", 409, "CreateVirtualMFADevice", VirtualMFADeviceName=name)
    odd = {"VirtualMFADeviceName": "a b"}
    run.refused("InvalidParameter.VirtualMFADeviceName.InvalidChars", 400, "CreateVirtualMFADevice", **odd)


@of_ram("BindMFADevice")
def a_device_is_bound_by_whom_shows_its_codes(run: Run) -> None:
    user, device = a_user(run), a_device(run)
    both = user | device.serial
    wrong = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    run.refused("CheckAuthenticationCodeFail", 403, "BindMFADevice", **both, **wrong)
    short = {"AuthenticationCode1": "12345", "AuthenticationCode2": "123456"}
    run.refused("InvalidParameter.AuthenticationCode.Format", 400, "BindMFADevice", **both, **short)
    run.ok("BindMFADevice", **both, **device.codes())
    match(run.see("GetUserMFAInfo", **user)["MFADevice"], device.serial)
    run.refused("EntityAlreadyExists.User.MFADevice", 409, "BindMFADevice", **both, **device.codes())
    nothing = {"SerialNumber": f"{device.serial['SerialNumber']}-no"}
    run.refused("EntityNotExist.VirtualMFADevice", 404, "BindMFADevice", **a_user(run), **nothing, **wrong)


@of_ram("GetUserMFAInfo")
def the_device_of_a_user_is_told(run: Run) -> None:
    user, device = bound(run)
    match(run.ok("GetUserMFAInfo", **user)["MFADevice"], device.serial | {"Type": str})
    run.refused("EntityNotExist.User.MFADevice", 404, "GetUserMFAInfo", **a_user(run))


@of_ram("ListVirtualMFADevices")
def devices_are_listed_with_whose_they_are(run: Run) -> None:
    (user, device), free = bound(run), a_device(run)
    found = run.list(run.ok("ListVirtualMFADevices"), "VirtualMFADevices", "VirtualMFADevice")
    mine = one(found, **device.serial)
    match(mine, {"ActivateDate": TIME, "User": user | {"UserId": str}})
    match(one(found, **free.serial), {"ActivateDate": ABSENT, "Base32StringSeed": ABSENT})
    run.refused("NoPermission", 403, "ListVirtualMFADevices", who="user")


@of_ram("UnbindMFADevice")
def a_user_gives_its_device_up(run: Run) -> None:
    user, device = bound(run)
    match(run.ok("UnbindMFADevice", **user)["MFADevice"], device.serial)
    run.refused("EntityNotExist.User.MFADevice", 404, "UnbindMFADevice", **user)


@of_ram("DeleteVirtualMFADevice")
def a_device_goes_once_it_is_nobody_s(run: Run) -> None:
    user, device = bound(run)
    run.refused("DeleteConflict.VirtualMFADevice.User", 409, "DeleteVirtualMFADevice", **device.serial)
    run.aside("UnbindMFADevice", **user)
    run.ok("DeleteVirtualMFADevice", **device.serial)
    run.refused("EntityNotExist.VirtualMFADevice", 404, "DeleteVirtualMFADevice", **device.serial)


def status_of(run: Run, user: dict[str, str], key: str) -> str:
    found = run.list(run.see("ListAccessKeys", **user), "AccessKeys", "AccessKey")
    status: str = one(found, AccessKeyId=key)["Status"]
    return status


@of_ram("CreateAccessKey")
def a_user_has_two_access_keys_and_no_more(run: Run) -> None:
    user = a_user(run)
    made = run.ok("CreateAccessKey", **user)["AccessKey"]
    match(made, {"AccessKeyId": KEY_ID, "AccessKeySecret": re.compile(r"\w{30}"), "Status": "Active"})
    match(made, {"CreateDate": TIME})
    caller = {"id": made["AccessKeyId"], "secret": made["AccessKeySecret"]}
    run.refused("NoPermission", 403, "CreateAccessKey", who=caller)
    hold(run, user, EVERYTHING)
    with RULES:
        run.refused("NoPermission", 403, "CreateAccessKey", who=caller)
        run.aside("SetSecurityPreference", AllowUserToManageAccessKeys=True)
        try:
            run.ok("CreateAccessKey", who=caller)
        finally:
            run.aside("SetSecurityPreference", **USUAL_PREFERENCE)
    run.refused("LimitExceeded.User.AccessKey", 409, "CreateAccessKey", **user)
    run.refused("EntityNotExist.User", 404, "CreateAccessKey", UserName=run.name("no"))


@of_ram("ListAccessKeys")
def access_keys_are_listed_without_their_secrets(run: Run) -> None:
    user = a_user(run)
    none = run.list(run.ok("ListAccessKeys", **user), "AccessKeys", "AccessKey")
    require(none == [], "an empty list keeps its wrapper")
    hold(run, user, EVERYTHING)
    key = a_key(run, user)
    callers: list[tuple[Who, dict[str, str]]] = [("root", user), (key, {})]
    for caller, whose in callers:
        found = run.list(run.ok("ListAccessKeys", who=caller, **whose), "AccessKeys", "AccessKey")
        match(found[0], {"AccessKeyId": key["id"], "Status": "Active", "CreateDate": TIME, "AccessKeySecret": ABSENT})
    run.refused("EntityNotExist.User", 404, "ListAccessKeys", UserName=run.name("no"))


@of_ram("UpdateAccessKey")
def an_access_key_is_put_to_sleep_and_woken(run: Run) -> None:
    user = a_user(run)
    hold(run, user, EVERYTHING)
    key = a_key(run, user)
    named = user | {"UserAccessKeyId": key["id"]}
    run.ok("UpdateAccessKey", **named, Status="Inactive")
    require(status_of(run, user, key["id"]) == "Inactive", "it sleeps")
    run.refused("InvalidAccessKeyId.Inactive", 400, "UpdateAccessKey", who=key, **named, Status="Active")
    run.ok("UpdateAccessKey", **named, Status="Active")
    require(status_of(run, user, key["id"]) == "Active", "it is awake")
    run.refused("InvalidParameter", 400, "UpdateAccessKey", **named, Status="Asleep")
    nothing = user | {"UserAccessKeyId": "LTAI5tAbCdEfGhIjKlMnOpQr"}
    run.refused("EntityNotExist.User.AccessKey", 404, "UpdateAccessKey", **nothing, Status="Active")


@of_ram("GetAccessKeyLastUsed")
def when_an_access_key_was_last_used_is_told(run: Run) -> None:
    user = a_user(run)
    key = a_key(run, user)
    named = user | {"UserAccessKeyId": key["id"]}
    match(run.ok("GetAccessKeyLastUsed", **named)["AccessKeyLastUsed"], {"LastUsedDate": ABSENT})
    run.denied("GetUser", key, **user)
    match(run.ok("GetAccessKeyLastUsed", **named)["AccessKeyLastUsed"], {"LastUsedDate": TIME})
    nothing = user | {"UserAccessKeyId": "LTAI5tAbCdEfGhIjKlMnOpQr"}
    run.refused("EntityNotExist.User.AccessKey", 404, "GetAccessKeyLastUsed", **nothing)


@of_ram("DeleteAccessKey")
def an_access_key_goes(run: Run) -> None:
    user = a_user(run)
    key = a_key(run, user)
    named = user | {"UserAccessKeyId": key["id"]}
    run.ok("DeleteAccessKey", **named)
    run.refused("EntityNotExist.User.AccessKey", 404, "DeleteAccessKey", **named)
    run.refused("InvalidAccessKeyId.NotFound", 404, "DeleteAccessKey", who=key, **named)
