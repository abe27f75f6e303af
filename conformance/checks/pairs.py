"""Key pairs and MAC keys of a whole server: every client uses the same ones, since some are slow to make."""

import json
import threading
from typing import NamedTuple

from checks.run import Run, items

SHA_256 = bytes.fromhex("64ec88ca00b268e5ba1a35678a1b5316d212f4f366b2477232534a8aeca37f3c")  # of "Hello world"
SIGNING = (
    ("RSA_2048", "RSA_PSS_SHA_256"),
    ("RSA_2048", "RSA_PKCS1_SHA_256"),
    ("EC_P256", "ECDSA_SHA_256"),
    ("EC_P256K", "ECDSA_SHA_256"),
    ("EC_SM2", "SM2DSA"),
)
OPENING = (("RSA_2048", "RSAES_OAEP_SHA_256", 190), ("RSA_2048", "RSAES_OAEP_SHA_1", 214), ("EC_SM2", "SM2PKE", 6047))

_MADE: dict[tuple[str, str, bool], "Made"] = {}
_MAKING = threading.Lock()


class Made(NamedTuple):
    """A key and its first version."""

    key: str
    version: str

    def named(self) -> dict[str, str]:
        return {"KeyId": self.key, "KeyVersionId": self.version}


def made(run: Run, spec: str, usage: str, denied: bool = False) -> Made:
    """The server's key of this kind, made by the witness at first need. Nobody may change it.

    `denied`: in the instance, with a policy that keeps out the user, who may use any other key.
    """
    name = (spec, usage, denied)
    with _MAKING:
        if name not in _MADE:
            _MADE[name] = make(run, spec, usage, **(_without_the_user(run) if denied else {}))
        return _MADE[name]


def _without_the_user(run: Run) -> dict[str, str]:
    account = f"acs:ram::{run.dev['account_id']}"
    rule = {"Action": ["kms:*"], "Resource": ["*"]}
    all_may = {"Effect": "Allow", "Principal": {"RAM": [f"{account}:*"]}, **rule}
    but_one = {"Effect": "Deny", "Principal": {"RAM": [f"{account}:user/{run.dev['user_name']}"]}, **rule}
    policy = {"Version": "1", "Statement": [all_may, but_one]}
    return {"DKMSInstanceId": run.dev["instance_id"], "Policy": json.dumps(policy)}


def make(run: Run, spec: str, usage: str, **parameters: str) -> Made:
    """A new key of this kind."""
    key = run.aside("CreateKey", KeySpec=spec, KeyUsage=usage, **parameters)["KeyMetadata"]["KeyId"]
    [version] = items(run.aside("ListKeyVersions", KeyId=key), "KeyVersions", "KeyVersion")
    return Made(key, version["KeyVersionId"])


def signer(run: Run, spec: str) -> Made:
    return made(run, spec, "SIGN/VERIFY")


def opener(run: Run, spec: str) -> Made:
    return made(run, spec, "ENCRYPT/DECRYPT")


def denied(run: Run, spec: str, usage: str) -> Made:
    """A key that the user may not use."""
    return made(run, spec, usage, denied=True)
