"""Data keys that leave wrapped, and data keys that have a name. Sources: keys.md §9.7, §13, §18."""

import base64
import re
from typing import Any

from checks import openssl
from checks.asymmetric import text
from checks.crypto import CONTEXT
from checks.keys import NO_KEY, a_key
from checks.run import ABSENT, BASE64, Run, check, match, require

ALGORITHMS = ("RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1")
VERSION = re.compile(r"[A-Za-z0-9]{8}")


def wrapper(algorithm: str = ALGORITHMS[0]) -> dict[str, str]:
    """openssl's key, for which a data key is to be wrapped."""
    _, public = openssl.wrapping_pair()
    return {"PublicKeyBlob": text(public), "WrappingKeySpec": "RSA_2048", "WrappingAlgorithm": algorithm}


def unwrapped(body: dict[str, Any], algorithm: str) -> bytes:
    private, _ = openssl.wrapping_pair()
    return openssl.decrypt(private, algorithm, base64.b64decode(body["ExportedDataKey"], validate=True))


def refuses_wrong_wrappers(run: Run, operation: str, **rest: Any) -> None:
    for wrong in (
        {"WrappingAlgorithm": "SM2PKE"},
        {"WrappingAlgorithm": "RSAES_PKCS1_V1_5"},
        {"WrappingKeySpec": "EC_SM2"},
        {"WrappingKeySpec": "RSA_1024"},
        {"PublicKeyBlob": "not base64!"},
        {"PublicKeyBlob": text(b"no key")},
    ):
        run.refused("InvalidParameter", 400, operation, **rest, **wrapper() | wrong)
    run.refused("MissingParameter", 400, operation, **rest, **wrapper() | {"PublicKeyBlob": ""})


@check("ExportDataKey")
def a_data_key_leaves_for_openssl(run: Run) -> None:
    key = run.dev["key_id"]
    for algorithm in ALGORITHMS:
        made = run.see("GenerateDataKey", KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
        blob = {"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": CONTEXT}
        body = run.ok("ExportDataKey", **blob, **wrapper(algorithm))
        match(body, {"KeyId": key, "KeyVersionId": made["KeyVersionId"], "ExportedDataKey": BASE64})
        match(body, {"Plaintext": ABSENT})
        require(unwrapped(body, algorithm) == base64.b64decode(made["Plaintext"]), f"{algorithm}: another data key")


@check("ExportDataKey")
def a_data_key_leaves_only_in_its_context_and_for_a_known_key(run: Run) -> None:
    made = run.see("GenerateDataKey", KeyId=run.dev["key_id"], EncryptionContext=CONTEXT)
    blob = {"CiphertextBlob": made["CiphertextBlob"]}
    run.refused("InvalidParameter", 400, "ExportDataKey", **blob, **wrapper())
    refuses_wrong_wrappers(run, "ExportDataKey", **blob, EncryptionContext=CONTEXT)
    run.refused("InvalidParameter", 400, "ExportDataKey", CiphertextBlob="not base64!", **wrapper())
    large = run.see("GenerateDataKey", KeyId=run.dev["key_id"], NumberOfBytes=191)["CiphertextBlob"]
    run.refused("InvalidParameter", 400, "ExportDataKey", CiphertextBlob=large, **wrapper())
    key = a_key(run, "closed export")
    blob = run.see("GenerateDataKey", KeyId=key)["CiphertextBlob"]
    run.refused("Forbidden.NoPermission", 403, "ExportDataKey", who="user", CiphertextBlob=blob, **wrapper())
    run.aside("DisableKey", KeyId=key)
    run.refused("Rejected.Disabled", 409, "ExportDataKey", CiphertextBlob=blob, **wrapper())
    run.aside("EnableKey", KeyId=key)


@check("GenerateAndExportDataKey")
def a_new_data_key_leaves_for_openssl_and_stays_as_a_blob(run: Run) -> None:
    key = run.dev["key_id"]
    primary = run.see("DescribeKey", KeyId=key)["KeyMetadata"]["PrimaryKeyVersion"]
    for algorithm in ALGORITHMS:
        for size, length in (({}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 100}, 100)):
            body = run.ok(
                "GenerateAndExportDataKey", KeyId=key, EncryptionContext=CONTEXT, **size, **wrapper(algorithm)
            )
            match(body, {"KeyId": key, "KeyVersionId": primary, "CiphertextBlob": BASE64, "Plaintext": ABSENT})
            data_key = unwrapped(body, algorithm)
            require(len(data_key) == length, f"{size}: a data key of {len(data_key)} bytes")
            opened = run.see("Decrypt", CiphertextBlob=body["CiphertextBlob"], EncryptionContext=CONTEXT)
            match(opened, {"Plaintext": text(data_key)})


@check("GenerateAndExportDataKey")
def a_new_data_key_leaves_only_for_a_known_key(run: Run) -> None:
    operation, key = "GenerateAndExportDataKey", a_key(run, "closed export")
    refuses_wrong_wrappers(run, operation, KeyId=key)
    run.refused("InvalidParameter", 400, operation, KeyId=key, NumberOfBytes=191, **wrapper())
    run.refused("InvalidParameter", 400, operation, KeyId=key, KeySpec="AES_512", **wrapper())
    run.refused("Forbidden.KeyNotFound", 404, operation, KeyId=NO_KEY, **wrapper())
    run.refused("Forbidden.NoPermission", 403, operation, who="user", KeyId=key, **wrapper())
    run.aside("DisableKey", KeyId=key)
    run.refused("Rejected.Disabled", 409, operation, KeyId=key, **wrapper())
    run.aside("EnableKey", KeyId=key)


def data_key_versions(run: Run, count: int) -> tuple[str, list[str]]:
    """A data key with a name, and the ids of its versions, oldest first. Only administration makes them."""
    name = run.name("managed")
    made = [run.aside("yaoku:CreateManagedDataKeyVersion", DataKeyName=name) for _ in range(count)]
    return name, [each["DataKeyVersionId"] for each in made]


def managed(run: Run, name: str, expected: str, **parameters: Any) -> dict[str, Any]:
    body = run.ok("GetManagedDataKey", DataKeyName=name, **parameters)
    match(body, {"DataKeyName": name, "DataKeyVersionId": VERSION, "Plaintext": BASE64})
    match(body, {"DataKeyVersionId": expected, "DataKeyVersionName": f"kms-datakeyversion!{name}!{expected}"})
    require(len(base64.b64decode(body["Plaintext"], validate=True)) == 32, "a data key is not of 32 bytes")
    return body


@check("GetManagedDataKey")
def a_named_data_key_is_the_oldest_version_unless_another_is_asked_for(run: Run) -> None:
    name, (oldest, newest) = data_key_versions(run, 2)
    first, last = managed(run, name, oldest), managed(run, name, newest, UseLatest=True)
    require(first["Plaintext"] != last["Plaintext"], "two versions are one key")
    match(managed(run, name, newest, DataKeyVersionId=newest), {"Plaintext": last["Plaintext"]})
    secret = run.see("GetSecretValue", SecretName=first["DataKeyVersionName"])
    match(secret, {"SecretData": first["Plaintext"]})


@check("GetManagedDataKey")
def a_data_key_that_is_not_there_is_not_found(run: Run) -> None:
    name, _ = data_key_versions(run, 1)
    run.refused("Forbidden.ResourceNotFound", 404, "GetManagedDataKey", DataKeyName=run.name("nothing"))
    absent = {"DataKeyName": name, "DataKeyVersionId": "xH6OPUmz"}
    run.refused("Forbidden.ResourceNotFound", 404, "GetManagedDataKey", **absent)
    run.refused("MissingParameter", 400, "GetManagedDataKey", DataKeyName="")
    run.refused("Forbidden.NoPermission", 403, "GetManagedDataKey", who="user", DataKeyName=name)


@check("ListManagedDataKeyVersions")
def the_versions_of_a_named_data_key_are_listed(run: Run) -> None:
    name, ids = data_key_versions(run, 3)
    operation, wrapped = "ListManagedDataKeyVersions", ("ManagedDataKeyVersions", "ManagedDataKeyVersion")
    body = run.ok(operation, DataKeyName=name)
    match(body, {"DataKeyName": name, "PageNumber": 1, "PageSize": 10, "TotalCount": 3})
    found = run.list(body, *wrapped)
    require([each["DataKeyVersionId"] for each in found] == ids, f"{found} are not {ids}")
    match(found[0], {"DataKeyVersionName": f"kms-datakeyversion!{name}!{ids[0]}"})
    second = run.list(run.ok(operation, DataKeyName=name, PageNumber=2, PageSize=2), *wrapped)
    require([each["DataKeyVersionId"] for each in second] == ids[2:], f"the second page is {second}")
    run.refused("InvalidParameter", 400, operation, DataKeyName=name, PageSize=101)
    run.refused("Forbidden.ResourceNotFound", 404, operation, DataKeyName=run.name("nothing"))
    run.refused("Forbidden.NoPermission", 403, operation, who="user", DataKeyName=name)
