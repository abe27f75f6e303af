"""Symmetric cryptography. Sources: keys.md §9, §18."""

import base64
from typing import Any

from checks.keys import NO_KEY, a_key, key_arn
from checks.pairs import denied, made, opener
from checks.run import ABSENT, BASE64, CheckFailed, Run, check, match, require

CONTEXT = {"purpose": "a & b = ü", "order": "1"}
SAME_CONTEXT = {"order": "1", "purpose": "a & b = ü"}
TEXTS = ("plaintext", "aGVsbG8=", 'ünï "quoted" + %41 ~*\'() 密钥', "x" * 8192)


def identified(run: Run, body: dict[str, Any], key: str) -> None:
    """The answer names the key by its id, and the version that is its primary one."""
    primary = run.see("DescribeKey", KeyId=key)["KeyMetadata"]["PrimaryKeyVersion"]
    match(body, {"KeyId": key, "KeyVersionId": primary})


@check("Encrypt")
def a_text_comes_back_as_it_went_in(run: Run) -> None:
    key = run.dev["key_id"]
    for text in TEXTS:
        body = run.ok("Encrypt", KeyId=key, Plaintext=text)
        match(body, {"CiphertextBlob": BASE64})
        identified(run, body, key)
        match(run.see("Decrypt", CiphertextBlob=body["CiphertextBlob"]), {"Plaintext": text, "KeyId": key})


@check("Encrypt")
def the_blob_begins_with_the_key_version(run: Run) -> None:
    body = run.ok("Encrypt", KeyId=run.dev["key_alias"], Plaintext="12345")
    blob = base64.b64decode(body["CiphertextBlob"], validate=True)
    require(blob[:36].decode() == body["KeyVersionId"], "the blob does not begin with its key version")
    require(len(blob) == 36 + 12 + 5 + 16, f"a blob of 5 bytes of text has {len(blob)} bytes")


@check("Encrypt")
def a_user_may_encrypt_by_id_arn_and_alias(run: Run) -> None:
    key = run.dev["key_id"]
    for name in (key, key_arn(run, key), run.dev["key_alias"]):
        match(run.ok("Encrypt", who="user", KeyId=name, Plaintext="x"), {"KeyId": key})


@check("Encrypt")
def what_cannot_be_encrypted_is_refused(run: Run) -> None:
    key = run.dev["key_id"]
    run.refused("Forbidden.KeyNotFound", 404, "Encrypt", KeyId=NO_KEY, Plaintext="x")
    run.refused("Forbidden.AliasNotFound", 404, "Encrypt", KeyId=f"alias/{run.name('x')}", Plaintext="x")
    run.refused("MissingParameter", 400, "Encrypt", KeyId=key, Plaintext="")
    run.refused("InvalidParameter", 400, "Encrypt", KeyId=key, Plaintext="x" * 8193)
    if run.knows("Encrypt", "DryRun"):
        run.refused("DryRunOperationError", 400, "Encrypt", KeyId=key, Plaintext="x", DryRun="true")


@check("Encrypt")
def a_key_of_another_kind_does_not_encrypt(run: Run) -> None:
    for pair in (opener(run, "RSA_2048"), made(run, "Aliyun_HMAC_SHA_256", "GENERATE/VERIFY")):
        run.refused("UnsupportedOperation", 400, "Encrypt", KeyId=pair.key, Plaintext="x")


@check("Encrypt")
def the_user_is_kept_out_by_a_key_s_policy(run: Run) -> None:
    key = denied(run, "Aliyun_AES_256", "ENCRYPT/DECRYPT").key
    run.refused("Forbidden.NoPermission", 403, "Encrypt", who="user", KeyId=key, Plaintext="x")


@check("Encrypt")
def no_context_has_many_spellings_and_a_wrong_one_is_refused(run: Run) -> None:
    key = {"KeyId": run.dev["key_id"], "Plaintext": "x"}
    for spelling in ("{}", "null"):
        blob = run.ok("Encrypt", **key, EncryptionContext=spelling)["CiphertextBlob"]
        match(run.aside("Decrypt", CiphertextBlob=blob), {"Plaintext": "x"})
    if run.driver.name == "npm-kms20160120":  # it sends a parameter for each member, so all values are text
        return
    for wrong in ({"a": 1}, {"a": {"b": "c"}}):  # not as text, of which 2.4.0 makes "null"
        run.refused("InvalidParameter", 400, "Encrypt", **key, EncryptionContext=wrong)


@check("Encrypt")
def a_product_has_a_key_of_its_own_once_its_alias_is_used(run: Run) -> None:
    product = "alias/acs/mse"
    made = run.ok("Encrypt", KeyId=product, Plaintext="of a product")
    match(run.ok("Encrypt", KeyId=product, Plaintext="again"), {"KeyId": made["KeyId"]})
    match(run.aside("DescribeKey", KeyId=product)["KeyMetadata"], {"KeyId": made["KeyId"], "KeyState": "Enabled"})
    match(run.see("Decrypt", CiphertextBlob=made["CiphertextBlob"]), {"Plaintext": "of a product"})
    run.refused("Forbidden.AliasNotFound", 404, "Encrypt", KeyId="alias/acs/unheard-of", Plaintext="x")


@check("Decrypt")
def a_blob_opens_only_in_its_context(run: Run) -> None:
    made = run.see("Encrypt", KeyId=run.dev["key_id"], Plaintext="in context", EncryptionContext=CONTEXT)
    blob = made["CiphertextBlob"]
    body = run.ok("Decrypt", CiphertextBlob=blob, EncryptionContext=SAME_CONTEXT)
    match(body, {"Plaintext": "in context", "KeyId": run.dev["key_id"], "KeyVersionId": made["KeyVersionId"]})
    run.refused("InvalidParameter", 400, "Decrypt", CiphertextBlob=blob)
    other = CONTEXT | {"order": "2"}
    run.refused("InvalidParameter", 400, "Decrypt", CiphertextBlob=blob, EncryptionContext=other)


@check("Decrypt")
def a_user_may_decrypt(run: Run) -> None:
    blob = run.see("Encrypt", KeyId=run.dev["key_id"], Plaintext="for the user")["CiphertextBlob"]
    match(run.ok("Decrypt", who="user", CiphertextBlob=blob), {"Plaintext": "for the user"})


@check("Decrypt")
def an_altered_blob_is_refused(run: Run) -> None:
    blob = base64.b64decode(run.see("Encrypt", KeyId=run.dev["key_id"], Plaintext="whole")["CiphertextBlob"])
    for place in (40, 50, len(blob) - 1):  # the IV, the text, the tag
        altered = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        run.refused("InvalidParameter", 400, "Decrypt", CiphertextBlob=base64.b64encode(altered).decode())
    run.refused("InvalidParameter", 400, "Decrypt", CiphertextBlob="not base64!")
    foreign = NO_KEY.encode() + blob[36:]
    run.refused("Forbidden.KeyNotFound", 404, "Decrypt", CiphertextBlob=base64.b64encode(foreign).decode())


@check("Decrypt")
def a_blob_of_a_disabled_key_stays_closed(run: Run) -> None:
    key = a_key(run, "closed")
    blob = run.see("Encrypt", KeyId=key, Plaintext="x")["CiphertextBlob"]
    run.aside("DisableKey", KeyId=key)
    run.refused("Rejected.Disabled", 409, "Decrypt", CiphertextBlob=blob)
    run.aside("EnableKey", KeyId=key)
    match(run.ok("Decrypt", CiphertextBlob=blob), {"Plaintext": "x"})


def refuses_a_recipient(run: Run, operation: str, **parameters: Any) -> None:
    """Whoever names a recipient expects no plaintext: it is never ignored."""
    if run.knows(operation, "Recipient"):
        run.refused("UnsupportedOperation", 400, operation, **parameters, Recipient="someone")


@check("Decrypt")
def a_recipient_is_refused(run: Run) -> None:
    blob = run.see("Encrypt", KeyId=run.dev["key_id"], Plaintext="x")["CiphertextBlob"]
    refuses_a_recipient(run, "Decrypt", CiphertextBlob=blob)


@check("GenerateDataKey")
def a_recipient_of_a_data_key_is_refused(run: Run) -> None:
    refuses_a_recipient(run, "GenerateDataKey", KeyId=run.dev["key_id"])


@check("ReEncrypt")
def a_blob_moves_to_another_key_and_context(run: Run) -> None:
    source, target = run.dev["key_id"], a_key(run, "moved to")
    made = run.see("Encrypt", KeyId=source, Plaintext="moving", EncryptionContext=CONTEXT)
    body = run.ok(
        "ReEncrypt",
        CiphertextBlob=made["CiphertextBlob"],
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=target,
        DestinationEncryptionContext={"new": "context"},
    )
    match(body, {"KeyId": source, "KeyVersionId": made["KeyVersionId"], "CiphertextBlob": BASE64})
    opened = run.see("Decrypt", CiphertextBlob=body["CiphertextBlob"], EncryptionContext={"new": "context"})
    match(opened, {"Plaintext": "moving", "KeyId": target})


@check("ReEncrypt")
def what_a_pair_encrypted_moves_under_a_key(run: Run) -> None:
    pair, target = opener(run, "RSA_2048"), a_key(run, "moved to")
    named = {**pair.named(), "Algorithm": "RSAES_OAEP_SHA_256"}
    blob = run.see("AsymmetricEncrypt", **named, Plaintext="aGVsbG8=")["CiphertextBlob"]
    source = {"SourceKeyId": pair.key, "SourceKeyVersionId": pair.version}
    whole = {**source, "SourceEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    body = run.ok("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=target, **whole)
    match(body, {**pair.named(), "CiphertextBlob": BASE64})
    match(run.see("Decrypt", CiphertextBlob=body["CiphertextBlob"]), {"Plaintext": "aGVsbG8=", "KeyId": target})
    run.refused("MissingParameter", 400, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=target, **source)


@check("ReEncrypt")
def a_blob_moves_only_from_its_context_and_to_a_key(run: Run) -> None:
    target = a_key(run, "moved to")
    blob = run.see("Encrypt", KeyId=run.dev["key_id"], Plaintext="x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    run.refused("InvalidParameter", 400, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=target)
    parameters = {"CiphertextBlob": blob, "SourceEncryptionContext": CONTEXT}
    run.refused("Forbidden.KeyNotFound", 404, "ReEncrypt", **parameters, DestinationKeyId=NO_KEY)
    run.refused("Forbidden.NoPermission", 403, "ReEncrypt", who="user", **parameters, DestinationKeyId=target)


def data_key_of(run: Run, operation: str, size: int, **parameters: Any) -> None:
    """A data key of this many bytes, which opens to the very text that the answer gave."""
    key = run.dev["key_id"]
    body = run.ok(operation, KeyId=key, EncryptionContext=CONTEXT, **parameters)
    match(body, {"CiphertextBlob": BASE64})
    identified(run, body, key)
    opened = run.see("Decrypt", CiphertextBlob=body["CiphertextBlob"], EncryptionContext=CONTEXT)
    match(opened, {"Plaintext": body["Plaintext"] if operation == "GenerateDataKey" else BASE64})
    if operation != "GenerateDataKey":
        match(body, {"Plaintext": ABSENT})
    found = len(base64.b64decode(opened["Plaintext"], validate=True))
    if found != size:
        raise CheckFailed(f"{parameters}: a data key of {found} bytes, not {size}")


def data_keys_have_the_size_asked_for(run: Run, operation: str) -> None:
    data_key_of(run, operation, 32)
    data_key_of(run, operation, 16, KeySpec="AES_128")
    data_key_of(run, operation, 32, KeySpec="AES_256")
    data_key_of(run, operation, 1, NumberOfBytes=1)
    data_key_of(run, operation, 1024, NumberOfBytes=1024, KeySpec="AES_128")


def data_keys_out_of_bounds_are_refused(run: Run, operation: str) -> None:
    run.refused("InvalidParameter", 400, operation, KeyId=run.dev["key_id"], NumberOfBytes=1025)
    run.refused("InvalidParameter", 400, operation, KeyId=run.dev["key_id"], KeySpec="AES_512")
    run.refused("Forbidden.KeyNotFound", 404, operation, KeyId=NO_KEY)
    key = a_key(run, "closed")
    run.aside("DisableKey", KeyId=key)
    run.refused("Rejected.Disabled", 409, operation, KeyId=key)
    run.aside("EnableKey", KeyId=key)
    match(run.ok(operation, who="user", KeyId=run.dev["key_alias"]), {"KeyId": run.dev["key_id"]})


@check("GenerateDataKey")
def a_data_key_has_the_size_asked_for(run: Run) -> None:
    data_keys_have_the_size_asked_for(run, "GenerateDataKey")


@check("GenerateDataKey")
def a_data_key_out_of_bounds_is_refused(run: Run) -> None:
    data_keys_out_of_bounds_are_refused(run, "GenerateDataKey")


@check("GenerateDataKeyWithoutPlaintext")
def a_closed_data_key_has_the_size_asked_for(run: Run) -> None:
    data_keys_have_the_size_asked_for(run, "GenerateDataKeyWithoutPlaintext")


@check("GenerateDataKeyWithoutPlaintext")
def a_closed_data_key_out_of_bounds_is_refused(run: Run) -> None:
    data_keys_out_of_bounds_are_refused(run, "GenerateDataKeyWithoutPlaintext")
