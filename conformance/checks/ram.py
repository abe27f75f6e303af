"""Whom and what the checks of RAM and STS make, in whichever product they are. Source: identity.md §2.2 to §2.5."""

import functools
from typing import Any

from checks.run import Run, check
from clients import Key

of_ram = functools.partial(check, product="ram")
of_sts = functools.partial(check, product="sts")

SYSTEM = {"PolicyName": "AliyunKMSFullAccess", "PolicyType": "System"}


def a_user(run: Run, **more: Any) -> dict[str, str]:
    """A user, as operations name it."""
    user = {"UserName": run.name("conf")}
    run.aside("ram:CreateUser", **user, **more)
    return user


def a_group(run: Run, **more: Any) -> dict[str, str]:
    """A group, as operations name it. It goes at the end: an account may have no more than fifty."""
    group = {"GroupName": run.name("conf")}
    run.aside("ram:CreateGroup", **group, **more)
    run.at_end.append(("ram:DeleteGroup", group))
    return group


def join(run: Run, user: dict[str, str], group: dict[str, str]) -> None:
    """Makes a user one of a group, until the end: a group that has users cannot go."""
    run.aside("ram:AddUserToGroup", **user, **group)
    run.at_end.append(("ram:RemoveUserFromGroup", user | group))


def a_key(run: Run, user: dict[str, str]) -> Key:
    """An access key of a user, to call with."""
    made = run.aside("ram:CreateAccessKey", **user)["AccessKey"]
    return {"id": made["AccessKeyId"], "secret": made["AccessKeySecret"]}


def hold(run: Run, user: dict[str, str], policy: str) -> None:
    """Gives a user a policy of the system."""
    run.aside("ram:AttachPolicyToUser", **user, PolicyName=policy, PolicyType="System")
