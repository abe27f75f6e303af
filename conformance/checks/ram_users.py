"""Users, groups, and who is in which. Source: identity.md §2.2 to §2.5."""

import re

from checks.ram import SYSTEM, a_group, a_key, a_user, hold, join, of_ram
from checks.run import ABSENT, TIME, Run, match, one, require

ID = re.compile(r"\d{18}")
TOLD = {"DisplayName": "Änne", "Email": "anne@example.com", "MobilePhone": "86-18600008888", "Comments": "seit Mai"}


@of_ram("CreateUser")
def a_user_is_made_and_is_as_it_was_sent(run: Run) -> None:
    user = {"UserName": run.name("conf")}
    made = run.ok("CreateUser", **user, **TOLD)["User"]
    match(made, user | TOLD | {"UserId": ID, "CreateDate": TIME})
    match(run.see("GetUser", **user)["User"], {"UserId": made["UserId"], "CreateDate": made["CreateDate"]})
    run.refused("EntityAlreadyExists.User", 409, "CreateUser", **user)
    run.refused("InvalidParameter.UserName.InvalidChars", 400, "CreateUser", UserName="a/b")
    run.refused("InvalidParameter.UserName.Length", 400, "CreateUser", UserName="x" * 65)
    run.refused("InvalidParameter.Email.Format", 400, "CreateUser", UserName=run.name("conf"), Email="anne")
    run.refused("NoPermission", 403, "CreateUser", who="user", UserName=run.name("conf"))


@of_ram("GetUser")
def a_user_is_found(run: Run) -> None:
    user = a_user(run, **TOLD)
    told = {"UserId": ID, "CreateDate": TIME, "UpdateDate": TIME, "LastLoginDate": ABSENT}
    match(run.ok("GetUser", **user)["User"], user | TOLD | told)
    run.refused("EntityNotExist.User", 404, "GetUser", UserName=run.name("no"))
    run.refused("NoPermission", 403, "GetUser", who="user", **user)


@of_ram("UpdateUser")
def a_user_is_changed_and_renamed(run: Run) -> None:
    user, other = a_user(run, **TOLD), a_user(run)
    match(run.ok("UpdateUser", **user, NewComments="neu")["User"], user | TOLD | {"Comments": "neu"})
    run.refused("EntityAlreadyExists.User", 409, "UpdateUser", **user, NewUserName=other["UserName"])
    run.refused("InvalidParameter.NewEmail.Format", 400, "UpdateUser", **user, NewEmail="anne")
    renamed = {"UserName": run.name("conf")}
    run.ok("UpdateUser", **user, NewUserName=renamed["UserName"])
    match(run.see("GetUser", **renamed)["User"], {"Comments": "neu", "Email": TOLD["Email"], "UpdateDate": TIME})
    run.refused("EntityNotExist.User", 404, "UpdateUser", **user, NewComments="neu")


@of_ram("ListUsers")
def users_come_part_by_part(run: Run) -> None:
    user = a_user(run, **TOLD)
    found = run.marked("ListUsers", "Users", "User", MaxItems=50)
    match(one(found, **user), TOLD | {"UserId": ID, "CreateDate": TIME, "UpdateDate": TIME})
    require(len({each["UserId"] for each in found}) == len(found), "none comes twice")
    run.refused("InvalidParameter", 400, "ListUsers", MaxItems=1001)
    run.refused("NoPermission", 403, "ListUsers", who="user")


@of_ram("DeleteUser")
def a_user_goes_once_nothing_is_in_the_way(run: Run) -> None:
    user, group = a_user(run), a_group(run)
    join(run, user, group)
    run.refused("DeleteConflict.User.Group", 409, "DeleteUser", **user)
    run.aside("RemoveUserFromGroup", **user, **group)
    key = run.aside("CreateAccessKey", **user)["AccessKey"]["AccessKeyId"]
    run.refused("DeleteConflict.User.AccessKey", 409, "DeleteUser", **user)
    run.aside("DeleteAccessKey", **user, UserAccessKeyId=key)
    run.aside("CreateLoginProfile", **user, Password="Correct-horse-1")
    run.refused("DeleteConflict.User.LoginProfile", 409, "DeleteUser", **user)
    run.aside("DeleteLoginProfile", **user)
    hold(run, user, SYSTEM["PolicyName"])
    run.refused("DeleteConflict.User.Policy", 409, "DeleteUser", **user)
    run.aside("DetachPolicyFromUser", **user, **SYSTEM)
    run.ok("DeleteUser", **user)
    run.refused("EntityNotExist.User", 404, "DeleteUser", **user)


@of_ram("CreateGroup")
def a_group_is_made(run: Run) -> None:
    group = {"GroupName": run.name("conf")}
    made = run.ok("CreateGroup", **group, Comments="des Ladens")["Group"]
    run.at_end.append(("DeleteGroup", group))
    match(made, group | {"GroupId": str, "Comments": "des Ladens", "CreateDate": TIME})
    run.refused("EntityAlreadyExists.Group", 409, "CreateGroup", **group)
    run.refused("InvalidParameter.GroupName.InvalidChars", 400, "CreateGroup", GroupName="a b")
    run.refused("NoPermission", 403, "CreateGroup", who="user", GroupName=run.name("conf"))


@of_ram("GetGroup")
def a_group_is_found(run: Run) -> None:
    group = a_group(run, Comments="des Ladens")
    told = {"GroupId": str, "Comments": "des Ladens", "CreateDate": TIME, "UpdateDate": TIME}
    match(run.ok("GetGroup", **group)["Group"], group | told)
    run.refused("EntityNotExist.Group", 404, "GetGroup", GroupName=run.name("no"))


@of_ram("UpdateGroup")
def a_group_is_changed_and_renamed(run: Run) -> None:
    group, other = a_group(run), a_group(run)
    match(run.ok("UpdateGroup", **group, NewComments="neu")["Group"], group | {"Comments": "neu", "UpdateDate": TIME})
    run.refused("EntityAlreadyExists.Group", 409, "UpdateGroup", **group, NewGroupName=other["GroupName"])
    renamed = {"GroupName": run.name("conf")}
    run.ok("UpdateGroup", **group, NewGroupName=renamed["GroupName"])
    run.at_end.append(("DeleteGroup", renamed))
    match(run.see("GetGroup", **renamed)["Group"], {"Comments": "neu"})
    run.refused("EntityNotExist.Group", 404, "UpdateGroup", **group, NewComments="neu")


@of_ram("ListGroups")
def groups_come_part_by_part(run: Run) -> None:
    group = a_group(run, Comments="des Ladens")
    a_group(run)
    found = run.marked("ListGroups", "Groups", "Group", MaxItems=1)
    match(one(found, **group), {"GroupId": str, "Comments": "des Ladens", "CreateDate": TIME, "UpdateDate": TIME})
    run.refused("NoPermission", 403, "ListGroups", who="user")


@of_ram("DeleteGroup")
def a_group_goes_once_nothing_is_in_the_way(run: Run) -> None:
    user, group = a_user(run), a_group(run)
    join(run, user, group)
    run.refused("DeleteConflict.Group.User", 409, "DeleteGroup", **group)
    run.aside("RemoveUserFromGroup", **user, **group)
    run.aside("AttachPolicyToGroup", **group, **SYSTEM)
    run.refused("DeleteConflict.Group.Policy", 409, "DeleteGroup", **group)
    run.aside("DetachPolicyFromGroup", **group, **SYSTEM)
    run.ok("DeleteGroup", **group)
    run.refused("EntityNotExist.Group", 404, "DeleteGroup", **group)


@of_ram("AddUserToGroup")
def a_user_joins_a_group_and_may_what_it_may(run: Run) -> None:
    user, group = a_user(run), a_group(run)
    key = a_key(run, user)
    run.refused("NoPermission", 403, "AddUserToGroup", who=key, **user, **group)
    run.aside("AttachPolicyToGroup", **group, PolicyName="AliyunRAMFullAccess", PolicyType="System")
    run.at_end.append(
        ("DetachPolicyFromGroup", group | {"PolicyName": "AliyunRAMFullAccess", "PolicyType": "System"})
    )
    run.ok("AddUserToGroup", **user, **group)
    run.at_end.append(("RemoveUserFromGroup", user | group))
    run.refused("EntityAlreadyExists.User.Group", 409, "AddUserToGroup", who=key, **user, **group)
    run.refused("EntityNotExist.User", 404, "AddUserToGroup", UserName=run.name("no"), **group)
    run.refused("EntityNotExist.Group", 404, "AddUserToGroup", **user, GroupName=run.name("no"))


@of_ram("RemoveUserFromGroup")
def a_user_leaves_a_group(run: Run) -> None:
    user, group = a_user(run), a_group(run)
    run.refused("EntityNotExist.User.Group", 404, "RemoveUserFromGroup", **user, **group)
    join(run, user, group)
    run.ok("RemoveUserFromGroup", **user, **group)
    require(run.list(run.see("ListGroupsForUser", **user), "Groups", "Group") == [], "it is in none now")


@of_ram("ListGroupsForUser")
def the_groups_of_a_user_are_listed(run: Run) -> None:
    user, group = a_user(run), a_group(run, Comments="des Ladens")
    require(run.list(run.ok("ListGroupsForUser", **user), "Groups", "Group") == [], "an empty list keeps its wrapper")
    join(run, user, group)
    found = run.list(run.ok("ListGroupsForUser", **user), "Groups", "Group")
    match(one(found, **group), {"GroupId": str, "Comments": "des Ladens", "JoinDate": TIME})
    run.refused("EntityNotExist.User", 404, "ListGroupsForUser", UserName=run.name("no"))


@of_ram("ListUsersForGroup")
def the_users_of_a_group_come_part_by_part(run: Run) -> None:
    group, users = a_group(run), [a_user(run, DisplayName="Änne"), a_user(run)]
    for user in users:
        join(run, user, group)
    found = run.marked("ListUsersForGroup", "Users", "User", **group, MaxItems=1)
    require([each["UserName"] for each in found] == sorted(user["UserName"] for user in users), f"{found}")
    match(one(found, **users[0]), {"DisplayName": "Änne", "JoinDate": TIME})
    run.refused("EntityNotExist.Group", 404, "ListUsersForGroup", GroupName=run.name("no"))
