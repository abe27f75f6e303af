"""Message authentication codes. Sources: keys.md §10, §16, §18."""

import base64

from checks.keys import NO_KEY
from checks.pairs import Made, denied, make, made
from checks.run import ABSENT, Run, check, match, require

LENGTHS = {"HMAC_SM3": 32, "HMAC_SHA_224": 28, "HMAC_SHA_256": 32, "HMAC_SHA_384": 48, "HMAC_SHA_512": 64}
MESSAGE = base64.b64encode(b"a message").decode()
USAGE = "GENERATE/VERIFY"


def maker(run: Run, algorithm: str) -> Made:
    return made(run, f"Aliyun_{algorithm}", USAGE)


def mac_of(run: Run, key: str, algorithm: str) -> str:
    mac: str = run.see("GenerateMac", KeyId=key, Algorithm=algorithm, Message=MESSAGE)["Mac"]
    return mac


def refuses_the_wrong(run: Run, operation: str, **rest: str) -> None:
    """Keys and algorithms that do not fit, callers that may not, states that forbid."""
    key = maker(run, "HMAC_SHA_256").key
    rest = {"Algorithm": "HMAC_SHA_256", "Message": MESSAGE} | rest
    run.refused("Forbidden.KeyNotFound", 404, operation, KeyId=NO_KEY, **rest)
    run.refused("Forbidden.AliasNotFound", 404, operation, KeyId=f"alias/{run.name('x')}", **rest)
    run.ok(operation, who="user", KeyId=key, **rest)
    closed = denied(run, "Aliyun_HMAC_SHA_256", USAGE).key
    run.refused("Forbidden.NoPermission", 403, operation, who="user", KeyId=closed, **rest)
    run.refused("InvalidParameter", 400, operation, KeyId=key, **rest | {"Algorithm": "HMAC_SHA_1"})
    run.refused("Rejected.UnsupportedOperation", 400, operation, KeyId=key, **rest | {"Algorithm": "HMAC_SHA_512"})
    run.refused("Rejected.UnsupportedOperation", 400, operation, KeyId=run.dev["key_id"], **rest)
    run.refused("InvalidParameter", 400, operation, KeyId=key, **rest | {"Message": "not base64!"})
    long = base64.b64encode(b"x" * 6145).decode()
    run.refused("InvalidParameter", 400, operation, KeyId=key, **rest | {"Message": long})
    run.refused("MissingParameter", 400, operation, KeyId=key, **rest | {"Message": ""})
    closed = make(run, "Aliyun_HMAC_SHA_256", USAGE).key
    run.aside("DisableKey", KeyId=closed)
    run.refused("Rejected.Disabled", 409, operation, KeyId=closed, **rest)


@check("GenerateMac")
def a_code_has_the_length_of_its_hash_and_is_always_the_same(run: Run) -> None:
    for algorithm, length in LENGTHS.items():
        key = maker(run, algorithm).key
        body = run.ok("GenerateMac", KeyId=key, Algorithm=algorithm, Message=MESSAGE)
        match(body, {"KeyId": key, "Algorithm": algorithm, "KeyVersionId": ABSENT})
        require(len(base64.b64decode(body["Mac"], validate=True)) == length, f"{algorithm}: {body['Mac']}")
        match(run.see("GenerateMac", KeyId=key, Algorithm=algorithm, Message=MESSAGE), {"Mac": body["Mac"]})
        match(run.aside("VerifyMac", KeyId=key, Algorithm=algorithm, Message=MESSAGE, Mac=body["Mac"]), {"Value": True})


@check("GenerateMac")
def what_has_no_code_is_refused(run: Run) -> None:
    refuses_the_wrong(run, "GenerateMac")


@check("VerifyMac")
def a_code_holds_for_its_message_alone(run: Run) -> None:
    other = base64.b64encode(b"another message").decode()
    for algorithm in LENGTHS:
        key = maker(run, algorithm).key
        mac = mac_of(run, key, algorithm)
        named = {"KeyId": key, "Algorithm": algorithm}
        body = run.ok("VerifyMac", **named, Message=MESSAGE, Mac=mac)
        match(body, {**named, "Value": True, "KeyVersionId": ABSENT})
        match(run.ok("VerifyMac", **named, Message=other, Mac=mac), {"Value": False})
        short = base64.b64encode(base64.b64decode(mac)[:-1]).decode()
        match(run.ok("VerifyMac", **named, Message=MESSAGE, Mac=short), {"Value": False})


@check("VerifyMac")
def what_cannot_be_a_code_is_refused(run: Run) -> None:
    mac = mac_of(run, maker(run, "HMAC_SHA_256").key, "HMAC_SHA_256")
    refuses_the_wrong(run, "VerifyMac", Mac=mac)
    named = {"KeyId": maker(run, "HMAC_SHA_256").key, "Algorithm": "HMAC_SHA_256", "Message": MESSAGE}
    run.refused("InvalidParameter", 400, "VerifyMac", **named, Mac="not base64!")
    run.refused("MissingParameter", 400, "VerifyMac", **named, Mac="")
