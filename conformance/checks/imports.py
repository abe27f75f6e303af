"""Imported material: wrapped by openssl, never by us. Sources: keys.md §5, §12, §18."""

import base64
import secrets
import time
from typing import Any, NamedTuple

from checks import openssl
from checks.asymmetric import text
from checks.keys import NO_KEY
from checks.pairs import SHA_256
from checks.run import ABSENT, BASE64, TIME, Run, check, items, match, require

SPEC = {"WrappingKeySpec": "RSA_2048"}
ALGORITHM = "RSAES_OAEP_SHA_256"
WRAPPED_BY = ("RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5")


def external_key(run: Run, **parameters: Any) -> str:
    """A key that waits for its material."""
    metadata = run.aside("CreateKey", Origin="EXTERNAL", **parameters)["KeyMetadata"]
    match(metadata, {"KeyState": "PendingImport", "Origin": "EXTERNAL", "PrimaryKeyVersion": ABSENT})
    key: str = metadata["KeyId"]
    return key


class Import(NamedTuple):
    """One key's token and public key, good for many attempts."""

    key: str
    token: str
    public: bytes
    algorithm: str

    def of(self, material: bytes) -> dict[str, str]:
        wrapped = text(openssl.encrypt(self.public, self.algorithm, material))
        return {"KeyId": self.key, "ImportToken": self.token, "EncryptedKeyMaterial": wrapped}


def external_pair(run: Run, spec: str) -> str:
    """A key that waits for somebody's private key."""
    return external_key(run, KeySpec=spec, KeyUsage="SIGN/VERIFY")


def begin(run: Run, key: str, algorithm: str = ALGORITHM) -> Import:
    body = run.see("GetParametersForImport", KeyId=key, **SPEC, WrappingAlgorithm=algorithm)
    return Import(key, body["ImportToken"], base64.b64decode(body["PublicKey"]), algorithm)


def state_of(run: Run, key: str) -> Any:
    return run.see("DescribeKey", KeyId=key)["KeyMetadata"]["KeyState"]


def imported_key(run: Run) -> tuple[str, bytes]:
    """A key with imported material, and the material."""
    key, material = external_key(run), secrets.token_bytes(32)
    run.aside("ImportKeyMaterial", **begin(run, key).of(material))
    return key, material


@check("GetParametersForImport")
def each_call_gives_a_fresh_key_and_token(run: Run) -> None:
    key = external_key(run)
    seen = set()
    for algorithm in WRAPPED_BY:
        body = run.ok("GetParametersForImport", KeyId=key, **SPEC, WrappingAlgorithm=algorithm)
        match(body, {"KeyId": key, "PublicKey": BASE64, "ImportToken": BASE64, "TokenExpireTime": TIME})
        said = openssl.openssl(
            "pkey", "-pubin", "-inform", "DER", "-noout", "-text", data=base64.b64decode(body["PublicKey"])
        )
        require(b"2048 bit" in said, f"the public key is {said.decode()[:80]}")
        seen |= {body["PublicKey"], body["ImportToken"]}
    require(len(seen) == 2 * len(WRAPPED_BY), "a key or a token came twice")
    require(state_of(run, key) == "PendingImport", "asking changed the state")


@check("GetParametersForImport")
def a_key_of_sm2_is_given_for_what_sm2_wraps(run: Run) -> None:
    sm2 = {"WrappingKeySpec": "EC_SM2"}
    for key, algorithm in ((external_key(run), "SM2PKE"), (external_pair(run, "EC_SM2"), "SM2PKE_SM4_ECB")):
        body = run.ok("GetParametersForImport", KeyId=key, **sm2, WrappingAlgorithm=algorithm)
        der = base64.b64decode(body["PublicKey"])
        said = openssl.openssl("pkey", "-pubin", "-inform", "DER", "-noout", "-text", data=der)
        require(b"SM2" in said, f"the public key is {said.decode()[:80]}")


@check("GetParametersForImport")
def only_a_key_of_external_origin_takes_material(run: Run) -> None:
    operation, key = "GetParametersForImport", external_key(run)
    rest = {**SPEC, "WrappingAlgorithm": ALGORITHM}
    run.refused("Unsupported.Origin", 400, operation, KeyId=run.dev["key_id"], **rest)
    run.refused("Unsupported.Alias", 400, operation, KeyId=run.dev["key_alias"], **rest)
    run.refused("Forbidden.KeyNotFound", 404, operation, KeyId=NO_KEY, **rest)
    run.refused("Forbidden.NoPermission", 403, operation, who="user", KeyId=key, **rest)
    for algorithm in ("SM2PKE", "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD", "RSAES_OAEP_MD5"):
        run.refused("InvalidParameter", 400, operation, KeyId=key, **rest | {"WrappingAlgorithm": algorithm})
    run.refused("InvalidParameter", 400, operation, KeyId=key, **rest | {"WrappingKeySpec": "RSA_1024"})


@check("ImportKeyMaterial")
def material_under_every_rsa_algorithm_makes_the_key_usable(run: Run) -> None:
    for algorithm in WRAPPED_BY:
        key = external_key(run)
        run.ok("ImportKeyMaterial", **begin(run, key, algorithm).of(secrets.token_bytes(32)))
        metadata = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
        match(metadata, {"KeyState": "Enabled", "MaterialExpireTime": ABSENT})
        [version] = items(run.aside("ListKeyVersions", KeyId=key), "KeyVersions", "KeyVersion")
        match(run.aside("DescribeKey", KeyId=key)["KeyMetadata"], {"PrimaryKeyVersion": version["KeyVersionId"]})
        blob = run.see("Encrypt", KeyId=key, Plaintext="under it")["CiphertextBlob"]
        match(run.see("Decrypt", CiphertextBlob=blob), {"Plaintext": "under it", "KeyId": key})


@check("ImportKeyMaterial")
def somebody_s_private_key_signs_here(run: Run) -> None:
    for spec, algorithm in (("RSA_2048", "RSA_PSS_SHA_256"), ("EC_P256", "ECDSA_SHA_256")):
        key, private = external_pair(run, spec), openssl.private_key(spec)
        here = begin(run, key, ALGORITHM + openssl.HYBRID)
        other = openssl.private_key("EC_P256" if spec == "RSA_2048" else "RSA_2048")
        run.refused("InvalidKeyMaterial", 400, "ImportKeyMaterial", **here.of(other))
        run.ok("ImportKeyMaterial", **here.of(private))
        [version] = items(run.aside("ListKeyVersions", KeyId=key), "KeyVersions", "KeyVersion")
        named = {"KeyId": key, "KeyVersionId": version["KeyVersionId"], "Algorithm": algorithm}
        signature = base64.b64decode(run.see("AsymmetricSign", **named, Digest=text(SHA_256))["Value"])
        judged = openssl.verifies(openssl.public_key(private), algorithm, SHA_256, signature)
        require(judged, f"{spec}: openssl does not know its own key again")


@check("ImportKeyMaterial")
def the_same_material_comes_back_and_no_other(run: Run) -> None:
    key, material = imported_key(run)
    blob = run.see("Encrypt", KeyId=key, Plaintext="before")["CiphertextBlob"]
    run.aside("DeleteKeyMaterial", KeyId=key)
    again = begin(run, key)
    run.refused("InvalidKeyMaterial", 400, "ImportKeyMaterial", **again.of(secrets.token_bytes(32)))
    require(state_of(run, key) == "PendingImport", "other material changed the state")
    expires = int(time.time()) + 86400
    run.ok("ImportKeyMaterial", **again.of(material), KeyMaterialExpireUnix=expires)
    metadata = run.see("DescribeKey", KeyId=key)["KeyMetadata"]
    said = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
    match(metadata, {"KeyState": "Enabled", "MaterialExpireTime": said})
    match(run.see("Decrypt", CiphertextBlob=blob), {"Plaintext": "before"})


@check("ImportKeyMaterial")
def what_is_not_the_key_s_material_is_refused(run: Run) -> None:
    operation, key = "ImportKeyMaterial", external_key(run)
    here = begin(run, key)
    good = here.of(secrets.token_bytes(32))
    run.refused("InvalidKeyMaterial", 400, operation, **here.of(secrets.token_bytes(16)))
    unopened = {"EncryptedKeyMaterial": text(secrets.token_bytes(256))}
    run.refused("InvalidKeyMaterial", 400, operation, **good | unopened)
    token = base64.b64decode(here.token)
    altered = text(token[:-1] + bytes([token[-1] ^ 1]))
    for wrong in (altered, text(b"no token"), begin(run, external_key(run)).token):
        run.refused("InvalidImportToken", 400, operation, **good | {"ImportToken": wrong})
    run.refused("InvalidParameter", 400, operation, **good, KeyMaterialExpireUnix=1)
    run.refused("InvalidParameter", 400, operation, **good | {"EncryptedKeyMaterial": "not base64!"})
    run.refused("Unsupported.Origin", 400, operation, **good | {"KeyId": run.dev["key_id"]})
    run.refused("Unsupported.Alias", 400, operation, **good | {"KeyId": run.dev["key_alias"]})
    run.refused("Forbidden.KeyNotFound", 404, operation, **good | {"KeyId": NO_KEY})
    run.refused("Forbidden.NoPermission", 403, operation, who="user", **good)
    require(state_of(run, key) == "PendingImport", "a refusal changed the state")
    run.refused("Rejected.PendingImport", 409, "Encrypt", KeyId=key, Plaintext="x")


@check("DeleteKeyMaterial")
def a_key_without_its_material_waits_for_it(run: Run) -> None:
    key, material = imported_key(run)
    version = run.see("DescribeKey", KeyId=key)["KeyMetadata"]["PrimaryKeyVersion"]
    blob = run.see("Encrypt", KeyId=key, Plaintext="kept")["CiphertextBlob"]
    run.ok("DeleteKeyMaterial", KeyId=key)
    require(state_of(run, key) == "PendingImport", "the key does not wait")
    run.ok("DeleteKeyMaterial", KeyId=key)
    run.refused("Rejected.PendingImport", 409, "Decrypt", CiphertextBlob=blob)
    run.aside("ImportKeyMaterial", **begin(run, key).of(material))
    match(run.see("Decrypt", CiphertextBlob=blob), {"Plaintext": "kept", "KeyVersionId": version})


@check("DeleteKeyMaterial")
def a_pair_without_its_private_key_does_nothing(run: Run) -> None:
    key = external_pair(run, "EC_P256")
    run.aside("ImportKeyMaterial", **begin(run, key, ALGORITHM + openssl.HYBRID).of(openssl.private_key("EC_P256")))
    [version] = items(run.aside("ListKeyVersions", KeyId=key), "KeyVersions", "KeyVersion")
    named = {"KeyId": key, "KeyVersionId": version["KeyVersionId"]}
    run.see("GetPublicKey", **named)
    run.ok("DeleteKeyMaterial", KeyId=key)
    run.refused("Rejected.PendingImport", 409, "GetPublicKey", **named)
    signing = {"Algorithm": "ECDSA_SHA_256", "Digest": text(SHA_256)}
    run.refused("Rejected.PendingImport", 409, "AsymmetricSign", **named, **signing)


@check("DeleteKeyMaterial")
def only_imported_material_is_deleted(run: Run) -> None:
    key, _ = imported_key(run)
    run.refused("Unsupported.Origin", 400, "DeleteKeyMaterial", KeyId=run.dev["key_id"])
    run.refused("Unsupported.Alias", 400, "DeleteKeyMaterial", KeyId=run.dev["key_alias"])
    run.refused("Forbidden.KeyNotFound", 404, "DeleteKeyMaterial", KeyId=NO_KEY)
    run.refused("Forbidden.NoPermission", 403, "DeleteKeyMaterial", who="user", KeyId=key)
    require(state_of(run, key) == "Enabled", "a refusal changed the state")
